/** The suites: what they promise to cover, and sizes that fit. */
import { expect, test } from "bun:test";
import { casesOf, type EngineGroup } from "./cases.ts";

test("casesOf() covers every group in the full suite, each case once", () => {
  const cases = casesOf("full");
  expect(new Set(cases.map(({ label }) => label)).size).toBe(cases.length);
  const groups: EngineGroup[] = [
    "value sizes",
    "hit rates",
    "mixes",
    "threads",
    "tasks",
    "batches",
    "scans",
  ];
  expect([...new Set(cases.map(({ group }) => group))]).toEqual(groups);
  expect(Math.max(...cases.map(({ workersCount }) => workersCount))).toBe(32);
  expect(cases.filter(({ readShare }) => readShare === 0.99)).toHaveLength(1);
});

test("casesOf() has at least 200 tasks at a time in the concurrency suite", () => {
  const totals = casesOf("concurrency").map((each) => each.tasksCount * each.workersCount);
  expect(Math.max(...totals)).toBeGreaterThanOrEqual(1000);
  expect(totals.filter((total) => total >= 200).length).toBeGreaterThanOrEqual(6);
});

test("casesOf() keeps the data of a case small enough for the store", () => {
  for (const suite of ["quick", "threads", "concurrency", "full"] as const) {
    for (const { keysCount, valueSize } of casesOf(suite)) {
      expect(keysCount * valueSize).toBeLessThanOrEqual(128 * 1024 * 1024);
      expect(keysCount).toBeGreaterThan(0);
    }
  }
});
