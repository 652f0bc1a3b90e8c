/**
 * Acknowledgements that wait: replies to changes that are not as durable yet as the reply promises.
 *
 * A connection asks `mustHold` before it sends what a batch has written, and if so hands the bytes
 * over; other connections go on. All that wait are released together by the flush that covers them:
 * that is group commit. The bytes of all of them lie in one buffer: nothing is allocated for each.
 */
import { ByteBuffer } from "../base/byte-buffer.ts";
import type { Durability } from "../store/durability.ts";
import type { Store } from "../store/store.ts";

function endOfTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}

/** Who waits. */
export interface Held {
  /** Bytes [start, end) of `bytes`, which are its oldest held ones, may be sent now. */
  release(bytes: Buffer, start: number, end: number): void;
}

/** The buffer as it starts, and what it goes back to when it is empty. */
const BUFFER_SIZE = 64 * 1024;
/** Released entries that stay in front of those that wait. */
const RELEASED_MAX = 256;

export class Acknowledgements {
  readonly #store: Store;
  readonly #durability: Durability;
  readonly #bytes = new ByteBuffer(BUFFER_SIZE);
  // ---- Those who wait, in the order of their stamps: a queue in arrays ----
  readonly #connections: Held[] = [];
  readonly #stamps: number[] = [];
  readonly #ends: number[] = [];
  #first = 0;
  #isWaiting = false;

  constructor(store: Store, durability: Durability) {
    this.#store = store;
    this.#durability = durability;
  }

  /** Stamp of what the last batch has changed, 0 for nothing. Hot: once per batch. */
  writtenStamp(): number {
    return this.#store.writtenStamp();
  }

  mustHold(stamp: number): boolean {
    return this.#durability.mustHold(stamp);
  }

  /** Keeps `length` bytes until changes up to `stamp` may be acknowledged to `connection`. */
  hold(connection: Held, stamp: number, bytes: Buffer, length: number): void {
    this.#bytes.append(bytes, 0, length);
    this.#connections.push(connection);
    this.#stamps.push(stamp);
    this.#ends.push(this.#bytes.length);
    if (!this.#isWaiting) void this.#wait();
  }

  async #wait(): Promise<void> {
    this.#isWaiting = true;
    while (this.#connections.length > 0) {
      // What this turn of the event loop still reads shall be in the same flush.
      await endOfTurn();
      await this.#durability.nextChance();
      this.#release();
    }
    this.#isWaiting = false;
  }

  /** Someone can come back at once with a next request, and be held again behind the rest. */
  #release(): void {
    const count = this.#connections.length;
    let start = this.#first === 0 ? 0 : (this.#ends[this.#first - 1] as number);
    while (this.#first < count) {
      const i = this.#first;
      if (this.mustHold(this.#stamps[i] as number)) break;
      const end = this.#ends[i] as number;
      this.#first = i + 1;
      (this.#connections[i] as Held).release(this.#bytes.bytes, start, end);
      start = end;
    }
    if (this.#first === this.#connections.length) this.#clear();
    else if (this.#first > RELEASED_MAX) this.#compact();
  }

  /** Drops what was released: under a steady load there is always somebody who waits. */
  #compact(): void {
    const from = this.#ends[this.#first - 1] as number;
    this.#bytes.bytes.copyWithin(0, from, this.#bytes.length);
    this.#bytes.length -= from;
    this.#connections.splice(0, this.#first);
    this.#stamps.splice(0, this.#first);
    this.#ends.splice(0, this.#first);
    for (let i = 0; i < this.#ends.length; i++) this.#ends[i] = (this.#ends[i] as number) - from;
    this.#first = 0;
  }

  #clear(): void {
    this.#connections.length = 0;
    this.#stamps.length = 0;
    this.#ends.length = 0;
    this.#first = 0;
    this.#bytes.length = 0;
    if (this.#bytes.bytes.length > BUFFER_SIZE) this.#bytes.shrink(BUFFER_SIZE);
  }
}
