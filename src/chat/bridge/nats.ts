/**
 * A bridge over NATS (@nats-io/transport-node; the older nats.ws needs a WebSocket listener, which
 * nats-server has not by default). Loaded only when --bridge asks for it.
 *
 * NATS confirms nothing; a round trip behind the messages does. What was handed over since the last
 * one when the connection went may not have arrived.
 */
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { nanoseconds } from "../../base/clock.ts";
import { reasonOf } from "../../base/errors.ts";
import {
  CHAT_BRIDGE_BEAT_MS,
  CHAT_BRIDGE_PENDING_MAX,
  CHAT_BRIDGE_RETRY_MS_MAX,
  CHAT_BRIDGE_RETRY_MS_MIN,
} from "../../base/limits.ts";
import {
  type BridgeEvents,
  type BridgeTransport,
  CHANNEL_PREFIX,
  channelOf,
  retryMs,
  roomOf,
} from "./transport.ts";

/** Pings without an answer after which the connection counts as lost. */
const PINGS_UNANSWERED_MAX = 2;

export class NatsTransport implements BridgeTransport {
  readonly #url: URL;
  #events: BridgeEvents | null = null;
  #connection: NatsConnection | null = null;
  #isConnected = false;
  #failuresCount = 0;
  #awaySinceNs = 0;
  /** Room messages since the last round trip that came back. */
  #pendingCount = 0;
  #isFlushing = false;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  start(events: BridgeEvents): void {
    this.#events = events;
    void this.#connect();
  }

  publish(room: string | null, bytes: Buffer): boolean {
    const connection = this.#connection;
    if (!this.#isConnected || connection === null) return false;
    if (this.#pendingCount >= CHAT_BRIDGE_PENDING_MAX) return false;
    connection.publish(channelOf(room, encode), bytes);
    if (room !== null) this.#pendingCount++;
    if (!this.#isFlushing) void this.#flush(connection);
    return true;
  }

  async stop(): Promise<void> {
    this.#events = null;
    await this.#connection?.close();
  }

  async #connect(): Promise<void> {
    while (this.#events !== null && this.#connection === null) {
      try {
        this.#connection = await this.#dial();
      } catch (error) {
        this.#events?.disconnected(reasonOf(error));
        await Bun.sleep(retryMs(this.#failuresCount++));
      }
    }
    const connection = this.#connection;
    if (connection === null) return;
    connection.subscribe(`${CHANNEL_PREFIX}>`, {
      callback: (error, message) => {
        const room = error === null ? roomOf(message.subject, decode) : undefined;
        // The view is only good until the next read.
        if (room !== undefined) this.#events?.heard(room, Buffer.from(message.data));
      },
    });
    // So that the subscription is in force when we say that we are connected.
    await connection.flush().catch(() => {});
    this.#setConnected(!connection.isClosed(), "");
    await this.#watch(connection);
  }

  #dial(): Promise<NatsConnection> {
    const { protocol, hostname, port, username, password } = this.#url;
    return connect({
      servers: `${hostname}:${port === "" ? "4222" : port}`,
      ...(username === "" ? {} : { user: decodeURIComponent(username) }),
      ...(password === "" ? {} : { pass: decodeURIComponent(password) }),
      ...(protocol === "tls:" ? { tls: {} } : {}),
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => this.#reconnectDelayMs(),
      pingInterval: CHAT_BRIDGE_BEAT_MS,
      maxPingOut: PINGS_UNANSWERED_MAX,
      timeout: CHAT_BRIDGE_BEAT_MS,
    });
  }

  /** The library asks more than once an attempt: wait for as long as it has been away already. */
  #reconnectDelayMs(): number {
    const awayMs = (nanoseconds() - this.#awaySinceNs) / 1e6;
    return Math.min(CHAT_BRIDGE_RETRY_MS_MAX, Math.max(CHAT_BRIDGE_RETRY_MS_MIN, awayMs));
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === "disconnect") this.#setConnected(false, "the connection is lost");
      if (status.type === "reconnect") this.#setConnected(true, "");
    }
    // Closed for good: an authorization that is refused ends here.
    if (this.#events === null) return;
    this.#setConnected(false, reasonOf((await connection.closed()) ?? "closed"));
    this.#connection = null;
    await Bun.sleep(retryMs(this.#failuresCount++));
    await this.#connect();
  }

  async #flush(connection: NatsConnection): Promise<void> {
    this.#isFlushing = true;
    while (this.#isConnected && this.#pendingCount > 0) {
      const confirmed = this.#pendingCount;
      try {
        await connection.flush();
      } catch {
        break;
      }
      this.#pendingCount = Math.max(0, this.#pendingCount - confirmed);
    }
    this.#isFlushing = false;
  }

  #setConnected(isConnected: boolean, reason: string): void {
    if (isConnected === this.#isConnected) return;
    this.#isConnected = isConnected;
    if (isConnected) {
      this.#failuresCount = 0;
      this.#events?.connected();
      return;
    }
    this.#awaySinceNs = nanoseconds();
    const lostCount = this.#pendingCount;
    this.#pendingCount = 0;
    this.#events?.disconnected(reason);
    if (lostCount > 0) this.#events?.unconfirmed(lostCount);
  }
}

/** A room's name as one token of a subject. */
function encode(room: string): string {
  return Buffer.from(room).toString("base64url");
}

function decode(token: string): string {
  return Buffer.from(token, "base64url").toString("utf8");
}
