/**
 * A log-linear histogram of durations in nanoseconds, on typed arrays.
 *
 * It sits at the end of the hot path: a driver calls `record` for what one read brought, and
 * everything else (percentiles, merging, the result file) happens after the clock has stopped.
 *
 * A duration is stored as a float64; its exponent and its upper 7 mantissa bits are the bucket:
 *
 *      | sign 1 | exponent 11 | mantissa 7 | mantissa 45, dropped |
 *               |<---- bucket index ------>|
 *
 * So a bucket is 1/128 of its power of two wide, and its middle is at most 0.39 % from any value in
 * it.
 * Limits: 1 ns to 2^42 ns (73 minutes); what is outside counts in the first or the last bucket,
 * while `minNs` and `maxNs` stay exact. Counts are float64 and exact to 2^53.
 * Invariant: count = sum of all buckets; minNs <= maxNs when count > 0.
 * Byte order: the exponent is read from the second 32-bit word, so little-endian only (x64 and
 * arm64).
 * Not here: averages over several runs (never average percentiles; merge the histograms).
 */
import { assert } from "../../base/assert.ts";

export const MANTISSA_BITS = 7;
export const EXPONENTS_COUNT = 42;
const BUCKETS_COUNT = EXPONENTS_COUNT << MANTISSA_BITS;
/** The index that 1.0 would get without this correction: the float64 exponent bias. */
const INDEX_BIAS = 1023 << MANTISSA_BITS;
const INDEX_SHIFT = 20 - MANTISSA_BITS;

/**
 * A histogram as plain data: only the buckets in use, as [index, count], in rising order of index.
 */
export interface HistogramData {
  unit: "ns";
  mantissaBits: number;
  minNs: number;
  maxNs: number;
  sumNs: number;
  buckets: [index: number, count: number][];
}

export class Histogram {
  count = 0;
  sumNs = 0;
  minNs = Number.POSITIVE_INFINITY;
  maxNs = 0;
  readonly #counts = new Float64Array(BUCKETS_COUNT);
  readonly #float = new Float64Array(1);
  readonly #words = new Uint32Array(this.#float.buffer);

  /** Counts `times` durations of `ns` each. Hot: no allocation, about 2 ns. */
  record(ns: number, times: number): void {
    if (ns < this.minNs) this.minNs = ns;
    if (ns > this.maxNs) this.maxNs = ns;
    this.count += times;
    this.sumNs += ns * times;
    this.#float[0] = ns;
    let index = (this.#words[1]! >>> INDEX_SHIFT) - INDEX_BIAS;
    if (index < 0 || ns < 0) index = 0;
    else if (index >= BUCKETS_COUNT) index = BUCKETS_COUNT - 1;
    this.#counts[index]! += times;
  }

  /** Adds everything that `other` counted. Associative and commutative. */
  merge(other: Histogram): void {
    for (let index = 0; index < BUCKETS_COUNT; index++) {
      this.#counts[index]! += other.#counts[index]!;
    }
    this.count += other.count;
    this.sumNs += other.sumNs;
    this.minNs = Math.min(this.minNs, other.minNs);
    this.maxNs = Math.max(this.maxNs, other.maxNs);
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.fill(0);
    this.count = this.sumNs = this.maxNs = 0;
    this.minNs = Number.POSITIVE_INFINITY;
  }

  /** Becomes a copy of `other`. */
  copyFrom(other: Histogram): void {
    this.clear();
    this.merge(other);
  }

  /**
   * What was recorded since `before` was a copy of this histogram. Its minimum and maximum are
   * those of the buckets, since the exact ones are not known.
   */
  since(before: Histogram): Histogram {
    const slice = new Histogram();
    slice.sumNs = this.sumNs - before.sumNs;
    for (let index = 0; index < BUCKETS_COUNT; index++) {
      const count = this.#counts[index]! - before.#counts[index]!;
      if (count === 0) continue;
      slice.#counts[index] = count;
      slice.count += count;
      slice.minNs = Math.min(slice.minNs, middleNs(index));
      slice.maxNs = middleNs(index);
    }
    return slice;
  }

  /** The arithmetic mean in nanoseconds, exact; 0 when nothing was recorded. */
  averageNs(): number {
    return this.count === 0 ? 0 : this.sumNs / this.count;
  }

  /**
   * The duration that `quantile` (0 to 1) of the records do not exceed (nearest rank), within 0.39
   * %; 0 when nothing was recorded. Quantile 0 is the exact minimum and quantile 1 the exact
   * maximum.
   */
  quantileNs(quantile: number): number {
    assert(quantile >= 0 && quantile <= 1, `quantile (${quantile}) must be between 0 and 1`);
    if (this.count === 0) return 0;
    const rank = Math.ceil(quantile * this.count);
    if (rank <= 1) return this.minNs;
    if (rank >= this.count) return this.maxNs;
    let seen = 0;
    for (let index = 0; index < BUCKETS_COUNT; index++) {
      seen += this.#counts[index]!;
      if (seen >= rank) return this.#valueNs(index);
    }
    return this.maxNs;
  }

  #valueNs(index: number): number {
    return Math.min(Math.max(middleNs(index), this.minNs), this.maxNs);
  }

  /**
   * Shows each bucket in use, in rising order: its middle, within minNs and maxNs, and its count.
   */
  visitBuckets(visit: (ns: number, count: number) => void): void {
    for (let index = 0; index < BUCKETS_COUNT; index++) {
      const count = this.#counts[index]!;
      if (count > 0) visit(this.#valueNs(index), count);
    }
  }

  /** Plain data for the result file. `fromData` gives an equal histogram back. */
  toData(): HistogramData {
    const buckets: [number, number][] = [];
    for (let index = 0; index < BUCKETS_COUNT; index++) {
      if (this.#counts[index]! > 0) buckets.push([index, this.#counts[index]!]);
    }
    const minNs = this.count === 0 ? 0 : this.minNs;
    const { maxNs, sumNs } = this;
    return { unit: "ns", mantissaBits: MANTISSA_BITS, minNs, maxNs, sumNs, buckets };
  }

  /** Throws RangeError when the data has another resolution or a bucket out of range. */
  static fromData(data: HistogramData): Histogram {
    if (data.mantissaBits !== MANTISSA_BITS) {
      throw new RangeError(`mantissaBits: ${data.mantissaBits} is not ${MANTISSA_BITS}`);
    }
    const histogram = new Histogram();
    for (const [index, count] of data.buckets) {
      if (!(index >= 0 && index < BUCKETS_COUNT)) {
        throw new RangeError(`bucket index ${index} is not below ${BUCKETS_COUNT}`);
      }
      histogram.#counts[index]! += count;
      histogram.count += count;
    }
    histogram.sumNs = data.sumNs;
    if (histogram.count > 0) histogram.minNs = data.minNs;
    histogram.maxNs = data.maxNs;
    return histogram;
  }

  invariants(): void {
    let sum = 0;
    for (const count of this.#counts) sum += count;
    assert(sum === this.count, `buckets hold ${sum} records, count says ${this.count}`);
    assert(this.count === 0 || this.minNs <= this.maxNs, `min ${this.minNs} > max ${this.maxNs}`);
  }
}

/** The middle of a bucket in nanoseconds. */
function middleNs(index: number): number {
  const power = 2 ** (index >>> MANTISSA_BITS);
  const steps = 1 << MANTISSA_BITS;
  return power * (1 + ((index & (steps - 1)) + 0.5) / steps);
}
