/**
 * What is said in a room, to everybody in it: the way of a message on one thread.
 *
 *      a client, or POST /publish ──> history ──> bus ──> this thread's clients in the room
 *      another thread, or the bridge ───────────────────> this thread's clients in the room
 *
 * The sender hears its own message. Bytes are passed on as they came: binary as binary, text as
 * text; the chat page gets an envelope around them (protocol.ts). The runtime's topics do the
 * fan-out: one call for a room, however many are in it.
 */
import { clock } from "../base/clock.ts";
import type { Bus } from "./bus.ts";
import { type Entry, EntryKind, EntryWriter, isMessage } from "./entry.ts";
import type { History } from "./history.ts";
import { type BridgeNews, formatBridge, formatMessage, type Roster } from "./protocol.ts";
import type { Room, Rooms } from "./rooms.ts";
import { ChatStat, type ChatStats } from "./stats.ts";

/** Who says something. */
export interface Author {
  readonly id: number;
  readonly name: string;
}

/** What the relay needs from the server that it runs in. */
export interface Outlet {
  publish(topic: string, data: string | Buffer): void;
  /** So many bytes, over all clients, were handed out. */
  noteSent(sizeBytes: number): void;
}

export class Relay {
  /** What was last said about the bridge; null when there is none. */
  bridge: BridgeNews | null = null;
  readonly #worker: number;
  readonly #run: number;
  readonly #rooms: Rooms;
  readonly #history: History;
  readonly #stats: ChatStats;
  readonly #outlet: Outlet;
  readonly #bus: Bus;
  readonly #writer = new EntryWriter();
  #seq = 0;
  /** `seq` of the last message received from each origin. */
  readonly #received: number[] = [];

  constructor(parts: {
    worker: number;
    run: number;
    rooms: Rooms;
    history: History;
    stats: ChatStats;
    outlet: Outlet;
    connectBus: (receive: (entry: Entry) => void) => Bus;
  }) {
    this.#worker = parts.worker;
    this.#run = parts.run;
    this.#rooms = parts.rooms;
    this.#history = parts.history;
    this.#stats = parts.stats;
    this.#outlet = parts.outlet;
    this.#bus = parts.connectBus((entry) => this.#receive(entry));
  }

  /** Whether the other threads can take more. */
  hasRoom(): boolean {
    return this.#bus.hasRoom();
  }

  /** Everybody in the room gets the message; nobody may be in it. */
  say(kind: EntryKind, roomName: string, author: Author, said: string | Buffer): void {
    const head = this.#head(kind, roomName, author);
    head.seq = ++this.#seq;
    this.#writer.write(head, said);
    const { bytes, length } = this.#writer;
    if (!this.#history.add(roomName, bytes, length)) this.#stats.add(ChatStat.HistoryLost, 1);
    this.#bus.send(bytes, length);
    const room = this.#rooms.find(roomName);
    if (room !== undefined) this.#deliver(room, head, said);
  }

  join(roomName: string, author: Author): Room {
    this.#tell(EntryKind.Join, roomName, author);
    return this.#rooms.join(roomName, author.id, author.name);
  }

  leave(roomName: string, author: Author): void {
    this.#tell(EntryKind.Leave, roomName, author);
    this.#rooms.leave(roomName, author.id);
  }

  /** What who joins now is given: what has been said, without what will still come live. */
  historyOf(roomName: string, countMax: number): Entry[] {
    return this.#history.read(roomName, countMax, (entry) => this.#isKnown(entry));
  }

  #isKnown(entry: Entry): boolean {
    if (entry.run !== this.#run || entry.origin === this.#worker) return true;
    return entry.seq <= (this.#received[entry.origin] ?? 0);
  }

  #head(kind: EntryKind, room: string, author: Author): Omit<Entry, "payload"> {
    const run = this.#run;
    const { id, name } = author;
    const atMs = clock.nowMs;
    return { kind, origin: this.#worker, seq: 0, atMs, run, author: run, clientId: id, room, name };
  }

  #tell(kind: EntryKind, room: string, author: Author): void {
    this.#writer.write(this.#head(kind, room, author), "");
    this.#bus.send(this.#writer.bytes, this.#writer.length);
  }

  #receive(entry: Entry): void {
    if (isMessage(entry.kind)) {
      this.#received[entry.origin] = entry.seq;
      const room = this.#rooms.find(entry.room);
      if (room === undefined || room.rawCount + room.chatCount === 0) return;
      const isText = entry.kind === EntryKind.Text;
      this.#deliver(room, entry, isText ? entry.payload.toString("utf8") : entry.payload);
      return;
    }
    switch (entry.kind) {
      case EntryKind.Join:
        this.#rooms.join(entry.room, entry.clientId, entry.name);
        return;
      case EntryKind.Leave:
        this.#rooms.leave(entry.room, entry.clientId);
        return;
      case EntryKind.Rosters:
        this.#rooms.setRemote(JSON.parse(entry.payload.toString()) as Record<string, Roster>);
        return;
      case EntryKind.Bridge:
        this.#tellBridge(JSON.parse(entry.payload.toString()) as BridgeNews);
        return;
    }
  }

  #tellBridge(news: BridgeNews): void {
    this.bridge = news;
    const frame = formatBridge(news);
    for (const room of this.#rooms.all) {
      if (room.chatCount > 0) this.#outlet.publish(room.chatTopic, frame);
    }
  }

  #deliver(room: Room, head: Omit<Entry, "payload">, said: string | Buffer): void {
    const size = typeof said === "string" ? Buffer.byteLength(said) : said.length;
    let sent = 0;
    if (room.rawCount > 0) {
      this.#outlet.publish(room.rawTopic, said);
      sent = size * room.rawCount;
    }
    if (room.chatCount > 0) {
      const payload = typeof said === "string" ? Buffer.from(said) : said;
      const frame = formatMessage({ ...head, payload });
      this.#outlet.publish(room.chatTopic, frame);
      sent += frame.length * room.chatCount;
    }
    this.#stats.add(ChatStat.MessagesOut, room.rawCount + room.chatCount);
    this.#stats.add(ChatStat.BytesOut, sent);
    this.#outlet.noteSent(sent);
  }
}
