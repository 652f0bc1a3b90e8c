/**
 * The clients of one thread: how they end, and what they may leave unread.
 *
 *      open ── messages ──> closing (Close frame sent, its code says why) ──> gone
 *                              └── CHAT_CLOSE_LINGER_MS without an answer: cut off
 *
 * What a client has not read is looked at after every CHAT_SWEEP_BYTES handed out, and by a timer.
 * Above --max-backlog it is closed with 1013 (try again later); the runtime has a limit of its own,
 * CHAT_BACKLOG_SLACK_SIZE above, at which it cuts the client off. So a message is delivered, or the
 * client is gone: none is left out of the middle.
 */
import {
  CHAT_BACKLOG_TOTAL_SIZE_MAX,
  CHAT_CLOSE_LINGER_MS,
  CHAT_SWEEP_BYTES,
} from "../base/limits.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { Room } from "./rooms.ts";
import { ChatStat, type ChatStats, type CloseReason } from "./stats.ts";

export type ChatSocket = Bun.ServerWebSocket<ChatClient>;

/** What belongs to one WebSocket. */
export interface ChatClient {
  readonly id: number;
  readonly roomName: string;
  readonly name: string;
  /** Speaks kv.chat.v1. */
  readonly isChat: boolean;
  readonly historyCount: number;
  readonly rate: RateLimit;
  /** null before it has joined and after it has left. */
  room: Room | null;
  /** Why this server has closed it; null as long as it has not. */
  closing: CloseReason | null;
  /** What it had not read when last looked at. */
  backlogBytes: number;
}

/** The code and words of a Close frame. 1013 means: try again later. */
const CLOSE_FRAMES: Readonly<Partial<Record<CloseReason, readonly [number, string]>>> = {
  rate: [1008, "too many messages: see --rate-limit"],
  backlog: [1013, "too slow: too many bytes unread, see --max-backlog"],
  protocol: [1003, "not a message of kv.chat.v1"],
  overload: [1013, "the server is overloaded"],
  shutdown: [1001, "the server is stopping"],
};

export class Clients {
  readonly #sockets = new Set<ChatSocket>();
  readonly #stats: ChatStats;
  readonly #backlogSizeMax: number;
  readonly #backlogTotalMax: number;
  #bytesSinceSweep = 0;
  #backlogTotal = 0;

  constructor(stats: ChatStats, backlogSizeMax: number, threads: number) {
    this.#stats = stats;
    this.#backlogSizeMax = backlogSizeMax;
    this.#backlogTotalMax = Math.max(backlogSizeMax, CHAT_BACKLOG_TOTAL_SIZE_MAX / threads);
  }

  add(socket: ChatSocket): void {
    this.#sockets.add(socket);
    this.#stats.add(ChatStat.ConnectionsTotal, 1);
  }

  /** The socket is gone; `code` and `words` are what the runtime says about it. */
  remove(socket: ChatSocket, code: number, words: string): void {
    if (!this.#sockets.delete(socket)) return;
    this.#stats.noteClose(socket.data.closing ?? this.#reasonOf(socket.data, code, words));
  }

  /** Says why and closes; what is on its way to the client comes first. */
  close(socket: ChatSocket, reason: CloseReason): void {
    if (socket.data.closing !== null) return;
    socket.data.closing = reason;
    const [code, words] = CLOSE_FRAMES[reason] ?? [1000, ""];
    socket.close(code, words);
    setTimeout(() => socket.terminate(), CHAT_CLOSE_LINGER_MS).unref();
  }

  closeAll(reason: CloseReason): void {
    for (const socket of [...this.#sockets]) this.close(socket, reason);
  }

  terminateAll(): void {
    for (const socket of [...this.#sockets]) socket.terminate();
  }

  /** Counts what was handed out, and looks at the backlogs when it was much. */
  noteSent(sizeBytes: number): void {
    this.#bytesSinceSweep += sizeBytes;
    if (this.#bytesSinceSweep >= CHAT_SWEEP_BYTES) this.sweep();
  }

  /** Closes those who have too much unread. */
  sweep(): void {
    if (this.#bytesSinceSweep === 0 && this.#backlogTotal === 0) return;
    this.#bytesSinceSweep = 0;
    let total = 0;
    for (const socket of [...this.#sockets]) {
      const backlogBytes = socket.getBufferedAmount();
      socket.data.backlogBytes = backlogBytes;
      if (backlogBytes > this.#backlogSizeMax) this.close(socket, "backlog");
      else total += backlogBytes;
    }
    if (total > this.#backlogTotalMax) total = this.#closeLargest(total);
    this.#backlogTotal = total;
    this.#stats.set(ChatStat.BacklogBytes, total);
  }

  #closeLargest(total: number): number {
    const largestFirst = [...this.#sockets].sort(
      (a, b) => b.data.backlogBytes - a.data.backlogBytes,
    );
    let rest = total;
    for (const socket of largestFirst) {
      if (rest <= this.#backlogTotalMax) break;
      rest -= socket.data.backlogBytes;
      this.close(socket, "backlog");
    }
    return rest;
  }

  /** The runtime closes by itself and says 1006 and these words, whatever it told the client. */
  #reasonOf(client: ChatClient, code: number, words: string): CloseReason {
    if (words === "Received too big message") return "payload";
    if (words.includes("timed out")) return "idle";
    if (code !== 1006) return "client";
    if (words !== "") return "protocol";
    return client.backlogBytes > 0 ? "backlog" : "lost";
  }
}
