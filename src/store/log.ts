/**
 * The log's writer: one for each Worker that changes the store. Appends records to the Worker's own
 * chunk of a mapped segment; docs/internals/durable.md says how records lie there and why they come
 * back in the right order.
 *
 * Used between lock and unlock of the bucket that is changed, in this order:
 *
 *     reserve(size) -> change the map -> append(...)
 *
 * `reserve` is where a full disk shows; after it `append` finds its room. Changes that cannot be
 * refused (deletions) append without it: they get the chunks that reserve leaves alone.
 *
 * Who may write: #fields, this Worker; control words behind LOG_LOCK, its holder; LOG_STAMP_NEXT,
 * everyone by Atomics.add.
 */
import { crc32Words } from "../base/crc32.ts";
import { FatalError, reasonOf } from "../base/errors.ts";
import { adviseWritten } from "../base/memory-advice.ts";
import type { Cursor } from "./cursor.ts";
import { latch, unlatch } from "./latch.ts";
import { chunkSeed, recordCheck } from "./log-check.ts";
import { type MappedFile, makeSegment, mapFile, removeSegment, segmentName } from "./log-files.ts";
import {
  CHUNK_FORMAT_WORD,
  CHUNK_NUMBER_WORD,
  CHUNK_RUN_WORD,
  CHUNK_WORKER_WORD,
  FORMAT,
  LOG_CHUNK_CRC,
  LOG_CHUNK_HEADER_SIZE,
  LOG_CHUNK_MAGIC,
  LOG_CHUNK_SIZE,
  LOG_CHUNKS,
  LOG_CRC,
  LOG_DB_SHIFT,
  LOG_FLAGS_SHIFT,
  LOG_FULL,
  LOG_GROUPED,
  LOG_HAS_NUMBER,
  LOG_HEADER_SIZE,
  LOG_KEY,
  LOG_KIND,
  LOG_LOCK,
  LOG_MAKE_LOCK,
  LOG_MODE,
  LOG_MODE_ALWAYS,
  LOG_OP_SHIFT,
  LOG_OPEN_CHUNK,
  LOG_OPEN_SLOT,
  LOG_READY,
  LOG_READY_COUNT,
  LOG_READY_MAX,
  LOG_RECORD_SIZE_MAX,
  LOG_RUN,
  LOG_SEGMENTS_USED,
  LOG_SIZE,
  LOG_SLOT_HELD,
  LOG_SLOT_OPENS,
  LOG_SLOT_STATE,
  LOG_SLOT_TAKES,
  LOG_SLOTS_COUNT,
  LOG_SLOTS_MAX,
  LOG_STAMP,
  LOG_STAMP_NEXT,
  LOG_VALUE_LENGTH,
  type LogHandle,
  OP_COMMIT,
  OP_FRAGMENT,
  SLOT_NONE,
  SLOT_READY,
  SLOT_USED,
  TIME_CHUNK_NEXT,
  TIME_SLOT_LAST,
  TIME_STAMP_BASE,
  TIME_WORKER_BYTES,
  TIME_WORKER_STRIDE,
} from "./log-layout.ts";
import { copyIn } from "./upsert.ts";

/**
 * Chunks of the last segment that only changes which cannot be refused may take, when no other
 * segment is ready.
 */
const ESSENTIAL_CHUNKS = 16;
/** Room beside key and value that `reserve` counts with: header, number, padding, a fragment's. */
const RESERVE_OVERHEAD = 2 * (LOG_HEADER_SIZE + 16);
/** The rest of a chunk below this is not worth a fragment. */
const FRAGMENT_SIZE_MIN = 4096;
/** Old mappings are only given up by the collector, which sees no reason to come by itself. */
const MAPS_A_COLLECTION = 32;
const SAFE_DISTANCE = 2 ** 30;
/** Chunks that were taken ahead and are kept when they were not needed. */
const SPARES_KEPT = 1;
const EMPTY = Buffer.allocUnsafeSlow(0);

/** What is shared of the log: one thread's views. */
export class LogState {
  readonly dir: string;
  readonly control: Int32Array;
  readonly times: Float64Array;

  constructor(handle: LogHandle) {
    this.dir = handle.dir;
    this.control = new Int32Array(handle.control);
    this.times = new Float64Array(handle.times);
  }

  /** The last stamp that was drawn. */
  lastStamp(): number {
    return this.fullStamp(Atomics.load(this.control, LOG_STAMP_NEXT)) - 1;
  }

  /** The stamp with this low word that is nearest to those drawn now. */
  fullStamp(low: number): number {
    const base = this.times[TIME_STAMP_BASE] as number;
    return base + ((low - (base % 2 ** 32)) | 0);
  }
}

export class LogWriter {
  readonly state: LogState;
  /** Stamp of the last record that this Worker has written, 0 for none. */
  lastStamp = 0;
  /** Records go to a group until `endGroup`. */
  isGrouped = false;
  readonly #worker: number;
  readonly #control: Int32Array;
  readonly #times: Float64Array;
  readonly #bytesWord: number;
  readonly #mapped: (MappedFile | undefined)[] = [];
  readonly #mappedOpens: number[] = [];
  #mapsCount = 0;
  /** Chunks taken ahead by `reserve`: slot and chunk by turns. */
  readonly #spares: number[] = [];
  #groupedCount = 0;
  /** A stamp that is not far from the next one, and its low word. */
  #base: number;
  #baseLow: number;
  // ---- The chunk that is written to ----
  #slot = -1;
  #words: Int32Array = new Int32Array(0);
  #doubles: Float64Array = new Float64Array(0);
  #bytes: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  #seed = 0;

  constructor(handle: LogHandle, worker: number) {
    this.state = new LogState(handle);
    this.#control = this.state.control;
    this.#times = this.state.times;
    this.#worker = worker;
    this.#bytesWord = TIME_WORKER_BYTES + worker * TIME_WORKER_STRIDE;
    this.#base = this.#times[TIME_STAMP_BASE] as number;
    this.#baseLow = this.#base | 0;
  }

  /** At the beginning of a batch: an idle Worker must not lose count of the stamps' high part. */
  beginBatch(): void {
    const base = this.#times[TIME_STAMP_BASE] as number;
    if (base <= this.#base) return;
    this.#base = base;
    this.#baseLow = base | 0;
  }

  /**
   * Makes sure that a record with key and value of `size` bytes in all can be appended. False:
   * there is no room on the disk. Hot.
   */
  reserve(size: number): boolean {
    return this.#end - this.#at >= size + RESERVE_OVERHEAD || this.#reserveChunks(size);
  }

  /**
   * The same for `count` records with `size` bytes in all. What is left of a chunk may be too short
   * for the next one: as much again, but for values that come in fragments.
   */
  reserveAll(size: number, count: number): boolean {
    const lost = Math.min(size, count * LOG_RECORD_SIZE_MAX);
    return this.reserve(size + lost + 2 * count * RESERVE_OVERHEAD);
  }

  /**
   * Appends a record about the cursor's key. `number` counts with LOG_HAS_NUMBER in `flags` only;
   * the value is bytes [start, start + length) of `value`. Hot.
   */
  append(
    cursor: Cursor,
    op: number,
    flags: number,
    number: number,
    value: Buffer,
    start: number,
    length: number,
  ): void {
    const keyLength = cursor.keyLength;
    const head = LOG_HEADER_SIZE + ((flags & LOG_HAS_NUMBER) << 3);
    let from = start;
    let rest = length;
    let size = (head + keyLength + rest + 7) & ~7;
    if (this.#at + size > this.#end) {
      const written = this.#makeRoom(head + keyLength, value, start, length);
      from += written;
      rest -= written;
      size = (head + keyLength + rest + 7) & ~7;
    }
    const words = this.#words;
    const at = this.#at;
    const w = at >>> 2;
    let kind = (op << LOG_OP_SHIFT) | (flags << LOG_FLAGS_SHIFT);
    if (this.isGrouped) {
      kind |= LOG_GROUPED << LOG_FLAGS_SHIFT;
      this.#groupedCount++;
    }
    words[w + LOG_KEY] = keyLength | (cursor.db << LOG_DB_SHIFT);
    words[w + LOG_VALUE_LENGTH] = rest;
    if ((flags & LOG_HAS_NUMBER) !== 0) this.#doubles[(at + LOG_HEADER_SIZE) >>> 3] = number;
    copyIn(this.#bytes, at + head, cursor.bytes, cursor.keyStart, keyLength);
    copyIn(this.#bytes, at + head + keyLength, value, from, rest);
    this.#publish(words, w, kind, size);
  }

  /** Draws the stamp, writes the rest of the header, checksum and size last. Hot. */
  #publish(words: Int32Array, w: number, kind: number, size: number): void {
    const stamp = this.#drawStamp();
    words[w + LOG_STAMP] = stamp | 0;
    words[w + LOG_KIND] = kind | Math.floor(stamp / 2 ** 32);
    words[w + LOG_CRC] = recordCheck(words, w, size, this.#seed, FORMAT);
    words[w + LOG_SIZE] = size;
    this.#at += size;
    this.lastStamp = stamp;
    (this.#times[this.#bytesWord] as number) += size;
  }

  #drawStamp(): number {
    const low = Atomics.add(this.#control, LOG_STAMP_NEXT, 1);
    const distance = (low - this.#baseLow) | 0;
    const stamp = this.#base + distance;
    if (distance > SAFE_DISTANCE) {
      this.#base = stamp;
      this.#baseLow = low;
    }
    return stamp;
  }

  /** Ends the group, if any record was written to it. */
  endGroup(): void {
    this.isGrouped = false;
    if (this.#groupedCount > 0) {
      this.#groupedCount = 0;
      this.note(OP_COMMIT, 0, 0, EMPTY, 0);
    }
    if (this.#spares.length > 2 * SPARES_KEPT) this.#giveSparesBack();
  }

  /** Appends a record that is about no key. */
  note(op: number, flags: number, number: number, value: Buffer, length: number): void {
    nobody.keyLength = 0;
    this.append(nobody, op, flags, number, value, 0, length);
  }

  // ---- Room ----

  /**
   * Goes to another chunk, after filling this one and others with fragments of a value that no
   * chunk has room for. Returns the bytes of the value that fragments hold.
   */
  #makeRoom(head: number, value: Buffer, start: number, length: number): number {
    if (head + length + 8 <= LOG_RECORD_SIZE_MAX) {
      this.#nextChunk();
      return 0;
    }
    const wasGrouped = this.isGrouped;
    this.isGrouped = true;
    let written = 0;
    for (;;) {
      const room = this.#end - this.#at;
      if (head + (length - written) + 8 <= room) break;
      const piece = Math.min(length - written, (room - LOG_HEADER_SIZE) & ~7);
      if (piece < FRAGMENT_SIZE_MIN) {
        this.#nextChunk();
        continue;
      }
      nobody.keyLength = 0;
      this.append(nobody, OP_FRAGMENT, 0, 0, value, start + written, piece);
      written += piece;
    }
    this.isGrouped = wasGrouped;
    if (!wasGrouped) this.#groupedCount = 0;
    return written;
  }

  /** Takes as many chunks ahead as a value of `size` bytes needs. */
  #reserveChunks(size: number): boolean {
    const overhead = RESERVE_OVERHEAD + FRAGMENT_SIZE_MIN;
    const usable = LOG_RECORD_SIZE_MAX - overhead;
    let room = (this.#spares.length / 2) * usable;
    // What is left of the current chunk counts only when the value comes in fragments.
    if (size + RESERVE_OVERHEAD > LOG_RECORD_SIZE_MAX) {
      room += Math.max(0, this.#end - this.#at - overhead);
    }
    for (; room < size + RESERVE_OVERHEAD; room += usable) {
      if (this.#takeChunk(false)) continue;
      this.#giveSparesBack();
      return false;
    }
    return true;
  }

  /** Gives up chunks that were taken ahead for more than came: they would pin their segments. */
  #giveSparesBack(): void {
    const control = this.#control;
    latch(control, LOG_LOCK);
    while (this.#spares.length > 2 * SPARES_KEPT) {
      this.#spares.pop();
      const held = LOG_SLOT_HELD + (this.#spares.pop() as number);
      control[held] = (control[held] as number) - 1;
    }
    unlatch(control, LOG_LOCK);
  }

  /** Leaves the current chunk for the first of those taken ahead, or for a new one. */
  #nextChunk(): void {
    if (this.#spares.length === 0 && !this.#takeChunk(true)) {
      throw new FatalError(
        "Cannot write to the log: no room is left for what cannot be refused",
        "free some space on the disk and start again: nothing that was acknowledged is lost",
      );
    }
    const slot = this.#spares.shift() as number;
    const chunk = this.#spares.shift() as number;
    this.#leave();
    const mapped = this.#map(slot);
    this.#slot = slot;
    this.#words = mapped.words;
    this.#doubles = mapped.doubles;
    this.#bytes = mapped.bytes;
    this.#at = chunk * LOG_CHUNK_SIZE + LOG_CHUNK_HEADER_SIZE;
    this.#end = (chunk + 1) * LOG_CHUNK_SIZE;
    const header = (chunk * LOG_CHUNK_SIZE) >>> 3;
    this.#seed = chunkSeed(mapped.doubles[header + CHUNK_NUMBER_WORD / 2] as number);
  }

  /** Gives the current chunk up: its segment can be recycled once its records are not needed. */
  #leave(): void {
    if (this.#slot < 0) return;
    adviseWritten(this.#bytes, this.#end - LOG_CHUNK_SIZE, LOG_CHUNK_SIZE);
    const control = this.#control;
    latch(control, LOG_LOCK);
    control[LOG_SLOT_HELD + this.#slot] = (control[LOG_SLOT_HELD + this.#slot] as number) - 1;
    const last = TIME_SLOT_LAST + this.#slot;
    this.#times[last] = Math.max(this.#times[last] as number, this.lastStamp);
    unlatch(control, LOG_LOCK);
    this.#slot = -1;
  }

  /**
   * Maps the segment, anew each time that it is opened: what a mapping has flushed before faults
   * once more for every 4 KiB page, in a new one 2 MiB fault at once (64 MiB: 120 ms and 5 ms).
   */
  #map(slot: number): MappedFile {
    const opens = this.#control[LOG_SLOT_OPENS + slot] as number;
    let mapped = this.#mapped[slot];
    if (mapped === undefined || this.#mappedOpens[slot] !== opens) {
      mapped = mapFile(this.state.dir, segmentName(slot));
      this.#mapped[slot] = mapped;
      this.#mappedOpens[slot] = opens;
      if (++this.#mapsCount % MAPS_A_COLLECTION === 0) Bun.gc(true);
    }
    return mapped;
  }

  /** Takes the next chunk of the open segment, or of the next one, and writes its header. */
  #takeChunk(isEssential: boolean): boolean {
    const control = this.#control;
    for (;;) {
      latch(control, LOG_LOCK);
      try {
        const slot = claimChunk(control, isEssential);
        if (slot >= 0) {
          this.#takeChunkOf(slot);
          return true;
        }
      } catch (error) {
        // The segment cannot be mapped: others may be able to, so they must not wait for the latch.
        Atomics.store(control, LOG_FULL, refusalCode(error));
        return false;
      } finally {
        unlatch(control, LOG_LOCK);
      }
      // It was tried a moment ago, and will be again: not before every change that is refused.
      if (!isEssential && Atomics.load(control, LOG_FULL) !== 0) return false;
      // Whoever makes segments in the background is late: do it here.
      if (!prepareSegment(this.state, 1)) return false;
    }
  }

  /** Takes the next chunk of the open slot. Under LOG_LOCK. Throws what mapping it throws. */
  #takeChunkOf(slot: number): void {
    const file = this.#map(slot);
    const control = this.#control;
    const chunk = control[LOG_OPEN_CHUNK] as number;
    control[LOG_OPEN_CHUNK] = chunk + 1;
    control[LOG_SLOT_HELD + slot] = (control[LOG_SLOT_HELD + slot] as number) + 1;
    const number = this.#times[TIME_CHUNK_NEXT] as number;
    this.#times[TIME_CHUNK_NEXT] = number + 1;
    this.#writeHeader(file, chunk, number);
    Atomics.add(control, LOG_SLOT_TAKES + slot, 1);
    this.#spares.push(slot, chunk);
  }

  #writeHeader({ words, doubles }: MappedFile, chunk: number, number: number): void {
    const w = (chunk * LOG_CHUNK_SIZE) >>> 2;
    words[w] = LOG_CHUNK_MAGIC;
    words[w + CHUNK_FORMAT_WORD] = FORMAT;
    doubles[(w + CHUNK_NUMBER_WORD) >>> 1] = number;
    words[w + CHUNK_RUN_WORD] = this.#control[LOG_RUN] as number;
    words[w + CHUNK_WORKER_WORD] = this.#worker;
    words[w + LOG_CHUNK_CRC / 4] = crc32Words(words, w, LOG_CHUNK_CRC / 4);
  }
}

const nobody = { keyLength: 0, keyStart: 0, bytes: EMPTY, db: 0 } as unknown as Cursor;

/**
 * The slot whose next chunk can be taken: the open one's, or the next ready one is opened. -1:
 * there is none for this caller. Under LOG_LOCK.
 */
function claimChunk(control: Int32Array, isEssential: boolean): number {
  const ready = control[LOG_READY_COUNT] as number;
  const slot = control[LOG_OPEN_SLOT] as number;
  const left = slot < 0 ? 0 : LOG_CHUNKS - (control[LOG_OPEN_CHUNK] as number);
  if (left > (ready > 0 || isEssential ? 0 : ESSENTIAL_CHUNKS)) return slot;
  if (ready === 0) return -1;
  const next = control[LOG_READY] as number;
  control.copyWithin(LOG_READY, LOG_READY + 1, LOG_READY + ready);
  control[LOG_READY_COUNT] = ready - 1;
  control[LOG_OPEN_SLOT] = next;
  control[LOG_OPEN_CHUNK] = 0;
  control[LOG_SLOT_STATE + next] = SLOT_USED;
  control[LOG_SLOT_OPENS + next] = (control[LOG_SLOT_OPENS + next] as number) + 1;
  control[LOG_SEGMENTS_USED] = (control[LOG_SEGMENTS_USED] as number) + 1;
  return next;
}

/** What LOG_FULL stands for. The last one is for whatever else there is. */
const FULL_REASONS = [
  "ENOSPC",
  "EDQUOT",
  "EFBIG",
  "EROFS",
  "EACCES",
  "EPERM",
  "EMFILE",
  "ENFILE",
  "EIO",
  "ENOENT",
  "OTHER",
] as const;

/** LOG_FULL of a disk that has refused to flush. */
export const FULL_IO_ERROR = FULL_REASONS.indexOf("EIO") + 1;

/** Why changes are refused, "" when they are not. */
export function fullReason(state: LogState): string {
  return refusalReason(Atomics.load(state.control, LOG_FULL));
}

/** What a code of LOG_FULL stands for, in words; "" for 0. */
export function refusalReason(refusal: number): string {
  const code = FULL_REASONS[refusal - 1];
  if (code === undefined) return "";
  return reasonOf(Object.assign(new Error("a file could not be made"), { code }));
}

/** The code of LOG_FULL for an error of the system. */
export function refusalCode(error: unknown): number {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const index = (FULL_REASONS as readonly string[]).indexOf(code);
  return (index < 0 ? FULL_REASONS.length - 1 : index) + 1;
}

/**
 * Makes segments until `count` are ready. False: there is no room for so many; when none is ready,
 * LOG_FULL is set until one is.
 */
export function prepareSegment(state: LogState, count: number): boolean {
  const { control, dir } = state;
  latch(control, LOG_MAKE_LOCK);
  try {
    while (Atomics.load(control, LOG_READY_COUNT) < count) {
      const slot = freeSlot(control);
      makeSegment(dir, slot, control[LOG_MODE] === LOG_MODE_ALWAYS);
      if (slot === control[LOG_SLOTS_COUNT]) control[LOG_SLOTS_COUNT] = slot + 1;
      // Others were recycled meanwhile.
      if (!addReady(control, slot)) removeSegment(dir, slot);
    }
    Atomics.store(control, LOG_FULL, 0);
    return true;
  } catch (error) {
    const isReady = Atomics.load(control, LOG_READY_COUNT) > 0;
    Atomics.store(control, LOG_FULL, isReady ? 0 : refusalCode(error));
    return false;
  } finally {
    unlatch(control, LOG_MAKE_LOCK);
  }
}

/**
 * A slot without a file: one whose segment was removed, or the next that never had one. So their
 * number, and that of the mappings that threads keep, follows the segments that there are.
 */
function freeSlot(control: Int32Array): number {
  const count = control[LOG_SLOTS_COUNT] as number;
  const end = LOG_SLOT_STATE + count;
  for (let word = LOG_SLOT_STATE; word < end; word++) {
    if (Atomics.load(control, word) === SLOT_NONE) return word - LOG_SLOT_STATE;
  }
  if (count < LOG_SLOTS_MAX) return count;
  throw new FatalError(`Cannot make a segment: ${LOG_SLOTS_MAX} are in use`);
}

/** Puts a slot among those that are ready; false when there are enough. */
export function addReady(control: Int32Array, slot: number): boolean {
  latch(control, LOG_LOCK);
  const ready = control[LOG_READY_COUNT] as number;
  const hasRoom = ready < LOG_READY_MAX;
  if (hasRoom) {
    control[LOG_READY + ready] = slot;
    control[LOG_READY_COUNT] = ready + 1;
    control[LOG_SLOT_STATE + slot] = SLOT_READY;
  }
  unlatch(control, LOG_LOCK);
  return hasRoom;
}
