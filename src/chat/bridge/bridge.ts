/**
 * The bridge between the chat servers on one Redis, Valkey, kv or NATS server, on the main thread.
 *
 *      Workers ── bus ──> bridge ── envelope ──> transport ── ... ──> the other servers
 *      Workers <── bus ── bridge <── history <── transport <── ... ── the other servers
 *
 * It takes part in the bus as one more thread, whose messages are those of the other servers. Its
 * own come back from the channel and are known by their run: nobody hears them twice.
 *
 * What is lost while the connection is away is counted and told: to the log, to /metrics and to the
 * chat page. Ours are counted as they are refused, theirs by the gap in their numbers.
 */
import { clock } from "../../base/clock.ts";
import {
  CHAT_BRIDGE_BEAT_MS,
  CHAT_BRIDGE_ROSTERS_SIZE_MAX,
  CHAT_ROSTER_INTERVAL_MS,
} from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import { problemOfRoom } from "../admission.ts";
import type { Bus } from "../bus.ts";
import { type Entry, EntryKind, EntryWriter, isMessage } from "../entry.ts";
import type { History } from "../history.ts";
import type { BridgeNews, Roster } from "../protocol.ts";
import { Rooms } from "../rooms.ts";
import { ChatStat, type ChatStats } from "../stats.ts";
import { openEnvelope, sealEnvelope } from "./envelope.ts";
import { BridgePeers, parseRosters } from "./peers.ts";
import type { BridgeEvents, BridgeTransport } from "./transport.ts";

const AWAY =
  "The connection to the other servers is lost. Messages stay on this one until it is back.";

export interface BridgeParts {
  readonly run: number;
  /** This thread's number on the bus. */
  readonly origin: number;
  readonly payloadSizeMax: number;
  readonly history: History;
  readonly stats: ChatStats;
  readonly log: Log;
  readonly transport: BridgeTransport;
  connectBus(receive: (entry: Entry) => void): Bus;
}

export class Bridge implements BridgeEvents {
  readonly #parts: BridgeParts;
  readonly #bus: Bus;
  readonly #rooms: Rooms;
  readonly #peers = new BridgePeers();
  readonly #writer = new EntryWriter();
  #timer: Timer | undefined;
  /** null before it was connected for the first time. */
  #isConnected: boolean | null = null;
  #awaySinceMs = 0;
  #outSeq = 0;
  #inSeq = 0;
  /** Lost and not yet told. */
  #lostOut = 0;
  #lostIn = 0;
  #areRostersDue = false;
  #beatMs = 0;
  #mergedSent = "{}";
  #reasonLogged = "";

  constructor(parts: BridgeParts) {
    this.#parts = parts;
    this.#rooms = new Rooms(parts.run);
    this.#bus = parts.connectBus((entry) => this.#fromHere(entry));
  }

  start(): void {
    this.#tell(false, "Connecting to the other servers.");
    this.#parts.transport.start(this);
    this.#timer = setInterval(() => this.#tick(), CHAT_ROSTER_INTERVAL_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#isConnected === true) this.#publishRosters({}, true);
    // One turn for the last message to be written.
    await Bun.sleep(1);
    await this.#parts.transport.stop();
  }

  // ---- From this server -------------------------------------------------------------------------

  #fromHere(entry: Entry): void {
    if (isMessage(entry.kind)) {
      this.#outSeq++;
      this.#writer.write(entry, entry.payload);
      const sealed = this.#seal();
      if (this.#parts.transport.publish(entry.room, sealed)) {
        this.#parts.stats.add(ChatStat.BridgeOut, 1);
      } else {
        this.unconfirmed(1);
      }
      return;
    }
    if (entry.kind === EntryKind.Join) this.#rooms.join(entry.room, entry.clientId, entry.name);
    else this.#rooms.leave(entry.room, entry.clientId);
    this.#areRostersDue = true;
  }

  /** An envelope around what was written last. */
  #seal(): Buffer {
    return sealEnvelope(this.#parts.run, this.#outSeq, this.#writer.bytes, this.#writer.length);
  }

  #tick(): void {
    clock.resync();
    this.#peers.expire(clock.nowMs);
    this.#passRosters();
    if (this.#isConnected !== true) return;
    this.#tellLosses();
    if (this.#areRostersDue || clock.nowMs - this.#beatMs >= CHAT_BRIDGE_BEAT_MS) this.#beat();
  }

  #beat(): void {
    this.#areRostersDue = false;
    this.#beatMs = clock.nowMs;
    const rosters: Record<string, Roster> = {};
    let size = 0;
    for (const room of this.#rooms.all) {
      const { count, members } = this.#rooms.localRosterOf(room);
      size += 128 + members.length * 64;
      rosters[room.name] = { count, members: size > CHAT_BRIDGE_ROSTERS_SIZE_MAX ? [] : members };
    }
    this.#publishRosters(rosters, false);
  }

  #publishRosters(rooms: Readonly<Record<string, Roster>>, isLeaving: boolean): void {
    this.#write(EntryKind.Rosters, JSON.stringify({ rooms, isLeaving }));
    this.#parts.transport.publish(null, this.#seal());
  }

  // ---- From the transport -----------------------------------------------------------------------

  connected(): void {
    const { log, stats } = this.#parts;
    clock.resync();
    const awayMs = clock.nowMs - this.#awaySinceMs;
    const isBack = this.#isConnected !== null;
    this.#isConnected = true;
    this.#reasonLogged = "";
    stats.set(ChatStat.BridgeIsConnected, 1);
    stats.add(ChatStat.BridgeConnects, 1);
    log.info(isBack ? `bridge: connected again after ${awayMs} ms` : "bridge: connected");
    this.#tell(true, isBack ? `The other servers are back after ${seconds(awayMs)}.` : "");
    this.#tellLosses();
    this.#beat();
  }

  disconnected(reason: string): void {
    const { log, stats } = this.#parts;
    if (this.#isConnected === true) {
      clock.resync();
      this.#awaySinceMs = clock.nowMs;
      stats.set(ChatStat.BridgeIsConnected, 0);
      this.#tell(false, AWAY);
    }
    if (this.#isConnected === true || reason !== this.#reasonLogged) {
      log.warn(`bridge: not connected (${reason}), trying again`);
    }
    this.#reasonLogged = reason;
    if (this.#isConnected === true) this.#isConnected = false;
  }

  unconfirmed(count: number): void {
    this.#lostOut += count;
    this.#parts.stats.add(ChatStat.BridgeLostOut, count);
  }

  heard(room: string | null, bytes: Buffer): void {
    clock.tick();
    const envelope = openEnvelope(bytes);
    if (envelope === null) {
      if (room !== null) this.#fromStranger(room, bytes);
      return;
    }
    const { run, seq, entry } = envelope;
    if (run === this.#parts.run) return;
    const lost = this.#peers.note(run, seq, room !== null, clock.nowMs);
    if (lost > 0) this.#noteLostIn(lost);
    if (room === null) this.#fromControl(run, entry);
    else if (isMessage(entry.kind)) this.#fromOther({ ...entry, room });
  }

  #fromControl(run: number, entry: Entry): void {
    const rosters = parseRosters(entry.payload.toString("utf8"));
    if (rosters === null) return;
    if (rosters.isLeaving) this.#peers.remove(run);
    else this.#peers.setRosters(run, rosters.rooms);
    this.#passRosters();
  }

  /** A program that is no chat server has published to a room's channel. */
  #fromStranger(room: string, bytes: Buffer): void {
    this.#fromOther({
      kind: isUtf8(bytes) ? EntryKind.Text : EntryKind.Binary,
      origin: 0,
      seq: 0,
      atMs: clock.nowMs,
      run: 0,
      author: 0,
      clientId: 0,
      room,
      name: "",
      payload: bytes,
    });
  }

  #fromOther(entry: Entry): void {
    const { history, stats, payloadSizeMax, run, origin } = this.#parts;
    const isSound = entry.payload.length <= payloadSizeMax && problemOfRoom(entry.room) === null;
    if (!isSound || !this.#bus.hasRoom()) {
      this.#noteLostIn(1);
      return;
    }
    stats.add(ChatStat.BridgeIn, 1);
    this.#writer.write({ ...entry, run, origin, seq: ++this.#inSeq }, entry.payload);
    const { bytes, length } = this.#writer;
    if (!history.add(entry.room, bytes, length)) stats.add(ChatStat.HistoryLost, 1);
    this.#bus.send(bytes, length);
  }

  // ---- To the Workers ---------------------------------------------------------------------------

  #passRosters(): void {
    const merged = JSON.stringify(this.#peers.merged());
    if (merged === this.#mergedSent) return;
    this.#mergedSent = merged;
    this.#write(EntryKind.Rosters, merged);
    this.#bus.send(this.#writer.bytes, this.#writer.length);
  }

  #noteLostIn(count: number): void {
    this.#lostIn += count;
    this.#parts.stats.add(ChatStat.BridgeLostIn, count);
  }

  #tellLosses(): void {
    const { log } = this.#parts;
    if (this.#lostOut > 0) {
      const text = `${messages(this.#lostOut)} from here did not reach the other servers.`;
      log.warn(`bridge: ${text}`);
      this.#tell(true, text);
    }
    if (this.#lostIn > 0) {
      const text = `${messages(this.#lostIn)} of other servers did not arrive here.`;
      log.warn(`bridge: ${text}`);
      this.#tell(true, text);
    }
    this.#lostOut = 0;
    this.#lostIn = 0;
  }

  #tell(isConnected: boolean, text: string): void {
    const news: BridgeNews = { isConnected, text };
    this.#write(EntryKind.Bridge, JSON.stringify(news));
    this.#bus.send(this.#writer.bytes, this.#writer.length);
  }

  #write(kind: EntryKind, payload: string): void {
    const { run, origin } = this.#parts;
    const head = { seq: 0, atMs: clock.nowMs, author: run, clientId: 0, room: "", name: "" };
    this.#writer.write({ kind, origin, run, ...head }, payload);
  }
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
