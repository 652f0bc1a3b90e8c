/** From runs to summaries: estimates over the runs, histograms added, verdicts combined. */
import { expect, test } from "bun:test";
import { estimate, makePhaseResult } from "./summarize.ts";
import { READ_PHASE, runOf } from "./test-results.ts";

test("estimate() has the median of odd and even counts", () => {
  expect(estimate([3, 1, 2])).toMatchObject({ count: 3, median: 2, mean: 2, min: 1, max: 3 });
  expect(estimate([4, 1, 2, 3]).median).toBe(2.5);
  expect(estimate([1, 3]).standardDeviation).toBeCloseTo(Math.SQRT2);
  expect(estimate([7])).toMatchObject({ median: 7, standardDeviation: 0, interval95: null });
});

test("makePhaseResult() adds the histograms of the runs", () => {
  const { summary, batchSize } = makePhaseResult(READ_PHASE, [runOf(1000), runOf(2000)]);
  expect(batchSize).toBe(16);
  expect(summary.operationsPerSecond.median).toBe(1500);
  expect(summary.latency?.primary.count).toBe(2000);
  expect(summary.latency?.primary.p50Ns).toBeGreaterThan(99_000);
  expect(summary.bottleneck).toBe("server");
});

test("makePhaseResult() calls a phase unsteady when any run was", () => {
  const unsteady = runOf(1000);
  unsteady.steadiness = { verdict: "unsteady", reason: "it fell" };
  const steady = runOf(1000);
  steady.steadiness = { verdict: "steady", reason: "" };
  expect(makePhaseResult(READ_PHASE, [steady, unsteady]).summary.steadiness).toBe("unsteady");
  expect(makePhaseResult(READ_PHASE, [steady, steady]).summary.steadiness).toBe("steady");
  expect(makePhaseResult(READ_PHASE, [steady, runOf(1)]).summary.steadiness).toBe("unknown");
});
