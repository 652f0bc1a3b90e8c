/**
 * Who is subscribed to what on one Worker.
 *
 *      Subscriber (a client)  --- Subscription ---  LocalTopic (a channel, pattern, shard channel)
 *        by name                                      by its number in the directory
 *
 * The directory knows how many subscribers a topic has over all Workers, this file which ones they
 * are here. pubsub.ts keeps the two in step.
 *
 * Invariants: a LocalTopic has subscriptions; a Subscription stands in its topic's array at its
 * `position`, and in its client's Map under the name of the topic. Limits:
 * SUBSCRIPTIONS_PER_CLIENT_MAX.
 */
import { assert } from "../base/assert.ts";
import { TopicKind } from "./layout.ts";

/** Where the messages of a subscriber go: its connection. The bytes are valid during the call. */
export interface Sink {
  /** Queues bytes that `send` will follow in the same turn. */
  hold(bytes: Buffer, start: number, length: number): void;
  /** Sends what is held and then these bytes, with one write; queues what the socket leaves. */
  send(bytes: Buffer, start: number, length: number): void;
}

export interface Subscription {
  readonly subscriber: Subscriber;
  readonly topic: LocalTopic;
  /** Index in `topic.subscriptions`. */
  position: number;
}

export class LocalTopic {
  readonly kind: TopicKind;
  /** Its name in latin1. */
  readonly name: string;
  /** Number in the directory. */
  readonly entry: number;
  readonly subscriptions: Subscription[] = [];
  /** What every message to it begins with (delivery.ts); null before the first one. */
  prefix: Buffer | null = null;

  constructor(kind: TopicKind, name: string, entry: number) {
    this.kind = kind;
    this.name = name;
    this.entry = entry;
  }

  /** Takes a subscription out; the last one takes its place. */
  remove(subscription: Subscription): void {
    const last = this.subscriptions.pop();
    assert(last !== undefined, "a topic has subscriptions");
    if (last === subscription) return;
    this.subscriptions[subscription.position] = last;
    last.position = subscription.position;
  }
}

/** A client that is, or was, subscribed to something. */
export class Subscriber {
  readonly sink: Sink;
  /** Names in latin1, one character per byte. */
  readonly channels = new Map<string, Subscription>();
  readonly patterns = new Map<string, Subscription>();
  readonly shards = new Map<string, Subscription>();
  /** Whether messages go out as RESP3 pushes. */
  resp3 = false;
  /** Its connection is closed: nothing is delivered any more. */
  isGone = false;
  /** What it has in the arena of delivery.ts and was not sent yet; both -1: nothing. */
  runStart = -1;
  runEnd = -1;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  /** Channels and patterns: the number in their confirmations. */
  get channelsCount(): number {
    return this.channels.size + this.patterns.size;
  }

  get count(): number {
    return this.channels.size + this.patterns.size + this.shards.size;
  }

  /** While it is, in RESP2, few commands may be run. */
  get isLimited(): boolean {
    return !this.resp3 && this.count > 0;
  }

  of(kind: TopicKind): Map<string, Subscription> {
    if (kind === TopicKind.Channel) return this.channels;
    return kind === TopicKind.Pattern ? this.patterns : this.shards;
  }
}
