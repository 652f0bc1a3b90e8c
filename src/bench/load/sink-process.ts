/** The sink of `kv bench calibrate` in a process of its own: a load process that loads nothing. */
import { assert } from "../../base/assert.ts";
import type { Endpoint } from "../drivers/resp-connection.ts";
import { WorkerProcess } from "./worker-process.ts";

export class SinkProcess {
  readonly endpoint: Endpoint;
  readonly #process: WorkerProcess;

  private constructor(endpoint: Endpoint, process: WorkerProcess) {
    this.endpoint = endpoint;
    this.#process = process;
  }

  /** Throws FatalError when it cannot be started. */
  static async start(
    selfCommand: readonly string[],
    exchange: { requestSize: number; reply: string },
  ): Promise<SinkProcess> {
    const process = new WorkerProcess(selfCommand, "the sink");
    const answer = await process.ask({ kind: "sink", ...exchange });
    assert(answer.kind === "listening", "a sink without a port");
    return new SinkProcess({ host: "127.0.0.1", port: answer.port }, process);
  }

  stop(): Promise<void> {
    return this.#process.close();
  }
}
