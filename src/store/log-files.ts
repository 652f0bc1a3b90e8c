/**
 * The files of a store's directory: their names, and making, mapping and flushing them.
 *
 * A segment is filled with zeros by ordinary writes before anyone maps it: a full disk is then an
 * error here, never a SIGBUS, and no page of it is a hole. It is never truncated, so a mapping
 * stays good for the life of the process. When it has been removed its slot, and so its name, is
 * used for another file: who keeps anything by slot looks at LOG_SLOT_OPENS as well.
 */
import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { crc32 } from "../base/crc32.ts";
import { failPoint } from "../base/fail-point.ts";
import { FileSpace } from "../base/file-space.ts";
import { LOG_SEGMENT_SIZE } from "./log-layout.ts";

const FILE_MODE = 0o600;
/**
 * A file is filled with zeros in pieces. What is written at once the page cache keeps together, as
 * one folio: a mapping faults once for all of it, and a change of one byte makes all of it dirty,
 * to be written to the disk. With 1 MiB a flush of 8 KiB takes 262 us, with 16 KiB 105. The first
 * touch of 1 KiB costs 0.34 us with 16 KiB, 0.16 with 64 and 0.10 with 256: with four flushes a
 * second 64 KiB cost the disk little even when hardly anything is written. Files of the map are
 * changed at random: single pages.
 */
const PIECE_ALWAYS = 16 * 1024;
const PIECE_EVERYSEC = 64 * 1024;
export const PIECE_RANDOM = 4096;
let zeros: Buffer | undefined;

export const MANIFEST_NAME = "manifest";
export const MARK_NAME = "mark";
export const LOCK_NAME = "lock";
/** What is being written ends so until it is renamed: never read. */
export const TEMPORARY = ".tmp";

/** Bytes between the two slots of the mark: they share no block of a disk. */
export const MARK_SLOT_DISTANCE = 4096;
const MARK_SLOT_SIZE = 64;
/** Where a slot's checksum is; it covers what is before it. */
export const MARK_CRC = 40;

export function segmentName(slot: number): string {
  return `log-${String(slot).padStart(6, "0")}`;
}

/** The slot that a file name stands for, -1 when it is no segment's. */
export function slotOfName(name: string): number {
  const match = /^log-(\d{6})$/.exec(name);
  return match === null ? -1 : Number(match[1]);
}

export function shardName(shard: number, serial: number): string {
  return `shard-${shard}-${String(serial).padStart(6, "0")}`;
}

/** Whether a file could be one that this program has made. */
export function isOurs(name: string): boolean {
  return /^(?:log-\d{6}|shard-\d-\d{6}|heap-\d{6}|manifest|mark|lock(?:-journal)?)(?:\.tmp)?$/.test(
    name,
  );
}

/** Makes what was made, renamed or removed in the directory durable. */
export function flushDirectory(dir: string): void {
  const descriptor = openSync(dir, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes a file of zeros, in pieces of `pieceSize` bytes. On an error nothing is left behind, and
 * the error is thrown.
 */
export function makeZeroed(dir: string, name: string, size: number, pieceSize: number): void {
  zeros ??= Buffer.alloc(PIECE_EVERYSEC);
  const path = join(dir, name);
  wantSpace(dir, size);
  failPoint("segment-create");
  const descriptor = openSync(path, "wx", FILE_MODE);
  try {
    for (let at = 0; at < size; at += pieceSize) {
      writeAll(descriptor, zeros, Math.min(pieceSize, size - at), at);
    }
    failPoint("segment-filled");
    flushDirectory(dir);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Throws what the disk would say at the end, if it has no room for `size` bytes: an attempt takes
 * what is left of it from everyone else meanwhile.
 */
function wantSpace(dir: string, size: number): void {
  const { blocks, bavail, bfree, bsize } = statfsSync(dir);
  // The last part of a disk is root's.
  const free = process.getuid?.() === 0 ? bfree : bavail;
  if (blocks === 0 || free * bsize >= size) return;
  throw Object.assign(new Error(`no room in ${dir}`), { code: "ENOSPC", syscall: "statfs" });
}

/** Makes the segment of a slot, for a log that is flushed after each change (`isAlways`) or not. */
export function makeSegment(dir: string, slot: number, isAlways: boolean): void {
  makeZeroed(dir, segmentName(slot), LOG_SEGMENT_SIZE, isAlways ? PIECE_ALWAYS : PIECE_EVERYSEC);
}

/**
 * Removes the segment of a slot. Those who have mapped it do not keep its space. Its name goes
 * first: nobody finds a segment of holes, which a full disk could not fill.
 */
export function removeSegment(dir: string, slot: number): void {
  const path = join(dir, segmentName(slot));
  const space = new FileSpace(path);
  try {
    rmSync(path, { force: true });
    space.release();
  } finally {
    space.close();
  }
}

/** Writes all of it: a short write is not an error of its own. */
export function writeAll(
  descriptor: number,
  bytes: Buffer,
  length: number,
  position: number | null,
): void {
  for (let done = 0; done < length; ) {
    const at = position === null ? null : position + done;
    done += writeSync(descriptor, bytes, done, length - done, at);
  }
}

/** One thread's views of a mapped file. */
export interface MappedFile {
  readonly bytes: Buffer;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
}

/** Maps a whole file, shared with everyone who maps it. */
export function mapFile(dir: string, name: string): MappedFile {
  const { buffer, byteOffset, byteLength } = Bun.mmap(join(dir, name), { shared: true });
  return {
    bytes: Buffer.from(buffer, byteOffset, byteLength),
    words: new Int32Array(buffer, byteOffset, byteLength >>> 2),
    doubles: new Float64Array(buffer, byteOffset, byteLength >>> 3),
  };
}

/** Replaces a small file: after this either the old or the new content is there, whole. */
export function replaceFile(dir: string, name: string, content: Buffer): void {
  const temporary = join(dir, name + TEMPORARY);
  const descriptor = openSync(temporary, "w", FILE_MODE);
  try {
    writeAll(descriptor, content, content.length, 0);
    fdatasyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  failPoint(`${name}-written`);
  renameSync(temporary, join(dir, name));
  failPoint(`${name}-renamed`);
  flushDirectory(dir);
}

// ---- The durable mark ---------------------------------------------------------------------------

export interface Mark {
  readonly run: number;
  readonly stamp: number;
  readonly timeMs: number;
}

/** Writes durable marks, into two slots by turns: at every moment one of them is whole. */
export class MarkFile {
  readonly #descriptor: number;
  readonly #slot = Buffer.alloc(MARK_SLOT_SIZE);
  #sequence: number;

  constructor(dir: string, sequence: number) {
    this.#descriptor = openSync(join(dir, MARK_NAME), "r+");
    this.#sequence = sequence;
  }

  write(run: number, stamp: number, timeMs: number): void {
    const slot = this.#slot;
    this.#sequence++;
    slot.writeDoubleLE(this.#sequence, 0);
    slot.writeDoubleLE(run, 8);
    slot.writeDoubleLE(stamp, 16);
    slot.writeDoubleLE(timeMs, 24);
    slot.writeInt32LE(crc32(slot, 0, MARK_CRC), MARK_CRC);
    const at = (this.#sequence % 2) * MARK_SLOT_DISTANCE;
    writeAll(this.#descriptor, slot, slot.length, at);
  }

  flush(): void {
    fdatasyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** What the mark's file holds. */
export interface FoundMark extends Mark {
  readonly sequence: number;
  /** The other slot holds no mark, and should: what counts is older than it may have been. */
  readonly isOtherDamaged: boolean;
}

/** The valid mark with the higher sequence, null when there is none. */
export function readMark(dir: string): FoundMark | null {
  const bytes = readFileSync(join(dir, MARK_NAME));
  const marks = [markAt(bytes, 0), markAt(bytes, MARK_SLOT_DISTANCE)];
  const best = (marks[0]?.sequence ?? 0) > (marks[1]?.sequence ?? 0) ? 0 : 1;
  const mark = marks[best];
  if (mark === undefined) return null;
  // The first mark of a store is alone.
  const isOtherUsed = mark.sequence > 1 || !isZero(bytes, (1 - best) * MARK_SLOT_DISTANCE);
  return { ...mark, isOtherDamaged: marks[1 - best] === undefined && isOtherUsed };
}

function markAt(bytes: Buffer, at: number): (Mark & { readonly sequence: number }) | undefined {
  if (bytes.length < at + MARK_SLOT_SIZE) return undefined;
  if (crc32(bytes, at, at + MARK_CRC) !== bytes.readInt32LE(at + MARK_CRC)) return undefined;
  return {
    sequence: bytes.readDoubleLE(at),
    run: bytes.readDoubleLE(at + 8),
    stamp: bytes.readDoubleLE(at + 16),
    timeMs: bytes.readDoubleLE(at + 24),
  };
}

function isZero(bytes: Buffer, at: number): boolean {
  for (let i = at; i < at + MARK_SLOT_SIZE; i++) if (bytes[i] !== 0) return false;
  return true;
}
