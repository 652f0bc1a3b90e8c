/**
 * One TCP connection of a fan-out driver: bytes out, also when the kernel takes only some of them,
 * and bytes in, to a handler.
 *
 *      write ──> socket            nothing waits: straight to the kernel
 *      write ──> #rest ──> socket  the rest of a short write, and what comes behind it, on drain
 *
 * Whoever can wait looks at `isBlocked` first and goes on at `onWritable`; then #rest holds one
 * write at the most.
 * Not here: what the bytes mean.
 */
import { ByteBuffer } from "../../base/byte-buffer.ts";
import { FatalError, reasonOf } from "../../base/errors.ts";
import type { Endpoint } from "./resp-connection.ts";

const REST_SIZE_MIN = 4096;

export interface WireHandler {
  /** What one read brought; the buffer is the socket's and not kept. */
  onBytes(bytes: Buffer): void;
  /** Everything that was written is with the kernel again. */
  onWritable(): void;
  /** The other side has closed, or the connection broke. Called once, and not after `close`. */
  onClosed(reason: string): void;
}

export class Wire {
  bytesOut = 0;
  bytesIn = 0;
  /** The kernel did not take everything yet. */
  isBlocked = false;
  readonly #handler: WireHandler;
  #socket: Bun.Socket<Wire> | null = null;
  #rest: ByteBuffer | null = null;
  #restStart = 0;
  #isClosed = false;

  private constructor(handler: WireHandler) {
    this.#handler = handler;
  }

  /** Throws FatalError, without a hint, when nobody listens there. */
  static async connect({ host, port }: Endpoint, handler: WireHandler): Promise<Wire> {
    const wire = new Wire(handler);
    try {
      wire.#socket = await Bun.connect<Wire>({
        hostname: host,
        port,
        data: wire,
        socket: HANDLERS,
      });
    } catch (error) {
      const [reason, hint] = connectReason(error);
      throw new FatalError(`Cannot connect to ${host}:${port}: ${reason}`, hint);
    }
    return wire;
  }

  /** Sends the first `size` bytes, now or as soon as the kernel takes them. */
  write(bytes: Buffer, size: number): void {
    if (this.#isClosed) return;
    this.bytesOut += size;
    const written = this.isBlocked ? 0 : this.#socket!.write(bytes, 0, size);
    if (written === size) return;
    this.isBlocked = true;
    this.#rest ??= new ByteBuffer(REST_SIZE_MIN);
    // A negative number says that the connection is gone: its end is reported by itself.
    const start = Math.max(0, written);
    this.#rest.append(bytes, start, size - start);
  }

  /** Closes without a word to the handler. */
  close(): void {
    this.#isClosed = true;
    this.#socket?.terminate();
  }

  /** Closes after what was written before has gone out, without a word to the handler. */
  end(): void {
    this.#isClosed = true;
    this.#socket?.end();
  }

  onData(bytes: Buffer): void {
    if (this.#isClosed) return;
    this.bytesIn += bytes.length;
    this.#handler.onBytes(bytes);
  }

  onDrain(): void {
    const rest = this.#rest;
    if (rest === null || !this.isBlocked || this.#isClosed) return;
    const left = rest.length - this.#restStart;
    const written = Math.max(0, this.#socket!.write(rest.bytes, this.#restStart, left));
    this.#restStart += written;
    if (written < left) return;
    rest.shrink(REST_SIZE_MIN);
    this.#restStart = 0;
    this.isBlocked = false;
    this.#handler.onWritable();
  }

  onClosed(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#handler.onClosed(reason);
  }
}

/** One set of handlers for all connections; the wire is the socket's data. */
const HANDLERS: Bun.SocketHandler<Wire> = {
  data: (socket, bytes) => socket.data.onData(bytes),
  drain: (socket) => socket.data.onDrain(),
  close: (socket) => socket.data.onClosed("the server closed the connection"),
  end: (socket) => socket.data.onClosed("the server closed the connection"),
  error: (socket, error) => socket.data.onClosed(reasonOf(error)),
};

/** Why, and what helps where that is known. */
function connectReason(error: unknown): [reason: string, hint?: string] {
  switch (error instanceof Error ? (error as { code?: unknown }).code : undefined) {
    case "ECONNREFUSED":
      return ["connection refused"];
    case "EADDRNOTAVAIL":
      return [
        "no local port is free (28,000 to one address on Linux)",
        "fewer connections, or for WebSockets --ws-multi-ip",
      ];
    default:
      return [reasonOf(error)];
  }
}
