/**
 * INFO: the sections that were asked for, as "# Title" and "name:value" lines.
 *
 * Without arguments the default sections; "all" and "everything" give every one. Sections come in
 * the order of Redis, whatever the order of the arguments, each once; unknown names give nothing.
 */
import { arg } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import {
  clientsSection,
  clusterSection,
  commandStatsSection,
  cpuSection,
  emptySection,
  errorStatsSection,
  keyspaceSection,
  memorySection,
  persistenceSection,
  replicationSection,
  type Section,
  serverSection,
  statsSection,
} from "./info-sections.ts";
import type { ServerContext } from "./server-context.ts";

interface NamedSection {
  readonly title: string;
  readonly isDefault: boolean;
  /** "all" leaves modules out, "everything" does not. */
  readonly isInAll: boolean;
  readonly fields: Section;
}

function section(title: string, fields: Section, isDefault = true, isInAll = true): NamedSection {
  return { title, isDefault, isInAll, fields };
}

const sections: readonly NamedSection[] = [
  section("Server", serverSection),
  section("Clients", clientsSection),
  section("Memory", memorySection),
  section("Persistence", persistenceSection),
  section("Stats", statsSection),
  section("Replication", replicationSection),
  section("CPU", cpuSection),
  section("Modules", emptySection, true, false),
  section("Commandstats", commandStatsSection, false),
  section("Errorstats", errorStatsSection),
  section("Latencystats", emptySection, false),
  section("Cluster", clusterSection),
  section("Keyspace", keyspaceSection),
];

function info(c: Context): void {
  const names: string[] = [];
  for (let i = 1; i < c.count; i++) names.push(c.text(i).toLowerCase());
  c.out.verbatim(infoText(c.server, names.length === 0 ? ["default"] : names));
}

/** The text of INFO with `names` (lower case) as its arguments. */
export function infoText(server: ServerContext, names: readonly string[]): string {
  const chosen = sections.filter((one) => isAsked(one, names));
  return chosen.map((one) => sectionText(one, server)).join("\r\n");
}

function isAsked(one: NamedSection, names: readonly string[]): boolean {
  return names.some(
    (name) =>
      name === "everything" ||
      (name === "all" && one.isInAll) ||
      (name === "default" && one.isDefault) ||
      name === one.title.toLowerCase(),
  );
}

function sectionText(one: NamedSection, server: ServerContext): string {
  const lines = one.fields(server).map(([name, value]) => `${name}:${value}\r\n`);
  return `# ${one.title}\r\n${lines.join("")}`;
}

export const infoCommands: readonly CommandSpec[] = [
  {
    name: "info",
    arity: -1,
    flags: ["loading", "stale"],
    group: "server",
    since: "1.0.0",
    summary: "Tells how the server is doing.",
    complexity: "O(1)",
    categories: ["@dangerous"],
    tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    arguments: [arg("section", "string", { optional: true, multiple: true })],
    run: info,
  },
];
