/**
 * Result → its charts: bars of throughput, percentile curves, courses over time, rate and latency.
 *
 * Pure. One chart for each operation, with all targets in it; targets keep their colour throughout
 * the page.
 */
import { formatCount, formatDurationNs } from "../../../base/units.ts";
import { Histogram, type HistogramData } from "../../recorder/histogram.ts";
import { percentileNs } from "../../recorder/percentiles.ts";
import type { BenchResult, PhaseResult, PhaseRun, TargetResult } from "../../result.ts";
import { estimate } from "../../summarize.ts";
import { percentText, rateText } from "../cells.ts";
import { measuredRows, operationOf, type Sweep, sweepsOf } from "../rows.ts";
import { type Bar, barChart } from "./bar-chart.ts";
import { lineChart, type Point, type Series } from "./line-chart.ts";
import { type Axis, linearAxis, logAxis, ninesAxis } from "./scale.ts";

/** Points of a percentile curve in each tenfold of rarity. */
const POINTS_PER_NINE = 10;
const NINES_MAX = 6;
/** The rest of a slice at the end of a run is too short to have a rate. */
const SLICE_MS_MIN = 50;

export interface Chart {
  title: string;
  svg: string;
  /** Which targets are in it, for the legend; empty where names are in the chart. */
  legend: number[];
}

/** What is compared with each other: the phases of one operation, by target. */
interface Group {
  operation: string;
  members: { target: TargetResult; index: number; phase: PhaseResult }[];
}

/** Without sweeps, which have a chart of their own. */
function groupsOf(result: BenchResult): Group[] {
  const sweeps = new Set(sweepsOf(result).map(({ label }) => label));
  const rows = measuredRows(result).filter(({ phase }) => !sweeps.has(phase.label));
  const operations = [...new Set(rows.map(({ phase }) => operationOf(phase)))];
  return operations.map((operation) => ({
    operation,
    members: rows
      .filter(({ phase }) => operationOf(phase) === operation)
      .map((row) => ({ ...row, index: result.targets.indexOf(row.target) })),
  }));
}

export function throughputCharts(result: BenchResult): Chart[] {
  return groupsOf(result).map(({ operation, members }, group) => {
    const bars = members.map(({ target, index, phase }): Bar => {
      const isFailed = phase.summary.errorsTotal > 0;
      return { name: target.label, index, isFailed, ...rateOf(phase) };
    });
    const description = bars.map(({ name, figure }) => `${name} ${figure}`).join("; ");
    const title = `${operation}: operations per second`;
    return {
      title: operation,
      svg: barChart(`rate${group}`, { title, description }, bars),
      legend: [],
    };
  });
}

/** Of a fan-out, what was delivered: publishing alone is quickly done. */
function rateOf({ summary, runs }: PhaseResult): Pick<Bar, "value" | "figure" | "interval"> {
  const delivered = runs.flatMap((run) => run.fanout?.deliveredPerSecond ?? []);
  const { median, mean, interval95 } =
    delivered.length > 0 ? estimate(delivered) : summary.operationsPerSecond;
  const margin =
    interval95 === null || mean === 0
      ? ""
      : ` ± ${percentText((interval95[1] - interval95[0]) / 2 / mean)}`;
  const what = delivered.length > 0 ? " delivered" : "";
  return { value: median, figure: `${rateText(median)}/s${what}${margin}`, interval: interval95 };
}

/** None for operations without latencies. */
export function percentileCharts(result: BenchResult): Chart[] {
  return groupsOf(result).flatMap(({ operation, members }, group) => {
    const curves = members.flatMap(({ target, index, phase }) => {
      const latency = phase.summary.latency?.primary;
      return latency === undefined || latency.count === 0
        ? []
        : [{ target, index, points: percentileCurve(target.label, latency.histogram) }];
    });
    const points = curves.flatMap((curve) => curve.points);
    if (points.length === 0) return [];
    const x = ninesAxis("percentile", Math.max(...points.map((point) => point.x)));
    const y = latencyAxis(points.map((point) => point.y));
    const description = curves.map((curve) => curve.points.at(-1)?.tip ?? "").join("; ");
    const text = { title: `${operation}: latency by percentile`, description };
    const series: Series[] = curves.map((curve) => ({ index: curve.index, points: curve.points }));
    const svg = lineChart(`latency${group}`, text, x, y, series);
    return [{ title: operation, svg, legend: curves.map((curve) => curve.index) }];
  });
}

/** As far as there are samples enough; x is the quantile. */
function percentileCurve(label: string, data: HistogramData): Point[] {
  const histogram = Histogram.fromData(data);
  const points: Point[] = [];
  for (let step = 0; step <= NINES_MAX * POINTS_PER_NINE; step++) {
    const quantile = 1 - 10 ** (-step / POINTS_PER_NINE);
    const ns = percentileNs(histogram, quantile);
    if (ns === null) break;
    const name = step === 0 ? "minimum" : `p${Number((quantile * 100).toPrecision(6))}`;
    points.push({
      x: quantile,
      y: Math.max(ns, 1),
      tip: `${label} ${name}: ${formatDurationNs(ns)}`,
    });
  }
  return points;
}

function latencyAxis(valuesNs: number[]): Axis {
  const [min, max] = [Math.max(Math.min(...valuesNs), 1), Math.max(...valuesNs, 2)];
  return logAxis("latency (log)", min, max, shortDuration);
}

/** "20 µs": what a tick has room for. */
function shortDuration(ns: number): string {
  return formatDurationNs(ns).replace(/\.0+(?= )/, "");
}

/** "20k" */
function shortCount(count: number): string {
  return formatCount(count)
    .replace(/(\.\d*?)0+(?=\D|$)/, "$1")
    .replace(/\.(?=\D|$)/, "");
}

/** Rate and p99 over time, for each operation; every run is a line. */
export function timeCharts(result: BenchResult): Chart[] {
  return groupsOf(result).flatMap(({ operation, members }, group) => {
    const lines = members.flatMap(({ target, index, phase }) =>
      phase.runs.map((run, number) => {
        const label = phase.runs.length > 1 ? `${target.label}, run ${number + 1}` : target.label;
        return { index, isThin: number > 0, ...courseOf(label, run) };
      }),
    );
    const title = `${operation}: over time`;
    const legend = [...new Set(lines.map((line) => line.index))];
    const charts: Chart[] = [];
    for (const [name, of] of [
      ["operations/s", (line: (typeof lines)[number]) => line.rates],
      ["p99", (line: (typeof lines)[number]) => line.p99s],
    ] as const) {
      const points = lines.flatMap((line) => of(line).filter((point) => point !== null));
      // A course of one point is none.
      if (lines.every((line) => of(line).filter((point) => point !== null).length < 2)) continue;
      const x = linearAxis("time", Math.max(...points.map((point) => point.x)), secondsText);
      const yMax = Math.max(...points.map((point) => point.y));
      const isFanout = members.some(({ phase }) => phase.kind === "fanout");
      const unit = name === "operations/s" && isFanout ? "deliveries/s" : name;
      const y = linearAxis(unit, yMax, name === "p99" ? shortDuration : shortCount);
      const description = `${unit} of ${points.length} slices of time`;
      const series = lines.map((line) => {
        const dots = of(line).filter((point) => point !== null);
        // A run of one slice has no line.
        return { ...line, points: of(line), hasDots: dots.length === 1 };
      });
      const id = `time${group}${name === "p99" ? "p" : "r"}`;
      const svg = lineChart(id, { title: `${title}, ${name}`, description }, x, y, series);
      charts.push({ title: `${operation}: ${name}`, svg, legend });
    }
    return charts;
  });
}

function secondsText(seconds: number): string {
  return `${Number(seconds.toFixed(2))} s`;
}

function courseOf(label: string, { series }: PhaseRun): Record<"rates" | "p99s", (Point | null)[]> {
  const { endsMs, operations, p99Ns } = series;
  const rates: (Point | null)[] = [];
  const p99s: (Point | null)[] = [];
  for (const [slice, endMs] of endsMs.entries()) {
    const lengthMs = endMs - (endsMs[slice - 1] ?? 0);
    if (lengthMs < SLICE_MS_MIN) continue;
    const x = endMs / 1000;
    const rate = ((operations[slice] ?? 0) / lengthMs) * 1000;
    const when = `${label}, until ${secondsText(x)}`;
    rates.push({ x, y: rate, tip: `${when}: ${rateText(rate)}/s` });
    const ns = p99Ns?.[slice] ?? null;
    p99s.push(ns === null ? null : { x, y: ns, tip: `${when}: p99 ${formatDurationNs(ns)}` });
  }
  return { rates, p99s };
}

/** Reached rate against p99 (thick) and p50 (thin); a ring is a rate that was not sustained. */
export function sweepChart(result: BenchResult, { label, curves }: Sweep, number: number): Chart {
  const series = curves.flatMap(({ target, phases }): Series[] => {
    const index = result.targets.indexOf(target);
    return [
      { index, hasDots: true, points: phases.map((phase) => sweepPoint(target, phase, "p99Ns")) },
      {
        index,
        hasDots: true,
        isThin: true,
        points: phases.map((phase) => sweepPoint(target, phase, "p50Ns")),
      },
    ];
  });
  const points = series.flatMap((each) => each.points.filter((point) => point !== null));
  const xMax = Math.max(...points.map((point) => point.x), 1);
  const x = linearAxis("reached rate per second (ring: not sustained)", xMax, shortCount);
  const y = latencyAxis(points.map((point) => point.y));
  const title = `${label}: latency at each rate, p99 (thick) and p50 (thin)`;
  const description = points.map(({ tip }) => tip).join("; ");
  const svg = lineChart(`sweep${number}`, { title, description }, x, y, series);
  return { title, svg, legend: [...new Set(series.map((each) => each.index))] };
}

function sweepPoint(
  target: TargetResult,
  { summary, runs, rateTarget }: PhaseResult,
  percentile: "p50Ns" | "p99Ns",
): Point | null {
  const ns = summary.latency?.primary[percentile] ?? null;
  if (ns === null) return null;
  const isHollow = runs.some((run) => run.open?.isSustained === false);
  const name = percentile === "p50Ns" ? "p50" : "p99";
  const wanted = `${formatCount(rateTarget ?? 0)}/s wanted`;
  const flaw = isHollow ? ", not sustained" : "";
  return {
    x: summary.operationsPerSecond.median,
    y: ns,
    tip: `${target.label} ${wanted}: ${name} ${formatDurationNs(ns)}${flaw}`,
    isHollow,
  };
}
