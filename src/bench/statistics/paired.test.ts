/** The paired comparison: worked examples, enumeration by hand, and refusals. */
import { expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { comparePaired, signFlipPValue } from "./paired.ts";

test("comparePaired() finds a difference that every pair shows, in either direction", () => {
  const a = [100, 200, 150, 80, 120, 90];
  const b = a.map((rate, pair) => rate * (1.1 + pair / 1000));
  const faster = comparePaired(a, b, 1);
  expect(faster.verdict).toBe("b is faster");
  expect(faster.ratio).toBeCloseTo(1.1025, 4);
  expect(faster.ratioInterval95!.low).toBeGreaterThan(1.1);
  expect(faster.ratioInterval95!.high).toBeLessThan(1.105);
  // All 6 signs alike: two of 2^6 patterns are as extreme.
  expect(faster.pValue).toBe(2 / 64);
  const slower = comparePaired(b, a, 1);
  expect(slower.verdict).toBe("a is faster");
  expect(slower.ratio).toBeCloseTo(1 / faster.ratio, 12);
  expect(slower.pValue).toBe(faster.pValue);
});

test("comparePaired() sees no difference in noise, and says what it could have seen", () => {
  const compared = comparePaired([100, 100, 100, 100], [110, 90, 105, 96], 1);
  expect(compared.verdict).toBe("no difference seen");
  expect(compared.ratioInterval95!.low).toBeLessThan(1);
  expect(compared.ratioInterval95!.high).toBeGreaterThan(1);
  // By hand: sd of the log-ratios 0.0893, /2, times t(0.975, 3) + t(0.8, 3) = 3.182 + 0.978.
  expect(compared.detectableRatio).toBeCloseTo(1.2042, 2);
});

test("comparePaired() of one pair, and of equal rates, has no verdict", () => {
  expect(comparePaired([100], [200], 1)).toEqual({
    pairsCount: 1,
    ratio: 2,
    ratioInterval95: null,
    pValue: 1,
    detectableRatio: null,
    verdict: "no difference seen",
  });
  const equal = comparePaired([5, 6, 7], [5, 6, 7], 1);
  expect(equal).toMatchObject({ ratio: 1, pValue: 1, detectableRatio: 1 });
  expect(equal.verdict).toBe("no difference seen");
});

test("comparePaired() refuses rates that have no ratio", () => {
  expect(() => comparePaired([1, 2], [1], 1)).toThrow("2 rates of a, 1 of b");
  expect(() => comparePaired([], [], 1)).toThrow("at least 1 pair");
  expect(() => comparePaired([1, 2], [1, 0], 1)).toThrow("a rate of pair 1 (0) must be above 0");
  expect(() => comparePaired([Number.NaN], [1], 1)).toThrow("must be above 0");
});

test("signFlipPValue() equals the count over all patterns", () => {
  const random = new Prng(3);
  for (let count = 1; count <= 10; count++) {
    const differences = Array.from({ length: count }, () => random.between(-20, 25));
    const observed = Math.abs(differences.reduce((sum, x) => sum + x, 0));
    let extreme = 0;
    for (let pattern = 0; pattern < 2 ** count; pattern++) {
      const sum = differences.reduce((total, x, i) => total + ((pattern >> i) & 1 ? -x : x), 0);
      if (Math.abs(sum) >= observed) extreme++;
    }
    expect(signFlipPValue(differences, 1)).toBe(extreme / 2 ** count);
  }
});

test("signFlipPValue() by drawing agrees with the exact one", () => {
  // A 17th difference of 0 changes nothing but the method.
  const differences = [3, -1, 4, 1, -5, 9, 2, 6, -5, 3, 5, -8, 9, 7, -9, 3];
  const exact = signFlipPValue(differences, 1);
  expect(exact).toBeGreaterThan(0.1);
  const drawn = signFlipPValue([...differences, 0], 7);
  // 4 standard errors of 20,000 draws.
  expect(Math.abs(drawn - exact)).toBeLessThan(4 * Math.sqrt((exact * (1 - exact)) / 20_000));
  expect(signFlipPValue([...differences, 0], 7)).toBe(drawn);
});
