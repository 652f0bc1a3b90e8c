/**
 * A seeded pseudo-random generator (xoshiro128**, Blackman and Vigna 2018, seeded by SplitMix32).
 *
 * Tests, fuzzers and workloads draw from it, so that a run is repeated by its seed. One generator
 * per thread or purpose: two users of one generator depend on each other's order. Not for secrets.
 *
 * Hot: int32 arithmetic, nothing allocated per draw.
 */
import { assert } from "./assert.ts";

const TWO_TO_32 = 4_294_967_296;

export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** The same `seed` (its low 32 bits count) gives the same draws on every machine. */
  constructor(seed: number) {
    let state = seed | 0;
    function next(): number {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    }
    this.#a = next();
    this.#b = next();
    this.#c = next();
    // All four words zero is the one state that never leaves itself.
    this.#d = next() | 1;
  }

  /** An int32, all 2^32 values equally likely. */
  int32(): number {
    const b = this.#b;
    const times5 = Math.imul(b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9);
    this.#c ^= this.#a;
    this.#d ^= b;
    this.#b = b ^ this.#c;
    this.#a ^= this.#d;
    this.#c ^= b << 9;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** From 0 up to and without 1, in steps of 2^-32. */
  fraction(): number {
    return (this.int32() >>> 0) / TWO_TO_32;
  }

  /** An integer from 0 up to and without `bound` (1 to 2^32). The bias is below bound / 2^32. */
  below(bound: number): number {
    assert(bound >= 1 && bound <= TWO_TO_32, `bound (${bound}) must be from 1 to 2^32`);
    return Math.floor(this.fraction() * bound);
  }

  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True once in `oneIn` draws. */
  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Fills `target[start, end)` with random bytes. */
  fill(target: Uint8Array, start = 0, end = target.length): void {
    for (let at = start; at < end; at += 4) {
      let word = this.int32();
      const stop = Math.min(at + 4, end);
      for (let byte = at; byte < stop; byte++) {
        target[byte] = word & 0xff;
        word >>>= 8;
      }
    }
  }

  /** Shuffles `items` in place (Fisher and Yates). */
  shuffle<T>(items: T[]): void {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      const kept = items[last] as T;
      items[last] = items[other] as T;
      items[other] = kept;
    }
  }
}

/** A seed for a run that was not given one: print it, so that the run can be repeated. */
export function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}
