/**
 * In which order a phase visits the keys 0 to keysCount - 1: what distributions.ts names, drawn.
 *
 * All connections draw from one order, so that they end together whatever the speed of each. Every
 * order is repeatable: the same seed gives the same keys. No draw allocates; what one costs is in
 * draws.bench.ts.
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import type { KeyDistribution } from "./distributions.ts";
import { Scatter } from "./scatter.ts";
import { Zipf } from "./zipf.ts";

export type KeyOrderName = "sequential" | "random";

/** Keys are numbered by int32. */
const KEYS_COUNT_MAX = 2 ** 31 - 1;
/** Draws of a bell beyond this many standard deviations lie outside of the keys. */
const GAUSS_SIGMAS = 3;
/** Mixed into a seed, so that the places of popular keys do not follow from the draws. */
const SCATTER_SEED = 0x73636174;

export interface KeyOrder {
  /** The index of the next key. Hot: once per request. */
  next(): number;
}

/**
 * Keys of `distribution`, or of one of its two plainest forms by name ("random" is uniform). `seed`
 * does not matter to the sequential order.
 */
export function createKeyOrder(
  distribution: KeyOrderName | KeyDistribution,
  keysCount: number,
  seed: number,
): KeyOrder {
  assert(
    keysCount >= 1 && keysCount <= KEYS_COUNT_MAX,
    `keysCount (${keysCount}) must be from 1 to ${KEYS_COUNT_MAX}`,
  );
  if (distribution === "sequential") return new SequentialKeys(keysCount);
  if (distribution === "random") return new UniformKeys(keysCount, seed);
  switch (distribution.kind) {
    case "sequential":
      return new SequentialKeys(keysCount);
    case "uniform":
      return new UniformKeys(keysCount, seed);
    case "zipf":
      return new ZipfKeys(distribution.theta, keysCount, seed);
    case "hotspot": {
      const { keysFraction, operationsFraction } = distribution;
      return new HotspotKeys(keysFraction, operationsFraction, keysCount, seed);
    }
    case "gauss":
      return new GaussKeys(keysCount, seed);
    case "latest":
      return new LatestKeys(distribution.theta, keysCount, seed);
  }
}

/** Where the keys of rank 0, 1, 2, … (most popular first) of zipf and hotspot lie. */
export function scatterOf(keysCount: number, seed: number): Scatter {
  return new Scatter(keysCount, seed ^ SCATTER_SEED);
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

class UniformKeys implements KeyOrder {
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

class ZipfKeys implements KeyOrder {
  readonly #zipf: Zipf;
  readonly #scatter: Scatter;

  constructor(theta: number, count: number, seed: number) {
    this.#zipf = new Zipf(theta, count, seed);
    this.#scatter = scatterOf(count, seed);
  }

  next(): number {
    return this.#scatter.at((this.#zipf.next() - 1) | 0);
  }
}

class HotspotKeys implements KeyOrder {
  readonly #random: Prng;
  readonly #scatter: Scatter;
  readonly #hotCount: number;
  readonly #coldCount: number;
  readonly #hotFraction: number;

  constructor(keysFraction: number, operationsFraction: number, count: number, seed: number) {
    this.#random = new Prng(seed);
    this.#scatter = scatterOf(count, seed);
    this.#hotCount = Math.min(count, Math.max(1, Math.round(keysFraction * count)));
    this.#coldCount = count - this.#hotCount;
    this.#hotFraction = this.#coldCount === 0 ? 1 : operationsFraction;
  }

  next(): number {
    const isHot = this.#random.fraction() < this.#hotFraction;
    const fraction = this.#random.fraction();
    const rank = isHot ? fraction * this.#hotCount : this.#hotCount + fraction * this.#coldCount;
    return this.#scatter.at(rank | 0);
  }
}

/** By the polar method of Marsaglia (1964), which gives two values at a time. */
class GaussKeys implements KeyOrder {
  readonly #random: Prng;
  readonly #count: number;
  #spare = Number.NaN;

  constructor(count: number, seed: number) {
    this.#random = new Prng(seed);
    this.#count = count;
  }

  next(): number {
    for (;;) {
      const place = 0.5 + this.#normal() / (2 * GAUSS_SIGMAS);
      if (place >= 0 && place < 1) return (place * this.#count) | 0;
    }
  }

  #normal(): number {
    const spare = this.#spare;
    if (!Number.isNaN(spare)) {
      this.#spare = Number.NaN;
      return spare;
    }
    for (;;) {
      const x = 2 * this.#random.fraction() - 1;
      const y = 2 * this.#random.fraction() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * scale;
      return x * scale;
    }
  }
}

/** The newest key is the most popular one; whoever inserts keys tells by `grow`. */
export class LatestKeys implements KeyOrder {
  readonly #zipf: Zipf;
  #count: number;

  constructor(theta: number, keysCount: number, seed: number) {
    this.#zipf = new Zipf(theta, keysCount, seed);
    this.#count = keysCount;
  }

  /** From now on the keys are 0 to `keysCount` - 1. */
  grow(keysCount: number): void {
    this.#count = keysCount;
    this.#zipf.resize(keysCount);
  }

  next(): number {
    return (this.#count - this.#zipf.next()) | 0;
  }
}
