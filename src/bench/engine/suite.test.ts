/** The suite on real Workers: every kind of case does what it says. */
import { expect, test } from "bun:test";
import { workerUrl } from "../../worker-url.ts";
import { Progress } from "../progress.ts";
import { casesOf, type EngineCase } from "./cases.ts";
import { runSuite } from "./suite.ts";

const [BASE] = casesOf("quick") as [EngineCase];

function caseOf(changes: Partial<EngineCase>): EngineCase {
  return { ...BASE, keysCount: 1000, valueSize: 10, ...changes };
}

test("runSuite() writes, reads, misses, scans and batches as its cases say", async () => {
  const cases = [
    caseOf({ label: "write", name: "write", readShare: 0 }),
    caseOf({ label: "read", name: "read", readShare: 1, hitShare: 0.5, workersCount: 2 }),
    caseOf({ label: "tasks", name: "mix", readShare: 0.5, tasksCount: 20 }),
    caseOf({ label: "batches", name: "mix", readShare: 0.5, batchSize: 50 }),
    caseOf({ label: "scan", name: "scan", readShare: 1, prefixesCount: 10 }),
  ];
  const { phases } = await runSuite({
    cases,
    durationMs: 20,
    runsCount: 2,
    seed: 1,
    isTimingLatency: true,
    workerUrl: workerUrl("bench-engine-worker"),
    progress: new Progress(true, false, () => {}),
    onCase: null,
  });
  const [write, read, tasks, batches, scan] = phases.map((phase) => phase.runs[1]);
  expect(phases.map((phase) => phase.runs.length)).toEqual([2, 2, 2, 2, 2]);
  expect(write).toMatchObject({ reads: null, errors: { total: 0 } });
  expect(write?.payloadBytes).toBe((write?.operations ?? 0) * 10);
  const { hits = 0, misses = 0 } = read?.reads ?? {};
  expect(hits + misses).toBe(read?.operations ?? 0);
  expect(misses / (hits + misses)).toBeWithin(0.4, 0.6);
  expect(tasks?.operations).toBeGreaterThan(20);
  expect((batches?.operations ?? 1) % 50).toBe(0);
  // Each scan finds the hundred keys of its prefix.
  expect(scan?.reads).toEqual({ hits: scan?.operations ?? 0, misses: 0 });
  expect((scan?.operations ?? 1) % 100).toBe(0);
  expect(write?.latency?.primary.count).toBe(write?.operations ?? 0);
});
