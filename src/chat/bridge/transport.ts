/**
 * What a bridge needs from the server in the middle: channels, one for each room and one for the
 * chat servers among themselves, on a connection that comes back by itself.
 *
 *      kv.chat.room.<room>    messages of a room; NATS has the room in base64url
 *      kv.chat.control        that a server is there, and who is in its rooms
 *
 * A transport hears every room: so each server keeps the same history.
 */
import { CHAT_BRIDGE_RETRY_MS_MAX, CHAT_BRIDGE_RETRY_MS_MIN } from "../../base/limits.ts";

export const CHANNEL_PREFIX = "kv.chat.";
const ROOM_PREFIX = "room.";
const CONTROL = "control";

export interface BridgeEvents {
  /** From now on everything is heard, and `publish` works. */
  connected(): void;
  /** `reason` is for the log. */
  disconnected(reason: string): void;
  /** `room` is null for what servers tell each other. */
  heard(room: string | null, bytes: Buffer): void;
  /** So many messages that `publish` took may not have arrived. */
  unconfirmed(count: number): void;
}

export interface BridgeTransport {
  /** Connects, and keeps at it until `stop`. */
  start(events: BridgeEvents): void;
  /** Hands a message on; false when it cannot be now. `bytes` may be kept. */
  publish(room: string | null, bytes: Buffer): boolean;
  stop(): Promise<void>;
}

/** The channel of a room, or of what servers tell each other. */
export function channelOf(room: string | null, encode: (room: string) => string): string {
  return CHANNEL_PREFIX + (room === null ? CONTROL : ROOM_PREFIX + encode(room));
}

/** The room of a channel, null for the control channel, undefined for any other. */
export function roomOf(
  channel: string,
  decode: (text: string) => string,
): string | null | undefined {
  const rest = channel.slice(CHANNEL_PREFIX.length);
  if (rest === CONTROL) return null;
  return rest.startsWith(ROOM_PREFIX) ? decode(rest.slice(ROOM_PREFIX.length)) : undefined;
}

/** How long to wait before the attempt after `failures` that failed. */
export function retryMs(failures: number): number {
  return Math.min(CHAT_BRIDGE_RETRY_MS_MAX, CHAT_BRIDGE_RETRY_MS_MIN * 2 ** Math.min(failures, 16));
}
