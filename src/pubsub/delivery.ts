/**
 * Delivery: from records to the subscribers of one Worker, with one write per subscriber and turn.
 *
 *      record -> frame in the arena, once for RESP2 and once for RESP3
 *
 *      arena  | frame of a | frame of b | frame of a | frame of a |
 *               run of s1 .............
 *               run of s2 .                run of s2 .............    (s2 is not subscribed to b)
 *
 * What a subscriber is to get is a run: a range of the arena, not a copy. Frames that follow each
 * other make the run longer; where a frame between is not for it, the run so far is held in the
 * connection's own queue and a new one begins. `flush` sends each run with one write, straight from
 * the arena. So the 50 subscribers of one busy channel cost two comparisons a message and one
 * system call a turn, and nothing is copied for them.
 *
 * The client that runs a command while messages come (it subscribes, or publishes to itself) gets
 * its own into the reply buffer instead, behind the replies before it: `current`.
 *
 * Invariants: outside of a turn no subscriber has a run, and the arenas are empty. Limits: the
 * caller flushes when `size` is PUBSUB_DELIVERY_SIZE; how much may wait for a client that does not
 * read is the connection's to decide.
 */
import { assert } from "../base/assert.ts";
import { PUBSUB_DELIVERY_SIZE } from "../base/limits.ts";
import { ReplyWriter } from "../resp/writer.ts";
import { TopicKind } from "./layout.ts";
import type { LocalTopic, Subscriber } from "./subscriber.ts";

const ARENA_SIZE = 16 * 1024;
/** A flush comes when this much has been collected: twice as much holds one more message. */
const ARENA_KEEP_SIZE_MAX = PUBSUB_DELIVERY_SIZE * 2;
const GREATER = 0x3e;
const WORDS = ["message", "pmessage", "smessage"] as const;

export class Delivery {
  readonly #arena2 = new ReplyWriter(ARENA_SIZE);
  readonly #arena3 = new ReplyWriter(ARENA_SIZE);
  /** Subscribers that have a run. */
  readonly #touched: Subscriber[] = [];
  #current: Subscriber | null = null;
  #out: ReplyWriter | null = null;

  /** Encoded bytes that wait for `flush`. */
  get size(): number {
    return this.#arena2.length + this.#arena3.length;
  }

  /** From now on, what is for `current` is appended to `out`. */
  begin(current: Subscriber | null, out: ReplyWriter | null): void {
    this.#current = current;
    this.#out = out;
  }

  /**
   * Adds a message for the subscribers of `topic`: `source` holds the channel and, behind it, the
   * message. Hot: once per message and topic.
   */
  add(
    topic: LocalTopic,
    source: Buffer,
    channelAt: number,
    channelLength: number,
    messageLength: number,
  ): void {
    const { subscriptions } = topic;
    let start2 = -1;
    let end2 = -1;
    let start3 = -1;
    let end3 = -1;
    for (let i = 0; i < subscriptions.length; i++) {
      const subscriber = (subscriptions[i] as { subscriber: Subscriber }).subscriber;
      if (subscriber.resp3) {
        if (start3 < 0) {
          start3 = this.#arena3.length;
          encode(this.#arena3, topic, source, channelAt, channelLength, messageLength);
          this.#arena3.bytes[start3] = GREATER;
          end3 = this.#arena3.length;
        }
        if (subscriber.runEnd === start3) subscriber.runEnd = end3;
        else this.#startRun(subscriber, start3, end3);
      } else {
        if (start2 < 0) {
          start2 = this.#arena2.length;
          encode(this.#arena2, topic, source, channelAt, channelLength, messageLength);
          end2 = this.#arena2.length;
        }
        if (subscriber.runEnd === start2) subscriber.runEnd = end2;
        else this.#startRun(subscriber, start2, end2);
      }
    }
  }

  #startRun(subscriber: Subscriber, start: number, end: number): void {
    if (subscriber.runStart < 0) this.#touched.push(subscriber);
    else this.#hold(subscriber);
    subscriber.runStart = start;
    subscriber.runEnd = end;
  }

  #hold(subscriber: Subscriber): void {
    if (subscriber.isGone) return;
    const { bytes } = subscriber.resp3 ? this.#arena3 : this.#arena2;
    const length = subscriber.runEnd - subscriber.runStart;
    if (subscriber === this.#current) this.#out?.append(bytes, subscriber.runStart, length);
    else subscriber.sink.hold(bytes, subscriber.runStart, length);
  }

  /** Sends every run: one write for each subscriber. */
  flush(): void {
    for (const subscriber of this.#touched) {
      if (subscriber === this.#current) this.#hold(subscriber);
      else if (!subscriber.isGone) {
        const { bytes } = subscriber.resp3 ? this.#arena3 : this.#arena2;
        const length = subscriber.runEnd - subscriber.runStart;
        subscriber.sink.send(bytes, subscriber.runStart, length);
      }
      subscriber.runStart = -1;
      subscriber.runEnd = -1;
    }
    this.#touched.length = 0;
    empty(this.#arena2);
    empty(this.#arena3);
  }

  /** Throws AssertionError when something was left behind. */
  invariants(): void {
    assert(this.size === 0 && this.#touched.length === 0, "nothing waits between two turns");
  }
}

/** What a message to this topic begins with, in RESP2: up to the channel, or the message. */
function prefixOf(topic: LocalTopic): Buffer {
  const { kind, name } = topic;
  const out = new ReplyWriter(64 + name.length);
  out.pushHeader(kind === TopicKind.Pattern ? 4 : 3);
  out.bulkText(WORDS[kind]);
  out.bulkLatin1(name);
  const prefix = Buffer.allocUnsafeSlow(out.length);
  out.bytes.copy(prefix, 0, 0, out.length);
  return prefix;
}

function encode(
  arena: ReplyWriter,
  topic: LocalTopic,
  source: Buffer,
  channelAt: number,
  channelLength: number,
  messageLength: number,
): void {
  topic.prefix ??= prefixOf(topic);
  arena.raw(topic.prefix);
  if (topic.kind === TopicKind.Pattern) arena.bulk(source, channelAt, channelLength);
  arena.bulk(source, channelAt + channelLength, messageLength);
}

function empty(arena: ReplyWriter): void {
  if (arena.bytes.length > ARENA_KEEP_SIZE_MAX) arena.shrink(ARENA_SIZE);
  else arena.length = 0;
}
