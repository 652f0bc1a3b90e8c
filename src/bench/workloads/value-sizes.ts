/**
 * How long the value of each key is: the value of `--value-size`.
 *
 *      128   4kb              every value alike
 *      64-1024                any size of the range, both ends included, equally often
 *      64:50,1024:50          a list of sizes or ranges with weights: half and half
 *
 * The size of a value is a function of its key and the seed, and of nothing else. So whoever reads
 * a key knows how long the reply must be, whoever wrote it and in whatever order.
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import { parseCount, parseSize } from "../../base/units.ts";

/** One line of the mix: sizes from min to max, both included. */
export interface ValueSizeShare {
  readonly minBytes: number;
  readonly maxBytes: number;
  /** Above 0; what counts is its part of the sum. */
  readonly weight: number;
}

/** Never empty. One share with min = max is a fixed size. */
export type ValueSizes = readonly ValueSizeShare[];

/** The longest bulk string of the protocol. */
export const VALUE_SIZE_MAX = 512 * 1024 * 1024;
const SHARES_COUNT_MAX = 64;
const WEIGHT_MAX = 1_000_000;
const TWO_TO_32 = 2 ** 32;

/** Throws RangeError whose message stands behind "--value-size: ". */
export function parseValueSizes(text: string): ValueSizes {
  const parts = text.split(",");
  if (parts.length > SHARES_COUNT_MAX) {
    throw new RangeError(`${parts.length} sizes, at most ${SHARES_COUNT_MAX}`);
  }
  const isList = parts.length > 1;
  return parts.map((part) => parseShare(part, isList));
}

function parseShare(text: string, needsWeight: boolean): ValueSizeShare {
  const [sizesText = "", weightText, ...rest] = text.split(":");
  if (rest.length > 0) throw new RangeError(`more than one weight (${text})`);
  if (weightText === undefined && needsWeight) {
    throw new RangeError(`a list needs a weight for each size, as in 64:50,1024:50 (${text})`);
  }
  const weight = weightText === undefined ? 1 : parseCount(weightText);
  if (weight === null || weight < 1 || weight > WEIGHT_MAX) {
    throw new RangeError(`a weight must be from 1 to ${WEIGHT_MAX} (${weightText})`);
  }
  const ends = sizesText.split("-");
  if (ends.length > 2) throw new RangeError(`a range has two ends, as in 64-1024 (${sizesText})`);
  const minBytes = parseBytes(ends[0] as string);
  const maxBytes = ends.length === 2 ? parseBytes(ends[1] as string) : minBytes;
  if (maxBytes < minBytes) throw new RangeError(`a range must not fall (${sizesText})`);
  return { minBytes, maxBytes, weight };
}

function parseBytes(text: string): number {
  const size = parseSize(text);
  if (size === null) throw new RangeError(`not a size, as in 128 or 4kb (${text})`);
  if (size >= 1 && size <= VALUE_SIZE_MAX) return size;
  throw new RangeError(`a size must be from 1 to ${VALUE_SIZE_MAX} bytes (${text})`);
}

/** The notation that parses back to `sizes`, in bytes. */
export function formatValueSizes(sizes: ValueSizes): string {
  return sizes
    .map(({ minBytes, maxBytes, weight }) => {
      const range = minBytes === maxBytes ? `${minBytes}` : `${minBytes}-${maxBytes}`;
      return sizes.length === 1 ? range : `${range}:${weight}`;
    })
    .join(",");
}

/** Sizes by key. */
export class ValueSizer {
  /** The shortest and the longest value that any key can have. */
  readonly sizeMin: number;
  readonly sizeMax: number;
  /** Mean over all keys, in bytes. */
  readonly sizeMean: number;
  /** Every value is `sizeMax` long. */
  readonly isFixed: boolean;
  /** For each share the upper end of its part of 0 to 2^32. */
  readonly #ends: Float64Array;
  readonly #minima: Float64Array;
  readonly #spans: Float64Array;
  readonly #seed: number;

  constructor(sizes: ValueSizes, seed: number) {
    assert(sizes.length >= 1, "at least one size");
    const weightsSum = sizes.reduce((sum, { weight }) => sum + weight, 0);
    this.sizeMin = Math.min(...sizes.map(({ minBytes }) => minBytes));
    this.sizeMax = Math.max(...sizes.map(({ maxBytes }) => maxBytes));
    const middles = sizes.map((it) => ((it.minBytes + it.maxBytes) / 2) * it.weight);
    this.sizeMean = middles.reduce((sum, middle) => sum + middle, 0) / weightsSum;
    let covered = 0;
    this.#ends = Float64Array.from(sizes, ({ weight }) => {
      covered += weight;
      return (covered / weightsSum) * TWO_TO_32;
    });
    this.#minima = Float64Array.from(sizes, ({ minBytes }) => minBytes);
    this.#spans = Float64Array.from(sizes, ({ minBytes, maxBytes }) => maxBytes - minBytes + 1);
    this.isFixed = sizes.every(({ minBytes }) => minBytes === this.sizeMax);
    this.#seed = new Prng(seed).int32();
  }

  /** The size of the value of `key`, in bytes. Hot: once per request. */
  sizeOf(key: number): number {
    if (this.isFixed) return this.sizeMax;
    const drawn = mix(key ^ this.#seed);
    const unsigned = drawn >>> 0;
    let share = 0;
    while (unsigned >= this.#ends[share]!) share++;
    const within = (mix(drawn ^ 0x73697a65) >>> 0) / TWO_TO_32;
    return this.#minima[share]! + Math.floor(within * this.#spans[share]!);
  }
}

/** 32 bits in, 32 bits out, each depending on all (a finisher of murmur's kind; one to one). */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}
