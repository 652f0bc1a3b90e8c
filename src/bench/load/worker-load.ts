/**
 * A load of several processes of this same program: each has its part of the connections and of the
 * work, a heap and a compiler of its own, and a processor if there is one.
 *
 * They end when the channel to this process closes, however that happens. One that ends before is
 * a failure of the phase: a load that is a part short would look like a slow server.
 */
import { assert } from "../../base/assert.ts";
import { FatalError } from "../../base/errors.ts";
import type { RequestPhase } from "../plan.ts";
import type { Load, LoadResult, OnProgress } from "./load.ts";
import type { LoadOptions } from "./local-load.ts";
import { mergeResults } from "./merge.ts";
import { WORKER_COMMAND, type WorkerAnswer, type WorkerRequest } from "./worker-messages.ts";

export class WorkerLoad implements Load {
  readonly #workers: Worker[];

  private constructor(workers: Worker[]) {
    this.#workers = workers;
  }

  /**
   * Starts the processes by `selfCommand` and has them connect. Throws FatalError when one cannot.
   */
  static async connect(options: LoadOptions, selfCommand: readonly string[]): Promise<WorkerLoad> {
    const { workersCount } = options.plan;
    const workers = Array.from({ length: workersCount }, (_, index) => {
      return new Worker([...selfCommand, WORKER_COMMAND], index);
    });
    const load = new WorkerLoad(workers);
    try {
      await load.#askAll((worker) => ({
        kind: "open",
        options: { ...options, plan: { ...options.plan, worker: worker.index } },
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

  #askAll(requestOf: (worker: Worker) => WorkerRequest): Promise<WorkerAnswer[]> {
    return Promise.all(this.#workers.map((worker) => worker.ask(requestOf(worker))));
  }
}

/** One load process. */
class Worker {
  readonly index: number;
  /** Operations of the phase so far. */
  done = 0;
  onProgress: () => void = () => {};
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #stderr: Promise<string>;
  #waiting: ReturnType<typeof Promise.withResolvers<WorkerAnswer>> | null = null;
  #isClosing = false;

  constructor(command: string[], index: number) {
    this.index = index;
    this.#child = Bun.spawn(command, {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      serialization: "json",
      ipc: (answer: WorkerAnswer) => this.#onAnswer(answer),
      onExit: () => void this.#onExit(),
    });
    this.#stderr = new Response(this.#child.stderr).text();
  }

  /** The answer to a request. Throws FatalError when it fails or the process ends. */
  ask(request: WorkerRequest): Promise<WorkerAnswer> {
    assert(this.#waiting === null, "a load process does one thing at a time");
    this.#waiting = Promise.withResolvers<WorkerAnswer>();
    const { promise } = this.#waiting;
    // Another process may fail first, and then nobody waits for this one.
    promise.catch(() => {});
    if (this.#isRunning) this.#child.send(request);
    else void this.#onExit();
    return promise;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#isRunning) this.#child.disconnect();
    await this.#child.exited;
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  #onAnswer(answer: WorkerAnswer): void {
    if (answer.kind === "progress") {
      this.done = answer.done;
      this.onProgress();
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = null;
    if (answer.kind === "failed") {
      waiting?.reject(new FatalError(answer.message, answer.hint ?? undefined));
    } else waiting?.resolve(answer);
  }

  async #onExit(): Promise<void> {
    if (this.#isClosing) return;
    const words = (await this.#stderr).trim().split("\n").slice(-3).join(" ");
    const { exitCode, signalCode } = this.#child;
    const how = signalCode === null ? `with exit code ${exitCode}` : `by ${signalCode}`;
    const what = `Cannot go on: load process ${this.index + 1} ended ${how}`;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(new FatalError(words === "" ? what : `${what}: ${words}`));
  }
}
