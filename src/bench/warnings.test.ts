/** What makes a comparison or a figure doubtful. */
import { expect, test } from "bun:test";
import type { TargetResult } from "./result.ts";
import { makePhaseResult } from "./summarize.ts";
import { READ_PHASE, resultOf, runOf, targetOf } from "./test-results.ts";
import { findWarnings } from "./warnings.ts";

const { environment, activity } = resultOf([]);

test("findWarnings() tells what makes a comparison unfair", () => {
  const kv = targetOf("kv");
  const valkey = targetOf("valkey");
  expect(findWarnings([kv, valkey], environment, activity)).toEqual([]);
  const unfair = [
    { ...kv, facts: { ...kv.facts, keysBefore: 5 } },
    {
      ...valkey,
      client: "bun" as const,
      facts: {
        ...valkey.facts,
        serverName: "redis",
        settings: { save: "3600 1", appendonly: "no" },
      },
    },
  ];
  expect(findWarnings(unfair, { ...environment, loadAverage: 3 }, activity)).toEqual([
    "save differs: kv off, valkey 3600 1",
    "clients differ, and so what is compared: raw, bun",
    "kv: 5 keys were there before the run",
    "valkey: the server calls itself redis",
    "the machine was busy before the run (load 3.0)",
  ]);
});

test("findWarnings() has no server where there is none", () => {
  const local = { ...targetOf("kv"), backend: "inmemory" as const };
  expect(findWarnings([local], environment, activity)).toEqual([]);
});

test("findWarnings() names a noisy machine and a program that is not the released one", () => {
  const noisy = { ...activity, waitingShareBefore: 0.14, stolenShare: 0.025 };
  const own = { ...environment, isCompiled: false, nativeAddons: ["extract.node"] };
  expect(findWarnings([targetOf("kv")], own, noisy)).toEqual([
    "others waited for a processor 14 % of the time before the run",
    "the host gave 2.5 % of the processors' time to somebody else",
    "run from source, which is slower than the executable",
    "native add-ons are loaded, formats cost less than elsewhere: extract.node",
  ]);
  const quiet = { ...activity, waitingShareBefore: 0.1, stolenShare: 0.01 };
  expect(findWarnings([targetOf("kv")], environment, quiet)).toEqual([]);
  const unknown = { ...activity, waitingShareBefore: null, stolenShare: null };
  expect(findWarnings([targetOf("kv")], environment, unknown)).toEqual([]);
});

test("findWarnings() names measured phases of less than a second, with their length", () => {
  const phases = (rate: number) => [makePhaseResult(READ_PHASE, [runOf(rate)])];
  const warningsOf = (rate: number) =>
    findWarnings([targetOf("kv", { phases: phases(rate) })], environment, activity);
  expect(warningsOf(1000)).toEqual([]);
  expect(warningsOf(1001)).toEqual([
    "too short to be steady, raise --num-ops: kv READ (Simple) 999 ms",
  ]);
});

test("findWarnings() tells what is doubtful about a phase", () => {
  const run = runOf(1000);
  run.steadiness = { verdict: "unsteady", reason: "it fell" };
  run.open = {
    rateTarget: 2000,
    rateAchieved: 1000,
    arrival: "const",
    late: 5,
    dropped: 0,
    isSustained: false,
  };
  run.reads = { hits: 980, misses: 20 };
  run.processorTime.bottleneck = "client";
  const target = targetOf("kv", { phases: [makePhaseResult(READ_PHASE, [run])] });
  expect(findWarnings([target], environment, activity)).toEqual([
    "kv READ (Simple): not steady, it fell",
    "kv READ (Simple): 2,000/s is not sustained",
    "kv READ (Simple): 2.0 % of the reads found nothing",
    "kv READ (Simple): the client is the bottleneck, the server could do more",
  ]);
  const local: TargetResult = {
    ...target,
    backend: "map",
    facts: { ...target.facts, serverName: null },
  };
  expect(findWarnings([local], environment, activity).join()).not.toContain("bottleneck");
  run.reads = { hits: 990, misses: 10 };
  expect(findWarnings([target], environment, activity)).toHaveLength(3);
});
