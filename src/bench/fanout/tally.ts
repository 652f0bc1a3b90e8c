/**
 * Who got what: every delivery of every publisher's messages to every subscriber, checked by
 * sequence number.
 *
 *      next = 7           5 came: known, a duplicate       7 came: in order
 *      missing = [3, 4)   3 came: late, out of order       9 came: in order but for a gap [7, 9)
 *
 * A delivery counts once, however late. What is missing is kept as ranges, since losses come in
 * runs: a subscriber that was left out for a million messages has one range.
 * Limits: RANGES_MAX ranges per pair; beyond it the oldest is forgotten, and what comes of it later
 * counts as a duplicate.
 * Invariant: delivered + gaps = the sum of `next` over all pairs.
 */
import { assert } from "../../base/assert.ts";

const RANGES_MAX = 100_000;

interface Range {
  start: number;
  end: number;
}

export class DeliveryTally {
  /** Messages delivered, each once per subscriber. */
  delivered = 0;
  /** Messages that a subscriber has not seen although later ones of the same publisher came. */
  gaps = 0;
  outOfOrder = 0;
  duplicates = 0;
  /** Of `delivered`, by subscriber. */
  readonly deliveredTo: Float64Array;
  readonly #publishersCount: number;
  /** By subscriber, then publisher: the sequence number that comes next. */
  readonly #next: Int32Array;
  readonly #missing = new Map<number, Range[]>();

  constructor(subscribersCount: number, publishersCount: number) {
    this.#publishersCount = publishersCount;
    this.deliveredTo = new Float64Array(subscribersCount);
    this.#next = new Int32Array(subscribersCount * publishersCount);
  }

  /** Forgets everything: a new phase begins. */
  reset(): void {
    this.delivered = this.gaps = this.outOfOrder = this.duplicates = 0;
    this.deliveredTo.fill(0);
    this.#next.fill(0);
    this.#missing.clear();
  }

  /** Counts a delivery; false when the subscriber had it already. Hot: once per delivery. */
  count(subscriber: number, publisher: number, sequence: number): boolean {
    const pair = subscriber * this.#publishersCount + publisher;
    const next = this.#next[pair]!;
    if (sequence === next) {
      this.#next[pair] = next + 1;
    } else if (sequence > next) {
      this.#noteGap(pair, next, sequence);
      this.#next[pair] = sequence + 1;
    } else if (!this.#fill(pair, sequence)) {
      this.duplicates++;
      return false;
    }
    this.delivered++;
    this.deliveredTo[subscriber]!++;
    return true;
  }

  #noteGap(pair: number, start: number, end: number): void {
    this.gaps += end - start;
    const ranges = this.#missing.get(pair);
    if (ranges === undefined) {
      this.#missing.set(pair, [{ start, end }]);
      return;
    }
    ranges.push({ start, end });
    if (ranges.length > RANGES_MAX) ranges.shift();
  }

  /** Takes `sequence` out of what is missing; false when it is not. */
  #fill(pair: number, sequence: number): boolean {
    const ranges = this.#missing.get(pair) ?? [];
    // What is late is mostly only just late.
    const index = ranges.findLastIndex(({ start, end }) => start <= sequence && sequence < end);
    const range = ranges[index];
    if (range === undefined) return false;
    const { start, end } = range;
    const parts = [
      { start, end: sequence },
      { start: sequence + 1, end },
    ];
    ranges.splice(index, 1, ...parts.filter((part) => part.start < part.end));
    this.gaps--;
    this.outOfOrder++;
    return true;
  }

  invariants(): void {
    let seen = 0;
    for (const next of this.#next) seen += next;
    assert(seen === this.delivered + this.gaps, `${seen} seen, ${this.delivered} + ${this.gaps}`);
    const sum = this.deliveredTo.reduce((total, count) => total + count, 0);
    assert(sum === this.delivered, `${sum} by subscriber, ${this.delivered} in all`);
  }
}
