/**
 * Model-based fuzzing of the store, single-threaded: random operations on strings, expiry, several
 * keys and databases, each compared with a Map, invariants checked in between. `bun
 * src/store/store.fuzz.ts --seed=N --steps=N`.
 *
 * Lists have a fuzzer of their own (lists.fuzz.ts), threads too (threads.fuzz.ts).
 */
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte-buffer.ts";
import { clock } from "../base/clock.ts";
import { freshSeed, Prng } from "../base/prng.ts";
import { type Cursor, TYPE_STRING } from "./cursor.ts";
import { checkInvariants } from "./invariants.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { KEEP_EXPIRY, STATUS_OK } from "./status.ts";
import { attachStore, createStore, type Store } from "./store.ts";

interface Entry {
  value: Buffer;
  expiresAtMs: number;
}

/** The slow model: what the store must agree with. */
export class StoreFuzzer {
  readonly store: Store;
  readonly #model = new Map<string, Entry>();
  readonly #out = new ByteBuffer(1024);
  readonly #prng: Prng;
  readonly #keys: Buffer[];
  readonly #databases: number;

  constructor(seed: number, keysCount: number, databases = 2) {
    this.#prng = new Prng(seed);
    this.#databases = databases;
    this.store = attachStore(createStore({ reserveBytes: RESERVE_SIZE_MIN * 2, workers: 1 }), 0);
    this.#keys = Array.from({ length: keysCount }, (_, i) => this.#makeKey(i));
  }

  #makeKey(i: number): Buffer {
    const tail = this.#prng.below(8) === 0 ? this.#prng.below(300) : this.#prng.below(20);
    const key = Buffer.alloc(4 + tail, i & 255);
    key.writeInt32LE(i);
    return key;
  }

  /** One random operation. Throws AssertionError when the store and the model differ. */
  step(): void {
    const prng = this.#prng;
    this.store.enterBatch();
    const choice = prng.below(100);
    if (choice < 30) this.#put();
    else if (choice < 45) this.#get();
    else if (choice < 58) this.#remove();
    else if (choice < 66) this.#append();
    else if (choice < 73) this.#writeRange();
    else if (choice < 80) this.#expire();
    else if (choice < 88) this.#rename();
    else if (choice < 92) this.#copy();
    else if (choice < 95) this.#readRange();
    else if (choice < 97) this.#passTime();
    else this.#upkeep();
    this.store.leaveBatch();
  }

  #upkeep(): void {
    this.store.leaveBatch();
    this.store.upkeep(1);
    this.store.enterBatch();
  }

  #aim(cursor: Cursor): string {
    const key = this.#keys[this.#prng.below(this.#keys.length)] as Buffer;
    const db = this.#prng.below(this.#databases);
    cursor.bytes = key;
    cursor.keyStart = 0;
    cursor.keyLength = key.length;
    cursor.hash = this.store.hash(key, 0, key.length);
    cursor.db = db;
    return `${db}${key.toString("latin1")}`;
  }

  #modelOf(name: string): Entry | undefined {
    const entry = this.#model.get(name);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > 0 && entry.expiresAtMs <= clock.nowMs) {
      this.#model.delete(name);
      return undefined;
    }
    return entry;
  }

  #value(): Buffer {
    const kind = this.#prng.below(100);
    let size = this.#prng.below(200);
    if (kind > 60) size = this.#prng.below(3000);
    if (kind > 92) size = this.#prng.below(70_000);
    if (kind > 98) size = this.#prng.below(400_000);
    const value = Buffer.allocUnsafe(size);
    let word = this.#prng.int32();
    for (let i = 0; i < size; i++) {
      value[i] = word;
      word = Math.imul(word, 0x01000193) ^ (word >>> 11);
    }
    return value;
  }

  #expiry(): number {
    return this.#prng.below(3) === 0 ? clock.nowMs + 1 + this.#prng.below(50) : 0;
  }

  #put(): void {
    const { store } = this;
    const c = store.cursor(0);
    const name = this.#aim(c);
    const before = this.#modelOf(name);
    const value = this.#value();
    const expiry = this.#prng.below(4) === 0 ? KEEP_EXPIRY : this.#expiry();
    assert(store.lock(c) === (before !== undefined), "lock finds what the model has");
    assert(store.putString(c, value, 0, value.length, expiry) === STATUS_OK, "put");
    store.unlock(c);
    const expiresAtMs = expiry === KEEP_EXPIRY ? (before?.expiresAtMs ?? 0) : expiry;
    this.#model.set(name, { value, expiresAtMs });
  }

  #get(): void {
    const c = this.store.cursor(0);
    this.#compare(c, this.#aim(c));
  }

  /** Reads the whole key through the optimistic path and compares. */
  #compare(c: Cursor, name: string): void {
    const { store } = this;
    const entry = this.#modelOf(name);
    const out = this.#out;
    let isFound = false;
    do {
      out.length = 0;
      isFound = store.beginRead(c);
      if (isFound) store.copyValue(c, out, 0, c.valueLength);
    } while (!store.endRead(c));
    assert(isFound === (entry !== undefined), `found (${isFound}) as in the model`);
    if (entry === undefined) return;
    assert(c.type === TYPE_STRING, "a string");
    assert(
      c.expiresAtMs === entry.expiresAtMs,
      `expiry ${c.expiresAtMs}, model ${entry.expiresAtMs}`,
    );
    assert(out.length === entry.value.length, `length ${out.length}, model ${entry.value.length}`);
    assert(entry.value.compare(out.bytes, 0, out.length) === 0, "the value is the model's");
  }

  #remove(): void {
    const { store } = this;
    const c = store.cursor(0);
    const name = this.#aim(c);
    const isThere = this.#modelOf(name) !== undefined;
    assert(store.lock(c) === isThere, "remove finds what the model has");
    if (isThere) store.remove(c);
    store.unlock(c);
    this.#model.delete(name);
  }

  #append(): void {
    const { store } = this;
    const c = store.cursor(0);
    const name = this.#aim(c);
    const entry = this.#modelOf(name);
    const piece = this.#value();
    if (store.lock(c) && entry !== undefined) {
      assert(store.appendString(c, piece, 0, piece.length) === STATUS_OK, "append");
      assert(c.valueLength === entry.value.length + piece.length, "length after append");
      entry.value = Buffer.concat([entry.value, piece]);
    }
    store.unlock(c);
  }

  #writeRange(): void {
    const { store } = this;
    const c = store.cursor(0);
    const name = this.#aim(c);
    const entry = this.#modelOf(name);
    const piece = this.#value();
    if (store.lock(c) && entry !== undefined && piece.length > 0) {
      const at = this.#prng.below(entry.value.length * 2 + 100);
      assert(store.writeRange(c, at, piece, 0, piece.length) === STATUS_OK, "write range");
      const grown = Buffer.alloc(Math.max(entry.value.length, at + piece.length));
      entry.value.copy(grown);
      piece.copy(grown, at);
      entry.value = grown;
    }
    store.unlock(c);
  }

  #expire(): void {
    const { store } = this;
    const c = store.cursor(0);
    const name = this.#aim(c);
    const entry = this.#modelOf(name);
    if (store.lock(c) && entry !== undefined) {
      entry.expiresAtMs = this.#expiry();
      assert(store.setExpiry(c, entry.expiresAtMs) === STATUS_OK, "set expiry");
    }
    store.unlock(c);
  }

  #rename(): void {
    const { store } = this;
    const from = store.cursor(0);
    const to = store.cursor(1);
    const fromName = this.#aim(from);
    const toName = this.#aim(to);
    const entry = this.#modelOf(fromName);
    this.#modelOf(toName);
    store.lockAll(2);
    if (entry !== undefined && fromName !== toName) {
      assert(store.rename(from, to) === STATUS_OK, "rename");
      this.#model.delete(fromName);
      this.#model.set(toName, entry);
    }
    store.unlockAll(2);
    this.#compare(to, toName);
  }

  #copy(): void {
    const { store } = this;
    const from = store.cursor(0);
    const to = store.cursor(1);
    const fromName = this.#aim(from);
    const toName = this.#aim(to);
    const entry = this.#modelOf(fromName);
    const target = this.#modelOf(toName);
    store.lockAll(2);
    if (entry !== undefined && target === undefined) {
      assert(store.copyTo(from, to) === STATUS_OK, "copy");
      this.#model.set(toName, { value: entry.value, expiresAtMs: entry.expiresAtMs });
    }
    store.unlockAll(2);
    this.#compare(to, toName);
  }

  #readRange(): void {
    const { store } = this;
    const c = store.cursor(0);
    const entry = this.#modelOf(this.#aim(c));
    if (entry === undefined) return;
    const from = this.#prng.below(entry.value.length + 1);
    const length = this.#prng.below(entry.value.length + 10);
    do {
      this.#out.length = 0;
      if (store.beginRead(c)) store.copyValue(c, this.#out, from, length);
    } while (!store.endRead(c));
    const wanted = entry.value.subarray(from, from + length);
    assert(wanted.compare(this.#out.bytes, 0, this.#out.length) === 0, "the range is the model's");
  }

  #passTime(): void {
    clock.nowMs += this.#prng.below(20);
    this.store.memory.nowMs = clock.nowMs;
  }

  /** Compares every key and walks the whole store. */
  check(): void {
    const { store } = this;
    store.enterBatch();
    const c = store.cursor(0);
    for (const name of [...this.#model.keys()]) {
      const key = Buffer.from(name.slice(1), "latin1");
      c.bytes = key;
      c.keyStart = 0;
      c.keyLength = key.length;
      c.hash = store.hash(key, 0, key.length);
      c.db = Number(name[0]);
      this.#compare(c, name);
    }
    this.#checkScan();
    checkInvariants(store.memory);
    store.leaveBatch();
  }

  /** A scan finds every live key exactly once while nothing changes. */
  #checkScan(): void {
    const { store } = this;
    for (let db = 0; db < this.#databases; db++) {
      const seen = new Set<string>();
      let position = 0;
      do {
        position = store.scanStep(db, position);
        const { scanned } = store;
        for (let i = 0; i < scanned.count; i++) {
          const at = scanned.start[i] as number;
          const name = scanned.keys.bytes.toString(
            "latin1",
            at,
            at + (scanned.length[i] as number),
          );
          assert(!seen.has(name), "a key is visited once");
          seen.add(name);
        }
      } while (position !== 0);
      const live = [...this.#model.keys()].filter((name) => this.#modelOf(name) !== undefined);
      const wanted = live.filter((name) => Number(name[0]) === db).length;
      assert(seen.size === wanted, `scan found ${seen.size} keys, model has ${wanted}`);
    }
  }
}

/** Runs `steps` operations from a seed, checking everything now and then. */
export function fuzzStore(seed: number, steps: number, keysCount: number): void {
  const fuzzer = new StoreFuzzer(seed, keysCount);
  for (let i = 1; i <= steps; i++) {
    fuzzer.step();
    if (i % 2000 === 0) fuzzer.check();
  }
  fuzzer.check();
}

if (import.meta.main) {
  const option = (name: string, or: number) =>
    Number(process.argv.find((word) => word.startsWith(`--${name}=`))?.split("=")[1] ?? or);
  const seed = option("seed", freshSeed());
  const steps = option("steps", 100_000);
  process.stdout.write(`store.fuzz: seed ${seed}, ${steps} steps\n`);
  fuzzStore(seed, steps, option("keys", 500));
}
