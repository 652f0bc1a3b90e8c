/**
 * The tasks of one phase in process: each does one batch and lets the next one have its turn.
 *
 *      task 1 ── batch ── clock ── task 2 ── batch ── clock ── task 1 ── …    pause each PAUSE_NS
 *
 * One reading of the clock ends a batch and begins the next, so that a latency has the change of
 * tasks in it. At a pause all tasks let the event loop turn: the store does its upkeep on timers.
 */
import { nanoseconds } from "../../base/clock.ts";
import { type LocalStore, refusalOf } from "../drivers/in-process.ts";
import type { OperationName, RequestPhase } from "../plan.ts";
import { Series, SLICE_MS } from "../recorder/series.ts";
import type { OperationStream } from "../workloads/operation-stream.ts";
import type { OnProgress } from "./load.ts";
import type { PhaseWork } from "./phase-work.ts";

const PAUSE_NS = 50_000_000;
/** Batches between two looks at the time, when latencies are not taken. */
const ROUND_SIZE = 64;

export interface TaskLoopOptions {
  phase: Pick<RequestPhase, "amount" | "batchSize">;
  work: PhaseWork;
  stream: OperationStream;
  store: LocalStore;
  /** Does the operation that the stream has drawn. */
  call: (name: OperationName) => void;
  onProgress: OnProgress | null;
}

export class TaskLoop {
  readonly #options: TaskLoopOptions;
  readonly #startNs = nanoseconds();
  readonly #endNs: number;
  readonly #series: Series;
  /** The operations of the batch under way. */
  readonly #batch: Uint8Array;
  /** The last reading of the clock. */
  #nowNs = this.#startNs;
  #left: number;
  #done = 0;
  #rounds = 0;
  #pauseNs: number;
  #sliceNs: number;
  #pause: Promise<void> | null = null;
  readonly #runBatch: () => void;
  #batchCount = 0;

  constructor(options: TaskLoopOptions) {
    this.#options = options;
    const { amount, batchSize } = options.phase;
    this.#batch = new Uint8Array(batchSize);
    this.#left = "operations" in amount ? amount.operations : Number.POSITIVE_INFINITY;
    const durationMs = "durationMs" in amount ? amount.durationMs : Number.POSITIVE_INFINITY;
    this.#endNs = this.#startNs + durationMs * 1e6;
    this.#pauseNs = this.#startNs + PAUSE_NS;
    this.#sliceNs = this.#startNs + SLICE_MS * 1e6;
    this.#series = new Series(this.#startNs, options.work.recorder.primary);
    this.#runBatch = () => this.#operations(this.#batchCount);
  }

  async run(
    tasksCount: number,
  ): Promise<{ operations: number; elapsedNs: number; series: Series }> {
    await Promise.all(Array.from({ length: tasksCount }, () => this.#task()));
    const endNs = nanoseconds();
    this.#series.cut(endNs, this.#done);
    return { operations: this.#done, elapsedNs: endNs - this.#startNs, series: this.#series };
  }

  async #task(): Promise<void> {
    const { batchSize } = this.#options.phase;
    for (;;) {
      const count = this.#nowNs >= this.#endNs ? 0 : Math.min(this.#left, batchSize);
      if (count === 0) return;
      this.#left -= count;
      this.#one(count);
      if (this.#nowNs >= this.#pauseNs) this.#beginPause();
      await this.#pause;
    }
  }

  /** One batch and its latency. */
  #one(count: number): void {
    const { work, store } = this.#options;
    const { recorder } = work;
    if (count === 1) this.#operations(1);
    else {
      this.#batchCount = count;
      store.batch(this.#runBatch);
    }
    this.#done += count;
    const beforeNs = this.#nowNs;
    if (recorder.primary !== null || ++this.#rounds % ROUND_SIZE === 0) this.#nowNs = nanoseconds();
    for (let i = 0; i < count; i++) recorder.done(this.#batch[i]!, beforeNs, beforeNs, this.#nowNs);
  }

  #operations(count: number): void {
    const { stream, call, work } = this.#options;
    const { names } = stream;
    for (let i = 0; i < count; i++) {
      stream.next();
      this.#batch[i] = stream.operation;
      try {
        call(names[stream.operation]!);
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal === null) throw error;
        work.checks.refused(refusal);
      }
    }
  }

  /** All tasks wait until the event loop has turned once. */
  #beginPause(): void {
    this.#pauseNs = this.#nowNs + PAUSE_NS;
    if (this.#nowNs >= this.#sliceNs) {
      this.#sliceNs = this.#nowNs + SLICE_MS * 1e6;
      this.#series.cut(this.#nowNs, this.#done);
      this.#options.onProgress?.(this.#done);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pause = promise;
    setImmediate(() => {
      this.#pause = null;
      this.#nowNs = nanoseconds();
      resolve();
    });
  }
}
