/**
 * The connections of one load process, and a phase over them from its first send to its last reply.
 *
 * They stay open for all phases. While a phase runs, its pacer decides when operations are sent;
 * here are the clock around it, the series, and the watch for a server that has stopped.
 */
import { nanoseconds } from "../../base/clock.ts";
import { FatalError } from "../../base/errors.ts";
import { type ConnectionOwner, type Endpoint, RespConnection } from "../drivers/resp-connection.ts";
import type { ProgressSeen } from "../progress.ts";
import { percentileNs } from "../recorder/percentiles.ts";
import { PhaseRecorder } from "../recorder/phase-recorder.ts";
import { Series, SLICE_MS } from "../recorder/series.ts";
import { NO_LISTENER, type RequestEncoder, STATUS_SHAPE } from "../workloads/requests.ts";
import type { OnProgress } from "./load.ts";
import { type PacedConnection, Pacer } from "./pacer.ts";
import { StallWatch } from "./stall-watch.ts";

/** Connections opened at the same time: below the usual accept queue of 511. */
const CONNECTING_MAX = 128;

const NO_REQUESTS: RequestEncoder = {
  bytes: Buffer.alloc(0),
  countMax: 1,
  operations: [],
  shapes: [STATUS_SHAPE],
  listener: NO_LISTENER,
  isUniform: true,
  payloadBytes: 0,
  readsCount: 0,
  encode: () => 0,
  encodeFollowUp: (_, __, at) => at,
};
const NO_RECORDER = new PhaseRecorder(1, false, false);

export interface ConnectOptions {
  endpoint: Endpoint;
  connectionsCount: number;
  /** Operations that a connection has open at a time, at the most. */
  operationsMax: number;
  /** Whole requests, each answered by a status, that every connection begins with. */
  setup: readonly Buffer[];
  /** So long without a reply, while some are due, ends a phase. */
  timeoutMs: number;
}

export interface PhaseWork {
  encoder: RequestEncoder;
  recorder: PhaseRecorder;
  pacer: Pacer;
  /** Every operation has a time at which it was due. */
  isOpenLoop: boolean;
  onProgress: OnProgress | null;
}

export class Connections implements ConnectionOwner {
  encoder: RequestEncoder = NO_REQUESTS;
  recorder: PhaseRecorder = NO_RECORDER;
  readonly all: RespConnection[] = [];
  readonly #timeoutMs: number;
  #pacer: Pacer = new SetupPacer(0);
  /** Why a connection broke, at any time, also between two phases. */
  #failure: FatalError | null = null;

  private constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Throws FatalError when one cannot be opened or a setup request is refused. */
  static async connect(options: ConnectOptions): Promise<Connections> {
    const { endpoint, connectionsCount, setup } = options;
    const owner = new Connections(options.timeoutMs);
    const operationsMax = Math.max(options.operationsMax, setup.length);
    try {
      while (owner.all.length < connectionsCount) {
        const count = Math.min(CONNECTING_MAX, connectionsCount - owner.all.length);
        const opening = Array.from({ length: count }, () =>
          RespConnection.connect(owner, endpoint, operationsMax),
        );
        owner.all.push(...(await allOrNone(opening)));
      }
      if (setup.length > 0) await owner.#setUp(setup);
    } catch (error) {
      owner.close();
      throw withHint(error);
    }
    return owner;
  }

  /**
   * Runs one phase to its end; returns its course and how long it took. Throws FatalError when a
   * connection breaks or the server stalls.
   */
  async run(work: PhaseWork): Promise<{ series: Series; elapsedNs: number }> {
    const { encoder, recorder, pacer, onProgress } = work;
    this.encoder = encoder;
    this.recorder = recorder;
    this.#pacer = pacer;
    for (const connection of this.all) connection.reset(work.isOpenLoop);
    if (this.#failure !== null) throw this.#failure;
    const startNs = nanoseconds();
    const series = new Series(startNs, recorder.primary);
    pacer.start(startNs);
    await this.#wait(pacer, (nowNs) => {
      series.cut(nowNs, pacer.done);
      onProgress?.(pacer.done, () => this.#seen(nowNs - startNs));
    });
    series.cut(pacer.endNs, pacer.done);
    return { series, elapsedNs: pacer.elapsedNs(startNs) };
  }

  #seen(elapsedNs: number): ProgressSeen {
    const { primary } = this.recorder;
    let errorsCount = 0;
    for (const { replies } of this.all) {
      errorsCount += replies.errorsCount + replies.nullsCount + replies.unexpectedCount;
    }
    const p99Ns = primary === null ? null : percentileNs(primary, 0.99);
    return { elapsedMs: elapsedNs / 1e6, p99Ns, errorsCount };
  }

  close(): void {
    for (const connection of this.all) connection.close();
  }

  onReplies(connection: RespConnection, count: number): void {
    this.#pacer.onReplies(connection, count);
  }

  onFailure(text: string): void {
    this.#failure ??= new FatalError(`Cannot go on after ${this.#pacer.done} replies: ${text}`);
    this.#pacer.fail(this.#failure);
  }

  /** Waits for the end of the phase; fails it when replies are due and none comes. */
  async #wait(pacer: Pacer, onSlice: (nowNs: number) => void): Promise<void> {
    const watch = new StallWatch(this.#timeoutMs);
    const timer = setInterval(
      () => {
        const nowNs = nanoseconds();
        if (watch.isStalled(nowNs, pacer.sent, pacer.done)) {
          this.onFailure(`no reply for ${this.#timeoutMs / 1000} s`);
        }
        pacer.onSlice(nowNs);
        onSlice(nowNs);
      },
      Math.min(SLICE_MS, this.#timeoutMs),
    );
    try {
      await pacer.over;
    } finally {
      clearInterval(timer);
      pacer.stop();
    }
  }

  async #setUp(setup: readonly Buffer[]): Promise<void> {
    const pacer = new SetupPacer(setup.length * this.all.length);
    this.#pacer = pacer;
    const bytes = Buffer.concat(setup);
    for (const connection of this.all) connection.sendRaw(bytes, setup.length);
    await this.#wait(pacer, () => {});
    const refused = this.all.find((connection) => connection.replies.errorsCount > 0);
    if (refused) throw new FatalError(`Cannot log in: ${refused.replies.firstError}`);
  }
}

/** Waits for the replies to what was sent without it. */
class SetupPacer extends Pacer {
  constructor(repliesCount: number) {
    super();
    this.sent = repliesCount;
  }

  start(): void {}

  onReplies(_: PacedConnection, count: number): void {
    this.done += count;
    if (this.done === this.sent) this.finish();
  }
}

/** A server that takes some connections and no more, or a process that may not open more. */
function withHint(error: unknown): unknown {
  if (!(error instanceof FatalError) || !error.message.startsWith("Cannot connect")) return error;
  const hint = "a lower --concurrency, a higher maxclients of the server, or a higher ulimit -n";
  return new FatalError(error.message, hint);
}

/** All results, or the first failure after everything that did open is closed again. */
async function allOrNone(opening: Promise<RespConnection>[]): Promise<RespConnection[]> {
  const results = await Promise.allSettled(opening);
  const opened = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return opened;
  for (const connection of opened) connection.close();
  throw failed.reason;
}
