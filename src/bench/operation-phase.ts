/**
 * A phase of operations for clients that take keys and values (client libraries, stores in
 * process): what it draws, how it judges, and its result.
 *
 * Seeds and draws are those of the raw client (make-encoder.ts), so that the same phase does the
 * same to every target.
 */

import { makePhaseRun, type PhaseMeasurement } from "./measure.ts";
import type { PhasePlan, Plan, RequestPhase } from "./plan.ts";
import type { Progress } from "./progress.ts";
import { makeLatency } from "./recorder/percentiles.ts";
import { PhaseRecorder } from "./recorder/phase-recorder.ts";
import { ReplyChecks } from "./reply-checks.ts";
import type { PhaseRun, SeriesResult } from "./result.ts";
import { parseKeyDistribution } from "./workloads/distributions.ts";
import { createKeyOrder } from "./workloads/key-order.ts";
import { KeySpace } from "./workloads/key-space.ts";
import { OperationStream } from "./workloads/operation-stream.ts";
import type { ValueSource } from "./workloads/values.ts";

const WARMUP_SEED = 0x7761726d;

/** Which draw of the keys it is: no two of one run are alike. */
export type Draw = "measured" | "warm-up";

export interface OperationPhase {
  /** Null: the phase is a command. */
  stream: OperationStream | null;
  checks: ReplyChecks;
  recorder: PhaseRecorder;
}

/** The keys of a session; the phases before the reads fill them. */
export function createSpace(phases: readonly PhasePlan[]): KeySpace {
  const counts = phases.map((phase) => (phase.kind === "requests" ? phase.keysCount : 0));
  return new KeySpace(Math.max(0, ...counts), 0, 1);
}

export function createPhase(
  phase: RequestPhase,
  plan: Plan,
  space: KeySpace,
  values: ValueSource,
  draw: Draw,
): OperationPhase {
  const { chat, isVerifying, isTimingLatency } = plan;
  const isTimed = isTimingLatency && phase.isMeasured && draw === "measured";
  const itemsMax = Math.min(chat.readSize, chat.historyLength);
  const stream = phase.command === null ? createStream(phase, plan.seed, space, draw) : null;
  return {
    stream,
    checks: new ReplyChecks(values, isVerifying, itemsMax),
    recorder: new PhaseRecorder(stream?.names.length ?? 1, isTimed, phase.schedule !== null),
  };
}

function createStream(
  phase: RequestPhase,
  seed: number,
  space: KeySpace,
  draw: Draw,
): OperationStream {
  // Another draw for reading than for writing: random reads in the order of the writes would
  // flatter a log.
  const isReading = phase.name === "read";
  const drawSeed = (seed + (isReading ? 1 : 0)) ^ (draw === "warm-up" ? WARMUP_SEED : 0);
  const keys = parseKeyDistribution(phase.keyDistribution);
  return new OperationStream({
    operations: phase.operations.filter(({ weight }) => weight > 0),
    order: createKeyOrder(keys, phase.keysCount, drawSeed),
    space,
    seed,
    mixSeed: drawSeed,
  });
}

/** What the loop and the bracket around it bring. */
export type OperationMeasurement = Pick<
  PhaseMeasurement,
  "startedAt" | "processorTime" | "open"
> & {
  elapsedNs: number;
  series: SeriesResult;
};

export function makeOperationRun(
  { stream, checks, recorder }: OperationPhase,
  { startedAt, processorTime, open, elapsedNs, series }: OperationMeasurement,
): PhaseRun {
  const { counts, readsCount, isChecking } = checks;
  counts.elapsedNs = elapsedNs;
  counts.operations = recorder.counts.reduce((sum, count) => sum + count, 0);
  const isReading = readsCount > 0;
  return makePhaseRun({
    startedAt,
    counts,
    reads: isReading ? readsCount : null,
    isChecked: isChecking && isReading,
    latency: latencyOf(recorder),
    ...byOperationOf(stream, recorder),
    ...(open === undefined ? {} : { open }),
    series,
    processorTime,
  });
}

function latencyOf({ primary, service, sendLag }: PhaseRecorder): PhaseMeasurement["latency"] {
  if (primary === null) return null;
  if (service === null || sendLag === null) {
    return { primary: makeLatency(primary, "at saturation"), service: null, sendLag: null };
  }
  return {
    primary: makeLatency(primary, "response"),
    service: makeLatency(service, "service"),
    sendLag: makeLatency(sendLag, "send lag"),
  };
}

/** In a mix: each operation by itself. */
function byOperationOf(
  stream: OperationStream | null,
  recorder: PhaseRecorder,
): Pick<PhaseMeasurement, "byOperation"> {
  if (stream === null || stream.names.length < 2) return {};
  const byOperation: PhaseRun["byOperation"] = {};
  for (const [index, name] of stream.names.entries()) {
    const histogram = recorder.byOperation[index];
    byOperation[name] = {
      operations: recorder.counts[index] ?? 0,
      latency: histogram === undefined ? null : makeLatency(histogram, "at saturation"),
    };
  }
  return { byOperation };
}

/** How far a phase is, by operations or by time. */
export function progressOf(
  progress: Progress,
  label: string,
  { amount }: Pick<RequestPhase, "amount">,
): (done: number, elapsedNs: number) => void {
  return (done, elapsedNs) => {
    const total =
      "operations" in amount ? amount.operations : (done * amount.durationMs * 1e6) / elapsedNs;
    progress.show(label, done, total);
  };
}
