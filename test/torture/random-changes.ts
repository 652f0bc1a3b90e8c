/**
 * Random changes of strings, lists, times and whole databases, for the torture that compares what
 * is left of them: sizes above all around those at which the log and checkpoints do something else.
 */
import type { Prng } from "../../src/base/prng.ts";

export type Change = [string, ...string[]];

const KIB = 1024;
/** Longest key that there can be. */
const KEY_SIZE_MAX = 65_536;
const KEYS = ["a", "b", "c", "d", "e", "f", "", "k\0\r\n", "x".repeat(300)];
const HUGE_KEYS = ["y".repeat(KEY_SIZE_MAX), "z".repeat(KEY_SIZE_MAX - 1)];
const SMALL = [0, 1, 7, 8, 40, 100, 500, 3000];
/** Inline strings end at 16 KiB, elements of a checkpoint's records at 60. */
const MIDDLE = [16_351, 16_352, 16_353, 16_383, 16_384, 16_385, 20_000, 61_435, 61_437, 100_000];
/** Pieces of 512 KiB; a chunk of the log and a block of a checkpoint hold 1 MiB. */
const LARGE = [512 * KIB - 1, 512 * KIB, 512 * KIB + 1, 1024 * KIB, 1500 * KIB, 3 * 1024 * KIB];
const CHUNK = 1024 * KIB;
/** What header, key and number take beside a value that fills a chunk or a block, at the most. */
const AROUND_CHUNK = 500;
/** Far away, ms since 1970. */
const FAR_MS = 4_000_000_000_000;

type Generator = (random: Prng, databases: number) => (string | readonly string[])[];

/** Changes by how often they come. */
const GENERATORS: readonly (readonly [number, Generator])[] = [
  [12, (r) => ["SET", key(r), value(r)]],
  [6, (r) => ["SET", key(r), value(r), one(r, [["PXAT", far(r)], ["KEEPTTL"], ["NX"], ["XX"]])]],
  [4, (r) => ["MSET", key(r), value(r), key(r), value(r), key(r), small(r)]],
  [2, (r) => ["MSETNX", key(r), small(r), key(r), small(r)]],
  [5, (r) => ["APPEND", key(r), value(r)]],
  [5, (r) => ["SETRANGE", key(r), String(r.below(r.below(4) === 0 ? 300_000 : 40)), value(r)]],
  [4, (r) => [one(r, ["INCR", "DECR"]), key(r)]],
  [2, (r) => ["INCRBYFLOAT", key(r), "1.5"]],
  [2, (r) => ["GETDEL", key(r)]],
  [2, (r) => ["GETEX", key(r), one(r, [["PERSIST"], ["PXAT", far(r)], ["PXAT", "1"]])]],
  [8, (r) => [one(r, ["DEL", "UNLINK"]), key(r), key(r)]],
  [6, (r) => ["PEXPIREAT", key(r), r.below(5) === 0 ? "1" : far(r)]],
  [3, (r) => ["PERSIST", key(r)]],
  [6, (r) => [one(r, ["RENAME", "RENAMENX"]), key(r), key(r)]],
  [5, (r, n) => ["COPY", key(r), key(r), "DB", database(r, n), one(r, [[], ["REPLACE"]])]],
  [5, (r, n) => ["MOVE", key(r), database(r, n)]],
  [2, (r, n) => ["SWAPDB", database(r, n), database(r, n)]],
  [1, (r) => [one(r, ["FLUSHDB", "FLUSHDB", "FLUSHDB", "FLUSHALL"])]],
  [10, (r) => [one(r, ["LPUSH", "RPUSH"]), key(r), items(r)]],
  [3, (r) => [one(r, ["LPUSHX", "RPUSHX"]), key(r), items(r)]],
  [4, (r) => [one(r, ["LPOP", "RPOP"]), key(r), String(1 + r.below(4))]],
  [3, (r) => ["LTRIM", key(r), String(r.below(4)), String(-1 - r.below(4))]],
  [4, (r) => ["LSET", key(r), index(r), value(r)]],
  [4, (r) => ["LINSERT", key(r), one(r, ["BEFORE", "AFTER"]), item(r), value(r)]],
  [3, (r) => ["LREM", key(r), String(r.below(5) - 2), item(r)]],
  [4, (r) => ["LMOVE", key(r), key(r), one(r, ["LEFT", "RIGHT"]), one(r, ["LEFT", "RIGHT"])]],
  [2, (r) => ["RPOPLPUSH", key(r), key(r)]],
];
const WEIGHTS_SUM = GENERATORS.reduce((sum, [weight]) => sum + weight, 0);

/** A change of the selected database, or of one of `databases`. */
export function randomChange(random: Prng, databases: number): Change {
  let at = random.below(WEIGHTS_SUM);
  let number = 0;
  while (at >= GENERATORS[number]![0]) at -= GENERATORS[number++]![0];
  return GENERATORS[number]![1](random, databases).flat() as string[] as Change;
}

function one<T>(random: Prng, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!;
}

function key(random: Prng): string {
  return one(random, random.below(30) === 0 ? HUGE_KEYS : KEYS);
}

function value(random: Prng): string {
  const dice = random.below(100);
  if (dice < 80) return small(random);
  if (dice < 95) return text(random, one(random, MIDDLE));
  if (dice < 98) return text(random, one(random, LARGE));
  return text(random, CHUNK - random.below(AROUND_CHUNK));
}

function small(random: Prng): string {
  return random.below(4) === 0 ? String(random.below(1000)) : text(random, one(random, SMALL));
}

function text(random: Prng, size: number): string {
  const start = String(random.below(1_000_000));
  return start.padEnd(size, String.fromCharCode(97 + random.below(26))).slice(0, size);
}

/** One of few, so that it is found again. */
function item(random: Prng): string {
  return `item:${random.below(6)}`;
}

function items(random: Prng): string[] {
  const count = 1 + random.below(random.below(4) === 0 ? 60 : 5);
  return Array.from({ length: count }, () =>
    random.below(10) === 0 && count < 6 ? value(random) : item(random),
  );
}

function index(random: Prng): string {
  return String(random.below(12) - 6);
}

function far(random: Prng): string {
  return String(FAR_MS + random.below(1000));
}

function database(random: Prng, databases: number): string {
  return String(random.below(databases));
}
