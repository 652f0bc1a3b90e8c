/**
 * Cuts a stream of bytes into units (a line, a pushed message, a frame), wherever the reads split
 * it.
 *
 *      read 1   | unit | unit | un          what is not whole is carried over
 *      read 2     it | unit | unit |        and completed first; the rest is taken where it lies
 *
 * A subclass says what a unit is: `take` consumes one whole unit and returns the offset behind it,
 * or sets `needed`, a lower bound of what it must see, and returns `at`. Only so much is copied to
 * what is carried over: the rest of a read is taken where it lies.
 * Memory: nothing while units are whole, else one unit.
 */

const CARRY_SIZE_MIN = 512;
/** What a unit needs at the least before anything is known about it. */
const UNKNOWN_NEED = 1;

export abstract class StreamReader {
  /** What stands in the stream instead of a unit; empty while it is well formed. */
  malformed = "";
  /** Bytes that the unit under way has at the least; more than there were at the last `take`. */
  protected needed = UNKNOWN_NEED;
  #carry: Buffer = Buffer.alloc(0);
  #carried = 0;

  /**
   * Takes one unit from [at, end): the offset behind it, `at` when it is not whole (then `needed`
   * is set), -1 when it is none (then `malformed` is set).
   */
  protected abstract take(bytes: Buffer, at: number, end: number): number;

  /** Takes what one read brought; false when the stream is malformed. Hot: once per read. */
  feed(chunk: Buffer, start = 0): boolean {
    const end = chunk.length;
    let at = start;
    while (this.#carried > 0) {
      at = this.#complete(chunk, at, end);
      if (at < 0) return false;
      if (at === end && this.#carried > 0) return true;
    }
    while (at < end) {
      const behind = this.take(chunk, at, end);
      if (behind < 0) return false;
      if (behind === at) break;
      at = behind;
    }
    if (at < end) this.#append(chunk, at, end);
    return true;
  }

  /** Adds to the carried unit what it is known to lack, and takes it when it is whole. */
  #complete(chunk: Buffer, at: number, end: number): number {
    const upTo = Math.min(end, at + this.needed - this.#carried);
    this.#append(chunk, at, upTo);
    // What looked like one long unit can turn out to be several short ones.
    while (this.#carried > 0 && this.#carried >= this.needed) {
      const behind = this.take(this.#carry, 0, this.#carried);
      if (behind < 0) return -1;
      if (behind === 0) break;
      this.#carry.copy(this.#carry, 0, behind, this.#carried);
      this.#carried -= behind;
      this.needed = UNKNOWN_NEED;
    }
    return upTo;
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const length = this.#carried + end - start;
    if (length > this.#carry.length) {
      // The whole unit at once, as far as its size is known.
      const size = Math.max(CARRY_SIZE_MIN, length, this.needed, this.#carry.length * 2);
      const grown = Buffer.allocUnsafeSlow(size);
      this.#carry.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    chunk.copy(this.#carry, this.#carried, start, end);
    this.#carried = length;
  }
}
