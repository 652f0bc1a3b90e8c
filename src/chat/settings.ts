/**
 * What a chat server is set to, as checked by cli/ws-server-options.ts, and what all of its threads
 * share.
 *
 * Everything here survives structuredClone; SharedArrayBuffers in it are shared, not copied.
 */
import type { StoreHandle } from "../store/embedded.ts";

export interface ChatSettings {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Serving threads, 1 or more. */
  readonly threads: number;
  /** Messages of a room that are kept; 0 for none. */
  readonly historyCount: number;
  /** A message at the most, bytes. */
  readonly payloadSizeMax: number;
  /** Messages per second that one client may send; 0 for no limit. */
  readonly rateMax: number;
  readonly clientsMax: number;
  readonly roomsMax: number;
  /** Bytes that a client may leave unread. */
  readonly backlogSizeMax: number;
  /** Origins besides the server's own; "*" among them allows every one. Lower case. */
  readonly origins: readonly string[];
  /** "" when none is asked for. */
  readonly token: string;
  /** URL of a Redis, Valkey, kv or NATS server that joins several chat servers; "" for none. */
  readonly bridge: string;
  /** Where the history is kept, an absolute path; "" for memory only. */
  readonly dir: string;
}

/** What all threads of one chat server share. */
export interface ChatPlan {
  readonly settings: ChatSettings;
  readonly store: StoreHandle;
  /** Memory of ChatStats. */
  readonly stats: SharedArrayBuffer;
  /** See SharedWord. */
  readonly words: SharedArrayBuffer;
  /** This run of the server, among all that share a bridge or a store: 52 random bits. */
  readonly run: number;
  /** Whether the kernel spreads connections; if not, only the first thread listens. */
  readonly isSpread: boolean;
}

/** Int32 words of ChatPlan.words, all of them atomic. */
export const enum SharedWord {
  /** Clients connected, and those that are just being upgraded. */
  Clients = 0,
  /** The id of the client that joined last. */
  ClientId = 1,
  Count = 2,
}
