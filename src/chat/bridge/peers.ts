/**
 * The other chat servers on a bridge: when each was last heard of, how far its messages have come,
 * and who is in its rooms.
 */
import {
  CHAT_BRIDGE_SERVERS_MAX,
  CHAT_BRIDGE_SILENCE_MS,
  CHAT_ROSTER_NAMES_MAX,
} from "../../base/limits.ts";
import type { Roster } from "../protocol.ts";

export type Rosters = Readonly<Record<string, Roster>>;

interface Peer {
  seq: number;
  heardMs: number;
  rosters: Rosters;
}

export class BridgePeers {
  readonly #peers = new Map<number, Peer>();

  /**
   * A message, or a control message, of `run` has come. Returns how many of its messages are
   * missing before it; for a server not heard of before, nobody knows.
   */
  note(run: number, seq: number, isMessage: boolean, nowMs: number): number {
    const peer = this.#peers.get(run);
    if (peer === undefined) {
      this.#peers.set(run, { seq, heardMs: nowMs, rosters: {} });
      return 0;
    }
    const missing = seq - peer.seq - (isMessage ? 1 : 0);
    peer.seq = Math.max(peer.seq, seq);
    peer.heardMs = nowMs;
    return Math.max(0, missing);
  }

  setRosters(run: number, rosters: Rosters): void {
    const peer = this.#peers.get(run);
    if (peer !== undefined) peer.rosters = rosters;
  }

  remove(run: number): void {
    this.#peers.delete(run);
  }

  /**
   * Forgets who is in the rooms of servers not heard of for CHAT_BRIDGE_SILENCE_MS, and the servers
   * themselves when there are more than CHAT_BRIDGE_SERVERS_MAX.
   */
  expire(nowMs: number): void {
    for (const [run, peer] of this.#peers) {
      if (nowMs - peer.heardMs <= CHAT_BRIDGE_SILENCE_MS) continue;
      peer.rosters = {};
      if (this.#peers.size > CHAT_BRIDGE_SERVERS_MAX) this.#peers.delete(run);
    }
  }

  /** Who is in which room, over all of them. */
  merged(): Rosters {
    const merged: Record<string, Roster> = Object.create(null) as Record<string, Roster>;
    for (const { rosters } of this.#peers.values()) {
      for (const [room, { count, members }] of Object.entries(rosters)) {
        const before = merged[room] ?? { count: 0, members: [] };
        merged[room] = {
          count: before.count + count,
          members: [...before.members, ...members].slice(0, CHAT_ROSTER_NAMES_MAX),
        };
      }
    }
    return merged;
  }
}

/** The rosters in a control message; null when it is none: another program may have sent it. */
export function parseRosters(text: string): { rooms: Rosters; isLeaving: boolean } | null {
  try {
    const { rooms, isLeaving } = JSON.parse(text) as { rooms: unknown; isLeaving: unknown };
    if (typeof rooms !== "object" || rooms === null) return null;
    const isSound = Object.values(rooms).every(isRoster);
    return isSound ? { rooms: rooms as Rosters, isLeaving: isLeaving === true } : null;
  } catch {
    return null;
  }
}

function isRoster(value: unknown): boolean {
  const { count, members } = (value ?? {}) as { count?: unknown; members?: unknown };
  if (!Number.isSafeInteger(count) || !Array.isArray(members)) return false;
  return members.every((it) => typeof it?.id === "string" && typeof it?.name === "string");
}
