/**
 * The index: linear hashing within each shard. From a hash to the record of a key, for many threads
 * at once.
 *
 * A shard's buckets grow one at a time: bucket n takes the entries of bucket n - 2^L whose next
 * hash bit is set. Which bucket a hash belongs to follows from the shard's bucket count alone, so
 * there is no second table and no pause.
 *
 *   hash   | 31 ... tag ... 16 | ... bucket bits grow upwards ... | shard bits 5..0 |
 *
 * Readers take no lock. Whoever found an entry confirms it by the version of the chain's first
 * bucket; whoever found none must also check that the hash still belongs to that bucket, since a
 * split may have moved the entry meanwhile. Writers hold the first bucket's version word, which
 * guards the whole chain, and its records.
 *
 * Entries of a chain are dense: removing one moves the last one into its place, so an empty entry
 * ends every search. The index does not shrink.
 *
 * Invariants: at most one entry per key; an entry's record hashes to its bucket; see invariants.ts.
 */
import { assert } from "../base/assert.ts";
import { hashBytes } from "../base/hash.ts";
import type { Cursor } from "./cursor.ts";
import {
  fence,
  latch,
  lockBucket,
  tryLatch,
  tryLockBucket,
  unlatch,
  unlockBucket,
  waitUntilEven,
} from "./latch.ts";
import {
  BUCKET_ENTRIES,
  BUCKET_LINK,
  BUCKET_VERSION,
  BUCKET_WORDS,
  CHAIN_LENGTH_MAX,
  ENTRY_EXPIRES,
  ENTRY_SLOT_MASK,
  FLAG_NODES,
  KEY_LENGTH_MASK,
  RECORD_DB_SHIFT,
  SEGMENT_SIZE,
  SHARD_BUCKETS,
  SHARD_ENTRIES,
  SHARD_EXPIRING,
  SHARD_OVERFLOW_FREE,
  SHARD_OVERFLOW_LOCK,
  SHARD_OVERFLOW_LOW,
  SHARD_OVERFLOW_USED,
  SHARD_SPLIT_LOCK,
  SPLIT_LOAD,
  TAG_SHIFT,
  WORKERS_MAX,
} from "./layout.ts";
import type { HashIndex, Memory } from "./memory.ts";
import { keyOffset } from "./record.ts";

/**
 * Keys longer than this are compared by one native call; below, a loop is faster (16 B: 9 ns
 * against 31 ns).
 */
const NATIVE_COMPARE_SIZE_MIN = 64;

const LINE_WORDS = 16;
const SEGMENT_WORDS_MASK = SEGMENT_SIZE / 4 - 1;

/** First word of the bucket that `hash` belongs to while the shard has `buckets` buckets. Hot. */
export function bucketOf(hash: number, shardBits: number, buckets: number): number {
  const bits = hash >>> shardBits;
  const top = 31 - Math.clz32(buckets);
  let bucket = bits & ((2 << top) - 1);
  if (bucket >= buckets) bucket &= (1 << top) - 1;
  return (bucket + 1) * BUCKET_WORDS;
}

/**
 * Finds the cursor's key without a lock: sets shard, bucket, version and, when found, entry, slot
 * and offset. What it says holds only if the bucket's version is still cursor.version afterwards
 * (`isUnchanged`).
 */
export function findOptimistic(memory: Memory, index: HashIndex, cursor: Cursor): boolean {
  const hash = cursor.hash;
  const view = index.shards[hash & index.shardMask] as Int32Array;
  for (;;) {
    const bucket = bucketOf(hash, index.shardBits, Atomics.load(view, SHARD_BUCKETS));
    let version = Atomics.load(view, bucket + BUCKET_VERSION);
    if ((version & 1) !== 0) version = waitUntilEven(view, bucket + BUCKET_VERSION);
    cursor.bucket = bucket;
    cursor.version = version;
    if (search(memory, view, bucket, cursor)) return true;
    if (bucketOf(hash, index.shardBits, Atomics.load(view, SHARD_BUCKETS)) === bucket) return false;
  }
}

/** Whether nothing in the cursor's bucket has changed since findOptimistic. Hot. */
export function isUnchanged(index: HashIndex, cursor: Cursor): boolean {
  fence();
  const view = index.shards[cursor.hash & index.shardMask] as Int32Array;
  return Atomics.load(view, cursor.bucket + BUCKET_VERSION) === cursor.version;
}

/** Locks the bucket of the cursor's hash and finds its key. */
export function lockAndFind(memory: Memory, index: HashIndex, cursor: Cursor): boolean {
  const hash = cursor.hash;
  const view = index.shards[hash & index.shardMask] as Int32Array;
  for (;;) {
    const bucket = bucketOf(hash, index.shardBits, Atomics.load(view, SHARD_BUCKETS));
    lockBucket(view, bucket);
    if (bucketOf(hash, index.shardBits, Atomics.load(view, SHARD_BUCKETS)) === bucket) {
      cursor.bucket = bucket;
      return search(memory, view, bucket, cursor);
    }
    unlockBucket(view, bucket);
  }
}

/**
 * Unlocks what lockAndFind locked, and splits a bucket of the shard when it has become too full.
 */
export function unlockCursor(memory: Memory, index: HashIndex, cursor: Cursor): void {
  const view = index.shards[cursor.hash & index.shardMask] as Int32Array;
  unlockBucket(view, cursor.bucket);
  splitWhenFull(memory, index, cursor.hash);
}

/**
 * Splits a bucket of the hash's shard when there are too many entries for its buckets. Hot: mostly
 * one comparison.
 */
export function splitWhenFull(memory: Memory, index: HashIndex, hash: number): void {
  const view = index.shards[hash & index.shardMask] as Int32Array;
  if ((view[SHARD_ENTRIES] as number) > (view[SHARD_BUCKETS] as number) * SPLIT_LOAD) {
    split(memory, index, view);
  }
}

/**
 * Looks for the cursor's key in the chain that starts at `first`. Safe on half-changed chains and
 * records. Hot: what is compared before the key is written out here, which saves 5 ns.
 */
export function search(memory: Memory, view: Int32Array, first: number, cursor: Cursor): boolean {
  const tag = cursor.hash >>> TAG_SHIFT;
  const length = cursor.keyLength;
  const db = cursor.db;
  let bucket = first;
  for (let links = 0; links < CHAIN_LENGTH_MAX; links++) {
    const end = bucket + BUCKET_WORDS;
    for (let entry = bucket + BUCKET_ENTRIES; entry < end; entry += 2) {
      const offset = view[entry + 1] as number;
      if (offset === 0) {
        cursor.entry = -1;
        return false;
      }
      const word = view[entry] as number;
      if (word >>> TAG_SHIFT !== tag) continue;
      const slot = word & ENTRY_SLOT_MASK;
      const words = memory.words[slot] as Int32Array;
      const at = offset >>> 2;
      if (((words[at + 1] as number) & KEY_LENGTH_MASK) !== length) continue;
      const header = words[at] as number;
      if (header >>> RECORD_DB_SHIFT !== db) continue;
      if (!isSame(memory, words, slot, offset + keyOffset(header), cursor)) continue;
      cursor.entry = entry;
      cursor.slot = slot;
      cursor.offset = offset;
      return true;
    }
    bucket = view[bucket + BUCKET_LINK] as number;
    if (bucket === 0) break;
  }
  cursor.entry = -1;
  return false;
}

/**
 * Compares the cursor's key with the one stored at byte `start`, a multiple of 4, four bytes at a
 * time. Hot.
 */
function isSame(
  memory: Memory,
  words: Int32Array,
  slot: number,
  start: number,
  cursor: Cursor,
): boolean {
  const length = cursor.keyLength;
  const wanted = cursor.bytes;
  let at = cursor.keyStart;
  if (length >= NATIVE_COMPARE_SIZE_MIN) {
    if (start + length > SEGMENT_SIZE) return false;
    const stored = memory.bytes[slot] as Buffer;
    return stored.compare(wanted, at, at + length, start, start + length) === 0;
  }
  let word = start >>> 2;
  const wordsEnd = at + (length & ~3);
  while (at < wordsEnd) {
    const wantedWord =
      (wanted[at] as number) |
      ((wanted[at + 1] as number) << 8) |
      ((wanted[at + 2] as number) << 16) |
      ((wanted[at + 3] as number) << 24);
    if (words[word] !== wantedWord) return false;
    word++;
    at += 4;
  }
  return (length & 3) === 0 || isSameTail(words[word] as number, wanted, at, length & 3);
}

/** Compares the last one to three bytes of a key, the lowest of `stored` first. */
function isSameTail(stored: number, wanted: Buffer, at: number, length: number): boolean {
  let rest = stored;
  for (let i = 0; i < length; i++) {
    if ((rest & 0xff) !== wanted[at + i]) return false;
    rest >>>= 8;
  }
  return true;
}

/**
 * Adds an entry for the cursor's (locked, missing) key and sets cursor.entry. False when the shard
 * has no room for another overflow bucket.
 */
export function insertEntry(
  index: HashIndex,
  cursor: Cursor,
  slot: number,
  offset: number,
  expires: boolean,
): boolean {
  const view = index.shards[cursor.hash & index.shardMask] as Int32Array;
  const entry = freeEntry(view, cursor.bucket);
  if (entry < 0) return false;
  view[entry] = ((cursor.hash >>> TAG_SHIFT) << TAG_SHIFT) | (expires ? ENTRY_EXPIRES : 0) | slot;
  view[entry + 1] = offset;
  cursor.entry = entry;
  cursor.slot = slot;
  cursor.offset = offset;
  Atomics.add(view, SHARD_ENTRIES, 1);
  if (expires) Atomics.add(view, SHARD_EXPIRING, 1);
  return true;
}

/**
 * First empty entry of the chain, with another bucket added when it is full; -1 when there is no
 * more room.
 */
function freeEntry(view: Int32Array, first: number): number {
  let bucket = first;
  for (;;) {
    for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
      if (view[entry + 1] === 0) return entry;
    }
    const next = view[bucket + BUCKET_LINK] as number;
    if (next === 0) break;
    bucket = next;
  }
  const overflow = takeOverflow(view);
  if (overflow === 0) return -1;
  view[bucket + BUCKET_LINK] = overflow;
  return overflow + BUCKET_ENTRIES;
}

/** Points the cursor's entry at another record, and marks whether that one expires. */
export function swingEntry(
  index: HashIndex,
  cursor: Cursor,
  slot: number,
  offset: number,
  expires: boolean,
): void {
  const view = index.shards[cursor.hash & index.shardMask] as Int32Array;
  const before = view[cursor.entry] as number;
  const kept = before & ~(ENTRY_SLOT_MASK | ENTRY_EXPIRES);
  view[cursor.entry] = kept | (expires ? ENTRY_EXPIRES : 0) | slot;
  view[cursor.entry + 1] = offset;
  cursor.slot = slot;
  cursor.offset = offset;
  if (((before & ENTRY_EXPIRES) !== 0) !== expires) {
    Atomics.add(view, SHARD_EXPIRING, expires ? 1 : -1);
  }
}

/** Whether the cursor's entry is marked as expiring. */
export function entryExpires(index: HashIndex, cursor: Cursor): boolean {
  const view = index.shards[cursor.hash & index.shardMask] as Int32Array;
  return ((view[cursor.entry] as number) & ENTRY_EXPIRES) !== 0;
}

/** Removes the cursor's entry; the chain's last entry takes its place. */
export function removeEntry(index: HashIndex, cursor: Cursor): void {
  const view = index.shards[cursor.hash & index.shardMask] as Int32Array;
  if (((view[cursor.entry] as number) & ENTRY_EXPIRES) !== 0) Atomics.sub(view, SHARD_EXPIRING, 1);
  let before = 0;
  let bucket = cursor.bucket;
  for (let next = view[bucket + BUCKET_LINK] as number; next !== 0; ) {
    before = bucket;
    bucket = next;
    next = view[bucket + BUCKET_LINK] as number;
  }
  let last = bucket + BUCKET_WORDS - 2;
  while (view[last + 1] === 0) last -= 2;
  view[cursor.entry] = view[last] as number;
  view[cursor.entry + 1] = view[last + 1] as number;
  view[last] = 0;
  view[last + 1] = 0;
  if (before !== 0 && last === bucket + BUCKET_ENTRIES) {
    view[before + BUCKET_LINK] = 0;
    giveOverflow(view, bucket);
  }
  cursor.entry = -1;
  Atomics.sub(view, SHARD_ENTRIES, 1);
}

/**
 * Takes an empty overflow bucket from the free list, or from below the lowest one; 0 when the shard
 * is full.
 */
function takeOverflow(view: Int32Array): number {
  latch(view, SHARD_OVERFLOW_LOCK);
  let bucket = view[SHARD_OVERFLOW_FREE] as number;
  if (bucket !== 0) {
    view[SHARD_OVERFLOW_FREE] = view[bucket + BUCKET_LINK] as number;
    view[bucket + BUCKET_LINK] = 0;
  } else {
    bucket = (view[SHARD_OVERFLOW_LOW] as number) - BUCKET_WORDS;
    const bucketsEnd = ((view[SHARD_BUCKETS] as number) + 2) * BUCKET_WORDS;
    if (bucket < bucketsEnd) bucket = 0;
    else view[SHARD_OVERFLOW_LOW] = bucket;
  }
  if (bucket !== 0) view[SHARD_OVERFLOW_USED] = (view[SHARD_OVERFLOW_USED] as number) + 1;
  unlatch(view, SHARD_OVERFLOW_LOCK);
  return bucket;
}

/** Gives an overflow bucket back. It must be empty; its link becomes the free list's. */
function giveOverflow(view: Int32Array, bucket: number): void {
  latch(view, SHARD_OVERFLOW_LOCK);
  view[bucket + BUCKET_LINK] = view[SHARD_OVERFLOW_FREE] as number;
  view[SHARD_OVERFLOW_FREE] = bucket;
  view[SHARD_OVERFLOW_USED] = (view[SHARD_OVERFLOW_USED] as number) - 1;
  unlatch(view, SHARD_OVERFLOW_LOCK);
}

/**
 * Splits the next bucket of the shard, unless another thread is doing it or holds that bucket: then
 * a later insertion will. It never waits for a bucket that may be held, so that it can be called
 * with other buckets locked.
 */
function split(memory: Memory, index: HashIndex, view: Int32Array): void {
  if (!tryLatch(view, SHARD_SPLIT_LOCK)) return;
  const buckets = view[SHARD_BUCKETS] as number;
  const top = 31 - Math.clz32(buckets);
  const from = (buckets - (1 << top) + 1) * BUCKET_WORDS;
  const to = (buckets + 1) * BUCKET_WORDS;
  if (tryLockBucket(view, from)) {
    if (hasRoom(view, from, to)) {
      lockBucket(view, to);
      moveEntries(memory, view, from, to, index.shardBits + top);
      Atomics.store(view, SHARD_BUCKETS, buckets + 1);
      unlockBucket(view, to);
    }
    unlockBucket(view, from);
  }
  unlatch(view, SHARD_SPLIT_LOCK);
}

/**
 * Overflow buckets that other threads may take while a split is under way: one each, with room to
 * spare.
 */
const OVERFLOW_MARGIN = WORKERS_MAX * 2;

/**
 * Whether the new bucket at `to`, and a chain as long as the one at `from`, stay below the overflow
 * buckets.
 */
function hasRoom(view: Int32Array, from: number, to: number): boolean {
  let needed = 2 + OVERFLOW_MARGIN;
  for (let bucket = from; bucket !== 0; bucket = view[bucket + BUCKET_LINK] as number) needed++;
  return to + needed * BUCKET_WORDS <= Atomics.load(view, SHARD_OVERFLOW_LOW);
}

/**
 * Distributes the entries of the chain at `from` over both chains by hash bit `bit`. Both are
 * locked.
 */
function moveEntries(
  memory: Memory,
  view: Int32Array,
  from: number,
  to: number,
  bit: number,
): void {
  // Every entry is first taken out of the source chain, so that both chains are filled densely from
  // their first word.
  let stay = from + BUCKET_ENTRIES;
  let stayBucket = from;
  let move = to + BUCKET_ENTRIES;
  let moveBucket = to;
  for (let bucket = from; bucket !== 0; bucket = view[bucket + BUCKET_LINK] as number) {
    for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
      const offset = view[entry + 1] as number;
      if (offset === 0) break;
      const word = view[entry] as number;
      view[entry] = 0;
      view[entry + 1] = 0;
      if (hashBit(memory, word, offset, bit)) {
        if (move === moveBucket + BUCKET_WORDS) {
          const next = takeOverflow(view);
          assert(next !== 0, "hasRoom keeps overflow buckets for the new chain");
          view[moveBucket + BUCKET_LINK] = next;
          moveBucket = next;
          move = next + BUCKET_ENTRIES;
        }
        view[move] = word;
        view[move + 1] = offset;
        move += 2;
      } else {
        if (stay === stayBucket + BUCKET_WORDS) {
          stayBucket = view[stayBucket + BUCKET_LINK] as number;
          stay = stayBucket + BUCKET_ENTRIES;
        }
        view[stay] = word;
        view[stay + 1] = offset;
        stay += 2;
      }
    }
  }
  freeChain(view, stayBucket);
}

/** Frees the buckets of a chain behind `bucket`; they are empty. */
function freeChain(view: Int32Array, bucket: number): void {
  let next = view[bucket + BUCKET_LINK] as number;
  view[bucket + BUCKET_LINK] = 0;
  while (next !== 0) {
    const after = view[next + BUCKET_LINK] as number;
    giveOverflow(view, next);
    next = after;
  }
}

/**
 * Bit `bit` of the hash of an entry's key: from the tag when it is there, else from the key itself.
 */
function hashBit(memory: Memory, word: number, offset: number, bit: number): boolean {
  if (bit >= TAG_SHIFT) return ((word >>> bit) & 1) !== 0;
  return ((hashOfRecord(memory, word & ENTRY_SLOT_MASK, offset) >>> bit) & 1) !== 0;
}

/** The hash of the key of the record there, which must be stable. */
export function hashOfRecord(memory: Memory, slot: number, offset: number): number {
  const words = memory.words[slot] as Int32Array;
  const header = words[offset >>> 2] as number;
  const length = (words[(offset >>> 2) + 1] as number) & KEY_LENGTH_MASK;
  return hashBytes(memory.bytes[slot] as Buffer, offset + keyOffset(header), length, memory.secret);
}

/**
 * Prefetch: loads what the next look-ups of `count` hashes will read, first all their buckets, then
 * the first cache lines of their records, so that the cache misses of a batch overlap. `buckets` is
 * scratch space of as many words. Returns how many of the values are in nodes: their records are
 * then named by `hashes` (slots) and `buckets` (offsets), for whoever loads more of them.
 *
 * The lines behind a record's first are only worth it when records are that long: for 16 + 128 B
 * over 1 M keys they take a request in a batch of 50 from 350 to 280 ns. Hot: one call a batch,
 * everything else in two loops.
 */
export function prefetch(
  memory: Memory,
  index: HashIndex,
  hashes: Int32Array,
  buckets: Int32Array,
  count: number,
): number {
  const { shards, shardBits, shardMask } = index;
  let sink = 0;
  for (let i = 0; i < count; i++) {
    const hash = hashes[i] as number;
    const view = shards[hash & shardMask] as Int32Array;
    const bucket = bucketOf(hash, shardBits, view[SHARD_BUCKETS] as number);
    buckets[i] = bucket;
    sink ^= view[bucket + BUCKET_ENTRIES] as number;
  }
  memory.sink = sink;
  const isLong = memory.recordLines > 1;
  let inNodes = 0;
  for (let i = 0; i < count; i++) {
    const hash = hashes[i] as number;
    const view = shards[hash & shardMask] as Int32Array;
    const entry = entryOfTag(view, hash, buckets[i] as number);
    if (entry < 0) continue;
    const slot = (view[entry] as number) & ENTRY_SLOT_MASK;
    const offset = view[entry + 1] as number;
    if (!touchRecord(memory, slot, offset >>> 2, isLong)) continue;
    hashes[inNodes] = slot;
    buckets[inNodes++] = offset;
  }
  return inNodes;
}

/** The entry of the bucket that has the hash's tag, -1 when none has. Hot. */
function entryOfTag(view: Int32Array, hash: number, bucket: number): number {
  const tag = hash >>> TAG_SHIFT;
  const end = bucket + BUCKET_WORDS;
  for (let entry = bucket + BUCKET_ENTRIES; entry < end; entry += 2) {
    if ((view[entry] as number) >>> TAG_SHIFT === tag) return entry;
  }
  return -1;
}

/** Loads a record; whether its value is in nodes. Hot. */
function touchRecord(memory: Memory, slot: number, at: number, isLong: boolean): boolean {
  const words = memory.words[slot] as Int32Array;
  const header = words[at] as number;
  let sink = header;
  if (isLong) {
    sink ^= words[(at + LINE_WORDS) & SEGMENT_WORDS_MASK] as number;
    sink ^= words[(at + 2 * LINE_WORDS) & SEGMENT_WORDS_MASK] as number;
  }
  memory.sink ^= sink;
  return (header & FLAG_NODES) !== 0;
}

/** Bytes of buckets in use, of both kinds. */
export function indexBytes(index: HashIndex): number {
  let buckets = 0;
  for (const view of index.shards) {
    buckets += (view[SHARD_BUCKETS] as number) + (view[SHARD_OVERFLOW_USED] as number);
  }
  return buckets * BUCKET_WORDS * 4;
}
