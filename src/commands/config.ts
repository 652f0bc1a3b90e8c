/**
 * CONFIG: reading and changing the configuration while the server runs.
 *
 * SET checks every pair before it changes anything, then has every Worker apply all of them, and
 * replies when all have: the next command of any client that has seen the OK runs with the new
 * values. Two clients that set the same parameter at the same moment can leave Workers with either
 * value; a third SET settles it. The parameters themselves are data: config-params.ts.
 */
import { matchesGlob } from "../base/glob.ts";
import type { Settings } from "../base/settings.ts";
import { configSetFailed, errorTexts, unknownConfigOption } from "../resp/errors.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import { arg, block } from "./arguments.ts";
import { type CommandFlag, type CommandSpec, runContainer } from "./command.ts";
import type { Parameter } from "./config-kinds.ts";
import { findParameter, parameterNames } from "./config-params.ts";
import type { Context } from "./context.ts";
import { helpCommand } from "./help.ts";
import { outsideCounters } from "./info-sections.ts";
import type { ServerContext } from "./server-context.ts";

const START_ONLY = "decided at start-up, restart the server to change it";
const GLOB_CHARACTERS = /[*?[]/;

function get(c: Context): void {
  const found = new Map<string, Parameter>();
  for (let i = 2; i < c.count; i++) collect(c.text(i), found);
  c.out.mapHeader(found.size);
  for (const [name, parameter] of found) {
    c.out.bulkLatin1(name);
    c.out.bulkLatin1(parameter.read(c.settings));
  }
}

/**
 * Adds what `pattern` names: a plain name under the spelling that was asked for, a glob under the
 * known names.
 */
function collect(pattern: string, found: Map<string, Parameter>): void {
  if (!GLOB_CHARACTERS.test(pattern)) {
    const parameter = findParameter(pattern);
    if (parameter !== null) found.set(pattern, parameter);
    return;
  }
  const bytes = Buffer.from(pattern.toLowerCase(), "latin1");
  for (const [name, parameter] of parameterNames()) {
    const text = Buffer.from(name, "latin1");
    if (matchesGlob(bytes, 0, bytes.length, text, 0, text.length)) found.set(name, parameter);
  }
}

/** Names and values of CONFIG SET. */
export type Assignments = [name: string, value: string][];

function set(c: Context): void {
  if (c.count % 2 !== 0) {
    c.out.error(errorTexts.syntax);
    return;
  }
  const assignments: Assignments = [];
  for (let i = 2; i < c.count; i += 2) assignments.push([c.text(i), c.text(i + 1)]);
  const error = checkNames(assignments) ?? checkValues(c.settings, assignments);
  if (error !== null) {
    c.out.error(error);
    return;
  }
  const done = c.server.peers.ask("config-set", assignments);
  c.defer(done.then(() => (out: ReplyWriter) => out.ok()));
}

function checkNames(assignments: Assignments): string | null {
  const seen = new Set<string>();
  for (const [name] of assignments) {
    const parameter = findParameter(name);
    if (parameter === null) return unknownConfigOption(name);
    if (parameter.isImmutable) return configSetFailed(name, "can't set immutable config");
    if (parameter.isProtected) return configSetFailed(name, "can't set protected config");
    if (seen.has(name.toLowerCase())) return configSetFailed(name, "duplicate parameter");
    seen.add(name.toLowerCase());
  }
  return null;
}

function checkValues(settings: Settings, assignments: Assignments): string | null {
  for (const [name, value] of assignments) {
    const parameter = findParameter(name);
    const isFixed = parameter?.isStartOnly === true && value !== parameter.read(settings);
    const reason = isFixed ? START_ONLY : (parameter?.refuse(value) ?? null);
    if (reason !== null) return configSetFailed(name, reason);
  }
  return null;
}

/** The part of CONFIG SET that runs on every Worker. The assignments have been checked. */
export function applyAssignments(server: ServerContext, assignments: Assignments): void {
  for (const [name, value] of assignments) findParameter(name)?.apply(server.settings, value);
  // Without a password nobody has to prove anything, whoever connected while there was one
  // included.
  if (server.settings.passwordDigest === null) {
    for (const session of server.sessions()) session.isAuthenticated = true;
  }
  server.settingsChanged();
}

function resetStat(c: Context): void {
  c.server.stats.resetShared(c.store.usedMemory(), outsideCounters(c.server));
  const done = c.server.peers.ask("reset-stats", null);
  c.defer(done.then(() => (out: ReplyWriter) => out.ok()));
}

function rewrite(c: Context): void {
  // A file of the user's is not ours to rewrite: what CONFIG SET changes lasts until the server
  // stops.
  if (c.settings.configFile === "") c.out.error("ERR The server is running without a config file");
  else c.out.error("ERR Rewriting config file: Operation not supported");
}

const FLAGS: readonly CommandFlag[] = ["admin", "noscript", "loading", "stale"];
const ALL_NODES = ["request_policy:all_nodes", "response_policy:all_succeeded"];
const PER_PARAMETER = "O(N) when N is the number of configuration parameters provided";

const subcommands: readonly CommandSpec[] = [
  {
    name: "config|get",
    arity: -3,
    flags: FLAGS,
    group: "server",
    since: "2.0.0",
    summary: "Shows the parameters that match, with their values.",
    complexity: PER_PARAMETER,
    arguments: [arg("parameter", "string", { multiple: true })],
    run: get,
  },
  {
    name: "config|set",
    arity: -4,
    flags: FLAGS,
    group: "server",
    since: "2.0.0",
    summary: "Changes parameters, all of them or none.",
    complexity: PER_PARAMETER,
    tips: ALL_NODES,
    arguments: [
      block("data", [arg("parameter", "string"), arg("value", "string")], { multiple: true }),
    ],
    run: set,
  },
  {
    name: "config|resetstat",
    arity: 2,
    flags: FLAGS,
    group: "server",
    since: "2.0.0",
    summary: "Starts the counters of INFO again from zero.",
    complexity: "O(1)",
    tips: ALL_NODES,
    run: resetStat,
  },
  {
    name: "config|rewrite",
    arity: 2,
    flags: FLAGS,
    group: "server",
    since: "2.8.0",
    summary: "Refuses: the configuration file is never written by the server.",
    complexity: "O(1)",
    tips: ALL_NODES,
    run: rewrite,
  },
  helpCommand("config", "server", "5.0.0", [
    ["GET <pattern>", "Return parameters matching the glob-like <pattern> and their values."],
    ["SET <directive> <value>", "Set the configuration <directive> to <value>."],
    ["RESETSTAT", "Reset statistics reported by the INFO command."],
    ["REWRITE", "Rewrite the configuration file."],
  ]),
];

export const configCommands: readonly CommandSpec[] = [
  {
    name: "config",
    arity: -2,
    flags: [],
    group: "server",
    since: "2.0.0",
    summary: "Shows and changes the configuration of the running server.",
    complexity: "Depends on subcommand.",
    subcommands,
    run: runContainer,
  },
];
