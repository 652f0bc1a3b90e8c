/**
 * Nodes: pieces of a value that is too large for one record. Each is a record of its own in the
 * node index, under the key (collection id, node number), so that it can be moved without touching
 * its neighbours.
 *
 * The owner guards its nodes: they change only while the version word of the owner's bucket is odd,
 * so a reader of many nodes confirms one version. The node index has buckets and locks of its own,
 * always taken after the owner's and one at a time, so the two levels cannot deadlock.
 *
 * A node that is not there reads as nothing: for a string, as zero bytes (SETRANGE leaves holes).
 */
import { assert } from "../base/assert.ts";
import { hashBytes } from "../base/hash.ts";
import { allocate, release } from "./blocks.ts";
import { Cursor } from "./cursor.ts";
import {
  findOptimistic,
  insertEntry,
  isUnchanged,
  lockAndFind,
  removeEntry,
  swingEntry,
  unlockCursor,
} from "./index.ts";
import {
  CONTROL_ID_HIGH,
  CONTROL_ID_LOW,
  NODE_KEY_SIZE,
  RECORD_HEADER_SIZE,
  RECORD_TYPE_SHIFT,
  SEGMENT_SIZE,
  TYPE_NODE,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { packLengths, recordType } from "./record.ts";
import { BLOCK_SIZE_MAX, CLASS_SIZES, CLASSES_COUNT, classOf } from "./size-class.ts";
import { STATUS_OK, STATUS_OUT_OF_MEMORY, type Status } from "./status.ts";

/** Bytes from the start of a node's record to its contents. */
export const NODE_HEADER_SIZE = (RECORD_HEADER_SIZE + NODE_KEY_SIZE + 7) & ~7;
/** The largest node. */
export const NODE_CAPACITY_MAX = BLOCK_SIZE_MAX - NODE_HEADER_SIZE;

const cursor = new Cursor();
const key = Buffer.alloc(NODE_KEY_SIZE);
cursor.bytes = key;
cursor.keyLength = NODE_KEY_SIZE;

/**
 * Aims the node cursor. Its key buffer is this Worker's own: the store never calls out in between.
 */
function aim(memory: Memory, idLow: number, idHigh: number, number: number): void {
  putWord(0, idLow);
  putWord(4, idHigh);
  putWord(8, number);
  cursor.hash = hashBytes(key, 0, NODE_KEY_SIZE, memory.secret);
}

function putWord(at: number, word: number): void {
  key[at] = word;
  key[at + 1] = word >>> 8;
  key[at + 2] = word >>> 16;
  key[at + 3] = word >>> 24;
}

/**
 * Draws a new collection id into idLow and idHigh of the result. Not hot: once for each large
 * value.
 */
export function newCollectionId(memory: Memory): { low: number; high: number } {
  const low = Atomics.add(memory.control, CONTROL_ID_LOW, 1);
  // The high word changes once in 2^32 ids: whoever draws the last low word raises it.
  if (low === -1) Atomics.add(memory.control, CONTROL_ID_HIGH, 1);
  return { low, high: memory.control[CONTROL_ID_HIGH] as number };
}

/**
 * Finds a node: memory.nodeSlot, nodeOffset (a multiple of 8) and nodeCapacity say where its
 * contents are, always in bounds. Under an optimistic read of the owner the answer holds only if
 * the owner's version does. Hot.
 */
export function findNode(memory: Memory, idLow: number, idHigh: number, number: number): boolean {
  aim(memory, idLow, idHigh, number);
  for (;;) {
    const isFound = findOptimistic(memory, memory.nodes, cursor);
    if (isFound) noteNode(memory);
    if (isUnchanged(memory.nodes, cursor)) return isFound;
  }
}

/**
 * Whether the node is where it was seen before, contents at `offset`: then memory.nodeSlot,
 * nodeOffset and nodeCapacity are set. One cache line instead of a look-up. Any slot and offset may
 * be given; whoever keeps them must forget them when the node is freed or moved, since what lies
 * there later may be made to look like it. Hot.
 */
export function isNodeAt(
  memory: Memory,
  slot: number,
  offset: number,
  idLow: number,
  idHigh: number,
  number: number,
): boolean {
  const words = memory.words[slot];
  if (words === undefined || offset < NODE_HEADER_SIZE || offset >= SEGMENT_SIZE) return false;
  const record = offset - NODE_HEADER_SIZE;
  const at = record >> 2;
  if (
    words[at + 2] !== idLow ||
    words[at + 3] !== idHigh ||
    words[at + 4] !== number ||
    recordType(words[at] as number) !== TYPE_NODE
  ) {
    return false;
  }
  cursor.slot = slot;
  cursor.offset = record;
  noteNode(memory);
  return true;
}

function noteNode(memory: Memory): void {
  const header = (memory.words[cursor.slot] as Int32Array)[cursor.offset >>> 2] as number;
  const index = header & 0xff;
  const size = index < CLASSES_COUNT ? (CLASS_SIZES[index] as number) : NODE_HEADER_SIZE;
  memory.nodeSlot = cursor.slot;
  memory.nodeOffset = cursor.offset + NODE_HEADER_SIZE;
  memory.nodeCapacity = Math.min(size - NODE_HEADER_SIZE, SEGMENT_SIZE - memory.nodeOffset);
}

/**
 * Makes a node with at least `capacity` bytes, which are not cleared; the node must not exist, and
 * its owner must be locked or not yet reachable. Sets memory.nodeSlot, nodeOffset and nodeCapacity.
 */
export function createNode(
  memory: Memory,
  idLow: number,
  idHigh: number,
  number: number,
  capacity: number,
): Status {
  aim(memory, idLow, idHigh, number);
  if (!allocateNode(memory, capacity)) return STATUS_OUT_OF_MEMORY;
  const { slot, offset } = memory;
  const isFound = lockAndFind(memory, memory.nodes, cursor);
  assert(!isFound, `node ${number} of collection ${idHigh}:${idLow} must not exist`);
  const isInserted = insertEntry(memory.nodes, cursor, slot, offset, false);
  unlockCursor(memory, memory.nodes, cursor);
  if (isInserted) return STATUS_OK;
  release(memory, slot, offset);
  return STATUS_OUT_OF_MEMORY;
}

/** Takes a block for a node of the aimed key and writes its header. */
function allocateNode(memory: Memory, capacity: number): boolean {
  assert(capacity <= NODE_CAPACITY_MAX, `node capacity (${capacity}) is too large`);
  const size = NODE_HEADER_SIZE + capacity;
  if (!allocate(memory, size)) return false;
  const words = memory.words[memory.slot] as Int32Array;
  const at = memory.offset >>> 2;
  const index = classOf(size);
  words[at] = index | (TYPE_NODE << RECORD_TYPE_SHIFT);
  words[at + 1] = packLengths(NODE_KEY_SIZE, 0);
  key.copy(memory.bytes[memory.slot] as Buffer, memory.offset + RECORD_HEADER_SIZE);
  memory.nodeSlot = memory.slot;
  memory.nodeOffset = memory.offset + NODE_HEADER_SIZE;
  memory.nodeCapacity = (CLASS_SIZES[index] as number) - NODE_HEADER_SIZE;
  return true;
}

/** Frees a node; one that does not exist is no error (holes). */
export function freeNode(memory: Memory, idLow: number, idHigh: number, number: number): void {
  aim(memory, idLow, idHigh, number);
  if (lockAndFind(memory, memory.nodes, cursor)) {
    const { slot, offset } = cursor;
    removeEntry(memory.nodes, cursor);
    release(memory, slot, offset);
  }
  unlockCursor(memory, memory.nodes, cursor);
}

/**
 * Gives an existing node another capacity; its contents are kept as far as they fit. Sets
 * memory.nodeSlot, nodeOffset and nodeCapacity. The owner must be locked.
 */
export function replaceNode(
  memory: Memory,
  idLow: number,
  idHigh: number,
  number: number,
  capacity: number,
): Status {
  aim(memory, idLow, idHigh, number);
  if (!allocateNode(memory, capacity)) return STATUS_OUT_OF_MEMORY;
  const { slot, offset } = memory;
  const isFound = lockAndFind(memory, memory.nodes, cursor);
  assert(isFound, `node ${number} of collection ${idHigh}:${idLow} must exist`);
  const before = memory.words[cursor.slot] as Int32Array;
  const kept = Math.min(
    memory.nodeCapacity,
    (CLASS_SIZES[(before[cursor.offset >>> 2] as number) & 0xff] as number) - NODE_HEADER_SIZE,
  );
  const from = cursor.offset + NODE_HEADER_SIZE;
  (memory.bytes[cursor.slot] as Buffer).copy(
    memory.bytes[slot] as Buffer,
    offset + NODE_HEADER_SIZE,
    from,
    from + kept,
  );
  const oldSlot = cursor.slot;
  const oldOffset = cursor.offset;
  swingEntry(memory.nodes, cursor, slot, offset, false);
  unlockCursor(memory, memory.nodes, cursor);
  release(memory, oldSlot, oldOffset);
  return STATUS_OK;
}
