/** Key orders: each key once, or uniform and repeatable. */
import { expect, test } from "bun:test";
import { createKeyOrder } from "./key-order.ts";

test("the sequential order visits each key once and starts again", () => {
  const order = createKeyOrder("sequential", 3, 1);
  expect(Array.from({ length: 7 }, () => order.next())).toEqual([0, 1, 2, 0, 1, 2, 0]);
});

test("the random order is uniform: chi-square over 100 keys", () => {
  const keysCount = 100;
  const draws = 200_000;
  const order = createKeyOrder("random", keysCount, 7);
  const seen = new Float64Array(keysCount);
  for (let i = 0; i < draws; i++) seen[order.next()]!++;
  const expected = draws / keysCount;
  const chiSquare = seen.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  // 99 degrees of freedom: 148.2 is exceeded with probability 0.001, and the seed is fixed.
  expect(chiSquare).toBeLessThan(148.2);
});

test("the random order repeats with its seed and differs between seeds", () => {
  const draw = (seed: number) => {
    const order = createKeyOrder("random", 1_000_000, seed);
    return Array.from({ length: 20 }, () => order.next());
  };
  expect(draw(3)).toEqual(draw(3));
  expect(draw(3)).not.toEqual(draw(4));
  expect(new Set(draw(0)).size).toBeGreaterThan(15);
});
