/**
 * The directory: every channel, pattern and shard channel that a client of any Worker is subscribed
 * to, with the exact number of its subscribers and the Workers that they are connected to.
 *
 * A hash table in shared memory (layout.ts). PUBLISH counts its receivers here, PUBSUB reads it.
 * All methods want the mutex held by the caller, except `count`, which is one atomic load.
 *
 * Entries are allocated in size classes, powers of two of 64 bytes; a free entry serves its class,
 * or a smaller one when that has none. When the last topic goes, all of it is free again. The
 * number of an entry is reused once the entry is gone: a Worker has read every record that names
 * the old one before it can subscribe to the new one (pubsub.ts).
 *
 * Invariants: an entry has subscribers; it is in the chain of its bucket and in the list of its
 * kind; the counts in control are those of the lists. Limits: the size of the memory, and
 * SUBSCRIPTIONS_MAX. Not here: which clients they are (subscriber.ts).
 */
import { assert } from "../base/assert.ts";
import { matchesGlob } from "../base/glob.ts";
import { type HashSecret, hashBytes, makeSecret } from "../base/hash.ts";
import {
  BUCKETS_COUNT,
  bitWords,
  COUNT_CHANNELS,
  COUNT_SUBSCRIPTIONS,
  COUNT_TOPICS,
  ENTRY_CLASS,
  ENTRY_HASH,
  ENTRY_KIND,
  ENTRY_LENGTH,
  ENTRY_NEXT,
  ENTRY_NEXT_OF_KIND,
  ENTRY_PREVIOUS_OF_KIND,
  ENTRY_SUBSCRIBERS,
  ENTRY_WORKERS,
  FREE_LISTS,
  GRANULE_WORDS,
  GRANULES_USED,
  HASH_SECRET,
  LIST_CHANNELS,
  PATTERNS_VERSION,
  type PubSubHandle,
  SIZE_CLASSES_COUNT,
  SUBSCRIPTIONS_MAX,
  TopicKind,
} from "./layout.ts";

export class Directory {
  readonly #control: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #secret: HashSecret;
  readonly #bitWords: number;
  readonly #granulesCount: number;

  constructor(handle: PubSubHandle) {
    this.#control = new Int32Array(handle.control);
    this.#words = new Int32Array(handle.directory);
    this.#bytes = Buffer.from(handle.directory);
    this.#bitWords = bitWords(handle.workers);
    this.#granulesCount = Math.floor((this.#words.length - BUCKETS_COUNT) / GRANULE_WORDS);
    this.#secret = makeSecret(new Uint32Array(handle.control, HASH_SECRET * 4, 3));
  }

  // ---- Looking up. Hot: once per message ----

  /** Number of the entry, 0 when nobody is subscribed to it. */
  find(kind: TopicKind, name: Buffer, start: number, length: number): number {
    const hash = this.#hash(kind, name, start, length);
    const words = this.#words;
    let entry = words[hash & (BUCKETS_COUNT - 1)] as number;
    while (entry !== 0) {
      const at = wordOf(entry);
      if (
        words[at + ENTRY_HASH] === hash &&
        words[at + ENTRY_KIND] === kind &&
        words[at + ENTRY_LENGTH] === length &&
        this.#isName(at, name, start, length)
      ) {
        return entry;
      }
      entry = words[at + ENTRY_NEXT] as number;
    }
    return 0;
  }

  /** Subscribers of an entry, over all Workers. */
  subscribers(entry: number): number {
    return this.#words[wordOf(entry) + ENTRY_SUBSCRIBERS] as number;
  }

  /** Sets in `workers` the bit of each Worker that has subscribers of `entry`. */
  addWorkers(entry: number, workers: Int32Array): void {
    const at = wordOf(entry) + ENTRY_WORKERS;
    for (let i = 0; i < this.#bitWords; i++) {
      workers[i] = (workers[i] as number) | (this.#words[at + i] as number);
    }
  }

  /** Whether `worker` has subscribers of `entry`. Cold. */
  hasWorker(entry: number, worker: number): boolean {
    const bits = this.#words[wordOf(entry) + ENTRY_WORKERS + (worker >>> 5)] as number;
    return (bits & (1 << (worker & 31))) !== 0;
  }

  // ---- Coming and going ----

  /** Whether one subscription more is within the limit on all clients together. */
  admits(): boolean {
    return (
      (this.#control[COUNT_SUBSCRIPTIONS] as number) < (this.#control[SUBSCRIPTIONS_MAX] as number)
    );
  }

  /**
   * One subscriber more on `worker`; returns the number of the entry, 0 when there is no memory for
   * another name.
   */
  add(kind: TopicKind, name: Buffer, start: number, length: number, worker: number): number {
    let entry = this.find(kind, name, start, length);
    if (entry === 0) {
      entry = this.#create(kind, name, start, length);
      if (entry === 0) return 0;
    }
    const at = wordOf(entry);
    const bits = at + ENTRY_WORKERS + (worker >>> 5);
    this.#add(this.#words, at + ENTRY_SUBSCRIBERS, 1);
    this.#words[bits] = (this.#words[bits] as number) | (1 << (worker & 31));
    this.#add(this.#control, COUNT_SUBSCRIPTIONS, 1);
    return entry;
  }

  /** One subscriber less; `isLastOfWorker`: that Worker has no other. */
  remove(entry: number, worker: number, isLastOfWorker: boolean): void {
    const at = wordOf(entry);
    if (isLastOfWorker) {
      const bits = at + ENTRY_WORKERS + (worker >>> 5);
      this.#words[bits] = (this.#words[bits] as number) & ~(1 << (worker & 31));
    }
    this.#add(this.#words, at + ENTRY_SUBSCRIBERS, -1);
    this.#add(this.#control, COUNT_SUBSCRIPTIONS, -1);
    if (this.#words[at + ENTRY_SUBSCRIBERS] === 0) this.#destroy(entry);
  }

  // ---- Looking around: PUBSUB and INFO ----

  /** Channels, patterns or shard channels that have subscribers. Needs no mutex. */
  count(kind: TopicKind): number {
    return Atomics.load(this.#control, COUNT_CHANNELS + kind);
  }

  /** The first entry of a kind, 0 when there is none; `next` goes on. */
  first(kind: TopicKind): number {
    return this.#control[LIST_CHANNELS + kind] as number;
  }

  next(entry: number): number {
    return this.#words[wordOf(entry) + ENTRY_NEXT_OF_KIND] as number;
  }

  /** The name of an entry, in private memory. */
  nameOf(entry: number): Buffer {
    const at = wordOf(entry);
    const name = Buffer.allocUnsafeSlow(this.#words[at + ENTRY_LENGTH] as number);
    const start = this.#nameAt(at);
    this.#bytes.copy(name, 0, start, start + name.length);
    return name;
  }

  /** Whether the name of an entry matches `pattern`. */
  matches(entry: number, pattern: Buffer): boolean {
    const at = wordOf(entry);
    const length = this.#words[at + ENTRY_LENGTH] as number;
    return matchesGlob(pattern, 0, pattern.length, this.#bytes, this.#nameAt(at), length);
  }

  // ---- Entries ----

  #create(kind: TopicKind, name: Buffer, start: number, length: number): number {
    const entry = this.#allocate((ENTRY_WORKERS + this.#bitWords) * 4 + length);
    if (entry === 0) return 0;
    const words = this.#words;
    const at = wordOf(entry);
    const hash = this.#hash(kind, name, start, length);
    const bucket = hash & (BUCKETS_COUNT - 1);
    words[at + ENTRY_NEXT] = words[bucket] as number;
    words[bucket] = entry;
    words[at + ENTRY_HASH] = hash;
    words[at + ENTRY_KIND] = kind;
    words[at + ENTRY_LENGTH] = length;
    words[at + ENTRY_SUBSCRIBERS] = 0;
    words.fill(0, at + ENTRY_WORKERS, at + ENTRY_WORKERS + this.#bitWords);
    name.copy(this.#bytes, this.#nameAt(at), start, start + length);
    this.#link(kind, entry, at);
    this.#countTopics(kind, 1);
    return entry;
  }

  #destroy(entry: number): void {
    const words = this.#words;
    const at = wordOf(entry);
    let link = (words[at + ENTRY_HASH] as number) & (BUCKETS_COUNT - 1);
    while (words[link] !== entry) link = wordOf(words[link] as number) + ENTRY_NEXT;
    words[link] = words[at + ENTRY_NEXT] as number;
    const kind = words[at + ENTRY_KIND] as TopicKind;
    this.#unlink(kind, at);
    this.#free(entry, at);
    this.#countTopics(kind, -1);
  }

  /** At the end of the list of its kind: patterns are looked through in the order they came. */
  #link(kind: TopicKind, entry: number, at: number): void {
    const words = this.#words;
    const head = LIST_CHANNELS + kind;
    const first = this.#control[head] as number;
    words[at + ENTRY_NEXT_OF_KIND] = 0;
    if (first === 0) {
      this.#control[head] = entry;
      words[at + ENTRY_PREVIOUS_OF_KIND] = entry;
      return;
    }
    // The first one's previous is the last one.
    const last = words[wordOf(first) + ENTRY_PREVIOUS_OF_KIND] as number;
    words[wordOf(last) + ENTRY_NEXT_OF_KIND] = entry;
    words[at + ENTRY_PREVIOUS_OF_KIND] = last;
    words[wordOf(first) + ENTRY_PREVIOUS_OF_KIND] = entry;
  }

  #unlink(kind: TopicKind, at: number): void {
    const words = this.#words;
    const head = LIST_CHANNELS + kind;
    const first = this.#control[head] as number;
    const previous = words[at + ENTRY_PREVIOUS_OF_KIND] as number;
    const next = words[at + ENTRY_NEXT_OF_KIND] as number;
    if (wordOf(first) === at) this.#control[head] = next;
    else words[wordOf(previous) + ENTRY_NEXT_OF_KIND] = next;
    if (next !== 0) words[wordOf(next) + ENTRY_PREVIOUS_OF_KIND] = previous;
    else if (wordOf(first) !== at) words[wordOf(first) + ENTRY_PREVIOUS_OF_KIND] = previous;
  }

  /** Atomic: `count` and PUBLISH read these without the mutex. */
  #countTopics(kind: TopicKind, n: number): void {
    const control = this.#control;
    Atomics.add(control, COUNT_CHANNELS + kind, n);
    if (kind === TopicKind.Pattern) Atomics.add(control, PATTERNS_VERSION, 1);
    if (Atomics.add(control, COUNT_TOPICS, n) + n > 0) return;
    control[GRANULES_USED] = 0;
    control.fill(0, FREE_LISTS, FREE_LISTS + SIZE_CLASSES_COUNT);
  }

  // ---- Memory ----

  #allocate(sizeBytes: number): number {
    const control = this.#control;
    const sizeClass = classOf(sizeBytes);
    for (let larger = sizeClass; larger < SIZE_CLASSES_COUNT; larger++) {
      // A name of its own class first, then new memory, then what a larger name has left.
      if (larger === sizeClass + 1) {
        const fresh = this.#allocateFresh(sizeClass);
        if (fresh !== 0) return fresh;
      }
      const entry = control[FREE_LISTS + larger] as number;
      if (entry === 0) continue;
      control[FREE_LISTS + larger] = this.#words[wordOf(entry) + ENTRY_NEXT] as number;
      return entry;
    }
    return 0;
  }

  #allocateFresh(sizeClass: number): number {
    const used = this.#control[GRANULES_USED] as number;
    if (used + (1 << sizeClass) > this.#granulesCount) return 0;
    this.#control[GRANULES_USED] = used + (1 << sizeClass);
    this.#words[wordOf(used + 1) + ENTRY_CLASS] = sizeClass;
    return used + 1;
  }

  #free(entry: number, at: number): void {
    const head = FREE_LISTS + (this.#words[at + ENTRY_CLASS] as number);
    this.#words[at + ENTRY_NEXT] = this.#control[head] as number;
    this.#control[head] = entry;
  }

  // ---- Helpers ----

  #hash(kind: TopicKind, name: Buffer, start: number, length: number): number {
    return hashBytes(name, start, length, this.#secret) ^ kind;
  }

  #nameAt(at: number): number {
    return (at + ENTRY_WORKERS + this.#bitWords) * 4;
  }

  #isName(at: number, name: Buffer, start: number, length: number): boolean {
    const bytes = this.#bytes;
    const nameAt = this.#nameAt(at);
    for (let i = 0; i < length; i++) if (bytes[nameAt + i] !== name[start + i]) return false;
    return true;
  }

  #add(view: Int32Array, at: number, n: number): void {
    view[at] = (view[at] as number) + n;
  }

  /** Throws AssertionError when an invariant at the head of this file does not hold. Cold. */
  invariants(): void {
    let subscriptions = 0;
    let topics = 0;
    for (const kind of [TopicKind.Channel, TopicKind.Pattern, TopicKind.Shard]) {
      let count = 0;
      for (let entry = this.first(kind); entry !== 0; entry = this.next(entry)) {
        const name = this.nameOf(entry);
        assert(this.find(kind, name, 0, name.length) === entry, `entry ${entry} is found`);
        assert(this.subscribers(entry) > 0, `entry ${entry} has subscribers`);
        const workers = new Int32Array(this.#bitWords);
        this.addWorkers(entry, workers);
        assert(
          workers.some((word) => word !== 0),
          `entry ${entry} has Workers`,
        );
        subscriptions += this.subscribers(entry);
        count++;
      }
      assert(count === this.count(kind), `${this.count(kind)} topics of kind ${kind}: ${count}`);
      topics += count;
    }
    assert(topics === this.#control[COUNT_TOPICS], `topics: ${topics}`);
    assert(subscriptions === this.#control[COUNT_SUBSCRIPTIONS], `subscribed: ${subscriptions}`);
  }
}

/** First word of an entry; entries are numbered from 1, by granules. */
function wordOf(entry: number): number {
  return BUCKETS_COUNT + (entry - 1) * GRANULE_WORDS;
}

/** The smallest class whose entries hold `sizeBytes`. */
function classOf(sizeBytes: number): number {
  const granules = Math.ceil(sizeBytes / (GRANULE_WORDS * 4));
  return granules <= 1 ? 0 : 32 - Math.clz32(granules - 1);
}
