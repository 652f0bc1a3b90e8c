/**
 * Reply bytes that a socket has not taken yet. One per connection, empty nearly always.
 *
 *      0        start             end            bytes.length
 *      |  sent  |  to be sent       |  free space  |
 *
 * Invariant: 0 <= start <= end <= bytes.length; nothing to send means no memory is held.
 * How much may wait here, and for how long, is net/connection's to decide.
 */
import { assert } from "../base/assert.ts";
import { freeBytes } from "../base/free-bytes.ts";

export class OutputQueue {
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;

  /** Bytes to be sent. */
  get size(): number {
    return this.end - this.start;
  }

  /** Appends a copy of `length` bytes of `source` from `start`. */
  add(source: Buffer, start: number, length: number): void {
    if (this.end + length > this.bytes.length) this.#makeRoom(length);
    source.copy(this.bytes, this.end, start, start + length);
    this.end += length;
  }

  /**
   * Takes `source` itself over (it will be freed), to send [start, end) of it: no copy. Only into
   * an empty queue.
   */
  adopt(source: Buffer, start: number, end: number): void {
    assert(this.size === 0, `size (${this.size}) must be 0`);
    this.bytes = source;
    this.start = start;
    this.end = end;
  }

  /** The socket took the first `count` bytes. */
  take(count: number): void {
    assert(count <= this.size, `count (${count}) must be <= ${this.size}`);
    this.start += count;
    if (this.start === this.end) this.clear();
  }

  /** Drops everything and gives the memory back. */
  clear(): void {
    freeBytes(this.bytes);
    this.bytes = EMPTY;
    this.start = 0;
    this.end = 0;
  }

  #makeRoom(length: number): void {
    const size = this.size;
    const bytes = Buffer.allocUnsafeSlow(size === 0 ? length : Math.max(size + length, size * 2));
    this.bytes.copy(bytes, 0, this.start, this.end);
    freeBytes(this.bytes);
    this.bytes = bytes;
    this.start = 0;
    this.end = size;
  }
}

const EMPTY = Buffer.allocUnsafeSlow(0);
