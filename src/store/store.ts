/**
 * The store's face: what the commands, and Bun programs that embed it, call. One instance for each
 * Worker, all of them on the same shared memory.
 *
 * A key is named by a Cursor. Reading goes without a lock and is confirmed afterwards:
 *
 *     do { mark = out.length; if (store.beginRead(c)) …append… } while (!store.endRead(c) &&
 *     rewind(out, mark));
 *
 * Changing goes between lock and unlock (or lockAll and unlockAll for several keys), where nothing
 * may throw, wait, or call out. Everything a network client does happens between enterBatch and
 * leaveBatch.
 *
 * This file only joins the parts: index.ts finds, read.ts and strings.ts and lists.ts know values,
 * upsert.ts and remove.ts change records, epoch.ts keeps Workers apart.
 */
import type { ByteBuffer } from "../base/byte-buffer.ts";
import { clock } from "../base/clock.ts";
import { hashBytes } from "../base/hash.ts";
import { idleMs, markAccess } from "./access.ts";
import { Admission } from "./admission.ts";
import { Cursor, TYPE_LIST } from "./cursor.ts";
import type { Durability } from "./durability.ts";
import { enterEpoch, leaveEpoch, runExclusive } from "./epoch.ts";
import { flushAll, flushDatabase } from "./flush.ts";
import { findOptimistic, isUnchanged, lockAndFind, prefetch, unlockCursor } from "./index.ts";
import {
  CONTROL_ACCESS_TICK,
  CONTROL_DATABASES,
  CONTROL_POLICY,
  COUNT_EXPIRED,
  COUNT_EXPIRING,
  COUNT_KEYS,
  COUNT_MEMORY_LIMIT,
  COUNT_READ_RETRIES,
  RECORD_ACCESS_BYTE,
} from "./layout.ts";
import { insertItem, removeItem, setItem } from "./list-edit.ts";
import { copyLarge, isLargeEqual } from "./list-large.ts";
import {
  copyFrames,
  describeList,
  isEqual,
  nextItem,
  prefetchNodes,
  previousItem,
  seekItem,
} from "./list-page.ts";
import { dropItems, pushItem, trimList } from "./lists.ts";
import { Memory, reserveMemory, SETTINGS_ROW, type StoreHandle } from "./memory.ts";
import { areUnchanged, findLocked, lockBuckets, unlockBuckets } from "./multi.ts";
import { describeMissing, describeRecord } from "./read.ts";
import { removeKey } from "./remove.ts";
import { copyKey, renameKey } from "./rename.ts";
import { randomKey, ScanBatch, scanStep } from "./scan.ts";
import { sizeRecords, sumCounter, usedBytes, valueBytes } from "./stats.ts";
import type { Status } from "./status.ts";
import { appendString, copyValue, putString, writeRange } from "./strings.ts";
import { Upkeep } from "./upkeep.ts";
import { changeExpiry } from "./upsert.ts";

/** For INFO: arguments of `counter`. */
export { COUNT_EVICTED, COUNT_EXPIRED, KEY_SIZE_MAX } from "./layout.ts";

/** A read that was thrown away this often takes the lock instead. */
const READ_ATTEMPTS_MAX = 8;
/** Batches between two looks at the average record size. */
const SIZING_BATCHES = 1024;
export class Store {
  readonly memory: Memory;
  /** Keys of the last scanStep or randomKey. */
  readonly scanned = new ScanBatch();
  /** Whether reads leave the access bytes alone (CLIENT NO-TOUCH). */
  leavesAccess = false;
  readonly #cursors: Cursor[] = [new Cursor(), new Cursor()];
  readonly #admission = new Admission();
  readonly #upkeep = new Upkeep();
  /** More than one cursor is locked: a change to one may have moved another one's entry. */
  #isMulti = false;
  #batchesUntilSizing = 0;

  constructor(memory: Memory) {
    this.memory = memory;
    memory.nowMs = clock.nowMs;
  }

  // ---- Keys -------------------------------------------------------------------------------------

  /** Hash of a key: of its bytes alone, so that SELECT and SWAPDB do not change it. Hot. */
  hash(bytes: Buffer, start: number, length: number): number {
    return hashBytes(bytes, start, length, this.memory.secret);
  }

  /** The i-th cursor of this Worker's pool. Any number can be had; 0 and 1 always exist. */
  cursor(index: number): Cursor {
    while (this.#cursors.length <= index) this.#cursors.push(new Cursor());
    return this.#cursors[index] as Cursor;
  }

  /** Physical number of a database, which SWAPDB changes. */
  physical(db: number): number {
    return this.memory.control[CONTROL_DATABASES + db] as number;
  }

  // ---- Batches ----------------------------------------------------------------------------------

  /**
   * Begins a batch: until leaveBatch, nobody is in the exclusive section. Takes over clock.nowMs.
   */
  enterBatch(): void {
    this.memory.nowMs = clock.nowMs;
    enterEpoch(this.memory);
    this.#admission.reset();
    if (--this.#batchesUntilSizing < 0) {
      this.#batchesUntilSizing = SIZING_BATCHES;
      sizeRecords(this.memory);
    }
  }

  leaveBatch(): void {
    leaveEpoch(this.memory);
  }

  /**
   * Loads what the look-ups of the first `count` hashes will read, so that their cache misses
   * overlap. `scratch` has room for as many words; both are overwritten. Hot: once per batch.
   */
  prefetch(hashes: Int32Array, scratch: Int32Array, count: number): void {
    const memory = this.memory;
    if (memory.isCached) return;
    prefetchNodes(memory, hashes, scratch, prefetch(memory, memory.keys, hashes, scratch, count));
  }

  /**
   * Runs `run` while every other Worker is between batches, and returns what it returns. No bucket
   * may be locked.
   */
  exclusive<T>(run: () => T): T {
    return runExclusive(this.memory, run);
  }

  // ---- Reading ----------------------------------------------------------------------------------

  /**
   * Finds the cursor's key. True: it exists and has not expired, and the cursor's fields say what
   * it is. Whatever is read, and also that a key is missing, counts only when endRead says so. Hot.
   */
  beginRead(cursor: Cursor): boolean {
    const memory = this.memory;
    if (cursor.attempts > READ_ATTEMPTS_MAX) return this.lock(cursor);
    if (!findOptimistic(memory, memory.keys, cursor)) {
      describeMissing(cursor);
      return false;
    }
    describeRecord(memory, cursor);
    if (cursor.type === TYPE_LIST) describeList(memory, cursor);
    if (cursor.expiresAtMs > 0 && cursor.expiresAtMs <= memory.nowMs) return this.#expire(cursor);
    const bytes = memory.bytes[cursor.slot] as Buffer;
    if (bytes[cursor.offset + RECORD_ACCESS_BYTE] !== memory.control[CONTROL_ACCESS_TICK]) {
      return this.#markAccess(cursor);
    }
    return true;
  }

  /**
   * True: what was read since beginRead is consistent. False: take it back and begin again; that
   * comes to an end. Hot.
   */
  endRead(cursor: Cursor): boolean {
    if (cursor.isLocked) {
      this.unlock(cursor);
      cursor.attempts = 0;
      return true;
    }
    if (isUnchanged(this.memory.keys, cursor)) {
      cursor.attempts = 0;
      return true;
    }
    cursor.attempts++;
    (this.memory.counters[this.memory.row + COUNT_READ_RETRIES] as number) += 1;
    return false;
  }

  /**
   * For cursors 0 to count - 1, each begun with beginRead: whether all that was read is one
   * consistent snapshot. On false all of them must be read again; who has had enough of that takes
   * lockAll.
   */
  endReadAll(count: number): boolean {
    if ((this.#cursors[0] as Cursor).isLocked) {
      this.unlockAll(count);
      for (let i = 0; i < count; i++) this.cursor(i).attempts = 0;
      return true;
    }
    const isSnapshot = areUnchanged(this.memory, this.#cursors, count);
    // Never so many that beginRead would lock keys one by one: in any order, some buckets twice.
    const attempts = isSnapshot ? 0 : Math.min(READ_ATTEMPTS_MAX, this.cursor(0).attempts + 1);
    for (let i = 0; i < count; i++) this.cursor(i).attempts = attempts;
    return isSnapshot;
  }

  /** The record under the cursor has expired: removes it and looks again. */
  #expire(cursor: Cursor): boolean {
    this.lock(cursor);
    this.unlock(cursor);
    // The bucket has changed by our own hand: begin again, so that endRead can confirm the version
    // as it is now.
    return this.beginRead(cursor);
  }

  /** Notes that the key is used now, once per tick of the access clock, and reads it again. */
  #markAccess(cursor: Cursor): boolean {
    if (this.leavesAccess) return true;
    const memory = this.memory;
    if (lockAndFind(memory, memory.keys, cursor)) markAccess(memory, cursor.slot, cursor.offset);
    unlockCursor(memory, memory.keys, cursor);
    return this.beginRead(cursor);
  }

  // ---- Changing ---------------------------------------------------------------------------------

  /**
   * Locks the cursor's bucket and finds its key; one that has expired is removed first. True: it
   * exists. Hot.
   */
  lock(cursor: Cursor): boolean {
    const memory = this.memory;
    const isFound = lockAndFind(memory, memory.keys, cursor);
    cursor.isLocked = true;
    return this.#describe(cursor, isFound);
  }

  /** Unlocks what `lock` locked. Hot. */
  unlock(cursor: Cursor): void {
    cursor.isLocked = false;
    unlockCursor(this.memory, this.memory.keys, cursor);
  }

  /**
   * Locks the buckets of cursors 0 to count - 1, without deadlock, and finds their keys. Two may
   * name the same key.
   */
  lockAll(count: number): void {
    this.cursor(count - 1);
    lockBuckets(this.memory, this.#cursors, count);
    this.#isMulti = count > 1;
    for (let i = 0; i < count; i++) {
      const cursor = this.#cursors[i] as Cursor;
      cursor.isLocked = true;
      this.refresh(cursor);
    }
  }

  /** Unlocks what lockAll locked. */
  unlockAll(count: number): void {
    for (let i = 0; i < count; i++) (this.#cursors[i] as Cursor).isLocked = false;
    this.#isMulti = false;
    unlockBuckets(this.memory, this.#cursors, count);
  }

  /** What is changed from here to the unlocking survives a crash whole or not at all. */
  group(): void {}

  /** Whether the log (durable-store.ts) has room for `_count` changes of `_size` bytes in all. */
  reserve(_size: number, _count: number): boolean {
    return true;
  }

  /** Whether changes are refused because there is no room for the log. Hot: once a batch. */
  isLogFull(): boolean {
    return false;
  }

  /** Stamp of the last change of this batch, or the last batch; 0 when it has changed nothing. */
  writtenStamp(): number {
    return 0;
  }

  /** The log, its state, and waiting for it; null in memory mode. */
  get durability(): Durability | null {
    return null;
  }

  /** Finds a locked cursor's key again. True: it exists. */
  refresh(cursor: Cursor): boolean {
    return this.#describe(cursor, findLocked(this.memory, cursor));
  }

  /** Fills the fields of a locked cursor; removes what has expired. */
  #describe(cursor: Cursor, isFound: boolean): boolean {
    if (!isFound) {
      describeMissing(cursor);
      return false;
    }
    const memory = this.memory;
    describeRecord(memory, cursor);
    if (cursor.type === TYPE_LIST) describeList(memory, cursor);
    if (cursor.expiresAtMs > 0 && cursor.expiresAtMs <= memory.nowMs) {
      removeKey(memory, cursor);
      (memory.counters[memory.row + COUNT_EXPIRED] as number) += 1;
      return false;
    }
    return true;
  }

  /** With several buckets locked, an entry may have moved since its cursor found it. */
  #settle(cursor: Cursor): void {
    if (this.#isMulti) findLocked(this.memory, cursor);
  }

  /**
   * Puts a string under the key, whatever was there. `expiresAtMs`: ms since 1970, 0 for none,
   * KEEP_EXPIRY to keep the key's own. The cursor is locked. Hot.
   */
  putString(
    cursor: Cursor,
    bytes: Buffer,
    start: number,
    length: number,
    expiresAtMs: number,
  ): Status {
    this.#settle(cursor);
    return putString(this.memory, cursor, bytes, start, length, expiresAtMs);
  }

  /**
   * Sets the cursor's (unlocked) key to a string without expiry, whatever was there: the whole of a
   * plain SET. The cursor's found fields mean nothing afterwards. Hot: what is there is not even
   * looked at.
   */
  setString(cursor: Cursor, bytes: Buffer, start: number, length: number): Status {
    const memory = this.memory;
    lockAndFind(memory, memory.keys, cursor);
    const status = putString(memory, cursor, bytes, start, length, 0);
    unlockCursor(memory, memory.keys, cursor);
    return status;
  }

  /** Appends to an existing string, at the cost of what is appended. The cursor is locked. */
  appendString(cursor: Cursor, bytes: Buffer, start: number, length: number): Status {
    this.#settle(cursor);
    return appendString(this.memory, cursor, bytes, start, length);
  }

  /**
   * Writes into an existing string from byte `at`, with zeros where it grows past its end. The
   * cursor is locked.
   */
  writeRange(cursor: Cursor, at: number, bytes: Buffer, start: number, length: number): Status {
    this.#settle(cursor);
    return writeRange(this.memory, cursor, at, bytes, start, length);
  }

  /**
   * Appends bytes [from, from + length) of the string to `out`, clipped to the string. Read or
   * locked.
   */
  copyValue(cursor: Cursor, out: ByteBuffer, from: number, length: number): void {
    copyValue(this.memory, cursor, out, from, length);
  }

  /** Removes an existing key; a large value is freed in the background. The cursor is locked. */
  remove(cursor: Cursor): void {
    this.#settle(cursor);
    removeKey(this.memory, cursor);
  }

  /** Changes an existing key's expiry: ms since 1970, 0 for none. The cursor is locked. */
  setExpiry(cursor: Cursor, expiresAtMs: number): Status {
    this.#settle(cursor);
    return changeExpiry(this.memory, cursor, expiresAtMs);
  }

  /**
   * Moves an existing key's value and expiry to another key or database; what is there goes. Both
   * are locked.
   */
  rename(from: Cursor, to: Cursor): Status {
    return renameKey(this.memory, from, to);
  }

  /** Copies an existing key's value and expiry to a missing key. Both are locked. */
  copyTo(from: Cursor, to: Cursor): Status {
    return copyKey(this.memory, from, to);
  }

  // ---- Lists ------------------------------------------------------------------------------------

  /**
   * Moves the cursor to element `index` of its list: itemBytes, itemStart, itemLength and
   * itemIsLarge describe it. False when there is no such element, or in a read that endRead will
   * refuse. Read or locked. Hot.
   */
  seekItem(cursor: Cursor, index: number): boolean {
    return seekItem(this.memory, cursor, index);
  }

  /** Moves to the element behind; false at the tail. Hot. */
  nextItem(cursor: Cursor): boolean {
    return nextItem(this.memory, cursor);
  }

  /** Moves to the element before; false at the head. Hot. */
  previousItem(cursor: Cursor): boolean {
    return previousItem(this.memory, cursor);
  }

  /**
   * Appends the cursor's current element to `out`. One that is not `itemIsLarge` can be copied
   * directly.
   */
  copyItem(cursor: Cursor, out: ByteBuffer): void {
    if (cursor.itemIsLarge) copyLarge(this.memory, cursor, out);
    else out.append(cursor.itemBytes, cursor.itemStart, cursor.itemLength);
  }

  /**
   * Appends up to `count` elements from the cursor's current one on as RESP bulk strings, and moves
   * to the last of them. Returns how many, 0 when this element must be appended by itself. Hot.
   */
  copyFrames(cursor: Cursor, out: ByteBuffer, count: number): number {
    return copyFrames(this.memory, cursor, out, count);
  }

  /** Whether the cursor's current element is these bytes. */
  isItemEqual(cursor: Cursor, bytes: Buffer, start: number, length: number): boolean {
    if (cursor.itemLength !== length) return false;
    if (cursor.itemIsLarge) return isLargeEqual(this.memory, cursor, bytes, start, length);
    return isEqual(cursor.itemBytes, cursor.itemStart, bytes, start, length);
  }

  /**
   * Adds an element at the head or the tail; a missing key becomes a list. The cursor is locked and
   * holds a list or nothing; afterwards, as after every change to a list, itemsCount is right and
   * type is TYPE_NONE when the list is gone.
   */
  pushItem(cursor: Cursor, atHead: boolean, bytes: Buffer, start: number, length: number): Status {
    this.#settle(cursor);
    return pushItem(this.memory, cursor, atHead, bytes, start, length);
  }

  /**
   * Drops `count` elements, at least 1, at the head or the tail. The cursor is locked and holds a
   * list.
   */
  dropItems(cursor: Cursor, atHead: boolean, count: number): void {
    this.#settle(cursor);
    dropItems(this.memory, cursor, atHead, count);
  }

  /**
   * Keeps elements start to stop: 0 <= start <= stop < itemsCount. The cursor is locked and holds a
   * list.
   */
  trimList(cursor: Cursor, start: number, stop: number): void {
    this.#settle(cursor);
    trimList(this.memory, cursor, start, stop);
  }

  /** Replaces element `index`, which exists. The cursor is locked. */
  setItem(cursor: Cursor, index: number, bytes: Buffer, start: number, length: number): Status {
    this.#settle(cursor);
    return setItem(this.memory, cursor, index, bytes, start, length);
  }

  /**
   * Inserts an element so that it becomes element `index`, 0 to itemsCount. The cursor is locked
   * and holds a list.
   */
  insertItem(cursor: Cursor, index: number, bytes: Buffer, start: number, length: number): Status {
    this.#settle(cursor);
    return insertItem(this.memory, cursor, index, bytes, start, length);
  }

  /**
   * Removes element `index`, which exists; seeking its neighbours next costs nothing. The cursor is
   * locked.
   */
  removeItem(cursor: Cursor, index: number): void {
    this.#settle(cursor);
    removeItem(this.memory, cursor, index);
  }

  // ---- The key space ----------------------------------------------------------------------------

  /** Keys in a physical database, those that have expired but are not yet removed included. */
  keysCount(db: number): number {
    return sumCounter(this.memory, COUNT_KEYS + db);
  }

  /** Keys of a physical database that have an expiry. */
  expiresCount(db: number): number {
    return sumCounter(this.memory, COUNT_EXPIRING + db);
  }

  /**
   * Puts the keys of one bucket into `scanned` and returns the next position, 0 at the end. See
   * scan.ts.
   */
  scanStep(db: number, position: number): number {
    return scanStep(this.memory, db, position, this.scanned);
  }

  /** Index in `scanned` of a random key of the database, -1 when it is empty. */
  randomKey(db: number): number {
    return randomKey(this.memory, db, this.scanned);
  }

  /** Removes every key of a physical database, or of all for -1. Inside `exclusive`. */
  flush(db: number): void {
    if (db < 0) flushAll(this.memory);
    else flushDatabase(this.memory, db);
  }

  /** Exchanges two logical databases. Inside `exclusive`. */
  swapDatabases(a: number, b: number): void {
    const control = this.memory.control;
    const before = control[CONTROL_DATABASES + a] as number;
    control[CONTROL_DATABASES + a] = control[CONTROL_DATABASES + b] as number;
    control[CONTROL_DATABASES + b] = before;
  }

  // ---- Memory -----------------------------------------------------------------------------------

  /** Bytes of records and index, of all Workers. */
  usedMemory(): number {
    return usedBytes(this.memory);
  }

  /** Bytes of index, record and nodes of a read or locked key. */
  memoryUsage(cursor: Cursor): number {
    return valueBytes(this.memory, cursor);
  }

  /** Milliseconds since the key was last used, to about a tick of the access clock. */
  idleMs(cursor: Cursor): number {
    return idleMs(this.memory, cursor.slot, cursor.offset);
  }

  /**
   * Sets the limit above which writes are refused or keys evicted, in bytes (0: none), and the
   * policy (EVICT_*).
   */
  setLimit(bytes: number, policy: number): void {
    this.memory.counters[SETTINGS_ROW + COUNT_MEMORY_LIMIT] =
      bytes === 0 ? Number.POSITIVE_INFINITY : bytes;
    Atomics.store(this.memory.control, CONTROL_POLICY, policy);
  }

  /**
   * Whether a command that may need memory can run: true below the limit, after evicting by the
   * policy. Call it before each such command; see admission.ts. Hot.
   */
  admitWrites(): boolean {
    return this.#admission.admit(this.memory);
  }

  // ---- Upkeep -----------------------------------------------------------------------------------

  /**
   * Does what there is in the background for about `budgetMs` (upkeep.ts). True: there is more to
   * do right away. Must be called by one Worker, between batches, 10 times a second or more.
   */
  upkeep(budgetMs: number, expires = true): boolean {
    this.enterBatch();
    const isUnfinished = this.#upkeep.run(this.memory, budgetMs, expires);
    this.leaveBatch();
    return isUnfinished;
  }

  /** A counter of layout.ts (COUNT_*), summed over all Workers. */
  counter(index: number): number {
    return sumCounter(this.memory, index);
  }
}

/** How large a store may get, and for how many Workers. */
export interface StoreOptions {
  /** Bytes of address space to reserve for records; memory is used only as it fills. */
  readonly reserveBytes: number;
  /** Workers that may attach, with indices 0 to workers - 1. */
  readonly workers: number;
}

/**
 * Creates an empty store. The handle goes to every Worker, with postMessage; each attaches with an
 * index of its own.
 */
export function createStore(options: StoreOptions): StoreHandle {
  return reserveMemory(options.reserveBytes, options.workers);
}

/**
 * This Worker's face of the memory behind `handle`, without the log that may belong to it; see
 * durable-store.ts. Each index may be used by one Worker only.
 */
export function attachStore(handle: StoreHandle, worker: number): Store {
  return new Store(new Memory(handle, worker));
}
