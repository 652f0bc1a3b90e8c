/**
 * The raw RESP driver: one TCP connection that writes encoded requests and counts the replies.
 *
 *      load ── send(n) ──> encode → write ··· read → count → settle latencies ── onReplies ──> load
 *
 * It is the same, byte for byte, for every server that speaks RESP2, so that a comparison compares
 * servers and not clients.
 * While the clock runs nothing is allocated here: requests come from the workload's scratch buffer,
 * replies are counted in the buffer that the socket brought. Where all requests are alike, a ring
 * of send times is all that is kept of them; else each has its entry in a request ring.
 * A write may be short: what the kernel did not take is copied to `#rest` and goes out on `drain`,
 * and only then is more encoded, so that one connection holds at most one scratch buffer.
 * Invariant: operationsOpen = the operations that the load gave and that are not answered,
 * operationsToEncode of them not written yet.
 * Not here: when to send and how much (load/), what the requests are (workloads/).
 */
import { nanoseconds } from "../../base/clock.ts";
import { FatalError, reasonOf } from "../../base/errors.ts";
import type { PhaseRecorder } from "../recorder/phase-recorder.ts";
import { type RequestEncoder, STATUS_SHAPE } from "../workloads/requests.ts";
import { ReplyCounter } from "./reply-counter.ts";
import { RequestRing } from "./request-ring.ts";
import { SendTimes } from "./send-times.ts";

/**
 * What a connection reports to, and what it needs while a phase runs. One per run, shared by all
 * connections.
 */
export interface ConnectionOwner {
  /** The requests of the phase. */
  encoder: RequestEncoder;
  /** Where latencies go; without histograms the clock is not read. */
  recorder: PhaseRecorder;
  /** `count` more operations of `connection` are answered. Hot: once per read. */
  onReplies(connection: RespConnection, count: number): void;
  /** The connection cannot go on. */
  onFailure(reason: string): void;
}

export interface Endpoint {
  host: string;
  port: number;
}

export class RespConnection {
  readonly replies = new ReplyCounter();
  /** Null while all requests are alike. */
  ring: RequestRing | null = null;
  /** Given by the load and not answered. */
  operationsOpen = 0;
  /** Given by the load and not written yet. */
  operationsToEncode = 0;
  bytesWritten = 0;
  bytesRead = 0;
  readonly #owner: ConnectionOwner;
  readonly #times: SendTimes;
  /** Written and not answered. */
  #requestsOpen = 0;
  #socket: Bun.Socket<RespConnection> | null = null;
  #rest: Buffer | null = null;
  #restStart = 0;
  #isClosing = false;

  private constructor(owner: ConnectionOwner, operationsMax: number) {
    this.#owner = owner;
    this.#times = new SendTimes(operationsMax);
  }

  /**
   * Connects; at most `operationsMax` operations will be open at a time.
   * Throws FatalError when nobody listens, without a hint: the caller knows the backend.
   */
  static async connect(owner: ConnectionOwner, endpoint: Endpoint, operationsMax: number) {
    const connection = new RespConnection(owner, operationsMax);
    try {
      connection.#socket = await Bun.connect<RespConnection>({
        hostname: endpoint.host,
        port: endpoint.port,
        data: connection,
        socket: HANDLERS,
      });
    } catch (error) {
      throw new FatalError(`Cannot connect to ${endpoint.host}:${endpoint.port}: ${reason(error)}`);
    }
    return connection;
  }

  /**
   * Starts a phase: counts from zero, and expects what the requests of the phase ask for. `hasRing`
   * although all requests may be alike: each has a time of its own at which it was due.
   */
  reset(hasRing: boolean): void {
    const { encoder, recorder } = this.#owner;
    const { shapes, listener } = encoder;
    this.ring =
      hasRing || !encoder.isUniform
        ? new RequestRing(this.replies, shapes, listener, recorder)
        : null;
    this.replies.reset(shapes[0] ?? STATUS_SHAPE, this.ring);
    this.bytesWritten = this.bytesRead = 0;
  }

  /** Sends the next `count` operations of the phase. Hot: once per batch. */
  send(count: number): void {
    this.operationsOpen += count;
    this.operationsToEncode += count;
    if (this.#rest === null) this.#encodeAndWrite();
  }

  /**
   * Sends ready-made requests, `count` of them, that each answer with a status (AUTH, SELECT). Not
   * measured.
   */
  sendRaw(bytes: Buffer, count: number): void {
    this.replies.reset(STATUS_SHAPE, null);
    this.operationsOpen += count;
    this.#requestsOpen += count;
    this.#write(bytes, bytes.length);
  }

  close(): void {
    this.#isClosing = true;
    this.#socket?.terminate();
  }

  #encodeAndWrite(): void {
    const { encoder, recorder } = this.#owner;
    const { ring } = this;
    while (this.operationsToEncode > 0) {
      const count = Math.min(this.operationsToEncode, encoder.countMax);
      const size = encoder.encode(count, ring);
      this.operationsToEncode -= count;
      const nowNs = recorder.primary === null ? 0 : nanoseconds();
      if (ring !== null) ring.sent(nowNs);
      else {
        this.#requestsOpen += count;
        if (recorder.primary !== null) this.#times.push(nowNs, count);
      }
      if (!this.#write(encoder.bytes, size)) return;
    }
  }

  /** Sends what replies have asked for. */
  #writeFollowUps(ring: RequestRing): void {
    const { encoder } = this.#owner;
    const encode = (shape: number, key: number, at: number) =>
      encoder.encodeFollowUp(shape, key, at);
    while (ring.followUpsCount > 0 && this.#rest === null) {
      this.#write(encoder.bytes, ring.addFollowUps(encode, encoder.countMax));
    }
  }

  /** Writes the first `size` bytes; false when the socket did not take all of them. */
  #write(bytes: Buffer, size: number): boolean {
    const written = this.#socket!.write(bytes, 0, size);
    this.bytesWritten += size;
    if (written === size) return true;
    if (written < 0) this.#failSoon();
    else {
      this.#rest = Buffer.from(bytes.subarray(written, size));
      this.#restStart = 0;
    }
    return false;
  }

  /** The socket takes bytes again: first what was left, then what was not encoded yet. */
  onDrain(): void {
    const rest = this.#rest;
    if (rest === null) return;
    const left = rest.length - this.#restStart;
    const written = this.#socket!.write(rest, this.#restStart, left);
    if (written < 0) {
      this.#failSoon();
      return;
    }
    this.#restStart += written;
    if (written < left) return;
    this.#rest = null;
    if (this.ring !== null) this.#writeFollowUps(this.ring);
    if (this.#rest === null) this.#encodeAndWrite();
  }

  /** Hot: once per read. The buffer is the socket's and not kept. */
  onData(bytes: Buffer): void {
    const { primary } = this.#owner.recorder;
    const nowNs = primary === null ? 0 : nanoseconds();
    this.bytesRead += bytes.length;
    const { ring } = this;
    if (ring !== null) {
      this.#onRingData(bytes, ring, nowNs);
      return;
    }
    const count = this.replies.feed(bytes, 0, bytes.length);
    if (count > 0 && count <= this.#requestsOpen) {
      this.#requestsOpen -= count;
      this.operationsOpen -= count;
      if (primary !== null) this.#times.settle(nowNs, count, primary);
      this.#owner.onReplies(this, count);
    } else if (count !== 0) this.#failReplies(count, this.#requestsOpen);
  }

  #onRingData(bytes: Buffer, ring: RequestRing, nowNs: number): void {
    const requestsOpen = ring.length;
    ring.nowNs = nowNs;
    const doneBefore = ring.operationsDone;
    const count = this.replies.feed(bytes, 0, bytes.length);
    if (count < 0 || count > requestsOpen) {
      this.#failReplies(count, requestsOpen);
      return;
    }
    if (ring.followUpsCount > 0) this.#writeFollowUps(ring);
    const done = ring.operationsDone - doneBefore;
    if (done === 0) return;
    this.operationsOpen -= done;
    this.#owner.onReplies(this, done);
  }

  #failReplies(count: number, requestsOpen: number): void {
    if (count < 0) this.#fail(`the server does not speak RESP: ${this.replies.malformed}`);
    else this.#fail(`${count} replies came to ${requestsOpen} requests`);
  }

  onClose(): void {
    this.#fail("the server closed a connection");
  }

  /** After what the server said before it closed has been read: that is the better reason. */
  #failSoon(): void {
    setTimeout(() => this.#fail("the connection is closed"), 0);
  }

  #fail(text: string): void {
    if (this.#isClosing) return;
    this.close();
    const { firstError } = this.replies;
    this.#owner.onFailure(firstError === "" ? text : `${text} (${firstError})`);
  }

  onError(error: unknown): void {
    this.#fail(reason(error));
  }
}

/** One set of handlers for all connections; the connection is the socket's data. */
const HANDLERS: Bun.SocketHandler<RespConnection> = {
  data: (socket, bytes) => socket.data.onData(bytes),
  drain: (socket) => socket.data.onDrain(),
  close: (socket) => socket.data.onClose(),
  end: (socket) => socket.data.onClose(),
  error: (socket, error) => socket.data.onError(error),
};

function reason(error: unknown): string {
  const isRefused = error instanceof Error && (error as { code?: unknown }).code === "ECONNREFUSED";
  return isRefused ? "connection refused" : reasonOf(error);
}
