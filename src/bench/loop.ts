/**
 * The closed loop: N connections, each with one batch under way; when a batch is answered the next
 * one goes out.
 *
 * It decides when to send and how much; the driver does the sending and the workload says what. All
 * connections draw from one count, so that the work ends everywhere at about the same time and the
 * number of requests is exact.
 * A closed loop waits for the server, so its latencies are those at saturation: a pause delays the
 * requests behind it without being counted for each of them ("coordinated omission", G. Tene).
 * Open-loop pacing is a schedule of its own.
 * Limits: STALL_MS without a single reply ends the phase as failed.
 */
import { assert } from "../base/assert.ts";
import { nanoseconds } from "../base/clock.ts";
import { FatalError } from "../base/errors.ts";
import { type ConnectionOwner, type Endpoint, RespConnection } from "./drivers/resp-connection.ts";
import { emptyCounts, type PhaseCounts } from "./measure.ts";
import type { Histogram } from "./recorder/histogram.ts";
import { Series, SLICE_MS } from "./recorder/series.ts";
import type { SeriesResult } from "./result.ts";
import type { RequestEncoder, RequestVerifier } from "./workloads/requests.ts";

/** No server needs longer for one reply of a benchmark; whoever does has stopped. */
const STALL_MS = 30_000;
/** Connections opened at the same time: below the usual accept queue of 511. */
const CONNECTING_MAX = 128;

/** What one phase did, and its course. */
export interface LoopResult extends PhaseCounts {
  series: SeriesResult;
}

export interface LoopPhase {
  operations: number;
  /** Requests that a connection sends at once; at most what `connect` was told. */
  batchSize: number;
  encoder: RequestEncoder;
  histogram: Histogram | null;
  /** Makes the verifier of one connection; null when replies are not verified. */
  createVerifier: (() => RequestVerifier) | null;
  /** Called every SLICE_MS with the requests answered so far. */
  onProgress: ((done: number) => void) | null;
}

const NO_REQUESTS: RequestEncoder = {
  bytes: Buffer.alloc(0),
  countMax: 1,
  payloadSize: 0,
  replyKind: 0,
  replyLength: -1,
  encode: () => 0,
};

export class ClosedLoop implements ConnectionOwner {
  encoder: RequestEncoder = NO_REQUESTS;
  histogram: Histogram | null = null;
  readonly #batchSizeMax: number;
  #batchSize = 1;
  readonly #connections: RespConnection[] = [];
  #left = 0;
  #done = 0;
  #target = 0;
  #endNs = 0;
  #settled = Promise.withResolvers<void>();
  /** Why a connection broke, at any time, also between two phases. */
  #failure: FatalError | null = null;

  private constructor(batchSizeMax: number) {
    assert(batchSizeMax >= 1, `batchSizeMax (${batchSizeMax}) must be >= 1`);
    this.#batchSizeMax = batchSizeMax;
    this.#start(0);
  }

  /**
   * Opens `connectionsCount` connections and runs `setup` (whole requests, each answered by a
   * status) on each.
   * Throws FatalError when one cannot be opened or a setup request is refused.
   */
  static async connect(
    endpoint: Endpoint,
    connectionsCount: number,
    batchSizeMax: number,
    setup: Buffer[],
  ): Promise<ClosedLoop> {
    const loop = new ClosedLoop(batchSizeMax);
    try {
      while (loop.#connections.length < connectionsCount) {
        const count = Math.min(CONNECTING_MAX, connectionsCount - loop.#connections.length);
        const opening = Array.from({ length: count }, () =>
          RespConnection.connect(loop, endpoint, Math.max(batchSizeMax, setup.length)),
        );
        loop.#connections.push(...(await allOrNone(opening)));
      }
      if (setup.length > 0) await loop.#setUp(setup);
    } catch (error) {
      loop.close();
      throw withHint(error);
    }
    return loop;
  }

  /** Runs one phase to its end. Throws FatalError when a connection breaks or the server stalls. */
  async run(phase: LoopPhase): Promise<LoopResult> {
    const { batchSize } = phase;
    assert(batchSize <= this.#batchSizeMax, `batchSize (${batchSize}) > ${this.#batchSizeMax}`);
    this.#batchSize = batchSize;
    this.encoder = phase.encoder;
    this.histogram = phase.histogram;
    for (const connection of this.#connections) {
      connection.reset(phase.createVerifier?.() ?? null);
    }
    this.#start(phase.operations);
    this.#left = phase.operations;
    const startNs = nanoseconds();
    for (const connection of this.#connections) this.#sendNext(connection);
    const series = new Series(startNs, phase.histogram);
    await this.#wait(phase.onProgress, series);
    series.cut(this.#endNs, this.#done);
    return { ...this.#counts(this.#endNs - startNs), series: series.result() };
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  onReplies(connection: RespConnection, count: number): void {
    this.#done += count;
    if (this.#done === this.#target) {
      this.#endNs = nanoseconds();
      this.#settled.resolve();
    } else if (connection.requestsOpen === 0 && connection.requestsToEncode === 0) {
      this.#sendNext(connection);
    }
  }

  onFailure(text: string): void {
    this.#failure ??= new FatalError(`Cannot go on after ${this.#done} replies: ${text}`);
    this.#settled.reject(this.#failure);
  }

  #sendNext(connection: RespConnection): void {
    const count = Math.min(this.#left, this.#batchSize);
    if (count === 0) return;
    this.#left -= count;
    connection.send(count);
  }

  #start(target: number): void {
    this.#done = 0;
    this.#target = target;
    this.#settled = Promise.withResolvers<void>();
    // Whoever waits sees the failure; nobody does before the first phase.
    this.#settled.promise.catch(() => {});
    if (this.#failure !== null) this.#settled.reject(this.#failure);
  }

  async #wait(onProgress: LoopPhase["onProgress"], series: Series | null): Promise<void> {
    let doneBefore = -1;
    let idleMs = 0;
    const timer = setInterval(() => {
      idleMs = this.#done === doneBefore ? idleMs + SLICE_MS : 0;
      doneBefore = this.#done;
      if (idleMs >= STALL_MS) this.onFailure(`no reply for ${STALL_MS / 1000} s`);
      series?.cut(nanoseconds(), this.#done);
      onProgress?.(this.#done);
    }, SLICE_MS);
    try {
      await this.#settled.promise;
    } finally {
      clearInterval(timer);
    }
  }

  async #setUp(setup: Buffer[]): Promise<void> {
    this.#start(setup.length * this.#connections.length);
    const bytes = Buffer.concat(setup);
    for (const connection of this.#connections) connection.sendRaw(bytes, setup.length);
    await this.#wait(null, null);
    const refused = this.#connections.find((connection) => connection.replies.errorsCount > 0);
    if (refused) throw new FatalError(`Cannot log in: ${refused.replies.firstError}`);
  }

  #counts(elapsedNs: number): PhaseCounts {
    const counts = emptyCounts();
    counts.operations = this.#done;
    counts.elapsedNs = elapsedNs;
    counts.payloadBytesOut = this.encoder.payloadSize * this.#done;
    for (const connection of this.#connections) addCounts(counts, connection);
    return counts;
  }
}

function addCounts(counts: PhaseCounts, connection: RespConnection): void {
  const { replies, verifier } = connection;
  counts.bytesOut += connection.bytesWritten;
  counts.bytesIn += connection.bytesRead;
  counts.payloadBytesIn += replies.payloadBytes;
  counts.nulls += replies.nullsCount;
  counts.unexpected += replies.unexpectedCount;
  counts.wrongValues += verifier?.wrongCount ?? 0;
  for (const [kind, count] of replies.errorKinds) {
    counts.errorKinds[kind] = (counts.errorKinds[kind] ?? 0) + count;
  }
  if (counts.errorFirst === "") counts.errorFirst = replies.firstError;
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
