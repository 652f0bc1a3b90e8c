/**
 * MEMORY and OBJECT: what a key costs, when it was last used, and how Redis would call its
 * representation.
 *
 * Looking at a key does not count as using it: its place in the order of eviction stays.
 */
import { errorTexts } from "../resp/errors.ts";
import type { Cursor } from "../store/cursor.ts";
import { arg } from "./arguments.ts";
import { type CommandSpec, runContainer } from "./command.ts";
import type { Context } from "./context.ts";
import { encodingOf } from "./encoding.ts";
import { helpCommand } from "./help.ts";

const LFU_NOT_SELECTED =
  "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that " +
  "when switching between policies at runtime LRU and LFU data will take some time to adjust.";
const LFU_SELECTED =
  "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when " +
  "switching between policies at runtime LRU and LFU data will take some time to adjust.";

/**
 * What `look` sees of the key in argument `i`, read consistently and without touching it; null when
 * it is missing.
 */
export function lookAt<T>(c: Context, i: number, look: (cursor: Cursor) => T): T | null {
  const cursor = c.aim(c.store.cursor(0), i);
  const store = c.store;
  const wasLeaving = store.leavesAccess;
  store.leavesAccess = true;
  let seen: T | null;
  do {
    seen = store.beginRead(cursor) ? look(cursor) : null;
  } while (!store.endRead(cursor));
  store.leavesAccess = wasLeaving;
  return seen;
}

function usage(c: Context): void {
  for (let i = 3; i < c.count; i += 2) {
    if (!c.is(i, "SAMPLES") || i + 1 >= c.count) {
      c.out.error(errorTexts.syntax);
      return;
    }
    // The number is checked and not needed: the store knows the size of a value without sampling
    // it.
    if (!c.integer(i + 1)) return;
    if (c.value < 0) {
      c.out.error(errorTexts.syntax);
      return;
    }
  }
  const bytes = lookAt(c, 2, (cursor) => c.store.memoryUsage(cursor));
  if (bytes === null) c.out.null();
  else c.out.integer(bytes);
}

function doctor(c: Context): void {
  const used = c.store.usedMemory();
  const resident = process.memoryUsage.rss();
  c.out.verbatim(
    `The data takes ${used} bytes and the process ${resident}. ` +
      "The difference is the runtime, the buffers of clients, and freed space kept for reuse.",
  );
}

function stats(c: Context): void {
  const used = c.store.usedMemory();
  const keysCount = countKeys(c);
  const resident = process.memoryUsage.rss();
  const peak = c.server.stats.notePeak(used);
  const entries: [name: string, value: number][] = [
    ["peak.allocated", peak],
    ["total.allocated", used],
    ["startup.allocated", 0],
    ["replication.backlog", 0],
    ["clients.slaves", 0],
    ["clients.normal", 0],
    ["cluster.links", 0],
    ["aof.buffer", 0],
    ["lua.caches", 0],
    ["functions.caches", 0],
    ["overhead.total", 0],
    ["keys.count", keysCount],
    ["keys.bytes-per-key", keysCount === 0 ? 0 : Math.floor(used / keysCount)],
    ["dataset.bytes", used],
  ];
  c.out.mapHeader(entries.length + 4);
  for (const [name, value] of entries) {
    c.out.bulkText(name);
    c.out.integer(value);
  }
  writeDouble(c, "dataset.percentage", used === 0 ? 0 : 100);
  writeDouble(c, "peak.percentage", peak === 0 ? 0 : (used * 100) / peak);
  writeDouble(c, "fragmentation", used === 0 ? 0 : resident / used);
  c.out.bulkText("fragmentation.bytes");
  c.out.integer(resident - used);
}

function writeDouble(c: Context, name: string, value: number): void {
  c.out.bulkText(name);
  c.out.double(value);
}

function countKeys(c: Context): number {
  let count = 0;
  for (let db = 0; db < c.settings.databases; db++) count += c.store.keysCount(db);
  return count;
}

/** Freed space is given back in the background all the time. */
function purge(c: Context): void {
  c.out.ok();
}

function encoding(c: Context): void {
  const name = lookAt(c, 2, (cursor) => encodingOf(c.store, cursor));
  if (name === null) c.out.null();
  else c.out.bulkText(name);
}

/** Values are never shared between keys. */
function refCount(c: Context): void {
  if (lookAt(c, 2, () => true) === null) c.out.null();
  else c.out.integer(1);
}

function idleTime(c: Context): void {
  const idleMs = lookAt(c, 2, (cursor) => c.store.idleMs(cursor));
  if (idleMs === null) c.out.null();
  else if (isLfu(c)) c.out.error(LFU_SELECTED);
  else c.out.integer(Math.floor(idleMs / 1000));
}

/**
 * Under an LFU policy, keys are still told apart by the time of their last use: no frequency is
 * known.
 */
function freq(c: Context): void {
  if (lookAt(c, 2, () => true) === null) c.out.null();
  else if (isLfu(c)) c.out.integer(0);
  else c.out.error(LFU_NOT_SELECTED);
}

function isLfu(c: Context): boolean {
  return c.settings.maxmemoryPolicy.endsWith("-lfu");
}

const ALL_SHARDS = ["request_policy:all_shards", "response_policy:special"];

const memorySubcommands: readonly CommandSpec[] = [
  {
    name: "memory|usage",
    arity: -3,
    flags: ["readonly"],
    keys: { first: 2, last: 2, step: 1 },
    keyFlags: ["RO"],
    group: "server",
    since: "4.0.0",
    summary: "Tells how many bytes a key and its value take.",
    complexity: "O(N) where N is the number of samples.",
    arguments: [arg("key", "key"), arg("count", "integer", { token: "SAMPLES", optional: true })],
    run: usage,
  },
  {
    name: "memory|doctor",
    arity: 2,
    flags: [],
    group: "server",
    since: "4.0.0",
    summary: "Says in words where the memory goes.",
    complexity: "O(1)",
    tips: ["nondeterministic_output", ...ALL_SHARDS],
    run: doctor,
  },
  {
    name: "memory|stats",
    arity: 2,
    flags: [],
    group: "server",
    since: "4.0.0",
    summary: "Shows where the memory goes, in numbers.",
    complexity: "O(1)",
    tips: ["nondeterministic_output", ...ALL_SHARDS],
    run: stats,
  },
  {
    name: "memory|purge",
    arity: 2,
    flags: [],
    group: "server",
    since: "4.0.0",
    summary: "Succeeds: freed memory is given back without being asked.",
    complexity: "Depends on how much memory is allocated, could be slow",
    tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    run: purge,
  },
  helpCommand("memory", "server", "4.0.0", [
    ["DOCTOR", "Return memory problems reports."],
    ["PURGE", "Attempt to purge dirty pages for reclamation by the allocator."],
    ["STATS", "Return information about the memory usage of the server."],
    ["USAGE <key> [SAMPLES <count>]", "Return memory in bytes used by <key> and its value."],
  ]),
];

function objectSubcommand(
  name: string,
  since: string,
  summary: string,
  run: (c: Context) => void,
): CommandSpec {
  return {
    name: `object|${name}`,
    arity: 3,
    flags: ["readonly"],
    keys: { first: 2, last: 2, step: 1 },
    keyFlags: ["RO"],
    group: "generic",
    since,
    summary,
    complexity: "O(1)",
    tips: ["nondeterministic_output"],
    arguments: [arg("key", "key")],
    run,
  };
}

const objectSubcommands: readonly CommandSpec[] = [
  objectSubcommand("encoding", "2.2.3", "Names the representation of a value.", encoding),
  objectSubcommand("freq", "4.0.0", "Tells how often a key is used.", freq),
  objectSubcommand("idletime", "2.2.3", "Tells how long a key has not been used.", idleTime),
  objectSubcommand("refcount", "2.2.3", "Counts the references to a value.", refCount),
  helpCommand("object", "generic", "6.2.0", [
    ["ENCODING <key>", "Return the kind of internal representation of the value of <key>."],
    ["FREQ <key>", "Return the access frequency index of the <key>."],
    ["IDLETIME <key>", "Return the seconds since the last access to the <key>."],
    ["REFCOUNT <key>", "Return the number of references of the value of <key>."],
  ]),
];

export const memoryCommands: readonly CommandSpec[] = [
  {
    name: "memory",
    arity: -2,
    flags: [],
    group: "server",
    since: "4.0.0",
    summary: "Tells what the data and the server cost in memory.",
    complexity: "Depends on subcommand.",
    subcommands: memorySubcommands,
    run: runContainer,
  },
  {
    name: "object",
    arity: -2,
    flags: [],
    group: "generic",
    since: "2.2.3",
    summary: "Looks at how a value is kept.",
    complexity: "Depends on subcommand.",
    subcommands: objectSubcommands,
    run: runContainer,
  },
];
