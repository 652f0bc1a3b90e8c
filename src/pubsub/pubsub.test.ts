/** Pub/sub without sockets and threads: the fuzzer and its canary, limits, what has to wait. */
import { describe, expect, test } from "bun:test";
import {
  CHANNEL_SIZE_MAX,
  PATTERN_SIZE_MAX,
  SUBSCRIPTIONS_PER_CLIENT_MAX,
} from "../base/limits.ts";
import { createPubSubMemory, type PubSubSizes, TopicKind } from "./layout.ts";
import { fuzzPubSub } from "./pubsub.fuzz.ts";
import { MUST_WAIT, PubSub, type PubSubOptions, Refusal } from "./pubsub.ts";
import { Subscriber } from "./subscriber.ts";

const Channel = TopicKind.Channel;
const Pattern = TopicKind.Pattern;
const Shard = TopicKind.Shard;

/** What a client got: pieces of bytes, one for each send. */
class Recorder {
  readonly sent: string[] = [];
  readonly held: string[] = [];
  readonly subscriber = new Subscriber(this);

  hold(bytes: Buffer, start: number, length: number): void {
    this.held.push(bytes.toString("latin1", start, start + length));
  }

  send(bytes: Buffer, start: number, length: number): void {
    this.sent.push(bytes.toString("latin1", start, start + length));
  }
}

function worker(sizes: PubSubSizes = {}, options: Partial<PubSubOptions> = {}): PubSub {
  return new PubSub(createPubSubMemory(1, sizes), 0, {
    postBody: () => {},
    schedule: () => {},
    noteSubscriber: () => {},
    ...options,
  });
}

function subscribe(pubsub: PubSub, to: Subscriber, kind: TopicKind, name: string): Refusal {
  const bytes = Buffer.from(name, "latin1");
  expect(pubsub.settle(null, null)).toBe(true);
  const refusal = pubsub.subscribe(to, kind, bytes, 0, bytes.length);
  pubsub.release();
  return refusal;
}

function publish(pubsub: PubSub, channel: string, message: string): number {
  const bytes = Buffer.from(channel + message, "latin1");
  return pubsub.publish(Channel, bytes, 0, channel.length, channel.length, message.length);
}

describe("fuzzing", () => {
  for (let seed = 100; seed < 140; seed++) {
    test(`seed ${seed}`, () => fuzzPubSub(seed, 1000));
  }

  test("the canary is found", () => {
    expect(() => fuzzPubSub(3, 2000, 1)).toThrow();
  });
});

describe("delivery", () => {
  test("a batch on one channel is one send, and nothing is held", () => {
    const pubsub = worker();
    const [two, three] = [new Recorder(), new Recorder()];
    three.subscriber.resp3 = true;
    for (const one of [two, three]) subscribe(pubsub, one.subscriber, Channel, "news");
    for (const message of ["a", "", "ccc"]) expect(publish(pubsub, "news", message)).toBe(2);
    pubsub.turn();
    const frames = ["$1\r\na", "$0\r\n", "$3\r\nccc"];
    const expected = frames.map((it) => `*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n${it}\r\n`).join("");
    expect(two.sent).toEqual([expected]);
    expect(three.sent).toEqual([expected.replaceAll("*3", ">3")]);
    expect([...two.held, ...three.held]).toEqual([]);
  });

  test("messages of several channels keep their order", () => {
    const pubsub = worker();
    const [both, one] = [new Recorder(), new Recorder()];
    subscribe(pubsub, both.subscriber, Channel, "a");
    subscribe(pubsub, both.subscriber, Channel, "b");
    subscribe(pubsub, one.subscriber, Channel, "a");
    for (const [channel, message] of ["a1", "b2", "a3"]) publish(pubsub, channel!, message!);
    pubsub.turn();
    const got = (it: Recorder) => [...it.held, ...it.sent].join("").match(/\d(?=\r\n(?:\*|$))/g);
    expect(got(both)).toEqual(["1", "2", "3"]);
    expect(both.sent.length).toBe(1);
    expect(got(one)).toEqual(["1", "3"]);
  });

  test("nobody is subscribed: 0, and nothing to do", () => {
    let scheduled = 0;
    const pubsub = worker({}, { schedule: () => scheduled++ });
    expect(publish(pubsub, "news", "x")).toBe(0);
    subscribe(pubsub, new Recorder().subscriber, Channel, "other");
    expect(publish(pubsub, "news", "x")).toBe(0);
    expect(scheduled).toBe(0);
  });
});

describe("what has to wait", () => {
  test("a full ring makes publishers wait in their order, and nothing is lost", () => {
    const pubsub = worker({ ringSize: 4096 });
    const client = new Recorder();
    subscribe(pubsub, client.subscriber, Channel, "c");
    let sent = 0;
    while (publish(pubsub, "c", "x".repeat(100)) !== MUST_WAIT) sent++;
    expect(sent).toBeGreaterThan(20);
    const done: string[] = [];
    for (const name of ["first", "second"]) {
      const bytes = Buffer.from(`c${name}`);
      pubsub.publishLater(Channel, bytes, 0, 1, 1, name.length, (n) => done.push(`${name} ${n}`));
    }
    // A short message would fit sooner: it must not overtake those that wait.
    expect(publish(pubsub, "c", "")).toBe(MUST_WAIT);
    pubsub.turn();
    expect(done).toEqual(["first 1", "second 1"]);
    pubsub.turn();
    const got = client.sent.join("");
    expect(got.match(/x{100}/g)?.length).toBe(sent);
    expect(got.indexOf("first")).toBeLessThan(got.indexOf("second"));
    pubsub.invariants();
  });

  test("a message larger than the ring arrives whole, in its place", () => {
    const pubsub = worker({ ringSize: 4096 }, { recordSizeMax: 1024, largeSizeMax: 1024 });
    const client = new Recorder();
    subscribe(pubsub, client.subscriber, Channel, "c");
    expect(publish(pubsub, "c", "before")).toBe(1);
    expect(publish(pubsub, "c", "L".repeat(100_000))).toBe(1);
    expect(publish(pubsub, "c", "M".repeat(100_000))).toBe(MUST_WAIT);
    expect(publish(pubsub, "c", "behind")).toBe(1);
    pubsub.turn();
    expect(client.sent.join("")).toMatch(/before\r\n[^L]*L{100000}\r\n[^L]*behind\r\n$/);
    expect(publish(pubsub, "c", "M".repeat(100_000))).toBe(1);
  });
});

describe("limits", () => {
  test("names have a longest length", () => {
    const pubsub = worker();
    const { subscriber } = new Recorder();
    for (const [kind, sizeMax] of [
      [Channel, CHANNEL_SIZE_MAX],
      [Shard, CHANNEL_SIZE_MAX],
      [Pattern, PATTERN_SIZE_MAX],
    ] as const) {
      expect(subscribe(pubsub, subscriber, kind, "n".repeat(sizeMax))).toBe(Refusal.None);
      expect(subscribe(pubsub, subscriber, kind, "n".repeat(sizeMax + 1))).toBe(Refusal.TooLong);
    }
    pubsub.invariants();
  });

  test("all clients together have a number of subscriptions", () => {
    const pubsub = worker({ subscriptionsMax: 3 });
    const [a, b] = [new Recorder().subscriber, new Recorder().subscriber];
    for (const name of ["1", "2"]) expect(subscribe(pubsub, a, Channel, name)).toBe(Refusal.None);
    expect(subscribe(pubsub, b, Pattern, "*")).toBe(Refusal.None);
    expect(subscribe(pubsub, b, Channel, "1")).toBe(Refusal.ServerLimit);
    // One that is there already takes nothing.
    expect(subscribe(pubsub, a, Channel, "2")).toBe(Refusal.None);
    pubsub.leave(a);
    expect(subscribe(pubsub, b, Channel, "1")).toBe(Refusal.None);
  });

  test("one client has a number of subscriptions", () => {
    const pubsub = worker();
    const { subscriber } = new Recorder();
    const name = Buffer.alloc(8);
    expect(pubsub.settle(null, null)).toBe(true);
    for (let i = 0; i < SUBSCRIPTIONS_PER_CLIENT_MAX; i++) {
      name.writeInt32LE(i);
      if (pubsub.subscribe(subscriber, Channel, name, 0, 8) !== Refusal.None) throw new Error();
    }
    name.writeInt32LE(-1);
    expect(pubsub.subscribe(subscriber, Channel, name, 0, 8)).toBe(Refusal.ClientLimit);
    pubsub.release();
    expect(pubsub.directory.count(Channel)).toBe(SUBSCRIPTIONS_PER_CLIENT_MAX);
    pubsub.leave(subscriber);
    expect(pubsub.directory.count(Channel)).toBe(0);
  });

  test("a full directory refuses, and has all its room back when everybody has gone", () => {
    const pubsub = worker({ directorySize: 64 * 100 });
    for (const length of [10, 1000, 100]) {
      const { subscriber } = new Recorder();
      let added = 0;
      const name = (i: number) => String(i).padEnd(length, "x");
      while (subscribe(pubsub, subscriber, Channel, name(added)) === Refusal.None) added++;
      expect(added).toBe(Math.floor(100 / 2 ** Math.ceil(Math.log2((36 + length) / 64))));
      pubsub.invariants();
      pubsub.leave(subscriber);
    }
  });
});
