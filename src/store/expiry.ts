/**
 * Expiry: a key is gone for every reader from the millisecond of its expiry on; its space comes
 * back when somebody looks it up, or when the cycle below reaches it.
 *
 * The cycle walks the index, not the records: an entry that expires carries a mark, so a shard
 * without any is skipped, and of the others only the marked entries' records are looked at. It runs
 * in steps under a time budget: slow steps all the time, and on with the next one at once while
 * more than a tenth of what it saw had expired.
 */
import { nanoseconds } from "../base/clock.ts";
import { removeFromChain } from "./chain.ts";
import { Cursor } from "./cursor.ts";
import { lockBucket, unlockBucket } from "./latch.ts";
import {
  BUCKET_ENTRIES,
  BUCKET_LINK,
  BUCKET_WORDS,
  COUNT_EXPIRED,
  ENTRY_EXPIRES,
  ENTRY_SLOT_MASK,
  SHARD_BUCKETS,
  SHARD_EXPIRING,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { currentExpiry } from "./upsert.ts";

/** Buckets between two looks at the clock. */
const BUCKETS_A_STEP = 256;
/**
 * While more than this part of the marked entries had expired, the cycle goes on within its budget.
 */
const EXPIRED_PART = 0.1;

const cursor = new Cursor();

/** Where the cycle stands, and what it found. One for each upkeep loop. */
export class ExpiryCycle {
  #shard = 0;
  #bucket = 0;
  /** Marked entries seen in the last run. */
  seenCount = 0;
  /** Keys removed in the last run. */
  expiredCount = 0;

  /**
   * Looks at every marked entry of the next part of the index for at most `budgetMs`, and removes
   * what has expired by memory.nowMs. Returns true when there is probably more to remove right
   * away.
   */
  run(memory: Memory, budgetMs: number): boolean {
    const endNs = nanoseconds() + budgetMs * 1e6;
    this.seenCount = 0;
    this.expiredCount = 0;
    const shards = memory.keys.shards;
    for (let visited = 0; visited <= shards.length; visited++) {
      const view = shards[this.#shard] as Int32Array;
      if ((view[SHARD_EXPIRING] as number) > 0 && !this.#runShard(memory, view, endNs)) {
        return this.expiredCount > this.seenCount * EXPIRED_PART;
      }
      this.#bucket = 0;
      this.#shard = (this.#shard + 1) % shards.length;
    }
    return false;
  }

  /** The rest of one shard; false when the time is up. */
  #runShard(memory: Memory, view: Int32Array, endNs: number): boolean {
    for (let steps = 1; this.#bucket < Atomics.load(view, SHARD_BUCKETS); this.#bucket++, steps++) {
      this.#runBucket(memory, view, (this.#bucket + 1) * BUCKET_WORDS);
      if (steps % BUCKETS_A_STEP === 0 && nanoseconds() > endNs) {
        this.#bucket++;
        return false;
      }
    }
    return true;
  }

  #runBucket(memory: Memory, view: Int32Array, bucket: number): void {
    const marked = countMarked(view, bucket);
    if (marked === 0) return;
    this.seenCount += marked;
    this.expiredCount += expireBucket(memory, view, this.#shard, bucket);
  }
}

/** Marked entries of the bucket and its chain, read without a lock. */
function countMarked(view: Int32Array, first: number): number {
  let count = 0;
  let bucket = first;
  for (let length = 0; bucket !== 0 && length < 16; length++) {
    for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
      if (((view[entry] as number) & ENTRY_EXPIRES) !== 0) count++;
    }
    bucket = view[bucket + BUCKET_LINK] as number;
  }
  return count;
}

/** Removes what has expired from one chain, under its lock; returns how many keys that were. */
function expireBucket(memory: Memory, view: Int32Array, shard: number, first: number): number {
  lockBucket(view, first);
  const removed = removeFromChain(memory, cursor, view, shard, first, isExpired, 0);
  unlockBucket(view, first);
  (memory.counters[memory.row + COUNT_EXPIRED] as number) += removed;
  return removed;
}

function isExpired(memory: Memory, view: Int32Array, entry: number): boolean {
  const word = view[entry] as number;
  if ((word & ENTRY_EXPIRES) === 0) return false;
  cursor.entry = entry;
  cursor.slot = word & ENTRY_SLOT_MASK;
  cursor.offset = view[entry + 1] as number;
  const expiry = currentExpiry(memory, cursor);
  return expiry > 0 && expiry <= memory.nowMs;
}
