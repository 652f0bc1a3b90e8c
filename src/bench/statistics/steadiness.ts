/**
 * Whether a series of throughputs (one for each second or slice) is the same from its beginning to
 * its end.
 *
 * A run that still speeds up (a compiler at work, caches filling) or slows down (memory filling, a
 * host that throttles) has no single rate to report. Two findings make a series unsteady, each of
 * them sure of itself and large enough to matter:
 *
 *   trend   the Mann-Kendall test finds one (level 1 %), and the means of the two halves differ by
 *           more than TREND_RATIO_MIN
 *   shift   the means of the halves differ by more than SHIFT_RATIO_MIN and by more than
 *           SHIFT_ERRORS_MIN standard errors: a short warm-up or a late step, which is no trend
 *
 * The standard error comes from the differences of neighbours (von Neumann 1941), which a drift
 * hardly moves, while a single stalled slice widens it: a stall is no drift.
 * Not found: a hump in the middle, and a warm-up that costs less than the bounds. Nothing is ever
 * trimmed from a series; the verdict is printed beside the figure.
 * Method: Mann 1945, Kendall 1975, with the correction for ties.
 */
import { normalCdf } from "./probability.ts";

export type SteadyAnswer = "yes" | "no" | "unknown";

export interface Steadiness {
  readonly steady: SteadyAnswer;
  /** Why, as half a sentence: "the second half is 12.0 % faster than the first (…)". */
  readonly reason: string;
  /** Mean of the second half over that of the first; null when unknown. */
  readonly halvesRatio: number | null;
  /** Two-sided p of the Mann-Kendall test; null when unknown. */
  readonly trendPValue: number | null;
}

/** Shorter series are "unknown": the normal approximation of the test needs about ten values. */
export const SLICES_COUNT_MIN = 10;
const TREND_LEVEL = 0.01;
const TREND_RATIO_MIN = 0.02;
const SHIFT_RATIO_MIN = 0.05;
const SHIFT_ERRORS_MIN = 4;

/** `rates` in the order of time, all slices equally long; incomplete slices must be left out. */
export function judgeSteadiness(rates: readonly number[]): Steadiness {
  if (rates.length < SLICES_COUNT_MIN) {
    return unknown(`${rates.length} slices, at least ${SLICES_COUNT_MIN} are needed`);
  }
  const half = rates.length >> 1;
  const firstMean = meanOf(rates, 0, half);
  // With an odd number the slice in the middle belongs to neither half.
  const secondMean = meanOf(rates, rates.length - half, rates.length);
  if (firstMean <= 0 || secondMean <= 0) return unknown("a half of the run did nothing");
  const halvesRatio = secondMean / firstMean;
  const trendPValue = mannKendallPValue(rates);
  const change = Math.abs(Math.log(halvesRatio));
  const errors = Math.abs(secondMean - firstMean) / (noiseOf(rates) * Math.sqrt(2 / half));
  const isTrend = trendPValue < TREND_LEVEL && change > Math.log1p(TREND_RATIO_MIN);
  const isShift = change > Math.log1p(SHIFT_RATIO_MIN) && errors > SHIFT_ERRORS_MIN;
  const steady = isTrend || isShift ? "no" : "yes";
  return { steady, reason: reasonOf(halvesRatio, trendPValue), halvesRatio, trendPValue };
}

function unknown(reason: string): Steadiness {
  return { steady: "unknown", reason, halvesRatio: null, trendPValue: null };
}

function reasonOf(halvesRatio: number, trendPValue: number): string {
  const percent = Math.abs(halvesRatio - 1) * 100;
  const word = halvesRatio >= 1 ? "faster" : "slower";
  const p = trendPValue < 0.001 ? "< 0.001" : `= ${trendPValue.toFixed(3)}`;
  return `the second half is ${percent.toFixed(1)} % ${word} than the first (trend: p ${p})`;
}

function meanOf(rates: readonly number[], start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += rates[i] as number;
  return sum / (end - start);
}

/** The standard deviation of one slice, from the differences of neighbours. */
function noiseOf(rates: readonly number[]): number {
  let sum = 0;
  for (let i = 1; i < rates.length; i++) {
    sum += ((rates[i] as number) - (rates[i - 1] as number)) ** 2;
  }
  return Math.sqrt(sum / (2 * (rates.length - 1)));
}

/**
 * The probability of as many rising or falling pairs in a series without a trend, two-sided. Takes
 * time with the square of the length.
 */
function mannKendallPValue(rates: readonly number[]): number {
  const count = rates.length;
  let score = 0;
  for (let later = 1; later < count; later++) {
    for (let i = 0; i < later; i++) {
      score += Math.sign((rates[later] as number) - (rates[i] as number));
    }
  }
  const variance = (pairsVariance(count) - tiesVariance(rates)) / 18;
  if (score === 0 || variance <= 0) return 1;
  // One step towards 0: the score moves in twos, the normal distribution does not.
  const z = (Math.abs(score) - 1) / Math.sqrt(variance);
  return 2 * (1 - normalCdf(z));
}

function pairsVariance(count: number): number {
  return count * (count - 1) * (2 * count + 5);
}

function tiesVariance(rates: readonly number[]): number {
  const groups = new Map<number, number>();
  for (const rate of rates) groups.set(rate, (groups.get(rate) ?? 0) + 1);
  let sum = 0;
  for (const size of groups.values()) sum += pairsVariance(size);
  return sum;
}
