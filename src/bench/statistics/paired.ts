/**
 * Whether b is faster than a, from slices of both that ran next to each other.
 *
 * A host's speed drifts by more than what one wants to see, and it drifts for neighbouring slices
 * alike. So each slice of a is compared with its neighbour of b only, as a ratio, and the ratios
 * are judged:
 *
 *      rates        a1 b1 | b2 a2 | a3 b3 | …         (the order is interleave.ts's)
 *      log-ratios   ln(b1/a1), ln(b2/a2), …           one number for each pair
 *      interval     Student's t on their mean, back through exp: a ratio of geometric means
 *
 * The verdict is read from the interval alone, so the two never contradict each other: there is a
 * difference when the interval excludes 1. The p value beside it is of the sign-flip permutation
 * test, which assumes no shape of the noise: if both targets were alike, each log-ratio could as
 * well have had the other sign. With 5 pairs it cannot be below 2/2^5 = 0.06, with 6 it can.
 * Method: Bulej et al., "Duet Benchmarking", 2020; Good, "Permutation Tests", 2005.
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import { studentQuantile } from "./probability.ts";
import { confidenceInterval95, type Interval, mean, standardDeviation } from "./summary.ts";

export type PairedVerdict = "a is faster" | "b is faster" | "no difference seen";

export interface PairedComparison {
  readonly pairsCount: number;
  /** Geometric mean of b/a: 1.05 says that b does 5 % more per second. */
  readonly ratio: number;
  /** Of `ratio`; null below 2 pairs. */
  readonly ratioInterval95: Interval | null;
  /** Two-sided, of the sign-flip test: exact up to EXACT_PAIRS_MAX pairs. */
  readonly pValue: number;
  /**
   * The smallest ratio above 1 that a session with this noise sees in 80 of 100 cases at a level of
   * 5 %: 1.03 says that a change of less than 3 % can have gone unseen. null below 2 pairs.
   */
  readonly detectableRatio: number | null;
  readonly verdict: PairedVerdict;
}

/** Above this many pairs sign patterns are drawn rather than gone through: 2^16 take 1 ms. */
const EXACT_PAIRS_MAX = 16;
const DRAWN_PATTERNS_COUNT = 20_000;
/** Two sums that differ by less than this, relative to the largest possible, are equal. */
const SUM_TOLERANCE = 1e-12;
const POWER = 0.8;
const LEVEL = 0.05;

/**
 * Compares rates (more is faster): `ratesA[i]` and `ratesB[i]` are a pair. All must be above 0: a
 * slice in which nothing was done has no rate to compare. `seed` matters above EXACT_PAIRS_MAX
 * pairs only.
 */
export function comparePaired(
  ratesA: readonly number[],
  ratesB: readonly number[],
  seed: number,
): PairedComparison {
  const logRatios = logRatiosOf(ratesA, ratesB);
  const interval = confidenceInterval95(logRatios);
  return {
    pairsCount: logRatios.length,
    ratio: Math.exp(mean(logRatios)),
    ratioInterval95:
      interval === null ? null : { low: Math.exp(interval.low), high: Math.exp(interval.high) },
    pValue: signFlipPValue(logRatios, seed),
    detectableRatio: detectableRatio(logRatios),
    verdict: verdictOf(interval),
  };
}

function logRatiosOf(ratesA: readonly number[], ratesB: readonly number[]): number[] {
  assert(ratesA.length === ratesB.length, `${ratesA.length} rates of a, ${ratesB.length} of b`);
  assert(ratesA.length >= 1, "a comparison needs at least 1 pair");
  return ratesA.map((a, pair) => {
    const b = ratesB[pair] as number;
    for (const rate of [a, b]) {
      assert(rate > 0 && Number.isFinite(rate), `a rate of pair ${pair} (${rate}) must be above 0`);
    }
    return Math.log(b / a);
  });
}

function verdictOf(interval: Interval | null): PairedVerdict {
  if (interval === null) return "no difference seen";
  if (interval.low > 0) return "b is faster";
  return interval.high < 0 ? "a is faster" : "no difference seen";
}

function detectableRatio(logRatios: readonly number[]): number | null {
  const count = logRatios.length;
  if (count < 2) return null;
  const error = standardDeviation(logRatios) / Math.sqrt(count);
  const reach = studentQuantile(1 - LEVEL / 2, count - 1) + studentQuantile(POWER, count - 1);
  return Math.exp(reach * error);
}

/**
 * How probable a sum as far from 0 as that of `differences` is, if each had its sign by chance.
 * Exact (all patterns) up to EXACT_PAIRS_MAX values; above, from patterns drawn by `seed`, the
 * observed one counted among them.
 */
export function signFlipPValue(differences: readonly number[], seed: number): number {
  let observed = 0;
  let largest = 0;
  for (const difference of differences) {
    observed += difference;
    largest += Math.abs(difference);
  }
  const threshold = Math.abs(observed) - SUM_TOLERANCE * largest;
  return differences.length <= EXACT_PAIRS_MAX
    ? exactPValue(differences, threshold)
    : drawnPValue(differences, threshold, new Prng(seed));
}

/** The last sign stays: the other half of the patterns are mirror images with the same |sum|. */
function exactPValue(differences: readonly number[], threshold: number): number {
  const last = differences.length - 1;
  const patternsCount = 2 ** last;
  let extreme = 0;
  for (let pattern = 0; pattern < patternsCount; pattern++) {
    let sum = differences[last] as number;
    for (let i = 0; i < last; i++) {
      const difference = differences[i] as number;
      sum += (pattern >> i) & 1 ? -difference : difference;
    }
    if (Math.abs(sum) >= threshold) extreme++;
  }
  return extreme / patternsCount;
}

function drawnPValue(differences: readonly number[], threshold: number, random: Prng): number {
  let extreme = 1;
  for (let drawn = 0; drawn < DRAWN_PATTERNS_COUNT; drawn++) {
    let sum = 0;
    let signs = 0;
    for (let i = 0; i < differences.length; i++) {
      if (i % 32 === 0) signs = random.int32();
      const difference = differences[i] as number;
      sum += signs & 1 ? -difference : difference;
      signs >>>= 1;
    }
    if (Math.abs(sum) >= threshold) extreme++;
  }
  return extreme / (DRAWN_PATTERNS_COUNT + 1);
}
