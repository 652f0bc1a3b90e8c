/** Steadiness of series made by hand; how often it errs is in error-rates.test.ts. */
import { expect, test } from "bun:test";
import { judgeSteadiness, SLICES_COUNT_MIN } from "./steadiness.ts";

/** `count` values around those of `shape`, jittered by up to 1 % in a fixed pattern. */
function series(count: number, shape: (at: number) => number): number[] {
  return Array.from({ length: count }, (_, at) => shape(at) * (1 + (((at * 7) % 11) - 5) / 500));
}

test("judgeSteadiness() says yes to a flat series", () => {
  const flat = judgeSteadiness(series(30, () => 1000));
  expect(flat.steady).toBe("yes");
  expect(flat.halvesRatio).toBeCloseTo(1, 2);
  expect(flat.trendPValue).toBeGreaterThan(0.01);
  expect(judgeSteadiness(Array(20).fill(7))).toMatchObject({ steady: "yes", trendPValue: 1 });
});

test("judgeSteadiness() says no to a ramp, a step and a warm-up, and names the direction", () => {
  const ramp = judgeSteadiness(series(30, (at) => 1000 + at * 10));
  expect(ramp.steady).toBe("no");
  expect(ramp.reason).toBe("the second half is 14.0 % faster than the first (trend: p < 0.001)");
  const step = judgeSteadiness(series(30, (at) => (at < 20 ? 1000 : 850)));
  expect(step.steady).toBe("no");
  expect(step.reason).toMatch(/^the second half is \d+\.\d % slower than the first/);
  const warmUp = judgeSteadiness(series(30, (at) => 1000 * (1 - 0.5 * Math.exp(-at / 5))));
  expect(warmUp.steady).toBe("no");
  // Too short for a trend, large enough for the shift.
  const short = judgeSteadiness(series(30, (at) => (at < 3 ? 500 : 1000)));
  expect(short.steady).toBe("no");
  expect(short.trendPValue).toBeGreaterThan(0.01);
});

test("judgeSteadiness() lets a sure but tiny trend and a single stall pass", () => {
  const tiny = judgeSteadiness(Array.from({ length: 40 }, (_, at) => 1000 + at * 0.5));
  expect(tiny.trendPValue).toBeLessThan(0.001);
  expect(tiny.steady).toBe("yes");
  expect(judgeSteadiness(series(30, (at) => (at === 4 ? 0 : 1000))).steady).toBe("yes");
});

test("judgeSteadiness() does not know of short or empty series", () => {
  const short = judgeSteadiness(Array(SLICES_COUNT_MIN - 1).fill(5));
  expect(short).toEqual({
    steady: "unknown",
    reason: "9 slices, at least 10 are needed",
    halvesRatio: null,
    trendPValue: null,
  });
  expect(judgeSteadiness(Array(SLICES_COUNT_MIN).fill(5)).steady).toBe("yes");
  expect(judgeSteadiness(Array(12).fill(0)).steady).toBe("unknown");
});

test("judgeSteadiness() gives the worked p value of Mann-Kendall, ties included", () => {
  // Nine rises and one tie: S = 44, variance (10·9·25 - 2·1·9) / 18 = 124, z = 43 / 11.136.
  const rising = judgeSteadiness([1, 2, 3, 4, 5, 6, 7, 8, 9, 9]);
  expect(rising.trendPValue).toBeCloseTo(0.0001127, 6);
});
