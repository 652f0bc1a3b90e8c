/**
 * Which operation comes next in a mixed load: kinds by weight, in exact proportions.
 *
 * Drawing each operation by chance gives 1:10 only on average, and two runs of one comparison would
 * do different work; a fixed pattern keeps step with the number of connections or the batch, so
 * that one connection gets all the writes. Here each kind has its operations spread over a cycle of
 * as many operations as the weights add up to: for weight w the cycle is cut into w equal parts,
 * one operation lies at a random place in each, and all are taken in the order of place:
 *
 *      get (3)  |--g--|----g|g----|      cycle of 4:  g s g g   or   g g s g   or …
 *      set (1)  |---------s-------|
 *
 * So a whole cycle has exactly the weights, and any stretch is off by less than one operation of
 * each kind for two kinds: by less than 2·(1 - p + p·(kinds - 1)) where p is the part of the kind.
 * Limits: KINDS_COUNT_MAX kinds, weights that add up to WEIGHTS_SUM_MAX.
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import { parseCount } from "../../base/units.ts";
import type { KeyDistribution } from "./distributions.ts";

/** read-modify-write is a read and, after its reply, an update of the same key. */
export type OperationKind = "read" | "update" | "insert" | "scan" | "read-modify-write";

export interface OperationShare {
  readonly kind: OperationKind;
  /** A whole number >= 0; only its part of the sum counts. */
  readonly weight: number;
}

const KINDS_COUNT_MAX = 16;
/** The places of one cycle stay exact in float64 far beyond this. */
export const WEIGHTS_SUM_MAX = 1_000_000;

/**
 * Writes to reads as in `--ratio 1:10`. Throws RangeError whose message stands behind "--ratio: ".
 */
export function parseRatio(text: string): OperationShare[] {
  const parts = text.split(":");
  const updates = parseCount(parts[0] ?? "");
  const reads = parseCount(parts[1] ?? "");
  if (parts.length !== 2 || updates === null || reads === null) {
    throw new RangeError(`not two whole numbers, writes to reads, as in 1:10 (${text})`);
  }
  if (updates + reads === 0) throw new RangeError(`one side must be above 0 (${text})`);
  if (updates + reads > WEIGHTS_SUM_MAX) {
    throw new RangeError(`the two add up to more than ${WEIGHTS_SUM_MAX} (${text})`);
  }
  return [
    { kind: "update", weight: updates },
    { kind: "read", weight: reads },
  ];
}

export interface YcsbPreset {
  readonly name: string;
  readonly shares: readonly OperationShare[];
  readonly keys: KeyDistribution;
}

/** Longest scan of workload E; lengths are uniform from 1. */
export const YCSB_SCAN_LENGTH_MAX = 100;
/** Ten fields of 100 bytes. */
export const YCSB_VALUE_SIZE = 1000;

const ZIPF: KeyDistribution = { kind: "zipf", theta: 0.99 };

/** The core workloads of Cooper et al., "Benchmarking Cloud Serving Systems with YCSB", 2010. */
export const YCSB_PRESETS: Readonly<Record<"a" | "b" | "c" | "d" | "e" | "f", YcsbPreset>> = {
  a: { name: "update heavy", shares: shares("read", 1, "update", 1), keys: ZIPF },
  b: { name: "read mostly", shares: shares("read", 19, "update", 1), keys: ZIPF },
  c: { name: "read only", shares: [{ kind: "read", weight: 1 }], keys: ZIPF },
  d: {
    name: "read latest",
    shares: shares("read", 19, "insert", 1),
    keys: { kind: "latest", theta: 0.99 },
  },
  e: { name: "short ranges", shares: shares("scan", 19, "insert", 1), keys: ZIPF },
  f: { name: "read-modify-write", shares: shares("read", 1, "read-modify-write", 1), keys: ZIPF },
};

function shares(
  first: OperationKind,
  firstWeight: number,
  second: OperationKind,
  secondWeight: number,
): OperationShare[] {
  return [
    { kind: first, weight: firstWeight },
    { kind: second, weight: secondWeight },
  ];
}

export class OperationMix {
  readonly #random: Prng;
  /** Operations of each share in a cycle: the weights in lowest terms. */
  readonly #weights: Float64Array;
  readonly #done: Float64Array;
  /** Where in the cycle (0 to 1) the next operation of each share lies; 1 and more: no more. */
  readonly #places: Float64Array;
  readonly #cycleCount: number;
  #left: number;

  constructor(weights: readonly number[], seed: number) {
    assert(
      weights.length >= 1 && weights.length <= KINDS_COUNT_MAX,
      `${weights.length} kinds, from 1 to ${KINDS_COUNT_MAX}`,
    );
    for (const weight of weights) {
      assert(Number.isSafeInteger(weight) && weight >= 0, `weight (${weight}) must be whole, >= 0`);
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    assert(
      sum >= 1 && sum <= WEIGHTS_SUM_MAX,
      `weights add up to ${sum}, at most ${WEIGHTS_SUM_MAX}`,
    );
    const divisor = weights.reduce(greatestCommonDivisor);
    this.#random = new Prng(seed);
    this.#weights = Float64Array.from(weights, (weight) => weight / divisor);
    this.#done = new Float64Array(weights.length);
    this.#places = new Float64Array(weights.length);
    this.#cycleCount = sum / divisor;
    this.#left = 0;
  }

  /** Operations after which the proportions are exact: the weights' sum in lowest terms. */
  get cycleCount(): number {
    return this.#cycleCount;
  }

  /** The index of the share whose operation comes next. Hot: once per request. */
  next(): number {
    if (this.#left === 0) this.#startCycle();
    this.#left--;
    const places = this.#places;
    let chosen = 0;
    for (let share = 1; share < places.length; share++) {
      if (places[share]! < places[chosen]!) chosen = share;
    }
    this.#done[chosen]!++;
    this.#place(chosen);
    return chosen;
  }

  #startCycle(): void {
    this.#left = this.#cycleCount;
    this.#done.fill(0);
    for (let share = 0; share < this.#places.length; share++) this.#place(share);
  }

  /** A random place in the next part; at 1 or beyond when the share has had all of its parts. */
  #place(share: number): void {
    const weight = this.#weights[share]!;
    this.#places[share] =
      weight === 0
        ? Number.POSITIVE_INFINITY
        : (this.#done[share]! + this.#random.fraction()) / weight;
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
