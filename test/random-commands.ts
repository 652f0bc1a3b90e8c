/**
 * Random commands of the families strings, keys, expiry and lists, for the differential fuzzer.
 *
 * A few keys in a few databases, so that commands meet; values and numbers from the corners; some
 * commands with an argument too many or too few. What two right servers may answer differently is
 * left out: RANDOMKEY, cursors, times near enough to pass. Times are 100 s away at the least, and
 * GT and LT compare times that a millisecond more or less does not reorder.
 */
import type { Prng } from "../src/base/prng.ts";

/** How the replies of a command are compared. */
export type Comparison = "same" | "unordered" | "seconds" | "milliseconds";

export interface RandomCommand {
  readonly words: readonly string[];
  readonly comparison: Comparison;
}

export const DATABASES_COUNT = 3;
const KEYS = ["a", "b", "c", "d", "", "k\0\r\n", "x".repeat(300)];
const NUMBERS = [
  ...["0", "1", "-1", "2", "5", "10", "-10", "100", "1000", "65535", "-0", "00", "1.5", "", "abc"],
  ...["9007199254740991", "9007199254740992", "-9007199254740993", "9223372036854775806"],
  ...["9223372036854775807", "-9223372036854775808", "9223372036854775808", "+1", " 1"],
];
const FLOATS = [
  ...["0.1", "-0.1", "1e3", "1.5", "3", "-7", "1e-20", "123456789.123456789", "inf", "nan", "x"],
  ...["0x1p4", "1e4000", "1e5000", ".5", "5.", "9223372036854775807", "17179869185.000000001"],
];
const PATTERNS = ["*", "a", "?", "[a-c]", "[^a]", "*x*", "k*", "**", "[b", "\\a", "", "?*", "*\r*"];
const TYPES = ["string", "list", "STRING", "hash", "zset"];
const SIZES = [0, 1, 3, 10, 40, 100, 500, 3000, 20_000, 70_000, 200_000];

type Generator = (random: Prng) => (string | readonly string[])[];

/** Commands by how often they come. */
const GENERATORS: readonly (readonly [number, Generator])[] = [
  [8, (r) => ["SET", key(r), value(r)]],
  [8, (r) => ["SET", key(r), value(r), setOptions(r)]],
  [6, (r) => ["GET", key(r)]],
  [2, (r) => ["GETSET", key(r), value(r)]],
  [2, (r) => ["GETDEL", key(r)]],
  [4, (r) => ["GETEX", key(r), getexOptions(r)]],
  [3, (r) => ["SETNX", key(r), value(r)]],
  [2, (r) => ["SETEX", key(r), time(r), value(r)]],
  [2, (r) => ["PSETEX", key(r), milliseconds(r), value(r)]],
  [3, (r) => ["MGET", many(r, key)]],
  [3, (r) => ["MSET", many(r, (x) => [key(x), value(x)])]],
  [3, (r) => ["MSETNX", many(r, (x) => [key(x), value(x)])]],
  [5, (r) => [one(r, ["INCR", "DECR"]), key(r)]],
  [6, (r) => [one(r, ["INCRBY", "DECRBY"]), key(r), one(r, NUMBERS)]],
  [5, (r) => ["INCRBYFLOAT", key(r), one(r, FLOATS)]],
  [4, (r) => ["SET", key(r), one(r, NUMBERS)]],
  [3, (r) => ["SET", key(r), one(r, FLOATS)]],
  [5, (r) => ["APPEND", key(r), value(r)]],
  [3, (r) => ["STRLEN", key(r)]],
  [5, (r) => [one(r, ["GETRANGE", "SUBSTR"]), key(r), offset(r), offset(r)]],
  [5, (r) => ["SETRANGE", key(r), setOffset(r), value(r)]],
  [2, (r) => ["LCS", key(r), key(r), lcsOptions(r)]],
  [4, (r) => [one(r, ["DEL", "UNLINK"]), many(r, key)]],
  [4, (r) => [one(r, ["EXISTS", "TOUCH"]), many(r, key)]],
  [3, (r) => ["TYPE", key(r)]],
  [4, (r) => [one(r, ["RENAME", "RENAMENX"]), key(r), key(r)]],
  [4, (r) => ["COPY", key(r), key(r), copyOptions(r)]],
  [2, (r) => ["MOVE", key(r), database(r)]],
  [2, (r) => ["SELECT", String(r.below(DATABASES_COUNT))]],
  [1, (r) => ["SWAPDB", String(r.below(DATABASES_COUNT)), String(r.below(DATABASES_COUNT))]],
  [1, () => ["DBSIZE"]],
  [6, (r) => ["EXPIRE", key(r), time(r), whenOptions(r)]],
  [3, (r) => ["PEXPIRE", key(r), milliseconds(r), whenOptions(r)]],
  [4, (r) => ["EXPIREAT", key(r), unixTime(r), whenOptions(r)]],
  [2, (r) => ["PEXPIREAT", key(r), `${unixTime(r)}123`, whenOptions(r)]],
  [3, (r) => [one(r, ["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"]), key(r)]],
  [2, (r) => ["PERSIST", key(r)]],
  [2, (r) => ["KEYS", one(r, PATTERNS)]],
  [2, (r) => ["SCAN", "0", "COUNT", "100000", scanOptions(r)]],
  [4, (r) => [one(r, ["LPUSH", "RPUSH"]), key(r), many(r, value)]],
  [2, (r) => [one(r, ["LPOP", "RPOP", "LLEN"]), key(r)]],
  [2, (r) => ["LRANGE", key(r), offset(r), offset(r)]],
];
const WEIGHTS_SUM = GENERATORS.reduce((sum, [weight]) => sum + weight, 0);

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  KEYS: "unordered",
  SCAN: "unordered",
  TTL: "seconds",
  EXPIRETIME: "seconds",
  PTTL: "milliseconds",
  PEXPIRETIME: "milliseconds",
};

/** A command; now and then with a wrong number of arguments or a name in lower case. */
export function randomCommand(random: Prng): RandomCommand {
  let at = random.below(WEIGHTS_SUM);
  let index = 0;
  while (at >= GENERATORS[index]![0]) at -= GENERATORS[index++]![0];
  const words = GENERATORS[index]![1](random).flat();
  const comparison = COMPARISONS[words[0]!] ?? "same";
  const damage = random.below(40);
  if (damage === 0) words.pop();
  if (damage === 1) words.push(value(random));
  if (words.length === 0) words.push("PING");
  if (random.below(5) === 0) words[0] = words[0]!.toLowerCase();
  return { words, comparison };
}

function one<T>(random: Prng, choices: readonly T[]): T {
  return choices[random.below(choices.length)]!;
}

function many(random: Prng, each: (random: Prng) => string | readonly string[]): string[] {
  return Array.from({ length: 1 + random.below(5) }, () => each(random)).flat();
}

/** Some of the options, each at most once but in any order, contradictions included. */
function some(random: Prng, options: readonly (readonly string[])[]): string[] {
  const count = random.below(4) === 0 ? random.below(4) : random.below(2);
  return Array.from({ length: count }, () => one(random, options)).flat();
}

function key(random: Prng): string {
  return one(random, KEYS);
}

function value(random: Prng): string {
  const size = SIZES[random.below(random.below(4) === 0 ? SIZES.length : 6)]!;
  const from = 97 + random.below(3);
  let text = "";
  for (let i = 0; i < Math.min(size, 24); i++) text += String.fromCharCode(from + random.below(4));
  return text === "" ? text : text.repeat(Math.ceil(size / text.length)).slice(0, size);
}

function offset(random: Prng): string {
  if (random.below(6) === 0) return one(random, NUMBERS);
  const bound = random.below(3) === 0 ? 300_000 : 30;
  return String(random.below(bound) - random.below(bound));
}

function setOffset(random: Prng): string {
  // Not a byte less: both servers would make a value of half a gigabyte.
  if (random.below(10) === 0) return one(random, [...NUMBERS, "536870912"]);
  return String(random.below(random.below(3) === 0 ? 300_000 : 40));
}

/** Seconds from now: far away, passed, or no time at all. */
function time(random: Prng): string {
  if (random.below(5) === 0) return one(random, ["0", "-1", "-100000"]);
  if (random.below(10) === 0) return one(random, NUMBERS.filter(isNoShortTime));
  return String(100 + random.below(1_000_000));
}

function milliseconds(random: Prng): string {
  const seconds = time(random);
  return /^[1-9]\d{1,8}$/.test(seconds) ? `${seconds}000` : seconds;
}

/** Whether a number, as a time to live, does not end while the fuzzer runs. */
function isNoShortTime(text: string): boolean {
  const value = Number(text);
  return !(value > 0 && value < 100_000);
}

function unixTime(random: Prng): string {
  if (random.below(8) === 0) return one(random, ["0", "1", "-1", "1000000000"]);
  return String(4_000_000_000 + random.below(1000));
}

function database(random: Prng): string {
  if (random.below(10) === 0) return one(random, ["-1", "16", "abc", "99999999999"]);
  return String(random.below(DATABASES_COUNT));
}

function setOptions(random: Prng): string[] {
  return some(random, [
    ["NX"],
    ["XX"],
    ["GET"],
    ["KEEPTTL"],
    ["EX", time(random)],
    ["PX", milliseconds(random)],
    ["EXAT", unixTime(random)],
    ["PXAT", `${unixTime(random)}000`],
    ["nx"],
    ["PERSIST"],
    ["EX"],
    ["foo"],
  ]);
}

function getexOptions(random: Prng): string[] {
  return some(random, [
    ["PERSIST"],
    ["EX", time(random)],
    ["PX", milliseconds(random)],
    ["EXAT", unixTime(random)],
    ["PXAT", `${unixTime(random)}000`],
    ["KEEPTTL"],
    ["persist"],
  ]);
}

function whenOptions(random: Prng): string[] {
  return some(random, [["NX"], ["XX"], ["GT"], ["LT"], ["gt"], ["foo"]]);
}

function copyOptions(random: Prng): string[] {
  return some(random, [["REPLACE"], ["DB", database(random)], ["DB"], ["replace"], ["foo"]]);
}

function lcsOptions(random: Prng): string[] {
  const length = one(random, NUMBERS);
  return some(random, [["LEN"], ["IDX"], ["WITHMATCHLEN"], ["MINMATCHLEN", length], ["foo"]]);
}

function scanOptions(random: Prng): string[] {
  return some(random, [
    ["MATCH", one(random, PATTERNS)],
    ["TYPE", one(random, TYPES)],
    ["COUNT"],
    ["foo"],
  ]);
}
