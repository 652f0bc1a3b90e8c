/**
 * One phase → its PhaseRun: the bracket of processor time around it, and the arithmetic behind it.
 *
 * Every session measures through here, so that all of them count in the same way.
 */
import { FatalError } from "../base/errors.ts";
import { clientProcessorNs, findBottleneck, type ProcessorTimeSource } from "./processor-time.ts";
import type {
  ConnectResult,
  FanoutResult,
  LatencySet,
  OpenLoopResult,
  PhaseErrors,
  PhaseRun,
  ProcessorTime,
  SeriesResult,
  Steadiness,
} from "./result.ts";
import { judgeSteadiness } from "./statistics/steadiness.ts";

/** What one phase did, summed over its connections. */
export interface PhaseCounts {
  operations: number;
  elapsedNs: number;
  bytesOut: number;
  bytesIn: number;
  /** Bytes of values. */
  payloadBytesOut: number;
  payloadBytesIn: number;
  /** Error replies by their first word. */
  errorKinds: Record<string, number>;
  errorFirst: string;
  nulls: number;
  /** Replies of another type or length than the request asks for. */
  unexpected: number;
  /** Values that are not what was written. */
  wrongValues: number;
  /** Deliveries that are missing, double or out of order. */
  undelivered: number;
}

/** Counts of nothing, to be filled in. */
export function emptyCounts(): PhaseCounts {
  return {
    operations: 0,
    elapsedNs: 0,
    bytesOut: 0,
    bytesIn: 0,
    payloadBytesOut: 0,
    payloadBytesIn: 0,
    errorKinds: {},
    errorFirst: "",
    nulls: 0,
    unexpected: 0,
    wrongValues: 0,
    undelivered: 0,
  };
}

export interface PhaseMeasurement {
  startedAt: string;
  counts: PhaseCounts;
  /** The phase reads values, so that there are hits and misses; how many reads there were. */
  reads: number | null;
  /** Nobody said that what is read is there: misses are counted, and are no errors. */
  isMissAllowed?: boolean;
  /** Somebody looked into the values. */
  isChecked: boolean;
  latency: LatencySet | null;
  series: SeriesResult;
  processorTime: ProcessorTime;
  byOperation?: PhaseRun["byOperation"];
  open?: OpenLoopResult | undefined;
  fanout?: FanoutResult;
  connect?: ConnectResult;
}

export function makePhaseRun(measurement: PhaseMeasurement): PhaseRun {
  const { counts, latency, series, processorTime } = measurement;
  if (counts.elapsedNs <= 0) throw new FatalError("Cannot measure: the clock did not advance");
  const perSecond = 1e9 / counts.elapsedNs;
  const payloadBytes = counts.payloadBytesOut + counts.payloadBytesIn;
  const errors = makeErrors(measurement);
  return {
    startedAt: measurement.startedAt,
    operations: counts.operations,
    elapsedNs: counts.elapsedNs,
    operationsPerSecond: succeeded(measurement, errors) * perSecond,
    bytesOut: counts.bytesOut,
    bytesIn: counts.bytesIn,
    payloadBytes,
    payloadBytesPerSecond: payloadBytes * perSecond,
    errors,
    reads: makeReads(measurement),
    latency,
    byOperation: measurement.byOperation ?? null,
    open: measurement.open ?? null,
    fanout: measurement.fanout ?? null,
    connect: measurement.connect ?? null,
    series,
    steadiness: steadinessOf(series),
    processorTime,
  };
}

/**
 * A refusal takes a server less than the work: what failed is no part of the rate. Of a fan-out the
 * rate is that of publishing, and what failed are deliveries; of connections, those that opened.
 */
function succeeded({ counts, fanout, connect }: PhaseMeasurement, errors: PhaseErrors): number {
  if (fanout !== undefined || connect !== undefined) return counts.operations;
  return Math.max(0, counts.operations - errors.total);
}

/** Slices are as long as each other but for the last one, which the end of the phase cuts. */
function steadinessOf({ endsMs, operations }: SeriesResult): Steadiness {
  const rates = operations.slice(0, -1).map((count, index) => {
    const startMs = index === 0 ? 0 : (endsMs[index - 1] ?? 0);
    return (count * 1000) / Math.max(1, (endsMs[index] ?? 0) - startMs);
  });
  const { steady, reason } = judgeSteadiness(rates);
  const verdict = ({ yes: "steady", no: "unsteady", unknown: "unknown" } as const)[steady];
  return { verdict, reason };
}

/** What was neither a miss nor refused was a hit. */
function makeReads({ reads, counts }: PhaseMeasurement): PhaseRun["reads"] {
  if (reads === null) return null;
  const refused = Object.values(counts.errorKinds).reduce((sum, count) => sum + count, 0);
  return { hits: Math.max(0, reads - counts.nulls - refused), misses: counts.nulls };
}

function makeErrors({ counts, isChecked, isMissAllowed }: PhaseMeasurement): PhaseErrors {
  const errorReplies = Object.values(counts.errorKinds).reduce((sum, count) => sum + count, 0);
  const { nulls, unexpected, wrongValues, undelivered } = counts;
  const misses = isMissAllowed ? 0 : nulls;
  return {
    total: errorReplies + misses + unexpected + wrongValues + undelivered,
    replies: counts.errorKinds,
    first: counts.errorFirst,
    misses,
    unexpected,
    wrongValues: isChecked ? wrongValues : null,
    undelivered,
  };
}

/** How the processor time of the other side is read. */
export interface ServerClock {
  /** Processor time so far in ns; null when nobody tells. */
  readNs(): Promise<number | null> | number | null;
  source: ProcessorTimeSource;
  /** Threads that can be busy at the same time; null when unknown. */
  threads: number | null;
}

/** Null when unknown, also when threads have ended and have taken their time out of the sum. */
function gainedNs(startNs: number | null, endNs: number | null): number | null {
  return startNs === null || endNs === null || endNs < startNs ? null : endNs - startNs;
}

/**
 * Runs `work`, which returns how long its phase took, between two readings of both sides'
 * processor time. `clientNs` of the result stands for what this process used, when there is one.
 */
export async function bracket<T extends { elapsedNs: number; clientNs?: number }>(
  server: ServerClock,
  work: () => Promise<T>,
  clientThreads = 1,
): Promise<{ result: T; processorTime: ProcessorTime }> {
  const serverStartNs = await server.readNs();
  const clientStartNs = clientProcessorNs();
  const result = await work();
  const clientNs = result.clientNs ?? clientProcessorNs() - clientStartNs;
  const serverEndNs = await server.readNs();
  const serverNs = gainedNs(serverStartNs, serverEndNs);
  const { threads } = server;
  return {
    result,
    processorTime: {
      clientNs,
      serverNs,
      serverSource: serverNs === null ? "none" : server.source,
      bottleneck: findBottleneck(result.elapsedNs, clientNs / clientThreads, serverNs, threads),
    },
  };
}
