/**
 * The raw RESP driver: one TCP connection that writes encoded requests and counts the replies.
 *
 *      loop ── send(n) ──> encode → write ··· read → count → settle latencies ── onReplies ──> loop
 *
 * It is the same, byte for byte, for every server that speaks RESP2, so that a comparison compares
 * servers and not clients.
 * While the clock runs nothing is allocated here: requests come from the workload's scratch buffer,
 * replies are counted in the buffer that the socket brought.
 * A write may be short: what the kernel did not take is copied to `#rest` and goes out on `drain`,
 * and only then is more encoded, so that one connection holds at most one scratch buffer.
 * Invariant: requestsOpen + requestsToEncode = the requests that the loop gave and that are not
 * answered.
 * Not here: when to send and how much (loop.ts), what the requests are (workloads/).
 */
import { nanoseconds } from "../../base/clock.ts";
import { FatalError, reasonOf } from "../../base/errors.ts";
import type { Histogram } from "../recorder/histogram.ts";
import type { RequestEncoder, RequestVerifier } from "../workloads/requests.ts";
import { ReplyCounter, ReplyKind } from "./reply-counter.ts";
import { SendTimes } from "./send-times.ts";

/**
 * What a connection reports to, and what it needs while a phase runs. One per run, shared by all
 * connections.
 */
export interface ConnectionOwner {
  /** The requests of the phase. */
  encoder: RequestEncoder;
  /** Where latencies go; null when they are not wanted, and then the clock is not read. */
  histogram: Histogram | null;
  /** `count` more requests of `connection` are answered. Hot: once per read. */
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
  verifier: RequestVerifier | null = null;
  /** Written and not answered. */
  requestsOpen = 0;
  /** Given by the loop and not written yet. */
  requestsToEncode = 0;
  bytesWritten = 0;
  bytesRead = 0;
  readonly #owner: ConnectionOwner;
  readonly #times: SendTimes;
  #socket: Bun.Socket<RespConnection> | null = null;
  #rest: Buffer | null = null;
  #restStart = 0;
  #isClosing = false;

  private constructor(owner: ConnectionOwner, requestsMax: number) {
    this.#owner = owner;
    this.#times = new SendTimes(requestsMax);
  }

  /**
   * Connects; at most `requestsMax` requests will be open at a time.
   * Throws FatalError when nobody listens, without a hint: the caller knows the backend.
   */
  static async connect(owner: ConnectionOwner, endpoint: Endpoint, requestsMax: number) {
    const connection = new RespConnection(owner, requestsMax);
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

  /** Starts a phase: counts from zero, and expects what the requests of the phase ask for. */
  reset(verifier: RequestVerifier | null): void {
    const { encoder } = this.#owner;
    this.verifier = verifier;
    this.replies.reset(encoder.replyKind, encoder.replyLength, verifier);
    this.bytesWritten = this.bytesRead = 0;
  }

  /** Sends the next `count` requests of the phase. Hot: once per batch. */
  send(count: number): void {
    this.requestsToEncode += count;
    if (this.#rest === null) this.#encodeAndWrite();
  }

  /**
   * Sends ready-made requests, `count` of them, that each answer with a status (AUTH, SELECT). Not
   * measured.
   */
  sendRaw(bytes: Buffer, count: number): void {
    this.replies.reset(ReplyKind.Status, -1, null);
    this.requestsOpen += count;
    this.#write(bytes, bytes.length);
  }

  close(): void {
    this.#isClosing = true;
    this.#socket?.terminate();
  }

  #encodeAndWrite(): void {
    const { encoder, histogram } = this.#owner;
    while (this.requestsToEncode > 0) {
      const count = Math.min(this.requestsToEncode, encoder.countMax);
      const size = encoder.encode(count, this.verifier);
      this.requestsToEncode -= count;
      this.requestsOpen += count;
      if (histogram !== null) this.#times.push(nanoseconds(), count);
      if (!this.#write(encoder.bytes, size)) return;
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
    this.#encodeAndWrite();
  }

  /** Hot: once per read. The buffer is the socket's and not kept. */
  onData(bytes: Buffer): void {
    const { histogram } = this.#owner;
    const nowNs = histogram === null ? 0 : nanoseconds();
    this.bytesRead += bytes.length;
    const count = this.replies.feed(bytes, 0, bytes.length);
    if (count > 0 && count <= this.requestsOpen) {
      this.requestsOpen -= count;
      if (histogram !== null) this.#times.settle(nowNs, count, histogram);
      this.#owner.onReplies(this, count);
    } else if (count < 0) this.#fail(`the server does not speak RESP: ${this.replies.malformed}`);
    else if (count > 0) this.#fail(`${count} replies came to ${this.requestsOpen} requests`);
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
