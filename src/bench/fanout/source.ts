/**
 * Where publishers get their messages from: ready-made frames, of which only the header differs.
 *
 *      payload pool ── frame(message) ──> frames        once, before the clock starts
 *      frames ── encode(publisher, count) ──> scratch   copy and patch, for each message
 *
 * What a frame is, the driver knows: a PUBLISH request, a PUB line with its body, a masked
 * WebSocket frame. One scratch buffer serves all publishers of a run.
 */
import { nanoseconds } from "../../base/clock.ts";
import { HEADER_SIZE, writeHeader } from "./message.ts";
import type { PayloadPool } from "./payloads.ts";

/** A message as it goes over the wire. */
export interface Frame {
  bytes: Buffer;
  /** Where the header is in `bytes`. */
  headerAt: number;
  /** The mask of each word of the message; 0 for none. */
  key: number;
}

/** Next to the kernel's own copy this fits the second-level cache. */
const SCRATCH_SIZE_MIN = 128 * 1024;

export class MessageSource {
  /** What `encode` wrote, valid until the next call. */
  readonly bytes: Buffer;
  /** How many messages the last `encode` wrote. */
  encodedCount = 0;
  /** When they went out, by the same call. */
  sentNs = 0;
  /** When the next messages are due; 0 in a closed loop: when they are sent. */
  dueNs = 0;
  /** Messages of each publisher so far. */
  readonly sequences: Int32Array;
  /** Bytes of payloads so far, without headers and framing. */
  payloadBytes = 0;
  readonly #view: DataView;
  readonly #pool: PayloadPool;
  readonly #frames: readonly Frame[];
  #tag = 0;

  constructor(pool: PayloadPool, publishersCount: number, frame: (message: Buffer) => Frame) {
    this.#pool = pool;
    this.#frames = pool.encoded.map((payload) =>
      frame(Buffer.concat([Buffer.alloc(HEADER_SIZE), payload])),
    );
    const sizeMax = Math.max(...this.#frames.map(({ bytes }) => bytes.length));
    this.bytes = Buffer.allocUnsafeSlow(Math.max(SCRATCH_SIZE_MIN, sizeMax));
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    this.sequences = new Int32Array(publishersCount);
  }

  /** Starts a phase: sequence numbers from 0, under another tag. */
  start(tag: number): void {
    this.#tag = tag;
    this.sequences.fill(0);
    this.payloadBytes = this.dueNs = 0;
  }

  /**
   * Writes the next messages of `publisher`, at most `count` and as many as fit, at the start of
   * `bytes`; returns their size. Hot: once per write.
   */
  encode(publisher: number, count: number): number {
    const { bytes } = this;
    this.sentNs = nanoseconds();
    const dueNs = this.dueNs === 0 ? this.sentNs : this.dueNs;
    let sequence = this.sequences[publisher]!;
    let at = 0;
    let done = 0;
    for (; done < count; done++, sequence++) {
      const index = this.#pool.indexOf(publisher, sequence);
      const frame = this.#frames[index]!;
      const size = frame.bytes.length;
      if (at + size > bytes.length) break;
      frame.bytes.copy(bytes, at, 0, size);
      const headerAt = at + frame.headerAt;
      const { key } = frame;
      writeHeader(this.#view, headerAt, key, this.#tag, publisher, sequence, dueNs, this.sentNs);
      this.payloadBytes += this.#pool.encoded[index]!.length;
      at += size;
    }
    this.sequences[publisher] = sequence;
    this.encodedCount = done;
    return at;
  }

  /** The next message of `publisher` in a buffer of its own: for libraries, which keep it. */
  next(publisher: number): Buffer {
    const size = this.encode(publisher, 1);
    return Buffer.from(this.bytes.subarray(0, size));
  }
}

/** A message as it is: for libraries, which do their own framing. */
export function bareFrame(message: Buffer): Frame {
  return { bytes: message, headerAt: 0, key: 0 };
}
