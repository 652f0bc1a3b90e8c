/**
 * Large list elements: those that no list node takes are kept as pieces of their own, like a long
 * string, and the list node holds a reference of 12 bytes in their place.
 *
 *   reference: | id low | id high | length |, unaligned, little-endian
 *
 * Piece k of an element is the node (id, k) with STRING_NODE_SIZE bytes. The list that holds the
 * reference owns them: they are made before the reference is stored and retired when it is dropped,
 * always under the list's bucket lock. Nothing of an element ever changes, so it has no holes.
 */
import type { ByteBuffer } from "../base/byte-buffer.ts";
import type { Cursor } from "./cursor.ts";
import { isUnchanged } from "./index.ts";
import { STRING_NODE_SIZE, STRING_SIZE_MAX } from "./layout.ts";
import { foundItem, nodeItem, nodeItemsCount } from "./list-node.ts";
import type { Memory } from "./memory.ts";
import { createNode, findNode, freeNode, newCollectionId } from "./nodes.ts";
import { retire } from "./retired.ts";
import { STATUS_OK, STATUS_TOO_LARGE, type Status } from "./status.ts";

export const REFERENCE_SIZE = 12;

/** The reference that createLarge or cloneLarge made last. */
export const reference = Buffer.alloc(REFERENCE_SIZE);

/**
 * Stores an element in pieces and leaves its reference in `reference`. On failure nothing is left
 * behind.
 */
export function createLarge(memory: Memory, bytes: Buffer, start: number, length: number): Status {
  if (length > STRING_SIZE_MAX) return STATUS_TOO_LARGE;
  const { low, high } = newCollectionId(memory);
  const last = lastPiece(length);
  for (let number = 0; number <= last; number++) {
    const status = createNode(memory, low, high, number, STRING_NODE_SIZE);
    if (status !== STATUS_OK) {
      freePieces(memory, low, high, number - 1);
      return status;
    }
    const from = start + number * STRING_NODE_SIZE;
    const end = Math.min(start + length, from + STRING_NODE_SIZE);
    bytes.copy(memory.bytes[memory.nodeSlot] as Buffer, memory.nodeOffset, from, end);
  }
  setReference(low, high, length);
  return STATUS_OK;
}

/**
 * Copies the element that the reference at `at` names; the copy's reference is left in `reference`.
 */
export function cloneLarge(memory: Memory, bytes: Buffer, at: number): Status {
  const idLow = readWord(bytes, at);
  const idHigh = readWord(bytes, at + 4);
  const length = readWord(bytes, at + 8);
  const { low, high } = newCollectionId(memory);
  const last = lastPiece(length);
  for (let number = 0; number <= last; number++) {
    const status = createNode(memory, low, high, number, STRING_NODE_SIZE);
    if (status !== STATUS_OK) {
      freePieces(memory, low, high, number - 1);
      return status;
    }
    const target = memory.bytes[memory.nodeSlot] as Buffer;
    const to = memory.nodeOffset;
    findNode(memory, idLow, idHigh, number);
    const from = memory.nodeOffset;
    const source = memory.bytes[memory.nodeSlot] as Buffer;
    source.copy(target, to, from, from + STRING_NODE_SIZE);
  }
  setReference(low, high, length);
  return STATUS_OK;
}

/** Retires the element that the reference at `at` names. */
export function freeLarge(memory: Memory, bytes: Buffer, at: number): void {
  const last = lastPiece(readWord(bytes, at + 8));
  retire(memory, readWord(bytes, at), readWord(bytes, at + 4), 0, last);
}

/** Retires the large elements among items [from, to) of the page; returns how many there were. */
export function freeLargeItems(
  memory: Memory,
  slot: number,
  offset: number,
  capacity: number,
  from: number,
  to: number,
): number {
  const words = memory.words[slot] as Int32Array;
  let freed = 0;
  for (let item = from; item < to; item++) {
    if (!nodeItem(words, offset, capacity, item) || !foundItem.isReference) continue;
    freeLarge(memory, memory.bytes[slot] as Buffer, foundItem.start);
    freed++;
  }
  return freed;
}

/** Retires the large elements in nodes [first, last] of a list that is going away. */
export function freeLargeInNodes(
  memory: Memory,
  idLow: number,
  idHigh: number,
  first: number,
  last: number,
): void {
  for (let number = first; number <= last; number++) {
    if (!findNode(memory, idLow, idHigh, number)) continue;
    const { nodeSlot, nodeOffset, nodeCapacity } = memory;
    const live = nodeItemsCount(memory.words[nodeSlot] as Int32Array, nodeOffset, nodeCapacity);
    freeLargeItems(memory, nodeSlot, nodeOffset, nodeCapacity, 0, live);
  }
}

/**
 * Length of the element that the reference at `at` names; of garbage, some length that an element
 * could have.
 */
export function largeLength(bytes: Buffer, at: number): number {
  const length = readWord(bytes, at + 8);
  return length < 0 || length > STRING_SIZE_MAX ? 0 : length;
}

/**
 * Appends the cursor's current element, which is large, to `out`. In an optimistic read what was
 * appended counts only once the read is confirmed, and it stops early when it cannot be.
 */
export function copyLarge(memory: Memory, cursor: Cursor, out: ByteBuffer): void {
  const bytes = cursor.itemBytes;
  const idLow = readWord(bytes, cursor.itemStart);
  const idHigh = readWord(bytes, cursor.itemStart + 4);
  const length = cursor.itemLength;
  // A half-changed length must not make room for half a gigabyte: believe it only when it is
  // stable.
  if (!cursor.isLocked && !isUnchanged(memory.keys, cursor)) return;
  out.ensure(length);
  for (let position = 0, number = 0; position < length; number++) {
    const piece = Math.min(length - position, STRING_NODE_SIZE);
    if (!findNode(memory, idLow, idHigh, number) || memory.nodeCapacity < piece) return;
    out.append(memory.bytes[memory.nodeSlot] as Buffer, memory.nodeOffset, piece);
    position += piece;
  }
}

/** Whether the cursor's current element, which is large, is these bytes. */
export function isLargeEqual(
  memory: Memory,
  cursor: Cursor,
  bytes: Buffer,
  start: number,
  length: number,
): boolean {
  if (length !== cursor.itemLength) return false;
  const idLow = readWord(cursor.itemBytes, cursor.itemStart);
  const idHigh = readWord(cursor.itemBytes, cursor.itemStart + 4);
  for (let position = 0, number = 0; position < length; number++) {
    const piece = Math.min(length - position, STRING_NODE_SIZE);
    if (!findNode(memory, idLow, idHigh, number) || memory.nodeCapacity < piece) return false;
    const stored = memory.bytes[memory.nodeSlot] as Buffer;
    const at = memory.nodeOffset;
    const from = start + position;
    if (stored.compare(bytes, from, from + piece, at, at + piece) !== 0) return false;
    position += piece;
  }
  return true;
}

function lastPiece(length: number): number {
  return length === 0 ? 0 : Math.floor((length - 1) / STRING_NODE_SIZE);
}

function freePieces(memory: Memory, low: number, high: number, last: number): void {
  for (let number = 0; number <= last; number++) freeNode(memory, low, high, number);
}

function setReference(low: number, high: number, length: number): void {
  reference.writeInt32LE(low, 0);
  reference.writeInt32LE(high, 4);
  reference.writeInt32LE(length, 8);
}

/** An unaligned int32; bytes outside the segment count as 0. */
function readWord(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}
