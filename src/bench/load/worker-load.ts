/**
 * A load of several processes of this same program: each has its part of the connections and of the
 * work, a heap and a compiler of its own, and a processor if there is one.
 *
 * One that ends before is a failure of the phase: a load that is a part short would look like a
 * slow server.
 */
import { assert } from "../../base/assert.ts";
import type { RequestPhase } from "../plan.ts";
import type { Load, LoadResult, OnProgress } from "./load.ts";

import { mergeResults } from "./merge.ts";
import type { OpenLoadOptions } from "./open-load.ts";
import type { WorkerAnswer, WorkerRequest } from "./worker-messages.ts";
import { WorkerProcess } from "./worker-process.ts";

export class WorkerLoad implements Load {
  readonly #workers: WorkerProcess[];

  private constructor(workers: WorkerProcess[]) {
    this.#workers = workers;
  }

  /**
   * Starts the processes by `selfCommand` and has them connect. Throws FatalError when one cannot.
   */
  static async connect(
    options: OpenLoadOptions,
    selfCommand: readonly string[],
  ): Promise<WorkerLoad> {
    const { workersCount } = options.plan;
    const workers = Array.from({ length: workersCount }, (_, index) => {
      return new WorkerProcess(selfCommand, `load process ${index + 1}`);
    });
    const load = new WorkerLoad(workers);
    try {
      await load.#askAll((_, worker) => ({
        kind: "open",
        options: { ...options, plan: { ...options.plan, worker } },
      }));
    } catch (error) {
      await load.close();
      throw error;
    }
    return load;
  }

  async warmUp(phase: RequestPhase): Promise<void> {
    if (phase.warmupMs > 0) await this.#askAll(() => ({ kind: "warmUp", phase }));
  }

  async run(phase: RequestPhase, onProgress: OnProgress | null): Promise<LoadResult> {
    await this.#askAll(() => ({ kind: "prepare", phase }));
    for (const worker of this.#workers) {
      worker.done = 0;
      worker.onProgress = () =>
        onProgress?.(this.#workers.reduce((sum, { done }) => sum + done, 0));
    }
    const answers = await this.#askAll(() => ({ kind: "run" }));
    return mergeResults(
      answers.map((answer) => {
        assert(answer.kind === "result", "a phase without a result");
        return answer.result;
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  #askAll(
    requestOf: (worker: WorkerProcess, index: number) => WorkerRequest,
  ): Promise<WorkerAnswer[]> {
    return Promise.all(this.#workers.map((worker, index) => worker.ask(requestOf(worker, index))));
  }
}
