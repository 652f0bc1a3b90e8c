/**
 * One load process, as the process that starts it sees it: a request at a time, an answer to each.
 *
 * It ends when the channel to this process closes, however that happens.
 */
import { assert } from "../../base/assert.ts";
import { FatalError } from "../../base/errors.ts";
import { WORKER_COMMAND, type WorkerAnswer, type WorkerRequest } from "./worker-messages.ts";

export class WorkerProcess {
  /** Operations of the phase so far. */
  done = 0;
  onProgress: () => void = () => {};
  readonly #name: string;
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  readonly #stderr: Promise<string>;
  #waiting: ReturnType<typeof Promise.withResolvers<WorkerAnswer>> | null = null;
  #isClosing = false;

  /** `selfCommand` runs this program; `name` is for messages: "load process 2". */
  constructor(selfCommand: readonly string[], name: string) {
    this.#name = name;
    this.#child = Bun.spawn([...selfCommand, WORKER_COMMAND], {
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
    const what = `Cannot go on: ${this.#name} ended ${how}`;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(new FatalError(words === "" ? what : `${what}: ${words}`));
  }
}
