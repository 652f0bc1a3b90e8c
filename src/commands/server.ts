/**
 * The server family: databases as a whole, the clock, shutting down. DBSIZE FLUSHDB FLUSHALL SWAPDB
 * TIME SHUTDOWN, and the commands that tools send to any server and that have one answer here: WAIT
 * READONLY READWRITE FUNCTION LATENCY.
 *
 * FLUSHALL, FLUSHDB and SWAPDB run in the store's exclusive section: no other Worker is within a
 * batch meanwhile, so that no client sees half of it. ASYNC and SYNC make no difference: memory is
 * always given back in the background.
 */
import { clock } from "../base/clock.ts";
import { errorTexts, unknownSubcommandOrCount } from "../resp/errors.ts";
import { arg, block, flushTypeArgument, oneOf, token } from "./arguments.ts";
import { type CommandFlag, type CommandSpec, runContainer } from "./command.ts";
import type { Context } from "./context.ts";
import { helpCommand } from "./help.ts";

/** As a logical database. */
const ALL_DATABASES = -1;
const US_PER_SECOND = 1_000_000;

function dbSize(c: Context): void {
  c.out.integer(c.store.keysCount(c.store.physical(c.session.db)));
}

function flushDb(c: Context): void {
  if (isFlushType(c, 1)) flush(c, c.session.db);
}

function flushAll(c: Context): void {
  if (isFlushType(c, 1)) flush(c, ALL_DATABASES);
}

/** Inside the exclusive section the database is what it is, whatever SWAPDB came before. */
function flush(c: Context, db: number): void {
  const { store } = c;
  store.exclusive(() => store.flush(db === ALL_DATABASES ? ALL_DATABASES : store.physical(db)));
  c.out.ok();
}

/**
 * Whether argument `i` is missing, ASYNC or SYNC, and the last one; the error has been written when
 * not.
 */
function isFlushType(c: Context, i: number, error: string = errorTexts.syntax): boolean {
  const isValid = c.count === i || (c.count === i + 1 && (c.is(i, "ASYNC") || c.is(i, "SYNC")));
  if (!isValid) c.out.error(error);
  return isValid;
}

function swapDb(c: Context): void {
  if (!isInt32(c, 1)) {
    c.out.error(errorTexts.databaseFirstInvalid);
    return;
  }
  const a = c.value;
  if (!isInt32(c, 2)) {
    c.out.error(errorTexts.databaseSecondInvalid);
    return;
  }
  const b = c.value;
  const count = c.settings.databases;
  if (a < 0 || a >= count || b < 0 || b >= count) {
    c.out.error(errorTexts.databaseOutOfRange);
    return;
  }
  if (a !== b) c.store.exclusive(() => c.store.swapDatabases(a, b));
  c.out.ok();
}

/** Whether argument `i` is a 32-bit integer, in `c.value` then; nothing is written. */
function isInt32(c: Context, i: number): boolean {
  return c.parseInteger(i) && c.value === (c.value | 0);
}

function time(c: Context): void {
  const us = clock.microseconds();
  c.out.arrayHeader(2);
  c.out.bulkText(String(Math.floor(us / US_PER_SECOND)));
  c.out.bulkText(String(us % US_PER_SECOND));
}

/** There is no replica to wait for: none has acknowledged anything, at once. */
function wait(c: Context): void {
  if (!c.integer(1)) return;
  if (!c.parseInteger(2)) c.out.error(errorTexts.timeoutNotInteger);
  else if (c.value < 0) c.out.error(errorTexts.timeoutNegative);
  else c.out.integer(0);
}

function refuseCluster(c: Context): void {
  c.out.error("ERR This instance has cluster support disabled");
}

/** There are no functions to remove. Test suites of clients begin with it. */
function functionFlush(c: Context): void {
  if (c.count > 3) {
    c.out.error(unknownSubcommandOrCount(c.text(1), "FUNCTION"));
    return;
  }
  const error = "ERR FUNCTION FLUSH only supports SYNC|ASYNC option";
  if (isFlushType(c, 2, error)) c.out.ok();
}

interface ShutdownWords {
  save: boolean | null;
  now: boolean;
  force: boolean;
  abort: boolean;
}

/** No reply when it succeeds: the connection closes with the server. */
function shutdown(c: Context): void {
  const words = parseShutdown(c);
  if (words === null) {
    c.out.error(errorTexts.syntax);
    return;
  }
  // A shutdown never waits for anything here, so there is none in progress that could be called
  // off.
  if (words.abort) {
    c.out.error("ERR No shutdown in progress.");
    return;
  }
  // In memory mode there is nowhere to save to, and stopping would lose what the client wants kept.
  if (words.save === true && !words.force && c.store.durability === null) {
    c.out.error(errorTexts.shutdownFailed);
    return;
  }
  c.session.closeAfterReply = true;
  c.server.shutdown({ save: words.save, now: words.now, force: words.force });
}

function parseShutdown(c: Context): ShutdownWords | null {
  const words: ShutdownWords = { save: null, now: false, force: false, abort: false };
  for (let i = 1; i < c.count; i++) {
    if (c.is(i, "SAVE") && words.save !== false) words.save = true;
    else if (c.is(i, "NOSAVE") && words.save !== true) words.save = false;
    else if (c.is(i, "NOW")) words.now = true;
    else if (c.is(i, "FORCE")) words.force = true;
    else if (c.is(i, "ABORT")) words.abort = true;
    else return null;
  }
  const hasOthers = words.save !== null || words.now || words.force;
  return words.abort && hasOthers ? null : words;
}

/** Nothing is recorded: latency-monitor-threshold is kept, and its events do not exist here. */
function noEvents(c: Context): void {
  c.out.arrayHeader(0);
}

function noEventsReset(c: Context): void {
  c.out.integer(0);
}

const NO_FLAGS: readonly CommandFlag[] = [];
const ADMIN: readonly CommandFlag[] = ["admin", "noscript", "loading", "stale"];
const ALL_SHARDS = ["request_policy:all_shards", "response_policy:all_succeeded"];

const latencySubcommands: readonly CommandSpec[] = [
  {
    name: "latency|latest",
    arity: 2,
    flags: ADMIN,
    group: "server",
    since: "2.8.13",
    summary: "Shows the newest sample of each event: none are recorded.",
    complexity: "O(1)",
    tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    run: noEvents,
  },
  {
    name: "latency|history",
    arity: 3,
    flags: ADMIN,
    group: "server",
    since: "2.8.13",
    summary: "Shows the samples of an event: none are recorded.",
    complexity: "O(1)",
    tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
    arguments: [arg("event", "string")],
    run: noEvents,
  },
  {
    name: "latency|reset",
    arity: -2,
    flags: ADMIN,
    group: "server",
    since: "2.8.13",
    summary: "Forgets the samples of events and counts the events that had any.",
    complexity: "O(1)",
    tips: ["request_policy:all_nodes", "response_policy:agg_sum"],
    arguments: [arg("event", "string", { optional: true, multiple: true })],
    run: noEventsReset,
  },
  helpCommand("latency", "server", "2.8.13", [
    ["HISTORY <event>", "Return time-latency samples for the <event> class."],
    ["LATEST", "Return the latest latency samples for all events."],
    ["RESET [<event> ...]", "Reset latency data of one or more <event> classes."],
  ]),
];

const functionSubcommands: readonly CommandSpec[] = [
  {
    name: "function|flush",
    arity: -2,
    flags: ["write", "noscript"],
    group: "scripting",
    since: "7.0.0",
    summary: "Succeeds: there are no functions.",
    complexity: "O(N) where N is the number of functions deleted",
    tips: ALL_SHARDS,
    arguments: [flushTypeArgument],
    run: functionFlush,
  },
  helpCommand("function", "scripting", "7.0.0", [["FLUSH [ASYNC|SYNC]", "Delete all functions."]]),
];

const keyspaceCommands: readonly CommandSpec[] = [
  {
    name: "dbsize",
    arity: 1,
    flags: ["readonly", "fast"],
    group: "server",
    since: "1.0.0",
    summary: "Counts the keys of the database.",
    complexity: "O(1)",
    categories: ["@keyspace"],
    tips: ["request_policy:all_shards", "response_policy:agg_sum"],
    run: dbSize,
  },
  {
    name: "flushdb",
    arity: -1,
    flags: ["write"],
    group: "server",
    since: "1.0.0",
    summary: "Removes every key of the database.",
    complexity: "O(N) where N is the number of keys in the selected database",
    categories: ["@keyspace", "@dangerous"],
    tips: ALL_SHARDS,
    arguments: [flushTypeArgument],
    run: flushDb,
  },
  {
    name: "flushall",
    arity: -1,
    flags: ["write"],
    group: "server",
    since: "1.0.0",
    summary: "Removes every key of every database.",
    complexity: "O(N) where N is the total number of keys in all databases",
    categories: ["@keyspace", "@dangerous"],
    tips: ALL_SHARDS,
    arguments: [flushTypeArgument],
    run: flushAll,
  },
  {
    name: "swapdb",
    arity: 3,
    flags: ["write", "fast"],
    group: "server",
    since: "4.0.0",
    summary: "Exchanges two databases.",
    complexity:
      "O(N) where N is the count of clients watching or blocking on keys from both databases.",
    categories: ["@keyspace", "@dangerous"],
    arguments: [arg("index1", "integer"), arg("index2", "integer")],
    run: swapDb,
  },
];

const processCommands: readonly CommandSpec[] = [
  {
    name: "time",
    arity: 1,
    flags: ["loading", "stale", "fast"],
    group: "server",
    since: "2.6.0",
    summary: "Tells the server's time in seconds and microseconds.",
    complexity: "O(1)",
    tips: ["nondeterministic_output"],
    run: time,
  },
  {
    name: "shutdown",
    arity: -1,
    flags: ["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
    group: "server",
    since: "1.0.0",
    summary: "Stops the server.",
    complexity:
      "O(N) when saving, where N is the total number of keys in all databases when saving data, " +
      "otherwise O(1)",
    arguments: [
      oneOf(
        "abort-selector",
        [
          block("save-selector-block", [
            oneOf("save-selector", [token("nosave", "NOSAVE"), token("save", "SAVE")], {
              optional: true,
            }),
            token("now", "NOW", { optional: true, since: "7.0.0" }),
            token("force", "FORCE", { optional: true, since: "7.0.0" }),
          ]),
          token("abort", "ABORT", { since: "7.0.0" }),
        ],
        { optional: true },
      ),
    ],
    run: shutdown,
  },
  {
    name: "wait",
    arity: 3,
    flags: ["blocking"],
    group: "generic",
    since: "3.0.0",
    summary: "Counts the replicas that have the writes of this connection: there are none.",
    complexity: "O(1)",
    categories: ["@connection"],
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    arguments: [arg("numreplicas", "integer"), arg("timeout", "integer")],
    run: wait,
  },
];

const clusterCommands: readonly CommandSpec[] = ["readonly", "readwrite"].map((name) => ({
  name,
  arity: 1,
  flags: ["loading", "stale", "fast"],
  group: "cluster",
  since: "3.0.0",
  summary: "Refuses: this server is not part of a cluster.",
  complexity: "O(1)",
  categories: ["@connection"],
  run: refuseCluster,
}));

export const serverCommands: readonly CommandSpec[] = [
  ...keyspaceCommands,
  ...processCommands,
  ...clusterCommands,
  {
    name: "latency",
    arity: -2,
    flags: NO_FLAGS,
    group: "server",
    since: "2.8.13",
    summary: "Looks at recorded latency events.",
    complexity: "Depends on subcommand.",
    subcommands: latencySubcommands,
    run: runContainer,
  },
  {
    name: "function",
    arity: -2,
    flags: NO_FLAGS,
    group: "scripting",
    since: "7.0.0",
    summary: "Looks after server-side functions: there are none.",
    complexity: "Depends on subcommand.",
    subcommands: functionSubcommands,
    run: runContainer,
  },
];
