/**
 * C1: one bit is flipped in what a store has on the disk and needs, 10,000 times. Every flip must
 * be refused, or (where nothing that was promised depends on the byte) change nothing of what comes
 * back. A wrong value is the failure.
 *
 *     bun test/torture/flip.ts --count=10000 --seed=7
 */
import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import { memoryFolder, numberOption, seedOption } from "./options.ts";
import { makeSample, type Outcome, outcomeOf, type Sample } from "./sample.ts";

export interface FlipTotals {
  flips: number;
  refused: number;
  harmless: number;
}

/** Flips `count` bits, one at a time. Throws when a wrong value comes back. */
export function flipBits(seed: number, count: number): FlipTotals {
  using folder = memoryFolder();
  const totals = { flips: 0, refused: 0, harmless: 0 };
  const sample = makeSample(join(folder.path, "data"));
  const prng = new Prng(seed);
  for (let i = 0; i < count; i++) {
    totals[flipOne(sample, prng)]++;
    totals.flips++;
  }
  return totals;
}

function flipOne(sample: Sample, prng: Prng): Outcome {
  const names = readdirSync(sample.dir).filter((name) => /^(?:shard|manifest|mark)/.test(name));
  const name = prng.below(2) === 0 ? sample.tail : prng.pick(names);
  const path = join(sample.dir, name);
  const at = prng.below(name === sample.tail ? sample.tailEnd : statSync(path).size);
  const bit = 1 << prng.below(8);
  flip(path, at, bit);
  try {
    return outcomeOf(sample);
  } catch (error) {
    throw new Error(`bit ${bit} of byte ${at} of ${name}`, { cause: error });
  } finally {
    flip(path, at, bit);
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
  console.log(`torture flip: --seed=${seed}`);
  console.log(flipBits(seed, numberOption("count", 10_000)));
}
