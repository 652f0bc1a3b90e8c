/** Arrival schedules: exact times, exact counts of what is due, and the law of the random gaps. */
import { expect, test } from "bun:test";
import { createArrivals } from "./arrivals.ts";

test("even arrivals come at i / rate, without drift over hours", () => {
  for (const rate of [1, 3, 1000, 333_333, 7_654_321.5]) {
    const arrivals = createArrivals("const", rate, 1);
    for (let i = 0; i < 1000; i++) expect(arrivals.nextNs()).toBe((i * 1e9) / rate);
  }
  const arrivals = createArrivals("const", 3, 1);
  // Three hours of three a second: every third one on a whole second.
  for (let i = 0; i < 3 * 3600 * 3; i++) arrivals.nextNs();
  expect(arrivals.nextNs()).toBe(3 * 3600 * 1e9);
});

test("dueCount() of even arrivals counts exactly those at or before the time", () => {
  for (const rate of [0.5, 3, 1e6, 777_777]) {
    const arrivals = createArrivals("const", rate, 1);
    let taken = 0;
    for (let nowNs = 0; nowNs < 5e6; nowNs += 1237) {
      const due = arrivals.dueCount(nowNs);
      for (let i = 0; i < due; i++) expect(arrivals.nextNs()).toBeLessThanOrEqual(nowNs);
      taken += due;
      expect(arrivals.peekNs()).toBeGreaterThan(nowNs);
      expect(arrivals.peekNs()).toBe((taken * 1e9) / rate);
      expect(arrivals.dueCount(nowNs)).toBe(0);
    }
  }
  expect(createArrivals("const", 10, 1).dueCount(-1)).toBe(0);
  // An hour behind: nothing is skipped.
  expect(createArrivals("const", 1e6, 1).dueCount(3600e9)).toBe(3.6e9 + 1);
  // On the very time of an arrival that has no exact float64.
  const thirds = createArrivals("const", 3, 1);
  expect(thirds.dueCount(1e9 / 3)).toBe(2);
  expect(thirds.dueCount((2 * 1e9) / 3 - 1)).toBe(2);
});

test("dueCount() of Poisson arrivals agrees with their times", () => {
  const arrivals = createArrivals("poisson", 1e6, 5);
  const ahead = createArrivals("poisson", 1e6, 5);
  const times = Array.from({ length: 20_000 }, () => ahead.nextNs());
  let taken = 0;
  for (let nowNs = 0; nowNs < 1.5e7; nowNs += 1237) {
    const due = arrivals.dueCount(nowNs);
    for (let i = 0; i < due; i++) {
      const atNs = arrivals.nextNs();
      expect(atNs).toBe(times[taken + i]!);
      expect(atNs).toBeLessThanOrEqual(nowNs);
    }
    taken += due;
    expect(arrivals.peekNs()).toBe(times[taken]!);
    expect(arrivals.peekNs()).toBeGreaterThan(nowNs);
  }
  expect(taken).toBeGreaterThan(14_000);
});

test("Poisson arrivals taken ahead of time are not due again", () => {
  const arrivals = createArrivals("poisson", 1e6, 5);
  const third = [arrivals.nextNs(), arrivals.nextNs(), arrivals.nextNs()][2]!;
  expect(arrivals.dueCount(0)).toBe(0);
  expect(arrivals.dueCount(third)).toBe(0);
  expect(arrivals.dueCount(arrivals.peekNs())).toBe(1);
});

test("gaps of Poisson arrivals are exponential, with the mean of the rate", () => {
  const rate = 250_000;
  const count = 200_000;
  const arrivals = createArrivals("poisson", rate, 7);
  const cells = new Float64Array(20);
  let [previous, squares] = [0, 0];
  for (let i = 0; i < count; i++) {
    const atNs = arrivals.nextNs();
    const gap = ((atNs - previous) * rate) / 1e9;
    previous = atNs;
    squares += gap * gap;
    // Twenty cells of equal probability.
    cells[Math.min(19, Math.floor((1 - Math.exp(-gap)) * 20))]!++;
  }
  const chiSquare = cells.reduce((sum, n) => sum + (n - count / 20) ** 2 / (count / 20), 0);
  // 19 degrees of freedom: 43.8 is exceeded with probability 0.001.
  expect(chiSquare).toBeLessThan(43.8);
  // Standard errors of mean and mean square, times 4.
  expect(Math.abs((previous * rate) / 1e9 / count - 1)).toBeLessThan(4 / Math.sqrt(count));
  expect(Math.abs(squares / count - 2)).toBeLessThan((4 * Math.sqrt(20)) / Math.sqrt(count));
});

test("Poisson arrivals repeat with their seed and never fall", () => {
  const draw = (seed: number) => {
    const arrivals = createArrivals("poisson", 1000, seed);
    return Array.from({ length: 100 }, () => arrivals.nextNs());
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  expect(draw(3)).toEqual(draw(3).toSorted((x, y) => x - y));
});

test("createArrivals() refuses rates without a schedule", () => {
  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => createArrivals("const", rate, 1)).toThrow(`ratePerSecond (${rate})`);
  }
});
