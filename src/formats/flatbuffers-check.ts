/**
 * Bounds of FlatBuffers tables, vectors and strings: the JavaScript library has no verifier, and
 * its accessors read whatever offset they find, as zero where there is nothing.
 *
 *      root u32 ─► table: i32 back to its vtable, then its fields
 *                  vtable: u16 its size, u16 the table's size, then u16 for each field:
 *                          where in the table it lies, 0 when it has its default
 *      a vector or string field: u32 on to  u32 length, elements (a string: and a zero byte)
 *
 * Each function checks the one thing that it is asked about and returns its position, so that
 * reading one field of untrusted bytes checks the way to that field only. Positions are from the
 * first byte. The accessors take offsets as signed, so what a signed number cannot hold is refused.
 * FlatBuffers has no canonical form: bytes that nothing points to are allowed.
 */
import { malformed } from "./shapes.ts";

const NAME = "flatbuffers";
const WORD_SIZE = 4;
/** Sizes of a vtable and of a table. */
const VTABLE_HEAD_SIZE = 4;
const INT16_MAX = 0x7fff;

/** The table that the first word points to. */
export function rootTable(bytes: Buffer): number {
  return tableAt(bytes, targetOf(bytes, 0));
}

/** `table`, when it and its vtable lie inside. */
function tableAt(bytes: Buffer, table: number): number {
  const vtable = table - i32(bytes, table);
  const vtableSize = u16(bytes, vtable);
  const tableSize = u16(bytes, vtable + 2);
  const isOdd = vtableSize % 2 !== 0 || vtableSize < VTABLE_HEAD_SIZE || tableSize < WORD_SIZE;
  if (isOdd || vtableSize > INT16_MAX) malformed(NAME, "a table has no sound field list");
  if (vtable + vtableSize > bytes.length) malformed(NAME, "a field list ends outside");
  if (table + tableSize > bytes.length) malformed(NAME, "a table ends outside");
  return table;
}

/**
 * The position of the field at `slot` (4 for the first, 6 for the second) of `size` bytes in a
 * checked table; -1 when it has its default.
 */
export function fieldAt(bytes: Buffer, table: number, slot: number, size: number): number {
  const vtable = table - i32(bytes, table);
  if (slot >= u16(bytes, vtable)) return -1;
  const offset = u16(bytes, vtable + slot);
  if (offset === 0) return -1;
  if (offset > INT16_MAX || offset + size > u16(bytes, vtable + 2)) {
    malformed(NAME, "a field lies outside of its table");
  }
  return table + offset;
}

/**
 * The position of the first element of the vector at `slot` of a checked table: all its elements
 * lie inside. Their number is `vectorLength`. A vector that is missing is malformed: all of ours
 * are required.
 */
export function vectorAt(bytes: Buffer, table: number, slot: number, elementSize: number): number {
  const field = fieldAt(bytes, table, slot, WORD_SIZE);
  if (field === -1) malformed(NAME, "a list or text is missing");
  const start = targetOf(bytes, field) + WORD_SIZE;
  const count = u32(bytes, start - WORD_SIZE);
  if (count > (bytes.length - start) / elementSize) malformed(NAME, "a length is beyond the end");
  return start;
}

/** The number of elements of the vector whose first is at `start`, as `vectorAt` returned it. */
export function vectorLength(bytes: Buffer, start: number): number {
  return u32(bytes, start - WORD_SIZE);
}

/** The table that element `index` of a checked vector of tables points to. */
export function elementTable(bytes: Buffer, start: number, index: number): number {
  return tableAt(bytes, targetOf(bytes, start + index * WORD_SIZE));
}

/** Where the offset at `position` leads to. Forward only, as the format demands. */
function targetOf(bytes: Buffer, position: number): number {
  const offset = u32(bytes, position);
  const target = position + offset;
  if (offset === 0 || target > bytes.length - WORD_SIZE) malformed(NAME, "an offset leads outside");
  return target;
}

function u16(bytes: Buffer, at: number): number {
  if (at < 0 || at + 2 > bytes.length) malformed(NAME, "it ends early");
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function i32(bytes: Buffer, at: number): number {
  if (at < 0 || at + WORD_SIZE > bytes.length) malformed(NAME, "it ends early");
  return u16(bytes, at) | (u16(bytes, at + 2) << 16);
}

function u32(bytes: Buffer, at: number): number {
  return i32(bytes, at) >>> 0;
}
