/**
 * A growable byte buffer in private memory: what is written, in order, and how much of it.
 *
 *      0            length          bytes.length
 *      |  written   |  free space   |
 *
 * Invariant: 0 <= length <= bytes.length. Whoever writes calls `ensure` first and then stores into
 * `bytes` directly; taking bytes back is `length = mark`.
 * `bytes` is replaced when it grows: read the field again after every `ensure`.
 * Not for shared memory: this is what the store copies out to, so that nothing shared reaches a
 * socket.
 */
import { assert } from "./assert.ts";
import { freeBytes } from "./free-bytes.ts";

/**
 * Above this a buffer grows by half instead of doubling, so that a 512 MB reply does not reserve 1
 * GB.
 */
const DOUBLING_SIZE_MAX = 64 * 1024 * 1024;
/** The most bytes that the runtime gives in one piece. */
export const BUFFER_SIZE_MAX = 2 ** 32;

export class ByteBuffer {
  bytes: Buffer;
  length = 0;
  /** What may be written at the most; one piece always fits. */
  sizeMax = BUFFER_SIZE_MAX;
  /**
   * More than `sizeMax` was written: part of it is lost, and the rest is worthless. Nothing is
   * thrown, since who writes may hold locks of the store; the owner looks here when the writing is
   * done, and sets it back.
   */
  isOverflown = false;

  constructor(capacity: number) {
    assert(capacity > 0, `capacity (${capacity}) must be > 0`);
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `extra` more bytes behind `length`. Hot: one comparison when there is room. */
  ensure(extra: number): void {
    if (this.length + extra > this.bytes.length) this.#grow(this.length + extra);
  }

  /** Appends `length` bytes of `source` from `start`. `source` may be shared memory. */
  append(source: Buffer, start: number, length: number): void {
    this.ensure(length);
    source.copy(this.bytes, this.length, start, start + length);
    this.length += length;
  }

  /**
   * Gives memory back after something large went through: the buffer becomes empty, of `capacity`
   * bytes.
   */
  shrink(capacity: number): void {
    this.length = 0;
    if (this.bytes.length <= capacity) return;
    freeBytes(this.bytes);
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  #grow(wanted: number): void {
    const size = this.bytes.length;
    let needed = wanted;
    if (wanted > this.sizeMax) {
      this.isOverflown = true;
      needed = wanted - this.length;
      this.length = 0;
      if (needed <= size) return;
    }
    const larger = size < DOUBLING_SIZE_MAX ? size * 2 : size + (size >>> 1);
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(larger, this.sizeMax)));
    this.bytes.copy(grown, 0, 0, this.length);
    freeBytes(this.bytes);
    this.bytes = grown;
  }
}
