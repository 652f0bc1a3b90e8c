/**
 * The loop for client libraries: N connections of the library, each with one batch of operations
 * under way; when all of a batch are answered the next one goes out.
 *
 *      stream ── next() ──> library call ── promise ──> checks, recorder
 *
 * Everything that an application would do is inside the time that is measured: making the key,
 * calling the library, waiting for its promise. A batch is called without waiting in between, so
 * that a library that pipelines by itself does so.
 * All connections draw from one count. Latencies are taken from the call of an operation to its
 * last reply.
 * Limits: `timeoutMs` without a single reply ends the phase as failed, as does a connection that
 * breaks.
 */
import { nanoseconds } from "../base/clock.ts";
import { FatalError } from "../base/errors.ts";
import type { ClientLibrary, LibraryConnection } from "./drivers/client-library.ts";
import type { OperationPhase } from "./operation-phase.ts";
import type { Amount, ChatPlan } from "./plan.ts";
import { Series, SLICE_MS } from "./recorder/series.ts";
import type { ReplyChecks } from "./reply-checks.ts";
import type { SeriesResult } from "./result.ts";
import type { KeySpace } from "./workloads/key-space.ts";
import type { KeyTexts, OperationStream } from "./workloads/operation-stream.ts";

/** What all phases of a session have in common. */
export interface ClientLoopOptions {
  library: ClientLibrary;
  keys: KeyTexts;
  lists: KeyTexts;
  space: KeySpace;
  chat: ChatPlan;
  timeoutMs: number;
}

export interface ClientPhase extends OperationPhase {
  amount: Amount;
  batchSize: number;
  /** The next words of `command`, where there is no stream. */
  nextCommand: (() => Buffer[]) | null;
  /** Called every SLICE_MS with the operations answered so far. */
  onProgress: (done: number, elapsedNs: number) => void;
}

export class ClientLoop {
  readonly #options: ClientLoopOptions;
  readonly #connections: LibraryConnection[] = [];
  #left = 0;
  #endNs = Number.POSITIVE_INFINITY;
  #done = 0;
  #failed = Promise.withResolvers<never>();
  #failure: FatalError | null = null;

  constructor(options: ClientLoopOptions) {
    this.#options = options;
    // Whoever runs a phase sees it; nobody does before the first.
    this.#failed.promise.catch(() => {});
  }

  add(connection: LibraryConnection): void {
    this.#connections.push(connection);
  }

  /** A connection broke, at any time, also between two phases. */
  fail(reason: string): void {
    const { name } = this.#options.library;
    this.#failure ??= new FatalError(
      `Cannot go on after ${this.#done} replies: ${name}: ${reason}`,
    );
    this.#failed.reject(this.#failure);
  }

  /** Runs one phase to its end. Throws FatalError when a connection breaks or nothing comes. */
  async run(phase: ClientPhase): Promise<{ elapsedNs: number; series: SeriesResult }> {
    this.#done = 0;
    const { amount, recorder } = phase;
    const startNs = nanoseconds();
    this.#left = "operations" in amount ? amount.operations : Number.POSITIVE_INFINITY;
    this.#endNs =
      "durationMs" in amount ? startNs + amount.durationMs * 1e6 : Number.POSITIVE_INFINITY;
    const series = new Series(startNs, recorder.primary);
    const timer = this.#watch(phase, series, startNs);
    try {
      const work = Promise.all(this.#connections.map((each) => this.#work(each, phase)));
      await Promise.race([work, this.#failed.promise]);
    } finally {
      clearInterval(timer);
    }
    const nowNs = nanoseconds();
    series.cut(nowNs, this.#done);
    return { elapsedNs: nowNs - startNs, series: series.result() };
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  /** The course of the phase; and the end of it when nothing comes for too long. */
  #watch({ onProgress }: ClientPhase, series: Series, startNs: number): Timer {
    const { timeoutMs } = this.#options;
    let doneBefore = 0;
    let idleMs = 0;
    return setInterval(() => {
      idleMs = this.#done === doneBefore ? idleMs + SLICE_MS : 0;
      doneBefore = this.#done;
      if (idleMs >= timeoutMs) this.fail(`no reply for ${timeoutMs / 1000} s`);
      const nowNs = nanoseconds();
      series.cut(nowNs, this.#done);
      onProgress(this.#done, nowNs - startNs);
    }, SLICE_MS);
  }

  /** One connection: a batch, its replies, the next batch. */
  async #work(connection: LibraryConnection, phase: ClientPhase): Promise<void> {
    const batch: Promise<void>[] = [];
    for (;;) {
      const count = this.#take(phase.batchSize);
      if (count === 0) return;
      if (count === 1) await this.#start(connection, phase);
      else {
        batch.length = 0;
        for (let i = 0; i < count; i++) batch.push(this.#start(connection, phase));
        await Promise.all(batch);
      }
    }
  }

  #take(batchSize: number): number {
    if (this.#failure !== null || nanoseconds() >= this.#endNs) return 0;
    const count = Math.min(this.#left, batchSize);
    this.#left -= count;
    return count;
  }

  #start(connection: LibraryConnection, phase: ClientPhase): Promise<void> {
    const startNs = nanoseconds();
    const { stream } = phase;
    if (stream === null) return this.#settle(this.#command(connection, phase), phase, 0, startNs);
    stream.next();
    const { operation, key, argument } = stream;
    const call = this.#call(connection, phase, stream.names[operation]!, key, argument);
    return this.#settle(call, phase, operation, startNs);
  }

  async #settle(
    call: Promise<void>,
    { checks, recorder }: ClientPhase,
    operation: number,
    startNs: number,
  ): Promise<void> {
    try {
      await this.#judge(call, checks);
    } catch (error) {
      // What a broken connection leaves behind is not an answer.
      return this.fail(error instanceof Error ? error.message : String(error));
    }
    this.#done++;
    recorder.done(operation, startNs, startNs, nanoseconds());
  }

  /** Waits for a reply; an error reply is counted. Throws what is no reply at all. */
  async #judge<T>(
    call: Promise<T>,
    checks: ReplyChecks,
    judge?: (reply: T) => void,
  ): Promise<void> {
    let reply: T;
    try {
      reply = await call;
    } catch (error) {
      const text = this.#options.library.errorReplyOf(error);
      if (text === null) throw error;
      return checks.refused(text);
    }
    judge?.(reply);
  }

  /** Issues the requests of one operation, waits for the replies and judges them. */
  async #call(
    connection: LibraryConnection,
    { checks }: ClientPhase,
    name: OperationStream["names"][number],
    key: number,
    argument: number,
  ): Promise<void> {
    const { keys, lists, space, chat } = this.#options;
    switch (name) {
      case "set":
        return expectOk(checks, await connection.set(keys.of(key), checks.written(key)));
      case "insert":
        expectOk(checks, await connection.set(keys.of(key), checks.written(key)));
        return space.answered(key);
      case "get":
        return checks.value(key, await connection.get(keys.of(key)));
      case "rmw": {
        const text = keys.of(key);
        checks.value(key, await connection.get(text));
        return expectOk(checks, await connection.set(text, checks.written(key)));
      }
      case "scan": {
        const texts = Array.from({ length: argument }, (_, i) => keys.of(key + i));
        return checks.values(key, argument, await connection.getMany(texts));
      }
      case "push": {
        const text = lists.of(key);
        // Both are on their way before the first is answered.
        const pushed = connection.pushHead(text, checks.written(argument));
        const trimmed = connection.trim(text, 0, chat.historyLength - 1);
        const trimming = this.#judge(trimmed, checks, (reply) => expectOk(checks, reply));
        await this.#judge(pushed, checks, (reply) => expectCount(checks, reply));
        return await trimming;
      }
      case "range":
        return checks.items(await connection.range(lists.of(key), 0, chat.readSize - 1));
      case "command":
        throw new RangeError("a template is no operation of a mix");
    }
  }

  async #command(connection: LibraryConnection, { nextCommand }: ClientPhase): Promise<void> {
    if (nextCommand === null) throw new RangeError("a phase without operations");
    await connection.send(nextCommand());
  }
}

function expectCount(checks: ReplyChecks, reply: unknown): void {
  if (typeof reply !== "number") checks.unexpected();
}

function expectOk(checks: ReplyChecks, reply: unknown): void {
  if (String(reply) !== "OK") checks.unexpected();
}
