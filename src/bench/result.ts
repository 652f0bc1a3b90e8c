/**
 * The result of a run as plain data: what the tables show, what `--out` writes, what a comparison
 * reads.
 *
 *      BenchResult ─ TargetResult ─ PhaseResult ─┬─ PhaseRun, one per repetition
 *                                                └─ PhaseSummary over all of them
 *
 * Units are in the names; rates are per second. `schemas/bench-result.schema.json` describes the
 * same; a test checks that an actual result fits it. When adding a field, also add it there; when
 * changing one, raise SCHEMA_VERSION. Types only: summarize.ts makes the values.
 */
import type { BackendName } from "./backends.ts";
import type { Environment } from "./environment.ts";
import type { MachineActivity } from "./machine-activity.ts";
import type { ClientName, PhasePlan, Plan, WorkloadName } from "./plan.ts";
import type { Bottleneck, ProcessorTimeSource } from "./processor-time.ts";
import type { HistogramData } from "./recorder/histogram.ts";
import type { TargetFacts } from "./target-facts.ts";

export const SCHEMA_VERSION = 2;

export interface BenchResult {
  kind: "bench";
  schemaVersion: typeof SCHEMA_VERSION;
  tool: { name: "kv bench"; version: string; commit: string };
  startedAt: string;
  argv: string[];
  environment: Environment;
  activity: MachineActivity;
  /** Of the engine's own suite, each case has its own values, keys and tasks. */
  plan: Omit<Plan, "targets" | "phases" | "workload"> & { workload: WorkloadName | "engine" };
  targets: TargetResult[];
  /** What makes the comparison or a figure doubtful. */
  warnings: string[];
  isFailed: boolean;
}

export interface TargetResult {
  /** What tables show: "kv", "redis (node-redis)". Unique in a result. */
  label: string;
  backend: BackendName;
  client: ClientName;
  /** Of the library; null for the driver of our own, or when nobody knows. */
  clientVersion: string | null;
  endpoint: string;
  isStartedHere: boolean;
  facts: TargetFacts;
  phases: PhaseResult[];
}

export interface PhaseResult {
  name: PhasePlan["name"];
  kind: PhasePlan["kind"];
  label: string;
  isMeasured: boolean;
  /** Operations that a connection sends at once; null where there is no such thing. */
  batchSize: number | null;
  /** Of the open loop; the phases of a sweep differ in it. Null in a closed loop. */
  rateTarget: number | null;
  runs: PhaseRun[];
  summary: PhaseSummary;
}

/** Over the runs of a phase. */
export interface PhaseSummary {
  operationsPerSecond: Estimate;
  payloadBytesPerSecond: Estimate;
  /** The histograms of all runs added; null without latencies. */
  latency: LatencySet | null;
  errorsTotal: number;
  bottleneck: Bottleneck;
  /** "steady" when every run was; "unknown" when they are too short to tell. */
  steadiness: Steadiness["verdict"];
}

export interface Estimate {
  count: number;
  median: number;
  mean: number;
  standardDeviation: number;
  min: number;
  max: number;
  /** Of the mean, by Student's t; null below two runs. */
  interval95: [low: number, high: number] | null;
}

export interface PhaseRun {
  startedAt: string;
  /** Fan-out: messages published. Connect: connections opened. */
  operations: number;
  elapsedNs: number;
  /** Without the operations that failed. */
  operationsPerSecond: number;
  /** Bytes on the wire, framing included; 0 in process and where a library does not count them. */
  bytesOut: number;
  bytesIn: number;
  /** Bytes of values written and read, of messages published and delivered. */
  payloadBytes: number;
  payloadBytesPerSecond: number;
  errors: PhaseErrors;
  /** Null in a phase that reads nothing. */
  reads: { hits: number; misses: number } | null;
  latency: LatencySet | null;
  /** In a mix: each operation by itself. */
  byOperation: Record<string, { operations: number; latency: LatencyResult | null }> | null;
  open: OpenLoopResult | null;
  fanout: FanoutResult | null;
  connect: ConnectResult | null;
  series: SeriesResult;
  steadiness: Steadiness;
  processorTime: ProcessorTime;
}

export interface ProcessorTime {
  clientNs: number;
  serverNs: number | null;
  serverSource: ProcessorTimeSource;
  bottleneck: Bottleneck;
}

/** What happened over time, in slices of about SLICE_MS. */
export interface SeriesResult {
  /** When each slice ended, in ms from the start of the phase. */
  endsMs: number[];
  /** Operations (fan-out: deliveries) that ended within each slice. */
  operations: number[];
  /** Percentiles within each slice, null where it has too few samples; null without latencies. */
  p50Ns: (number | null)[] | null;
  p99Ns: (number | null)[] | null;
}

export interface Steadiness {
  verdict: "steady" | "unsteady" | "unknown";
  reason: string;
}

/** Any of them fails the run. */
export interface PhaseErrors {
  total: number;
  /** Error replies by their first word. */
  replies: Record<string, number>;
  /** The first error reply in full; empty when there was none. */
  first: string;
  misses: number;
  /** Replies of another type or length than the request asks for. */
  unexpected: number;
  /**
   * Values that do not decode or differ from what was written; null when nobody looked into them.
   */
  wrongValues: number | null;
  /** Fan-out: deliveries that are missing, double or out of order. */
  undelivered: number;
}

export interface LatencySet {
  /**
   * Closed loop: from the write to the reply, at saturation. Open loop: from the intended time.
   * Fan-out: from publishing to delivery.
   */
  primary: LatencyResult;
  /** Open loop: from the actual write to the reply. */
  service: LatencyResult | null;
  /** Open loop: from the intended time to the actual write. */
  sendLag: LatencyResult | null;
}

export type LatencyKind =
  | "at saturation"
  | "response"
  | "service"
  | "send lag"
  | "end to end"
  | "round trip";

/** A percentile is null when there are too few samples beyond it. */
export interface LatencyResult {
  kind: LatencyKind;
  count: number;
  averageNs: number;
  p50Ns: number | null;
  p90Ns: number | null;
  p99Ns: number | null;
  p999Ns: number | null;
  p9999Ns: number | null;
  minNs: number;
  maxNs: number;
  histogram: HistogramData;
}

export interface OpenLoopResult {
  rateTarget: number;
  rateAchieved: number;
  arrival: "const" | "poisson";
  /** Operations that were sent more than LATE_NS behind their time. */
  late: number;
  /** Operations that were due and never sent, since as many as allowed were under way. */
  dropped: number;
  isSustained: boolean;
}

export interface FanoutResult {
  published: number;
  publishedPerSecond: number;
  /** Published times subscribers. */
  expected: number;
  delivered: number;
  deliveredPerSecond: number;
  /** delivered / expected. */
  reach: number;
  /** Messages of a publisher that a subscriber never saw although later ones came. */
  gaps: number;
  outOfOrder: number;
  duplicates: number;
  /** Subscribers that the server cut off. */
  subscribersCut: number;
  /** From the last publish to the last delivery. */
  drainNs: number;
  /** Round trip of a publish, where the server acknowledges it. */
  publishLatency: LatencyResult | null;
}

export interface ConnectResult {
  target: number;
  connected: number;
  failed: number;
  /** Broken while they were held. */
  lost: number;
  connectionsPerSecond: number;
  /** Resident memory of the server; null when it is elsewhere. */
  serverBytesBefore: number | null;
  serverBytesHeld: number | null;
  serverBytesPerConnection: number | null;
}
