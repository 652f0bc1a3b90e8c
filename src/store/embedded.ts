/**
 * The store as a library: a map for Bun programs that all their Workers share, outside the
 * garbage-collected heap.
 *
 *     import { openStore } from "kv";                    // the thread that opens it
 *     const store = openStore({ memory: 1024 ** 3 });
 *     store.set("greeting", "hello");
 *     new Worker("./worker.ts").postMessage(store.handle);
 *
 *     import { attach } from "kv";                       // worker.ts
 *     self.onmessage = (event) => console.log(attach(event.data).getText("greeting"));
 *
 * Keys and values are bytes; a string stands for its UTF-8. Every call is atomic to all other
 * threads, and synchronous. What comes back is a private copy. Keys are at most KEY_SIZE_MAX bytes,
 * values STRING_SIZE_MAX.
 *
 * With `dir` it is kept on disk and comes back at the next opening, as `persist` says; without, it
 * is gone when the program ends. Expired keys and the nodes of removed large values are freed by
 * the thread that opened the store, as long as its event loop turns. The collector counts the
 * reserved memory as part of the heap: a program that makes much garbage may call Bun.gc().
 */
import { resolve } from "node:path";
import { ByteBuffer } from "../base/byte-buffer.ts";
import { clock } from "../base/clock.ts";
import { UsageError } from "../base/errors.ts";
import { type Cursor, TYPE_LIST, TYPE_NONE, TYPE_STRING } from "./cursor.ts";
import type { DurabilityFacts } from "./durability.ts";
import { attachAny } from "./durable-store.ts";
import { type Bytes, copyOf, Scratch } from "./embedded-bytes.ts";
import { wantNoBatch, wantRoom, wantType } from "./embedded-errors.ts";
import { EmbeddedLog } from "./embedded-log.ts";
import { EVICT_ALL_LRU, EVICT_ALL_RANDOM, EVICT_NONE, EVICT_VOLATILE_TTL } from "./eviction.ts";
import {
  CONTROL_ATTACHED,
  CONTROL_MAGIC,
  CONTROL_WORKERS,
  KEY_SIZE_MAX,
  MAGIC,
  STRING_SIZE_MAX,
} from "./layout.ts";
import type { StoreHandle } from "./memory.ts";
import { recover } from "./recovery.ts";
import { STATUS_OK, STATUS_OUT_OF_MEMORY, type Status } from "./status.ts";
import { createStore, type Store } from "./store.ts";

export type { Bytes } from "./embedded-bytes.ts";
export { OutOfMemoryError, WrongTypeError } from "./embedded-errors.ts";
export type { StoreHandle } from "./memory.ts";

export type EvictionPolicy = "noeviction" | "allkeys-lru" | "allkeys-random" | "volatile-ttl";

export interface OpenOptions {
  /**
   * Bytes that records and index may take; default 1 GiB. Address space is reserved for it, memory
   * used as it fills.
   */
  readonly memory?: number;
  /** What to do when they are used up; default "noeviction": writing throws OutOfMemoryError. */
  readonly policy?: EvictionPolicy;
  /** Threads that may use the store, the opening one included; default 64. */
  readonly threads?: number;
  /** Where to keep it: a directory of its own, which one process can have at a time. */
  readonly dir?: string;
  /**
   * What survives a loss of power: with "everysec" (the default with `dir`) all but the last
   * second, with "always" everything that a call has returned from. Either survives the end of the
   * process.
   */
  readonly persist?: "off" | "everysec" | "always";
}

export interface SetOptions {
  /** The key is gone after this many milliseconds. Default: it stays. */
  readonly expiresInMs?: number;
}

export interface StoreStats {
  readonly keysCount: number;
  /** Keys that will expire. */
  readonly expiringCount: number;
  /** Bytes of records and index. */
  readonly usedBytes: number;
  /** The log and its checkpoints; null in memory. */
  readonly durability: DurabilityFacts | null;
}

const MEMORY_DEFAULT = 1024 ** 3;
const THREADS_DEFAULT = 64;
/** Address space beyond the limit: blocks of one size class are not another's. */
const RESERVE_FACTOR = 1.5;
const RESERVE_MIN = 256 * 1024 * 1024;
const UPKEEP_INTERVAL_MS = 100;
const UPKEEP_BUDGET_MS = 2;

const POLICIES: Readonly<Record<EvictionPolicy, number>> = {
  noeviction: EVICT_NONE,
  "allkeys-lru": EVICT_ALL_LRU,
  "allkeys-random": EVICT_ALL_RANDOM,
  "volatile-ttl": EVICT_VOLATILE_TTL,
};

/**
 * Opens a store: an empty one, or what `dir` holds (then with a thread of its own besides).
 * Throws UsageError for options out of bounds, FatalError when the address space is not to be had
 * or the directory cannot be used. The program can end without `close`.
 */
export function openStore(options: OpenOptions = {}): EmbeddedStore {
  const memory = options.memory ?? MEMORY_DEFAULT;
  if (!(Number.isFinite(memory) && memory > 0)) {
    throw new UsageError(`memory: size (${memory}) must be a number of bytes above 0`);
  }
  const policy = POLICIES[options.policy ?? "noeviction"];
  if (policy === undefined) {
    throw new UsageError(
      `policy: "${options.policy}" is none of ${Object.keys(POLICIES).join(", ")}`,
    );
  }
  const reserveBytes = Math.max(RESERVE_MIN, memory * RESERVE_FACTOR);
  const mode = persistOf(options);
  const dir = resolve(options.dir ?? "");
  const workers = (options.threads ?? THREADS_DEFAULT) + (mode === "off" ? 0 : 1);
  const { handle, release } =
    mode === "off"
      ? { handle: createStore({ reserveBytes, workers }), release: null }
      : recover({ dir, mode, reserveBytes, workers });
  const store = attach(handle);
  store.beginUpkeep(memory, policy, release);
  return store;
}

function persistOf({ dir, persist }: OpenOptions): "off" | "everysec" | "always" {
  if (persist !== undefined && !["off", "everysec", "always"].includes(persist)) {
    throw new UsageError(`persist: "${persist}" is none of off, everysec, always`);
  }
  if (dir === undefined && persist !== undefined && persist !== "off") {
    throw new UsageError(`persist: "${persist}" needs a directory, give one as dir`);
  }
  return persist ?? (dir === undefined ? "off" : "everysec");
}

/**
 * Attaches this thread to a store that another one has opened, by its `handle`. Once a thread: a
 * thread that attaches again takes another of the places that `threads` allows. Throws UsageError
 * when there is none left.
 */
export function attach(handle: StoreHandle): EmbeddedStore {
  const control = new Int32Array(handle.control);
  if (control[CONTROL_MAGIC] !== MAGIC) throw new UsageError("attach: this is no store's handle");
  const worker = Atomics.add(control, CONTROL_ATTACHED, 1);
  const workers = control[CONTROL_WORKERS] as number;
  if (worker >= workers) {
    throw new UsageError(`attach: all ${workers} places are taken`, "open it with more `threads`");
  }
  return new EmbeddedStore(handle, worker);
}

/** One thread's view of the shared map. */
export class EmbeddedStore {
  /** For another Worker to `attach`: send it with postMessage. */
  readonly handle: StoreHandle;
  readonly #store: Store;
  readonly #out = new ByteBuffer(4096);
  readonly #key = new Scratch();
  readonly #value = new Scratch();
  #upkeep: Timer | undefined;
  readonly #log: EmbeddedLog | null;
  /** Gives the directory up; null in memory, and for threads that have attached. */
  #release: (() => void) | null = null;
  #isInBatch = false;

  constructor(handle: StoreHandle, worker: number) {
    this.handle = handle;
    this.#store = attachAny(handle, worker);
    this.#log = handle.log === undefined ? null : new EmbeddedLog(this.#store, handle.log);
  }

  /**
   * For openStore: sets the limit, and begins what is done in the background. `release` gives the
   * directory up, if there is one.
   */
  beginUpkeep(memory: number, policy: number, release: (() => void) | null): void {
    this.#store.setLimit(memory, policy);
    this.#release = release;
    this.#log?.begin(this.handle);
    this.#upkeep = setInterval(() => {
      clock.resync();
      this.#store.upkeep(UPKEEP_BUDGET_MS);
    }, UPKEEP_INTERVAL_MS);
    this.#upkeep.unref();
  }

  /**
   * Ends the upkeep of the thread that opened the store, after a last flush: FatalError when it
   * fails. With a directory, changing the store throws that then, in all threads.
   */
  close(): void {
    wantNoBatch(this.#isInBatch, "close");
    clearInterval(this.#upkeep);
    this.#upkeep = undefined;
    if (this.#release === null) return;
    const release = this.#release;
    this.#release = null;
    this.#log?.end(release);
  }

  // ---- Durability -------------------------------------------------------------------------------

  /** Makes everything that was written so far durable. Of the thread that opened the store. */
  flush(): void {
    wantNoBatch(this.#isInBatch, "flush");
    this.#log?.flush();
  }

  /**
   * Writes a checkpoint of everything, so that the log before it is not needed any more and the
   * next opening is quick. Checkpoints also come by themselves. Of the thread that opened the
   * store.
   */
  checkpoint(): void {
    wantNoBatch(this.#isInBatch, "checkpoint");
    this.#log?.checkpoint();
  }

  /** Gives back what the directory holds beyond the data: a checkpoint does it. */
  compact(): void {
    this.checkpoint();
  }

  // ---- Strings ----------------------------------------------------------------------------------

  /** A copy of the value, null when there is no such key. Throws WrongTypeError for a list. */
  get(key: Bytes): Buffer | null {
    const store = this.#store;
    const cursor = this.#enter(key, false);
    let value: Buffer | null;
    do {
      value = null;
      if (this.#beginRead(cursor) && cursor.type === TYPE_STRING) value = this.#copyString(cursor);
    } while (!store.endRead(cursor));
    this.#leave();
    if (value === null) wantType(cursor, TYPE_STRING);
    return value;
  }

  /** The value as UTF-8 text, null when there is no such key. Throws WrongTypeError for a list. */
  getText(key: Bytes): string | null {
    if (!this.#read(key, TYPE_STRING)) return null;
    return this.#out.bytes.toString("utf8", 0, this.#out.length);
  }

  /** Whether the key exists. */
  has(key: Bytes): boolean {
    return this.#typeOf(key) !== TYPE_NONE;
  }

  /** Sets the key, whatever was there. Throws OutOfMemoryError when there is no room. */
  set(key: Bytes, value: Bytes, options?: SetOptions): void {
    const expiresInMs = options?.expiresInMs;
    const { bytes, start, length } = this.#value.take(value, "value", STRING_SIZE_MAX);
    if (expiresInMs === undefined) {
      const store = this.#store;
      this.#log?.wantKeeper();
      const cursor = this.#enter(key, false);
      const isAdmitted = store.admitWrites();
      const status = isAdmitted
        ? store.setString(cursor, bytes, start, length)
        : STATUS_OUT_OF_MEMORY;
      this.#leave();
      wantRoom(status, cursor, store.durability);
      return;
    }
    if (!(expiresInMs > 0)) {
      throw new UsageError(`expiresInMs: (${expiresInMs}) must be above 0`);
    }
    this.#change(key, (cursor) => {
      const expiresAtMs = Math.ceil(clock.nowMs + expiresInMs);
      return this.#store.putString(cursor, bytes, start, length, expiresAtMs);
    });
  }

  /** The same as `set`, by the name that log-structured stores use. */
  upsert(key: Bytes, value: Bytes, options?: SetOptions): void {
    this.set(key, value, options);
  }

  /** Removes the key; whether it was there. */
  delete(key: Bytes): boolean {
    let wasThere = false;
    this.#change(
      key,
      (cursor) => {
        wasThere = cursor.type !== TYPE_NONE;
        if (wasThere) this.#store.remove(cursor);
        return STATUS_OK;
      },
      false,
    );
    return wasThere;
  }

  /**
   * Replaces the value by what `update` makes of it, atomically; null in both places means "no such
   * key". `update` runs while other threads wait for this key: it must be short and must not use
   * the store. When it throws, nothing changes.
   */
  update(key: Bytes, update: (value: Buffer | null) => Bytes | null): void {
    const store = this.#store;
    this.#change(key, (cursor) => {
      wantType(cursor, TYPE_STRING);
      const out = this.#out;
      out.length = 0;
      if (cursor.type !== TYPE_NONE) store.copyValue(cursor, out, 0, cursor.valueLength);
      const before = cursor.type === TYPE_NONE ? null : copyOf(out, 0, out.length);
      const after = update(before);
      if (after === null) {
        if (cursor.type !== TYPE_NONE) store.remove(cursor);
        return STATUS_OK;
      }
      const { bytes, start, length } = this.#value.take(after, "value", STRING_SIZE_MAX);
      return store.putString(cursor, bytes, start, length, 0);
    });
  }

  // ---- Lists ------------------------------------------------------------------------------------

  /** Adds an element before the first (making the list if need be); the new number of elements. */
  pushHead(key: Bytes, item: Bytes): number {
    return this.#push(key, item, true);
  }

  /** Adds an element behind the last. */
  pushTail(key: Bytes, item: Bytes): number {
    return this.#push(key, item, false);
  }

  /**
   * Removes the first element and returns it, null when there is no list. An empty list is no list.
   */
  popHead(key: Bytes): Buffer | null {
    return this.#pop(key, true);
  }

  popTail(key: Bytes): Buffer | null {
    return this.#pop(key, false);
  }

  /**
   * Elements `start` to `stop`, both included; negative numbers count from the end, -1 is the last.
   */
  range(key: Bytes, start: number, stop: number): Buffer[] {
    const store = this.#store;
    const cursor = this.#enter(key);
    let items: Buffer[];
    do {
      items = [];
      if (store.beginRead(cursor) && cursor.type === TYPE_LIST) {
        const { first, last } = clip(start, stop, cursor.itemsCount);
        let isThere = first <= last && store.seekItem(cursor, first);
        for (let i = first; isThere && i <= last; i++) {
          items.push(this.#copyItem(cursor));
          isThere = i < last && store.nextItem(cursor);
        }
      }
    } while (!store.endRead(cursor));
    this.#leave();
    wantType(cursor, TYPE_LIST);
    return items;
  }

  /** Keeps elements `start` to `stop` (as in `range`) and drops the others. */
  trim(key: Bytes, start: number, stop: number): void {
    this.#change(
      key,
      (cursor) => {
        wantType(cursor, TYPE_LIST);
        const { first, last } = clip(start, stop, cursor.itemsCount);
        if (cursor.type === TYPE_NONE) return STATUS_OK;
        if (first > last) this.#store.remove(cursor);
        else this.#store.trimList(cursor, first, last);
        return STATUS_OK;
      },
      false,
    );
  }

  /** Elements of the list, 0 when there is none. */
  listLength(key: Bytes): number {
    const store = this.#store;
    const cursor = this.#enter(key);
    let count = 0;
    do {
      count = store.beginRead(cursor) ? cursor.itemsCount : 0;
    } while (!store.endRead(cursor));
    this.#leave();
    wantType(cursor, TYPE_LIST);
    return count;
  }

  // ---- Many keys --------------------------------------------------------------------------------

  /**
   * Every key that starts with `prefix` (default: all), in no order. Keys that are there from the
   * beginning to the end come at least once, whatever other threads do; a key can come twice when
   * the index grows meanwhile.
   */
  *scan(prefix: Bytes = ""): Generator<Buffer> {
    const store = this.#store;
    const wanted = Buffer.from(prefix as Uint8Array);
    let position = 0;
    do {
      this.#enterBatch();
      position = store.scanStep(0, position);
      const found: Buffer[] = [];
      const { keys, count } = store.scanned;
      for (let i = 0; i < count; i++) {
        const start = store.scanned.start[i] as number;
        const end = start + (store.scanned.length[i] as number);
        const isWanted =
          end - start >= wanted.length &&
          keys.bytes.compare(wanted, 0, wanted.length, start, start + wanted.length) === 0;
        if (isWanted) found.push(copyOf(keys, start, end));
      }
      this.#leave();
      yield* found;
    } while (position !== 0);
  }

  /**
   * Runs `run`, in which many calls cost less: they are one batch. Each call is still atomic by
   * itself only. Keep it short: FLUSHALL and the like wait for it. Returns what `run` returns.
   */
  batch<T>(run: () => T): T {
    if (this.#isInBatch) return run();
    this.#enterBatch();
    this.#isInBatch = true;
    try {
      return run();
    } finally {
      this.#isInBatch = false;
      this.#leave();
    }
  }

  /** Removes every key. Waits until every other thread is between two calls. */
  clear(): void {
    if (this.#isInBatch) throw new UsageError("clear: cannot be called inside a batch");
    this.#enterBatch();
    this.#store.exclusive(() => this.#store.flush(-1));
    this.#leave();
  }

  stats(): StoreStats {
    return {
      keysCount: this.#store.keysCount(0),
      expiringCount: this.#store.expiresCount(0),
      usedBytes: this.#store.usedMemory(),
      durability: this.#store.durability?.facts() ?? null,
    };
  }

  // ---- Parts ------------------------------------------------------------------------------------

  /** Without `needsTime` the clock, which costs 35 ns, stays where it was. */
  #enterBatch(needsTime = true): void {
    if (this.#isInBatch) return;
    if (needsTime) clock.tick();
    this.#store.enterBatch();
  }

  #leave(): void {
    if (this.#isInBatch) return;
    this.#store.leaveBatch();
    if (this.#log !== null) this.#log.afterCall();
  }

  /** Begins a call: the cursor of its key. */
  #enter(key: Bytes, needsTime = true): Cursor {
    const { bytes, start, length } = this.#key.take(key, "key", KEY_SIZE_MAX);
    this.#enterBatch(needsTime);
    const cursor = this.#store.cursor(0);
    cursor.bytes = bytes;
    cursor.keyStart = start;
    cursor.keyLength = length;
    cursor.db = 0;
    cursor.hash = this.#store.hash(bytes, start, length);
    return cursor;
  }

  /** Finds the cursor's key; the time is read only for a key that can expire. */
  #beginRead(cursor: Cursor): boolean {
    const store = this.#store;
    if (!store.beginRead(cursor)) return false;
    if (cursor.expiresAtMs === 0 || this.#isInBatch) return true;
    clock.tick();
    store.memory.nowMs = clock.nowMs;
    // After too many attempts it is locked.
    return cursor.isLocked ? store.refresh(cursor) : store.beginRead(cursor);
  }

  /** The cursor's string in a Buffer of its own; a short one is copied once. */
  #copyString(cursor: Cursor): Buffer {
    const { valueLength, valueStart } = cursor;
    if (cursor.isLarge) {
      this.#out.length = 0;
      this.#store.copyValue(cursor, this.#out, 0, valueLength);
      return copyOf(this.#out, 0, this.#out.length);
    }
    const copy = Buffer.allocUnsafeSlow(valueLength);
    cursor.valueBytes.copy(copy, 0, valueStart, valueStart + valueLength);
    return copy;
  }

  /** Copies the key's string to #out; false when there is no such key. */
  #read(key: Bytes, type: number): boolean {
    const store = this.#store;
    const out = this.#out;
    const cursor = this.#enter(key);
    let isFound = false;
    do {
      out.length = 0;
      isFound = store.beginRead(cursor);
      if (isFound && cursor.type === type) store.copyValue(cursor, out, 0, cursor.valueLength);
    } while (!store.endRead(cursor));
    this.#leave();
    wantType(cursor, type);
    return isFound;
  }

  #typeOf(key: Bytes): number {
    const cursor = this.#enter(key);
    do this.#store.beginRead(cursor);
    while (!this.#store.endRead(cursor));
    this.#leave();
    return cursor.type;
  }

  /** Runs `run` with the key locked; throws what its status says. */
  #change(key: Bytes, run: (cursor: Cursor) => Status, needsMemory = true): void {
    const store = this.#store;
    this.#log?.wantKeeper();
    const cursor = this.#enter(key);
    const isAdmitted = !needsMemory || store.admitWrites();
    let status: Status = STATUS_OUT_OF_MEMORY;
    if (isAdmitted) {
      store.lock(cursor);
      try {
        status = run(cursor);
      } finally {
        store.unlock(cursor);
        this.#leave();
      }
    } else this.#leave();
    wantRoom(status, cursor, store.durability);
  }

  #push(key: Bytes, item: Bytes, atHead: boolean): number {
    let count = 0;
    const { bytes, start, length } = this.#value.take(item, "item", STRING_SIZE_MAX);
    this.#change(key, (cursor) => {
      wantType(cursor, TYPE_LIST);
      const status = this.#store.pushItem(cursor, atHead, bytes, start, length);
      count = cursor.itemsCount;
      return status;
    });
    return count;
  }

  #pop(key: Bytes, atHead: boolean): Buffer | null {
    let item: Buffer | null = null;
    this.#change(
      key,
      (cursor) => {
        wantType(cursor, TYPE_LIST);
        if (cursor.type === TYPE_NONE) return STATUS_OK;
        this.#store.seekItem(cursor, atHead ? 0 : cursor.itemsCount - 1);
        item = this.#copyItem(cursor);
        this.#store.dropItems(cursor, atHead, 1);
        return STATUS_OK;
      },
      false,
    );
    return item;
  }

  #copyItem(cursor: Cursor): Buffer {
    this.#out.length = 0;
    this.#store.copyItem(cursor, this.#out);
    return copyOf(this.#out, 0, this.#out.length);
  }
}

/**
 * Turns indices that may count from the end into first and last; first > last when there is nothing
 * between.
 */
function clip(start: number, stop: number, count: number): { first: number; last: number } {
  const first = Math.max(0, start < 0 ? start + count : start);
  const last = Math.min(count - 1, stop < 0 ? stop + count : stop);
  return { first, last };
}
