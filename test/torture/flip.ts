/**
 * C1: one bit is flipped in what a store has on the disk, one at a time. In bytes that are relied
 * upon (live-bytes.ts) every flip must be refused. In a slot of the durable mark it must be told,
 * and the other slot used. In all other bytes it must change nothing. A wrong value, and a flip
 * that nobody notices where it counts, is the failure.
 *
 *     bun test/torture/flip.ts --live=10000 --marks=1000 --dead=2000 --seed=7
 *
 * Half of the flips are in a small store with two runs and two writers behind its checkpoint, half
 * in one whose segments are in use for the second time.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import { type ByteKind, type ByteRange, DEAD_KINDS, LIVE_KINDS, mapBytes } from "./live-bytes.ts";
import { memoryFolder, numberOption, seedOption } from "./options.ts";
import { makeReusedSample, makeSample, type Outcome, outcomeOf, type Sample } from "./sample.ts";

/** Every second flip in a longer range is so near to its beginning, where headers are. */
const BEGINNING_SIZE = 32;

export interface FlipOptions {
  readonly seed: number;
  /** How many bits are flipped in bytes of each class. */
  readonly live: number;
  readonly marks: number;
  readonly dead: number;
}

export interface FlipTotals {
  /** Flips in live bytes: all of them. */
  refused: number;
  /** In a slot of the mark. */
  mended: number;
  /** In dead bytes. */
  harmless: number;
  readonly byKind: Partial<Record<ByteKind, number>>;
}

/** Flips bits; throws at the first one after which anything but what must happen does. */
export function flipBits({ seed, live, marks, dead }: FlipOptions): FlipTotals {
  const totals: FlipTotals = { refused: 0, mended: 0, harmless: 0, byKind: {} };
  const prng = new Prng(seed);
  for (const [half, make] of [makeSample, makeReusedSample].entries()) {
    using folder = memoryFolder();
    const flips = new Flips(make(join(folder.path, "data")), prng, totals);
    flips.run(halfOf(live, half), LIVE_KINDS, "refused");
    flips.run(halfOf(marks, half), ["mark"], "mended");
    flips.run(halfOf(dead, half), DEAD_KINDS, "harmless");
  }
  return totals;
}

function halfOf(count: number, half: number): number {
  return Math.floor((count + half) / 2);
}

class Flips {
  readonly #sample: Sample;
  readonly #prng: Prng;
  readonly #totals: FlipTotals;
  readonly #ranges: ReadonlyMap<ByteKind, readonly ByteRange[]>;

  constructor(sample: Sample, prng: Prng, totals: FlipTotals) {
    this.#sample = sample;
    this.#prng = prng;
    this.#totals = totals;
    this.#ranges = mapBytes(sample.dir);
  }

  /** Each kind of byte gets its share, however few there are of it. */
  run(count: number, kinds: readonly ByteKind[], expected: Outcome): void {
    const there = kinds.filter((kind) => this.#ranges.has(kind));
    for (let i = 0; i < count; i++) {
      const range = this.#prng.pick(this.#ranges.get(this.#prng.pick(there)) ?? []);
      this.#flipOne(range, expected);
    }
  }

  #flipOne({ kind, name, from, to }: ByteRange, expected: Outcome): void {
    const size = this.#prng.chance(2) ? Math.min(BEGINNING_SIZE, to - from) : to - from;
    const at = from + this.#prng.below(size);
    const bit = 1 << this.#prng.below(8);
    const path = join(this.#sample.dir, name);
    flip(path, at, bit);
    try {
      const outcome = outcomeOf(this.#sample);
      if (outcome !== expected) throw new Error(`it is ${outcome}, and should be ${expected}`);
    } catch (error) {
      throw new Error(`bit ${bit} of byte ${at} of ${name} (${kind})`, { cause: error });
    } finally {
      flip(path, at, bit);
    }
    this.#totals[expected]++;
    this.#totals.byKind[kind] = (this.#totals.byKind[kind] ?? 0) + 1;
  }
}

function flip(path: string, at: number, bit: number): void {
  const byte = Buffer.alloc(1);
  const descriptor = openSync(path, "r+");
  readSync(descriptor, byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ bit;
  writeSync(descriptor, byte, 0, 1, at);
  closeSync(descriptor);
}

if (import.meta.main) {
  const seed = seedOption();
  const [live, marks] = [numberOption("live", 10_000), numberOption("marks", 1000)];
  console.log(`torture flip: --seed=${seed}`);
  console.log(flipBits({ seed, live, marks, dead: numberOption("dead", 2000) }));
}
