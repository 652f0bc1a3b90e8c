/**
 * Pub/sub on one Worker: subscribing, publishing, and delivering what all Workers publish.
 *
 *      PUBLISH            directory: count receivers,      ring            turn of each Worker
 *      on any Worker ---> which Workers, which topics ---> append once --> read, encode, write
 *                         '------- one mutex ------------'  signal ------>
 *
 * The count that PUBLISH replies with is exact, because the three things that change who gets what
 * are done with the same mutex held: counting and appending a message, entering a subscription,
 * removing one. And a Worker enters or removes a subscription only when it has read everything that
 * was appended before. So whoever was counted gets the message, nobody else does; a message that is
 * published after SUBSCRIBE was confirmed arrives, and none after UNSUBSCRIBE was.
 *
 * A turn delivers: after the sockets have had theirs (setImmediate), or when another Worker has
 * signalled. It signals the Workers that this one has messages for, once for all that were
 * published since, delivers what is there for its own, and tries again what had to wait.
 *
 * What has to wait, and who waits: a message for which the ring has no room, or that is large while
 * enough large ones are on their way; a (un)subscription behind a large message that is not here
 * yet. The client that asked waits, with its connection's input (Context.defer), and nobody else:
 * every Worker goes on reading the ring, so there is an end to all of it.
 *
 * Nobody subscribes: PUBLISH is one atomic load, and no other command sees any of this.
 *
 * Invariants: `invariants()`. Limits: base/limits.ts, "pubsub". Not here: sockets, texts of errors.
 */
import { assert } from "../base/assert.ts";
import { freeBytes } from "../base/free-bytes.ts";
import {
  CHANNEL_SIZE_MAX,
  PATTERN_SIZE_MAX,
  PUBSUB_DELIVERY_SIZE,
  PUBSUB_LARGE_SIZE_MAX,
  PUBSUB_RECORD_SIZE_MAX,
  SUBSCRIPTIONS_PER_CLIENT_MAX,
} from "../base/limits.ts";
import type { ReplyWriter } from "../resp/writer.ts";
import { Delivery } from "./delivery.ts";
import { Directory } from "./directory.ts";
import { LargeBodies, type PostBody } from "./large.ts";
import {
  bitWords,
  COUNT_TOPICS,
  MUTEX,
  type PubSubHandle,
  RecordForm,
  TopicKind,
} from "./layout.ts";
import { Matcher } from "./matcher.ts";
import { lock, unlock } from "./mutex.ts";
import { Ring } from "./ring.ts";
import { LocalTopic, type Subscriber, type Subscription } from "./subscriber.ts";

/** What `publish` returns when the message has to wait. */
export const MUST_WAIT = -1;
/** Bytes that are published before the other Workers are signalled within a batch. */
const SIGNAL_SIZE = 64 * 1024;
/** How often something is begun anew because another Worker was quicker. */
const ATTEMPTS_MAX = 16;

/** Why a subscription was refused. */
export const enum Refusal {
  None = 0,
  TooLong = 1,
  ClientLimit = 2,
  ServerLimit = 3,
}

export interface PubSubOptions {
  /** Hands a large body to another Worker, which calls `receiveBody`. */
  readonly postBody: PostBody;
  /** Calls `run` soon, after the sockets have had their turn. */
  readonly schedule: (run: () => void) => void;
  /** Called when clients that are subscribed become more or fewer, with 1 or -1. */
  readonly noteSubscriber: (n: number) => void;
  /** Limits that tests make small. */
  readonly recordSizeMax?: number;
  readonly largeSizeMax?: number;
}

export class PubSub {
  readonly directory: Directory;
  readonly #control: Int32Array;
  readonly #worker: number;
  readonly #ring: Ring;
  readonly #matcher: Matcher;
  readonly #bodies: LargeBodies;
  readonly #delivery = new Delivery();
  readonly #topics = new Map<number, LocalTopic>();
  readonly #options: PubSubOptions;
  readonly #recordSizeMax: number;
  /** Takes a turn: given to `schedule`, and called when another Worker has signalled. */
  readonly turn = () => this.#turn();

  // ---- What is to be done in the next turn ----
  #isScheduled = false;
  /** Workers to signal. */
  readonly #unsignalled: Int32Array;
  #unsignalledSize = 0;
  /** Tried again in every turn until they return true; publishers in their order. */
  readonly #publishers: (() => boolean)[] = [];
  readonly #subscribers: (() => boolean)[] = [];
  #isDelivering = false;
  /** Clients that went while messages were delivered. */
  readonly #leaving: Subscriber[] = [];
  /** Subscriptions taken back since somebody last set this to 0: garbage that they have left. */
  removedCount = 0;

  constructor(handle: PubSubHandle, worker: number, options: PubSubOptions) {
    this.#control = new Int32Array(handle.control);
    this.#worker = worker;
    this.#options = options;
    this.#recordSizeMax = options.recordSizeMax ?? PUBSUB_RECORD_SIZE_MAX;
    this.directory = new Directory(handle);
    this.#ring = new Ring(handle, worker);
    const { postBody, largeSizeMax = PUBSUB_LARGE_SIZE_MAX } = options;
    this.#bodies = new LargeBodies(handle, worker, postBody, largeSizeMax);
    this.#matcher = new Matcher(handle, this.directory);
    this.#unsignalled = new Int32Array(bitWords(handle.workers));
  }

  /** Takes turns whenever another Worker signals. Called once. */
  listen(): void {
    void this.#ring.listen(this.turn);
  }

  // ---- Publishing ----

  /**
   * Sends a message to everybody that is subscribed to the channel, or to a pattern that it
   * matches; returns to how many clients, each counted once for every subscription that the message
   * reaches it by. MUST_WAIT: nothing was sent; `publishLater` will. Hot.
   */
  publish(
    kind: TopicKind.Channel | TopicKind.Shard,
    bytes: Buffer,
    channelAt: number,
    channelLength: number,
    messageAt: number,
    messageLength: number,
  ): number {
    if (Atomics.load(this.#control, COUNT_TOPICS) === 0) return 0;
    // Behind those that wait already: they would never have their turn otherwise.
    if (this.#publishers.length > 0) return MUST_WAIT;
    return this.#publish(kind, bytes, channelAt, channelLength, messageAt, messageLength);
  }

  /** The same with a copy of the message, as soon as it can be; `done` gets the count. */
  publishLater(
    kind: TopicKind.Channel | TopicKind.Shard,
    bytes: Buffer,
    channelAt: number,
    channelLength: number,
    messageAt: number,
    messageLength: number,
    done: (count: number) => void,
  ): void {
    const copy = Buffer.allocUnsafeSlow(channelLength + messageLength);
    bytes.copy(copy, 0, channelAt, channelAt + channelLength);
    bytes.copy(copy, channelLength, messageAt, messageAt + messageLength);
    this.#publishers.push(() => {
      const count = this.#publish(kind, copy, 0, channelLength, channelLength, messageLength);
      if (count === MUST_WAIT) return false;
      freeBytes(copy);
      done(count);
      return true;
    });
    this.#schedule();
  }

  #publish(
    kind: TopicKind.Channel | TopicKind.Shard,
    bytes: Buffer,
    channelAt: number,
    channelLength: number,
    messageAt: number,
    messageLength: number,
  ): number {
    const count = this.#matcher.lock(kind, bytes, channelAt, channelLength);
    const isSent =
      count === 0 || this.#append(bytes, channelAt, channelLength, messageAt, messageLength);
    unlock(this.#control, MUTEX);
    if (!isSent) return MUST_WAIT;
    if (count > 0) this.#noteTargets(channelLength + messageLength);
    return count;
  }

  /** With the mutex held: puts the message into the ring. False: it has to wait. */
  #append(
    bytes: Buffer,
    channelAt: number,
    channelLength: number,
    messageAt: number,
    messageLength: number,
  ): boolean {
    const size = this.#matcher.matched.length * 4 + channelLength + messageLength;
    const isLarge = size > this.#recordSizeMax;
    const isAdmitted =
      (!isLarge || this.#bodies.admits(size)) &&
      this.#write(isLarge, size, bytes, channelAt, channelLength, messageAt, messageLength);
    if (isAdmitted) return true;
    this.#ring.wait(true);
    // Again: who made room just before that did not see that anybody waits.
    return (
      (!isLarge || this.#bodies.admits(size)) &&
      this.#write(isLarge, size, bytes, channelAt, channelLength, messageAt, messageLength)
    );
  }

  #write(
    isLarge: boolean,
    size: number,
    bytes: Buffer,
    channelAt: number,
    channelLength: number,
    messageAt: number,
    messageLength: number,
  ): boolean {
    const ring = this.#ring;
    const targets = this.#matcher.targets;
    const form = isLarge ? RecordForm.Large : RecordForm.Whole;
    const id = isLarge ? this.#bodies.nextId() : 0;
    const topicsCount = this.#matcher.matched.length;
    const dataSize = isLarge ? 0 : size;
    const at = ring.begin(form, targets, topicsCount, channelLength, messageLength, id, dataSize);
    if (at < 0) return false;
    const body = isLarge ? this.#bodies.allocate(size) : null;
    const words = body === null ? ring.words : body.words;
    const data = body === null ? ring.bytes : body.bytes;
    let to = body === null ? at : 0;
    for (const entry of this.#matcher.matched) {
      words[to >>> 2] = entry;
      to += 4;
    }
    bytes.copy(data, to, channelAt, channelAt + channelLength);
    bytes.copy(data, to + channelLength, messageAt, messageAt + messageLength);
    if (body !== null) this.#bodies.send(id, body, targets);
    ring.commit(targets);
    return true;
  }

  /** Remembers whom to signal: at the end of the batch, or when a lot has been published. */
  #noteTargets(size: number): void {
    for (let i = 0; i < this.#matcher.targets.length; i++) {
      this.#unsignalled[i] =
        (this.#unsignalled[i] as number) | (this.#matcher.targets[i] as number);
    }
    this.#unsignalledSize += size;
    if (this.#unsignalledSize >= SIGNAL_SIZE) this.#signalOthers();
    this.#schedule();
  }

  // ---- Subscribing ----

  /**
   * Delivers everything that was published so far, and takes the mutex. False, without the mutex:
   * not now (a large message is not here yet), `whenSettled` comes back. What is for `current` goes
   * to `out`.
   */
  settle(current: Subscriber | null, out: ReplyWriter | null): boolean {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      // The body of a large message comes with a turn of its own.
      if (!this.#drain(current, out, Number.POSITIVE_INFINITY)) return false;
      lock(this.#control, MUTEX);
      if (this.#ring.isDrained()) return true;
      unlock(this.#control, MUTEX);
    }
    this.#schedule();
    return false;
  }

  /** Ends what `settle` has begun. */
  release(): void {
    unlock(this.#control, MUTEX);
  }

  /**
   * Calls `run` with the mutex taken and nothing to deliver, as soon as that can be; not when the
   * client goes before.
   */
  whenSettled(subscriber: Subscriber, run: () => void, gone: () => void): void {
    this.#subscribers.push(() => {
      if (subscriber.isGone) gone();
      else {
        if (!this.settle(null, null)) return false;
        run();
        this.release();
      }
      return true;
    });
    this.#schedule();
  }

  /** Subscribes; the mutex is held. Being subscribed already changes nothing, and is no error. */
  subscribe(
    subscriber: Subscriber,
    kind: TopicKind,
    name: Buffer,
    start: number,
    length: number,
  ): Refusal {
    const key = name.toString("latin1", start, start + length);
    const map = subscriber.of(kind);
    if (map.has(key)) return Refusal.None;
    const refusal = this.refusalOf(subscriber, kind, length);
    if (refusal !== Refusal.None) return refusal;
    const entry = this.directory.add(kind, name, start, length, this.#worker);
    if (entry === 0) return Refusal.ServerLimit;
    let topic = this.#topics.get(entry);
    if (topic === undefined) {
      topic = new LocalTopic(kind, key, entry);
      this.#topics.set(entry, topic);
    }
    const position = topic.subscriptions.length;
    const subscription: Subscription = { subscriber, topic, position };
    topic.subscriptions.push(subscription);
    if (subscriber.count === 0) this.#options.noteSubscriber(1);
    map.set(key, subscription);
    return Refusal.None;
  }

  /** Why the client could not subscribe to one more name of that length. */
  refusalOf(subscriber: Subscriber, kind: TopicKind, length: number): Refusal {
    const sizeMax = kind === TopicKind.Pattern ? PATTERN_SIZE_MAX : CHANNEL_SIZE_MAX;
    if (length > sizeMax) return Refusal.TooLong;
    if (subscriber.count >= SUBSCRIPTIONS_PER_CLIENT_MAX) return Refusal.ClientLimit;
    return this.directory.admits() ? Refusal.None : Refusal.ServerLimit;
  }

  /** Unsubscribes; the mutex is held. Not being subscribed is not an error. */
  unsubscribe(subscriber: Subscriber, kind: TopicKind, key: string): void {
    const map = subscriber.of(kind);
    const subscription = map.get(key);
    if (subscription === undefined) return;
    map.delete(key);
    this.#remove(subscription);
    if (subscriber.count === 0) this.#options.noteSubscriber(-1);
  }

  /** Takes back all subscriptions of a client whose connection is closed. */
  leave(subscriber: Subscriber): void {
    subscriber.isGone = true;
    if (this.#isDelivering) this.#leaving.push(subscriber);
    else this.clear(subscriber);
  }

  /** Takes back all subscriptions of a client. What has not been delivered is dropped. */
  clear(subscriber: Subscriber): void {
    if (subscriber.count === 0) return;
    lock(this.#control, MUTEX);
    for (const map of [subscriber.channels, subscriber.patterns, subscriber.shards]) {
      for (const subscription of map.values()) this.#remove(subscription);
      map.clear();
    }
    unlock(this.#control, MUTEX);
    this.#options.noteSubscriber(-1);
  }

  #remove(subscription: Subscription): void {
    const { topic } = subscription;
    topic.remove(subscription);
    this.removedCount++;
    const isLast = topic.subscriptions.length === 0;
    if (isLast) this.#topics.delete(topic.entry);
    this.directory.remove(topic.entry, this.#worker, isLast);
  }

  // ---- Looking around ----

  /** Names of a kind that match `pattern` (null: all of them), as of one moment. */
  names(kind: TopicKind, pattern: Buffer | null): Buffer[] {
    const { directory } = this;
    const names: Buffer[] = [];
    lock(this.#control, MUTEX);
    for (let entry = directory.first(kind); entry !== 0; entry = directory.next(entry)) {
      if (pattern === null || directory.matches(entry, pattern)) {
        names.push(directory.nameOf(entry));
      }
    }
    unlock(this.#control, MUTEX);
    return names;
  }

  /** Subscribers of one name, over all Workers. */
  subscribersOf(kind: TopicKind, bytes: Buffer, start: number, length: number): number {
    lock(this.#control, MUTEX);
    const entry = this.directory.find(kind, bytes, start, length);
    const count = entry === 0 ? 0 : this.directory.subscribers(entry);
    unlock(this.#control, MUTEX);
    return count;
  }

  // ---- Turns ----

  /** Delivers to `current`, which has published, what it has sent to itself; the others' too. */
  deliverNow(current: Subscriber, out: ReplyWriter): void {
    this.#drain(current, out, Number.POSITIVE_INFINITY);
  }

  /** A large body, from another Worker. */
  receiveBody(id: number, body: ArrayBuffer): void {
    this.#bodies.receive(id, body);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.schedule(this.turn);
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#signalOthers();
    this.#drain(null, null, PUBSUB_DELIVERY_SIZE);
    this.#retry(this.#subscribers);
    this.#retry(this.#publishers);
    if (this.#publishers.length === 0) this.#stopWaiting();
    this.#signalOthers();
  }

  /** Tries what waits, in order, up to the first that has to wait on. */
  #retry(waiting: (() => boolean)[]): void {
    let done = 0;
    while (done < waiting.length && (waiting[done] as () => boolean)()) done++;
    waiting.splice(0, done);
  }

  #stopWaiting(): void {
    if (!this.#ring.isWaiting) return;
    lock(this.#control, MUTEX);
    this.#ring.wait(false);
    unlock(this.#control, MUTEX);
  }

  #signalOthers(): void {
    if (this.#unsignalledSize === 0) return;
    this.#unsignalledSize = 0;
    for (let i = 0; i < this.#unsignalled.length; i++) {
      for (let bits = this.#unsignalled[i] as number; bits !== 0; bits &= bits - 1) {
        const worker = i * 32 + 31 - Math.clz32(bits & -bits);
        if (worker !== this.#worker) this.#ring.signal(worker);
      }
      this.#unsignalled[i] = 0;
    }
  }

  /**
   * Delivers what there is, up to about `sizeMax` encoded bytes; the rest in the next turn. False:
   * it stopped at a large message that is not here yet. Hot.
   */
  #drain(current: Subscriber | null, out: ReplyWriter | null, sizeMax: number): boolean {
    const ring = this.#ring;
    const delivery = this.#delivery;
    assert(!this.#isDelivering, "messages are delivered in order");
    this.#isDelivering = true;
    delivery.begin(current, out);
    let isHere = true;
    let size = 0;
    while (ring.next()) {
      isHere = this.#deliver();
      if (!isHere) break;
      ring.skip();
      if (delivery.size < PUBSUB_DELIVERY_SIZE) continue;
      size += delivery.size;
      this.#flush();
      if (size < sizeMax) continue;
      this.#schedule();
      break;
    }
    this.#flush();
    this.#isDelivering = false;
    while (this.#leaving.length > 0) this.clear(this.#leaving.pop() as Subscriber);
    return isHere;
  }

  #flush(): void {
    this.#delivery.flush();
    if (this.#ring.release()) this.#ring.signalWaiting();
  }

  /** Delivers the record that the ring has found; false when its body is not here yet. */
  #deliver(): boolean {
    const ring = this.#ring;
    if (!ring.isLarge) {
      this.#deliverFrom(ring.words, ring.topicsAt, ring.bytes, ring.channelAt);
      return true;
    }
    const body = this.#bodies.take(ring.largeId);
    if (body === null) return false;
    this.#deliverFrom(body.words, 0, body.bytes, ring.topicsCount * 4);
    this.#delivery.flush();
    // Who waits for this is signalled when the record is given back, which is next.
    this.#bodies.pass(ring.largeId, body, ring.words, ring.workersAt);
    return true;
  }

  #deliverFrom(words: Int32Array, topicsAt: number, bytes: Buffer, channelAt: number): void {
    const { topicsCount, channelLength, messageLength } = this.#ring;
    for (let i = 0; i < topicsCount; i++) {
      const topic = this.#topics.get(words[topicsAt + i] as number);
      if (topic === undefined) continue;
      this.#delivery.add(topic, bytes, channelAt, channelLength, messageLength);
    }
  }

  /** Throws AssertionError when what this Worker knows does not agree with itself. Cold. */
  invariants(): void {
    lock(this.#control, MUTEX);
    this.directory.invariants();
    this.#ring.invariants();
    this.#delivery.invariants();
    for (const [entry, topic] of this.#topics) {
      assert(topic.subscriptions.length > 0, `topic ${entry} has subscriptions`);
      assert(this.directory.subscribers(entry) >= topic.subscriptions.length, "counts agree");
      assert(this.directory.nameOf(entry).toString("latin1") === topic.name, "names agree");
      topic.subscriptions.forEach(({ position, topic: own }, i) => {
        assert(own === topic && position === i, "a subscription is where it says");
      });
    }
    for (const kind of [TopicKind.Channel, TopicKind.Pattern, TopicKind.Shard]) {
      const { directory } = this;
      for (let entry = directory.first(kind); entry !== 0; entry = directory.next(entry)) {
        const isHere = directory.hasWorker(entry, this.#worker);
        assert(isHere === this.#topics.has(entry), `whether topic ${entry} is here`);
      }
    }
    unlock(this.#control, MUTEX);
  }
}
