/**
 * SLOWLOG: the slow commands of all Workers, merged by id, newest first.
 *
 * Each Worker keeps slowlog-max-len entries of its own (slow-log.ts); together they show no more
 * than that.
 */
import { unknownSubcommandOrCount } from "../resp/errors.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import { arg } from "./arguments.ts";
import { type CommandFlag, type CommandSpec, runContainer } from "./command.ts";
import type { Context } from "./context.ts";
import { helpCommand } from "./help.ts";
import type { SlowLogEntry } from "./slow-log.ts";

/** Entries of SLOWLOG GET without a count. */
const COUNT_DEFAULT = 10;

function get(c: Context): void {
  if (c.count > 3) {
    c.out.error(unknownSubcommandOrCount(c.text(1), "SLOWLOG"));
    return;
  }
  let count = COUNT_DEFAULT;
  if (c.count === 3) {
    if (!c.parseInteger(2) || c.value < -1) {
      c.out.error("ERR count should be greater than or equal to -1");
      return;
    }
    count = c.value;
  }
  const lengthMax = c.settings.slowlogLengthMax;
  const shown = count < 0 ? lengthMax : Math.min(count, lengthMax);
  const answers = c.server.peers.ask("slowlog-get", shown);
  c.defer(answers.then((entries) => entriesReply(entries as SlowLogEntry[][], shown)));
}

function entriesReply(answers: SlowLogEntry[][], count: number): (out: ReplyWriter) => void {
  const entries = answers.flat().sort((a, b) => b.id - a.id);
  return (out) => writeEntries(out, entries.slice(0, count));
}

function writeEntries(out: ReplyWriter, entries: readonly SlowLogEntry[]): void {
  out.arrayHeader(entries.length);
  for (const entry of entries) {
    out.arrayHeader(6);
    out.integer(entry.id);
    out.integer(entry.timeSeconds);
    out.integer(entry.durationUs);
    out.arrayHeader(entry.arguments.length);
    for (const text of entry.arguments) out.bulkLatin1(text);
    out.bulkLatin1(entry.address);
    out.bulkLatin1(entry.clientName);
  }
}

function length(c: Context): void {
  const lengthMax = c.settings.slowlogLengthMax;
  const answers = c.server.peers.ask("slowlog-length", null);
  c.defer(
    answers.then((lengths) => {
      const total = (lengths as number[]).reduce((sum, one) => sum + one, 0);
      return (out: ReplyWriter) => out.integer(Math.min(total, lengthMax));
    }),
  );
}

function reset(c: Context): void {
  const done = c.server.peers.ask("slowlog-reset", null);
  c.defer(done.then(() => (out: ReplyWriter) => out.ok()));
}

const FLAGS: readonly CommandFlag[] = ["admin", "loading", "stale"];

const subcommands: readonly CommandSpec[] = [
  {
    name: "slowlog|get",
    arity: -2,
    flags: FLAGS,
    group: "server",
    since: "2.2.12",
    summary: "Shows the newest entries of the slow log.",
    complexity: "O(N) where N is the number of entries returned",
    tips: ["request_policy:all_nodes", "nondeterministic_output"],
    arguments: [arg("count", "integer", { optional: true })],
    run: get,
  },
  {
    name: "slowlog|len",
    arity: 2,
    flags: FLAGS,
    group: "server",
    since: "2.2.12",
    summary: "Counts the entries of the slow log.",
    complexity: "O(1)",
    tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    run: length,
  },
  {
    name: "slowlog|reset",
    arity: 2,
    flags: FLAGS,
    group: "server",
    since: "2.2.12",
    summary: "Empties the slow log.",
    complexity: "O(N) where N is the number of entries in the slowlog",
    tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
    run: reset,
  },
  helpCommand("slowlog", "server", "6.2.0", [
    [
      "GET [<count>]",
      "Return top <count> entries from the slowlog (default: 10, -1 mean all).",
      "Entries are made of:",
      "id, timestamp, time in microseconds, arguments array, client IP and port,",
      "client name",
    ],
    ["LEN", "Return the length of the slowlog."],
    ["RESET", "Reset the slowlog."],
  ]),
];

export const slowlogCommands: readonly CommandSpec[] = [
  {
    name: "slowlog",
    arity: -2,
    flags: [],
    group: "server",
    since: "2.2.12",
    summary: "Looks at the log of slow commands.",
    complexity: "Depends on subcommand.",
    subcommands,
    run: runContainer,
  },
];
