/**
 * Publishing and subscribing over raw RESP2: kv, Redis and Valkey, byte for byte alike.
 *
 *      publisher   *3 PUBLISH <channel> <message>  ──>      <──  :<receivers>
 *      subscriber  *2 SUBSCRIBE <channel>          ──>      <──  *3 message <channel> <message> …
 *
 * Each has a socket of its own. All subscribe to one channel, whose name nobody else uses; the
 * number of receivers that PUBLISH answers must be that of the subscribers.
 */
import { nanoseconds } from "../../base/clock.ts";
import { FatalError } from "../../base/errors.ts";
import { encodeRequest } from "../../resp/encoder.ts";
import { AckTimes } from "../fanout/ack-times.ts";
import {
  connectMany,
  type FanoutDriver,
  type FanoutOwner,
  type FanoutSetup,
  type Publisher,
} from "../fanout/driver.ts";
import { type Frame, MessageSource } from "../fanout/source.ts";
import { parseServerUrl, type ServerUrl } from "../url.ts";
import { PushReader, type PushSink } from "./push-reader.ts";
import { Wire, type WireHandler } from "./wire.ts";

const MINUS = 45;
const COLON = 58;
const PLUS = 43;
const ZERO = 48;

/** What a connection is made with. */
interface Link {
  url: ServerUrl;
  owner: FanoutOwner;
  index: number;
}

/** The set-up of both kinds: log in, then one request of its own; each answered by a line. */
abstract class RespLink implements WireHandler, PushSink {
  protected readonly owner: FanoutOwner;
  protected readonly index: number;
  protected readonly reader: PushReader;
  protected wire: Wire | null = null;
  protected firstError = "";
  readonly #ready = Promise.withResolvers<void>();
  #statusesLeft: number;
  #isReady = false;

  constructor({ url, owner, index }: Link, prefix: string | null) {
    this.owner = owner;
    this.index = index;
    this.reader = new PushReader(prefix, this);
    this.#statusesLeft = url.setup.length;
  }

  get bytesIn(): number {
    return this.wire?.bytesIn ?? 0;
  }

  get bytesOut(): number {
    return this.wire?.bytesOut ?? 0;
  }

  /** Connects, logs in, sends `first` and waits until that is confirmed. */
  protected async open(url: ServerUrl, first: Buffer): Promise<void> {
    this.wire = await Wire.connect(url, this);
    const requests = Buffer.concat([...url.setup.map((args) => encodeRequest(...args)), first]);
    if (requests.length === 0) this.confirm();
    else this.wire.write(requests, requests.length);
    try {
      await this.#ready.promise;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  protected confirm(): void {
    this.#isReady = true;
    this.#ready.resolve();
  }

  /** One reply to the set-up; true when it belonged to it. */
  protected takeSetUp(bytes: Buffer, start: number, end: number): boolean {
    if (this.#isReady) return false;
    if (bytes[start] === MINUS) {
      this.#ready.reject(new FatalError(`Cannot log in: ${textOf(bytes, start + 1, end)}`));
    } else if (bytes[start] === PLUS) {
      this.#statusesLeft--;
      if (this.#statusesLeft === 0) this.onLoggedIn();
    }
    return true;
  }

  protected onLoggedIn(): void {}

  onBytes(bytes: Buffer): void {
    if (!this.reader.feed(bytes)) {
      this.onBroken(`the server does not speak RESP: ${this.reader.malformed}`);
    }
  }

  onClosed(reason: string): void {
    this.onBroken(this.firstError === "" ? reason : `${reason} (${this.firstError})`);
  }

  protected onBroken(reason: string): void {
    this.close();
    if (this.#isReady) this.onLost(reason);
    else this.#ready.reject(new FatalError(`Cannot set up a connection: ${reason}`));
  }

  close(): void {
    this.wire?.close();
  }

  onWritable(): void {}
  onMessage(_bytes: Buffer, _at: number, _size: number): void {}
  abstract onLine(bytes: Buffer, start: number, end: number): void;
  protected abstract onLost(reason: string): void;
}

class RespSubscriber extends RespLink {
  #nowNs = 0;

  static async connect(link: Link, channel: string): Promise<RespSubscriber> {
    const { length } = channel;
    const prefix = `*3\r\n$7\r\nmessage\r\n$${length}\r\n${channel}\r\n$`;
    const subscriber = new RespSubscriber(link, prefix);
    await subscriber.open(link.url, encodeRequest("SUBSCRIBE", channel));
    return subscriber;
  }

  override onBytes(bytes: Buffer): void {
    this.#nowNs = nanoseconds();
    super.onBytes(bytes);
  }

  override onMessage(bytes: Buffer, at: number, size: number): void {
    this.owner.onDelivery(this.index, bytes, at, size, this.#nowNs);
  }

  onLine(bytes: Buffer, start: number, end: number): void {
    // The last line of `*3 subscribe <channel> :1`.
    if (bytes[start] === COLON) this.confirm();
    else if (!this.takeSetUp(bytes, start, end) && bytes[start] === MINUS) {
      this.firstError = textOf(bytes, start + 1, end);
    }
  }

  protected onLost(reason: string): void {
    this.owner.onCut(this.index, reason);
  }
}

class RespPublisher extends RespLink implements Publisher {
  readonly #times = new AckTimes();
  readonly #source: MessageSource;
  readonly #receivers: number;
  #pending = 0;
  #open = 0;

  private constructor(link: Link, source: MessageSource, receivers: number) {
    super(link, null);
    this.#source = source;
    this.#receivers = receivers;
  }

  static async connect(
    link: Link,
    source: MessageSource,
    receivers: number,
  ): Promise<RespPublisher> {
    const publisher = new RespPublisher(link, source, receivers);
    await publisher.open(link.url, Buffer.alloc(0));
    return publisher;
  }

  protected override onLoggedIn(): void {
    this.confirm();
  }

  send(count: number): void {
    this.#pending += count;
    while (this.#pending > 0 && !this.wire!.isBlocked) this.#write(this.#pending);
  }

  sendDue(): void {
    this.#write(1);
  }

  override onWritable(): void {
    this.send(0);
  }

  #write(countMax: number): void {
    const size = this.#source.encode(this.index, countMax);
    const { encodedCount, sentNs, bytes } = this.#source;
    if (this.#pending > 0) this.#pending -= encodedCount;
    this.#open += encodedCount;
    this.#times.push(sentNs, encodedCount);
    this.wire!.write(bytes, size);
  }

  /** The reply to a PUBLISH. */
  onLine(bytes: Buffer, start: number, end: number): void {
    if (this.takeSetUp(bytes, start, end)) return;
    if (this.#open === 0) {
      this.onBroken("a reply came to no request");
      return;
    }
    if (bytes[start] === COLON) {
      const receivers = numberOf(bytes, start + 1, end);
      if (receivers !== this.#receivers) {
        const expected = `there are ${this.#receivers} subscribers`;
        this.owner.onUnexpected(`PUBLISH reached ${receivers} clients, ${expected}`);
      }
    } else if (bytes[start] === MINUS) {
      this.firstError = textOf(bytes, start + 1, end);
      this.owner.onErrorReply(this.firstError);
    } else this.owner.onUnexpected(`a reply to PUBLISH is ${textOf(bytes, start, end)}`);
    this.#open--;
    this.#times.settle(nanoseconds(), 1, this.owner.publishHistogram);
    this.owner.onAcknowledged(this.index, 1);
  }

  protected onLost(reason: string): void {
    this.owner.onFailure(reason);
  }
}

/** Opens subscribers, then publishers. */
export async function connectRespFanout(
  setup: FanoutSetup,
  owner: FanoutOwner,
): Promise<FanoutDriver> {
  const url = parseServerUrl(setup.context.target.url ?? "");
  const channel = `bench:${setup.name}`;
  const { publishersCount, subscribersCount, pool } = setup;
  const source = new MessageSource(pool, publishersCount, (message) => frameOf(channel, message));
  const subscribers = await connectMany(subscribersCount, (index) =>
    RespSubscriber.connect({ url, owner, index }, channel),
  );
  const closeSubscribers = () => {
    for (const each of subscribers) each.close();
  };
  try {
    const publishers = await connectMany(publishersCount, (index) =>
      RespPublisher.connect({ url, owner, index }, source, subscribersCount),
    );
    const all = [...subscribers, ...publishers];
    return {
      source,
      publishers,
      isAckedByEcho: false,
      bytesOut: () => all.reduce((sum, each) => sum + each.bytesOut, 0),
      bytesIn: () => all.reduce((sum, each) => sum + each.bytesIn, 0),
      close: () => {
        for (const each of all) each.close();
      },
    };
  } catch (error) {
    closeSubscribers();
    throw error;
  }
}

function frameOf(channel: string, message: Buffer): Frame {
  const head = `*3\r\n$7\r\nPUBLISH\r\n$${channel.length}\r\n${channel}\r\n$${message.length}\r\n`;
  const bytes = Buffer.concat([Buffer.from(head, "latin1"), message, Buffer.from("\r\n")]);
  return { bytes, headerAt: head.length, key: 0 };
}

function numberOf(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + bytes[at]! - ZERO;
  return value;
}

function textOf(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("latin1", start, Math.min(end, start + 200));
}
