/**
 * kv.chat.v1: what the chat page and the server say to each other, as JSON in text frames. Clients
 * that ask for no subprotocol never see any of it; they get and send messages as they are.
 *
 *      to the client    welcome    { you, room, payloadMax, history: [message], bridge }
 *                       message    { id, from: { id, name }, at, text }, sizeBytes if binary
 *                       roster     { count, members: [{ id, name }] }: who is there, now
 *                       bridge     { isConnected, text }: what other servers get, or have missed
 *      from the client  message    { text }
 */
import { type Entry, EntryKind } from "./entry.ts";

export interface Member {
  readonly id: string;
  readonly name: string;
}

export interface Roster {
  /** Everybody, those without a name included. */
  readonly count: number;
  readonly members: readonly Member[];
}

export interface BridgeNews {
  readonly isConnected: boolean;
  readonly text: string;
}

/** The name of a client for others: unique among all runs of all servers. */
export function memberId(run: number, clientId: number): string {
  return `${run.toString(36)}-${clientId.toString(36)}`;
}

function messageOf(entry: Entry): object {
  const body =
    entry.kind !== EntryKind.Binary
      ? { text: entry.payload.toString("utf8") }
      : { sizeBytes: entry.payload.length };
  return {
    type: "message",
    id: `${entry.run.toString(36)}-${entry.origin}-${entry.seq}`,
    from: { id: memberId(entry.author, entry.clientId), name: entry.name },
    at: entry.atMs,
    ...body,
  };
}

export function formatMessage(entry: Entry): string {
  return JSON.stringify(messageOf(entry));
}

export function formatWelcome(
  you: Member,
  room: string,
  payloadMax: number,
  history: readonly Entry[],
  bridge: BridgeNews | null,
): string {
  const messages = history.map(messageOf);
  return JSON.stringify({ type: "welcome", you, room, payloadMax, history: messages, bridge });
}

export function formatRoster(roster: Roster): string {
  return JSON.stringify({ type: "roster", ...roster });
}

export function formatBridge(news: BridgeNews): string {
  return JSON.stringify({ type: "bridge", ...news });
}

/** The text that a client says; null when the frame is no message of this protocol. */
export function parseSaid(frame: string): string | null {
  try {
    const said = JSON.parse(frame) as { type?: unknown; text?: unknown } | null;
    return said?.type === "message" && typeof said.text === "string" ? said.text : null;
  } catch {
    return null;
  }
}
