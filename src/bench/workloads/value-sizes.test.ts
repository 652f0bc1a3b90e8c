/** Value sizes: the notation, and draws that depend on key and seed alone. */
import { expect, test } from "bun:test";
import { formatValueSizes, parseValueSizes, VALUE_SIZE_MAX, ValueSizer } from "./value-sizes.ts";

test("parseValueSizes() knows sizes, ranges and weighted lists", () => {
  expect(parseValueSizes("128")).toEqual([{ minBytes: 128, maxBytes: 128, weight: 1 }]);
  expect(parseValueSizes("4kb")).toEqual([{ minBytes: 4096, maxBytes: 4096, weight: 1 }]);
  expect(parseValueSizes("64-1kb")).toEqual([{ minBytes: 64, maxBytes: 1024, weight: 1 }]);
  expect(parseValueSizes("64:50,100-200:25")).toEqual([
    { minBytes: 64, maxBytes: 64, weight: 50 },
    { minBytes: 100, maxBytes: 200, weight: 25 },
  ]);
  expect(parseValueSizes("512mb")[0]!.maxBytes).toBe(VALUE_SIZE_MAX);
});

test("parseValueSizes() says what is wrong", () => {
  const messages: Record<string, string> = {
    "": "not a size, as in 128 or 4kb ()",
    "12x": "not a size, as in 128 or 4kb (12x)",
    "-5": "not a size, as in 128 or 4kb ()",
    "0": `a size must be from 1 to ${VALUE_SIZE_MAX} bytes (0)`,
    "1gb": `a size must be from 1 to ${VALUE_SIZE_MAX} bytes (1gb)`,
    "9-3": "a range must not fall (9-3)",
    "1-2-3": "a range has two ends, as in 64-1024 (1-2-3)",
    "64:50,1024": "a list needs a weight for each size, as in 64:50,1024:50 (1024)",
    "64:0": "a weight must be from 1 to 1000000 (0)",
    "64:1.5": "a weight must be from 1 to 1000000 (1.5)",
    "64:1:2": "more than one weight (64:1:2)",
  };
  for (const [text, message] of Object.entries(messages)) {
    expect(() => parseValueSizes(text), text).toThrow(new RangeError(message));
  }
  const many = Array(65).fill("1:1").join(",");
  expect(() => parseValueSizes(many)).toThrow("65 sizes, at most 64");
});

test("ValueSizer of one size gives it to every key", () => {
  const sizer = new ValueSizer(parseValueSizes("128"), 1);
  expect([sizer.sizeMax, sizer.sizeMean, sizer.isFixed]).toEqual([128, 128, true]);
  for (let key = 0; key < 100; key++) expect(sizer.sizeOf(key)).toBe(128);
});

test("ValueSizer of a range gives every size equally often, both ends included", () => {
  const sizer = new ValueSizer(parseValueSizes("10-29"), 3);
  expect([sizer.sizeMax, sizer.sizeMean, sizer.isFixed]).toEqual([29, 19.5, false]);
  const seen = new Float64Array(30);
  const keys = 100_000;
  for (let key = 0; key < keys; key++) seen[sizer.sizeOf(key)]!++;
  const expected = keys / 20;
  let chiSquare = 0;
  for (let size = 10; size < 30; size++) chiSquare += (seen[size]! - expected) ** 2 / expected;
  // 19 degrees of freedom: 43.8 is exceeded with probability 0.001.
  expect(chiSquare).toBeLessThan(43.8);
  expect(seen.slice(0, 10).every((count) => count === 0)).toBe(true);
});

test("ValueSizer of a list keeps the weights, and its mean is the mean of what it gives", () => {
  const sizer = new ValueSizer(parseValueSizes("64:60,1024:30,4096-8192:10"), 5);
  expect(sizer.sizeMax).toBe(8192);
  expect(sizer.sizeMean).toBeCloseTo(0.6 * 64 + 0.3 * 1024 + 0.1 * 6144, 9);
  const keys = 200_000;
  let [small, middle, sum] = [0, 0, 0];
  for (let key = 0; key < keys; key++) {
    const size = sizer.sizeOf(key);
    if (size === 64) small++;
    else if (size === 1024) middle++;
    else expect(size).toBeWithin(4096, 8193);
    sum += size;
  }
  // 5 standard errors.
  expect(Math.abs(small / keys - 0.6)).toBeLessThan(0.0055);
  expect(Math.abs(middle / keys - 0.3)).toBeLessThan(0.0052);
  expect(Math.abs(sum / keys / sizer.sizeMean - 1)).toBeLessThan(0.02);
});

test("ValueSizer depends on key and seed alone", () => {
  const sizes = parseValueSizes("1-1000");
  const first = new ValueSizer(sizes, 7);
  const second = new ValueSizer(sizes, 7);
  const other = new ValueSizer(sizes, 8);
  const keys = [5, 0, 2 ** 31 - 1, 5, 77];
  expect(keys.map((key) => first.sizeOf(key))).toEqual(
    keys
      .toReversed()
      .map((key) => second.sizeOf(key))
      .reverse(),
  );
  expect(keys.map((key) => other.sizeOf(key))).not.toEqual(keys.map((key) => first.sizeOf(key)));
});

test("formatValueSizes() writes what parseValueSizes() reads", () => {
  for (const text of ["128", "64-1024", "64:50,1024-2048:1"]) {
    expect(formatValueSizes(parseValueSizes(text))).toBe(text);
  }
  expect(formatValueSizes(parseValueSizes("4kb:9"))).toBe("4096");
});
