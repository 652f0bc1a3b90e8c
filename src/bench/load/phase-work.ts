/**
 * A phase for clients that take keys and values (libraries, stores in process): what it draws, how
 * it judges what comes back, and its result.
 */
import type { RequestPhase } from "../plan.ts";
import { PhaseRecorder } from "../recorder/phase-recorder.ts";
import type { Series } from "../recorder/series.ts";
import { ReplyChecks } from "../reply-checks.ts";
import type { KeySpace } from "../workloads/key-space.ts";
import {
  createEncoder,
  createStream,
  type Draw,
  type LoadPlan,
} from "../workloads/make-encoder.ts";
import type { OperationStream } from "../workloads/operation-stream.ts";
import type { RequestEncoder } from "../workloads/requests.ts";
import type { ValueSource } from "../workloads/values.ts";
import type { LoadResult } from "./load.ts";

export interface PhaseWork {
  /** What is done next; null in the phase of a command. */
  stream: OperationStream | null;
  /** The requests of a command; null in all other phases. */
  command: RequestEncoder | null;
  space: KeySpace;
  checks: ReplyChecks;
  recorder: PhaseRecorder;
}

export function createPhaseWork(
  phase: RequestPhase,
  plan: LoadPlan,
  values: ValueSource,
  space: KeySpace,
  draw: Draw,
): PhaseWork {
  const isCommand = phase.command !== null;
  const stream = isCommand ? null : createStream(phase, plan, space, draw);
  const isTimed = plan.isTimingLatency && phase.isMeasured;
  return {
    stream,
    command: isCommand ? createEncoder(phase, plan, values, space, draw) : null,
    space,
    checks: new ReplyChecks(values, plan),
    recorder: new PhaseRecorder(stream?.names.length ?? 1, isTimed, phase.schedule !== null),
  };
}

/** What the loop brings. */
export type LoopOutcome = Pick<LoadResult, "operations" | "elapsedNs" | "clientNs" | "open"> & {
  series: Series;
};

export function resultOf(
  { stream, command, checks, recorder }: PhaseWork,
  { operations, elapsedNs, clientNs, open, series }: LoopOutcome,
): LoadResult {
  const { counts, isChecking } = checks;
  const reads = checks.readsCount + (command?.readsCount ?? 0);
  const { primary, service, sendLag } = recorder;
  return {
    ...counts,
    operations,
    elapsedNs,
    payloadBytesOut: counts.payloadBytesOut + (command?.payloadBytes ?? 0),
    reads: reads > 0 ? reads : null,
    isChecked: isChecking && checks.readsCount > 0,
    primary: primary?.toData() ?? null,
    service: service?.toData() ?? null,
    sendLag: sendLag?.toData() ?? null,
    byOperation: byOperationOf(stream, recorder),
    slices: series.slices(),
    open,
    clientNs,
  };
}

/** Of a mix: each operation; empty for one alone. */
function byOperationOf(
  stream: OperationStream | null,
  recorder: PhaseRecorder,
): LoadResult["byOperation"] {
  if (stream === null || stream.names.length === 1) return [];
  return stream.names.map((operation, index) => ({
    operation,
    count: recorder.counts[index] ?? 0,
    latency: recorder.byOperation[index]?.toData() ?? null,
  }));
}
