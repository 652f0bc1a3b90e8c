/**
 * Reply writer: what commands say, as RESP bytes in one growing buffer.
 *
 * Sits between the commands and the one write per batch: a handler appends its reply,
 * net/connection sends `bytes[0, length)` when the batch is done. Also what a command takes back:
 * `length = mark` undoes a reply. `resp3` is set from the session before each batch; a method that
 * has two forms picks by it.
 *
 * Invariant: every method appends one complete reply element, except bulkHeader (the caller appends
 * the bytes and `crlf`) and the headers of arrays, maps, sets and pushes (the caller appends the
 * announced elements). Memory is private, so the bytes may go to a socket; sources may be shared
 * memory. Not here: the texts of errors (errors.ts), constant replies as values (replies.ts), what
 * happens to the bytes (net).
 *
 * No method returns anything, and none makes an object or a string, except the cold ones that take
 * text.
 */
import { ByteBuffer } from "../base/byte-buffer.ts";
import { DIGITS_MAX, writeDecimal } from "./decimal.ts";
import { doubleText } from "./double-text.ts";
import {
  REPLY_FALSE,
  REPLY_NULL_ARRAY,
  REPLY_NULL_RESP3,
  REPLY_QUEUED,
  REPLY_TRUE,
} from "./replies.ts";

const enum Byte {
  LineFeed = 10,
  CarriageReturn = 13,
  Plus = 43,
  Minus = 45,
  Colon = 58,
  Dollar = 36,
  Asterisk = 42,
  Percent = 37,
  Tilde = 126,
  Greater = 62,
  Comma = 44,
  Equals = 61,
}

/** Type byte, sign, digits, CR, LF. */
const HEADER_SIZE_MAX = 1 + 1 + DIGITS_MAX + 2;
/**
 * Below this a byte loop is cheaper than Buffer.copy: a bulk of 16 B takes 16 ns, of 24 B 26 ns
 * either way, of 128 B 24 ns, where the copy alone is 17 (writer.bench.ts, values in shared
 * memory).
 */
const COPY_SIZE_MIN = 24;

export class ReplyWriter extends ByteBuffer {
  /** Whether the client asked for RESP3 (HELLO 3). */
  resp3 = false;

  // ---- Simple replies ----

  ok(): void {
    this.ensure(5);
    const bytes = this.bytes;
    const at = this.length;
    bytes[at] = Byte.Plus;
    bytes[at + 1] = 79;
    bytes[at + 2] = 75;
    bytes[at + 3] = Byte.CarriageReturn;
    bytes[at + 4] = Byte.LineFeed;
    this.length = at + 5;
  }

  pong(): void {
    this.ensure(7);
    const bytes = this.bytes;
    const at = this.length;
    bytes[at] = Byte.Plus;
    bytes[at + 1] = 80;
    bytes[at + 2] = 79;
    bytes[at + 3] = 78;
    bytes[at + 4] = 71;
    bytes[at + 5] = Byte.CarriageReturn;
    bytes[at + 6] = Byte.LineFeed;
    this.length = at + 7;
  }

  queued(): void {
    this.raw(REPLY_QUEUED);
  }

  /** A simple string: `text` is latin1; CR and LF become spaces. */
  simple(text: string): void {
    this.#line(Byte.Plus, text);
  }

  /** An error: `text` starts with its code ("ERR ...") and is latin1; CR and LF become spaces. */
  error(text: string): void {
    this.#line(Byte.Minus, text);
  }

  // ---- Numbers ----

  /** An integer reply; `n` is a safe integer. */
  integer(n: number): void {
    this.ensure(HEADER_SIZE_MAX);
    const bytes = this.bytes;
    let at = this.length;
    bytes[at] = Byte.Colon;
    if (n >= 0) {
      at = writeDecimal(bytes, at + 1, n);
    } else {
      bytes[at + 1] = Byte.Minus;
      at = writeDecimal(bytes, at + 2, -n);
    }
    bytes[at] = Byte.CarriageReturn;
    bytes[at + 1] = Byte.LineFeed;
    this.length = at + 2;
  }

  /** An integer reply beyond 2^53; 64 bits, signed. Cold: makes a string. */
  bigInteger(n: bigint): void {
    this.#line(Byte.Colon, n.toString());
  }

  /** RESP3 double; RESP2 bulk string with the same digits. */
  double(x: number): void {
    const text = doubleText(x);
    if (this.resp3) this.#line(Byte.Comma, text);
    else this.bulkText(text);
  }

  /** RESP3 boolean; RESP2 integer 1 or 0. */
  boolean(value: boolean): void {
    if (this.resp3) this.raw(value ? REPLY_TRUE : REPLY_FALSE);
    else this.integer(value ? 1 : 0);
  }

  // ---- Bulk strings ----

  /** A bulk string of `length` bytes of `source` from `start`. `source` may be shared memory. */
  bulk(source: Buffer, start: number, length: number): void {
    this.ensure(length + HEADER_SIZE_MAX + 2);
    const bytes = this.bytes;
    let at = this.length;
    bytes[at] = Byte.Dollar;
    at = writeDecimal(bytes, at + 1, length);
    bytes[at] = Byte.CarriageReturn;
    bytes[at + 1] = Byte.LineFeed;
    at += 2;
    if (length >= COPY_SIZE_MIN) source.copy(bytes, at, start, start + length);
    else for (let i = 0; i < length; i++) bytes[at + i] = source[start + i] as number;
    at += length;
    bytes[at] = Byte.CarriageReturn;
    bytes[at + 1] = Byte.LineFeed;
    this.length = at + 2;
  }

  /** A bulk string of `text` in UTF-8. */
  bulkText(text: string): void {
    const length = Buffer.byteLength(text, "utf8");
    this.bulkHeader(length);
    this.#text(text, length);
  }

  /**
   * A bulk string of `text` in latin1: for what was read from a request with one character per
   * byte.
   */
  bulkLatin1(text: string): void {
    this.bulkHeader(text.length);
    this.ensure(text.length + 2);
    this.bytes.write(text, this.length, "latin1");
    this.length += text.length;
    this.crlf();
  }

  /** `$length` and its line end only: the caller appends `length` bytes and then `crlf`. */
  bulkHeader(length: number): void {
    this.#header(Byte.Dollar, length);
  }

  /** RESP3 verbatim text; RESP2 bulk string. `text` goes out in UTF-8. */
  verbatim(text: string): void {
    if (!this.resp3) {
      this.bulkText(text);
      return;
    }
    const length = Buffer.byteLength(text, "utf8");
    this.#header(Byte.Equals, length + 4);
    this.ensure(4);
    this.bytes.write("txt:", this.length, "latin1");
    this.length += 4;
    this.#text(text, length);
  }

  /** The line end behind the bytes announced by bulkHeader. */
  crlf(): void {
    this.ensure(2);
    const bytes = this.bytes;
    const at = this.length;
    bytes[at] = Byte.CarriageReturn;
    bytes[at + 1] = Byte.LineFeed;
    this.length = at + 2;
  }

  /** Bytes that are RESP already (replies.ts). */
  raw(bytes: Buffer): void {
    this.append(bytes, 0, bytes.length);
  }

  // ---- Nothing ----

  /** A missing value: `$-1` in RESP2, `_` in RESP3. */
  null(): void {
    if (this.resp3) {
      this.raw(REPLY_NULL_RESP3);
      return;
    }
    this.ensure(5);
    const bytes = this.bytes;
    const at = this.length;
    bytes[at] = Byte.Dollar;
    bytes[at + 1] = Byte.Minus;
    bytes[at + 2] = 49;
    bytes[at + 3] = Byte.CarriageReturn;
    bytes[at + 4] = Byte.LineFeed;
    this.length = at + 5;
  }

  /** A missing array: `*-1` in RESP2, `_` in RESP3. */
  nullArray(): void {
    this.raw(this.resp3 ? REPLY_NULL_RESP3 : REPLY_NULL_ARRAY);
  }

  // ---- Aggregates: the caller appends the elements ----

  arrayHeader(count: number): void {
    this.#header(Byte.Asterisk, count);
  }

  /** A map of `pairsCount` pairs; RESP2: an array of twice as many elements. */
  mapHeader(pairsCount: number): void {
    if (this.resp3) this.#header(Byte.Percent, pairsCount);
    else this.#header(Byte.Asterisk, pairsCount * 2);
  }

  setHeader(count: number): void {
    this.#header(this.resp3 ? Byte.Tilde : Byte.Asterisk, count);
  }

  pushHeader(count: number): void {
    this.#header(this.resp3 ? Byte.Greater : Byte.Asterisk, count);
  }

  // ---- Helpers ----

  #header(type: number, count: number): void {
    this.ensure(HEADER_SIZE_MAX);
    const bytes = this.bytes;
    bytes[this.length] = type;
    const at = writeDecimal(bytes, this.length + 1, count);
    bytes[at] = Byte.CarriageReturn;
    bytes[at + 1] = Byte.LineFeed;
    this.length = at + 2;
  }

  /**
   * A line that must stay one line: otherwise a key with a line end in an error would forge a
   * reply.
   */
  #line(type: number, text: string): void {
    this.ensure(text.length + 3);
    const bytes = this.bytes;
    const start = this.length + 1;
    bytes[this.length] = type;
    bytes.write(text, start, "latin1");
    const end = start + text.length;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte === Byte.CarriageReturn || byte === Byte.LineFeed) bytes[i] = 32;
    }
    bytes[end] = Byte.CarriageReturn;
    bytes[end + 1] = Byte.LineFeed;
    this.length = end + 2;
  }

  #text(text: string, length: number): void {
    this.ensure(length + 2);
    this.bytes.write(text, this.length, "utf8");
    this.length += length;
    this.crlf();
  }
}
