/**
 * Records: where the parts of one are, given its header. layout.ts draws it.
 *
 * Hot: every function here is a few shifts, so that the JIT inlines it. What they compute from a
 * half-changed header (an optimistic read) is nonsense but bounded: key and value lengths have
 * their own bits.
 */
import { TYPE_STRING } from "./cursor.ts";
import {
  FLAG_EXPIRY,
  FLAG_NODES,
  KEY_LENGTH_BITS,
  KEY_LENGTH_MASK,
  RECORD_EXPIRY_SIZE,
  RECORD_HEADER_SIZE,
  RECORD_TYPE_MASK,
  RECORD_TYPE_SHIFT,
} from "./layout.ts";

/** One of TYPE_*, from the header's first word. */
export function recordType(header: number): number {
  return (header >>> RECORD_TYPE_SHIFT) & RECORD_TYPE_MASK;
}

/** Bytes from the start of the record to its key. */
export function keyOffset(header: number): number {
  return (header & FLAG_EXPIRY) !== 0
    ? RECORD_HEADER_SIZE + RECORD_EXPIRY_SIZE
    : RECORD_HEADER_SIZE;
}

/** Whether the value starts on a multiple of 8: everything but a string that lies in one piece. */
export function isAligned(header: number): boolean {
  return (header & FLAG_NODES) !== 0 || recordType(header) !== TYPE_STRING;
}

/** Bytes from the start of the record to its value. */
export function valueOffset(header: number, keyLength: number): number {
  const at = keyOffset(header) + keyLength;
  return isAligned(header) ? (at + 7) & ~7 : at;
}

export function keyLengthOf(lengths: number): number {
  return lengths & KEY_LENGTH_MASK;
}

export function valueLengthOf(lengths: number): number {
  return lengths >>> KEY_LENGTH_BITS;
}

export function packLengths(keyLength: number, valueLength: number): number {
  return keyLength | (valueLength << KEY_LENGTH_BITS);
}
