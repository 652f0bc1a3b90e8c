/**
 * The store's layout in shared memory: every size, offset, mask and flag, in one place.
 *
 * Everything below lives in SharedArrayBuffers that are reserved when the store is created and
 * touched when used, so a Worker attaches once and never has to be handed another buffer while it
 * serves.
 *
 *   control    Int32Array     who is who: hash secrets, locks, epochs, size-class lists, segments
 *   counters   Float64Array   one row a Worker; each Worker writes only its own row
 *   shards     Int32Array[]   the index: buckets of 64 bytes
 *   segments   64 MiB each    the log: chunks of 128 KiB, each cut into blocks of one size class
 *
 * Bucket, 16 words, one cache line (a shard's word 0 to 15 is its header, bucket i starts at word
 * 16 * (i + 1)):
 *
 *   word  0        1          2    3     4    5            14   15
 *        | version | overflow | entry 0 | entry 1 |  ...  | entry 6 |
 *
 *   version   odd while a writer is inside; a reader that sees it change starts again
 *   overflow  word of the next bucket of the chain in the same shard, 0 for none
 *   entry     [ tag 16 | expires 1 | segment slot 15 ] [ byte offset in the segment ];
 *             offset 0: no entry. Entries are dense: the first empty one ends the search.
 *
 * Record, a multiple of 8 bytes, in a block of its size class:
 *
 *   byte   0       1             2       3    4               8              8 or 16
 *        | class | type, flags | access | db | lengths (32) | expiry (f64)? | key | value |
 *
 *   lengths   key in the low 17 bits, value in the high 15
 *   expiry    only with FLAG_EXPIRY: ms since 1970, 0 for none
 *   value     behind the key; on the next multiple of 8 unless it is a plain string
 *   A free block has type 0, its class, and the next block of its list: slot in bytes 2 and 3,
 *   offset in the word behind.
 *
 * When adding a record flag, also: record.ts (offset helpers), upsert.ts (what a rewrite keeps),
 * invariants.ts.
 */
import { assert } from "../base/assert.ts";

// ---- Segments and chunks ------------------------------------------------------------------------

/** A segment: the unit of reservation, later of files. Offsets in it stay well inside an int32. */
export const SEGMENT_SIZE = 64 * 1024 * 1024;
/** Segment slots that an entry can name (15 bits): 2 TiB of log. */
export const SEGMENTS_MAX = 1 << 15;
/** A chunk: what one Worker takes at a time, for blocks of one size class. */
export const CHUNK_SIZE = 128 * 1024;
/** Words of a chunk header: [class, unused, unused, unused …], one cache line. */
export const CHUNK_HEADER_SIZE = 64;
export const CHUNK_CLASS = 0;
/** Blocks of this chunk that the reclaimer holds while it counts. */
export const CHUNK_COUNTED = 1;
export const CHUNK_NEXT_SLOT = 2;
export const CHUNK_NEXT_OFFSET = 3;
/** In CHUNK_CLASS: the chunk belongs to no class and may be taken by any Worker. */
export const CHUNK_UNUSED = -1;

// ---- Index --------------------------------------------------------------------------------------

export const BUCKET_WORDS = 16;
export const BUCKET_VERSION = 0;
export const BUCKET_LINK = 1;
export const BUCKET_ENTRIES = 2;
export const BUCKET_ENTRIES_COUNT = 7;
/**
 * A chain longer than this cannot exist: a reader that walks further has read half-changed links.
 */
export const CHAIN_LENGTH_MAX = 4096;

export const ENTRY_SLOT_MASK = 0x7fff;
export const ENTRY_EXPIRES = 0x8000;
export const TAG_SHIFT = 16;

/** Shard header words. */
export const SHARD_BUCKETS = 0;
export const SHARD_ENTRIES = 1;
export const SHARD_SPLIT_LOCK = 2;
export const SHARD_OVERFLOW_LOCK = 3;
/** Lowest word that an overflow bucket has used; they grow down from the end of the shard. */
export const SHARD_OVERFLOW_LOW = 4;
export const SHARD_OVERFLOW_FREE = 5;
export const SHARD_OVERFLOW_USED = 6;
/** Entries with ENTRY_EXPIRES, so that the expiry cycle skips shards without any. */
export const SHARD_EXPIRING = 7;

/** Buckets of a new shard; a power of two. */
export const SHARD_BUCKETS_MIN = 8;
/** A shard splits a bucket when it holds more entries than this for each bucket; 7 fit in one. */
export const SPLIT_LOAD = 5;
/**
 * Few shards, so that their headers and views stay in the first-level cache: with 8 instead of 64 a
 * look-up takes 63 ns instead of 75. Enough that Workers seldom want the same shard's counters.
 */
export const KEY_SHARD_BITS = 3;
export const NODE_SHARD_BITS = 2;

// ---- Records ------------------------------------------------------------------------------------

export const RECORD_HEADER_SIZE = 8;
export const RECORD_EXPIRY_SIZE = 8;
export const RECORD_TYPE_SHIFT = 8;
export const RECORD_TYPE_MASK = 0xf;
/** The record has an expiry field (which may hold 0: no expiry). */
export const FLAG_EXPIRY = 0x1000;
/** The value is a descriptor: the bytes or elements are in nodes. */
export const FLAG_NODES = 0x2000;
export const RECORD_ACCESS_BYTE = 2;
export const RECORD_DB_SHIFT = 24;
export const KEY_LENGTH_BITS = 17;
export const KEY_LENGTH_MASK = (1 << KEY_LENGTH_BITS) - 1;
export const VALUE_LENGTH_MAX = (1 << (32 - KEY_LENGTH_BITS)) - 1;

/** A type in records, beside TYPE_STRING and TYPE_LIST of cursor.ts; 0 is a free block. */
export const TYPE_NODE = 15;

/** Longest key: a record with it and the longest inline value fits a chunk. */
export const KEY_SIZE_MAX = 65_536;
/** Longest string that stays inside its record; a longer one is kept in nodes. */
export const INLINE_SIZE_MAX = 16_384;
/** The key of a node: collection id (8 bytes) and node number (4). */
export const NODE_KEY_SIZE = 12;
/** Bytes of a long string in each node: with header and key exactly an eighth of a chunk. */
export const STRING_NODE_SIZE = 16_352;
/** The longest string there can be, whatever proto-max-bulk-len says. */
export const STRING_SIZE_MAX = 536_870_912;

/** Databases that a record can name. */
export const DATABASES_MAX = 256;

// ---- Control block (words) ----------------------------------------------------------------------

export const CONTROL_MAGIC = 0;
export const MAGIC = 0x6b76_3031;
export const CONTROL_WORKERS = 1;
/** Segments that exist: who begins a batch maps those that it has not (epoch.ts). */
export const CONTROL_SEGMENTS = 2;
/** Segments that every Worker has mapped: only those are written to. */
export const CONTROL_SEGMENTS_USABLE = 3;
/** 1: no more can be made for now. Written by who makes them. */
export const CONTROL_SEGMENTS_REFUSED = 4;
/** 0, or 1 + the Worker inside the exclusive section. */
export const CONTROL_EXCLUSIVE = 8;
/** Serialises opening chunks and segments. */
export const CONTROL_CHUNK_LOCK = 9;
export const CONTROL_SEGMENT_OPEN = 10;
export const CONTROL_CHUNK_NEXT = 11;
export const CONTROL_CHUNK_FREE_SLOT = 12;
export const CONTROL_CHUNK_FREE_OFFSET = 13;
export const CONTROL_CHUNKS_FREE = 14;
export const CONTROL_CHUNKS_USED = 15;
/** The next collection id: low and high word. Never reused, so a stale descriptor finds nothing. */
export const CONTROL_ID_LOW = 16;
export const CONTROL_ID_HIGH = 17;
/** The access clock's tick, 0 to 255; see eviction.ts. */
export const CONTROL_ACCESS_TICK = 18;
/** One of EVICT_*. */
export const CONTROL_POLICY = 19;
/** The global epoch, bumped by whoever retires something. */
export const CONTROL_EPOCH = 20;
/** Bumped when everything is flushed: private block lists of an older generation are void. */
export const CONTROL_GENERATION = 21;
/** Threads that have attached by themselves (embedded.ts): the next one's index. */
export const CONTROL_ATTACHED = 22;
/** Secrets of the hash: two odd multipliers, a seed. */
export const CONTROL_SECRET = 24;
/** Queue of retired collections: lock, head and tail counters. */
export const CONTROL_RETIRED_LOCK = 32;
export const CONTROL_RETIRED_HEAD = 33;
export const CONTROL_RETIRED_TAIL = 34;
/** Logical database → physical database (SWAPDB exchanges two words). */
export const CONTROL_DATABASES = 64;
/** Entries of the retired queue: id low, id high, first node, last node. */
export const CONTROL_RETIRED = CONTROL_DATABASES + DATABASES_MAX;
export const RETIRED_MAX = 1024;
export const RETIRED_WORDS = 4;
/** Epoch rows, a cache line each: word 0 is the epoch that the Worker is in, 0 between batches. */
export const CONTROL_EPOCHS = CONTROL_RETIRED + RETIRED_MAX * RETIRED_WORDS;
export const WORKERS_MAX = 256;
/** Size-class lists, a cache line each: lock, slot and offset of the first block, blocks. */
export const CONTROL_CLASSES = CONTROL_EPOCHS + WORKERS_MAX * 16;
export const CLASSES_MAX = 128;
export const CONTROL_WORDS = CONTROL_CLASSES + CLASSES_MAX * 16;

// ---- Counters (Float64 words of one row) --------------------------------------------------------

/**
 * Bytes in blocks that hold a record. A Worker may free what another allocated: only the sum means
 * anything.
 */
export const COUNT_USED_BYTES = 0;
/** Bytes ever allocated: drives the access clock. */
export const COUNT_ALLOCATED_BYTES = 1;
export const COUNT_EXPIRED = 2;
export const COUNT_EVICTED = 3;
export const COUNT_READ_RETRIES = 4;
export const COUNT_KEYS = 16;
export const COUNT_EXPIRING = COUNT_KEYS + DATABASES_MAX;
export const COUNTERS_ROW = COUNT_EXPIRING + DATABASES_MAX;
/** Row of settings that all Workers read, behind the Workers' rows. */
export const COUNT_MEMORY_LIMIT = 0;

// ---- Relations ----------------------------------------------------------------------------------

assert(SEGMENT_SIZE % CHUNK_SIZE === 0, "a segment holds whole chunks");
assert(KEY_LENGTH_MASK >= KEY_SIZE_MAX, "a key's length fits its field");
assert(VALUE_LENGTH_MAX >= INLINE_SIZE_MAX, "an inline value's length fits its field");
assert(
  RECORD_HEADER_SIZE + RECORD_EXPIRY_SIZE + KEY_SIZE_MAX + INLINE_SIZE_MAX + 8 <=
    CHUNK_SIZE - CHUNK_HEADER_SIZE,
  "the largest record fits a chunk",
);
assert(BUCKET_ENTRIES + 2 * BUCKET_ENTRIES_COUNT === BUCKET_WORDS, "a bucket is one cache line");
assert(SPLIT_LOAD < BUCKET_ENTRIES_COUNT, "a bucket splits before the average one is full");
