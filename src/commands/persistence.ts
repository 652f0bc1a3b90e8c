/**
 * The persistence family: SAVE BGSAVE BGREWRITEAOF LASTSAVE WAITAOF.
 *
 * A checkpoint is what a snapshot and a rewritten append-only file are to Redis, so the first three
 * ask for one; it stops nobody, and SAVE differs only in replying when it is done.
 */
import { clock } from "../base/clock.ts";
import { errorTexts } from "../resp/errors.ts";
import type { Durability } from "../store/durability.ts";
import { arg, token } from "./arguments.ts";
import type { CommandFlag, CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";

const MS_PER_SECOND = 1000;
const NOT_DURABLE = "ERR The data is in memory only: the server was started with --persist off";
/** A timeout of 0 is for ever; timers end somewhere. */
const FOREVER_MS = Number.MAX_SAFE_INTEGER;

/** The log, or null with the error written. */
function durabilityOf(c: Context): Durability | null {
  const { durability } = c.store;
  if (durability === null) c.out.error(NOT_DURABLE);
  return durability;
}

function save(c: Context): void {
  const durability = durabilityOf(c);
  if (durability === null) return;
  const done = durability.whenCheckpointed(durability.requestCheckpoint());
  c.defer(
    done.then((failure) => (out) => {
      if (failure === "") out.ok();
      else out.error(`ERR The checkpoint failed: ${failure}`);
    }),
  );
}

/** BGSAVE [SCHEDULE] */
function bgsave(c: Context): void {
  const isScheduled = c.count === 2 && c.is(1, "SCHEDULE");
  if (c.count > 1 && !isScheduled) {
    c.out.error(errorTexts.syntax);
    return;
  }
  const durability = durabilityOf(c);
  if (durability === null) return;
  if (durability.isCheckpointAsked && !isScheduled) {
    c.out.error("ERR Background save already in progress");
    return;
  }
  const isWaiting = durability.isCheckpointAsked;
  durability.requestCheckpoint();
  c.out.simple(isWaiting ? "Background saving scheduled" : "Background saving started");
}

function bgrewriteaof(c: Context): void {
  const durability = durabilityOf(c);
  if (durability === null) return;
  if (durability.isCheckpointAsked) {
    c.out.error("ERR Background append only file rewriting already in progress");
    return;
  }
  durability.requestCheckpoint();
  c.out.simple("Background append only file rewriting started");
}

function lastsave(c: Context): void {
  const savedMs = c.store.durability?.facts().savedMs ?? c.server.startedMs;
  c.out.integer(Math.floor(savedMs / MS_PER_SECOND));
}

/**
 * WAITAOF numlocal numreplicas timeout: [1 when all that was written through this Worker so far is
 * durable, 0 replicas].
 */
function waitaof(c: Context): void {
  if (!c.integer(1)) return;
  const local = c.value;
  if (local < 0 || local > 1) {
    c.out.error("ERR value is out of range, value must between 0 and 1");
    return;
  }
  if (!c.integer(2)) return;
  if (c.value < 0) {
    c.out.error(errorTexts.notPositive);
    return;
  }
  const replicas = c.value;
  if (!c.parseInteger(3)) {
    c.out.error(errorTexts.timeoutNotInteger);
    return;
  }
  if (c.value < 0) {
    c.out.error(errorTexts.timeoutNegative);
    return;
  }
  const timeoutMs = c.value;
  const { durability } = c.store;
  if (durability === null) {
    if (local === 0) replyAof(c, 0);
    else {
      c.out.error("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
    }
    return;
  }
  const stamp = durability.lastStamp();
  const isDurable = durability.isDurable(stamp);
  if (replicas === 0 && (isDurable || local === 0)) {
    replyAof(c, isDurable ? 1 : 0);
    return;
  }
  const untilMs = timeoutMs === 0 ? FOREVER_MS : clock.nowMs + timeoutMs;
  c.defer(
    durability.whenDurable(stamp, untilMs).then((isReached) => (out) => {
      out.arrayHeader(2);
      out.integer(isReached ? 1 : 0);
      out.integer(0);
    }),
  );
}

function replyAof(c: Context, local: number): void {
  c.out.arrayHeader(2);
  c.out.integer(local);
  c.out.integer(0);
}

const ADMIN: readonly CommandFlag[] = ["admin", "noscript", "no_async_loading"];

export const persistenceCommands: readonly CommandSpec[] = [
  {
    name: "save",
    arity: 1,
    flags: [...ADMIN, "no_multi"],
    group: "server",
    since: "1.0.0",
    summary: "Writes a checkpoint of everything, and replies when it is durable.",
    complexity: "O(N) where N is the total number of keys in all databases",
    run: save,
  },
  {
    name: "bgsave",
    arity: -1,
    flags: ADMIN,
    group: "server",
    since: "1.0.0",
    summary: "Writes a checkpoint of everything in the background.",
    complexity: "O(1)",
    arguments: [token("schedule", "SCHEDULE", { optional: true, since: "3.2.2" })],
    run: bgsave,
  },
  {
    name: "bgrewriteaof",
    arity: 1,
    flags: ADMIN,
    group: "server",
    since: "1.0.0",
    summary: "Writes a checkpoint of everything in the background, so that the log can be cut.",
    complexity: "O(1)",
    run: bgrewriteaof,
  },
  {
    name: "lastsave",
    arity: 1,
    flags: ["loading", "stale", "fast"],
    group: "server",
    since: "1.0.0",
    summary: "Tells when the last checkpoint of everything was finished, in seconds since 1970.",
    complexity: "O(1)",
    categories: ["@admin", "@dangerous"],
    tips: ["nondeterministic_output"],
    run: lastsave,
  },
  {
    name: "waitaof",
    arity: 4,
    flags: ["blocking"],
    group: "generic",
    since: "7.2.0",
    summary: "Waits until what was written is durable on this server's disk.",
    complexity: "O(1)",
    categories: ["@connection"],
    tips: ["request_policy:all_shards", "response_policy:agg_min"],
    arguments: [
      arg("numlocal", "integer"),
      arg("numreplicas", "integer"),
      arg("timeout", "integer"),
    ],
    run: waitaof,
  },
];
