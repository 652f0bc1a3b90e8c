/**
 * A seeded permutation of 0 to n - 1, computed rather than stored.
 *
 * It turns a rank of popularity into a key number, so that popular keys lie anywhere. Numbers below
 * the next power of two are permuted by steps that each can be undone (xor, odd multiplication,
 * xor with own high bits); a result that is not below n is permuted again until it is (cycle
 * walking: Black and Rogaway 2002), less than twice on average.
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";

/** Key numbers are int32. */
const COUNT_MAX = 2 ** 31 - 1;

export class Scatter {
  readonly #count: number;
  readonly #mask: number;
  readonly #shift: number;
  readonly #flip: number;
  readonly #factor1: number;
  readonly #factor2: number;

  constructor(count: number, seed: number) {
    assert(count >= 1 && count <= COUNT_MAX, `count (${count}) must be from 1 to ${COUNT_MAX}`);
    const bits = 32 - Math.clz32(count - 1);
    const random = new Prng(seed);
    this.#count = count;
    this.#mask = 2 ** bits - 1;
    this.#shift = Math.max(1, bits >> 1);
    this.#flip = random.int32() & this.#mask;
    this.#factor1 = random.int32() | 1;
    this.#factor2 = random.int32() | 1;
  }

  /** The place of `index` (0 to count - 1). Hot: about 5 ns. */
  at(index: number): number {
    const mask = this.#mask;
    const shift = this.#shift;
    let place = index;
    do {
      place ^= this.#flip;
      place = Math.imul(place, this.#factor1) & mask;
      place ^= place >>> shift;
      place = Math.imul(place, this.#factor2) & mask;
      place ^= place >>> shift;
    } while (place >= this.#count);
    return place;
  }
}
