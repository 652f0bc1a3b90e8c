/**
 * Several keys at once: all their buckets are locked in one order, so that two Workers that want
 * the same keys cannot wait for each other, and then every key is found.
 *
 * Order: by shard, then by bucket. Two cursors may share a bucket, which is locked once. A split
 * between finding the buckets and locking them is noticed and everything starts again.
 */
import type { Cursor } from "./cursor.ts";
import { bucketOf, isUnchanged, search, splitWhenFull } from "./index.ts";
import { fence, lockBucket, unlockBucket } from "./latch.ts";
import { SHARD_BUCKETS } from "./layout.ts";
import type { Memory } from "./memory.ts";

/** Shard and bucket word in one number: a bucket's word stays below 2^32. */
const SHARD_FACTOR = 2 ** 32;

/** Buckets locked by this Worker, in order; it runs one command at a time. */
let locked = new Float64Array(16);
let lockedCount = 0;

/** Locks the buckets of cursors 0 to count - 1. The cursors' entries are found by `findLocked`. */
export function lockBuckets(memory: Memory, cursors: readonly Cursor[], count: number): void {
  if (count > locked.length) locked = new Float64Array(count * 2);
  for (;;) {
    for (let i = 0; i < count; i++) locked[i] = placeOf(memory, cursors[i] as Cursor);
    sortPlaces(count);
    lockedCount = 0;
    for (let i = 0; i < count; i++) {
      const place = locked[i] as number;
      if (lockedCount > 0 && locked[lockedCount - 1] === place) continue;
      locked[lockedCount++] = place;
      lockBucket(viewOf(memory, place), place % SHARD_FACTOR);
    }
    if (areInPlace(memory, cursors, count)) return;
    unlockPlaces(memory);
  }
}

function placeOf(memory: Memory, cursor: Cursor): number {
  const shard = cursor.hash & memory.keys.shardMask;
  const view = memory.keys.shards[shard] as Int32Array;
  cursor.bucket = bucketOf(cursor.hash, memory.keys.shardBits, Atomics.load(view, SHARD_BUCKETS));
  return shard * SHARD_FACTOR + cursor.bucket;
}

function viewOf(memory: Memory, place: number): Int32Array {
  return memory.keys.shards[Math.floor(place / SHARD_FACTOR)] as Int32Array;
}

/** Insertion sort for the usual few keys, the engine's for many. */
function sortPlaces(count: number): void {
  if (count > 32) {
    locked.subarray(0, count).sort();
    return;
  }
  for (let i = 1; i < count; i++) {
    const place = locked[i] as number;
    let j = i;
    for (; j > 0 && (locked[j - 1] as number) > place; j--) locked[j] = locked[j - 1] as number;
    locked[j] = place;
  }
}

/** Whether no split has moved a cursor's hash to another bucket since it was looked up. */
function areInPlace(memory: Memory, cursors: readonly Cursor[], count: number): boolean {
  for (let i = 0; i < count; i++) {
    const cursor = cursors[i] as Cursor;
    const before = cursor.bucket;
    placeOf(memory, cursor);
    if (cursor.bucket !== before) return false;
  }
  return true;
}

function unlockPlaces(memory: Memory): void {
  for (let i = 0; i < lockedCount; i++) {
    const place = locked[i] as number;
    unlockBucket(viewOf(memory, place), place % SHARD_FACTOR);
  }
  lockedCount = 0;
}

/** Finds a cursor's key in its locked bucket. */
export function findLocked(memory: Memory, cursor: Cursor): boolean {
  const view = memory.keys.shards[cursor.hash & memory.keys.shardMask] as Int32Array;
  return search(memory, view, cursor.bucket, cursor);
}

/** Unlocks what lockBuckets locked, each bucket once; shards that have become too full split. */
export function unlockBuckets(memory: Memory, cursors: readonly Cursor[], count: number): void {
  unlockPlaces(memory);
  for (let i = 0; i < count; i++) {
    splitWhenFull(memory, memory.keys, (cursors[i] as Cursor).hash);
  }
}

/**
 * Whether none of the buckets that cursors 0 to count - 1 were read from has changed: they are one
 * snapshot.
 */
export function areUnchanged(memory: Memory, cursors: readonly Cursor[], count: number): boolean {
  fence();
  for (let i = 0; i < count; i++) {
    if (!isUnchanged(memory.keys, cursors[i] as Cursor)) return false;
  }
  return true;
}
