/** What the fairness sheet and the lines below it say, and that it is so. */
import { expect, test } from "bun:test";
import { makePhaseResult } from "../summarize.ts";
import { connectTarget, fanoutTarget } from "../test-phases.ts";
import { READ_PHASE, resultOf, runOf, targetOf } from "../test-results.ts";
import { fairnessTable, loadLines } from "./fairness.ts";

const REQUESTS = targetOf("kv", { phases: [makePhaseResult(READ_PHASE, [runOf(1000)])] });

test("fairnessTable() counts a message when it is published and at each delivery", () => {
  const target = fanoutTarget("kv", 9000);
  const run = target.phases[0]!.runs[0]!;
  // 1,000 messages published and 9,000 delivered, of 128 bytes.
  run.operations = 1000;
  run.payloadBytes = 10_000 * 128;
  const row = fairnessTable([target]).rows.find(([name]) => name === "Payload per operation");
  expect(row).toEqual(["Payload per operation", "128 B"]);
});

test("loadLines() says what was looked at", () => {
  const of = (targets: Parameters<typeof resultOf>[0], isVerifying = false) => {
    const result = resultOf(targets);
    return loadLines({ ...result, plan: { ...result.plan, isVerifying } })[0];
  };
  expect(of([REQUESTS])).toEndWith("lengths and types of replies checked");
  expect(of([REQUESTS], true)).toEndWith("every value compared");
  const decoding = runOf(1000, { isChecked: true });
  expect(of([targetOf("kv", { phases: [makePhaseResult(READ_PHASE, [decoding])] })])).toEndWith(
    "every value that is read is decoded and compared",
  );
  const fanout = "order and size of every message checked,";
  expect(of([fanoutTarget("kv", 9000)])).toEndWith(`${fanout} one in 64 decoded and compared`);
  expect(of([fanoutTarget("kv", 9000)], true)).toEndWith(`${fanout} each decoded and compared`);
  expect(of([connectTarget()])).toEndWith(
    "50 connections opened at a time, one load process, one run",
  );
});

test("loadLines() speaks of no connections where there are none", () => {
  const local = { ...REQUESTS, backend: "map" as const };
  const result = resultOf([local]);
  expect(loadLines(result)[0]).toStartWith("load: 50 tasks, ");
  expect(loadLines(resultOf([REQUESTS, local]))[0]).toStartWith("load: 50 connections, ");
  const engine = { ...result, plan: { ...result.plan, workload: "engine" as const } };
  expect(loadLines(engine)).toEqual([
    "load: as each operation says, one run, seed 1, hits and misses counted",
  ]);
});
