/** The token buckets: bursts, refilling, bytes, and no limit. */
import { expect, test } from "bun:test";
import { RateLimit, rateOf } from "./rate-limit.ts";

const SECOND = 1e9;

function takeUntilEmpty(limit: RateLimit, rate: ReturnType<typeof rateOf>, nowNs: number): number {
  let taken = 0;
  while (taken < 1e6 && limit.take(rate, 0, nowNs)) taken++;
  return taken;
}

test("RateLimit lets one second's worth through at once, and refills with time", () => {
  const rate = rateOf(10, 1000);
  const limit = new RateLimit(rate, 0);
  expect(takeUntilEmpty(limit, rate, 0)).toBe(10);
  expect(takeUntilEmpty(limit, rate, SECOND / 2)).toBe(5);
  // It does not fill above one second's worth.
  expect(takeUntilEmpty(limit, rate, 100 * SECOND)).toBe(10);
});

test("RateLimit counts bytes too; the largest message fits a full bucket", () => {
  const rate = rateOf(1, 64_000);
  const limit = new RateLimit(rate, 0);
  expect(limit.take(rate, 64_000, 0)).toBe(true);
  expect(limit.take(rate, 1025, SECOND)).toBe(false);
  expect(limit.take(rate, 1024, SECOND)).toBe(true);
});

test("RateLimit with 0 has no limit", () => {
  const rate = rateOf(0, 1000);
  const limit = new RateLimit(rate, 0);
  for (let i = 0; i < 1000; i++) expect(limit.take(rate, 1e9, 0)).toBe(true);
});
