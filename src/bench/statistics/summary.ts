/**
 * What a few repeated measurements say together: their middle, their spread, and how far the middle
 * may be off.
 *
 * A value here is the figure of a whole run or slice, never of a single request: requests of one
 * run follow each other and are not independent, runs nearly are. Pure functions; none changes its
 * input. Not here: comparing two targets (paired.ts), percentiles of latencies (recorder/).
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import { studentQuantile } from "./probability.ts";

/** Both ends belong to it. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Summary {
  readonly count: number;
  readonly median: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** Of the sample (n - 1); null below 2 values. */
  readonly standardDeviation: number | null;
  /** Standard deviation over mean; null below 2 values or around a mean of 0. */
  readonly coefficientOfVariation: number | null;
  /**
   * The median distance from the median, not scaled to a standard deviation: a spread that one bad
   * run does not move.
   */
  readonly medianAbsoluteDeviation: number;
  /** Of the mean; null below 2 values. */
  readonly interval95: Interval | null;
}

/** Medians drawn for a bootstrap interval: its ends then wobble by about 1 % of its width. */
const RESAMPLES_COUNT = 10_000;

/** `values` must not be empty. */
export function summarize(values: readonly number[]): Summary {
  const middle = median(values);
  const average = mean(values);
  const deviation = values.length < 2 ? null : standardDeviation(values);
  return {
    count: values.length,
    median: middle,
    mean: average,
    min: Math.min(...values),
    max: Math.max(...values),
    standardDeviation: deviation,
    coefficientOfVariation:
      deviation === null || average === 0 ? null : deviation / Math.abs(average),
    medianAbsoluteDeviation: median(values.map((value) => Math.abs(value - middle))),
    interval95: confidenceInterval95(values),
  };
}

/** The middle value, or the mean of the two in the middle; `values` must not be empty. */
export function median(values: readonly number[]): number {
  assert(values.length >= 1, "the median needs at least 1 value");
  return medianOfSorted(Float64Array.from(values).sort());
}

/** The arithmetic mean; `values` must not be empty. */
export function mean(values: readonly number[]): number {
  assert(values.length >= 1, "the mean needs at least 1 value");
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** The standard deviation of the sample (n - 1), in two passes; at least 2 values. */
export function standardDeviation(values: readonly number[]): number {
  assert(values.length >= 2, `the standard deviation needs 2 values, not ${values.length}`);
  const average = mean(values);
  let sum = 0;
  for (const value of values) sum += (value - average) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

/**
 * Where the true mean lies with 95 % confidence, by Student's t; null below 2 values. It assumes
 * that the values are independent and that their mean is about normal.
 */
export function confidenceInterval95(values: readonly number[]): Interval | null {
  if (values.length < 2) return null;
  const average = mean(values);
  const error = standardDeviation(values) / Math.sqrt(values.length);
  const reach = studentQuantile(0.975, values.length - 1) * error;
  return { low: average - reach, high: average + reach };
}

/**
 * Where the true median lies with about 95 % confidence: the percentile bootstrap, for values whose
 * distribution is skewed or has outliers; null below 2 values. The same `seed` gives the same
 * interval. Below 6 values no interval of the median can reach 95 %: the whole range has 1 - 2^(1 -
 * n), 94 % at 5 values.
 */
export function medianInterval95(values: readonly number[], seed: number): Interval | null {
  if (values.length < 2) return null;
  const random = new Prng(seed);
  const resample = new Float64Array(values.length);
  const medians = new Float64Array(RESAMPLES_COUNT);
  for (let i = 0; i < RESAMPLES_COUNT; i++) {
    for (let j = 0; j < resample.length; j++) {
      resample[j] = values[random.below(values.length)] as number;
    }
    medians[i] = medianOfSorted(resample.sort());
  }
  medians.sort();
  const cut = Math.floor(RESAMPLES_COUNT * 0.025);
  return {
    low: medians[cut] as number,
    high: medians[RESAMPLES_COUNT - 1 - cut] as number,
  };
}

function medianOfSorted(sorted: Float64Array): number {
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}
