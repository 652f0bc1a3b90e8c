/**
 * Model-based fuzzing of pub/sub: several Workers in one thread, a small ring, and a scheduler that
 * runs their turns and hands over large bodies in any order. `bun src/pubsub/pubsub.fuzz.ts
 * --seed=N --steps=N`.
 *
 * A Worker has a turn only when it asked for one or was signalled, so a wake-up that is lost shows
 * as a message that never comes. The model says which client gets which message, in which order,
 * and how many there are at each PUBLISH; what clients get is decoded from the bytes at their
 * sinks. Not here: real threads (test/pubsub.test.ts).
 */
import { assert } from "../base/assert.ts";
import { matchesGlob } from "../base/glob.ts";
import { freshSeed, Prng } from "../base/prng.ts";
import { type Reply, ReplyPush, ReplyReader } from "../resp/reader.ts";
import { createPubSubMemory, lineOf, SIGNAL, TopicKind } from "./layout.ts";
import { MUST_WAIT, PubSub, Refusal } from "./pubsub.ts";
import { type Sink, Subscriber } from "./subscriber.ts";

const RING_SIZE = 4096;
const RECORD_SIZE_MAX = 600;
const LARGE_SIZE_MAX = 4096;
const NAMES = ["a", "b", "ab", "abc", "a-long-channel-name-of-more-than-a-granule-of-64-bytes", ""];
const PATTERNS = ["*", "a*", "?", "*b*", "[ab]"];
const KINDS = [TopicKind.Channel, TopicKind.Pattern, TopicKind.Shard] as const;

/** A client: what it got, what it had to get, and what it is subscribed to. */
class Client implements Sink {
  readonly worker: number;
  readonly subscriber = new Subscriber(this);
  readonly expected: string[] = [];
  readonly topics = new Set<string>();
  isWaiting = false;
  readonly #reader = new ReplyReader({ bulksAsText: true });
  readonly #received: string[] = [];
  #isHolding = false;
  readonly #loses: boolean;

  constructor(worker: number, resp3: boolean, loses: boolean) {
    this.worker = worker;
    this.subscriber.resp3 = resp3;
    this.#loses = loses;
  }

  hold(bytes: Buffer, start: number, length: number): void {
    this.#isHolding = true;
    this.#reader.feed(Buffer.from(bytes.subarray(start, start + length)));
  }

  send(bytes: Buffer, start: number, length: number): void {
    this.hold(bytes, start, length);
    this.#isHolding = false;
  }

  /** What came since the last time, as the model writes it. */
  take(): string[] {
    assert(!this.#isHolding, "what is held is sent in the same turn");
    for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next()) {
      assert(reply instanceof ReplyPush === this.subscriber.resp3, "RESP3 gets pushes");
      const items = reply instanceof ReplyPush ? reply.items : (reply as Reply[]);
      this.#received.push(items.join(" "));
    }
    const received = this.#received.splice(0);
    if (this.#loses) received.pop();
    return received;
  }

  /** Compares what came with what had to come; `isAll`: nothing may be missing. */
  check(isAll: boolean): void {
    const received = this.take();
    assert(received.length <= this.expected.length, "more came than was published");
    const expected = this.expected.splice(0, received.length);
    assert(received.join("\n") === expected.join("\n"), `${received} came instead of ${expected}`);
    assert(!isAll || this.expected.length === 0, `missing: ${this.expected}`);
  }
}

interface Posted {
  readonly worker: number;
  readonly id: number;
  readonly body: ArrayBuffer;
}

export class PubSubFuzzer {
  readonly #prng: Prng;
  readonly #control: Int32Array;
  readonly #workers: PubSub[] = [];
  readonly #isScheduled: boolean[];
  /** Bodies between two Workers; they may overtake each other. */
  readonly #posted: Posted[] = [];
  readonly #subscribed: number[];
  #clients: Client[] = [];
  /** Patterns with subscribers, in the order in which they came. */
  #patterns: string[] = [];
  #messages = 0;
  #waitingPublishers = 0;
  readonly #losesAt: number;

  /** `losesAt`: the canary; the client of that number loses messages. */
  constructor(seed: number, workersCount: number, losesAt = -1) {
    this.#prng = new Prng(seed);
    this.#losesAt = losesAt;
    const handle = createPubSubMemory(workersCount, { ringSize: RING_SIZE, directorySize: 65_536 });
    this.#control = new Int32Array(handle.control);
    this.#isScheduled = new Array<boolean>(workersCount).fill(false);
    this.#subscribed = new Array<number>(workersCount).fill(0);
    for (let worker = 0; worker < workersCount; worker++) {
      const pubsub = new PubSub(handle, worker, {
        recordSizeMax: RECORD_SIZE_MAX,
        largeSizeMax: LARGE_SIZE_MAX,
        postBody: (to, id, body) => this.#posted.push({ worker: to, id, body }),
        schedule: () => {
          this.#isScheduled[worker] = true;
        },
        noteSubscriber: (n) => {
          this.#subscribed[worker] = (this.#subscribed[worker] as number) + n;
        },
      });
      this.#workers.push(pubsub);
    }
  }

  /** One random step. Throws AssertionError when pub/sub and the model differ. */
  step(): void {
    const choice = this.#prng.below(100);
    if (choice < 2) this.#burst();
    else if (choice < 45) this.#publish();
    else if (choice < 60) this.#runOne();
    else if (choice < 75) this.#subscribe();
    else if (choice < 87) this.#unsubscribe();
    else if (choice < 90) this.#leave();
    else if (choice < 93) this.#connect();
    else this.#look();
  }

  /** More than the ring holds at once, and then everything to its end. */
  #burst(): void {
    for (let i = this.#prng.below(100); i > 0; i--) this.#publish();
    this.#settleAll();
  }

  /** Runs everything to its end: all that was published must have come, and nobody waits. */
  #settleAll(): void {
    while (this.#runOne()) {}
    assert(this.#waitingPublishers === 0, `publishers wait: ${this.#waitingPublishers}`);
    for (const client of this.#clients) {
      assert(!client.isWaiting, "a client waits");
      client.check(true);
    }
  }

  /** Runs everything to its end, closes all clients, and checks that nothing is left. */
  finish(): void {
    this.#settleAll();
    for (const client of this.#clients) this.#of(client).leave(client.subscriber);
    for (const [worker, pubsub] of this.#workers.entries()) {
      pubsub.invariants();
      assert(this.#subscribed[worker] === 0, "clients that are subscribed");
      for (const kind of KINDS) {
        assert(pubsub.directory.count(kind) === 0, "the directory is empty");
      }
    }
  }

  #of(client: Client): PubSub {
    return this.#workers[client.worker] as PubSub;
  }

  #connect(): void {
    const worker = this.#prng.below(this.#workers.length);
    const loses = this.#clients.length === this.#losesAt;
    this.#clients.push(new Client(worker, this.#prng.chance(2), loses));
  }

  /** A client that may run a command now. */
  #pick(): Client | null {
    const idle = this.#clients.filter((client) => !client.isWaiting);
    return idle.length === 0 ? null : this.#prng.pick(idle);
  }

  // ---- Publishing ----

  #publish(): void {
    const worker = this.#prng.below(this.#workers.length);
    const pubsub = this.#workers[worker] as PubSub;
    const kind = this.#prng.chance(4) ? TopicKind.Shard : TopicKind.Channel;
    const channel = Buffer.from(this.#prng.pick(NAMES));
    const size = this.#prng.chance(10) ? this.#prng.below(3000) : this.#prng.below(100);
    const text = `${this.#messages++}-${"x".repeat(size)}`;
    const message = Buffer.from(text);
    const bytes = Buffer.concat([channel, message]);
    const at = channel.length;
    const count = pubsub.publish(kind, bytes, 0, at, at, message.length);
    if (count !== MUST_WAIT) {
      assert(count === this.#expect(kind, channel, text), `receivers: ${count}`);
      return;
    }
    this.#waitingPublishers++;
    pubsub.publishLater(kind, bytes, 0, at, at, message.length, (laterCount) => {
      this.#waitingPublishers--;
      assert(laterCount === this.#expect(kind, channel, text), `receivers: ${laterCount}`);
    });
  }

  /** Notes a message for everybody who is to get it; returns the number of receivers. */
  #expect(kind: TopicKind.Channel | TopicKind.Shard, channel: Buffer, message: string): number {
    const name = channel.toString();
    const word = kind === TopicKind.Shard ? "smessage" : "message";
    const matching = this.#patterns.filter((pattern) => {
      const glob = Buffer.from(pattern);
      return matchesGlob(glob, 0, glob.length, channel, 0, channel.length);
    });
    let count = 0;
    for (const client of this.#clients) {
      if (client.topics.has(`${kind} ${name}`)) {
        client.expected.push(`${word} ${name} ${message}`);
        count++;
      }
      if (kind === TopicKind.Shard) continue;
      for (const pattern of matching) {
        if (!client.topics.has(`${TopicKind.Pattern} ${pattern}`)) continue;
        client.expected.push(`pmessage ${pattern} ${name} ${message}`);
        count++;
      }
    }
    return count;
  }

  // ---- Coming and going ----

  #subscribe(): void {
    if (this.#clients.length === 0) this.#connect();
    const client = this.#pick();
    if (client === null) return;
    const kind = this.#prng.pick(KINDS);
    const name = this.#prng.pick(kind === TopicKind.Pattern ? PATTERNS : NAMES);
    this.#settled(client, () => {
      const bytes = Buffer.from(name);
      const refusal = this.#of(client).subscribe(client.subscriber, kind, bytes, 0, bytes.length);
      assert(refusal === Refusal.None, `refused: ${refusal}`);
      client.topics.add(`${kind} ${name}`);
      if (kind === TopicKind.Pattern && !this.#patterns.includes(name)) this.#patterns.push(name);
    });
  }

  #unsubscribe(): void {
    const client = this.#pick();
    if (client === null || client.topics.size === 0) return;
    const topic = this.#prng.pick([...client.topics]);
    this.#settled(client, () => {
      this.#of(client).unsubscribe(client.subscriber, Number(topic[0]), topic.slice(2));
      client.topics.delete(topic);
      this.#forgetPatterns();
    });
  }

  /** Runs `change` when everything published before has come; that is checked. */
  #settled(client: Client, change: () => void): void {
    const pubsub = this.#of(client);
    if (pubsub.settle(null, null)) {
      client.check(true);
      change();
      pubsub.release();
      return;
    }
    client.isWaiting = true;
    function run(): void {
      client.isWaiting = false;
      client.check(true);
      change();
    }
    pubsub.whenSettled(client.subscriber, run, () => {
      client.isWaiting = false;
    });
  }

  #leave(): void {
    if (this.#clients.length === 0) return;
    const client = this.#prng.pick(this.#clients);
    client.check(false);
    this.#of(client).leave(client.subscriber);
    this.#clients = this.#clients.filter((other) => other !== client);
    this.#forgetPatterns();
  }

  #forgetPatterns(): void {
    this.#patterns = this.#patterns.filter((pattern) =>
      this.#clients.some((client) => client.topics.has(`${TopicKind.Pattern} ${pattern}`)),
    );
  }

  // ---- Looking and running ----

  #look(): void {
    const pubsub = this.#prng.pick(this.#workers);
    pubsub.invariants();
    for (const client of this.#clients) client.check(false);
    const kind = this.#prng.pick(KINDS);
    const topics = this.#clients.flatMap(({ topics: own }) => [...own]);
    const expected = new Set(topics.filter((topic) => topic.startsWith(`${kind} `)));
    const names = pubsub.names(kind, null).map((name) => `${kind} ${name}`);
    assert(names.sort().join() === [...expected].sort().join(), `names: ${names}`);
    for (const topic of expected) {
      const name = Buffer.from(topic.slice(2));
      const count = topics.filter((other) => other === topic).length;
      assert(pubsub.subscribersOf(kind, name, 0, name.length) === count, `count of ${topic}`);
    }
  }

  /** One turn of a Worker that has a reason for one, or one body handed over. False: nothing. */
  #runOne(): boolean {
    const ready = this.#workers.keys().filter((worker) => this.#isReady(worker));
    const choices: number[] = [...ready];
    const choicesCount = choices.length + this.#posted.length;
    const choice = this.#prng.below(choicesCount + 1);
    if (choice < choices.length) {
      const worker = choices[choice] as number;
      this.#isScheduled[worker] = false;
      this.#control[lineOf(worker) + SIGNAL] = 0;
      (this.#workers[worker] as PubSub).turn();
    } else if (choice < choicesCount) {
      const [posted] = this.#posted.splice(choice - choices.length, 1) as [Posted];
      (this.#workers[posted.worker] as PubSub).receiveBody(posted.id, posted.body);
    }
    return choicesCount > 0;
  }

  #isReady(worker: number): boolean {
    return this.#isScheduled[worker] === true || this.#control[lineOf(worker) + SIGNAL] === 1;
  }
}

/** Runs `steps` random steps of a fresh fuzzer. */
export function fuzzPubSub(seed: number, steps: number, losesAt = -1): void {
  const fuzzer = new PubSubFuzzer(seed, 1 + (seed % 4), losesAt);
  for (let i = 0; i < steps; i++) fuzzer.step();
  fuzzer.finish();
}

function argument(name: string, otherwise: number): number {
  const given = process.argv.find((word) => word.startsWith(`--${name}=`));
  return given === undefined ? otherwise : Number(given.slice(name.length + 3));
}

if (import.meta.main) {
  const seed = argument("seed", freshSeed() % 1_000_000_000);
  const steps = argument("steps", 3000);
  console.log(`pubsub.fuzz seed ${seed}`);
  for (let round = 0; round < 100; round++) fuzzPubSub(seed + round, steps);
}
