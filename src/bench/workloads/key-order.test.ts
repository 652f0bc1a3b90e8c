/** Key orders: each distribution against its theory, repeatable, and within bounds at any size. */
import { expect, test } from "bun:test";
import { normalCdf } from "../statistics/probability.ts";
import { type KeyDistribution, parseKeyDistribution } from "./distributions.ts";
import { runDraws } from "./draws.bench.ts";
import { createKeyOrder, LatestKeys, scatterOf } from "./key-order.ts";

const DRAWS_COUNT = 200_000;
const FORMS = ["uniform", "sequential", "zipf", "zipf:1", "zipf:2.5", "hotspot", "gauss", "latest"];

/** What chi-square with `degrees` exceeds with probability 0.001 (Wilson and Hilferty, 1931). */
function chiSquareBound(degrees: number): number {
  const part = 2 / (9 * degrees);
  return degrees * (1 - part + 3.0902 * Math.sqrt(part)) ** 3;
}

/** Checks counts against probabilities; cells expected less than 5 times are put together. */
function expectFits(seen: ArrayLike<number>, probabilities: ArrayLike<number>, name: string): void {
  let draws = 0;
  for (let i = 0; i < seen.length; i++) draws += seen[i]!;
  let chiSquare = 0;
  let cells = 0;
  let [rareSeen, rareExpected] = [0, 0];
  for (let i = 0; i < seen.length; i++) {
    rareSeen += seen[i]!;
    rareExpected += probabilities[i]! * draws;
    if (rareExpected < 5 && i < seen.length - 1) continue;
    chiSquare += (rareSeen - rareExpected) ** 2 / rareExpected;
    cells++;
    [rareSeen, rareExpected] = [0, 0];
  }
  expect(chiSquare, name).toBeLessThan(chiSquareBound(cells - 1));
}

function countDraws(distribution: KeyDistribution, keysCount: number, seed: number): Float64Array {
  const order = createKeyOrder(distribution, keysCount, seed);
  const seen = new Float64Array(keysCount);
  for (let i = 0; i < DRAWS_COUNT; i++) seen[order.next()]!++;
  return seen;
}

/** The counts of keys in the order of their popularity. */
function byRank(seen: Float64Array, seed: number): Float64Array {
  const scatter = scatterOf(seen.length, seed);
  return seen.map((_, rank) => seen[scatter.at(rank)]!);
}

function zipfProbabilities(theta: number, count: number): Float64Array {
  const weights = Float64Array.from({ length: count }, (_, index) => (index + 1) ** -theta);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

test("the sequential order visits each key once and starts again", () => {
  const order = createKeyOrder("sequential", 3, 1);
  expect(Array.from({ length: 7 }, () => order.next())).toEqual([0, 1, 2, 0, 1, 2, 0]);
});

test("the random order is uniform, also by its other name", () => {
  const seen = countDraws({ kind: "uniform" }, 100, 7);
  expectFits(seen, new Float64Array(100).fill(0.01), "uniform");
  const byName = createKeyOrder("random", 1_000_000, 7);
  const byKind = createKeyOrder({ kind: "uniform" }, 1_000_000, 7);
  for (let i = 0; i < 100; i++) expect(byName.next()).toBe(byKind.next());
});

test("the zipf order fits its theory for thetas below, at and above 1", () => {
  for (const theta of [0.2, 0.5, 0.99, 1, 1.01, 1.5, 3, 5]) {
    for (const count of [2, 3, 10, 1000]) {
      const seen = byRank(countDraws({ kind: "zipf", theta }, count, 11), 11);
      expectFits(seen, zipfProbabilities(theta, count), `theta ${theta}, ${count} keys`);
    }
  }
});

test("the zipf order fits its theory over 2^31 - 1 keys, from the first to the rarest", () => {
  const count = 2 ** 31 - 1;
  const theta = 0.99;
  // The newest key is rank 1, so latest shows ranks without their scattering.
  const order = createKeyOrder({ kind: "latest", theta }, count, 13);
  const seen = new Float64Array(32);
  for (let i = 0; i < DRAWS_COUNT; i++) {
    const rank = count - order.next();
    seen[31 - Math.clz32(rank)]!++;
  }
  // Mass of the ranks 2^i to 2^(i+1) - 1: summed where there are few, else the integral between
  // the half numbers around them, which is off by less than 1e-6 of itself.
  const mass = Float64Array.from({ length: 31 }, (_, i) => {
    const [from, to] = [2 ** i, 2 ** (i + 1)];
    let sum = 0;
    if (i < 10) for (let rank = from; rank < to; rank++) sum += rank ** -theta;
    else sum = ((to - 0.5) ** (1 - theta) - (from - 0.5) ** (1 - theta)) / (1 - theta);
    return sum;
  });
  const whole = mass.reduce((total, part) => total + part, 0);
  expectFits(
    seen.slice(0, 31),
    mass.map((part) => part / whole),
    "powers of two",
  );
});

test("the hotspot order sends the operations where it says, evenly on either side", () => {
  const distribution = { kind: "hotspot", keysFraction: 0.1, operationsFraction: 0.75 } as const;
  const seen = byRank(countDraws(distribution, 200, 17), 17);
  const probabilities = Float64Array.from({ length: 200 }, (_, rank) =>
    rank < 20 ? 0.75 / 20 : 0.25 / 180,
  );
  expectFits(seen, probabilities, "hotspot");
  const all = { kind: "hotspot", keysFraction: 1, operationsFraction: 0 } as const;
  expectFits(countDraws(all, 50, 18), new Float64Array(50).fill(1 / 50), "all keys hot");
});

test("the gauss order is a bell over the key numbers, cut at 3 standard deviations", () => {
  const count = 300;
  const whole = normalCdf(3) - normalCdf(-3);
  const probabilities = Float64Array.from({ length: count }, (_, key) => {
    const [from, to] = [key, key + 1].map((edge) => normalCdf((edge / count - 0.5) * 6));
    return (to! - from!) / whole;
  });
  expectFits(countDraws({ kind: "gauss" }, count, 19), probabilities, "gauss");
});

test("LatestKeys prefers the newest key, and follows what is inserted", () => {
  const order = new LatestKeys(0.99, 1000, 23);
  const seen = new Float64Array(1000);
  for (let i = 0; i < DRAWS_COUNT; i++) seen[999 - order.next()]!++;
  expectFits(seen, zipfProbabilities(0.99, 1000), "latest");
  order.grow(1500);
  const grown = new Float64Array(1500);
  for (let i = 0; i < DRAWS_COUNT; i++) grown[1499 - order.next()]!++;
  expectFits(grown, zipfProbabilities(0.99, 1500), "latest, grown");
});

test("popular keys lie scattered, differently for each seed", () => {
  for (const form of ["zipf", "hotspot:0.01/0.9"]) {
    const seen = countDraws(parseKeyDistribution(form), 1000, 29);
    const popular = [...seen.keys()].sort((x, y) => seen[y]! - seen[x]!).slice(0, 10);
    const span = Math.max(...popular) - Math.min(...popular);
    expect(span, form).toBeGreaterThan(300);
    const other = countDraws(parseKeyDistribution(form), 1000, 30);
    expect(other.indexOf(Math.max(...other))).not.toBe(popular[0]!);
  }
});

for (const form of FORMS) {
  test(`every key of ${form} is a whole number within bounds, for 1 to 2^31 - 1 keys`, () => {
    for (const count of [1, 2, 3, 1_000_003, 2 ** 31 - 1]) {
      const order = createKeyOrder(parseKeyDistribution(form), count, 31);
      let [lowest, highest] = [Number.POSITIVE_INFINITY, -1];
      for (let i = 0; i < 20_000; i++) {
        const key = order.next();
        // Bit operations need an int32.
        if (key !== (key | 0)) throw new Error(`${form}: ${key}`);
        lowest = Math.min(lowest, key);
        highest = Math.max(highest, key);
      }
      expect(lowest).toBeGreaterThanOrEqual(0);
      expect(highest).toBeLessThan(count);
      if (count === 2) expect([lowest, highest]).toEqual([0, 1]);
    }
  });
}

test("every order repeats with its seed; all but the sequential one differ between seeds", () => {
  for (const form of FORMS) {
    const draw = (seed: number) => {
      const order = createKeyOrder(parseKeyDistribution(form), 1_000_000, seed);
      return Array.from({ length: 20 }, () => order.next());
    };
    expect(draw(3)).toEqual(draw(3));
    if (form === "sequential") continue;
    expect(draw(3), form).not.toEqual(draw(4));
    if (form === "uniform") expect(new Set(draw(0)).size).toBeGreaterThan(15);
  }
});

test("createKeyOrder() refuses counts that keys cannot have", () => {
  expect(() => createKeyOrder("random", 0, 1)).toThrow("keysCount (0)");
  expect(() => createKeyOrder({ kind: "gauss" }, 2 ** 31, 1)).toThrow("keysCount (2147483648)");
});

test("runDraws() does the work that it measures", () => {
  const { costs, checksum } = runDraws(50);
  expect(costs.size).toBeGreaterThan(20);
  expect(checksum).toBeGreaterThan(0);
  expect(runDraws(50).checksum).toBe(checksum);
});
