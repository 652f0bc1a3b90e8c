/**
 * Sizes, durations and counts: units as in Redis' configuration, strict parsing, readable output.
 */
import { expect, test } from "bun:test";
import {
  formatCount,
  formatDurationNs,
  formatSize,
  parseCount,
  parseDurationMs,
  parseSize,
} from "./units.ts";

test("parseSize() reads every unit, decimal and binary, in either case", () => {
  const sizes: [string, number][] = [
    ["0", 0],
    ["12", 12],
    ["12b", 12],
    ["1k", 1000],
    ["1kb", 1024],
    ["1KiB", 1024],
    ["100mb", 104_857_600],
    ["1M", 1_000_000],
    ["1GB", 1_073_741_824],
    ["1.5gb", 1_610_612_736],
    ["2t", 2_000_000_000_000],
  ];
  for (const [text, size] of sizes) expect([text, parseSize(text)]).toEqual([text, size]);
});

test("parseSize() refuses what is not wholly a size", () => {
  for (const text of ["", "mb", "-1", "+1", "1 mb", " 1", "1x", "1e3", "0x10", ".5gb", "1.gb"]) {
    expect([text, parseSize(text)]).toEqual([text, null]);
  }
});

test("parseSize() refuses units that are only on the prototype, and sizes beyond 2^53", () => {
  expect(parseSize("1constructor")).toBeNull();
  expect(parseSize("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
  expect(parseSize("9007199254740993")).toBeNull();
  expect(parseSize("99999999tb")).toBeNull();
});

test("parseDurationMs() needs a unit", () => {
  expect(["250ms", "10s", "1.5s", "5m", "5min", "1h"].map(parseDurationMs)).toEqual([
    250, 10_000, 1500, 300_000, 300_000, 3_600_000,
  ]);
  expect(["10", "", "s", "1d", "-1s"].map(parseDurationMs)).toEqual([null, null, null, null, null]);
});

test("parseCount() takes digits and nothing else", () => {
  expect(["0", "16", "007"].map(parseCount)).toEqual([0, 16, 7]);
  for (const text of ["", "-1", "+1", "1.0", "1e3", " 1", "1 ", "9007199254740993"]) {
    expect([text, parseCount(text)]).toEqual([text, null]);
  }
});

test("formatSize(), formatCount() and formatDurationNs() keep three digits", () => {
  expect([0, 999, 1024, 1536, 10_240, 1_073_741_824].map(formatSize)).toEqual([
    "0 B",
    "999 B",
    "1.00 KiB",
    "1.50 KiB",
    "10.0 KiB",
    "1.00 GiB",
  ]);
  expect([0, 999, 1000, 12_345, 123_456, 999_999, 2_500_000].map(formatCount)).toEqual([
    "0",
    "999",
    "1.00k",
    "12.3k",
    "123k",
    "1.00M",
    "2.50M",
  ]);
  expect([1, 1500, 12_340_000, 7_000_000_000, 90_000_000_000].map(formatDurationNs)).toEqual([
    "1 ns",
    "1.50 µs",
    "12.3 ms",
    "7.00 s",
    "90.0 s",
  ]);
  expect(formatCount(-1500)).toBe("-1.50k");
  expect(formatDurationNs(0.5)).toBe("0.50 ns");
});
