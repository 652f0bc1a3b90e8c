/**
 * The log's layout: what is in its files, and in the shared memory through which those who write,
 * flush and recycle it know of each other. docs/internals/durable.md draws the files.
 *
 *   control   Int32Array     counters and latches; who writes what is said at each word
 *   times     Float64Array   stamps, chunk numbers and times: numbers above 2^32
 *
 * When adding an operation: log.ts (how it is written), replay.ts (how it is done again),
 * recovery.fuzz.ts (that both agree), and, when an older program cannot know it, FORMAT.
 */
import { assert } from "../base/assert.ts";
import { WORKERS_MAX } from "./layout.ts";

/**
 * Version of all files. A directory with a larger one is refused. 1 had CRC-32 for records of every
 * size, and is read as well.
 */
export const FORMAT = 2;

// ---- Segments and chunks ------------------------------------------------------------------------

export const LOG_SEGMENT_SIZE = 64 * 1024 * 1024;
export const LOG_CHUNK_SIZE = 1024 * 1024;
export const LOG_CHUNKS = LOG_SEGMENT_SIZE / LOG_CHUNK_SIZE;
/** "1Lkv". */
export const LOG_CHUNK_MAGIC = 0x6b76_4c31;
/** Bytes of a chunk's header, and the part of it that its checksum covers. */
export const LOG_CHUNK_HEADER_SIZE = 128;
export const LOG_CHUNK_CRC = 56;
/** Words of a chunk's header; the number is the f64 at CHUNK_NUMBER_WORD. */
export const CHUNK_FORMAT_WORD = 1;
export const CHUNK_NUMBER_WORD = 2;
export const CHUNK_RUN_WORD = 4;
export const CHUNK_WORKER_WORD = 5;

// ---- Records ------------------------------------------------------------------------------------

/** Words of a record's header. */
export const LOG_SIZE = 0;
export const LOG_CRC = 1;
export const LOG_STAMP = 2;
/** Stamp bits 32 to 47, the operation, the flags. */
export const LOG_KIND = 3;
export const LOG_KEY = 4;
export const LOG_VALUE_LENGTH = 5;
export const LOG_HEADER_SIZE = 24;
export const LOG_OP_SHIFT = 16;
export const LOG_FLAGS_SHIFT = 24;
export const LOG_DB_SHIFT = 24;
export const LOG_KEY_MASK = 0x1_ffff;
export const LOG_RECORD_SIZE_MAX = LOG_CHUNK_SIZE - LOG_CHUNK_HEADER_SIZE;
/** Words from the start of a record that its checksum does not cover: size and checksum. */
export const LOG_UNCHECKED_WORDS = 2;

/** The record has an f64 between header and key. */
export const LOG_HAS_NUMBER = 1;
/** The group goes on in the stream's next record. */
export const LOG_GROUPED = 2;
/** The key was missing before: what is there goes first. */
export const LOG_CREATES = 4;
/** The f64 is the expiry of the value (SET). */
export const LOG_EXPIRES = 8;

/** Operations. The numbers are in files: never renumber. */
export const OP_SET = 1;
export const OP_DELETE = 2;
/** number: ms since 1970, 0 for none. */
export const OP_EXPIRE = 3;
export const OP_APPEND = 4;
/** number: byte. */
export const OP_WRITE_RANGE = 5;
export const OP_PUSH_HEAD = 6;
export const OP_PUSH_TAIL = 7;
/** number: how many. */
export const OP_DROP_HEAD = 8;
export const OP_DROP_TAIL = 9;
/** number: index. */
export const OP_SET_ITEM = 10;
export const OP_INSERT_ITEM = 11;
export const OP_REMOVE_ITEM = 12;
/** value: elements, each a length (u32) and its bytes; they go behind the tail. */
export const OP_PUSH_ITEMS = 13;
/** number: physical database, -1 for all. */
export const OP_FLUSH = 14;
/** value: the physical number of each logical database, a byte each. */
export const OP_DATABASES = 15;
/** value: bytes that belong in front of the next record's value. */
export const OP_FRAGMENT = 16;
/** Ends a group. */
export const OP_COMMIT = 17;
/** In checkpoints: the keys of the next bucket follow; number: the stamp that they are as of. */
export const OP_BUCKET = 18;
export const OP_MAX = 18;

// ---- Checkpoints of a shard ---------------------------------------------------------------------

/** "1Skv". */
export const SHARD_MAGIC = 0x6b76_5331;
/** The file's header: magic, format, shard, buckets, mark (f64), ..., CRC-32 of bytes 0 to 56. */
export const SHARD_HEADER_SIZE = 64;
export const SHARD_CRC = 56;
/** Blocks follow: size of all of it, CRC-32 of bytes 8 to size, number, 0; then records. */
export const BLOCK_HEADER_SIZE = 16;
export const BLOCK_SIZE_MAX_BYTES = 1024 * 1024;

// ---- Shared memory: control (words)
// ---------------------------------------------------------------

/** The next stamp, low word. Whoever writes a record adds 1. */
export const LOG_STAMP_NEXT = 0;
/** Guards the chunk words and everything of slots. */
export const LOG_LOCK = 1;
/** The open segment's slot, and its next chunk. */
export const LOG_OPEN_SLOT = 2;
export const LOG_OPEN_CHUNK = 3;
/** Slots that are ready to be opened. */
export const LOG_READY_COUNT = 4;
export const LOG_READY = 5;
export const LOG_READY_MAX = 8;
/** Slots that were ever made, gone ones included. */
export const LOG_SLOTS_COUNT = 16;
/** Not 0: no room, changes are refused. Set and cleared by who makes segments. */
export const LOG_FULL = 17;
/** Counts requests to flush; the flusher waits on it. */
export const LOG_FLUSH_REQUEST = 18;
/** Counts flushes; who waits for one waits on it. */
export const LOG_FLUSH_DONE = 19;
export const LOG_STOP = 20;
/** What LOG_STOP holds once it is not 0. */
export const STOP_ASKED = 1;
export const STOP_DONE = 2;
export const STOP_FAILED = 3;
/** One of LOG_MODE_*. */
export const LOG_MODE = 21;
/** Serialises making segments. */
export const LOG_MAKE_LOCK = 22;
/** Counts full checkpoints that were asked for, and those that are done. */
export const LOG_CHECKPOINT_ASKED = 23;
export const LOG_CHECKPOINT_DONE = 24;
export const LOG_CHECKPOINT_RUNNING = 25;
export const LOG_CHECKPOINT_FAILED = 26;
/** Why the last checkpoint has failed, by the codes of LOG_FULL; 0 when it has not. */
export const LOG_CHECKPOINT_ERROR = 27;
/** The running run's number. */
export const LOG_RUN = 28;
/** Segments in use. */
export const LOG_SEGMENTS_USED = 29;
export const LOG_SEGMENTS_RECYCLED = 30;
export const LOG_CHECKPOINTS_COUNT = 31;

/** 1 + the Worker whose batch only reads: a flush does not wait for it. Written by that Worker. */
export const LOG_READING = 32;

/**
 * With more segments in use than this, replies to changes wait for a flush; 0 for no limit. Written
 * by who checkpoints.
 */
export const LOG_SEGMENTS_SLOW = 33;

/** Slots there can be at a time: 2 TiB of segments. Numbers of removed files are used again. */
export const LOG_SLOTS_MAX = 32_768;
/** Per slot: chunks ever taken (the flusher compares), chunks in a Worker's hands, state. */
export const LOG_SLOT_TAKES = 64;
export const LOG_SLOT_HELD = LOG_SLOT_TAKES + LOG_SLOTS_MAX;
export const LOG_SLOT_STATE = LOG_SLOT_HELD + LOG_SLOTS_MAX;
/** Times that the slot was opened: a recycled segment is mapped anew. */
export const LOG_SLOT_OPENS = LOG_SLOT_STATE + LOG_SLOTS_MAX;
export const LOG_CONTROL_WORDS = LOG_SLOT_OPENS + LOG_SLOTS_MAX;

/** A slot's states: no file, zero-filled or recycled, holds records, its file is being removed. */
export const SLOT_NONE = 0;
export const SLOT_READY = 1;
export const SLOT_USED = 2;
export const SLOT_LEAVING = 3;

export const LOG_MODE_EVERYSEC = 1;
export const LOG_MODE_ALWAYS = 2;

// ---- Shared memory: times (doubles)
// ---------------------------------------------------------------

/** A stamp not far below the next one: gives the low word its high part. Written by the flusher. */
export const TIME_STAMP_BASE = 0;
/** Everything up to this stamp is flushed. Written by the flusher. */
export const TIME_DURABLE = 1;
/** When the last finished flush began, ms since 1970. Written by the flusher. */
export const TIME_FLUSHED_MS = 2;
/** The next chunk number. Under LOG_LOCK. */
export const TIME_CHUNK_NEXT = 3;
/** The log is needed above this stamp. Written by who checkpoints. */
export const TIME_MARK = 4;
export const TIME_SAVED_MS = 5;
/** What the last and the longest flush took, ms; how many there were. */
export const TIME_FLUSH_MS = 6;
export const TIME_FLUSH_MS_MAX = 7;
export const TIME_FLUSHES = 8;
/** Bytes of all checkpoints. */
export const TIME_SHARD_BYTES = 9;
/** What the last full checkpoint took, ms. */
export const TIME_CHECKPOINT_MS = 10;
/** What the last recovery took, ms, and the records that it read. */
export const TIME_RECOVERY_MS = 11;
export const TIME_RECOVERED_RECORDS = 12;
/** Bytes of records, all Workers: a row each, behind the slots. */
/** Per slot: the last stamp of those who have left it. Under LOG_LOCK. */
export const TIME_SLOT_LAST = 16;
export const TIME_WORKER_BYTES = TIME_SLOT_LAST + LOG_SLOTS_MAX;
/** Doubles between two Workers' rows: a cache line. */
export const TIME_WORKER_STRIDE = 8;
export const TIME_WORDS = TIME_WORKER_BYTES + WORKERS_MAX * TIME_WORKER_STRIDE;

/** What another Worker needs to write to the log: part of StoreHandle. */
export interface LogHandle {
  readonly dir: string;
  readonly control: SharedArrayBuffer;
  readonly times: SharedArrayBuffer;
}

assert(LOG_READY + LOG_READY_MAX <= LOG_SLOTS_COUNT, "the ready slots fit");
assert(LOG_SEGMENT_SIZE % LOG_CHUNK_SIZE === 0, "a segment holds whole chunks");
assert(LOG_HEADER_SIZE % 8 === 0, "records keep doubles aligned");
