/**
 * The runs of a phase → its summary: estimates over the runs, histograms added.
 *
 * The unit of repetition is the whole run, with fresh connections: operations within one run depend
 * on each other, and an interval over them would be far too narrow. Percentiles are never averaged:
 * they are read from the sum of the histograms.
 */
import { assert } from "../base/assert.ts";
import type { PhasePlan } from "./plan.ts";
import type { Bottleneck } from "./processor-time.ts";
import { Histogram } from "./recorder/histogram.ts";
import { makeLatency } from "./recorder/percentiles.ts";
import type {
  Estimate,
  LatencyResult,
  LatencySet,
  PhaseResult,
  PhaseRun,
  PhaseSummary,
} from "./result.ts";
import { summarize as summarizeValues } from "./statistics/summary.ts";

/** `runs` are the repetitions of `phase`, at least one. */
export function makePhaseResult(phase: PhasePlan, runs: PhaseRun[]): PhaseResult {
  const { name, kind, label, isMeasured } = phase;
  const schedule = phase.kind === "connect" ? null : phase.schedule;
  return {
    name,
    kind,
    label,
    isMeasured,
    batchSize: phase.kind === "connect" ? null : phase.batchSize,
    rateTarget: schedule?.ratePerSecond ?? null,
    runs,
    summary: summarize(runs),
  };
}

function summarize(runs: PhaseRun[]): PhaseSummary {
  assert(runs.length >= 1, "a phase without runs");
  const verdicts = new Set(runs.map((run) => run.steadiness.verdict));
  return {
    operationsPerSecond: estimate(runs.map((run) => run.operationsPerSecond)),
    payloadBytesPerSecond: estimate(runs.map((run) => run.payloadBytesPerSecond)),
    latency: mergeSets(runs.map((run) => run.latency)),
    errorsTotal: runs.reduce((sum, run) => sum + run.errors.total, 0),
    bottleneck: mostFrequent(runs.map((run) => run.processorTime.bottleneck)),
    steadiness: verdicts.has("unsteady")
      ? "unsteady"
      : verdicts.has("unknown")
        ? "unknown"
        : "steady",
  };
}

export function estimate(values: number[]): Estimate {
  const { count, median, mean, min, max, standardDeviation, interval95 } = summarizeValues(values);
  return {
    ...{ count, median, mean, min, max },
    standardDeviation: standardDeviation ?? 0,
    interval95: interval95 === null ? null : [interval95.low, interval95.high],
  };
}

function mergeSets(sets: (LatencySet | null)[]): LatencySet | null {
  const present = sets.filter((set) => set !== null);
  const primary = mergeLatencies(present.map((set) => set.primary));
  if (primary === null) return null;
  return {
    primary,
    service: mergeLatencies(present.map((set) => set.service)),
    sendLag: mergeLatencies(present.map((set) => set.sendLag)),
  };
}

/** Null when nothing was recorded in any. */
function mergeLatencies(latencies: (LatencyResult | null)[]): LatencyResult | null {
  const present = latencies.filter((latency) => latency !== null);
  const [first, ...others] = present;
  if (first === undefined || others.length === 0) return first ?? null;
  const sum = Histogram.fromData(first.histogram);
  for (const other of others) sum.merge(Histogram.fromData(other.histogram));
  return makeLatency(sum, first.kind);
}

function mostFrequent(values: Bottleneck[]): Bottleneck {
  const counts = new Map<Bottleneck, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [most] = [...counts].toSorted(([, a], [, b]) => b - a);
  return most?.[0] ?? "unknown";
}
