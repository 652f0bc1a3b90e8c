/** findMax() against servers whose latency is a function of the rate. */
import { expect, test } from "bun:test";
import { FatalError } from "../base/errors.ts";
import { findMax, type SearchedPhase } from "./find-max.ts";
import type { RateSearch } from "./plan.ts";
import type { PhaseRun } from "./result.ts";
import { READ_PHASE, runOf } from "./test-results.ts";

const SEARCH: RateSearch = {
  percentile: 0.99,
  latencyNsMax: 2e6,
  arrival: "const",
  inflightMax: 100,
};
const PHASE = READ_PHASE as SearchedPhase;

/** A server that keeps the bound up to `rateMax`, and is asked by phases. */
function serverUpTo(rateMax: number) {
  const rates: number[] = [];
  const run = async (phase: SearchedPhase): Promise<PhaseRun> => {
    const rate = phase.schedule?.ratePerSecond ?? 0;
    rates.push(rate);
    const answer = runOf(rate);
    if (answer.latency !== null) {
      answer.latency.primary.p99Ns = rate <= rateMax ? 1e6 : 3e6;
    }
    return answer;
  };
  return { rates, run };
}

for (const rateMax of [3, 870, 1000, 45_678, 3_000_000]) {
  test(`findMax() finds ${rateMax}/s within 5 %, and keeps every step`, async () => {
    const { rates, run } = serverUpTo(rateMax);
    const { steps, confirmed } = await findMax(PHASE, SEARCH, run);
    const found = confirmed.phase.schedule?.ratePerSecond ?? 0;
    expect(found).toBeLessThanOrEqual(rateMax);
    expect(found).toBeGreaterThan(rateMax / 1.06);
    expect(confirmed.phase.label).toBe("READ (Simple) max");
    expect([...steps, confirmed].map(({ phase }) => phase.schedule?.ratePerSecond)).toEqual(rates);
    expect(confirmed.phase.amount).toEqual({ durationMs: 6000 });
  });
}

test("findMax() goes down when a rate is not confirmed", async () => {
  const { run } = serverUpTo(50_000);
  const moody = async (phase: SearchedPhase) => {
    const isLong = "durationMs" in phase.amount && phase.amount.durationMs > 2000;
    const answer = await run(phase);
    const isTooFast = isLong && (phase.schedule?.ratePerSecond ?? 0) > 42_000;
    if (isTooFast && answer.latency !== null) answer.latency.primary.p99Ns = 9e6;
    return answer;
  };
  const { confirmed } = await findMax(PHASE, SEARCH, moody);
  expect(confirmed.phase.schedule?.ratePerSecond).toBeLessThanOrEqual(42_000);
  expect(confirmed.phase.schedule?.ratePerSecond).toBeGreaterThan(35_000);
});

test("findMax() takes no rate that failed or was not sustained", async () => {
  const failing = async (phase: SearchedPhase) => {
    const answer = await serverUpTo(1e9).run(phase);
    const rate = phase.schedule?.ratePerSecond ?? 0;
    if (rate > 4000) answer.errors.total = 1;
    else if (rate > 2000) {
      answer.open = {
        rateTarget: rate,
        rateAchieved: rate,
        arrival: "const",
        late: 0,
        dropped: 0,
        isSustained: false,
      };
    }
    return answer;
  };
  const { confirmed } = await findMax(PHASE, SEARCH, failing);
  expect(confirmed.phase.schedule?.ratePerSecond).toBe(2000);
});

test("findMax() says when the bound is never kept", async () => {
  const { run } = serverUpTo(0);
  await expect(findMax(PHASE, SEARCH, run)).rejects.toThrow(
    new FatalError("Cannot find a rate for READ (Simple): p99 < 2.00 ms is not kept even at 1/s"),
  );
});
