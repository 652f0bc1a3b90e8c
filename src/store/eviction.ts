/**
 * Eviction: making room under a memory limit by removing keys that are probably not needed.
 *
 * Approximate, as in Redis: a few random buckets are sampled, and the best candidate among their
 * entries is removed; which one is best depends on the policy. There is no list to maintain on
 * every access: the access byte of the record (access.ts) is enough.
 */
import { accessAge } from "./access.ts";
import { Cursor } from "./cursor.ts";
import { aimCursorAtEntry } from "./expiry.ts";
import { lockBucket, unlockBucket } from "./latch.ts";
import {
  BUCKET_ENTRIES,
  BUCKET_WORDS,
  CONTROL_POLICY,
  COUNT_EVICTED,
  ENTRY_EXPIRES,
  ENTRY_SLOT_MASK,
  SHARD_BUCKETS,
  SHARD_ENTRIES,
  SHARD_EXPIRING,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { removeKey } from "./remove.ts";
import { currentExpiry } from "./upsert.ts";

/** Policies, as CONTROL_POLICY holds them. */
export const EVICT_NONE = 0;
export const EVICT_ALL_LRU = 1;
export const EVICT_ALL_RANDOM = 2;
export const EVICT_VOLATILE_LRU = 3;
export const EVICT_VOLATILE_RANDOM = 4;
export const EVICT_VOLATILE_TTL = 5;

/** Entries to compare before one is removed. */
const SAMPLE_MIN = 8;
/** Buckets to look at for them; more than enough unless hardly any entry qualifies. */
const SAMPLED_BUCKETS_MAX = 64;

const cursor = new Cursor();
/** The best candidate so far. */
let bestScore = -1;
let bestShard = 0;
let bestBucket = 0;
let bestOffset = 0;
let bestSlot = 0;

/** Removes one key according to the policy; false when none qualifies. */
export function evictOne(memory: Memory): boolean {
  const policy = memory.control[CONTROL_POLICY] as number;
  if (policy === EVICT_NONE) return false;
  // The sampled key can be gone, or moved, before its bucket is locked: try a few times.
  for (let attempt = 0; attempt < 4; attempt++) {
    if (!sample(memory, policy)) return policy >= EVICT_VOLATILE_LRU && sweep(memory);
    if (removeBest(memory, policy)) return true;
  }
  return false;
}

/** Fills the best candidate from random buckets; false when no entry qualified. */
function sample(memory: Memory, policy: number): boolean {
  bestScore = -1;
  let sampled = 0;
  const shards = memory.keys.shards;
  for (let looked = 0; looked < SAMPLED_BUCKETS_MAX && sampled < SAMPLE_MIN; looked++) {
    const shard = randomBelow(shards.length);
    const view = shards[shard] as Int32Array;
    const bucket = (randomBelow(Atomics.load(view, SHARD_BUCKETS)) + 1) * BUCKET_WORDS;
    for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
      if (view[entry + 1] === 0) break;
      if (consider(memory, policy, shard, view, bucket, entry)) sampled++;
    }
  }
  return bestScore >= 0;
}

/**
 * Compares one entry with the best; whether it qualified at all. Reads without a lock: the removal
 * checks again.
 */
function consider(
  memory: Memory,
  policy: number,
  shard: number,
  view: Int32Array,
  bucket: number,
  entry: number,
): boolean {
  const word = view[entry] as number;
  if (policy >= EVICT_VOLATILE_LRU && (word & ENTRY_EXPIRES) === 0) return false;
  cursor.entry = entry;
  cursor.slot = word & ENTRY_SLOT_MASK;
  cursor.offset = view[entry + 1] as number;
  if (cursor.offset === 0) return false;
  const score = scoreOf(memory, policy);
  if (score > bestScore) {
    bestScore = score;
    bestShard = shard;
    bestBucket = bucket;
    bestSlot = cursor.slot;
    bestOffset = cursor.offset;
  }
  return true;
}

/** How much better than others the entry at the cursor is to remove; 0 or more. */
function scoreOf(memory: Memory, policy: number): number {
  if (policy === EVICT_ALL_LRU || policy === EVICT_VOLATILE_LRU) {
    return accessAge(memory, cursor.slot, cursor.offset);
  }
  if (policy === EVICT_VOLATILE_TTL) {
    return Number.MAX_SAFE_INTEGER - Math.max(0, currentExpiry(memory, cursor));
  }
  return randomBelow(1 << 20);
}

/** Removes the best candidate if its record still stands in the same bucket. */
function removeBest(memory: Memory, policy: number): boolean {
  const view = memory.keys.shards[bestShard] as Int32Array;
  let removed = false;
  lockBucket(view, bestBucket);
  for (let entry = bestBucket + BUCKET_ENTRIES; entry < bestBucket + BUCKET_WORDS; entry += 2) {
    if (view[entry + 1] !== bestOffset) continue;
    const word = view[entry] as number;
    if ((word & ENTRY_SLOT_MASK) !== bestSlot) continue;
    // It may have been persisted, or its block reused for another key, since it was sampled.
    if (policy >= EVICT_VOLATILE_LRU && (word & ENTRY_EXPIRES) === 0) continue;
    aimCursorAtEntry(memory, cursor, view, bestShard, bestBucket, entry);
    removeKey(memory, cursor);
    removed = true;
    break;
  }
  unlockBucket(view, bestBucket);
  if (removed) (memory.counters[memory.row + COUNT_EVICTED] as number) += 1;
  return removed;
}

/** Random sampling found nothing that expires: looks through the shards that have such entries. */
function sweep(memory: Memory): boolean {
  const policy = memory.control[CONTROL_POLICY] as number;
  const shards = memory.keys.shards;
  const start = randomBelow(shards.length);
  for (let i = 0; i < shards.length; i++) {
    const shard = (start + i) % shards.length;
    const view = shards[shard] as Int32Array;
    if ((view[SHARD_EXPIRING] as number) <= 0) continue;
    bestScore = -1;
    for (let n = 0; n < Atomics.load(view, SHARD_BUCKETS) && bestScore < 0; n++) {
      const bucket = (n + 1) * BUCKET_WORDS;
      for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
        if (view[entry + 1] === 0) break;
        consider(memory, policy, shard, view, bucket, entry);
      }
    }
    if (bestScore >= 0 && removeBest(memory, policy)) return true;
  }
  return false;
}

let random = 0x9e37_79b9;

/** A number below `limit`; xorshift, good enough to sample with. */
export function randomBelow(limit: number): number {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return (random >>> 0) % limit;
}

/** Whether there is anything to evict at all: cheap, to tell an empty store from a full one. */
export function hasKeys(memory: Memory): boolean {
  return memory.keys.shards.some((view) => (view[SHARD_ENTRIES] as number) > 0);
}
