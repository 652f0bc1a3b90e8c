/** A load of this process: its connections, its part of the work, phase after phase. */
import { assert } from "../../base/assert.ts";
import { encodeRequest } from "../../resp/encoder.ts";
import type { Endpoint, RespConnection } from "../drivers/resp-connection.ts";
import { emptyCounts, type PhaseCounts } from "../measure.ts";
import type { RequestPhase } from "../plan.ts";
import { clientProcessorNs } from "../processor-time.ts";
import { PhaseRecorder } from "../recorder/phase-recorder.ts";
import { warmUpClient } from "../warm-up.ts";
import { KeySpace } from "../workloads/key-space.ts";
import { createEncoder, type Draw, type LoadPlan, shareOf } from "../workloads/make-encoder.ts";
import type { RequestEncoder } from "../workloads/requests.ts";
import { createValues, type ValueSource } from "../workloads/values.ts";
import { Connections } from "./connections.ts";
import { createPacer } from "./create-pacer.ts";
import type { Load, LoadResult, OnProgress } from "./load.ts";
import type { Pacer } from "./pacer.ts";

export interface LoadOptions {
  endpoint: Endpoint;
  /** Requests, each answered by a status, that every connection begins with. */
  setup: string[][];
  plan: LoadPlan;
  phases: RequestPhase[];
}

export class LocalLoad implements Load {
  readonly #plan: LoadPlan;
  readonly #connections: Connections;
  readonly #values: ValueSource;
  /** By the number of keys that are filled: phases with as many share one. */
  readonly #spaces = new Map<number, KeySpace>();

  private constructor(plan: LoadPlan, connections: Connections) {
    this.#plan = plan;
    this.#connections = connections;
    this.#values = createValues(plan.values, plan.seed);
  }

  /** Throws FatalError when a connection cannot be opened or a setup request is refused. */
  static async connect({ endpoint, setup, plan, phases }: LoadOptions): Promise<LocalLoad> {
    const connections = await Connections.connect({
      endpoint,
      connectionsCount: shareOf(plan.concurrency, plan.worker, plan.workersCount),
      operationsMax: Math.max(1, ...phases.map((phase) => phase.batchSize)),
      setup: setup.map((args) => encodeRequest(...args)),
      timeoutMs: plan.timeoutMs,
    });
    return new LocalLoad(plan, connections);
  }

  async warmUp(phase: RequestPhase): Promise<void> {
    if (phase.warmupMs === 0) return;
    const encoder = this.#createEncoder(phase, "warm-up");
    const recorder = this.#createRecorder(phase, encoder);
    const pacer = createPacer(this.#connections.all, phase, "warm-up", this.#plan);
    const isOpenLoop = phase.schedule !== null;
    await this.#connections.run({ encoder, recorder, pacer, isOpenLoop, onProgress: null });
  }

  async run(phase: RequestPhase, onProgress: OnProgress | null): Promise<LoadResult> {
    const prepared = this.prepare(phase);
    return await prepared(onProgress);
  }

  /**
   * Does everything that need not be done while the clock runs; the result starts the phase.
   */
  prepare(phase: RequestPhase): (onProgress: OnProgress | null) => Promise<LoadResult> {
    const encoder = this.#createEncoder(phase, "measured");
    const recorder = this.#createRecorder(phase, encoder);
    const isOpenLoop = phase.schedule !== null;
    const practice = createEncoder(
      phase,
      this.#plan,
      this.#values,
      new KeySpace(phase.keysCount, this.#plan.worker, this.#plan.workersCount),
      "warm-up",
    );
    warmUpClient(practice, this.#values, isOpenLoop);
    const pacer = createPacer(this.#connections.all, phase, "measured", this.#plan);
    return async (onProgress) => {
      const startNs = clientProcessorNs();
      const work = { encoder, recorder, pacer, isOpenLoop, onProgress };
      const { series, elapsedNs } = await this.#connections.run(work);
      const clientNs = Math.max(0, clientProcessorNs() - startNs - pacer.idleNs);
      const { primary, service, sendLag } = recorder;
      return {
        ...this.#counts(encoder, pacer, elapsedNs),
        reads: encoder.readsCount > 0 ? encoder.readsCount : null,
        isChecked: encoder.listener.checkValue !== null,
        primary: primary?.toData() ?? null,
        service: service?.toData() ?? null,
        sendLag: sendLag?.toData() ?? null,
        byOperation: operationsOf(encoder, recorder),
        slices: series.slices(),
        open: pacer.open,
        clientNs,
      };
    };
  }

  async close(): Promise<void> {
    this.#connections.close();
  }

  #createEncoder(phase: RequestPhase, draw: Draw): RequestEncoder {
    const { worker, workersCount } = this.#plan;
    const space =
      this.#spaces.get(phase.keysCount) ?? new KeySpace(phase.keysCount, worker, workersCount);
    this.#spaces.set(phase.keysCount, space);
    return createEncoder(phase, this.#plan, this.#values, space, draw);
  }

  #createRecorder(phase: RequestPhase, encoder: RequestEncoder): PhaseRecorder {
    const isTimed = this.#plan.isTimingLatency && phase.isMeasured;
    return new PhaseRecorder(encoder.operations.length, isTimed, phase.schedule !== null);
  }

  #counts(encoder: RequestEncoder, pacer: Pacer, elapsedNs: number): PhaseCounts {
    const counts = emptyCounts();
    counts.operations = pacer.done;
    counts.elapsedNs = elapsedNs;
    counts.payloadBytesOut = encoder.payloadBytes;
    for (const connection of this.#connections.all) addCounts(counts, connection);
    return counts;
  }
}

/** Of a mix: each operation; empty for one alone. */
function operationsOf(encoder: RequestEncoder, recorder: PhaseRecorder) {
  const { operations } = encoder;
  if (operations.length === 1) return [];
  return operations.map((operation, index) => {
    const count = recorder.counts[index];
    assert(count !== undefined, "an operation that is not counted");
    return { operation, count, latency: recorder.byOperation[index]?.toData() ?? null };
  });
}

function addCounts(counts: PhaseCounts, connection: RespConnection): void {
  const { replies, ring } = connection;
  counts.bytesOut += connection.bytesWritten;
  counts.bytesIn += connection.bytesRead;
  counts.payloadBytesIn += replies.payloadBytes;
  counts.nulls += replies.nullsCount;
  counts.unexpected += replies.unexpectedCount;
  counts.wrongValues += ring?.wrongCount ?? 0;
  for (const [kind, count] of replies.errorKinds) {
    counts.errorKinds[kind] = (counts.errorKinds[kind] ?? 0) + count;
  }
  if (counts.errorFirst === "") counts.errorFirst = replies.firstError;
}
