/**
 * The bytes of a request that is not complete yet, from its first byte on. One per connection.
 *
 *      0              length            bytes.length
 *      |  unconsumed    |  free space     |
 *
 * Grows with what really arrived, never with what a request announces. Owns no memory while it is
 * empty and idle, so an idle connection costs nothing here. Most requests never come here:
 * net/connection parses them where they were read. Invariant: 0 <= length <= bytes.length.
 */
import { assert } from "../base/assert.ts";
import { freeBytes } from "../base/free-bytes.ts";
import { INPUT_KEEP_SIZE_MAX, INPUT_SIZE_MIN } from "../base/limits.ts";

/**
 * Above this the buffer grows by half instead of doubling: a 512 MB value must not reserve 1 GB.
 */
const DOUBLING_SIZE_MAX = 64 * 1024 * 1024;

export class InputBuffer {
  bytes: Buffer = EMPTY;
  length = 0;

  /** Appends chunk[from...]. */
  append(chunk: Buffer, from: number): void {
    const needed = this.length + chunk.length - from;
    if (needed > this.bytes.length) this.#grow(needed);
    chunk.copy(this.bytes, this.length, from, chunk.length);
    this.length = needed;
  }

  /** Drops the first `count` bytes: they have been run. */
  discard(count: number): void {
    assert(count <= this.length, `count (${count}) must be <= ${this.length}`);
    if (count === 0) return;
    if (count < this.length) this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
    if (this.length === 0 && this.bytes.length > INPUT_KEEP_SIZE_MAX) this.release();
  }

  /** Gives the memory back; what was in it is lost. */
  release(): void {
    freeBytes(this.bytes);
    this.bytes = EMPTY;
    this.length = 0;
  }

  /** Makes the memory fit what is in it, for a connection that went idle after a larger request. */
  trim(): void {
    if (this.length === 0) this.release();
    else if (this.length * 4 < this.bytes.length && this.bytes.length > INPUT_SIZE_MIN) {
      const length = this.length;
      const fitting = Buffer.allocUnsafeSlow(Math.max(INPUT_SIZE_MIN, length));
      this.bytes.copy(fitting, 0, 0, length);
      freeBytes(this.bytes);
      this.bytes = fitting;
    }
  }

  #grow(needed: number): void {
    const size = this.bytes.length;
    const grown = size < DOUBLING_SIZE_MAX ? size * 2 : size + (size >>> 1);
    const bytes = Buffer.allocUnsafeSlow(Math.max(needed, grown, INPUT_SIZE_MIN));
    this.bytes.copy(bytes, 0, 0, this.length);
    freeBytes(this.bytes);
    this.bytes = bytes;
  }
}

const EMPTY = Buffer.allocUnsafeSlow(0);
