/** Summaries against values worked out by hand. */
import { expect, test } from "bun:test";
import { confidenceInterval95, median, medianInterval95, summarize } from "./summary.ts";

test("summarize() gives the textbook figures", () => {
  const summary = summarize([2, 4, 4, 4, 5, 5, 7, 9]);
  expect(summary).toMatchObject({ count: 8, median: 4.5, mean: 5, min: 2, max: 9 });
  expect(summary.standardDeviation).toBeCloseTo(Math.sqrt(32 / 7), 12);
  expect(summary.coefficientOfVariation).toBeCloseTo(Math.sqrt(32 / 7) / 5, 12);
  // Distances from 4.5: 2.5, 0.5 (five times), 2.5, 4.5.
  expect(summary.medianAbsoluteDeviation).toBe(0.5);
  // t(0.975, 7) = 2.3646, standard error sqrt(32/7/8) = 0.7559.
  expect(summary.interval95!.low).toBeCloseTo(5 - 2.364624 * 0.7559289, 5);
  expect(summary.interval95!.high).toBeCloseTo(5 + 2.364624 * 0.7559289, 5);
});

test("summarize() of one value has no spread, and of none is a mistake", () => {
  expect(summarize([7])).toEqual({
    count: 1,
    median: 7,
    mean: 7,
    min: 7,
    max: 7,
    standardDeviation: null,
    coefficientOfVariation: null,
    medianAbsoluteDeviation: 0,
    interval95: null,
  });
  expect(summarize([-1, 1]).coefficientOfVariation).toBe(null);
  expect(() => summarize([])).toThrow("at least 1 value");
});

test("median() sorts by value and leaves its input alone", () => {
  const values = [10, 9, 100, 1];
  expect(median(values)).toBe(9.5);
  expect(values).toEqual([10, 9, 100, 1]);
  expect(median([100, 9, 10])).toBe(10);
});

test("confidenceInterval95() is null below 2 values and a point for equal ones", () => {
  expect(confidenceInterval95([])).toBe(null);
  expect(confidenceInterval95([3])).toBe(null);
  expect(confidenceInterval95([3, 3, 3])).toEqual({ low: 3, high: 3 });
});

test("medianInterval95() repeats with its seed and ignores one wild value", () => {
  const values = [10, 11, 12, 13, 14, 15, 16, 17, 18, 1e9];
  const interval = medianInterval95(values, 1)!;
  expect(medianInterval95(values, 1)).toEqual(interval);
  expect(interval.low).toBeGreaterThanOrEqual(10);
  expect(interval.high).toBeLessThanOrEqual(18);
  expect(interval.low).toBeLessThan(14.5);
  expect(interval.high).toBeGreaterThan(14.5);
  expect(medianInterval95([1], 1)).toBe(null);
});
