/** The command line of `kv bench engine`. */
import { expect, test } from "bun:test";
import { UsageError } from "../base/errors.ts";
import { parseEngineOptions } from "./engine-options.ts";

function parse(line: string) {
  return parseEngineOptions(line === "" ? [] : line.split(" "));
}

test("parseEngineOptions() has defaults and takes every flag", () => {
  expect(parse("")).toEqual({
    suite: "quick",
    durationMs: 300,
    runsCount: 1,
    seed: 1,
    isTimingLatency: true,
    isShowing: false,
    isQuiet: false,
    isJson: false,
    outPaths: [],
  });
  const line =
    "--suite Full --duration 1s --runs 3 --seed 7 --no-latency --show --quiet --json --out a.json";
  expect(parse(line)).toEqual({
    suite: "full",
    durationMs: 1000,
    runsCount: 3,
    seed: 7,
    isTimingLatency: false,
    isShowing: true,
    isQuiet: true,
    isJson: true,
    outPaths: ["a.json"],
  });
});

for (const [line, message] of [
  ["--suite all", "--suite: unknown (all), known are quick, threads, concurrency, full"],
  ["--duration 1ms", "--duration: 1 is below the minimum: 10 ms"],
  ["--runs 0", "--runs: 0 is below the minimum: 1"],
  ["--db kv", "--db: unknown option"],
] as const) {
  test(`parseEngineOptions() refuses ${line}`, () => {
    expect(() => parse(line)).toThrow(new UsageError(message));
  });
}
