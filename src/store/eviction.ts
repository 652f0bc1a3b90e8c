/**
 * Eviction: making room under a memory limit by removing keys that are probably not needed.
 *
 * Approximate, as in Redis: a few random buckets are sampled, and the best candidate among their
 * entries is removed; which one is best depends on the policy. There is no list to maintain on
 * every access: the access byte of the record (access.ts) is enough.
 */
import { accessAge } from "./access.ts";
import { aimCursorAtEntry } from "./chain.ts";
import { Cursor } from "./cursor.ts";
import { lockBucket, unlockBucket } from "./latch.ts";
import {
  BUCKET_ENTRIES,
  BUCKET_LINK,
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
/**
 * The sampled key can be gone, or moved, before its bucket is locked, above all where several
 * Workers evict from a few keys: every failed attempt is another thread's success.
 */
const ATTEMPTS_MAX = 32;
/** Buckets of a chain that are looked at without a lock; nearly all have one. */
const CHAIN_LOOKED_MAX = 16;

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
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (!sample(memory, policy)) return sweep(memory, policy);
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
    sampled += considerChain(memory, policy, shard, view, bucket);
  }
  return bestScore >= 0;
}

/** Compares the entries of a chain with the best; returns how many qualified. */
function considerChain(
  memory: Memory,
  policy: number,
  shard: number,
  view: Int32Array,
  first: number,
): number {
  let qualified = 0;
  let bucket = first;
  for (let length = 0; bucket !== 0 && length < CHAIN_LOOKED_MAX; length++) {
    for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
      if (view[entry + 1] === 0) return qualified;
      if (consider(memory, policy, shard, view, first, entry)) qualified++;
    }
    bucket = view[bucket + BUCKET_LINK] as number;
  }
  return qualified;
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
  lockBucket(view, bestBucket);
  const entry = findBest(view, policy);
  if (entry > 0) {
    aimCursorAtEntry(memory, cursor, view, bestShard, bestBucket, entry);
    memory.evictionLog?.evicting(cursor);
    removeKey(memory, cursor);
  }
  unlockBucket(view, bestBucket);
  if (entry > 0) (memory.counters[memory.row + COUNT_EVICTED] as number) += 1;
  return entry > 0;
}

/** The entry of the best candidate in its locked bucket, 0 when it is no longer there. */
function findBest(view: Int32Array, policy: number): number {
  for (let bucket = bestBucket; bucket !== 0; bucket = view[bucket + BUCKET_LINK] as number) {
    for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
      if (view[entry + 1] !== bestOffset) continue;
      const word = view[entry] as number;
      if ((word & ENTRY_SLOT_MASK) !== bestSlot) continue;
      // It may have been persisted, or its block reused for another key, since it was sampled.
      if (policy < EVICT_VOLATILE_LRU || (word & ENTRY_EXPIRES) !== 0) return entry;
    }
  }
  return 0;
}

/**
 * Random sampling found nothing, as when a few large keys are all that there is: looks through the
 * shards that have entries which qualify, each from a random bucket on.
 */
function sweep(memory: Memory, policy: number): boolean {
  const shards = memory.keys.shards;
  const counter = policy >= EVICT_VOLATILE_LRU ? SHARD_EXPIRING : SHARD_ENTRIES;
  const start = randomBelow(shards.length);
  for (let i = 0; i < shards.length; i++) {
    const shard = (start + i) % shards.length;
    const view = shards[shard] as Int32Array;
    if ((view[counter] as number) <= 0) continue;
    bestScore = -1;
    const buckets = Atomics.load(view, SHARD_BUCKETS);
    const from = randomBelow(buckets);
    for (let n = 0; n < buckets && bestScore < 0; n++) {
      const bucket = (((from + n) % buckets) + 1) * BUCKET_WORDS;
      considerChain(memory, policy, shard, view, bucket);
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
