/** The permutation: every place once, whatever the size and the seed. */
import { expect, test } from "bun:test";
import { Scatter } from "./scatter.ts";

test("Scatter gives every place exactly once", () => {
  for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 1000, 4097]) {
    for (const seed of [0, 1, 99]) {
      const scatter = new Scatter(count, seed);
      const places = new Set(Array.from({ length: count }, (_, index) => scatter.at(index)));
      expect(places.size).toBe(count);
      expect(Math.min(...places)).toBe(0);
      expect(Math.max(...places)).toBe(count - 1);
    }
  }
});

test("Scatter repeats with its seed, and seeds differ", () => {
  const places = (seed: number) => {
    const scatter = new Scatter(1_000_000, seed);
    return Array.from({ length: 20 }, (_, index) => scatter.at(index));
  };
  expect(places(1)).toEqual(places(1));
  expect(places(1)).not.toEqual(places(2));
});

test("Scatter spreads neighbours over the whole range", () => {
  for (const count of [10_000, 2 ** 20, 2 ** 31 - 1]) {
    const scatter = new Scatter(count, 5);
    const tenths = new Float64Array(10);
    for (let index = 0; index < 1000; index++) {
      const place = scatter.at(index);
      expect(place).toBeGreaterThanOrEqual(0);
      expect(place).toBeLessThan(count);
      tenths[Math.floor((place / count) * 10)]!++;
    }
    // About 100 each; by chance the standard deviation is 9.5.
    expect(Math.min(...tenths)).toBeGreaterThan(60);
    expect(Math.max(...tenths)).toBeLessThan(140);
  }
});

test("Scatter refuses sizes that keys cannot have", () => {
  expect(() => new Scatter(0, 1)).toThrow("count (0)");
  expect(() => new Scatter(2 ** 31, 1)).toThrow("count (2147483648)");
});
