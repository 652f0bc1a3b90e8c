/**
 * The store's shared memory: reserving it once, and one Worker's views of it.
 *
 * Everything is reserved when the store is created and is virtual until it is touched, so that an
 * address that one Worker publishes can be followed by every other one without first being handed a
 * buffer.
 */
import { FatalError, UsageError } from "../base/errors.ts";
import { type HashSecret, makeSecret } from "../base/hash.ts";
import { addressOf, adviseNeeded, adviseRandom } from "../base/memory-advice.ts";
import type { Cursor } from "./cursor.ts";
import {
  BUCKET_WORDS,
  CLASSES_MAX,
  CONTROL_CHUNK_NEXT,
  CONTROL_DATABASES,
  CONTROL_EPOCH,
  CONTROL_EPOCHS,
  CONTROL_ID_LOW,
  CONTROL_MAGIC,
  CONTROL_SECRET,
  CONTROL_SEGMENTS,
  CONTROL_SEGMENTS_USABLE,
  CONTROL_WORDS,
  CONTROL_WORKERS,
  COUNT_MEMORY_LIMIT,
  COUNTERS_ROW,
  DATABASES_MAX,
  KEY_SHARD_BITS,
  MAGIC,
  NODE_SHARD_BITS,
  SEGMENT_SIZE,
  SEGMENTS_MAX,
  SHARD_BUCKETS,
  SHARD_BUCKETS_MIN,
  SHARD_OVERFLOW_LOW,
  WORKERS_MAX,
} from "./layout.ts";
import { mapFile } from "./log-files.ts";
import type { LogHandle } from "./log-layout.ts";

/** Smallest reservation: two segments. */
export const RESERVE_SIZE_MIN = 2 * SEGMENT_SIZE;
/** Largest index of one shard: its words stay far inside an int32. */
const SHARD_SIZE_MAX = 2 * 1024 * 1024 * 1024;
const SHARD_SIZE_MIN = 1024 * 1024;
/**
 * Index bytes reserved for each 4 bytes of log: enough for keys of 50 bytes at 14 bytes of index.
 */
const KEY_INDEX_DIVISOR = 4;
/** A node is at least 2 KiB, so its index needs far less. */
const NODE_INDEX_DIVISOR = 128;

/** What another Worker needs to attach: send it with postMessage. */
export interface StoreHandle {
  readonly control: SharedArrayBuffer;
  readonly counters: SharedArrayBuffer;
  readonly keyShards: readonly SharedArrayBuffer[];
  readonly nodeShards: readonly SharedArrayBuffer[];
  readonly segments: readonly SharedArrayBuffer[];
  /** Segments behind `segments` are files of this directory, made as they are needed. */
  readonly heapDir?: string;
  /** The log that changes are written to; without it, the store is in memory only. */
  readonly log?: LogHandle;
}

/** Who must know of evictions: the log. */
export interface EvictionLog {
  evicting(cursor: Cursor): void;
}

/** A hash index over some shards; the store has two, for keys and for nodes. */
export interface HashIndex {
  readonly shards: readonly Int32Array[];
  readonly shardBits: number;
  readonly shardMask: number;
  /** Keys count in DBSIZE and the like, nodes do not. */
  readonly isKeys: boolean;
}

/**
 * One Worker's views, and its private part of the allocator. Plain fields: this is hot state, read
 * by every function of the store. Nothing here may grow with the data.
 */
export class Memory {
  readonly control: Int32Array;
  readonly counters: Float64Array;
  readonly keys: HashIndex;
  readonly nodes: HashIndex;
  /** Views of each segment, by slot. */
  readonly words: Int32Array[];
  readonly doubles: Float64Array[];
  readonly bytes: Buffer[];
  readonly secret: HashSecret;
  readonly worker: number;
  /** First counter of this Worker's row. */
  readonly row: number;
  /** Word of this Worker's epoch. */
  readonly epochWord: number;
  /** Segments beyond those in memory are files. */
  readonly isHeapOnDisk: boolean;
  /** Segments in memory: the slots below this. */
  readonly memorySegments: number;
  readonly #heapDir: string;
  /** Address of each segment that is a file, by slot. */
  readonly #addresses: number[] = [];

  // ---- The Worker's own blocks: written by nobody else ----
  /** Free blocks of each class: first one and how many. */
  readonly freeSlot = new Int32Array(CLASSES_MAX);
  readonly freeOffset = new Int32Array(CLASSES_MAX);
  readonly freeCount = new Int32Array(CLASSES_MAX);
  /** The untouched rest of this Worker's chunk of each class. */
  readonly bumpSlot = new Int32Array(CLASSES_MAX);
  readonly bumpOffset = new Int32Array(CLASSES_MAX);
  readonly bumpEnd = new Int32Array(CLASSES_MAX);
  /** The generation (CONTROL_GENERATION) that the private blocks belong to. */
  generation = 0;
  /** Out-fields of allocate(). */
  slot = 0;
  offset = 0;
  /**
   * Out-fields of findNode() and createNode(): where a node's contents are, and how many bytes it
   * has for them.
   */
  nodeSlot = 0;
  nodeOffset = 0;
  nodeCapacity = 0;
  /** Wall clock of the running batch, ms since 1970. */
  nowMs = 0;
  /** Cache lines of the average record, as of the last look; see touchRecord. */
  recordLines = 1;
  /** All records are so few bytes that they stay in the processor's cache. */
  isCached = false;
  /** This thread makes the segments that are files: it must not wait for them. */
  makesSegments = false;
  /** Told before a key is evicted; null in memory mode. */
  evictionLog: EvictionLog | null = null;
  /** Keeps the prefetching loads alive: without a use, the JIT drops them. */
  sink = 0;

  constructor(handle: StoreHandle, worker: number) {
    this.control = new Int32Array(handle.control);
    this.counters = new Float64Array(handle.counters);
    this.keys = openIndex(handle.keyShards, KEY_SHARD_BITS, true);
    this.nodes = openIndex(handle.nodeShards, NODE_SHARD_BITS, false);
    this.words = handle.segments.map((segment) => new Int32Array(segment));
    this.doubles = handle.segments.map((segment) => new Float64Array(segment));
    this.bytes = handle.segments.map((segment) => Buffer.from(segment));
    this.secret = makeSecret(
      Uint32Array.from(this.control.slice(CONTROL_SECRET, CONTROL_SECRET + 3)),
    );
    this.worker = worker;
    this.row = worker * COUNTERS_ROW;
    this.epochWord = CONTROL_EPOCHS + worker * 16;
    this.isHeapOnDisk = handle.heapDir !== undefined;
    this.#heapDir = handle.heapDir ?? "";
    this.memorySegments = handle.segments.length;
    this.mapSegments();
  }

  /** Maps the segments that were made since this thread looked last. */
  mapSegments(): void {
    const count = Atomics.load(this.control, CONTROL_SEGMENTS);
    for (let slot = this.words.length; slot < count; slot++) {
      const file = mapFile(this.#heapDir, heapName(slot));
      adviseRandom(file.bytes);
      this.#addresses[slot] = addressOf(file.bytes);
      this.words.push(file.words);
      this.doubles.push(file.doubles);
      this.bytes.push(file.bytes);
    }
  }

  /** Begins to read what a file may have to be read for; nobody waits for it. */
  prefetch(slot: number, offset: number, length: number): void {
    const address = this.#addresses[slot];
    if (address === undefined) return;
    adviseNeeded(address + offset, Math.min(length, SEGMENT_SIZE - offset));
  }
}

/** The file behind a segment's slot. */
export function heapName(slot: number): string {
  return `heap-${String(slot).padStart(6, "0")}`;
}

function openIndex(
  shards: readonly SharedArrayBuffer[],
  shardBits: number,
  isKeys: boolean,
): HashIndex {
  return {
    shards: shards.map((shard) => new Int32Array(shard)),
    shardBits,
    shardMask: (1 << shardBits) - 1,
    isKeys,
  };
}

/** Row of settings that all Workers read. */
export const SETTINGS_ROW = WORKERS_MAX * COUNTERS_ROW;

/** Bytes at which writes are refused or keys evicted; Infinity for no limit. */
export function memoryLimit(memory: Memory): number {
  return memory.counters[SETTINGS_ROW + COUNT_MEMORY_LIMIT] as number;
}

/**
 * Reserves the memory of a new store for up to `reserveBytes` of records, and as much again as its
 * index needs. Where the system refuses so much address space, half of it is tried, down to
 * RESERVE_SIZE_MIN. With `heap`, only so many bytes are memory; what is beyond becomes files of a
 * directory (heap.ts). Throws UsageError when `reserveBytes` or `workers` is out of bounds,
 * FatalError when not even the minimum is to be had.
 */
export function reserveMemory(
  reserveBytes: number,
  workers: number,
  heap?: { readonly dir: string; readonly memoryBytes: number },
): StoreHandle {
  const largest = SEGMENTS_MAX * SEGMENT_SIZE;
  if (!(reserveBytes >= RESERVE_SIZE_MIN && reserveBytes <= largest)) {
    throw new UsageError(
      `reserve: size (${reserveBytes}) must be between ${RESERVE_SIZE_MIN} and ${largest} bytes`,
    );
  }
  if (!(Number.isInteger(workers) && workers >= 1 && workers <= WORKERS_MAX)) {
    throw new UsageError(`workers: count (${workers}) must be between 1 and ${WORKERS_MAX}`);
  }
  for (let bytes = reserveBytes; bytes >= RESERVE_SIZE_MIN; bytes /= 2) {
    const handle = tryReserve(bytes, heap?.memoryBytes ?? bytes, heap?.dir);
    if (handle !== undefined) {
      initialise(handle, workers);
      return handle;
    }
  }
  throw new FatalError(
    `Cannot reserve ${RESERVE_SIZE_MIN} bytes of address space for the store`,
    "raise the limit on virtual memory (ulimit -v)",
  );
}

function tryReserve(
  bytes: number,
  memoryBytes: number,
  heapDir: string | undefined,
): StoreHandle | undefined {
  try {
    return {
      control: new SharedArrayBuffer(CONTROL_WORDS * 4),
      counters: new SharedArrayBuffer((WORKERS_MAX + 1) * COUNTERS_ROW * 8),
      keyShards: reserveShards(bytes / KEY_INDEX_DIVISOR, 1 << KEY_SHARD_BITS),
      nodeShards: reserveShards(bytes / NODE_INDEX_DIVISOR, 1 << NODE_SHARD_BITS),
      segments: Array.from(
        { length: Math.ceil(Math.min(bytes, memoryBytes) / SEGMENT_SIZE) },
        () => new SharedArrayBuffer(SEGMENT_SIZE),
      ),
      ...(heapDir === undefined ? {} : { heapDir }),
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function reserveShards(bytes: number, count: number): SharedArrayBuffer[] {
  const wanted = 2 ** Math.ceil(Math.log2(bytes / count));
  const size = Math.min(SHARD_SIZE_MAX, Math.max(SHARD_SIZE_MIN, wanted));
  return Array.from({ length: count }, () => new SharedArrayBuffer(size));
}

function initialise(handle: StoreHandle, workers: number): void {
  const control = new Int32Array(handle.control);
  control[CONTROL_MAGIC] = MAGIC;
  control[CONTROL_WORKERS] = workers;
  control[CONTROL_SEGMENTS] = handle.segments.length;
  control[CONTROL_SEGMENTS_USABLE] = handle.segments.length;
  control[CONTROL_ID_LOW] = 1;
  control[CONTROL_EPOCH] = 1;
  // Offset 0 of a segment means "no entry": the first chunk of the first segment starts behind a
  // header of its own.
  control[CONTROL_CHUNK_NEXT] = 0;
  crypto.getRandomValues(new Uint32Array(4)).forEach((word, i) => {
    control[CONTROL_SECRET + i] = word;
  });
  for (let db = 0; db < DATABASES_MAX; db++) control[CONTROL_DATABASES + db] = db;
  new Float64Array(handle.counters)[SETTINGS_ROW + COUNT_MEMORY_LIMIT] = Number.POSITIVE_INFINITY;
  for (const shards of [handle.keyShards, handle.nodeShards]) {
    for (const shard of shards) resetShard(new Int32Array(shard));
  }
}

/** Makes a shard empty. Its bucket words must be zero already. */
export function resetShard(view: Int32Array): void {
  view[SHARD_BUCKETS] = SHARD_BUCKETS_MIN;
  view[SHARD_OVERFLOW_LOW] = view.length - (view.length % BUCKET_WORDS);
}
