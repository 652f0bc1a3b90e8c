/**
 * What must always hold in the store, checked by walking all of it. For tests and fuzzers: slow,
 * and only meaningful while no other Worker is in a batch (call it inside the exclusive section, or
 * with a single Worker).
 *
 * Checked: every entry names a record of a used block whose class is its chunk's, whose key hashes
 * to that bucket; no key twice; versions even; chains dense; every counter equals what the walk
 * finds.
 */
import { assert } from "../base/assert.ts";
import { bucketOf, hashOfRecord } from "./index.ts";
import {
  BUCKET_ENTRIES,
  BUCKET_LINK,
  BUCKET_WORDS,
  CHUNK_CLASS,
  CHUNK_HEADER_SIZE,
  CHUNK_SIZE,
  CONTROL_SEGMENT_OPEN,
  CONTROL_SEGMENTS,
  COUNT_EXPIRING,
  COUNT_KEYS,
  COUNT_USED_BYTES,
  DATABASES_MAX,
  ENTRY_EXPIRES,
  ENTRY_SLOT_MASK,
  FLAG_EXPIRY,
  KEY_LENGTH_MASK,
  RECORD_DB_SHIFT,
  RECORD_HEADER_SIZE,
  SHARD_BUCKETS,
  SHARD_ENTRIES,
  SHARD_EXPIRING,
  SHARD_OVERFLOW_USED,
  TAG_SHIFT,
  TYPE_NODE,
} from "./layout.ts";
import type { HashIndex, Memory } from "./memory.ts";
import { keyOffset, recordType } from "./record.ts";
import { CLASS_SIZES } from "./size-class.ts";
import { sumCounter } from "./stats.ts";

/** What a walk over one index finds. */
class Tally {
  bytes = 0;
  readonly keys = new Float64Array(DATABASES_MAX);
  readonly expiring = new Float64Array(DATABASES_MAX);
  /** Blocks already seen: slot and offset. */
  readonly blocks = new Set<number>();
}

/**
 * Throws AssertionError when anything that must hold does not. Costs a walk over the whole index.
 */
export function checkInvariants(memory: Memory): void {
  const tally = new Tally();
  checkIndex(memory, memory.keys, tally);
  for (let db = 0; db < DATABASES_MAX; db++) {
    const keys = sumCounter(memory, COUNT_KEYS + db);
    assert(keys === tally.keys[db], `db ${db}: counted ${keys} keys, found ${tally.keys[db]}`);
    const expiring = sumCounter(memory, COUNT_EXPIRING + db);
    assert(
      expiring === tally.expiring[db],
      `db ${db}: counted ${expiring} expiring keys, found ${tally.expiring[db]}`,
    );
  }
  checkIndex(memory, memory.nodes, tally);
  const used = sumCounter(memory, COUNT_USED_BYTES);
  assert(used === tally.bytes, `counted ${used} bytes in blocks, found ${tally.bytes}`);
  const open = memory.control[CONTROL_SEGMENT_OPEN] as number;
  assert(open < (memory.control[CONTROL_SEGMENTS] as number), `segment ${open} is open`);
}

function checkIndex(memory: Memory, index: HashIndex, tally: Tally): void {
  index.shards.forEach((view, shard) => {
    let entries = 0;
    let expiring = 0;
    let overflow = 0;
    for (let n = 0; n < (view[SHARD_BUCKETS] as number); n++) {
      const first = (n + 1) * BUCKET_WORDS;
      assert(((view[first] as number) & 1) === 0, `bucket ${n} of shard ${shard} is locked`);
      const chain = checkChain(memory, index, view, shard, first, tally);
      entries += chain.entries;
      expiring += chain.expiring;
      overflow += chain.overflow;
    }
    assert(
      view[SHARD_ENTRIES] === entries,
      `shard ${shard}: ${view[SHARD_ENTRIES]} entries, found ${entries}`,
    );
    assert(
      view[SHARD_EXPIRING] === expiring,
      `shard ${shard}: ${view[SHARD_EXPIRING]} expiring, found ${expiring}`,
    );
    assert(
      view[SHARD_OVERFLOW_USED] === overflow,
      `shard ${shard}: ${view[SHARD_OVERFLOW_USED]} overflow, found ${overflow}`,
    );
  });
}

function checkChain(
  memory: Memory,
  index: HashIndex,
  view: Int32Array,
  shard: number,
  first: number,
  tally: Tally,
): { entries: number; expiring: number; overflow: number } {
  const found = { entries: 0, expiring: 0, overflow: 0 };
  const keys = new Set<string>();
  let ended = false;
  for (let bucket = first; bucket !== 0; bucket = view[bucket + BUCKET_LINK] as number) {
    if (bucket !== first) found.overflow++;
    for (let entry = bucket + BUCKET_ENTRIES; entry < bucket + BUCKET_WORDS; entry += 2) {
      const offset = view[entry + 1] as number;
      if (offset === 0) {
        ended = true;
        continue;
      }
      assert(!ended, `chain of bucket word ${first} in shard ${shard} is not dense`);
      const word = view[entry] as number;
      found.entries++;
      if ((word & ENTRY_EXPIRES) !== 0) found.expiring++;
      const name = checkRecord(memory, index, view, first, word, offset, tally);
      assert(!keys.has(name), `key ${name} stands twice in its chain`);
      keys.add(name);
    }
  }
  return found;
}

/** Checks one entry's record; returns database and key as a string. */
function checkRecord(
  memory: Memory,
  index: HashIndex,
  view: Int32Array,
  first: number,
  word: number,
  offset: number,
  tally: Tally,
): string {
  const slot = word & ENTRY_SLOT_MASK;
  const words = memory.words[slot] as Int32Array;
  const header = words[offset >>> 2] as number;
  const hash = hashOfRecord(memory, slot, offset);
  assert(slot <= (memory.control[CONTROL_SEGMENT_OPEN] as number), `slot ${slot} is open`);
  assert(hash >>> TAG_SHIFT === word >>> TAG_SHIFT, "an entry has its record's tag");
  const bucket = bucketOf(hash, index.shardBits, view[SHARD_BUCKETS] as number);
  assert(bucket === first, `a record of bucket word ${bucket} stands in ${first}`);
  const type = recordType(header);
  assert(index.isKeys ? type > 0 && type < TYPE_NODE : type === TYPE_NODE, `record type ${type}`);
  const chunk = offset - (offset % CHUNK_SIZE);
  const size = CLASS_SIZES[header & 0xff] as number;
  assert(words[(chunk >>> 2) + CHUNK_CLASS] === (header & 0xff), "a block has its chunk's class");
  assert((offset - chunk - CHUNK_HEADER_SIZE) % size === 0, "a block starts on its stride");
  const place = slot * 2 ** 26 + offset;
  assert(!tally.blocks.has(place), "a block belongs to one entry");
  tally.blocks.add(place);
  tally.bytes += size;
  const db = header >>> RECORD_DB_SHIFT;
  const expires = (word & ENTRY_EXPIRES) !== 0;
  assert(expires === hasExpiry(memory, header, slot, offset), "the expiry mark is right");
  if (index.isKeys) {
    (tally.keys[db] as number) += 1;
    if (expires) (tally.expiring[db] as number) += 1;
  }
  const start = offset + keyOffset(header);
  const length = (words[(offset >>> 2) + 1] as number) & KEY_LENGTH_MASK;
  return `${db} ${(memory.bytes[slot] as Buffer).toString("hex", start, start + length)}`;
}

function hasExpiry(memory: Memory, header: number, slot: number, offset: number): boolean {
  if ((header & FLAG_EXPIRY) === 0) return false;
  return (
    ((memory.doubles[slot] as Float64Array)[(offset + RECORD_HEADER_SIZE) >>> 3] as number) > 0
  );
}
