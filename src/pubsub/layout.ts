/**
 * The shared memory of pub/sub, byte by byte: what the serving Workers know of each other's
 * subscribers, and the ring that carries messages between them.
 *
 * Three SharedArrayBuffers, made by the main thread, attached by every serving Worker. Nothing in
 * them is touched while nobody subscribes, so they cost address space only.
 *
 *      control (int32)   | MUTEX | counts | ring positions | hash secret | free lists |  64 words
 *                        | Worker 0: CURSOR END SIGNAL WAITS |                         16 words
 *                        | Worker 1: ...
 *
 *      directory (int32) | bucket heads, BUCKETS_COUNT words | entries, granules of 64 bytes |
 *          an entry      | next in bucket | hash | kind | name length | subscribers
 *                        | previous, next of its kind | size class | Workers (bits) | name bytes |
 *
 *      ring (bytes)      | record | record | ... | padding |      power of two, units of 8 bytes
 *          a record      | units | form | channel length | message length | topics | large id
 *                        | Workers (bits) | topics: entry numbers | channel | message | filler |
 *          padding       | units, negative: the rest of the ring, read on at its beginning |
 *
 * Who writes: everything but CURSOR and SIGNAL is written with MUTEX held. CURSOR belongs to its
 * Worker while that one has records to read (CURSOR differs from END), and to the holder of MUTEX
 * while it has none. A reader may look at a record from its CURSOR up to END without any lock.
 *
 * Positions in the ring are int32 units that wrap: only differences mean anything.
 */
import { assert } from "../base/assert.ts";
import {
  PUBSUB_DIRECTORY_SIZE,
  PUBSUB_RING_SIZE,
  SUBSCRIPTIONS_COUNT_MAX,
} from "../base/limits.ts";

/** What a topic is; the order is that of the words COUNT_CHANNELS and LIST_CHANNELS. */
export const enum TopicKind {
  Channel = 0,
  Pattern = 1,
  Shard = 2,
}

// ---- Words of the control block ----
/** 0 free, 1 held, 2 held and waited for (mutex.ts). */
export const MUTEX = 0;
/** Topics of every kind. The one word that PUBLISH looks at while nobody subscribes. */
export const COUNT_TOPICS = 1;
/** Channels, patterns, shard channels that somebody is subscribed to. */
export const COUNT_CHANNELS = 2;
/** Subscriptions of all clients. */
export const COUNT_SUBSCRIPTIONS = 5;
/** Where the next record goes. */
export const RING_TAIL = 6;
/** No record before this one is still to be read: a lower bound, made anew when room is short. */
export const RING_HEAD = 7;
/** Where RING_TAIL was when RING_HEAD was last made anew. */
export const RING_SCANNED = 8;
/** Changes with every pattern that comes or goes. */
export const PATTERNS_VERSION = 9;
/** First entry of the channels, of the patterns, of the shard channels; 0: none. */
export const LIST_CHANNELS = 10;
/** Workers whose WAITS is set. */
export const WAITING_COUNT = 13;
/** Large bodies on their way, KiB. */
export const LARGE_KIB = 14;
/** Number of the next large body. */
export const LARGE_NEXT = 15;
/** First granule that was never given out. */
export const GRANULES_USED = 16;
/** Three words: what names are hashed with. */
export const HASH_SECRET = 17;
/** Subscriptions that all clients together may have. */
export const SUBSCRIPTIONS_MAX = 20;
/** First free entry of each size class, 0: none. */
export const FREE_LISTS = 32;
export const SIZE_CLASSES_COUNT = 16;
const CONTROL_WORDS = 64;

// ---- Words of a Worker's line ----
const LINE_WORDS = 16;
/** The first record that it has not read. */
export const CURSOR = 0;
/** Behind the last record that concerns it. Equal to CURSOR: it has read everything. */
export const END = 1;
/** 1: it has been woken and has not looked yet. What Atomics.waitAsync waits on. */
export const SIGNAL = 2;
/** 1: it has a message for which the ring had no room. */
export const WAITS = 3;

// ---- The directory ----
export const BUCKETS_COUNT = 262_144;
export const GRANULE_WORDS = 16;
export const ENTRY_NEXT = 0;
export const ENTRY_HASH = 1;
export const ENTRY_KIND = 2;
export const ENTRY_LENGTH = 3;
export const ENTRY_SUBSCRIBERS = 4;
export const ENTRY_PREVIOUS_OF_KIND = 5;
export const ENTRY_NEXT_OF_KIND = 6;
export const ENTRY_CLASS = 7;
/** The Workers that have subscribers, a bit each; the name follows. */
export const ENTRY_WORKERS = 8;

// ---- The ring ----
export const UNIT_SIZE = 8;
export const UNIT_WORDS = 2;
export const RECORD_UNITS = 0;
export const RECORD_FORM = 1;
export const RECORD_CHANNEL_LENGTH = 2;
export const RECORD_MESSAGE_LENGTH = 3;
export const RECORD_TOPICS = 4;
export const RECORD_LARGE_ID = 5;
export const RECORD_WORKERS = 6;

export const enum RecordForm {
  /** Topics, channel and message stand in the record. */
  Whole = 0,
  /** They travel by themselves (large.ts). */
  Large = 1,
}

/** What every serving Worker is given to attach with. */
export interface PubSubHandle {
  readonly control: SharedArrayBuffer;
  readonly directory: SharedArrayBuffer;
  readonly ring: SharedArrayBuffer;
  /** Serving Workers. */
  readonly workers: number;
}

/** Sizes that tests make small. */
export interface PubSubSizes {
  readonly ringSize?: number;
  readonly directorySize?: number;
  readonly subscriptionsMax?: number;
}

/** The memory for `workers` serving Workers. */
export function createPubSubMemory(workers: number, sizes: PubSubSizes = {}): PubSubHandle {
  const { ringSize = PUBSUB_RING_SIZE, directorySize = PUBSUB_DIRECTORY_SIZE } = sizes;
  assert((ringSize & (ringSize - 1)) === 0, `ringSize (${ringSize}) must be a power of two`);
  const control = new SharedArrayBuffer((CONTROL_WORDS + workers * LINE_WORDS) * 4);
  const words = new Int32Array(control);
  crypto.getRandomValues(new Uint32Array(3)).forEach((word, i) => {
    words[HASH_SECRET + i] = word;
  });
  words[SUBSCRIPTIONS_MAX] = sizes.subscriptionsMax ?? SUBSCRIPTIONS_COUNT_MAX;
  return {
    control,
    directory: new SharedArrayBuffer(BUCKETS_COUNT * 4 + directorySize),
    ring: new SharedArrayBuffer(ringSize),
    workers,
  };
}

/** Index in control of the line of `worker`. */
export function lineOf(worker: number): number {
  return CONTROL_WORDS + worker * LINE_WORDS;
}

/** Words that hold a bit for each of `workers`. */
export function bitWords(workers: number): number {
  return (workers + 31) >>> 5;
}
