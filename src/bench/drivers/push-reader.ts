/**
 * Reads what a server pushes to a subscriber of one channel, without building any object: messages
 * of a known beginning, and lines between them. RESP2 and NATS are both of this kind:
 *
 *      *3 ⏎ $7 ⏎ message ⏎ $11 ⏎ bench:fan:1 ⏎ $   160 ⏎   <160 bytes> ⏎
 *      MSG bench.fan.1 1                           160 ⏎   <160 bytes> ⏎
 *      |<------------- prefix --------------->|    size        message
 *
 * Everything else is lines: errors, PING, the confirmation of SUBSCRIBE, replies of a publisher
 * (which has no prefix: null).
 * Three bytes of the prefix decide, since there is only one channel on the connection; a message
 * must also end with CRLF, and its header is checked behind this.
 * Limits: LINE_SIZE_MAX, MESSAGE_SIZE_MAX.
 */
import { assert } from "../../base/assert.ts";
import { StreamReader } from "./stream-reader.ts";

/** Longer than any INFO of a NATS server with its cluster's addresses. */
const LINE_SIZE_MAX = 64 * 1024;
/** Twice what Redis takes. */
const MESSAGE_SIZE_MAX = 1024 * 1024 * 1024;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const ZERO = 48;
/** Where a RESP push says `message` or `subscribe`. */
const KIND_AT = 8;

export interface PushSink {
  /** The message [at, at + size). The bytes are the socket's and not kept. */
  onMessage(bytes: Buffer, at: number, size: number): void;
  /** A line [start, end), without its CRLF. */
  onLine(bytes: Buffer, start: number, end: number): void;
}

export class PushReader extends StreamReader {
  readonly #sink: PushSink;
  readonly #prefix: Buffer | null;

  constructor(prefix: string | null, sink: PushSink) {
    super();
    assert(prefix === null || prefix.length > KIND_AT, `prefix too short (${prefix})`);
    this.#prefix = prefix === null ? null : Buffer.from(prefix, "latin1");
    this.#sink = sink;
  }

  protected take(bytes: Buffer, at: number, end: number): number {
    const prefix = this.#prefix;
    if (prefix === null || bytes[at] !== prefix[0]) return this.#takeLine(bytes, at, end);
    const sizeAt = at + prefix.length;
    if (sizeAt > end) {
      this.needed = prefix.length;
      return at;
    }
    const isMessage =
      bytes[at + KIND_AT] === prefix[KIND_AT] && bytes[sizeAt - 1] === prefix[prefix.length - 1];
    return isMessage ? this.#takeMessage(bytes, at, sizeAt, end) : this.#takeLine(bytes, at, end);
  }

  #takeMessage(bytes: Buffer, at: number, sizeAt: number, end: number): number {
    let size = 0;
    let cursor = sizeAt;
    for (; cursor < end; cursor++) {
      const digit = bytes[cursor]! - ZERO;
      if (digit < 0 || digit > 9) break;
      size = size * 10 + digit;
    }
    if (size > MESSAGE_SIZE_MAX) return this.#fail(`a message of ${size} bytes`);
    if (cursor === end) {
      this.needed = end - at + 1;
      return at;
    }
    if (cursor === sizeAt || bytes[cursor] !== CARRIAGE_RETURN) {
      return this.#fail("a message without its size");
    }
    const start = cursor + 2;
    const behind = start + size + 2;
    if (behind > end) {
      this.needed = behind - at;
      return at;
    }
    if (bytes[behind - 2] !== CARRIAGE_RETURN || bytes[behind - 1] !== LINE_FEED) {
      return this.#fail("a message that does not end where it should");
    }
    this.#sink.onMessage(bytes, start, size);
    return behind;
  }

  #takeLine(bytes: Buffer, at: number, end: number): number {
    const feed = bytes.indexOf(LINE_FEED, at);
    if (feed < 0 || feed >= end) {
      if (end - at > LINE_SIZE_MAX) return this.#fail(`a line of more than ${LINE_SIZE_MAX} bytes`);
      this.needed = end - at + 1;
      return at;
    }
    const isCrLf = feed > at && bytes[feed - 1] === CARRIAGE_RETURN;
    this.#sink.onLine(bytes, at, isCrLf ? feed - 1 : feed);
    return feed + 1;
  }

  #fail(what: string): number {
    this.malformed = what;
    return -1;
  }
}
