/** The generator: repeatable by seed, in bounds, and not visibly uneven. */
import { expect, test } from "bun:test";
import { Prng } from "./prng.ts";

test("Prng repeats the same draws for the same seed, and others for another", () => {
  const draw = (seed: number) => {
    const prng = new Prng(seed);
    return Array.from({ length: 8 }, () => prng.int32());
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  expect(new Set(draw(0)).size).toBe(8);
});

test("Prng.int32() is xoshiro128** (steps recomputed with BigInt)", () => {
  const prng = new Prng(7);
  const state = seedState(7);
  for (let step = 0; step < 1000; step++) expect(prng.int32() >>> 0).toBe(Number(slowNext(state)));
});

test("Prng.below() and between() stay in bounds and reach both ends", () => {
  const prng = new Prng(3);
  const seen = new Set<number>();
  for (let draw = 0; draw < 1000; draw++) seen.add(prng.between(-2, 2));
  expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
  expect(prng.below(1)).toBe(0);
  expect(() => prng.below(0)).toThrow("bound (0) must be from 1 to 2^32");
});

test("Prng.below() spreads evenly over 16 cells", () => {
  const prng = new Prng(11);
  const cells = new Array<number>(16).fill(0);
  for (let draw = 0; draw < 160_000; draw++) cells[prng.below(16)]!++;
  // The standard deviation of a cell is about 97.
  for (const count of cells) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test("Prng.fill() touches exactly the range", () => {
  const prng = new Prng(5);
  const bytes = new Uint8Array(64);
  prng.fill(bytes, 3, 58);
  expect([...bytes.subarray(0, 3), ...bytes.subarray(58)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(new Set(bytes.subarray(3, 58)).size).toBeGreaterThan(30);
});

test("Prng.shuffle() and pick() keep the items", () => {
  const prng = new Prng(9);
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  const shuffled = [...items];
  prng.shuffle(shuffled);
  expect(shuffled).not.toEqual(items);
  expect(shuffled.toSorted()).toEqual(items);
  expect(items).toContain(prng.pick(items));
});

const MASK = 0xffff_ffffn;

function seedState(seed: number): bigint[] {
  let state = BigInt(seed);
  function next(): bigint {
    state = (state + 0x9e3779b9n) & MASK;
    let mixed = state ^ (state >> 16n);
    mixed = (mixed * 0x21f0aaadn) & MASK;
    mixed ^= mixed >> 15n;
    mixed = (mixed * 0x735a2d97n) & MASK;
    return mixed ^ (mixed >> 15n);
  }
  return [next(), next(), next(), next() | 1n];
}

/** One step as the paper writes it, on unsigned 32-bit words. */
function slowNext(s: bigint[]): bigint {
  const rotate = (x: bigint, by: bigint) => ((x << by) | (x >> (32n - by))) & MASK;
  const result = (rotate((s[1]! * 5n) & MASK, 7n) * 9n) & MASK;
  const shifted = (s[1]! << 9n) & MASK;
  s[2]! ^= s[0]!;
  s[3]! ^= s[1]!;
  s[1]! ^= s[2]!;
  s[0]! ^= s[3]!;
  s[2]! ^= shifted;
  s[3] = rotate(s[3]!, 11n);
  return result;
}
