/**
 * Keys and values of the embedded store on their way in and out: strings become bytes, and what
 * comes back is a private copy.
 */
import type { ByteBuffer } from "../base/byte-buffer.ts";
import { UsageError } from "../base/errors.ts";

/** A key or a value. */
export type Bytes = string | Uint8Array;

/** A private copy of bytes [start, end). */
export function copyOf(source: ByteBuffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  source.bytes.copy(copy, 0, start, end);
  return copy;
}

/** Turns keys and values into Buffers: strings are encoded into one that is reused. */
export class Scratch {
  #buffer = Buffer.allocUnsafeSlow(1024);
  readonly #piece = { bytes: this.#buffer, start: 0, length: 0 };

  /**
   * Where the bytes are: valid until the next call. Throws UsageError when there are more than
   * `sizeMax`.
   */
  take(
    source: Bytes,
    what: string,
    sizeMax: number,
  ): { readonly bytes: Buffer; readonly start: number; readonly length: number } {
    const piece = this.#piece;
    if (typeof source === "string") {
      // A character takes at most three bytes of UTF-8.
      if (source.length * 3 > this.#buffer.length) {
        this.#buffer = Buffer.allocUnsafeSlow(source.length * 3);
      }
      piece.bytes = this.#buffer;
      piece.length = this.#buffer.write(source, 0, "utf8");
    } else if (source instanceof Buffer) {
      // No view of it: that costs 45 ns, and gives every small Buffer an ArrayBuffer of its own.
      piece.bytes = source;
      piece.length = source.length;
    } else {
      piece.bytes = Buffer.from(source.buffer as ArrayBuffer, source.byteOffset, source.byteLength);
      piece.length = source.byteLength;
    }
    if (piece.length > sizeMax) {
      throw new UsageError(`${what}: ${piece.length} bytes are more than ${sizeMax}`);
    }
    return piece;
  }
}
