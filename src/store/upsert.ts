/**
 * Writing records: creating a key, replacing its value, giving its record more room, changing its
 * expiry.
 *
 * Update policy of memory mode: a value that fits the record is overwritten in place; one that does
 * not, or would leave more than half of a large block empty, gets a new record, the entry is swung,
 * and the old block is reused. Everything here happens while the cursor's bucket is locked, so no
 * reader believes what is half done.
 *
 * `expiresAtMs`: ms since 1970, 0 for no expiry, KEEP_EXPIRY for the key's own.
 */
import { debugAssert } from "../base/assert.ts";
import { allocate, release } from "./blocks.ts";
import { type Cursor, TYPE_STRING } from "./cursor.ts";
import { entryExpires, insertEntry, swingEntry } from "./index.ts";
import {
  CONTROL_ACCESS_TICK,
  COUNT_EXPIRING,
  COUNT_KEYS,
  FLAG_EXPIRY,
  FLAG_NODES,
  KEY_SIZE_MAX,
  RECORD_DB_SHIFT,
  RECORD_HEADER_SIZE,
  RECORD_TYPE_MASK,
  RECORD_TYPE_SHIFT,
  VALUE_LENGTH_MAX,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { describeRecord } from "./read.ts";
import { keyOffset, packLengths, valueLengthOf, valueOffset } from "./record.ts";
import { retireNodes } from "./remove.ts";
import { CLASS_SIZES, classOf } from "./size-class.ts";
import {
  KEEP_EXPIRY,
  STATUS_KEY_TOO_LONG,
  STATUS_OK,
  STATUS_OUT_OF_MEMORY,
  type Status,
} from "./status.ts";

/** A value in a smaller block than this is never moved because it shrank. */
const SHRINK_SIZE_MIN = 128;
/** Values shorter than this are copied by a loop: 16 B take 7 ns so, 16 ns by Buffer.copy. */
const NATIVE_COPY_SIZE_MIN = 24;

const PLAIN_STRING = TYPE_STRING << RECORD_TYPE_SHIFT;
const KIND_MASK = (RECORD_TYPE_MASK << RECORD_TYPE_SHIFT) | FLAG_NODES;

/**
 * Puts an inline string (at most INLINE_SIZE_MAX bytes) under the cursor's key, whatever was there.
 * Hot: the value of an existing string that fits is overwritten in place.
 */
export function putInline(
  memory: Memory,
  cursor: Cursor,
  bytes: Buffer,
  start: number,
  length: number,
  expiresAtMs: number,
): Status {
  if (cursor.entry >= 0) {
    const words = memory.words[cursor.slot] as Int32Array;
    const at = cursor.offset >>> 2;
    const header = words[at] as number;
    const valueAt = keyOffset(header) + cursor.keyLength;
    const blockSize = CLASS_SIZES[header & 0xff] as number;
    if (
      (header & KIND_MASK) === PLAIN_STRING &&
      fits(valueAt + length, blockSize) &&
      (expiresAtMs <= 0 || (header & FLAG_EXPIRY) !== 0)
    ) {
      words[at + 1] = packLengths(cursor.keyLength, length);
      copyIn(memory.bytes[cursor.slot] as Buffer, cursor.offset + valueAt, bytes, start, length);
      cursor.valueLength = length;
      if (expiresAtMs !== KEEP_EXPIRY && (header & FLAG_EXPIRY) !== 0) {
        storeExpiry(memory, cursor, expiresAtMs);
      }
      touch(memory, cursor);
      return STATUS_OK;
    }
  }
  const status = rewrite(memory, cursor, PLAIN_STRING, length, expiresAtMs);
  if (status !== STATUS_OK) return status;
  copyIn(memory.bytes[cursor.slot] as Buffer, cursor.valueStart, bytes, start, length);
  return STATUS_OK;
}

function fits(needed: number, blockSize: number): boolean {
  return needed <= blockSize && (blockSize < SHRINK_SIZE_MIN || needed * 2 >= blockSize);
}

/** Copies into shared memory: short pieces by a loop, longer ones natively. */
export function copyIn(
  target: Buffer,
  at: number,
  source: Buffer,
  start: number,
  length: number,
): void {
  if (length >= NATIVE_COPY_SIZE_MIN) {
    source.copy(target, at, start, start + length);
    return;
  }
  for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number;
}

/**
 * Gives the cursor's key a new record for a value of `length` bytes, which the caller then writes
 * at cursor.valueStart; the key's old record and nodes are disposed of. `kind`: type and flags
 * (FLAG_EXPIRY is added here). On anything but STATUS_OK nothing has changed.
 */
export function rewrite(
  memory: Memory,
  cursor: Cursor,
  kind: number,
  length: number,
  expiresAtMs: number,
): Status {
  if (cursor.keyLength > KEY_SIZE_MAX) return STATUS_KEY_TOO_LONG;
  const expiry = expiresAtMs === KEEP_EXPIRY ? currentExpiry(memory, cursor) : expiresAtMs;
  const flags = kind | (expiry > 0 ? FLAG_EXPIRY : 0);
  const size = valueOffset(flags, cursor.keyLength) + length;
  if (!allocate(memory, size)) return STATUS_OUT_OF_MEMORY;
  const { slot, offset } = memory;
  writeHeader(memory, cursor, slot, offset, flags | classOf(size), length, expiry);
  if (cursor.entry >= 0) {
    retireNodes(memory, cursor);
    replaceRecord(memory, cursor, slot, offset, expiry > 0);
  } else if (!addRecord(memory, cursor, slot, offset, expiry > 0)) {
    release(memory, slot, offset);
    return STATUS_OUT_OF_MEMORY;
  }
  describeRecord(memory, cursor);
  return STATUS_OK;
}

/**
 * Writes header, expiry and key of the record at slot and offset; the value is left to the caller.
 */
function writeHeader(
  memory: Memory,
  cursor: Cursor,
  slot: number,
  offset: number,
  flags: number,
  length: number,
  expiry: number,
): void {
  const words = memory.words[slot] as Int32Array;
  const tick = memory.control[CONTROL_ACCESS_TICK] as number;
  words[offset >>> 2] = flags | (tick << 16) | (cursor.db << RECORD_DB_SHIFT);
  debugAssert(length <= VALUE_LENGTH_MAX, "a value's length fits its field");
  words[(offset >>> 2) + 1] = packLengths(cursor.keyLength, length);
  if ((flags & FLAG_EXPIRY) !== 0) {
    (memory.doubles[slot] as Float64Array)[(offset + RECORD_HEADER_SIZE) >>> 3] = expiry;
  }
  const keyStart = offset + keyOffset(flags);
  copyIn(memory.bytes[slot] as Buffer, keyStart, cursor.bytes, cursor.keyStart, cursor.keyLength);
}

/** Makes the entry point at the new record and frees the old block (not its nodes). */
function replaceRecord(
  memory: Memory,
  cursor: Cursor,
  slot: number,
  offset: number,
  expires: boolean,
): void {
  const oldSlot = cursor.slot;
  const oldOffset = cursor.offset;
  countExpiring(memory, cursor, expires);
  swingEntry(memory.keys, cursor, slot, offset, expires);
  release(memory, oldSlot, oldOffset);
}

function addRecord(
  memory: Memory,
  cursor: Cursor,
  slot: number,
  offset: number,
  expires: boolean,
): boolean {
  if (!insertEntry(memory.keys, cursor, slot, offset, expires)) return false;
  (memory.counters[memory.row + COUNT_KEYS + cursor.db] as number) += 1;
  if (expires) (memory.counters[memory.row + COUNT_EXPIRING + cursor.db] as number) += 1;
  return true;
}

/** Keeps the count of expiring keys right when the entry's mark is about to become `expires`. */
function countExpiring(memory: Memory, cursor: Cursor, expires: boolean): void {
  if (entryExpires(memory.keys, cursor) === expires) return;
  (memory.counters[memory.row + COUNT_EXPIRING + cursor.db] as number) += expires ? 1 : -1;
}

/** Expiry of the record at the cursor, 0 for none or when there is no record. */
export function currentExpiry(memory: Memory, cursor: Cursor): number {
  if (cursor.entry < 0) return 0;
  const words = memory.words[cursor.slot] as Int32Array;
  if (((words[cursor.offset >>> 2] as number) & FLAG_EXPIRY) === 0) return 0;
  const doubles = memory.doubles[cursor.slot] as Float64Array;
  return doubles[(cursor.offset + RECORD_HEADER_SIZE) >>> 3] as number;
}

/** Stores the expiry of a record that has the field, and marks its entry. */
function storeExpiry(memory: Memory, cursor: Cursor, expiresAtMs: number): void {
  const doubles = memory.doubles[cursor.slot] as Float64Array;
  doubles[(cursor.offset + RECORD_HEADER_SIZE) >>> 3] = expiresAtMs;
  const expires = expiresAtMs > 0;
  countExpiring(memory, cursor, expires);
  swingEntry(memory.keys, cursor, cursor.slot, cursor.offset, expires);
  cursor.expiresAtMs = expiresAtMs;
}

/** Marks the record as used now. */
function touch(memory: Memory, cursor: Cursor): void {
  (memory.bytes[cursor.slot] as Buffer)[cursor.offset + 2] = memory.control[
    CONTROL_ACCESS_TICK
  ] as number;
}

/**
 * Changes the expiry of the cursor's (existing) key: one store when its record has the field;
 * otherwise the record is rewritten once with it, and later changes are one store again.
 */
export function changeExpiry(memory: Memory, cursor: Cursor, expiresAtMs: number): Status {
  const header = (memory.words[cursor.slot] as Int32Array)[cursor.offset >>> 2] as number;
  if ((header & FLAG_EXPIRY) !== 0) {
    storeExpiry(memory, cursor, expiresAtMs);
    return STATUS_OK;
  }
  if (expiresAtMs === 0) return STATUS_OK;
  const lengths = (memory.words[cursor.slot] as Int32Array)[(cursor.offset >>> 2) + 1] as number;
  return moveRecord(memory, cursor, valueLengthOf(lengths), expiresAtMs);
}

/**
 * Gives the cursor's (existing) record room for a value of at least `length` bytes, keeping the old
 * value as far as it fits, and its expiry. Sets the cursor's value fields. A string's record that
 * has room already stays where it is.
 */
export function reserveValue(memory: Memory, cursor: Cursor, length: number): Status {
  const words = memory.words[cursor.slot] as Int32Array;
  const header = words[cursor.offset >>> 2] as number;
  const blockSize = CLASS_SIZES[header & 0xff] as number;
  const isString = (header & KIND_MASK) === PLAIN_STRING;
  if (isString && fits(valueOffset(header, cursor.keyLength) + length, blockSize)) return STATUS_OK;
  return moveRecord(memory, cursor, length, KEEP_EXPIRY);
}

/** Sets how long the cursor's inline string is; its record must have room. */
export function setInlineLength(memory: Memory, cursor: Cursor, length: number): void {
  const words = memory.words[cursor.slot] as Int32Array;
  words[(cursor.offset >>> 2) + 1] = packLengths(cursor.keyLength, length);
  cursor.valueLength = length;
  touch(memory, cursor);
}

/**
 * Moves the record to a block for `length` bytes of value; contents are copied as far as both areas
 * go. A string stays as long as it is; any other value's area is `length` bytes from now on.
 */
function moveRecord(memory: Memory, cursor: Cursor, length: number, expiresAtMs: number): Status {
  const oldSlot = cursor.slot;
  const oldOffset = cursor.offset;
  const words = memory.words[oldSlot] as Int32Array;
  const header = words[oldOffset >>> 2] as number;
  const before = valueLengthOf(words[(oldOffset >>> 2) + 1] as number);
  const kept = Math.min(length, before);
  const from = oldOffset + valueOffset(header, cursor.keyLength);
  const expiry = expiresAtMs === KEEP_EXPIRY ? currentExpiry(memory, cursor) : expiresAtMs;
  const flags = (header & KIND_MASK) | (expiry > 0 ? FLAG_EXPIRY : 0);
  const size = valueOffset(flags, cursor.keyLength) + length;
  if (!allocate(memory, size)) return STATUS_OUT_OF_MEMORY;
  const { slot, offset } = memory;
  const isString = (header & KIND_MASK) === PLAIN_STRING;
  const lengthNow = isString ? kept : length;
  writeHeader(memory, cursor, slot, offset, flags | classOf(size), lengthNow, expiry);
  const to = offset + valueOffset(flags, cursor.keyLength);
  (memory.bytes[oldSlot] as Buffer).copy(memory.bytes[slot] as Buffer, to, from, from + kept);
  replaceRecord(memory, cursor, slot, offset, expiry > 0);
  cursor.valueBytes = memory.bytes[slot] as Buffer;
  cursor.valueStart = to;
  cursor.expiresAtMs = expiry;
  return STATUS_OK;
}
