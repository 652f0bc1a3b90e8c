/**
 * Request encoder: commands as arrays of bulk strings, appended to one buffer.
 *
 * The client's side of the protocol, for the benchmark (whole batches encoded ahead of their
 * sending) and the tests. Hot use: `begin` once, then one `argument` or `latin1` for each announced
 * argument; nothing checks the count. Not here: what comes back (reader.ts), what is malformed on
 * purpose (tests write raw bytes).
 */
import { ByteBuffer } from "../base/byte-buffer.ts";
import { DIGITS_MAX, writeDecimal } from "./decimal.ts";

/** Type byte, digits, CR, LF. */
const HEADER_SIZE_MAX = 1 + DIGITS_MAX + 2;

/** Strings go out in UTF-8, numbers in decimal, Buffers as they are. */
export type RequestArgument = string | number | bigint | Uint8Array;

export class RequestEncoder extends ByteBuffer {
  /** Starts a request of `argsCount` arguments, the command's name included. */
  begin(argsCount: number): void {
    this.#header(42, argsCount);
  }

  /** One argument: `length` bytes of `source` from `start`. */
  argument(source: Buffer, start: number, length: number): void {
    this.#header(36, length);
    this.append(source, start, length);
    this.#lineEnd();
  }

  /** One argument of latin1 text (one byte per character). */
  latin1(text: string): void {
    this.#header(36, text.length);
    this.ensure(text.length);
    this.bytes.write(text, this.length, "latin1");
    this.length += text.length;
    this.#lineEnd();
  }

  /**
   * A whole request. Not for hot loops: makes the list, and a Buffer per argument that is not one.
   */
  command(...args: readonly RequestArgument[]): void {
    this.begin(args.length);
    for (const arg of args) {
      const bytes = typeof arg === "object" ? Buffer.from(arg) : Buffer.from(String(arg), "utf8");
      this.argument(bytes, 0, bytes.length);
    }
  }

  #header(type: number, count: number): void {
    this.ensure(HEADER_SIZE_MAX);
    this.bytes[this.length] = type;
    this.length = writeDecimal(this.bytes, this.length + 1, count);
    this.#lineEnd();
  }

  #lineEnd(): void {
    this.ensure(2);
    this.bytes[this.length] = 13;
    this.bytes[this.length + 1] = 10;
    this.length += 2;
  }
}

/** One request as a Buffer of its own. */
export function encodeRequest(...args: readonly RequestArgument[]): Buffer {
  const encoder = new RequestEncoder(256);
  encoder.command(...args);
  return encoder.bytes.subarray(0, encoder.length);
}
