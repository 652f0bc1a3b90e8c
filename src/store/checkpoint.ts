/**
 * A checkpoint of one shard: its keys as records in a file, written while everybody goes on.
 *
 * The shard's split latch is held meanwhile, so each bucket keeps its set of hashes. A bucket is
 * copied as a reader reads: version, stamp counter, contents, version again; what changed in
 * between is taken back and read again. So the copy contains exactly the changes with stamps up to
 * the one that was read, and nobody has waited. Only a bucket that will not hold still, or that has
 * a value in nodes, is copied under its lock.
 *
 * A file is begun under a temporary name and is nothing until the manifest names it.
 */
import { closeSync, fdatasyncSync, openSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nanoseconds } from "../base/clock.ts";
import { crc32 } from "../base/crc32.ts";
import { failPoint } from "../base/fail-point.ts";
import { aimCursorAtEntry } from "./chain.ts";
import { Cursor, TYPE_LIST, TYPE_STRING } from "./cursor.ts";
import { enterEpoch, leaveEpoch } from "./epoch.ts";
import { fence, lockBucket, tryLatch, unlatch, unlockBucket, waitUntilEven } from "./latch.ts";
import {
  BUCKET_ENTRIES,
  BUCKET_LINK,
  BUCKET_VERSION,
  BUCKET_WORDS,
  CHAIN_LENGTH_MAX,
  CONTROL_GENERATION,
  COUNT_USED_BYTES,
  ENTRY_SLOT_MASK,
  FLAG_EXPIRY,
  FLAG_NODES,
  RECORD_DB_SHIFT,
  RECORD_HEADER_SIZE,
  RECORD_TYPE_MASK,
  RECORD_TYPE_SHIFT,
  SEGMENT_SIZE,
  SHARD_BUCKETS,
  SHARD_SPLIT_LOCK,
} from "./layout.ts";
import { describeList } from "./list-page.ts";
import type { LogState } from "./log.ts";
import { flushDirectory, shardName, TEMPORARY, writeAll } from "./log-files.ts";
import {
  BLOCK_HEADER_SIZE,
  BLOCK_SIZE_MAX_BYTES,
  FORMAT,
  LOG_DB_SHIFT,
  LOG_EXPIRES,
  LOG_FLAGS_SHIFT,
  LOG_HAS_NUMBER,
  LOG_HEADER_SIZE,
  LOG_KEY,
  LOG_KIND,
  LOG_OP_SHIFT,
  LOG_SIZE,
  LOG_VALUE_LENGTH,
  OP_BUCKET,
  OP_FRAGMENT,
  OP_SET,
  SHARD_CRC,
  SHARD_HEADER_SIZE,
  SHARD_MAGIC,
} from "./log-layout.ts";
import { type RecordSink, writeValue } from "./log-values.ts";
import type { ShardFile } from "./manifest.ts";
import type { Memory } from "./memory.ts";
import { describeRecord } from "./read.ts";
import { keyLengthOf, keyOffset, valueLengthOf } from "./record.ts";
import { keysOfAll, sumCounter } from "./stats.ts";

const FILE_MODE = 0o600;
/** Buckets between two looks at the clock. */
const BUCKETS_A_STEP = 8;
/** Buckets whose records are asked for together where the map is in files: few MiB of them. */
const BUCKETS_AHEAD = 256;
const AHEAD_SIZE_MAX = 64 * 1024;
/** A bucket that changed so often while it was copied is locked. */
const ATTEMPTS_MAX = 8;
/** Bytes that are written between two flushes: the last one must not take long. */
const FLUSH_EVERY_BYTES = 32 * 1024 * 1024;
/** A block with more is written out before the next bucket: mostly that one has room then. */
const BLOCK_FULL_SIZE = BLOCK_SIZE_MAX_BYTES - 128 * 1024;
/** Fragments of a value that no block has room for. */
const FRAGMENT_SIZE = 512 * 1024;

/** Collects records into blocks of a file. */
class BlockWriter implements RecordSink {
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(BLOCK_SIZE_MAX_BYTES);
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  #number = 0;
  /** Blocks may be written out: not while what is in them may have to be taken back. */
  isFinal = true;
  /** A record had no room and the block could not be written out. */
  isOverflown = false;
  length = BLOCK_HEADER_SIZE;
  sizeBytes = 0;
  #unflushed = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.#words = new Int32Array(this.#bytes.buffer);
    this.#doubles = new Float64Array(this.#bytes.buffer);
  }

  writeHeader(shard: number, buckets: number, mark: number): void {
    const header = Buffer.alloc(SHARD_HEADER_SIZE);
    header.writeInt32LE(SHARD_MAGIC, 0);
    header.writeInt32LE(FORMAT, 4);
    header.writeInt32LE(shard, 8);
    header.writeInt32LE(buckets, 12);
    header.writeDoubleLE(mark, 16);
    header.writeInt32LE(crc32(header, 0, SHARD_CRC), SHARD_CRC);
    writeAll(this.#descriptor, header, header.length, 0);
    this.sizeBytes = header.length;
  }

  append(
    cursor: Cursor,
    op: number,
    flags: number,
    number: number,
    value: Buffer,
    start: number,
    length: number,
  ): void {
    const { keyLength } = cursor;
    const head = LOG_HEADER_SIZE + ((flags & LOG_HAS_NUMBER) << 3);
    let from = start;
    let rest = length;
    if (head + keyLength + rest + 8 > BLOCK_SIZE_MAX_BYTES - BLOCK_HEADER_SIZE) {
      for (; rest > FRAGMENT_SIZE; rest -= FRAGMENT_SIZE, from += FRAGMENT_SIZE) {
        this.append(nobody, OP_FRAGMENT, 0, 0, value, from, FRAGMENT_SIZE);
      }
    }
    const size = (head + keyLength + rest + 7) & ~7;
    if (this.length + size > BLOCK_SIZE_MAX_BYTES && !this.flushBlock()) {
      this.isOverflown = true;
      return;
    }
    const at = this.length;
    const w = at >>> 2;
    const words = this.#words;
    words[w + LOG_SIZE] = size;
    words[w + 1] = 0;
    words[w + 2] = 0;
    words[w + LOG_KIND] = (op << LOG_OP_SHIFT) | (flags << LOG_FLAGS_SHIFT);
    words[w + LOG_KEY] = keyLength | (cursor.db << LOG_DB_SHIFT);
    words[w + LOG_VALUE_LENGTH] = rest;
    if ((flags & LOG_HAS_NUMBER) !== 0) this.#doubles[(at + LOG_HEADER_SIZE) >>> 3] = number;
    const { keyStart } = cursor;
    cursor.bytes.copy(this.#bytes, at + head, keyStart, keyStart + keyLength);
    value.copy(this.#bytes, at + head + keyLength, from, from + rest);
    this.length = at + size;
  }

  /**
   * Appends a SET of a string whose value follows its key, as it does in a record of the map: key
   * and value are `length` bytes at `start`. False: the block has no room. Hot: once per key.
   */
  appendString(
    db: number,
    bytes: Buffer,
    start: number,
    keyLength: number,
    length: number,
    expiresAtMs: number,
  ): boolean {
    const isExpiring = expiresAtMs > 0;
    const head = isExpiring ? LOG_HEADER_SIZE + 8 : LOG_HEADER_SIZE;
    const size = (head + length + 7) & ~7;
    const at = this.length;
    if (at + size > BLOCK_SIZE_MAX_BYTES) return false;
    const w = at >>> 2;
    const words = this.#words;
    words[w + LOG_SIZE] = size;
    words[w + 1] = 0;
    words[w + 2] = 0;
    words[w + LOG_KIND] = isExpiring ? KIND_SET_EXPIRING : KIND_SET;
    words[w + LOG_KEY] = keyLength | (db << LOG_DB_SHIFT);
    words[w + LOG_VALUE_LENGTH] = length - keyLength;
    if (isExpiring) this.#doubles[(at + LOG_HEADER_SIZE) >>> 3] = expiresAtMs;
    bytes.copy(this.#bytes, at + head, start, start + length);
    this.length = at + size;
    return true;
  }

  /** Writes the block out; false when it must not be. */
  flushBlock(): boolean {
    if (!this.isFinal) return false;
    if (this.length === BLOCK_HEADER_SIZE) return true;
    const bytes = this.#bytes;
    const size = this.length;
    bytes.writeInt32LE(size, 0);
    bytes.writeInt32LE(this.#number++, 8);
    bytes.writeInt32LE(0, 12);
    bytes.writeInt32LE(crc32(bytes, 8, size), 4);
    writeAll(this.#descriptor, bytes, size, this.sizeBytes);
    this.sizeBytes += size;
    this.#unflushed += size;
    this.length = BLOCK_HEADER_SIZE;
    if (this.#unflushed > FLUSH_EVERY_BYTES) {
      this.#unflushed = 0;
      fdatasyncSync(this.#descriptor);
    }
    return true;
  }
}

const KIND_SET = OP_SET << LOG_OP_SHIFT;
const KIND_SET_EXPIRING = KIND_SET | ((LOG_HAS_NUMBER | LOG_EXPIRES) << LOG_FLAGS_SHIFT);
const EMPTY = Buffer.allocUnsafeSlow(0);
const nobody = { keyLength: 0, keyStart: 0, bytes: EMPTY, db: 0 } as unknown as Cursor;

const KIND_MASK = (RECORD_TYPE_MASK << RECORD_TYPE_SHIFT) | FLAG_NODES;
const PLAIN_STRING = TYPE_STRING << RECORD_TYPE_SHIFT;

/** What became of a step. */
export const enum ShardStep {
  More,
  Done,
  /** Everything was flushed, or the shard is being split: begin again. */
  Void,
}

/**
 * Gives up the split latch that was taken in this generation: after everything was flushed it is
 * not its taker's any more. In a batch, so that this cannot happen in between.
 */
function unlatchSplits(memory: Memory, shard: number, generation: number): void {
  enterEpoch(memory);
  if (memory.control[CONTROL_GENERATION] === generation) {
    unlatch(memory.keys.shards[shard] as Int32Array, SHARD_SPLIT_LOCK);
  }
  leaveEpoch(memory);
}

/** Writes the checkpoint of one shard, a budget at a time. */
export class ShardCheckpoint {
  readonly shard: number;
  /** The log is needed from here on. */
  readonly mark: number;
  readonly #memory: Memory;
  readonly #log: LogState;
  readonly #view: Int32Array;
  readonly #name: string;
  readonly #descriptor: number;
  readonly #writer: BlockWriter;
  readonly #cursor = new Cursor();
  readonly #generation: number;
  /** Bytes of the average record, for reading ahead. */
  readonly #recordSize: number;
  /** Records of buckets before this one were asked for. */
  #ahead = 0;
  #bucket = 0;
  #buckets = 0;

  /** Begins; throws what making a file throws. null: the shard is being split just now. */
  static begin(
    memory: Memory,
    log: LogState,
    shard: number,
    serial: number,
  ): ShardCheckpoint | null {
    // In a batch: flushing everything frees the latch, so both must be of the same generation.
    enterEpoch(memory);
    const generation = memory.control[CONTROL_GENERATION] as number;
    const isFree = tryLatch(memory.keys.shards[shard] as Int32Array, SHARD_SPLIT_LOCK);
    leaveEpoch(memory);
    if (!isFree) return null;
    try {
      return new ShardCheckpoint(memory, log, shard, serial, generation);
    } catch (error) {
      unlatchSplits(memory, shard, generation);
      throw error;
    }
  }

  private constructor(
    memory: Memory,
    log: LogState,
    shard: number,
    serial: number,
    generation: number,
  ) {
    this.#memory = memory;
    this.#log = log;
    this.shard = shard;
    this.#view = memory.keys.shards[shard] as Int32Array;
    this.#name = shardName(shard, serial);
    this.#generation = generation;
    const bytes = sumCounter(memory, COUNT_USED_BYTES);
    this.#recordSize = Math.min(AHEAD_SIZE_MAX, Math.ceil(bytes / Math.max(1, keysOfAll(memory))));
    this.#descriptor = openSync(join(log.dir, this.#name + TEMPORARY), "w", FILE_MODE);
    this.mark = log.lastStamp();
    this.#buckets = this.#view[SHARD_BUCKETS] as number;
    this.#writer = new BlockWriter(this.#descriptor);
    try {
      this.#writer.writeHeader(shard, this.#buckets, this.mark);
      failPoint("checkpoint-begin");
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  /** Goes on for about `budgetMs`. Inside a batch of the Worker's own. */
  step(budgetMs: number): ShardStep {
    if (this.#memory.control[CONTROL_GENERATION] !== this.#generation) return ShardStep.Void;
    const endNs = nanoseconds() + budgetMs * 1e6;
    const hasFiles = this.#memory.words.length > this.#memory.memorySegments;
    for (let steps = 1; this.#bucket < this.#buckets; steps++) {
      if (this.#bucket >= this.#ahead) {
        if (hasFiles) this.#readAhead();
        else this.#touchAhead();
      }
      this.#copyBucket((this.#bucket + 1) * BUCKET_WORDS);
      this.#bucket++;
      if (steps % BUCKETS_A_STEP === 0 && nanoseconds() > endNs) return ShardStep.More;
    }
    return ShardStep.Done;
  }

  /**
   * Asks for the records of the next buckets: they lie all over the files, and one read after the
   * other takes 83 us each, many at a time 13 us (4 KiB of a virtual disk).
   */
  #readAhead(): void {
    const view = this.#view;
    const memory = this.#memory;
    this.#ahead = Math.min(this.#buckets, this.#bucket + BUCKETS_AHEAD);
    for (let number = this.#bucket; number < this.#ahead; number++) {
      let bucket = (number + 1) * BUCKET_WORDS;
      // Nothing holds the chain still: whatever is read here is only advice.
      for (let length = 0; bucket !== 0 && length < CHAIN_LENGTH_MAX; length++) {
        for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
          const offset = view[entry + 1] as number;
          if (offset === 0) break;
          memory.prefetch((view[entry] as number) & ENTRY_SLOT_MASK, offset, this.#recordSize);
        }
        bucket = view[bucket + BUCKET_LINK] as number;
      }
    }
  }

  /**
   * Loads the records of the next buckets, so that their cache misses overlap: they are all over
   * the memory. Nothing holds the chain still: whatever is read here is not used.
   */
  #touchAhead(): void {
    const view = this.#view;
    const { words } = this.#memory;
    const size = this.#recordSize >>> 2;
    this.#ahead = Math.min(this.#buckets, this.#bucket + BUCKETS_A_STEP);
    const end = (this.#ahead + 1) * BUCKET_WORDS;
    let sink = 0;
    for (let bucket = (this.#bucket + 1) * BUCKET_WORDS; bucket < end; bucket += BUCKET_WORDS) {
      for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
        const at = (view[entry + 1] as number) >>> 2;
        const record = words[(view[entry] as number) & ENTRY_SLOT_MASK];
        if (at === 0 || record === undefined) break;
        sink ^= record[at] ?? 0;
        for (let line = 16; line < size; line += 16) sink ^= record[at + line] ?? 0;
      }
    }
    this.#memory.sink ^= sink;
  }

  /**
   * All buckets are copied: makes the file durable and gives it its name. When the disk refuses,
   * nothing is left behind, and its error is thrown.
   */
  finish(): ShardFile {
    unlatchSplits(this.#memory, this.shard, this.#generation);
    const { dir } = this.#log;
    const path = join(dir, this.#name);
    try {
      this.#flush();
      failPoint("checkpoint-written");
      renameSync(path + TEMPORARY, path);
      // Before the manifest names it: no file system must keep the two renames in order.
      flushDirectory(dir);
    } catch (error) {
      for (const left of [path, path + TEMPORARY]) rmSync(left, { force: true });
      throw error;
    }
    return { file: this.#name, mark: this.mark, sizeBytes: this.#writer.sizeBytes };
  }

  #flush(): void {
    try {
      this.#writer.flushBlock();
      fdatasyncSync(this.#descriptor);
    } finally {
      closeSync(this.#descriptor);
    }
  }

  /** Gives up: nothing is left behind. */
  abandon(): void {
    unlatchSplits(this.#memory, this.shard, this.#generation);
    this.#drop();
  }

  #drop(): void {
    closeSync(this.#descriptor);
    rmSync(join(this.#log.dir, this.#name + TEMPORARY), { force: true });
  }

  #copyBucket(first: number): void {
    const writer = this.#writer;
    const view = this.#view;
    if (writer.length > BLOCK_FULL_SIZE) writer.flushBlock();
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const mark = writer.length;
      const version = waitUntilEven(view, first + BUCKET_VERSION);
      const stamp = this.#log.lastStamp();
      writer.isFinal = false;
      writer.isOverflown = false;
      const isCopied = this.#copyChain(first, stamp, false);
      writer.isFinal = true;
      fence();
      const isSame = Atomics.load(view, first + BUCKET_VERSION) === version;
      if (isCopied && isSame && !writer.isOverflown) return;
      writer.length = mark;
      // A value in nodes, or more than the rest of the block: that takes the lock.
      if (isSame) break;
    }
    lockBucket(view, first);
    try {
      // A full disk shows here, too.
      this.#copyChain(first, this.#log.lastStamp(), true);
    } finally {
      unlockBucket(view, first);
    }
  }

  /** Copies the keys of a chain. False: it must be locked for that. */
  #copyChain(first: number, stamp: number, isLocked: boolean): boolean {
    const view = this.#view;
    this.#writer.append(nobody, OP_BUCKET, LOG_HAS_NUMBER, stamp, EMPTY, 0, 0);
    let bucket = first;
    for (let length = 0; bucket !== 0 && length < CHAIN_LENGTH_MAX; length++) {
      for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
        if (view[entry + 1] === 0) return true;
        if (!this.#copyEntry(first, entry, isLocked)) return false;
      }
      bucket = view[bucket + BUCKET_LINK] as number;
    }
    return true;
  }

  /** Copies an inline string; false when the block has no room, or it is half-changed. */
  #copyString(slot: number, offset: number, header: number, lengths: number): boolean {
    const memory = this.#memory;
    const start = offset + keyOffset(header);
    const keyLength = keyLengthOf(lengths);
    const length = keyLength + valueLengthOf(lengths);
    if (start + length > SEGMENT_SIZE) return false;
    const expiresAtMs =
      (header & FLAG_EXPIRY) === 0
        ? 0
        : ((memory.doubles[slot] as Float64Array)[(offset + RECORD_HEADER_SIZE) >>> 3] as number);
    const bytes = memory.bytes[slot] as Buffer;
    const db = header >>> RECORD_DB_SHIFT;
    return this.#writer.appendString(db, bytes, start, keyLength, length, expiresAtMs);
  }

  #copyEntry(first: number, entry: number, isLocked: boolean): boolean {
    const memory = this.#memory;
    const view = this.#view;
    const cursor = this.#cursor;
    const slot = (view[entry] as number) & ENTRY_SLOT_MASK;
    const offset = view[entry + 1] as number;
    const words = memory.words[slot] as Int32Array;
    const header = words[offset >>> 2] as number;
    if ((header & KIND_MASK) === PLAIN_STRING) {
      const lengths = words[(offset >>> 2) + 1] as number;
      if (this.#copyString(slot, offset, header, lengths)) return true;
      // No room in the block: that takes the lock, and then the long way.
      if (!isLocked) return false;
    }
    if ((header & FLAG_NODES) !== 0 && !isLocked) return false;
    cursor.isLocked = isLocked;
    aimCursorAtEntry(memory, cursor, view, this.shard, first, entry);
    if (cursor.keyStart + cursor.keyLength > SEGMENT_SIZE) return false;
    describeRecord(memory, cursor);
    if (cursor.type === TYPE_LIST) describeList(memory, cursor);
    else if (cursor.type !== TYPE_STRING) return false;
    writeValue(memory, cursor, this.#writer);
    return true;
  }
}
