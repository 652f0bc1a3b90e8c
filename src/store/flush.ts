/**
 * Emptying databases. Only inside the exclusive section: no bucket is locked, no other Worker is in
 * a batch.
 *
 * When nothing else is in the store, everything is reset at once: the index is cleared and all
 * chunks are unused again, whatever was in them. Other Workers keep private lists of blocks; they
 * notice by CONTROL_GENERATION, which every Worker compares when it begins a batch, that those are
 * void.
 */

import { forgetPrivateBlocks } from "./blocks.ts";
import { removeFromChain } from "./chain.ts";
import { Cursor } from "./cursor.ts";
import { lockBucket, unlockBucket } from "./latch.ts";
import {
  BUCKET_WORDS,
  CLASSES_MAX,
  CONTROL_CHUNK_NEXT,
  CONTROL_CHUNKS_FREE,
  CONTROL_CHUNKS_USED,
  CONTROL_CLASSES,
  CONTROL_GENERATION,
  CONTROL_RETIRED_HEAD,
  CONTROL_RETIRED_TAIL,
  CONTROL_SEGMENT_OPEN,
  CONTROL_WORKERS,
  COUNT_EXPIRING,
  COUNT_KEYS,
  COUNT_USED_BYTES,
  COUNTERS_ROW,
  DATABASES_MAX,
  ENTRY_SLOT_MASK,
  RECORD_DB_SHIFT,
  SHARD_BUCKETS,
  SHARD_OVERFLOW_LOW,
} from "./layout.ts";
import { type HashIndex, type Memory, resetShard } from "./memory.ts";
import { sumCounter } from "./stats.ts";

const cursor = new Cursor();

/** Empties every database. Costs the size of the index, not of the data. */
export function flushAll(memory: Memory): void {
  clearIndex(memory.keys);
  clearIndex(memory.nodes);
  const control = memory.control;
  control[CONTROL_SEGMENT_OPEN] = 0;
  control[CONTROL_CHUNK_NEXT] = 0;
  control[CONTROL_CHUNKS_FREE] = 0;
  control[CONTROL_CHUNKS_USED] = 0;
  control[CONTROL_RETIRED_HEAD] = control[CONTROL_RETIRED_TAIL] as number;
  control.fill(0, CONTROL_CLASSES, CONTROL_CLASSES + CLASSES_MAX * 16);
  for (let worker = 0; worker < (control[CONTROL_WORKERS] as number); worker++) {
    const row = worker * COUNTERS_ROW;
    memory.counters[row + COUNT_USED_BYTES] = 0;
    memory.counters.fill(0, row + COUNT_KEYS, row + COUNT_KEYS + DATABASES_MAX);
    memory.counters.fill(0, row + COUNT_EXPIRING, row + COUNT_EXPIRING + DATABASES_MAX);
  }
  Atomics.add(control, CONTROL_GENERATION, 1);
  forgetPrivateBlocks(memory);
}

/**
 * Clears the words that buckets have used and makes every shard as small as a new one. Versions
 * start again at 0.
 */
function clearIndex(index: HashIndex): void {
  for (const view of index.shards) {
    const end = ((view[SHARD_BUCKETS] as number) + 1) * BUCKET_WORDS;
    view.fill(0, view[SHARD_OVERFLOW_LOW] as number);
    view.fill(0, 0, end);
    resetShard(view);
  }
}

/** Empties one physical database. */
export function flushDatabase(memory: Memory, db: number): void {
  let others = 0;
  for (let other = 0; other < DATABASES_MAX; other++) {
    if (other !== db) others += sumCounter(memory, COUNT_KEYS + other);
  }
  if (others === 0) {
    flushAll(memory);
    return;
  }
  memory.keys.shards.forEach((view, shard) => {
    for (let n = 0; n < (view[SHARD_BUCKETS] as number); n++) {
      flushBucket(memory, view, shard, (n + 1) * BUCKET_WORDS, db);
    }
  });
}

function flushBucket(
  memory: Memory,
  view: Int32Array,
  shard: number,
  first: number,
  db: number,
): void {
  lockBucket(view, first);
  removeFromChain(memory, cursor, view, shard, first, isInDatabase, db);
  unlockBucket(view, first);
}

function isInDatabase(memory: Memory, view: Int32Array, entry: number, db: number): boolean {
  const offset = view[entry + 1] as number;
  if (offset === 0) return false;
  const words = memory.words[(view[entry] as number) & ENTRY_SLOT_MASK] as Int32Array;
  return (words[offset >>> 2] as number) >>> RECORD_DB_SHIFT === db;
}
