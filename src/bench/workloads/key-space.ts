/**
 * The numbers that grow while a run lasts: keys that are inserted, values that are pushed.
 *
 *      0 … filledCount - 1 | filledCount …            inserted keys, each number once
 *      there before          acknowledged | sent
 *
 * Of the inserted keys only those are read whose insert has been answered, with all before them, as
 * in YCSB: a read that overtakes its insert on another connection would count as a miss of the
 * server. With several load processes each numbers every so-manieth key.
 * One per session: what a phase inserts, the next one does not insert again.
 */
import { KEYS_COUNT_MAX } from "./simple.ts";

export class KeySpace {
  readonly filledCount: number;
  readonly #worker: number;
  readonly #workersCount: number;
  #insertsSent = 0;
  #insertsAnswered = 0;
  #pushes = 0;
  /** Answered before an earlier one. */
  readonly #early = new Set<number>();

  /** `worker` counts from 0. */
  constructor(filledCount: number, worker: number, workersCount: number) {
    this.filledCount = filledCount;
    this.#worker = worker;
    this.#workersCount = workersCount;
  }

  /** Keys that can be read: those that were filled, and those whose insert is answered. */
  get count(): number {
    return this.filledCount + this.#insertsAnswered;
  }

  /** The key number of the `index`-th key (< count) in the order of insertion. */
  keyAt(index: number): number {
    return index < this.filledCount ? index : this.#insertedKey(index - this.filledCount);
  }

  /** The key that is inserted next. */
  insert(): number {
    return this.#insertedKey(this.#insertsSent++);
  }

  /** The insert of `key` is answered. */
  answered(key: number): void {
    const index = (key - this.filledCount - this.#worker) / this.#workersCount;
    if (index !== this.#insertsAnswered) {
      this.#early.add(index);
      return;
    }
    this.#insertsAnswered++;
    while (this.#early.delete(this.#insertsAnswered)) this.#insertsAnswered++;
  }

  /** The number of the value that is pushed next: rising, and another one in each process. */
  push(): number {
    return (this.#pushes++ * this.#workersCount + this.#worker) % KEYS_COUNT_MAX;
  }

  #insertedKey(index: number): number {
    const key = this.filledCount + index * this.#workersCount + this.#worker;
    if (key > KEYS_COUNT_MAX) throw new RangeError(`more than ${KEYS_COUNT_MAX} keys`);
    return key;
  }
}
