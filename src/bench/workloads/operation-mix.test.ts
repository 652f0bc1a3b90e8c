/** Mixes: exact over a cycle, bounded over any window, and without a pattern. */
import { expect, test } from "bun:test";
import { OperationMix, parseRatio, WEIGHTS_SUM_MAX, YCSB_PRESETS } from "./operation-mix.ts";

function draw(weights: number[], count: number, seed = 1): number[] {
  const mix = new OperationMix(weights, seed);
  return Array.from({ length: count }, () => mix.next());
}

const WEIGHTS = [[1], [1, 1], [1, 10], [95, 5], [1, 2, 3], [7, 0, 13], [50, 30, 15, 5], [999, 1]];

for (const weights of WEIGHTS) {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  test(`OperationMix of ${weights.join(":")} is exact after each cycle`, () => {
    const mix = new OperationMix(weights, 3);
    const counts = weights.map(() => 0);
    const parts = sum / mix.cycleCount;
    for (let cycle = 1; cycle <= 50; cycle++) {
      for (let i = 0; i < mix.cycleCount; i++) counts[mix.next()]!++;
      expect(counts).toEqual(weights.map((weight) => (weight / parts) * cycle));
    }
  });

  test(`OperationMix of ${weights.join(":")} is off by a bounded number in any window`, () => {
    const drawn = draw(weights, 3000, 5);
    weights.forEach((weight, share) => {
      const part = weight / sum;
      // Prefixes deviate by at most half of the bound, so two of them by at most the bound.
      const bound = 2 * (1 - part + part * (weights.length - 1));
      let [deviation, lowest, highest] = [0, 0, 0];
      for (const chosen of drawn) {
        deviation += (chosen === share ? 1 : 0) - part;
        lowest = Math.min(lowest, deviation);
        highest = Math.max(highest, deviation);
      }
      expect(highest - lowest).toBeLessThanOrEqual(bound + 1e-9);
    });
  });
}

test("OperationMix repeats with its seed, and differs between seeds and cycles", () => {
  expect(draw([1, 10], 110, 1)).toEqual(draw([1, 10], 110, 1));
  expect(draw([1, 10], 110, 1)).not.toEqual(draw([1, 10], 110, 2));
  const places = Array.from({ length: 200 }, (_, cycle) =>
    draw([1, 10], 2200, 7)
      .slice(cycle * 11, cycle * 11 + 11)
      .indexOf(0),
  );
  // Every place of the cycle is taken now and then, or the mix would keep step with a batch.
  expect(new Set(places).size).toBe(11);
});

test("OperationMix keeps its exactness at the largest sum of weights", () => {
  const mix = new OperationMix([WEIGHTS_SUM_MAX - 1, 1], 9);
  const counts = [0, 0];
  for (let i = 0; i < mix.cycleCount; i++) counts[mix.next()]!++;
  expect(counts).toEqual([WEIGHTS_SUM_MAX - 1, 1]);
});

test("OperationMix refuses weights without proportions", () => {
  expect(() => new OperationMix([], 1)).toThrow("0 kinds, from 1 to 16");
  expect(() => new OperationMix([0, 0], 1)).toThrow("weights add up to 0");
  expect(() => new OperationMix([0.5, 1], 1)).toThrow("weight (0.5)");
  expect(() => new OperationMix([-1, 1], 1)).toThrow("weight (-1)");
  expect(() => new OperationMix([WEIGHTS_SUM_MAX, 1], 1)).toThrow("at most 1000000");
});

test("parseRatio() takes writes to reads, and says what is wrong", () => {
  expect(parseRatio("1:10")).toEqual([
    { kind: "update", weight: 1 },
    { kind: "read", weight: 10 },
  ]);
  expect(parseRatio("0:1")[1]).toEqual({ kind: "read", weight: 1 });
  const messages: Record<string, string> = {
    "1": "not two whole numbers, writes to reads, as in 1:10 (1)",
    "1:2:3": "not two whole numbers, writes to reads, as in 1:10 (1:2:3)",
    "1:x": "not two whole numbers, writes to reads, as in 1:10 (1:x)",
    "0:0": "one side must be above 0 (0:0)",
    "999999:2": "the two add up to more than 1000000 (999999:2)",
  };
  for (const [text, message] of Object.entries(messages)) {
    expect(() => parseRatio(text), text).toThrow(new RangeError(message));
  }
});

test("YCSB_PRESETS are the core workloads", () => {
  const table = Object.entries(YCSB_PRESETS).map(([letter, { shares, keys }]) => {
    const sum = shares.reduce((total, { weight }) => total + weight, 0);
    const parts = shares.map(({ kind, weight }) => `${(weight / sum) * 100} % ${kind}`);
    return `${letter}: ${parts.join(", ")}, ${keys.kind}`;
  });
  expect(table).toEqual([
    "a: 50 % read, 50 % update, zipf",
    "b: 95 % read, 5 % update, zipf",
    "c: 100 % read, zipf",
    "d: 95 % read, 5 % insert, latest",
    "e: 95 % scan, 5 % insert, zipf",
    "f: 50 % read, 50 % read-modify-write, zipf",
  ]);
});
