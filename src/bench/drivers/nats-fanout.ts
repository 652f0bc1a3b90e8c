/**
 * Publishing and subscribing over raw NATS.
 *
 * NATS acknowledges no message, so that a publisher could send as fast as the kernel takes bytes
 * and leave the rest to the server. To be comparable with PUBLISH, which is answered, each batch
 * ends with a PING: its PONG says that the server has taken the batch, and only then the next one
 * goes out.
 */
import { nanoseconds } from "../../base/clock.ts";
import { AckTimes } from "../fanout/ack-times.ts";
import {
  connectMany,
  type FanoutDriver,
  type FanoutOwner,
  type FanoutSetup,
  type Publisher,
} from "../fanout/driver.ts";
import { type Frame, MessageSource } from "../fanout/source.ts";
import { NatsConnection, type NatsHandler, type NatsUrl, parseNatsUrl } from "./nats-connection.ts";

const PING = Buffer.from("PING\r\n");

class NatsSubscriber implements NatsHandler {
  #connection: NatsConnection | null = null;
  readonly #owner: FanoutOwner;
  readonly #index: number;
  #nowNs = 0;

  private constructor(owner: FanoutOwner, index: number) {
    this.#owner = owner;
    this.#index = index;
  }

  static async connect(url: NatsUrl, subject: string, owner: FanoutOwner, index: number) {
    const subscriber = new NatsSubscriber(owner, index);
    subscriber.#connection = await NatsConnection.connect(url, subject, subscriber);
    return subscriber;
  }

  get connection(): NatsConnection {
    return this.#connection!;
  }

  onRead(): void {
    this.#nowNs = nanoseconds();
  }

  onMessage(bytes: Buffer, at: number, size: number): void {
    this.#owner.onDelivery(this.#index, bytes, at, size, this.#nowNs);
  }

  onPong(): void {}
  onWritable(): void {}

  onErrorReply(text: string): void {
    this.#owner.onErrorReply(text);
  }

  onLost(reason: string): void {
    this.#owner.onCut(this.#index, reason);
  }

  close(): void {
    this.#connection?.close();
  }
}

class NatsPublisher implements NatsHandler, Publisher {
  #connection: NatsConnection | null = null;
  readonly #owner: FanoutOwner;
  readonly #index: number;
  readonly #source: MessageSource;
  /** One entry for each PING under way: what it covers. */
  readonly #times = new AckTimes();
  #pending = 0;
  /** Written and not covered by a PING yet, and when the first of them was. */
  #uncovered = 0;
  #uncoveredNs = 0;

  private constructor(owner: FanoutOwner, index: number, source: MessageSource) {
    this.#owner = owner;
    this.#index = index;
    this.#source = source;
  }

  static async connect(url: NatsUrl, source: MessageSource, owner: FanoutOwner, index: number) {
    const publisher = new NatsPublisher(owner, index, source);
    publisher.#connection = await NatsConnection.connect(url, null, publisher);
    return publisher;
  }

  get connection(): NatsConnection {
    return this.#connection!;
  }

  send(count: number): void {
    this.#pending += count;
    this.#sendPending();
  }

  sendDue(): void {
    this.#write(1);
    this.#ping();
  }

  onWritable(): void {
    this.#sendPending();
  }

  #sendPending(): void {
    const wire = this.connection.wire!;
    while (this.#pending > 0 && !wire.isBlocked) {
      this.#pending -= this.#write(this.#pending);
      if (this.#pending === 0) this.#ping();
    }
  }

  #write(countMax: number): number {
    const size = this.#source.encode(this.#index, countMax);
    const { encodedCount, sentNs, bytes } = this.#source;
    if (this.#uncovered === 0) this.#uncoveredNs = sentNs;
    this.#uncovered += encodedCount;
    this.connection.wire!.write(bytes, size);
    return encodedCount;
  }

  #ping(): void {
    this.#times.push(this.#uncoveredNs, this.#uncovered);
    this.#uncovered = 0;
    this.connection.wire!.write(PING, PING.length);
  }

  onPong(): void {
    const count = this.#times.oldestCount;
    if (count === 0) return;
    this.#times.settle(nanoseconds(), count, this.#owner.publishHistogram);
    this.#owner.onAcknowledged(this.#index, count);
  }

  onRead(): void {}
  onMessage(): void {}

  onErrorReply(text: string): void {
    this.#owner.onErrorReply(text);
  }

  onLost(reason: string): void {
    this.#owner.onFailure(reason);
  }

  close(): void {
    this.#connection?.close();
  }
}

/** Opens subscribers, then publishers. */
export async function connectNatsFanout(
  setup: FanoutSetup,
  owner: FanoutOwner,
): Promise<FanoutDriver> {
  const url = parseNatsUrl(setup.context.target.url ?? "");
  const subject = `bench.${setup.name}`;
  const { publishersCount, subscribersCount, pool } = setup;
  const source = new MessageSource(pool, publishersCount, (message) => frameOf(subject, message));
  const subscribers = await connectMany(subscribersCount, (index) =>
    NatsSubscriber.connect(url, subject, owner, index),
  );
  try {
    const publishers = await connectMany(publishersCount, (index) =>
      NatsPublisher.connect(url, source, owner, index),
    );
    const all = [...subscribers, ...publishers];
    return {
      source,
      publishers,
      isAckedByEcho: false,
      bytesOut: () => all.reduce((sum, { connection }) => sum + connection.wire!.bytesOut, 0),
      bytesIn: () => all.reduce((sum, { connection }) => sum + connection.wire!.bytesIn, 0),
      close: () => {
        for (const each of all) each.close();
      },
    };
  } catch (error) {
    for (const each of subscribers) each.close();
    throw error;
  }
}

function frameOf(subject: string, message: Buffer): Frame {
  const head = `PUB ${subject} ${message.length}\r\n`;
  const bytes = Buffer.concat([Buffer.from(head, "latin1"), message, Buffer.from("\r\n")]);
  return { bytes, headerAt: head.length, key: 0 };
}
