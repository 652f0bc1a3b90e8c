/**
 * Strings of any length: inline in the record up to INLINE_SIZE_MAX, in nodes of STRING_NODE_SIZE
 * bytes above.
 *
 *   descriptor, 24 bytes: | id low | id high | first node = 0 | last node | length | 0 |
 *
 * Node k holds the bytes from k * STRING_NODE_SIZE. A node that does not exist reads as zeros. So
 * APPEND, SETRANGE and GETRANGE cost what they touch, not what the value weighs. Bytes of the last
 * node behind the length are garbage.
 */
import type { ByteBuffer } from "../base/byte-buffer.ts";
import { type Cursor, TYPE_STRING } from "./cursor.ts";
import { isUnchanged } from "./index.ts";
import {
  FLAG_NODES,
  INLINE_SIZE_MAX,
  KEY_SIZE_MAX,
  RECORD_TYPE_SHIFT,
  SEGMENT_SIZE,
  STRING_NODE_SIZE,
  STRING_SIZE_MAX,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { createNode, findNode, freeNode, newCollectionId } from "./nodes.ts";
import {
  DESCRIPTOR_FIRST,
  DESCRIPTOR_ID_HIGH,
  DESCRIPTOR_ID_LOW,
  DESCRIPTOR_LAST,
  DESCRIPTOR_LENGTH,
  DESCRIPTOR_SIZE,
} from "./read.ts";
import {
  KEEP_EXPIRY,
  STATUS_KEY_TOO_LONG,
  STATUS_OK,
  STATUS_OUT_OF_MEMORY,
  STATUS_TOO_LARGE,
  type Status,
} from "./status.ts";
import { putInline, reserveValue, rewrite, setInlineLength } from "./upsert.ts";

/**
 * Puts a string of any length under the cursor's key, whatever was there. The bucket is locked.
 * Hot.
 */
export function putString(
  memory: Memory,
  cursor: Cursor,
  bytes: Buffer,
  start: number,
  length: number,
  expiresAtMs: number,
): Status {
  if (length <= INLINE_SIZE_MAX) {
    return putInline(memory, cursor, bytes, start, length, expiresAtMs);
  }
  return putLarge(memory, cursor, bytes, start, length, expiresAtMs);
}

function putLarge(
  memory: Memory,
  cursor: Cursor,
  bytes: Buffer,
  start: number,
  length: number,
  expiresAtMs: number,
): Status {
  if (length > STRING_SIZE_MAX) return STATUS_TOO_LARGE;
  if (cursor.keyLength > KEY_SIZE_MAX) return STATUS_KEY_TOO_LONG;
  const id = newCollectionId(memory);
  const last = Math.floor((length - 1) / STRING_NODE_SIZE);
  for (let number = 0; number <= last; number++) {
    const status = createNode(memory, id.low, id.high, number, STRING_NODE_SIZE);
    if (status !== STATUS_OK) return undo(memory, id.low, id.high, number - 1, status);
    const from = start + number * STRING_NODE_SIZE;
    const end = Math.min(start + length, from + STRING_NODE_SIZE);
    bytes.copy(memory.bytes[memory.nodeSlot] as Buffer, memory.nodeOffset, from, end);
  }
  const status = putDescriptor(memory, cursor, id.low, id.high, last, length, expiresAtMs);
  return status === STATUS_OK ? status : undo(memory, id.low, id.high, last, status);
}

/** Frees the nodes of a value that could not be completed. */
function undo(memory: Memory, low: number, high: number, last: number, status: Status): Status {
  for (let number = 0; number <= last; number++) freeNode(memory, low, high, number);
  return status;
}

function putDescriptor(
  memory: Memory,
  cursor: Cursor,
  idLow: number,
  idHigh: number,
  last: number,
  length: number,
  expiresAtMs: number,
): Status {
  const kind = (TYPE_STRING << RECORD_TYPE_SHIFT) | FLAG_NODES;
  const status = rewrite(memory, cursor, kind, DESCRIPTOR_SIZE, expiresAtMs);
  if (status !== STATUS_OK) return status;
  const words = memory.words[cursor.slot] as Int32Array;
  const at = cursor.valueStart >>> 2;
  words[at + DESCRIPTOR_ID_LOW] = idLow;
  words[at + DESCRIPTOR_ID_HIGH] = idHigh;
  words[at + DESCRIPTOR_FIRST] = 0;
  words[at + DESCRIPTOR_LAST] = last;
  words[at + DESCRIPTOR_LENGTH] = length;
  cursor.valueLength = length;
  return STATUS_OK;
}

/**
 * Appends bytes [from, from + length) of the cursor's string to `out`, clipped to the string. Works
 * under a lock and in an optimistic read, where what was appended counts only once the read is
 * confirmed.
 */
export function copyValue(
  memory: Memory,
  cursor: Cursor,
  out: ByteBuffer,
  from: number,
  length: number,
): void {
  const end = Math.min(cursor.valueLength, from + length);
  if (end <= from) return;
  if (!cursor.isLarge) {
    out.append(cursor.valueBytes, cursor.valueStart + from, end - from);
    return;
  }
  const words = memory.words[cursor.slot] as Int32Array;
  const at = cursor.valueStart >>> 2;
  if (cursor.valueStart + DESCRIPTOR_SIZE > SEGMENT_SIZE) return;
  const idLow = words[at + DESCRIPTOR_ID_LOW] as number;
  const idHigh = words[at + DESCRIPTOR_ID_HIGH] as number;
  // A half-changed length must not make room for half a gigabyte: believe it only when it is
  // stable.
  if (!cursor.isLocked && !isUnchanged(memory.keys, cursor)) return;
  out.ensure(end - from);
  for (let position = from; position < end; ) {
    const number = Math.floor(position / STRING_NODE_SIZE);
    const within = position - number * STRING_NODE_SIZE;
    const piece = Math.min(end - position, STRING_NODE_SIZE - within);
    copyPiece(memory, out, findNode(memory, idLow, idHigh, number), within, piece);
    position += piece;
  }
}

function copyPiece(
  memory: Memory,
  out: ByteBuffer,
  isThere: boolean,
  within: number,
  piece: number,
): void {
  if (isThere && within + piece <= memory.nodeCapacity) {
    out.append(memory.bytes[memory.nodeSlot] as Buffer, memory.nodeOffset + within, piece);
    return;
  }
  out.ensure(piece);
  out.bytes.fill(0, out.length, out.length + piece);
  out.length += piece;
}

/** Appends to the cursor's (existing) string; its expiry stays. The bucket is locked. */
export function appendString(
  memory: Memory,
  cursor: Cursor,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  return writeRange(memory, cursor, cursor.valueLength, bytes, start, length);
}

/**
 * Writes into the cursor's (existing) string from byte `at`, growing it, with zeros between its end
 * and `at`. Its expiry stays. The bucket is locked. On anything but STATUS_OK the string is as long
 * as before.
 */
export function writeRange(
  memory: Memory,
  cursor: Cursor,
  at: number,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  const end = at + length;
  if (end > STRING_SIZE_MAX) return STATUS_TOO_LARGE;
  if (length === 0) return STATUS_OK;
  if (!cursor.isLarge) {
    if (Math.max(end, cursor.valueLength) <= INLINE_SIZE_MAX) {
      return writeInline(memory, cursor, at, bytes, start, length);
    }
    const status = toNodes(memory, cursor);
    if (status !== STATUS_OK) return status;
  }
  return writeNodes(memory, cursor, at, bytes, start, length);
}

function writeInline(
  memory: Memory,
  cursor: Cursor,
  at: number,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  const before = cursor.valueLength;
  const after = Math.max(before, at + length);
  const status = reserveValue(memory, cursor, after);
  if (status !== STATUS_OK) return status;
  const target = memory.bytes[cursor.slot] as Buffer;
  if (at > before) target.fill(0, cursor.valueStart + before, cursor.valueStart + at);
  bytes.copy(target, cursor.valueStart + at, start, start + length);
  setInlineLength(memory, cursor, after);
  return STATUS_OK;
}

/** An inline string on its way to nodes: one for all, the collector would come late to many. */
const inlineCopy = Buffer.allocUnsafeSlow(INLINE_SIZE_MAX);

/** Turns the cursor's inline string into one in nodes. */
function toNodes(memory: Memory, cursor: Cursor): Status {
  const length = cursor.valueLength;
  cursor.valueBytes.copy(inlineCopy, 0, cursor.valueStart, cursor.valueStart + length);
  const id = newCollectionId(memory);
  const last = length === 0 ? 0 : Math.floor((length - 1) / STRING_NODE_SIZE);
  for (let number = 0; number <= last; number++) {
    const status = createNode(memory, id.low, id.high, number, STRING_NODE_SIZE);
    if (status !== STATUS_OK) return undo(memory, id.low, id.high, number - 1, status);
    const from = number * STRING_NODE_SIZE;
    // The longest inline string is a little longer than a node.
    const end = Math.min(length, from + STRING_NODE_SIZE);
    inlineCopy.copy(memory.bytes[memory.nodeSlot] as Buffer, memory.nodeOffset, from, end);
  }
  const status = putDescriptor(memory, cursor, id.low, id.high, last, length, KEEP_EXPIRY);
  return status === STATUS_OK ? status : undo(memory, id.low, id.high, last, status);
}

function writeNodes(
  memory: Memory,
  cursor: Cursor,
  at: number,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  const words = memory.words[cursor.slot] as Int32Array;
  const descriptor = cursor.valueStart >>> 2;
  const idLow = words[descriptor + DESCRIPTOR_ID_LOW] as number;
  const idHigh = words[descriptor + DESCRIPTOR_ID_HIGH] as number;
  const before = cursor.valueLength;
  const lastBefore = words[descriptor + DESCRIPTOR_LAST] as number;
  const end = at + length;
  if (at > before) zeroBehind(memory, idLow, idHigh, before, at);
  for (let position = at; position < end; ) {
    const number = Math.floor(position / STRING_NODE_SIZE);
    const within = position - number * STRING_NODE_SIZE;
    const piece = Math.min(end - position, STRING_NODE_SIZE - within);
    if (!findOrCreate(memory, idLow, idHigh, number)) {
      dropNodes(memory, words, descriptor, lastBefore);
      return STATUS_OUT_OF_MEMORY;
    }
    const from = start + (position - at);
    bytes.copy(
      memory.bytes[memory.nodeSlot] as Buffer,
      memory.nodeOffset + within,
      from,
      from + piece,
    );
    position += piece;
    if (number > (words[descriptor + DESCRIPTOR_LAST] as number)) {
      words[descriptor + DESCRIPTOR_LAST] = number;
    }
  }
  if (end > before) {
    words[descriptor + DESCRIPTOR_LENGTH] = end;
    cursor.valueLength = end;
  }
  return STATUS_OK;
}

/**
 * Frees the nodes behind node `last`: what a write that failed has left behind the string would not
 * read as zeros when the string grows over it later.
 */
function dropNodes(memory: Memory, words: Int32Array, descriptor: number, last: number): void {
  const idLow = words[descriptor + DESCRIPTOR_ID_LOW] as number;
  const idHigh = words[descriptor + DESCRIPTOR_ID_HIGH] as number;
  const end = words[descriptor + DESCRIPTOR_LAST] as number;
  for (let number = last + 1; number <= end; number++) freeNode(memory, idLow, idHigh, number);
  words[descriptor + DESCRIPTOR_LAST] = last;
}

function findOrCreate(memory: Memory, idLow: number, idHigh: number, number: number): boolean {
  if (findNode(memory, idLow, idHigh, number)) return true;
  if (createNode(memory, idLow, idHigh, number, STRING_NODE_SIZE) !== STATUS_OK) return false;
  (memory.bytes[memory.nodeSlot] as Buffer).fill(
    0,
    memory.nodeOffset,
    memory.nodeOffset + STRING_NODE_SIZE,
  );
  return true;
}

/**
 * Clears the garbage behind the string's end in the node where it ends, as far as it becomes part
 * of the string.
 */
function zeroBehind(
  memory: Memory,
  idLow: number,
  idHigh: number,
  length: number,
  at: number,
): void {
  const number = Math.floor(length / STRING_NODE_SIZE);
  const within = length - number * STRING_NODE_SIZE;
  // Also at the very start of a node: an empty string that has just got nodes has one already, full
  // of garbage.
  if (!findNode(memory, idLow, idHigh, number)) return;
  const end = Math.min(STRING_NODE_SIZE, within + (at - length));
  (memory.bytes[memory.nodeSlot] as Buffer).fill(
    0,
    memory.nodeOffset + within,
    memory.nodeOffset + end,
  );
}
