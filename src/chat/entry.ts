/**
 * An entry: one message of a room, or one change to who is there, as bytes. The same bytes travel
 * between threads (bus.ts), lie in the history (history.ts) and cross the bridge.
 *
 *      0 u32 size of all    4 u8 kind    5 u8 origin    6 u8 room size    7 u8 name size
 *      8 f64 seq            16 f64 time, ms since 1970
 *     24 f64 run            32 f64 author's run         40 u32 author's client id
 *     44 room | name | payload
 *
 * `origin` is the thread of `run` that put the entry into the store and onto the bus, and `seq`
 * counts the messages of that thread: who joins on another thread can tell by them what it will
 * still receive from what it must be given (history.ts). The author is somebody else when the
 * message came over the bridge.
 */

export const enum EntryKind {
  Text = 1,
  Binary = 2,
  /** A text that goes out as binary: POST /publish. */
  Published = 3,
  /** Somebody is there; the payload is empty. */
  Join = 4,
  Leave = 5,
  /** Who is in which room of other servers, all of them: the payload is JSON. */
  Rosters = 6,
  /** The bridge has come or gone, or has lost something: the payload is JSON. */
  Bridge = 7,
}

export interface Entry {
  kind: EntryKind;
  origin: number;
  seq: number;
  atMs: number;
  run: number;
  author: number;
  clientId: number;
  room: string;
  name: string;
  payload: Buffer;
}

const KIND_LAST = EntryKind.Bridge;
const HEADER_SIZE = 44;
const SIZE_START = 4096;
const SCRATCH_KEEP_SIZE_MAX = 1024 * 1024;

export function isMessage(kind: EntryKind): boolean {
  return kind <= EntryKind.Published;
}

/** Writes entries, one at a time, into a buffer that it keeps. */
export class EntryWriter {
  /** The entry is `bytes` 0 to `length`, valid until the next `write`. */
  bytes = Buffer.allocUnsafeSlow(SIZE_START);
  length = 0;

  /** `payload` may be text, which is written as UTF-8. Room and name fit 255 bytes each. */
  write(entry: Omit<Entry, "payload">, payload: Buffer | string): void {
    const payloadMax = typeof payload === "string" ? payload.length * 3 : payload.length;
    this.#reserve(HEADER_SIZE + 2 * 255 + payloadMax);
    const { bytes } = this;
    const roomSize = bytes.write(entry.room, HEADER_SIZE, 255, "utf8");
    const nameSize = bytes.write(entry.name, HEADER_SIZE + roomSize, 255, "utf8");
    const at = HEADER_SIZE + roomSize + nameSize;
    const payloadSize =
      typeof payload === "string" ? bytes.write(payload, at, "utf8") : payload.copy(bytes, at);
    this.length = at + payloadSize;
    bytes.writeUInt32LE(this.length, 0);
    bytes[4] = entry.kind;
    bytes[5] = entry.origin;
    bytes[6] = roomSize;
    bytes[7] = nameSize;
    bytes.writeDoubleLE(entry.seq, 8);
    bytes.writeDoubleLE(entry.atMs, 16);
    bytes.writeDoubleLE(entry.run, 24);
    bytes.writeDoubleLE(entry.author, 32);
    bytes.writeUInt32LE(entry.clientId, 40);
  }

  #reserve(size: number): void {
    const isTooLarge = this.bytes.length > SCRATCH_KEEP_SIZE_MAX && size <= SIZE_START;
    if (size <= this.bytes.length && !isTooLarge) return;
    this.bytes = Buffer.allocUnsafeSlow(Math.max(SIZE_START, size));
  }
}

/**
 * The entry that begins at `start`; its payload is a view. null when the bytes are no whole entry:
 * they may come from another server.
 */
export function readEntry(bytes: Buffer, start: number): Entry | null {
  if (bytes.length - start < HEADER_SIZE) return null;
  const size = bytes.readUInt32LE(start);
  const kind = bytes[start + 4] as EntryKind;
  const roomAt = start + HEADER_SIZE;
  const nameAt = roomAt + (bytes[start + 6] as number);
  const payloadAt = nameAt + (bytes[start + 7] as number);
  const end = start + size;
  if (end > bytes.length || payloadAt > end || kind < 1 || kind > KIND_LAST) return null;
  return {
    kind,
    origin: bytes[start + 5] as number,
    seq: bytes.readDoubleLE(start + 8),
    atMs: bytes.readDoubleLE(start + 16),
    run: bytes.readDoubleLE(start + 24),
    author: bytes.readDoubleLE(start + 32),
    clientId: bytes.readUInt32LE(start + 40),
    room: bytes.toString("utf8", roomAt, nameAt),
    name: bytes.toString("utf8", nameAt, payloadAt),
    payload: bytes.subarray(payloadAt, end),
  };
}

/** Size of the entry that begins at `start`. */
export function entrySize(bytes: Buffer, start: number): number {
  return bytes.readUInt32LE(start);
}
