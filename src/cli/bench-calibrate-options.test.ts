/** The command line of `kv bench calibrate`: defaults, and one clear line for what is wrong. */
import { expect, test } from "bun:test";
import { UsageError } from "../base/errors.ts";
import { parseCalibrateOptions } from "./bench-calibrate-options.ts";

test("parseCalibrateOptions() has defaults and takes every flag", () => {
  expect(parseCalibrateOptions([])).toEqual({
    concurrency: 50,
    valueSize: 128,
    durationMs: 2000,
    isJson: false,
  });
  const argv = "-c 3 --value-size 9 --duration 200ms --json".split(" ");
  expect(parseCalibrateOptions(argv)).toEqual({
    concurrency: 3,
    valueSize: 9,
    durationMs: 200,
    isJson: true,
  });
});

const wrong: [line: string, message: string][] = [
  ["-c 0", "--concurrency: 0 is below the minimum: 1"],
  ["-c 10001", "--concurrency: 10001 is above the maximum: 10000"],
  ["--value-size 2000000", "--value-size: 2000000 is above the maximum: 1048576"],
  ["--duration 1ms", "--duration: 1 is below the minimum: 100 ms"],
  ["--duration 1h", "--duration: 3600000 is above the maximum: 600000 ms"],
  ["--durations 1s", "--durations: unknown option"],
  ["now", "bench calibrate: takes options only"],
];
for (const [line, message] of wrong) {
  test(`parseCalibrateOptions() refuses ${line}`, () => {
    expect(() => parseCalibrateOptions(line.split(" "))).toThrow(new UsageError(message));
  });
}
