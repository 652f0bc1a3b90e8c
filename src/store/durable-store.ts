/**
 * The store with a log: every change is also appended to this Worker's log, in the same critical
 * section. Everything else is store.ts as it is, so memory mode pays nothing for durability.
 *
 *     room in the log? -> the change in the map -> its record -> (unlock)
 *
 * What has expired is removed without a record: the time itself is in the log, and a change that
 * found its key missing says so (LOG_CREATES). What is evicted is logged.
 */
import { type Cursor, TYPE_LIST, TYPE_NONE } from "./cursor.ts";
import { Durability } from "./durability.ts";
import { awaitSpace } from "./heap.ts";
import { lockAndFind, unlockCursor } from "./index.ts";
import { CONTROL_DATABASES, CONTROL_EXCLUSIVE, DATABASES_MAX } from "./layout.ts";
import { LogWriter } from "./log.ts";
import {
  LOG_CREATES,
  LOG_EXPIRES,
  LOG_FULL,
  LOG_HAS_NUMBER,
  OP_APPEND,
  OP_DATABASES,
  OP_DELETE,
  OP_DROP_HEAD,
  OP_DROP_TAIL,
  OP_EXPIRE,
  OP_FLUSH,
  OP_INSERT_ITEM,
  OP_PUSH_HEAD,
  OP_PUSH_TAIL,
  OP_REMOVE_ITEM,
  OP_SET,
  OP_SET_ITEM,
  OP_WRITE_RANGE,
} from "./log-layout.ts";
import { writeValue } from "./log-values.ts";
import { Memory, type StoreHandle } from "./memory.ts";
import { findLocked } from "./multi.ts";
import { describeRecord } from "./read.ts";
import { valueBytes } from "./stats.ts";
import { KEEP_EXPIRY, STATUS_LOG_FULL, STATUS_OK, type Status } from "./status.ts";
import { attachStore, Store } from "./store.ts";
import { putString } from "./strings.ts";
import { currentExpiry } from "./upsert.ts";

const EMPTY = Buffer.allocUnsafeSlow(0);

export class DurableStore extends Store {
  readonly log: LogWriter;
  readonly #durability: Durability;
  /** Stamp of the Worker's last record when the batch began. */
  #batchStamp = 0;

  constructor(memory: Memory, log: LogWriter) {
    super(memory);
    this.log = log;
    this.#durability = new Durability(log.state, memory);
    memory.evictionLog = { evicting: (cursor) => log.append(cursor, OP_DELETE, 0, 0, EMPTY, 0, 0) };
  }

  // ---- Batches and groups -----------------------------------------------------------------------

  override enterBatch(): void {
    if (this.memory.isHeapOnDisk) awaitSpace(this.memory);
    super.enterBatch();
    this.log.beginBatch();
    this.#batchStamp = this.log.lastStamp;
  }

  override writtenStamp(): number {
    const { lastStamp } = this.log;
    return lastStamp === this.#batchStamp ? 0 : lastStamp;
  }

  override get durability(): Durability {
    return this.#durability;
  }

  override exclusive<T>(run: () => T): T {
    return super.exclusive(() => {
      this.log.isGrouped = true;
      const result = run();
      this.log.endGroup();
      return result;
    });
  }

  override group(): void {
    this.log.isGrouped = true;
  }

  override reserve(size: number, count: number): boolean {
    return this.log.reserveAll(size, count);
  }

  override lockAll(count: number): void {
    super.lockAll(count);
    if (count > 1) this.log.isGrouped = true;
  }

  override unlock(cursor: Cursor): void {
    try {
      if (this.log.isGrouped) this.#endGroup();
    } finally {
      super.unlock(cursor);
    }
  }

  override unlockAll(count: number): void {
    try {
      if (this.log.isGrouped) this.#endGroup();
    } finally {
      super.unlockAll(count);
    }
  }

  /** The exclusive section ends its group by itself. Throws when the log has no room at all. */
  #endGroup(): void {
    const { control, worker } = this.memory;
    if (control[CONTROL_EXCLUSIVE] !== worker + 1) this.log.endGroup();
  }

  override isLogFull(): boolean {
    return this.log.state.control[LOG_FULL] !== 0;
  }

  // ---- Strings ----------------------------------------------------------------------------------

  override putString(
    cursor: Cursor,
    bytes: Buffer,
    start: number,
    length: number,
    expiresAtMs: number,
  ): Status {
    const log = this.log;
    if (!log.reserve(cursor.keyLength + length)) return STATUS_LOG_FULL;
    const status = super.putString(cursor, bytes, start, length, expiresAtMs);
    if (status !== STATUS_OK) return status;
    const expiry = expiresAtMs === KEEP_EXPIRY ? currentExpiry(this.memory, cursor) : expiresAtMs;
    const flags = expiry > 0 ? LOG_HAS_NUMBER | LOG_EXPIRES : 0;
    log.append(cursor, OP_SET, flags, expiry, bytes, start, length);
    return status;
  }

  override setString(cursor: Cursor, bytes: Buffer, start: number, length: number): Status {
    const { memory, log } = this;
    if (!log.reserve(cursor.keyLength + length)) return STATUS_LOG_FULL;
    lockAndFind(memory, memory.keys, cursor);
    const status = putString(memory, cursor, bytes, start, length, 0);
    if (status === STATUS_OK) log.append(cursor, OP_SET, 0, 0, bytes, start, length);
    unlockCursor(memory, memory.keys, cursor);
    return status;
  }

  override appendString(cursor: Cursor, bytes: Buffer, start: number, length: number): Status {
    const log = this.log;
    if (!log.reserve(cursor.keyLength + length)) return STATUS_LOG_FULL;
    const status = super.appendString(cursor, bytes, start, length);
    if (status === STATUS_OK) log.append(cursor, OP_APPEND, 0, 0, bytes, start, length);
    return status;
  }

  override writeRange(
    cursor: Cursor,
    at: number,
    bytes: Buffer,
    start: number,
    length: number,
  ): Status {
    const log = this.log;
    if (!log.reserve(cursor.keyLength + length)) return STATUS_LOG_FULL;
    const status = super.writeRange(cursor, at, bytes, start, length);
    if (status === STATUS_OK) {
      log.append(cursor, OP_WRITE_RANGE, LOG_HAS_NUMBER, at, bytes, start, length);
    }
    return status;
  }

  // ---- Keys -------------------------------------------------------------------------------------

  override remove(cursor: Cursor): void {
    this.log.append(cursor, OP_DELETE, 0, 0, EMPTY, 0, 0);
    super.remove(cursor);
  }

  override setExpiry(cursor: Cursor, expiresAtMs: number): Status {
    const log = this.log;
    if (!log.reserve(cursor.keyLength)) return STATUS_LOG_FULL;
    const status = super.setExpiry(cursor, expiresAtMs);
    if (status === STATUS_OK) this.#logNumber(cursor, OP_EXPIRE, expiresAtMs);
    return status;
  }

  override rename(from: Cursor, to: Cursor): Status {
    const { memory, log } = this;
    if (!log.reserve(this.#sizeOf(from) + from.keyLength + to.keyLength)) return STATUS_LOG_FULL;
    const status = super.rename(from, to);
    if (status !== STATUS_OK) return status;
    log.append(from, OP_DELETE, 0, 0, EMPTY, 0, 0);
    findLocked(memory, to);
    describeRecord(memory, to);
    writeValue(memory, to, log);
    return status;
  }

  override copyTo(from: Cursor, to: Cursor): Status {
    const { memory, log } = this;
    if (!log.reserve(this.#sizeOf(from) + to.keyLength)) return STATUS_LOG_FULL;
    const status = super.copyTo(from, to);
    if (status !== STATUS_OK) return status;
    findLocked(memory, to);
    describeRecord(memory, to);
    writeValue(memory, to, log);
    return status;
  }

  /** Bytes of log that a locked key's value takes at the most, about. */
  #sizeOf(cursor: Cursor): number {
    const { memory } = this;
    findLocked(memory, cursor);
    describeRecord(memory, cursor);
    return cursor.type === TYPE_LIST ? valueBytes(memory, cursor) * 2 : cursor.valueLength;
  }

  // ---- Lists ------------------------------------------------------------------------------------

  override pushItem(
    cursor: Cursor,
    atHead: boolean,
    bytes: Buffer,
    start: number,
    length: number,
  ): Status {
    const log = this.log;
    if (!log.reserve(cursor.keyLength + length)) return STATUS_LOG_FULL;
    const flags = cursor.type === TYPE_NONE ? LOG_CREATES : 0;
    const status = super.pushItem(cursor, atHead, bytes, start, length);
    if (status === STATUS_OK) {
      log.append(cursor, atHead ? OP_PUSH_HEAD : OP_PUSH_TAIL, flags, 0, bytes, start, length);
    }
    return status;
  }

  override dropItems(cursor: Cursor, atHead: boolean, count: number): void {
    this.#logNumber(cursor, atHead ? OP_DROP_HEAD : OP_DROP_TAIL, count);
    super.dropItems(cursor, atHead, count);
  }

  override trimList(cursor: Cursor, start: number, stop: number): void {
    const behind = cursor.itemsCount - 1 - stop;
    if (behind > 0 && start > 0) this.group();
    if (behind > 0) this.dropItems(cursor, false, behind);
    if (start > 0) this.dropItems(cursor, true, start);
  }

  override setItem(
    cursor: Cursor,
    index: number,
    bytes: Buffer,
    start: number,
    length: number,
  ): Status {
    const log = this.log;
    if (!log.reserve(cursor.keyLength + length)) return STATUS_LOG_FULL;
    const status = super.setItem(cursor, index, bytes, start, length);
    if (status === STATUS_OK) {
      log.append(cursor, OP_SET_ITEM, LOG_HAS_NUMBER, index, bytes, start, length);
    }
    return status;
  }

  override insertItem(
    cursor: Cursor,
    index: number,
    bytes: Buffer,
    start: number,
    length: number,
  ): Status {
    const log = this.log;
    if (!log.reserve(cursor.keyLength + length)) return STATUS_LOG_FULL;
    const status = super.insertItem(cursor, index, bytes, start, length);
    if (status === STATUS_OK) {
      log.append(cursor, OP_INSERT_ITEM, LOG_HAS_NUMBER, index, bytes, start, length);
    }
    return status;
  }

  override removeItem(cursor: Cursor, index: number): void {
    this.#logNumber(cursor, OP_REMOVE_ITEM, index);
    super.removeItem(cursor, index);
  }

  /** Logs a change that is a number. */
  #logNumber(cursor: Cursor, op: number, number: number): void {
    this.log.append(cursor, op, LOG_HAS_NUMBER, number, EMPTY, 0, 0);
  }

  // ---- All keys ---------------------------------------------------------------------------------

  override flush(db: number): void {
    this.log.note(OP_FLUSH, LOG_HAS_NUMBER, db, EMPTY, 0);
    super.flush(db);
  }

  override swapDatabases(a: number, b: number): void {
    super.swapDatabases(a, b);
    const physical = Buffer.alloc(DATABASES_MAX);
    for (let db = 0; db < DATABASES_MAX; db++) {
      physical[db] = this.memory.control[CONTROL_DATABASES + db] as number;
    }
    this.log.note(OP_DATABASES, 0, 0, physical, DATABASES_MAX);
  }
}

/**
 * This Worker's face of the store behind `handle`, with its log when it has one. Each index may be
 * used by one Worker only.
 */
export function attachAny(handle: StoreHandle, worker: number): Store {
  if (handle.log === undefined) return attachStore(handle, worker);
  return new DurableStore(new Memory(handle, worker), new LogWriter(handle.log, worker));
}
