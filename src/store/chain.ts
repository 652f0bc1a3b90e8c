/**
 * Chains walked entry by entry: for whoever finds keys by walking the index instead of looking them
 * up (expiry, eviction, FLUSHDB). The chain's first bucket is locked, or no other Worker is in a
 * batch.
 */
import type { Cursor } from "./cursor.ts";
import {
  BUCKET_ENTRIES,
  BUCKET_LINK,
  BUCKET_WORDS,
  ENTRY_SLOT_MASK,
  KEY_LENGTH_MASK,
  RECORD_DB_SHIFT,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { keyOffset } from "./record.ts";
import { removeKey } from "./remove.ts";

/** Whether the entry at the word `entry` is to go; it can be an empty one. */
export type IsDoomed = (memory: Memory, view: Int32Array, entry: number, db: number) => boolean;

/**
 * Removes the keys of one chain that `isDoomed` names; returns how many that were. `cursor` is the
 * caller's to lose, `db` is handed on to `isDoomed`.
 */
export function removeFromChain(
  memory: Memory,
  cursor: Cursor,
  view: Int32Array,
  shard: number,
  first: number,
  isDoomed: IsDoomed,
  db: number,
): number {
  let removed = 0;
  let before = 0;
  for (let bucket = first; bucket !== 0; bucket = view[bucket + BUCKET_LINK] as number) {
    for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
      // Removing an entry moves the chain's last one here: look at the same place again.
      while (isDoomed(memory, view, entry, db)) {
        aimCursorAtEntry(memory, cursor, view, shard, first, entry);
        removeKey(memory, cursor);
        removed++;
        // With its last entry the bucket itself has left the chain: its link is the free list's, or
        // another chain's already.
        if (before !== 0 && view[before + BUCKET_LINK] !== bucket) return removed;
      }
    }
    before = bucket;
  }
  return removed;
}

/**
 * Makes `target` stand for the entry, as if its key had been looked up: for whoever finds keys by
 * walking the index. The bucket must be locked. Only the shard bits of target.hash are right.
 */
export function aimCursorAtEntry(
  memory: Memory,
  target: Cursor,
  view: Int32Array,
  shard: number,
  bucket: number,
  entry: number,
): void {
  const slot = (view[entry] as number) & ENTRY_SLOT_MASK;
  const offset = view[entry + 1] as number;
  const words = memory.words[slot] as Int32Array;
  const header = words[offset >>> 2] as number;
  target.hash = shard;
  target.bucket = bucket;
  target.entry = entry;
  target.slot = slot;
  target.offset = offset;
  target.db = header >>> RECORD_DB_SHIFT;
  target.bytes = memory.bytes[slot] as Buffer;
  target.keyStart = offset + keyOffset(header);
  target.keyLength = (words[(offset >>> 2) + 1] as number) & KEY_LENGTH_MASK;
}
