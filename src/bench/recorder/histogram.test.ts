/** Histogram against exact quantiles of sorted samples, merging, and the plain-data form. */
import { expect, test } from "bun:test";
import { Histogram } from "./histogram.ts";

const ERROR_MAX = 0.004;

/** A small repeatable generator of numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
}

function exactQuantile(sorted: number[], quantile: number): number {
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)]!;
}

const shapes: Record<string, (random: () => number) => number> = {
  uniform: (random) => 1 + Math.floor(random() * 1_000_000),
  exponential: (random) => 1 + Math.floor(-Math.log(1 - random()) * 50_000),
  "two humps": (random) =>
    random() < 0.99 ? 20_000 + Math.floor(random() * 500) : Math.floor(5e9 + random() * 1e9),
  "log-normal": (random) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return 1 + Math.floor(80_000 * Math.exp(0.7 * normal));
  },
  "pareto, a tail without a mean": (random) => Math.floor(10_000 / (1 - random())),
  "small integers": (random) => 1 + Math.floor(random() * 10),
  "1 ns to 70 min": (random) => Math.floor(2 ** (random() * 41.9)),
};

for (const [name, shape] of Object.entries(shapes)) {
  test(`Histogram.quantileNs() is within 0.4 % of the exact quantile: ${name}`, () => {
    const random = generator(name.length * 7919);
    const histogram = new Histogram();
    const samples: number[] = [];
    for (let i = 0; i < 20_000; i++) samples.push(shape(random));
    for (const sample of samples) histogram.record(sample, 1);
    samples.sort((a, b) => a - b);
    for (const quantile of [0, 0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1]) {
      const exact = exactQuantile(samples, quantile);
      const error = Math.abs(histogram.quantileNs(quantile) - exact) / exact;
      expect(error, `${name} at ${quantile}: exact ${exact}`).toBeLessThanOrEqual(ERROR_MAX);
    }
    const sum = samples.reduce((total, sample) => total + sample, 0);
    expect(histogram.averageNs()).toBeCloseTo(sum / samples.length, 3);
    histogram.invariants();
  });
}

test("Histogram.record() counts a batch like so many single records", () => {
  const single = new Histogram();
  const batch = new Histogram();
  for (let i = 1; i < 50; i++) {
    for (let j = 0; j < i; j++) single.record(i * 1000, 1);
    batch.record(i * 1000, i);
  }
  expect(batch.toData()).toEqual(single.toData());
});

test("Histogram keeps the exact minimum and maximum and counts what is out of range", () => {
  const histogram = new Histogram();
  for (const ns of [0, 0.5, 1, 2 ** 50]) histogram.record(ns, 1);
  expect(histogram.count).toBe(4);
  expect(histogram.quantileNs(0)).toBe(0);
  expect(histogram.quantileNs(1)).toBe(2 ** 50);
  histogram.invariants();
});

test("Histogram that is empty answers zeros", () => {
  const histogram = new Histogram();
  expect([histogram.averageNs(), histogram.quantileNs(0.5), histogram.maxNs]).toEqual([0, 0, 0]);
  expect(histogram.toData().minNs).toBe(0);
});

test("Histogram.merge() is associative and equals one histogram of everything", () => {
  const random = generator(42);
  const parts = [new Histogram(), new Histogram(), new Histogram()];
  const whole = new Histogram();
  for (let i = 0; i < 3000; i++) {
    const ns = Math.floor(random() * 1e7) + 1;
    parts[i % 3]!.record(ns, 1);
    whole.record(ns, 1);
  }
  const left = new Histogram();
  left.merge(parts[0]!);
  left.merge(parts[1]!);
  left.merge(parts[2]!);
  parts[1]!.merge(parts[2]!);
  parts[0]!.merge(parts[1]!);
  expect(left.toData()).toEqual(whole.toData());
  expect(parts[0]!.toData()).toEqual(whole.toData());
});

test("Histogram.visitBuckets() shows every record once, rising, within minimum and maximum", () => {
  const histogram = new Histogram();
  const random = generator(9);
  for (let i = 0; i < 2000; i++) histogram.record(1 + Math.floor(random() * 1e6), 1 + (i % 3));
  let [count, previous] = [0, 0];
  histogram.visitBuckets((ns, times) => {
    expect(ns).toBeGreaterThan(previous);
    expect(ns).toBeWithin(histogram.minNs, histogram.maxNs + 1);
    expect(times).toBeGreaterThan(0);
    previous = ns;
    count += times;
  });
  expect(count).toBe(histogram.count);
});

test("Histogram.fromData() gives back what toData() wrote, through JSON", () => {
  const histogram = new Histogram();
  for (let i = 1; i < 1000; i++) histogram.record(i * i, i);
  const copy = Histogram.fromData(JSON.parse(JSON.stringify(histogram.toData())));
  expect(copy.toData()).toEqual(histogram.toData());
  expect(copy.quantileNs(0.99)).toBe(histogram.quantileNs(0.99));
  copy.invariants();
});

test("Histogram.fromData() refuses another resolution and buckets out of range", () => {
  const data = new Histogram().toData();
  expect(() => Histogram.fromData({ ...data, mantissaBits: 5 })).toThrow(RangeError);
  expect(() => Histogram.fromData({ ...data, buckets: [[6000, 1]] })).toThrow(RangeError);
});
