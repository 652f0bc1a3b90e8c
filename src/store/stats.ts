/**
 * What the store counts: sums over the Workers' rows, and the size of things.
 *
 * Each Worker adds to its own row with plain stores; a sum can lag by what is under way at this
 * moment.
 */
import type { Cursor } from "./cursor.ts";
import { indexBytes } from "./index.ts";
import {
  CONTROL_WORKERS,
  COUNT_USED_BYTES,
  COUNTERS_ROW,
  FLAG_NODES,
  SEGMENT_SIZE,
  SHARD_ENTRIES,
} from "./layout.ts";
import type { HashIndex, Memory } from "./memory.ts";
import { findNode, NODE_HEADER_SIZE } from "./nodes.ts";
import {
  DESCRIPTOR_FIRST,
  DESCRIPTOR_ID_HIGH,
  DESCRIPTOR_ID_LOW,
  DESCRIPTOR_LAST,
  DESCRIPTOR_SIZE,
} from "./read.ts";
import { CLASS_SIZES, CLASSES_COUNT } from "./size-class.ts";

/**
 * Records of so many bytes stay in the processor's second-level cache by themselves: prefetching
 * costs more than it saves. At 1 k keys of 128 B it is 25 ns of a request in a batch of 50.
 */
const CACHED_BYTES_MAX = 384 * 1024;
/** Index bytes of one key at the usual load: a bucket of 64 bytes for every five. */
const INDEX_BYTES_A_KEY = 13;
/** Nodes of a value that are weighed; the rest is taken to be like them. */
const WEIGHED_NODES_MAX = 64;

/** A counter (COUNT_*) summed over all Workers. */
export function sumCounter(memory: Memory, index: number): number {
  const workers = memory.control[CONTROL_WORKERS] as number;
  let sum = 0;
  for (let worker = 0; worker < workers; worker++) {
    sum += memory.counters[worker * COUNTERS_ROW + index] as number;
  }
  return sum;
}

/** Keys of all databases. */
export function keysOfAll(memory: Memory): number {
  return entriesOf(memory.keys);
}

function entriesOf(index: HashIndex): number {
  let entries = 0;
  for (const view of index.shards) entries += view[SHARD_ENTRIES] as number;
  return entries;
}

/** Bytes in records, nodes and index. */
export function usedBytes(memory: Memory): number {
  return sumCounter(memory, COUNT_USED_BYTES) + indexBytes(memory.keys) + indexBytes(memory.nodes);
}

/**
 * The bytes that count against the memory limit: records, nodes, and index by what is in it. The
 * index never shrinks: counted by its buckets, a limit that was lowered below them could not be met
 * by evicting every key.
 */
export function limitedBytes(memory: Memory): number {
  const entries = entriesOf(memory.keys) + entriesOf(memory.nodes);
  return sumCounter(memory, COUNT_USED_BYTES) + entries * INDEX_BYTES_A_KEY;
}

/**
 * Bytes that the key under a read or locked cursor costs: index, record, and its nodes by a sample
 * of them.
 */
export function valueBytes(memory: Memory, cursor: Cursor): number {
  const words = memory.words[cursor.slot] as Int32Array;
  const header = words[cursor.offset >>> 2] as number;
  const index = header & 0xff;
  const own = (index < CLASSES_COUNT ? (CLASS_SIZES[index] as number) : 0) + INDEX_BYTES_A_KEY;
  const start = cursor.valueStart;
  if ((header & FLAG_NODES) === 0 || start + DESCRIPTOR_SIZE > SEGMENT_SIZE) return own;
  const at = start >>> 2;
  const first = words[at + DESCRIPTOR_FIRST] as number;
  const count = Math.max(0, (words[at + DESCRIPTOR_LAST] as number) - first + 1);
  const weighed = Math.min(count, WEIGHED_NODES_MAX);
  let bytes = 0;
  for (let i = 0; i < weighed; i++) {
    const number = first + Math.floor((i * count) / weighed);
    const isThere = findNode(
      memory,
      words[at + DESCRIPTOR_ID_LOW] as number,
      words[at + DESCRIPTOR_ID_HIGH] as number,
      number,
    );
    if (isThere) bytes += memory.nodeCapacity + NODE_HEADER_SIZE + INDEX_BYTES_A_KEY;
  }
  return own + (weighed === 0 ? 0 : Math.round((bytes / weighed) * count));
}

/**
 * Looks at how long records are on average, since the prefetch of a batch loads that many cache
 * lines of each, and none when all of them are in the cache anyway.
 */
export function sizeRecords(memory: Memory): void {
  const keys = keysOfAll(memory);
  const bytes = sumCounter(memory, COUNT_USED_BYTES);
  memory.recordLines = keys === 0 ? 1 : Math.ceil(bytes / keys / 64);
  memory.isCached = bytes < CACHED_BYTES_MAX;
}
