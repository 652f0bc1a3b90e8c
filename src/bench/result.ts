/**
 * The result of a run as plain data: what the table shows, what `--out` writes, what a comparison
 * reads.
 *
 * Units are in the names; rates are per second. `schemas/bench-result.schema.json` describes the
 * same; a test checks that an actual result fits it. When adding a field, also add it there; when
 * changing one, raise SCHEMA_VERSION.
 */
import { formatDurationNs } from "../base/units.ts";
import type { BackendName } from "./backends.ts";
import type { Environment } from "./environment.ts";
import type { LoopCounts } from "./loop.ts";
import type { PhasePlan, Plan } from "./plan.ts";
import type { Bottleneck, ProcessorTimeSource } from "./processor-time.ts";
import type { Histogram, HistogramData } from "./recorder/histogram.ts";
import type { TargetFacts } from "./target-facts.ts";

export const SCHEMA_VERSION = 1;

/** A shorter phase mostly shows how a server that compiles as it runs warms up. */
const STEADY_NS_MIN = 1_000_000_000;

export interface BenchResult {
  schemaVersion: number;
  tool: { name: string; version: string };
  startedAt: string;
  argv: string[];
  environment: Environment;
  plan: Omit<Plan, "targets" | "phases">;
  targets: TargetResult[];
  /** What makes the comparison or a figure doubtful. */
  warnings: string[];
  isFailed: boolean;
}

export interface TargetResult {
  backend: BackendName;
  endpoint: string;
  isStartedHere: boolean;
  facts: TargetFacts;
  phases: PhaseResult[];
}

export interface PhaseResult {
  name: PhasePlan["name"];
  isMeasured: boolean;
  operations: number;
  elapsedNs: number;
  operationsPerSecond: number;
  /** Bytes on the wire, framing included. */
  bytesOut: number;
  bytesIn: number;
  /** Bytes of values written and read. */
  payloadBytes: number;
  payloadBytesPerSecond: number;
  errors: PhaseErrors;
  /** Null in a phase that reads nothing. */
  reads: { hits: number; misses: number } | null;
  latency: LatencyResult | null;
  processorTime: {
    clientNs: number;
    serverNs: number | null;
    serverSource: ProcessorTimeSource;
    bottleneck: Bottleneck;
  };
}

export interface PhaseErrors {
  /** Error replies, misses, unexpected replies and wrong values: any of them fails the run. */
  total: number;
  /** Error replies by their first word. */
  replies: Record<string, number>;
  /** The first error reply in full; empty when there was none. */
  first: string;
  misses: number;
  /** Replies of another type or length than the request asks for. */
  unexpected: number;
  /** Values that differ from what was written; null when they were not verified. */
  wrongValues: number | null;
}

/**
 * Closed-loop latency, that is: at saturation. A percentile is null when there are too few samples
 * for it.
 */
export interface LatencyResult {
  kind: "at saturation";
  averageNs: number;
  p50Ns: number | null;
  p99Ns: number | null;
  p999Ns: number | null;
  maxNs: number;
  histogram: HistogramData;
}

/** Samples that have to lie beyond a percentile before it is more than chance. */
const SAMPLES_BEYOND_MIN = 10;

export interface PhaseMeasurement {
  phase: PhasePlan;
  counts: LoopCounts;
  histogram: Histogram | null;
  isVerified: boolean;
  processorTime: PhaseResult["processorTime"];
}

export function makePhaseResult(measurement: PhaseMeasurement): PhaseResult {
  const { phase, counts, histogram, processorTime } = measurement;
  const perSecond = 1e9 / counts.elapsedNs;
  const payloadBytes = counts.payloadBytesOut + counts.payloadBytesIn;
  const errors = makeErrors(measurement);
  const isReading = phase.request === "get";
  const errorReplies = errors.total - errors.misses - errors.unexpected - (errors.wrongValues ?? 0);
  const hits = counts.operations - errors.misses - errorReplies;
  return {
    name: phase.name,
    isMeasured: phase.isMeasured,
    operations: counts.operations,
    elapsedNs: counts.elapsedNs,
    operationsPerSecond: counts.operations * perSecond,
    bytesOut: counts.bytesOut,
    bytesIn: counts.bytesIn,
    payloadBytes,
    payloadBytesPerSecond: payloadBytes * perSecond,
    errors,
    reads: isReading ? { hits, misses: errors.misses } : null,
    latency: histogram === null ? null : makeLatency(histogram),
    processorTime,
  };
}

function makeErrors({ counts, isVerified }: PhaseMeasurement): PhaseErrors {
  const errorReplies = Object.values(counts.errorKinds).reduce((sum, count) => sum + count, 0);
  return {
    total: errorReplies + counts.nulls + counts.unexpected + counts.wrongValues,
    replies: counts.errorKinds,
    first: counts.errorFirst,
    misses: counts.nulls,
    unexpected: counts.unexpected,
    wrongValues: isVerified ? counts.wrongValues : null,
  };
}

function makeLatency(histogram: Histogram): LatencyResult {
  const percentile = (quantile: number) =>
    histogram.count * (1 - quantile) >= SAMPLES_BEYOND_MIN ? histogram.quantileNs(quantile) : null;
  return {
    kind: "at saturation",
    averageNs: histogram.averageNs(),
    p50Ns: percentile(0.5),
    p99Ns: percentile(0.99),
    p999Ns: percentile(0.999),
    maxNs: histogram.maxNs,
    histogram: histogram.toData(),
  };
}

/**
 * What makes figures doubtful: sides that are not set up alike, keys that were there before, a busy
 * machine, phases too short to be steady.
 */
export function findWarnings(targets: TargetResult[], environment: Environment): string[] {
  const warnings: string[] = [];
  for (const name of ["save", "appendonly"]) {
    const values = targets.map((target) => `${target.backend} ${settingOf(target.facts, name)}`);
    const different = new Set(targets.map((target) => settingOf(target.facts, name)));
    if (different.size > 1) warnings.push(`${name} differs: ${values.join(", ")}`);
  }
  for (const { backend, facts } of targets) {
    if (facts.serverName !== null && facts.serverName !== backend) {
      warnings.push(`${backend}: the server calls itself ${facts.serverName}`);
    }
    if (facts.keysBefore !== null && facts.keysBefore > 0) {
      warnings.push(`${backend}: ${facts.keysBefore} keys were there before the run`);
    }
  }
  if (environment.loadAverage > environment.cores) {
    warnings.push(
      `the machine was busy before the run (load ${environment.loadAverage.toFixed(1)})`,
    );
  }
  const short = targets.flatMap(({ backend, phases }) =>
    phases
      .filter((phase) => phase.isMeasured && phase.elapsedNs < STEADY_NS_MIN)
      .map((phase) => `${backend} ${phase.name} ${formatDurationNs(phase.elapsedNs)}`),
  );
  if (short.length > 0) {
    warnings.push(`too short to be steady, raise --num-ops: ${short.join(", ")}`);
  }
  return warnings;
}

function settingOf(facts: TargetFacts, name: string): string {
  const value = facts.settings[name];
  return value === undefined ? "unknown" : value === "" ? "off" : value;
}
