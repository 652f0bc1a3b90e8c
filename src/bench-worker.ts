/**
 * A load process of `kv bench --workers`: carries out what the parent asks for over their channel,
 * and ends when it closes, so that none outlives the benchmark.
 */
import { assert } from "./base/assert.ts";
import { FatalError, reasonOf } from "./base/errors.ts";
import { startSink } from "./bench/drivers/sink.ts";
import type { LoadResult, OnProgress } from "./bench/load/load.ts";
import { openLoad, type PreparedLoad } from "./bench/load/open-load.ts";
import type { WorkerAnswer, WorkerRequest } from "./bench/load/worker-messages.ts";

/** Resolves when the parent is gone or done. Throws when there is no parent. */
export async function benchWorker(): Promise<void> {
  if (process.send === undefined) throw new FatalError("Cannot run alone: kv bench starts it");
  const worker = new LoadWorker();
  const closed = Promise.withResolvers<void>();
  process.on("disconnect", () => closed.resolve());
  process.on("message", (request: WorkerRequest) => void worker.handle(request));
  // Ctrl-C reaches the whole group; the parent decides what becomes of it.
  process.on("SIGINT", () => {});
  await closed.promise;
}

class LoadWorker {
  #load: PreparedLoad | null = null;
  #prepared: ((onProgress: OnProgress | null) => Promise<LoadResult>) | null = null;

  async handle(request: WorkerRequest): Promise<void> {
    try {
      answer(await this.#do(request));
    } catch (error) {
      const hint = error instanceof FatalError ? (error.hint ?? null) : null;
      answer({ kind: "failed", message: reasonOf(error), hint });
    }
  }

  async #do(request: WorkerRequest): Promise<WorkerAnswer> {
    if (request.kind === "open") {
      this.#load = await openLoad(request.options);
      return { kind: "done" };
    }
    if (request.kind === "sink") {
      const { port } = startSink(request.requestSize, Buffer.from(request.reply, "latin1"));
      return { kind: "listening", port };
    }
    assert(this.#load !== null, "a phase before the load is open");
    if (request.kind === "warmUp") await this.#load.warmUp(request.phase);
    else if (request.kind === "prepare") this.#prepared = this.#load.prepare(request.phase);
    else {
      assert(this.#prepared !== null, "a run that is not prepared");
      const result = await this.#prepared((done) => answer({ kind: "progress", done }));
      return { kind: "result", result };
    }
    return { kind: "done" };
  }
}

function answer(message: WorkerAnswer): void {
  process.send?.(message);
}
