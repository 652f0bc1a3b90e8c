/**
 * Reading: from a found entry to the cursor's fields, safely even while another thread changes the
 * record.
 *
 * What is read without a lock can be wrong until the bucket's version is confirmed, but never out
 * of bounds: every length is clipped to its segment here, so that copying by the cursor's fields
 * cannot fail.
 */
import { type Cursor, TYPE_NONE, TYPE_STRING } from "./cursor.ts";
import {
  FLAG_EXPIRY,
  FLAG_NODES,
  RECORD_HEADER_SIZE,
  SEGMENT_SIZE,
  STRING_SIZE_MAX,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { keyLengthOf, recordType, valueLengthOf, valueOffset } from "./record.ts";
import { CLASS_SIZES, CLASSES_COUNT } from "./size-class.ts";

/** Words of the descriptor that a value in nodes has; lists.ts adds its own behind. */
export const DESCRIPTOR_ID_LOW = 0;
export const DESCRIPTOR_ID_HIGH = 1;
export const DESCRIPTOR_FIRST = 2;
export const DESCRIPTOR_LAST = 3;
export const DESCRIPTOR_LENGTH = 4;
/** Bytes of a string's descriptor. */
export const DESCRIPTOR_SIZE = 24;

/** Says that there is nothing under the cursor's key. */
export function describeMissing(cursor: Cursor): void {
  cursor.type = TYPE_NONE;
  cursor.expiresAtMs = 0;
  cursor.valueLength = 0;
  cursor.itemsCount = 0;
  cursor.isLarge = false;
}

/** Fills the cursor's fields from the record at its slot and offset. Hot. */
export function describeRecord(memory: Memory, cursor: Cursor): void {
  const slot = cursor.slot;
  const offset = cursor.offset;
  const words = memory.words[slot] as Int32Array;
  const header = words[offset >>> 2] as number;
  const lengths = words[(offset >>> 2) + 1] as number;
  const start = offset + valueOffset(header, keyLengthOf(lengths));
  cursor.type = recordType(header);
  cursor.expiresAtMs =
    (header & FLAG_EXPIRY) === 0
      ? 0
      : ((memory.doubles[slot] as Float64Array)[(offset + RECORD_HEADER_SIZE) >>> 3] as number);
  cursor.valueBytes = memory.bytes[slot] as Buffer;
  cursor.valueStart = start;
  const isLarge = (header & FLAG_NODES) !== 0;
  cursor.isLarge = isLarge;
  if (isLarge) {
    describeLarge(words, cursor, start);
    return;
  }
  const length = valueLengthOf(lengths);
  cursor.valueLength = start + length > SEGMENT_SIZE ? 0 : length;
}

function describeLarge(words: Int32Array, cursor: Cursor, start: number): void {
  if (start + DESCRIPTOR_SIZE > SEGMENT_SIZE) {
    cursor.valueLength = 0;
    return;
  }
  if (cursor.type === TYPE_STRING) {
    const length = words[(start >>> 2) + DESCRIPTOR_LENGTH] as number;
    cursor.valueLength = length >>> 0 > STRING_SIZE_MAX ? 0 : length;
  }
}

/** Bytes that the record has for its value; 0 when the header is garbage. */
export function valueCapacity(memory: Memory, cursor: Cursor): number {
  const header = (memory.words[cursor.slot] as Int32Array)[cursor.offset >>> 2] as number;
  const index = header & 0xff;
  if (index >= CLASSES_COUNT) return 0;
  const end = Math.min(SEGMENT_SIZE, cursor.offset + (CLASS_SIZES[index] as number));
  return Math.max(0, end - cursor.valueStart);
}
