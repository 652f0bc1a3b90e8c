/**
 * A load through a client library: N connections of it, phase after phase, paced as the raw ones.
 *
 * What the library costs (calls, promises, its own buffers) is what is measured, and how it writes
 * is up to it: operations of a batch are called one after the other without waiting, so that a
 * library that pipelines by itself sends them together.
 * Libraries tell nothing about bytes on the wire: those are 0 in the result.
 * Limits: `timeoutMs` without a reply while some are due ends the phase as failed, as does a
 * connection that breaks.
 */
import { nanoseconds } from "../../base/clock.ts";
import { FatalError, reasonOf } from "../../base/errors.ts";
import type { ClientLibrary } from "../drivers/client-library.ts";
import type { RequestPhase } from "../plan.ts";
import { clientProcessorNs } from "../processor-time.ts";
import { Series, SLICE_MS } from "../recorder/series.ts";
import type { ServerUrl } from "../url.ts";
import { KeySpace } from "../workloads/key-space.ts";
import { type Draw, type LoadPlan, shareOf } from "../workloads/make-encoder.ts";
import { KeyTexts } from "../workloads/operation-stream.ts";
import { createValues, type ValueSource } from "../workloads/values.ts";
import { ClientConnection, type ClientOwner } from "./client-connection.ts";
import { createPacer } from "./create-pacer.ts";
import type { Load, LoadResult, OnProgress } from "./load.ts";
import type { LoadOptions } from "./local-load.ts";
import type { Pacer } from "./pacer.ts";
import { createPhaseWork, type PhaseWork, resultOf } from "./phase-work.ts";
import { StallWatch } from "./stall-watch.ts";

/** Connections opened at the same time: below the usual accept queue of 511. */
const CONNECTING_MAX = 128;
/** PINGs before the clock starts, so that the library's own code is compiled: 0.2 s. */
const WARM_UP_PINGS = 20_000;

export class ClientLoad implements Load, ClientOwner {
  readonly library: ClientLibrary;
  readonly plan: LoadPlan;
  readonly keys: KeyTexts;
  readonly lists: KeyTexts;
  work: PhaseWork | null = null;
  readonly #values: ValueSource;
  readonly #connections: ClientConnection[] = [];
  /** By the number of keys that are filled: phases with as many share one. */
  readonly #spaces = new Map<number, KeySpace>();
  #pacer: Pacer | null = null;
  /** Why a connection broke, at any time, also between two phases. */
  #failure: FatalError | null = null;

  private constructor(plan: LoadPlan, library: ClientLibrary) {
    this.plan = plan;
    this.library = library;
    this.keys = new KeyTexts("simple", plan.seed);
    this.lists = new KeyTexts("chat", plan.seed);
    this.#values = createValues(plan.values, plan.seed);
  }

  /** Throws FatalError when a connection cannot be opened. */
  static async connect(
    { endpoint, setup, plan }: LoadOptions,
    library: ClientLibrary,
  ): Promise<ClientLoad> {
    const load = new ClientLoad(plan, library);
    try {
      const connectionsCount = shareOf(plan.concurrency, plan.worker, plan.workersCount);
      while (load.#connections.length < connectionsCount) {
        const count = Math.min(CONNECTING_MAX, connectionsCount - load.#connections.length);
        await load.#open(count, { ...endpoint, setup });
      }
      const pings = Math.ceil(WARM_UP_PINGS / connectionsCount);
      await Promise.all(load.#connections.map((connection) => connection.ping(pings)));
    } catch (error) {
      await load.close();
      throw error;
    }
    return load;
  }

  async #open(count: number, url: ServerUrl): Promise<void> {
    const opening = Array.from({ length: count }, () =>
      this.library.connect(url, (reason) => this.onFailure(reason)),
    );
    const results = await Promise.allSettled(opening);
    for (const result of results) {
      if (result.status === "rejected") continue;
      this.#connections.push(new ClientConnection(this, result.value));
    }
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) return;
    const what = `Cannot connect ${this.library.name} to ${url.host}:${url.port}`;
    const hint = "a lower --concurrency, a higher maxclients of the server, or a higher ulimit -n";
    throw new FatalError(`${what}: ${reasonOf(failed.reason)}`, hint);
  }

  async warmUp(phase: RequestPhase): Promise<void> {
    if (phase.warmupMs === 0) return;
    const pacer = createPacer(this.#connections, phase, "warm-up", this.plan);
    await this.#run(this.#createWork(phase, "warm-up"), pacer, null);
  }

  async run(phase: RequestPhase, onProgress: OnProgress | null): Promise<LoadResult> {
    const prepared = this.prepare(phase);
    return await prepared(onProgress);
  }

  prepare(phase: RequestPhase): (onProgress: OnProgress | null) => Promise<LoadResult> {
    const work = this.#createWork(phase, "measured");
    const pacer = createPacer(this.#connections, phase, "measured", this.plan);
    return async (onProgress) => {
      const startNs = clientProcessorNs();
      const { series, elapsedNs } = await this.#run(work, pacer, onProgress);
      const clientNs = Math.max(0, clientProcessorNs() - startNs - pacer.idleNs);
      const { done: operations, open } = pacer;
      return resultOf(work, { operations, elapsedNs, series, clientNs, open });
    };
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.close();
  }

  onReply(connection: ClientConnection): void {
    this.#pacer?.onReplies(connection, 1);
  }

  onFailure(reason: string): void {
    const done = this.#pacer?.done ?? 0;
    this.#failure ??= new FatalError(
      `Cannot go on after ${done} replies: ${this.library.name}: ${reason}`,
    );
    this.#pacer?.fail(this.#failure);
  }

  #createWork(phase: RequestPhase, draw: Draw): PhaseWork {
    const { keysCount } = phase;
    const { worker, workersCount } = this.plan;
    const space = this.#spaces.get(keysCount) ?? new KeySpace(keysCount, worker, workersCount);
    this.#spaces.set(keysCount, space);
    return createPhaseWork(phase, this.plan, this.#values, space, draw);
  }

  async #run(
    work: PhaseWork,
    pacer: Pacer,
    onProgress: OnProgress | null,
  ): Promise<{ series: Series; elapsedNs: number }> {
    if (this.#failure !== null) throw this.#failure;
    this.work = work;
    this.#pacer = pacer;
    const startNs = nanoseconds();
    const series = new Series(startNs, work.recorder.primary);
    pacer.start(startNs);
    const timer = this.#watch(pacer, (nowNs) => {
      series.cut(nowNs, pacer.done);
      onProgress?.(pacer.done);
    });
    try {
      await pacer.over;
    } finally {
      clearInterval(timer);
      pacer.stop();
    }
    series.cut(pacer.endNs, pacer.done);
    return { series, elapsedNs: pacer.elapsedNs(startNs) };
  }

  /** Fails the phase when replies are due and none comes. */
  #watch(pacer: Pacer, onSlice: (nowNs: number) => void): Timer {
    const { timeoutMs } = this.plan;
    const watch = new StallWatch(timeoutMs);
    return setInterval(
      () => {
        const nowNs = nanoseconds();
        if (watch.isStalled(nowNs, pacer.sent, pacer.done)) {
          this.onFailure(`no reply for ${timeoutMs / 1000} s`);
        }
        pacer.onSlice(nowNs);
        onSlice(nowNs);
      },
      Math.min(SLICE_MS, timeoutMs),
    );
  }
}
