/**
 * What the fan-out loop and the ways of reaching a server (drivers) know of each other.
 *
 *      loop ── send(n) ──> Publisher ──> server ──> subscriber ── onDelivery ──> loop
 *                             └──────── acknowledgement ── onAcknowledged ──────────┘
 *
 * Publishers and subscribers are numbered from 0; in the WebSocket chat client i is publisher i and
 * subscriber i.
 */
import { FatalError } from "../../base/errors.ts";
import type { Histogram } from "../recorder/histogram.ts";
import type { SessionContext } from "../session.ts";
import type { PayloadPool } from "./payloads.ts";
import type { MessageSource } from "./source.ts";

export interface Publisher {
  /** Sends the next `count` messages, as fast as the kernel takes them. */
  send(count: number): void;
  /** Sends one message now, behind whatever waits: it is due. */
  sendDue(): void;
}

export interface FanoutOwner {
  /** Where round trips of acknowledged publishes go; null when they are not wanted. */
  readonly publishHistogram: Histogram | null;
  /** A message has come. Hot: once per delivery; the bytes are not kept. */
  onDelivery(subscriber: number, bytes: Buffer, at: number, size: number, nowNs: number): void;
  /** `count` more messages of `publisher` are with the server. */
  onAcknowledged(publisher: number, count: number): void;
  /** A publish reached another number of subscribers than there are. */
  onUnexpected(text: string): void;
  /** The server refused something. */
  onErrorReply(text: string): void;
  /** The server has cut off a subscriber. */
  onCut(subscriber: number, reason: string): void;
  /** A publisher cannot go on. */
  onFailure(reason: string): void;
}

export interface FanoutSetup {
  context: SessionContext;
  publishersCount: number;
  subscribersCount: number;
  pool: PayloadPool;
  /** Destination addresses that connections are spread over; empty: the one of the URL. */
  addresses: readonly string[];
  /** A name that nobody else uses, for the channel. */
  name: string;
}

/** All connections of one phase. */
export interface FanoutDriver {
  readonly source: MessageSource;
  readonly publishers: readonly Publisher[];
  /** Nobody acknowledges: a publisher knows by its own message, which it hears as well. */
  readonly isAckedByEcho: boolean;
  /** Bytes on the wire so far; of libraries, which do not tell, those of the messages. */
  bytesOut(): number;
  bytesIn(): number;
  close(): void;
}

/**
 * Opens all connections; resolves when every subscriber is confirmed by the server. Throws
 * FatalError when one cannot be opened, after the others are closed.
 */
export type ConnectFanout = (setup: FanoutSetup, owner: FanoutOwner) => Promise<FanoutDriver>;

/** Connections opened at the same time: below the usual accept queue of 511. */
const CONNECTING_MAX = 128;

/**
 * Makes `count` things, at most CONNECTING_MAX at a time; on the first failure closes those that
 * were made and throws it.
 */
export async function connectMany<T extends { close(): void }>(
  count: number,
  connect: (index: number) => Promise<T>,
): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) {
    const batch = Math.min(CONNECTING_MAX, count - made.length);
    const results = await Promise.allSettled(
      Array.from({ length: batch }, (_, i) => connect(made.length + i)),
    );
    for (const result of results) if (result.status === "fulfilled") made.push(result.value);
    const failed = results.find((result) => result.status === "rejected");
    if (failed === undefined) continue;
    for (const each of made) each.close();
    throw withCount(failed.reason, made.length, count);
  }
  return made;
}

/** A server that takes some connections and no more, or none: then it is of another kind. */
function withCount(error: unknown, open: number, wanted: number): unknown {
  if (!(error instanceof FatalError) || !error.message.startsWith("Cannot connect")) return error;
  const advice =
    open === 0
      ? "is this port, and the path behind it, that of the server that is meant?"
      : "a lower --concurrency, or a server that takes more clients";
  const hint = error.hint ?? advice;
  return new FatalError(`${error.message} (${open} of ${wanted} connections are open)`, hint);
}
