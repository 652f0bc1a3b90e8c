/**
 * The command line of `kv bench`: defaults, spellings, and one clear line for whatever makes no
 * sense.
 */
import { expect, test } from "bun:test";
import { UsageError } from "../base/errors.ts";
import { parseBenchOptions } from "./bench-options.ts";

function parse(line: string) {
  const options = parseBenchOptions(line === "" ? [] : line.split(" "));
  if (options === null) throw new Error("help was printed");
  return options;
}

test("parseBenchOptions() has the documented defaults", () => {
  expect(parse("")).toEqual({
    backends: ["kv"],
    urls: {},
    workload: "simple",
    operations: 100_000,
    keysCount: null,
    concurrency: 50,
    valueSize: 128,
    batchSize: 1,
    isWriting: true,
    isReading: true,
    isTimingLatency: true,
    isVerifying: false,
    seed: 1,
    threads: null,
    isQuiet: false,
    outPath: null,
  });
});

test("parseBenchOptions() takes every flag", () => {
  const line =
    "--db kv,redis --redis-url h:1 --workload simple -o 5 -c 6 --value-size 4kb --keys 7 " +
    "--pipeline --batch-size 8 --read-only --no-latency --verify --threads 2 --seed 9 " +
    "--out x.json --quiet";
  expect(parse(line)).toEqual({
    backends: ["kv", "redis"],
    urls: { redis: "h:1" },
    workload: "simple",
    operations: 5,
    keysCount: 7,
    concurrency: 6,
    valueSize: 4096,
    batchSize: 8,
    isWriting: false,
    isReading: true,
    isTimingLatency: false,
    isVerifying: true,
    seed: 9,
    threads: 2,
    isQuiet: true,
    outPath: "x.json",
  });
});

test("parseBenchOptions() ignores case and dashes in names", () => {
  for (const name of ["RustDb", "rust-db", "RUSTDB", "KV"]) {
    expect(parse(`--db ${name}`).backends).toEqual(["kv"]);
  }
  expect(parse("--db Redis,Valkey --workload Simple").backends).toEqual(["redis", "valkey"]);
});

test("parseBenchOptions() gives --url to the one database, and a batch size to --pipeline", () => {
  expect(parse("--db valkey --url h:1").urls).toEqual({ valkey: "h:1" });
  expect(parse("--rustdb-url redis://h:1").urls).toEqual({ kv: "redis://h:1" });
  expect(parse("--pipeline").batchSize).toBe(50);
  expect(parse("--write-only").isReading).toBe(false);
});

const refused: [line: string, message: string][] = [
  ["--num-opz 5", "--num-opz: unknown option (did you mean --num-ops?)"],
  ["--num-ops", "--num-ops: value is missing"],
  ["--num-ops 0", "--num-ops: 0 is below the minimum: 1"],
  ["--num-ops 1e5", "--num-ops: not a whole number (1e5)"],
  ["--num-ops -5", "--num-ops: not a whole number (-5)"],
  ["--num-ops 99999999999", "--num-ops: 99999999999 is above the maximum: 2147483647"],
  ["--concurrency 0", "--concurrency: 0 is below the minimum: 1"],
  ["--concurrency 10001", "--concurrency: 10001 is above the maximum: 10000"],
  ["--value-size 1x", "--value-size: not a size (1x)"],
  ["--value-size 0", "--value-size: 0 is below the minimum: 1"],
  ["--value-size 1gb", "--value-size: 1073741824 is above the maximum: 536870912"],
  ["--keys 0", "--keys: 0 is below the minimum: 1"],
  ["--batch-size 5", "--batch-size: has no effect without --pipeline, add it"],
  ["--pipeline --batch-size 0", "--batch-size: 0 is below the minimum: 1"],
  ["--write-only --read-only", "--write-only: contradicts --read-only, give one of them"],
  ["--write-only --verify", "--verify: contradicts --write-only, which reads nothing"],
  ["--db mysql", "--db: unknown database (mysql), known are kv, redis, valkey"],
  ["--db kv,", "--db: unknown database (), known are kv, redis, valkey"],
  ["--db kv,rustdb", "--db: kv is there twice"],
  ["--workload chat", "--workload: unknown workload (chat), known is simple"],
  ["--redis-url h:1", "--redis-url: has no effect, redis is not in --db"],
  [
    "--db redis,valkey --url h:1",
    "--url: says nothing about which of several databases, use --redis-url, --valkey-url",
  ],
  ["--db redis --url h:1 --redis-url h:2", "--url: contradicts --redis-url, give one of them"],
  ["--url http://h:1", "--url: http:// is not supported (http://h:1), expected redis://host:port"],
  ["--url redis://h:x", "--url: not a URL (redis://h:x), expected redis://host:port"],
  [
    "--db redis --threads 2",
    "--threads: has no effect, it is for the kv server that is started here",
  ],
  [
    "--url h:1 --threads 2",
    "--threads: has no effect, it is for the kv server that is started here",
  ],
  ["--seed 4294967296", "--seed: 4294967296 is above the maximum: 4294967295"],
  ["--out x.csv", "--out: unknown kind of file (x.csv), its name must end with .json"],
];
for (const [line, message] of refused) {
  test(`parseBenchOptions() refuses ${line}`, () => {
    let thrown: unknown;
    try {
      parse(line);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(UsageError);
    expect((thrown as UsageError).message).toBe(message);
    expect((thrown as UsageError).exitCode).toBe(64);
  });
}

test("parseBenchOptions() refuses words that are no flags", () => {
  expect(() => parse("redis")).toThrow(UsageError);
});
