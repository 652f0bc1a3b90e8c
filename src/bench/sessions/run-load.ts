/**
 * A phase of a load → its PhaseRun: warm-up, the bracket around the phase, and the figures of its
 * result.
 *
 * Before a phase that has a warm-up, the same operations are sent for so long, and their replies
 * are awaited: the clocks of both sides start with nothing under way, so that no operation counts
 * that was sent before.
 */
import type { Load, LoadResult } from "../load/load.ts";
import { bracket, makePhaseRun, type ServerClock } from "../measure.ts";
import type { RequestPhase, Schedule } from "../plan.ts";
import type { Progress } from "../progress.ts";
import { Histogram, type HistogramData } from "../recorder/histogram.ts";
import { makeLatency } from "../recorder/percentiles.ts";
import { seriesOf } from "../recorder/series.ts";
import type {
  LatencyKind,
  LatencyResult,
  LatencySet,
  OpenLoopResult,
  PhaseRun,
} from "../result.ts";

/** Of its target rate an open loop must achieve so much to be sustained. */
const SUSTAINED_SHARE = 0.99;
/** So long after the last operation was due its reply may come, but in no phase more than … */
const LAST_REPLY_NS_MAX = 100_000_000;
/** … this share of it: a reader sees the rate that was reached beside the word. */
const LAST_REPLY_SHARE_MAX = 0.05;

export interface LoadRun {
  load: Load;
  server: ServerClock;
  /** Threads or processes that can be busy on the client's side. */
  clientThreads: number;
  /** What tables call the target. */
  label: string;
  progress: Progress;
}

/** Throws FatalError when the target breaks off. */
export async function runLoad(
  phase: RequestPhase,
  { load, server, clientThreads, label, progress }: LoadRun,
): Promise<PhaseRun> {
  await load.warmUp(phase);
  const startedAt = new Date().toISOString();
  const show = `${label} ${phase.label}`;
  const { result, processorTime } = await bracket(
    server,
    () => load.run(phase, (done, seen) => progress.show(show, done, phase.amount, seen)),
    clientThreads,
  );
  return makePhaseRun({
    startedAt,
    counts: result,
    reads: result.reads,
    isMissAllowed: phase.name === "command",
    isChecked: result.isChecked,
    latency: latencyOf(result),
    series: seriesOf(result.slices),
    processorTime,
    byOperation: byOperationOf(result),
    open: phase.schedule === null ? undefined : openOf(phase.schedule, result),
  });
}

function latencyOf({ primary, service, sendLag, open }: LoadResult): LatencySet | null {
  if (primary === null) return null;
  return {
    primary: latencyFrom(primary, open === null ? "at saturation" : "response"),
    service: service === null ? null : latencyFrom(service, "service"),
    sendLag: sendLag === null ? null : latencyFrom(sendLag, "send lag"),
  };
}

function latencyFrom(data: HistogramData, kind: LatencyKind): LatencyResult {
  return makeLatency(Histogram.fromData(data), kind);
}

function byOperationOf({ byOperation, open }: LoadResult): PhaseRun["byOperation"] {
  if (byOperation.length === 0) return null;
  const kind = open === null ? "at saturation" : "response";
  return Object.fromEntries(
    byOperation.map(({ operation, count, latency }) => [
      operation,
      { operations: count, latency: latency === null ? null : latencyFrom(latency, kind) },
    ]),
  );
}

/**
 * Sustained: nearly all that was due was done in time, and what waited did not grow. The last reply
 * comes after the last operation was due: in a short phase that is not behind.
 */
function openOf(schedule: Schedule, result: LoadResult): OpenLoopResult | undefined {
  if (result.open === null) return undefined;
  const { late, dropped, isBacklogGrowing } = result.open;
  const rateAchieved = (result.operations * 1e9) / result.elapsedNs;
  const rateTarget = schedule.ratePerSecond;
  const due = result.operations + dropped;
  const isDone = result.operations >= due * SUSTAINED_SHARE;
  const scheduleNs = (due / rateTarget) * 1e9;
  const lastReplyNsMax = Math.min(LAST_REPLY_NS_MAX, scheduleNs * LAST_REPLY_SHARE_MAX);
  const isInTime =
    rateAchieved >= rateTarget * SUSTAINED_SHARE || result.elapsedNs - scheduleNs <= lastReplyNsMax;
  const isSustained = isDone && isInTime && !isBacklogGrowing;
  return { rateTarget, rateAchieved, arrival: schedule.arrival, late, dropped, isSustained };
}
