/** Axes with round ticks, charts that stay within their frame, curves that end where samples do. */
import { expect, test } from "bun:test";
import { makePhaseResult } from "../../summarize.ts";
import { openTarget } from "../../test-phases.ts";
import { READ_PHASE, resultOf, runOf, targetOf } from "../../test-results.ts";
import { sweepsOf } from "../rows.ts";
import { percentileCharts, sweepChart, throughputCharts, timeCharts } from "./charts.ts";
import { linearAxis, logAxis, ninesAxis, rangeAxis } from "./scale.ts";
import { WIDTH } from "./svg.ts";

const LABELS = (axis: { ticks: { label: string }[] }) => axis.ticks.map(({ label }) => label);

test("linearAxis() starts at 0 and ends at a round number above the maximum", () => {
  for (const max of [0, 1e-9, 0.07, 1, 3, 99, 100, 101, 123_456, 7e9]) {
    const axis = linearAxis("", max, String);
    expect(axis.at(0)).toBe(0);
    expect(axis.at(max)).toBeLessThanOrEqual(1 + 1e-9);
    expect(axis.ticks.length).toBeGreaterThanOrEqual(2);
    expect(axis.ticks.length).toBeLessThanOrEqual(7);
  }
  expect(LABELS(linearAxis("", 87, String))).toEqual(["0", "20", "40", "60", "80", "100"]);
});

test("logAxis() holds its values, with few round ticks", () => {
  for (const [min, max] of [
    [1, 1],
    [1, 2],
    [90, 110],
    [1e3, 1e9],
    [123, 456_789],
    [5e5, 5e5],
  ] as const) {
    const axis = logAxis("", min, max, String);
    expect(axis.at(min)).toBeGreaterThanOrEqual(0);
    expect(axis.at(max)).toBeLessThanOrEqual(1 + 1e-9);
    expect(axis.at(max)).toBeGreaterThanOrEqual(axis.at(min));
    expect(axis.ticks.length).toBeGreaterThanOrEqual(2);
    expect(axis.ticks.length).toBeLessThanOrEqual(9);
  }
  expect(LABELS(logAxis("", 150, 900, String))).toEqual(["100", "200", "500", "1000"]);
});

test("rangeAxis() is around its values, ninesAxis() spreads the rare ones", () => {
  const axis = rangeAxis("", -0.013, 0.027, (value) => value.toFixed(2));
  expect(LABELS(axis)).toEqual(["-0.02", "-0.01", "0.00", "0.01", "0.02", "0.03"]);
  expect(rangeAxis("", 5, 5, String).at(5)).toBeGreaterThanOrEqual(0);
  const nines = ninesAxis("", 0.999);
  expect(LABELS(nines)).toEqual(["min", "p50", "p90", "p99", "p99.9"]);
  expect(nines.at(0.99)).toBeCloseTo(2 / 3, 12);
});

/** Every number of a place in the drawing. */
function places(svg: string): number[] {
  const attributes = svg.matchAll(/ (?:x|cx|width)="(-?[\d.]+)"/g);
  return [...attributes].map((match) => Number(match[1]));
}

test("charts stay within their frame and can be told without being seen", () => {
  const runs = [runOf(90_000), runOf(110_000)];
  for (const run of runs) {
    const [p50Ns, p99Ns] = [
      [1e5, 2e5, null],
      [1e6, null, 2e6],
    ];
    run.series = { endsMs: [250, 500, 760], operations: [20, 30, 10], p50Ns, p99Ns };
  }
  const targets = [
    targetOf("kv", { phases: [makePhaseResult(READ_PHASE, runs)] }),
    targetOf("valkey", { phases: [makePhaseResult(READ_PHASE, [runOf(5)])] }),
  ];
  targets[0]?.phases.push(...openTarget([1000, 2000, 5000]).phases);
  const result = resultOf(targets);
  const sweeps = sweepsOf(result).map((sweep, number) => sweepChart(result, sweep, number));
  const [rates, latencies, times] = [throughputCharts, percentileCharts, timeCharts].map((charts) =>
    charts(result),
  );
  expect([rates, latencies, times, sweeps].map((charts) => charts?.length)).toEqual([1, 1, 2, 1]);
  for (const { svg } of [rates, latencies, times, sweeps].flatMap((charts) => charts ?? [])) {
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(Math.min(...places(svg))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...places(svg))).toBeLessThanOrEqual(WIDTH);
    expect(svg).toMatch(/<title id="[^"]+">[^<]+<\/title>\n<desc id="[^"]+">[^<]+<\/desc>/);
  }
  expect(rates?.[0]?.svg).toContain("kv: 100,000/s ± 127.1 %");
  // Three rates, each with a p99 and a p50, none sustained.
  expect(sweeps[0]?.svg.match(/point hollow/g)).toHaveLength(6);
});

test("a percentile curve ends where fewer than ten samples lie beyond", () => {
  const phases = [makePhaseResult(READ_PHASE, [runOf(1000)])];
  const [chart] = percentileCharts(resultOf([targetOf("kv", { phases })]));
  expect(chart?.svg).toContain("kv p99: 1.50 ms");
  expect(chart?.svg).not.toContain("kv p99.2057");
  const untimed = runOf(1000, { latency: null });
  const none = [makePhaseResult(READ_PHASE, [untimed])];
  expect(percentileCharts(resultOf([targetOf("kv", { phases: none })]))).toEqual([]);
});
