/**
 * Doing again what the log and the checkpoints say, in a store that nobody else uses yet.
 *
 * Records are applied in the order of their stamps, and a record only when what the checkpoint
 * holds of its key does not contain it already (`stampOf`). Time stands still at 0, so nothing
 * expires: what had expired when a record was written shows in the record (LOG_CREATES).
 */
import { assert } from "../base/assert.ts";
import { FatalError } from "../base/errors.ts";
import { removeFromChain } from "./chain.ts";
import { type Cursor, TYPE_LIST, TYPE_NONE, TYPE_STRING } from "./cursor.ts";
import { ensureSpace } from "./heap.ts";
import { bucketOf, hashOfRecord } from "./index.ts";
import { lockBucket, unlockBucket } from "./latch.ts";
import {
  BUCKET_WORDS,
  CONTROL_DATABASES,
  DATABASES_MAX,
  ENTRY_SLOT_MASK,
  RECORD_DB_SHIFT,
  SHARD_BUCKETS,
} from "./layout.ts";
import {
  LOG_CREATES,
  LOG_EXPIRES,
  LOG_GROUPED,
  OP_APPEND,
  OP_COMMIT,
  OP_DATABASES,
  OP_DELETE,
  OP_DROP_HEAD,
  OP_DROP_TAIL,
  OP_EXPIRE,
  OP_FLUSH,
  OP_FRAGMENT,
  OP_INSERT_ITEM,
  OP_PUSH_HEAD,
  OP_PUSH_ITEMS,
  OP_PUSH_TAIL,
  OP_REMOVE_ITEM,
  OP_SET,
  OP_SET_ITEM,
  OP_WRITE_RANGE,
} from "./log-layout.ts";
import type { LogRecord } from "./log-reader.ts";
import type { Memory } from "./memory.ts";
import { freeRetired } from "./retired.ts";
import { STATUS_OK, STATUS_OUT_OF_MEMORY, type Status } from "./status.ts";
import type { Store } from "./store.ts";

/** Records between two looks at what waits to be freed. */
const FREE_EVERY = 1024;
const FREE_NODES_MAX = 4096;

/** As of which stamp the checkpoint of a shard holds each of its buckets. */
export interface ShardStamps {
  readonly buckets: number;
  readonly stamps: Float64Array;
}

export class Replayer {
  readonly #store: Store;
  readonly #dir: string;
  readonly #memory: Memory;
  readonly #cursor: Cursor;
  readonly #shards: (ShardStamps | null)[];
  /** Groups that are not complete, by stream. */
  readonly #groups = new Map<object, LogRecord[]>();
  /** Pieces of the next record's value. */
  #fragments: Buffer[] = [];
  #untilFree = FREE_EVERY;
  databasesMark = 0;
  appliedCount = 0;
  /** Records that did not fit the key they are about: never, unless something is damaged. */
  misfitsCount = 0;

  /** `dir`: where the map goes on when it is larger than memory. */
  constructor(store: Store, dir: string) {
    this.#dir = dir;
    this.#store = store;
    this.#memory = store.memory;
    this.#cursor = store.cursor(0);
    this.#shards = store.memory.keys.shards.map(() => null);
  }

  /** Begins: time stands still until `end`. */
  begin(): void {
    this.#store.enterBatch();
    this.#memory.nowMs = 0;
  }

  end(): void {
    while (freeRetired(this.#memory, FREE_NODES_MAX) > 0);
    this.#store.leaveBatch();
  }

  /** What the checkpoint of `shard` holds, or null again when it is loaded wholly anew. */
  setStamps(shard: number, stamps: ShardStamps | null): void {
    this.#shards[shard] = stamps;
  }

  /** The stamp up to which the checkpoint contains the changes of keys with this hash. */
  #stampOf(hash: number): number {
    const { shardMask, shardBits } = this.#memory.keys;
    const shard = this.#shards[hash & shardMask] as ShardStamps | null;
    if (shard === null) return 0;
    return shard.stamps[bucketOf(hash, shardBits, shard.buckets) / BUCKET_WORDS - 1] as number;
  }

  /** Takes the next record of a stream: applies it, or keeps it until its group is complete. */
  take(stream: object, record: LogRecord): void {
    const isGrouped = (record.flags & LOG_GROUPED) !== 0;
    const group = this.#groups.get(stream);
    if (!isGrouped && group === undefined) {
      this.apply(record);
      return;
    }
    if (isGrouped) {
      if (group === undefined) this.#groups.set(stream, [record.copy()]);
      else group.push(record.copy());
      return;
    }
    this.#groups.delete(stream);
    for (const before of group as LogRecord[]) this.apply(before);
    this.apply(record);
  }

  /** The stream broke off: what it has of a group never happened. */
  dropGroups(): void {
    this.#groups.clear();
    this.#fragments = [];
  }

  /** Applies one record. Hot: millions of times in a recovery. */
  apply(record: LogRecord): void {
    this.appliedCount++;
    if (--this.#untilFree < 0) {
      this.#untilFree = FREE_EVERY;
      freeRetired(this.#memory, FREE_NODES_MAX);
    }
    if (record.op === OP_FRAGMENT) {
      const piece = Buffer.allocUnsafeSlow(record.valueLength);
      record.bytes.copy(piece, 0, record.valueStart, record.valueStart + record.valueLength);
      this.#fragments.push(piece);
      return;
    }
    if (this.#fragments.length > 0) this.#join(record);
    // A range that is written far behind a string's end takes no space for the zeros in between.
    if (this.#memory.isHeapOnDisk) ensureSpace(this.#memory, this.#dir, record.valueLength);
    if (record.keyLength === 0 && record.op >= OP_FLUSH) {
      this.#applyToAll(record);
      return;
    }
    const cursor = this.#cursor;
    cursor.bytes = record.bytes;
    cursor.keyStart = record.keyStart;
    cursor.keyLength = record.keyLength;
    cursor.db = record.db;
    cursor.hash = this.#store.hash(record.bytes, record.keyStart, record.keyLength);
    if (record.stamp !== 0 && record.stamp <= this.#stampOf(cursor.hash)) return;
    this.#applyToKey(cursor, record);
  }

  /** Puts the fragments in front of the record's value. */
  #join(record: LogRecord): void {
    const { bytes, keyStart, keyLength, valueStart, valueLength } = record;
    const key = Buffer.allocUnsafeSlow(keyLength);
    bytes.copy(key, 0, keyStart, keyStart + keyLength);
    const rest = Buffer.allocUnsafeSlow(valueLength);
    bytes.copy(rest, 0, valueStart, valueStart + valueLength);
    const joined = Buffer.concat([key, ...this.#fragments, rest]);
    this.#fragments = [];
    record.bytes = joined;
    record.keyStart = 0;
    record.valueStart = keyLength;
    record.valueLength = joined.length - keyLength;
  }

  #applyToKey(cursor: Cursor, record: LogRecord): void {
    const store = this.#store;
    const { bytes, valueStart, valueLength, number } = record;
    if (record.op === OP_SET && (record.flags & LOG_EXPIRES) === 0) {
      this.#check(store.setString(cursor, bytes, valueStart, valueLength));
      return;
    }
    store.lock(cursor);
    if ((record.flags & LOG_CREATES) !== 0 && cursor.type !== TYPE_NONE) {
      store.remove(cursor);
      store.refresh(cursor);
    }
    if (record.op === OP_SET) {
      this.#check(store.putString(cursor, bytes, valueStart, valueLength, number));
    } else if (record.op === OP_DELETE) {
      if (cursor.type !== TYPE_NONE) store.remove(cursor);
    } else if (record.op === OP_EXPIRE) {
      if (cursor.type !== TYPE_NONE) this.#check(store.setExpiry(cursor, number));
      else this.misfitsCount++;
    } else if (record.op === OP_APPEND || record.op === OP_WRITE_RANGE) {
      this.#applyToString(cursor, record);
    } else this.#applyToList(cursor, record);
    store.unlock(cursor);
  }

  #applyToString(cursor: Cursor, record: LogRecord): void {
    const { bytes, valueStart, valueLength } = record;
    if (cursor.type !== TYPE_STRING) {
      this.misfitsCount++;
      return;
    }
    this.#check(
      record.op === OP_APPEND
        ? this.#store.appendString(cursor, bytes, valueStart, valueLength)
        : this.#store.writeRange(cursor, record.number, bytes, valueStart, valueLength),
    );
  }

  #applyToList(cursor: Cursor, record: LogRecord): void {
    const store = this.#store;
    const { bytes, valueStart, valueLength, number, op } = record;
    const isPush = op === OP_PUSH_HEAD || op === OP_PUSH_TAIL || op === OP_PUSH_ITEMS;
    if (cursor.type !== TYPE_LIST && !(isPush && cursor.type === TYPE_NONE)) {
      this.misfitsCount++;
    } else if (op === OP_PUSH_ITEMS) this.#pushItems(cursor, record);
    else if (isPush) {
      this.#check(store.pushItem(cursor, op === OP_PUSH_HEAD, bytes, valueStart, valueLength));
    } else if (op === OP_DROP_HEAD || op === OP_DROP_TAIL) {
      store.dropItems(cursor, op === OP_DROP_HEAD, number);
    } else if (number > cursor.itemsCount - (op === OP_INSERT_ITEM ? 0 : 1)) {
      this.misfitsCount++;
    } else if (op === OP_SET_ITEM) {
      this.#check(store.setItem(cursor, number, bytes, valueStart, valueLength));
    } else if (op === OP_INSERT_ITEM) {
      this.#check(store.insertItem(cursor, number, bytes, valueStart, valueLength));
    } else if (op === OP_REMOVE_ITEM) store.removeItem(cursor, number);
    else assert(false, `operation ${op} is known`);
  }

  #pushItems(cursor: Cursor, record: LogRecord): void {
    const { bytes, valueStart, valueLength } = record;
    const end = valueStart + valueLength;
    for (let at = valueStart; at + 4 <= end; ) {
      const length = bytes.readUInt32LE(at);
      if (at + 4 + length > end) {
        this.misfitsCount++;
        return;
      }
      this.#check(this.#store.pushItem(cursor, false, bytes, at + 4, length));
      at += 4 + length;
    }
  }

  #check(status: Status): void {
    if (status === STATUS_OUT_OF_MEMORY) {
      throw new FatalError(
        `Cannot recover ${this.#dir}: it holds more than there is room for in memory`,
        "a store that was given more memory has written it; kv serve takes what is on the disk",
      );
    }
    assert(status === STATUS_OK, `a change that was made once can be made again (${status})`);
  }

  #applyToAll(record: LogRecord): void {
    if (record.op === OP_COMMIT) return;
    if (record.op === OP_DATABASES) {
      if (record.stamp <= this.databasesMark) return;
      const control = this.#memory.control;
      const count = Math.min(DATABASES_MAX, record.valueLength);
      for (let db = 0; db < count; db++) {
        control[CONTROL_DATABASES + db] = record.bytes[record.valueStart + db] as number;
      }
    } else if (record.op === OP_FLUSH) this.#flush(record.number, record.stamp);
    else this.misfitsCount++;
  }

  /** Removes what was there at `stamp`: a checkpoint that was written later has what came then. */
  #flush(db: number, stamp: number): void {
    const memory = this.#memory;
    if (db < 0 && this.#shards.every((shard) => shard === null)) {
      this.#store.leaveBatch();
      this.#store.exclusive(() => this.#store.flush(-1));
      this.begin();
      return;
    }
    const isDoomed = (_: Memory, view: Int32Array, entry: number): boolean => {
      const offset = view[entry + 1] as number;
      if (offset === 0) return false;
      const slot = (view[entry] as number) & ENTRY_SLOT_MASK;
      const words = memory.words[slot] as Int32Array;
      if (db >= 0 && (words[offset >>> 2] as number) >>> RECORD_DB_SHIFT !== db) return false;
      return this.#stampOf(hashOfRecord(memory, slot, offset)) < stamp;
    };
    memory.keys.shards.forEach((view, shard) => {
      for (let n = 0; n < (view[SHARD_BUCKETS] as number); n++) {
        const first = (n + 1) * BUCKET_WORDS;
        lockBucket(view, first);
        removeFromChain(memory, this.#cursor, view, shard, first, isDoomed, 0);
        unlockBucket(view, first);
      }
    });
  }
}
