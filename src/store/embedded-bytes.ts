/**
 * Keys and values of the embedded store, as its callers give them: bytes, or text that stands for
 * its UTF-8.
 */
import { UsageError } from "../base/errors.ts";

/** A key or a value. */
export type Bytes = string | Uint8Array;

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
