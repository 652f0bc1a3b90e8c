/**
 * In which order a phase visits the keys 0 to keysCount - 1: one after the other, or at random with
 * repetition.
 *
 * All connections draw from one order, so that they end together whatever the speed of each. The
 * random order is uniform and repeatable: the same seed gives the same keys.
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";

export type KeyOrderName = "sequential" | "random";

export interface KeyOrder {
  /** The index of the next key. Hot: once per request. */
  next(): number;
}

/** `seed` matters to the random order only. */
export function createKeyOrder(name: KeyOrderName, keysCount: number, seed: number): KeyOrder {
  assert(keysCount >= 1, `keysCount (${keysCount}) must be >= 1`);
  return name === "sequential" ? new SequentialKeys(keysCount) : new RandomKeys(keysCount, seed);
}

class SequentialKeys implements KeyOrder {
  #next = 0;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  next(): number {
    const key = this.#next;
    this.#next = key + 1 === this.#count ? 0 : key + 1;
    return key;
  }
}

class RandomKeys implements KeyOrder {
  readonly #random: Prng;
  readonly #count: number;

  constructor(count: number, seed: number) {
    this.#random = new Prng(seed);
    this.#count = count;
  }

  next(): number {
    // Truncated to an int32, so that everything made of the key stays integer arithmetic.
    return (this.#random.fraction() * this.#count) | 0;
  }
}
