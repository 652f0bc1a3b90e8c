/** The percentile distribution: its exact layout, and its figures against sorted samples. */
import { expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { toHgrm } from "./hgrm.ts";
import { Histogram } from "./histogram.ts";

test("toHgrm() has the classic layout", () => {
  const histogram = new Histogram();
  histogram.record(1_000_000, 2);
  histogram.record(3_000_000, 1);
  histogram.record(9_000_000, 1);
  expect(toHgrm(histogram.toData())).toBe(
    `       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          2           1.00
       1.001 0.100000000000          2           1.11
       1.001 0.200000000000          2           1.25
       1.001 0.300000000000          2           1.43
       1.001 0.400000000000          2           1.67
       1.001 0.500000000000          2           2.00
       3.006 0.550000000000          3           2.22
       3.006 0.600000000000          3           2.50
       3.006 0.650000000000          3           2.86
       3.006 0.700000000000          3           3.33
       3.006 0.750000000000          3           4.00
       9.000 0.775000000000          4           4.44
       9.000 1.000000000000          4            inf
#[Mean    =        3.500, StdDeviation   =        3.278]
#[Max     =        9.000, Total count    =            4]
#[Buckets =           42, SubBuckets     =          128]
`,
  );
});

test("toHgrm() of nothing has a head and zeros", () => {
  const lines = toHgrm(new Histogram().toData()).split("\n");
  expect(lines.slice(2)).toEqual([
    "#[Mean    =        0.000, StdDeviation   =        0.000]",
    "#[Max     =        0.000, Total count    =            0]",
    "#[Buckets =           42, SubBuckets     =          128]",
    "",
  ]);
});

test("toHgrm() agrees with the sorted samples, in the unit asked for", () => {
  const random = new Prng(3);
  const histogram = new Histogram();
  const samples = Array.from({ length: 50_000 }, () => {
    const ns = 20_000 + Math.floor(-Math.log(1 - random.fraction()) * 400_000);
    histogram.record(ns, 1);
    return ns;
  }).sort((x, y) => x - y);
  const lines = toHgrm(histogram.toData(), 1000).split("\n");
  const rows = lines.flatMap((line) => {
    const fields = line.trim().split(/ +/);
    return /^[0-9]/.test(fields[0]!) ? [fields] : [];
  });
  expect(rows.length).toBeGreaterThan(60);
  let previous = -1;
  for (const [value, percentile, count, inverse] of rows) {
    const level = Number(percentile);
    const exact = samples[Math.max(0, Math.ceil(level * samples.length) - 1)]!;
    expect(Math.abs(Number(value) * 1000 - exact) / exact).toBeLessThan(0.005);
    expect(Number(count)).toBeGreaterThanOrEqual(level * samples.length);
    expect(level).toBeGreaterThan(previous);
    previous = level;
    if (level === 1) expect(inverse).toBe("inf");
    else expect(Math.abs(Number(inverse) * (1 - level) - 1)).toBeLessThan(0.01);
  }
  expect(rows.at(-1)).toEqual([
    (samples.at(-1)! / 1000).toFixed(3),
    "1.000000000000",
    "50000",
    "inf",
  ]);
  const deviation = Number(/StdDeviation {3}= +([0-9.]+)\]/.exec(lines.join("\n"))![1]);
  const mean = samples.reduce((sum, ns) => sum + ns, 0) / samples.length;
  const variance = samples.reduce((sum, ns) => sum + (ns - mean) ** 2, 0) / samples.length;
  expect(Math.abs(deviation / (Math.sqrt(variance) / 1000) - 1)).toBeLessThan(0.005);
});

test("toHgrm() refuses data of another resolution", () => {
  const data = { ...new Histogram().toData(), mantissaBits: 5 };
  expect(() => toHgrm(data)).toThrow("mantissaBits: 5 is not 7");
});
