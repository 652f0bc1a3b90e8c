/**
 * Draws from Zipf's distribution: rank k (1 to n) in proportion to 1 / k^theta.
 *
 * By rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates from
 * monotone discrete distributions", 1996): a point under the curve x^-theta is drawn by inverting
 * its integral, rounded to a rank, and refused when it lies above that rank's share, which a few in
 * a hundred do. It is exact for every rank, takes theta of 1 and above, and starts at once for any
 * n. YCSB's method (Gray et al. 1994) is exact for two ranks only, needs theta < 1, and adds up n
 * powers before its first draw, which takes most of a minute for 2^31 keys.
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";

const TWO_TO_26 = 67_108_864;
const TWO_TO_53 = 2 ** 53;

export class Zipf {
  readonly #random: Prng;
  readonly #theta: number;
  /** 1 - theta: the exponent of the integral. */
  readonly #power: number;
  /** A rank at most this far above its drawn point needs no check of its share. */
  readonly #squeeze: number;
  readonly #integralLow: number;
  #integralHigh = 0;
  #count = 0;

  constructor(theta: number, count: number, seed: number) {
    assert(theta > 0, `theta (${theta}) must be above 0`);
    this.#random = new Prng(seed);
    this.#theta = theta;
    this.#power = 1 - theta;
    this.#integralLow = this.#integral(1.5) - 1;
    this.#squeeze = 2 - this.#inverse(this.#integral(2.5) - 2 ** -theta);
    this.resize(count);
  }

  /** From now on the ranks are 1 to `count`. Cheap: one integral. */
  resize(count: number): void {
    assert(count >= 1, `count (${count}) must be >= 1`);
    this.#count = count;
    this.#integralHigh = this.#integral(count + 0.5);
  }

  /** A rank from 1 to the count. Hot: 40 to 50 ns, most of them in log1p and exp. */
  next(): number {
    for (;;) {
      const area = this.#integralHigh + this.#fraction() * (this.#integralLow - this.#integralHigh);
      const point = this.#inverse(area);
      const rank = Math.max(1, Math.min(Math.floor(point + 0.5), this.#count));
      if (rank - point <= this.#squeeze) return rank;
      if (area >= this.#integral(rank + 0.5) - rank ** -this.#theta) return rank;
    }
  }

  /**
   * From 0 up to and without 1 in steps of 2^-53: with 32 bits the rarest of 2^31 keys would never
   * come.
   */
  #fraction(): number {
    const high = this.#random.int32() >>> 5;
    return (high * TWO_TO_26 + (this.#random.int32() >>> 6)) / TWO_TO_53;
  }

  /** The integral of x^-theta from 1 to `x`; expm1 keeps it exact around theta = 1. */
  #integral(x: number): number {
    const log = Math.log(x);
    return this.#power === 0 ? log : Math.expm1(this.#power * log) / this.#power;
  }

  #inverse(area: number): number {
    // Rounding can take the lowest area just below what the integral can reach.
    const scaled = Math.max(-1, this.#power * area);
    return Math.exp(this.#power === 0 ? area : Math.log1p(scaled) / this.#power);
  }
}
