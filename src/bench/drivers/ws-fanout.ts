/**
 * A WebSocket chat: every client publishes and hears everybody, itself included.
 *
 * Nobody acknowledges a message; a client knows that its own is through when it comes back, and
 * that is what its closed loop waits for. Any server will do that relays binary frames to everybody
 * who is connected.
 */
import { randomBytes } from "node:crypto";
import { nanoseconds } from "../../base/clock.ts";
import {
  connectMany,
  type FanoutDriver,
  type FanoutOwner,
  type FanoutSetup,
  type Publisher,
} from "../fanout/driver.ts";
import { type Frame, MessageSource } from "../fanout/source.ts";
import { parseWsUrl, WsConnection, type WsHandler, type WsUrl } from "./ws-connection.ts";
import { maskedFrame, Opcode } from "./ws-frames.ts";

class ChatClient implements WsHandler, Publisher {
  #connection: WsConnection | null = null;
  readonly #owner: FanoutOwner;
  readonly #index: number;
  readonly #source: MessageSource;
  #pending = 0;
  #nowNs = 0;

  private constructor(owner: FanoutOwner, index: number, source: MessageSource) {
    this.#owner = owner;
    this.#index = index;
    this.#source = source;
  }

  static async connect(
    url: WsUrl,
    address: string | undefined,
    timeoutMs: number,
    owner: FanoutOwner,
    index: number,
    source: MessageSource,
  ): Promise<ChatClient> {
    const client = new ChatClient(owner, index, source);
    client.#connection = await WsConnection.open(url, address, timeoutMs, client);
    return client;
  }

  get connection(): WsConnection {
    return this.#connection!;
  }

  send(count: number): void {
    this.#pending += count;
    const { wire } = this.connection;
    while (this.#pending > 0 && wire?.isBlocked === false) {
      this.#pending -= this.#write(this.#pending);
    }
  }

  sendDue(): void {
    this.#write(1);
  }

  #write(countMax: number): number {
    const size = this.#source.encode(this.#index, countMax);
    this.connection.write(this.#source.bytes, size);
    return this.#source.encodedCount;
  }

  onRead(): void {
    this.#nowNs = nanoseconds();
  }

  onMessage(bytes: Buffer, at: number, size: number): void {
    this.#owner.onDelivery(this.#index, bytes, at, size, this.#nowNs);
  }

  onWritable(): void {
    this.send(0);
  }

  onLost(reason: string): void {
    this.#owner.onCut(this.#index, reason);
  }

  close(): void {
    this.#connection?.close();
  }
}

/** Opens all clients, spread over the addresses. */
export async function connectWsFanout(
  setup: FanoutSetup,
  owner: FanoutOwner,
): Promise<FanoutDriver> {
  const { plan, target } = setup.context;
  const url = parseWsUrl(target.url ?? "");
  const { addresses, publishersCount, pool } = setup;
  const source = new MessageSource(pool, publishersCount, frameOf);
  const clients = await connectMany(publishersCount, (index) => {
    const address = addresses[index % addresses.length];
    return ChatClient.connect(url, address, plan.timeoutMs, owner, index, source);
  });
  return {
    source,
    publishers: clients,
    isAckedByEcho: true,
    bytesOut: () => clients.reduce((sum, { connection }) => sum + connection.wire!.bytesOut, 0),
    bytesIn: () => clients.reduce((sum, { connection }) => sum + connection.wire!.bytesIn, 0),
    close: () => {
      for (const client of clients) client.close();
    },
  };
}

/** Masked once; the header is masked as it is written. */
function frameOf(message: Buffer): Frame {
  const key = randomBytes(4).readInt32LE(0);
  const { bytes, payloadAt } = maskedFrame(Opcode.Binary, message, key);
  return { bytes, headerAt: payloadAt, key };
}
