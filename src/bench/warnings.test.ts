/** What makes a comparison or a figure doubtful. */
import { expect, test } from "bun:test";
import { makePhaseResult } from "./summarize.ts";
import { READ_PHASE, resultOf, runOf, targetOf } from "./test-results.ts";
import { findWarnings } from "./warnings.ts";

const { environment } = resultOf([]);

test("findWarnings() tells what makes a comparison unfair", () => {
  const kv = targetOf("kv");
  const valkey = targetOf("valkey");
  expect(findWarnings([kv, valkey], environment)).toEqual([]);
  const unfair = [
    { ...kv, facts: { ...kv.facts, keysBefore: 5 } },
    {
      ...valkey,
      facts: {
        ...valkey.facts,
        serverName: "redis",
        settings: { save: "3600 1", appendonly: "no" },
      },
    },
  ];
  expect(findWarnings(unfair, { ...environment, loadAverage: 3 })).toEqual([
    "save differs: kv off, valkey 3600 1",
    "kv: 5 keys were there before the run",
    "valkey: the server calls itself redis",
    "the machine was busy before the run (load 3.0)",
  ]);
});

test("findWarnings() names measured phases of less than a second, with their length", () => {
  const phases = (rate: number) => [makePhaseResult(READ_PHASE, [runOf(rate)])];
  expect(findWarnings([targetOf("kv", { phases: phases(1000) })], environment)).toEqual([]);
  expect(findWarnings([targetOf("kv", { phases: phases(1001) })], environment)).toEqual([
    "too short to be steady, raise --num-ops: kv READ (Simple) 999 ms",
  ]);
});
