/** The command lines of report, compare and ab: what they ask for, and what they refuse. */
import { expect, test } from "bun:test";
import { UsageError } from "../base/errors.ts";
import { parseAbOptions } from "./bench-ab-options.ts";
import { parseCompareOptions } from "./bench-compare-options.ts";
import { parseReportOptions } from "./bench-report-options.ts";
import { splitWords } from "./words.ts";

type Parse = (argv: string[]) => unknown;

function refusal(parse: Parse, line: string): string {
  try {
    parse(splitWords(line) ?? []);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "nothing";
}

test("parseAbOptions() reads both sides as command lines of their own", () => {
  const options = parseAbOptions([
    ...["--a", "--db valkey --url 127.0.0.1:1 --command 'SET {key} x' --workload simple"],
    ...["--b", "--db kv --workload simple --pipeline", "--slice", "2s", "--rounds", "5"],
    ...["--out", "x.html", "--out", "y.json"],
  ]);
  expect(options).toMatchObject({ sliceMs: 2000, roundsCount: 5, outPaths: ["x.html", "y.json"] });
  const [a, b] = options?.sides ?? [];
  expect(a?.options.mode).toEqual({ kind: "command", template: "SET {key} x" });
  expect(b?.options).toMatchObject({ batchSize: 50, amount: { durationMs: 2000 } });
});

test("parseAbOptions() refuses what a side cannot have", () => {
  const kv = "--db kv --workload simple";
  const cases: [line: string, message: string][] = [
    [`--a '${kv}'`, "--b: is needed"],
    [`--a '${kv} --runs 3' --b '${kv}'`, "--a: --runs has no place in a side"],
    [`--a '${kv}' --b '${kv} --out=x.json'`, "--b: --out=x.json has no place in a side"],
    [`--a '${kv}' --b '--db kv,redis'`, "--b: has 2 targets, a side has 1 (--db kv,redis)"],
    [`--a '${kv} --opz' --b '${kv}'`, "--a: --opz: unknown option"],
    [`--a '--db kv --command "x' --b ''`, '--a: a quote is not closed (--db kv --command "x)'],
    [`--a '${kv}' --b '${kv}' --rounds 1`, "--rounds: 1 is below the minimum: 2"],
    [`--a '${kv}' --b '${kv}' --rounds 1001`, "--rounds: 1001 is above the maximum: 1000"],
    [`--a '${kv}' --b '${kv}' --slice 99ms`, "--slice: 99 is below the minimum: 100 ms"],
    [`--a '${kv}' --b '${kv}' --slice 11m`, "--slice: 660000 is above the maximum: 600000 ms"],
    [
      `--a '${kv}' --b '${kv}' --out x.csv`,
      "--out: unknown kind of file (x.csv), its name must end with .json, .md, .html",
    ],
    [
      `--a '--db websocket' --b '${kv}'`,
      "--a: opening connections has no rate to compare (--db websocket)",
    ],
  ];
  for (const [line, message] of cases) expect(refusal(parseAbOptions, line)).toBe(message);
});

test("parseCompareOptions() reads files and conditions", () => {
  const options = parseCompareOptions(["a.json", "b.json", "--fail-if", "p99>+10%,errors>0"]);
  expect(options).toMatchObject({ oldPath: "a.json", newPath: "b.json", isJson: false });
  expect(options?.conditions.map(({ bound, isRelative }) => [bound, isRelative])).toEqual([
    [0.1, true],
    [0, false],
  ]);
});

test("parseCompareOptions() and parseReportOptions() refuse what they do not know", () => {
  const cases: [parse: Parse, line: string, message: string][] = [
    [parseCompareOptions, "a.json", "new.json: is needed"],
    [parseCompareOptions, "a.json b.json c.json", expect.stringContaining("too many arguments")],
    [parseCompareOptions, "a b --fail-if reach<1kb", expect.stringContaining("not a bound")],
    [parseCompareOptions, "a b --out x.prom", expect.stringContaining("must end with .json, .md")],
    [parseReportOptions, "", "result.json: is needed"],
    [parseReportOptions, "x.json -o y.txt", expect.stringContaining("--out: unknown kind of file")],
    [parseReportOptions, "x.json --json", expect.stringContaining("--json: unknown option")],
  ];
  for (const [parse, line, message] of cases) expect(refusal(parse, line)).toEqual(message);
});
