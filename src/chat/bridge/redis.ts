/**
 * A bridge over the pub/sub of a Redis, Valkey or kv server: node-redis (@redis/client), one
 * connection to publish and one to listen. Loaded only when --bridge asks for it.
 *
 * While a connection is away nothing is queued: what cannot be handed on is refused, and said so.
 */
import { createClient } from "redis";
import { reasonOf } from "../../base/errors.ts";
import {
  CHAT_BRIDGE_BEAT_MS,
  CHAT_BRIDGE_PENDING_MAX,
  CHAT_BRIDGE_SILENCE_MS,
} from "../../base/limits.ts";
import {
  type BridgeEvents,
  type BridgeTransport,
  CHANNEL_PREFIX,
  channelOf,
  retryMs,
  roomOf,
} from "./transport.ts";

const CONNECT_TIMEOUT_MS = 5000;

type Client = ReturnType<typeof newClient>;

export class RedisTransport implements BridgeTransport {
  readonly #publisher: Client;
  readonly #subscriber: Client;
  #events: BridgeEvents | null = null;
  #isListening = false;
  #isConnected = false;
  #pendingCount = 0;

  constructor(url: string) {
    this.#publisher = newClient(url);
    this.#subscriber = newClient(url);
  }

  start(events: BridgeEvents): void {
    this.#events = events;
    for (const client of [this.#publisher, this.#subscriber]) {
      client.on("ready", () => this.#check(""));
      client.on("error", (error: Error) => this.#check(reasonOf(error)));
      client.on("end", () => this.#check("closed"));
    }
    void this.#listen();
    // It goes on trying by itself and rejects only when it is told to stop.
    this.#publisher.connect().catch(() => {});
  }

  publish(room: string | null, bytes: Buffer): boolean {
    if (!this.#isConnected || this.#pendingCount >= CHAT_BRIDGE_PENDING_MAX) return false;
    this.#pendingCount++;
    this.#publisher.publish(channelOf(room, same), bytes as unknown as string).then(
      () => {
        this.#pendingCount--;
      },
      () => {
        this.#pendingCount--;
        if (room !== null) this.#events?.unconfirmed(1);
      },
    );
    return true;
  }

  async stop(): Promise<void> {
    this.#events = null;
    for (const client of [this.#publisher, this.#subscriber]) {
      if (client.isOpen) client.destroy();
    }
    await Promise.resolve();
  }

  async #listen(): Promise<void> {
    try {
      await this.#subscriber.connect();
      await this.#subscriber.pSubscribe(
        `${CHANNEL_PREFIX}*`,
        (message: Buffer, channel: Buffer) => {
          const room = roomOf(channel.toString("utf8"), same);
          if (room !== undefined) this.#events?.heard(room, message);
        },
        true,
      );
      this.#isListening = true;
      this.#check("");
    } catch (error) {
      this.#check(reasonOf(error));
      // The connection went between the two; the client connects again, and this asks again.
      if (this.#subscriber.isOpen) setTimeout(() => void this.#again(), retryMs(2));
    }
  }

  async #again(): Promise<void> {
    if (this.#events === null) return;
    this.#subscriber.destroy();
    await this.#listen();
  }

  #check(reason: string): void {
    const isReady = this.#isListening && this.#publisher.isReady && this.#subscriber.isReady;
    if (isReady === this.#isConnected) {
      if (reason !== "" && !isReady) this.#events?.disconnected(reason);
      return;
    }
    this.#isConnected = isReady;
    if (isReady) this.#events?.connected();
    else this.#events?.disconnected(reason);
  }
}

function newClient(url: string) {
  return createClient({
    url,
    disableOfflineQueue: true,
    // A server that hangs is noticed by a ping without an answer.
    pingInterval: CHAT_BRIDGE_BEAT_MS,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: CHAT_BRIDGE_SILENCE_MS,
      reconnectStrategy: retryMs,
    },
  });
}

function same(text: string): string {
  return text;
}
