/**
 * Short ways to use a Store in the thread tests: one key at a time, each call a batch of its own or
 * part of one.
 */
import { assert } from "../../src/base/assert.ts";
import { ByteBuffer } from "../../src/base/byte-buffer.ts";
import type { Cursor } from "../../src/store/cursor.ts";
import { STATUS_OK } from "../../src/store/status.ts";
import type { Store } from "../../src/store/store.ts";

export class Actor {
  readonly store: Store;
  readonly out = new ByteBuffer(64 * 1024);

  constructor(store: Store) {
    this.store = store;
  }

  /** Aims the pool's cursor `index` at a key. */
  aim(name: string, index = 0, db = 0): Cursor {
    const cursor = this.store.cursor(index);
    const key = Buffer.from(name);
    cursor.bytes = key;
    cursor.keyStart = 0;
    cursor.keyLength = key.length;
    cursor.hash = this.store.hash(key, 0, key.length);
    cursor.db = db;
    return cursor;
  }

  put(name: string, value: Buffer, length = value.length): void {
    const c = this.aim(name);
    this.store.lock(c);
    assert(this.store.putString(c, value, 0, length, 0) === STATUS_OK, `put of ${name}`);
    this.store.unlock(c);
  }

  /** Removes the key; whether it was there. */
  remove(name: string): boolean {
    const c = this.aim(name);
    const isFound = this.store.lock(c);
    if (isFound) this.store.remove(c);
    this.store.unlock(c);
    return isFound;
  }

  /** Reads a string into `out`; false when the key is missing. */
  get(name: string): boolean {
    const { store, out } = this;
    const c = this.aim(name);
    let isFound: boolean;
    do {
      out.length = 0;
      isFound = store.beginRead(c);
      if (isFound) store.copyValue(c, out, 0, c.valueLength);
    } while (!store.endRead(c));
    return isFound;
  }

  /** The first four bytes of the key's value as a number, -1 when it is missing. */
  getNumber(name: string): number {
    return this.get(name) ? this.out.bytes.readInt32LE(0) : -1;
  }

  putNumber(name: string, value: number): void {
    number.writeInt32LE(value);
    this.put(name, number);
  }
}

const number = Buffer.alloc(4);
