/**
 * Measures lists on the hot path, without the network: nanoseconds per operation.
 *
 *      bun src/store/lists.bench.ts
 *
 * Measured on one core of an AMD EPYC, 1000 lists of 100 elements of 128 B, best of many runs: a
 * capped push (LPUSH and LTRIM, a lock each) 290 ns, of which finding and locking the key twice
 * takes 160; a range of 50 elements 2.4 µs; LINDEX 0 120 ns. `ListBench` with small parameters
 * runs
 * in the tests, so that this does not rot.
 */
import { bench, run } from "mitata";
import { ByteBuffer } from "../base/byte-buffer.ts";
import type { Cursor } from "./cursor.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { attachStore, createStore } from "./store.ts";

const KEY_SIZE = 16;
/** Steps from one key to the next, so that neighbours in time are no neighbours in memory. */
const KEY_STRIDE = 7919;
const OPERATIONS_A_BATCH = 1000;

export class ListBench {
  readonly #store = attachStore(createStore({ reserveBytes: RESERVE_SIZE_MIN * 4, workers: 1 }), 0);
  readonly #keys: Buffer;
  readonly #element: Buffer;
  readonly #out = new ByteBuffer(1024 * 1024);
  readonly #keysCount: number;
  readonly #cap: number;
  #turn = 0;
  /** Bytes read so far: shows that the work was done. */
  bytesRead = 0;

  /** Lists of `cap` elements of `size` bytes under `keysCount` keys. */
  constructor(keysCount: number, cap: number, size: number) {
    this.#keysCount = keysCount;
    this.#cap = cap;
    this.#element = Buffer.alloc(size, 120);
    const names = Array.from({ length: keysCount }, (_, i) => `${i}`.padStart(KEY_SIZE, "list:"));
    this.#keys = Buffer.from(names.join(""));
    for (let i = 0; i < keysCount * cap; i++) this.pushCapped();
  }

  #aimNext(): Cursor {
    const cursor = this.#store.cursor(0);
    this.#turn = (this.#turn + KEY_STRIDE) % this.#keysCount;
    cursor.bytes = this.#keys;
    cursor.keyStart = this.#turn * KEY_SIZE;
    cursor.keyLength = KEY_SIZE;
    cursor.hash = this.#store.hash(this.#keys, cursor.keyStart, KEY_SIZE);
    return cursor;
  }

  /** LPUSH and LTRIM 0 cap-1. */
  pushCapped(): void {
    const store = this.#store;
    const cursor = this.#aimNext();
    store.lock(cursor);
    store.pushItem(cursor, true, this.#element, 0, this.#element.length);
    store.unlock(cursor);
    store.lock(cursor);
    if (cursor.itemsCount > this.#cap) store.trimList(cursor, 0, this.#cap - 1);
    store.unlock(cursor);
  }

  /** LRANGE 0 count-1. */
  readRange(count: number): void {
    const store = this.#store;
    const cursor = this.#aimNext();
    do {
      this.#out.length = 0;
      let isThere = store.beginRead(cursor) && store.seekItem(cursor, 0);
      for (let i = 0; isThere && i < count; i++) {
        store.copyItem(cursor, this.#out);
        isThere = store.nextItem(cursor);
      }
    } while (!store.endRead(cursor));
    this.bytesRead += this.#out.length;
  }
}

function times(operation: () => void): () => void {
  return () => {
    for (let i = 0; i < OPERATIONS_A_BATCH; i++) operation();
  };
}

if (import.meta.main) {
  const lists = new ListBench(1000, 100, 128);
  const each = `${OPERATIONS_A_BATCH} times`;
  bench(
    `LPUSH of 128 B and LTRIM 0 99, ${each}`,
    times(() => lists.pushCapped()),
  );
  bench(
    `LRANGE 0 49 of 128 B, ${each}`,
    times(() => lists.readRange(50)),
  );
  bench(
    `LINDEX 0, ${each}`,
    times(() => lists.readRange(1)),
  );
  await run();
  console.log(`checksum ${lists.bytesRead}`);
}
