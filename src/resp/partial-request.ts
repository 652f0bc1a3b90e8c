/**
 * What is known of a request that has not arrived as a whole: one per connection, filled and read
 * by RequestParser.
 *
 * Without it a request of a million arguments, or a value of 500 MB, would be parsed from its start
 * for every piece that arrives. With it each byte is looked at once, and a piece of a large value
 * costs one comparison.
 *
 *      request:  *3 CRLF $3 CRLF SET CRLF $1 CRLF k CRLF $5000000 CRLF ......
 *                                                                       ^ position: the first
 *                        |-- argsCount = 2 are settled --|                byte not settled
 *
 * All offsets are relative to the request's first byte, so the connection may move the bytes
 * between two calls. Invariant while active: argsCount <= argStart.length, 0 <= position, argsCount
 * < argsExpected once that is known. Memory grows with the arguments that have arrived, never with
 * what a header announces.
 */
import { freeArray } from "../base/free-bytes.ts";

/**
 * Relative offsets of the settled arguments; a connection that never sends in pieces has none of
 * its own.
 */
const NO_ARGS = new Int32Array(0);
const ARGS_CAPACITY_MIN = 16;
/** Above this the arrays are given back when the request is done: 8 KiB per connection may stay. */
const ARGS_CAPACITY_KEPT_MAX = 1024;

export class PartialRequest {
  /** Whether a request has begun: its first byte is the first of the bytes given to `parse`. */
  isActive = false;
  /**
   * Bytes from the request's first one that must be there before parsing can go on; 0 when that is
   * not known. It covers the argument that is arriving, not those after it: a size that a client
   * announces is no reason to reserve it, so an input buffer grows geometrically towards it, and no
   * further than to it.
   */
  neededSize = 0;

  // ---- The parser's own ----
  /** Arguments announced, -1 before the first header is whole. */
  argsExpected = -1;
  argsCount = 0;
  argStart: Int32Array = NO_ARGS;
  argLength: Int32Array = NO_ARGS;
  /** First byte that is not settled: a header, or the contents behind it when bulkLength >= 0. */
  position = 0;
  /** Bytes before this one hold no end of the line that begins at `position`. */
  scanned = 0;
  /**
   * Length of the bulk string whose contents begin at `position`, -1 while its header is expected.
   */
  bulkLength = -1;

  /** Begins a request, or forgets one (a connection that is reused). */
  reset(): void {
    this.isActive = false;
    this.neededSize = 0;
    this.argsExpected = -1;
    this.argsCount = 0;
    this.position = 0;
    this.scanned = 0;
    this.bulkLength = -1;
    if (this.argStart.length > ARGS_CAPACITY_KEPT_MAX) {
      freeArray(this.argStart);
      freeArray(this.argLength);
      this.argStart = NO_ARGS;
      this.argLength = NO_ARGS;
    }
  }

  /** Settles an argument. */
  addArgument(start: number, length: number): void {
    if (this.argsCount === this.argStart.length) this.#grow();
    this.argStart[this.argsCount] = start;
    this.argLength[this.argsCount] = length;
    this.argsCount++;
  }

  #grow(): void {
    const capacity = Math.max(ARGS_CAPACITY_MIN, this.argStart.length * 2);
    this.argStart = grownInt32(this.argStart, capacity);
    this.argLength = grownInt32(this.argLength, capacity);
  }
}

/** `source` with room for `capacity` elements; its own memory is given back. */
export function grownInt32(source: Int32Array, capacity: number): Int32Array {
  const grown = new Int32Array(capacity);
  grown.set(source);
  freeArray(source);
  return grown;
}
