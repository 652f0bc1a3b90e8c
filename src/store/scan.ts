/**
 * Walking the keys: SCAN, RANDOMKEY, KEYS.
 *
 * A scan position is a shard and a place in the order of bit-reversed hashes. In that order a
 * bucket, however far it has been split, is one interval: bucket b of depth d holds exactly the
 * hashes whose low d bits are b. A step visits the bucket that contains the position and goes on to
 * the end of its interval. Splitting cuts an interval in two and moves nothing out of it, so every
 * key that is there during the whole scan is visited at least once.
 *
 * Positions are whole numbers below 2^32; 0 is the start, and the end.
 */
import { ByteBuffer } from "../base/byte-buffer.ts";
import { randomBelow } from "./eviction.ts";
import { fence, waitUntilEven } from "./latch.ts";
import {
  BUCKET_ENTRIES,
  BUCKET_LINK,
  BUCKET_VERSION,
  BUCKET_WORDS,
  CHAIN_LENGTH_MAX,
  ENTRY_SLOT_MASK,
  FLAG_EXPIRY,
  KEY_LENGTH_MASK,
  RECORD_DB_SHIFT,
  RECORD_HEADER_SIZE,
  SEGMENT_SIZE,
  SHARD_BUCKETS,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { keyOffset, recordType } from "./record.ts";

/** Hash bits behind the shard's. */
const BITS = 26;
const RANGE = 2 ** BITS;
/** Random buckets to try before RANDOMKEY goes through the index from there. */
const RANDOM_TRIES = 64;

/** Keys that a step found: copies, so nothing of it changes any more. */
export class ScanBatch {
  readonly keys = new ByteBuffer(4096);
  count = 0;
  start = new Int32Array(64);
  length = new Int32Array(64);
  type = new Int32Array(64);
  expiresAtMs = new Float64Array(64);

  clear(): void {
    this.count = 0;
    this.keys.length = 0;
  }

  /** Adds the key at `from` of `source`. */
  add(source: Buffer, from: number, length: number, type: number, expiresAtMs: number): void {
    if (this.count === this.start.length) this.#grow();
    const at = this.count++;
    this.start[at] = this.keys.length;
    this.length[at] = length;
    this.type[at] = type;
    this.expiresAtMs[at] = expiresAtMs;
    this.keys.append(source, from, length);
  }

  #grow(): void {
    const size = this.start.length * 2;
    this.start = grown(this.start, new Int32Array(size));
    this.length = grown(this.length, new Int32Array(size));
    this.type = grown(this.type, new Int32Array(size));
    this.expiresAtMs = grown(this.expiresAtMs, new Float64Array(size));
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/**
 * Visits the bucket at `position` and puts its keys of database `db` that have not expired into
 * `batch` (which it clears first). Returns the next position, 0 when that was the last bucket. A
 * position that no scan has returned is a position like any other.
 */
export function scanStep(memory: Memory, db: number, position: number, batch: ScanBatch): number {
  const shards = memory.keys.shards;
  const shard = Math.floor(position / RANGE) % shards.length;
  const view = shards[shard] as Int32Array;
  const place = position % RANGE;
  const bits = reverseBits(place);
  let depth = 0;
  for (;;) {
    batch.clear();
    const buckets = Atomics.load(view, SHARD_BUCKETS);
    const top = 31 - Math.clz32(buckets);
    let bucket = bits & ((2 << top) - 1);
    depth = top + 1;
    if (bucket >= buckets) bucket &= (1 << top) - 1;
    if (bucket >= buckets - (1 << top) && bucket < 1 << top) depth = top;
    if (readBucket(memory, view, db, (bucket + 1) * BUCKET_WORDS, buckets, batch)) break;
  }
  const interval = 2 ** (BITS - depth);
  const next = (Math.floor(place / interval) + 1) * interval;
  if (next < RANGE) return shard * RANGE + next;
  return shard + 1 === shards.length ? 0 : (shard + 1) * RANGE;
}

/** Copies a bucket's keys; false when it changed meanwhile, or the shard grew. */
function readBucket(
  memory: Memory,
  view: Int32Array,
  db: number,
  first: number,
  buckets: number,
  batch: ScanBatch,
): boolean {
  const version = waitUntilEven(view, first + BUCKET_VERSION);
  let bucket = first;
  for (let length = 0; bucket !== 0 && length < CHAIN_LENGTH_MAX; length++) {
    for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
      const offset = view[entry + 1] as number;
      if (offset === 0) break;
      readEntry(memory, db, (view[entry] as number) & ENTRY_SLOT_MASK, offset, batch);
    }
    bucket = view[bucket + BUCKET_LINK] as number;
  }
  fence();
  return (
    Atomics.load(view, first + BUCKET_VERSION) === version &&
    Atomics.load(view, SHARD_BUCKETS) === buckets
  );
}

function readEntry(
  memory: Memory,
  db: number,
  slot: number,
  offset: number,
  batch: ScanBatch,
): void {
  const words = memory.words[slot];
  if (words === undefined) return;
  const header = words[offset >>> 2] as number;
  if (header >>> RECORD_DB_SHIFT !== db) return;
  const length = (words[(offset >>> 2) + 1] as number) & KEY_LENGTH_MASK;
  const start = offset + keyOffset(header);
  if (start + length > SEGMENT_SIZE) return;
  let expiry = 0;
  if ((header & FLAG_EXPIRY) !== 0) {
    expiry = (memory.doubles[slot] as Float64Array)[(offset + RECORD_HEADER_SIZE) >>> 3] as number;
    if (expiry > 0 && expiry <= memory.nowMs) return;
  }
  batch.add(memory.bytes[slot] as Buffer, start, length, recordType(header), expiry);
}

/**
 * Picks a random key of the database into `batch` and returns its index there, -1 when the database
 * is empty. Keys in fuller buckets are a little less likely, as in Redis.
 */
export function randomKey(memory: Memory, db: number, batch: ScanBatch): number {
  const shards = memory.keys.shards.length;
  let position = 0;
  for (let tries = 0; tries < RANDOM_TRIES; tries++) {
    position = randomBelow(shards) * RANGE + randomBelow(RANGE);
    scanStep(memory, db, position, batch);
    if (batch.count > 0) return randomBelow(batch.count);
  }
  const start = position;
  for (let wrapped = false; ; ) {
    position = scanStep(memory, db, position, batch);
    if (batch.count > 0) return randomBelow(batch.count);
    if (position === 0) {
      if (wrapped) return -1;
      wrapped = true;
    } else if (wrapped && position > start) return -1;
  }
}

/** The lowest 26 bits of `bits` in reverse order. */
function reverseBits(bits: number): number {
  let x = bits;
  x = ((x >>> 1) & 0x5555_5555) | ((x & 0x5555_5555) << 1);
  x = ((x >>> 2) & 0x3333_3333) | ((x & 0x3333_3333) << 2);
  x = ((x >>> 4) & 0x0f0f_0f0f) | ((x & 0x0f0f_0f0f) << 4);
  x = ((x >>> 8) & 0x00ff_00ff) | ((x & 0x00ff_00ff) << 8);
  x = (x >>> 16) | (x << 16);
  return x >>> (32 - BITS);
}
