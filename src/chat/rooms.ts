/**
 * Rooms and who is in them, on all threads: each keeps a copy, from the Join and Leave entries of
 * the others, and knows besides which of its own clients are in a room.
 *
 * A room exists while somebody is in it; its history lives on in the store. What is known of other
 * servers (over the bridge) is a roster for each room, replaced as a whole.
 */
import { CHAT_ROSTER_NAMES_MAX } from "../base/limits.ts";
import { type Member, memberId, type Roster } from "./protocol.ts";

export class Room {
  readonly name: string;
  /** Topics of the runtime: clients that get messages as they are, and the chat page's. */
  readonly rawTopic: string;
  readonly chatTopic: string;
  /** This thread's clients. */
  rawCount = 0;
  chatCount = 0;
  /** Everybody of this server: client id to name. */
  readonly members = new Map<number, string>();
  /** Whether a roster is due. */
  isChanged = false;
  /** When the last one was sent. */
  rosterMs = 0;

  constructor(name: string) {
    this.name = name;
    this.rawTopic = `raw:${name}`;
    this.chatTopic = `chat:${name}`;
  }
}

export class Rooms {
  readonly #run: number;
  readonly #rooms = new Map<string, Room>();
  #remote: Readonly<Record<string, Roster>> = {};

  constructor(run: number) {
    this.#run = run;
  }

  get count(): number {
    return this.#rooms.size;
  }

  get all(): Iterable<Room> {
    return this.#rooms.values();
  }

  find(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  join(name: string, clientId: number, memberName: string): Room {
    let room = this.#rooms.get(name);
    if (room === undefined) {
      room = new Room(name);
      this.#rooms.set(name, room);
    }
    room.members.set(clientId, memberName);
    room.isChanged = true;
    return room;
  }

  leave(name: string, clientId: number): void {
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    room.members.delete(clientId);
    room.isChanged = true;
    if (room.members.size === 0) this.#rooms.delete(name);
  }

  /** Who is in rooms of other servers; marks every room, most of which nobody looks at. */
  setRemote(rosters: Readonly<Record<string, Roster>>): void {
    this.#remote = rosters;
    for (const room of this.#rooms.values()) room.isChanged = true;
  }

  /** This server's part of a room's roster; CHAT_ROSTER_NAMES_MAX names at the most. */
  localRosterOf(room: Room): Roster {
    const members: Member[] = [];
    for (const [clientId, name] of room.members) {
      if (members.length === CHAT_ROSTER_NAMES_MAX) break;
      if (name !== "") members.push({ id: memberId(this.#run, clientId), name });
    }
    return { count: room.members.size, members };
  }

  rosterOf(room: Room): Roster {
    const local = this.localRosterOf(room);
    const remote = Object.hasOwn(this.#remote, room.name) ? this.#remote[room.name] : undefined;
    if (remote === undefined) return local;
    const members = [...local.members, ...remote.members].slice(0, CHAT_ROSTER_NAMES_MAX);
    return { count: local.count + remote.count, members };
  }
}
