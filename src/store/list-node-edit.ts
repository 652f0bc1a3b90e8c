/**
 * List nodes: what moves bytes: pushing at the origin, setting, inserting and removing in the
 * middle, compaction, another capacity.
 *
 * list-node.ts draws the page and has what moves nothing. The same rules hold: free functions over
 * a range, the invariants hold before and after each call, and what does not fit changes nothing.
 * Only under the lock of the list's owner.
 */
import { assert, debugAssert } from "../base/assert.ts";
import {
  END_MASK,
  entriesStart,
  FIRST_MASK,
  foundItem,
  itemsStart,
  NODE_BACKWARD,
  NODE_CAPACITY_MAX,
  NODE_FORWARD,
  NODE_HEADER_SIZE,
  NODE_ITEM_OVERHEAD,
  nodeDirection,
  nodeDropHead,
  nodeDropTail,
  nodeHasRoom,
  nodeItem,
  nodeItemsCount,
  nodeItemsSize,
  nodePush,
  nodeSizeOf,
  nodeWaste,
  putItem,
  REFERENCE_FLAG,
  readEntry,
  writeEntry,
} from "./list-node.ts";

/** Whether an element of `length` bytes fits the dropped space at the origin as the node is. */
export function nodeFitsOrigin(words: Int32Array, offset: number, length: number): boolean {
  const word = offset >> 2;
  const first = (words[word] as number) & FIRST_MASK;
  const start = (words[word + 1] as number) & END_MASK;
  return first > 0 && start >= nodeSizeOf(words, offset, length);
}

/**
 * Adds an element at the origin, the end opposite to the pushes. False when it does not fit;
 * compaction does not help then. Cheap while there is dropped space; otherwise the live elements
 * move once, leaving half of the free space at the origin, so that a run of such pushes moves each
 * byte a few times and not once per push.
 */
export function nodePushOrigin(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  source: Buffer,
  start: number,
  length: number,
  isReference: boolean,
): boolean {
  const word = offset >> 2;
  const size = nodeSizeOf(words, offset, length);
  if (
    !nodeFitsOrigin(words, offset, length) &&
    !makeOriginRoom(bytes, words, offset, capacity, size)
  ) {
    return false;
  }
  const first = (words[word] as number) & FIRST_MASK;
  const ends = words[word + 1] as number;
  const end = ends & END_MASK;
  putItem(bytes, words, offset, capacity, end - size, end, source, start, length);
  const entry = isReference ? end | REFERENCE_FLAG : end;
  writeEntry(bytes, offset, capacity, ends, first - 1, entry);
  words[word] = (words[word] as number) - 1;
  words[word + 1] = ends - size;
  return true;
}

/**
 * Replaces live element `item`. False, with nothing changed, when the new bytes do not fit even
 * after compaction.
 */
export function nodeSet(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  item: number,
  source: Buffer,
  start: number,
  length: number,
  isReference: boolean,
): boolean {
  const found = nodeItem(words, offset, capacity, item);
  assert(found, "a replaced element must exist");
  const size = nodeSizeOf(words, offset, length);
  const grown = size - nodeSizeOf(words, offset, foundItem.length);
  if (grown !== 0) {
    if (!makeRoom(bytes, words, offset, capacity, grown)) return false;
    const at = indexOf(words, offset, item);
    movePayload(bytes, words, offset, capacity, at + 1, grown);
    const ends = words[(offset >> 2) + 1] as number;
    const entry = readEntry(words, offset, capacity, ends, at) + grown;
    writeEntry(bytes, offset, capacity, ends, at, entry);
  }
  const index = indexOf(words, offset, item);
  putAt(bytes, words, offset, capacity, index, size, source, start, length, isReference);
  return true;
}

/** Writes the element `index`, whose entry ends `size` bytes behind its start. */
function putAt(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  index: number,
  size: number,
  source: Buffer,
  start: number,
  length: number,
  isReference: boolean,
): void {
  const ends = words[(offset >> 2) + 1] as number;
  const end = readEntry(words, offset, capacity, ends, index) & END_MASK;
  putItem(bytes, words, offset, capacity, end - size, end, source, start, length);
  writeEntry(bytes, offset, capacity, ends, index, isReference ? end | REFERENCE_FLAG : end);
}

/**
 * Inserts an element so that it becomes live element `item` (0 to their number). False, with
 * nothing changed, when it does not fit even after compaction. In the middle, the positions of the
 * elements pushed after it move by one.
 */
export function nodeInsert(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  item: number,
  source: Buffer,
  start: number,
  length: number,
  isReference: boolean,
): boolean {
  const live = nodeItemsCount(words, offset, capacity);
  assert(item >= 0 && item <= live, "an element is inserted between others or at an end");
  const isForward = nodeDirection(words, offset) === NODE_FORWARD;
  const behind = isForward ? live - item : item;
  if (behind === live && live > 0) {
    return nodePushOrigin(bytes, words, offset, capacity, source, start, length, isReference);
  }
  const size = nodeSizeOf(words, offset, length);
  if (!makeRoom(bytes, words, offset, capacity, size + NODE_ITEM_OVERHEAD)) return false;
  if (behind === 0) {
    nodePush(bytes, words, offset, capacity, source, start, length, isReference);
    return true;
  }
  openGap(bytes, words, offset, capacity, behind, size);
  const index = indexOf(words, offset, item);
  putAt(bytes, words, offset, capacity, index, size, source, start, length, isReference);
  return true;
}

/**
 * Removes live element `item`. In the middle, the positions of the elements pushed after it move by
 * one.
 */
export function nodeRemove(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  item: number,
): void {
  const found = nodeItem(words, offset, capacity, item);
  assert(found, "a removed element must exist");
  const live = nodeItemsCount(words, offset, capacity);
  if (item === 0) {
    nodeDropHead(words, offset, capacity, 1);
    return;
  }
  if (item === live - 1) {
    nodeDropTail(words, offset, capacity, 1);
    return;
  }
  const word = offset >> 2;
  const index = indexOf(words, offset, item);
  const size = nodeSizeOf(words, offset, foundItem.length);
  movePayload(bytes, words, offset, capacity, index + 1, -size);
  const count = (words[word] as number) >>> 16;
  moveEntries(bytes, words, offset, capacity, index + 1, count, -1);
  words[word] = (words[word] as number) - 0x10000;
}

/** Moves the live elements to the start of the page: the waste becomes free space. */
export function nodeCompact(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
): void {
  const first = (words[offset >> 2] as number) & FIRST_MASK;
  const start = (words[(offset >> 2) + 1] as number) & END_MASK;
  if (first !== 0 || start !== 0) shiftLive(bytes, words, offset, capacity, -first, -start);
}

/**
 * After the page's range grew or shrank at its end: moves what is counted from there, the directory
 * of a forward node or the elements of a backward one, to the new end.
 */
export function nodeResize(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacityBefore: number,
  capacity: number,
): void {
  const count = (words[offset >> 2] as number) >>> 16;
  const used = (words[(offset >> 2) + 1] as number) >>> 16;
  const isForward = nodeDirection(words, offset) === NODE_FORWARD;
  const size = isForward ? count * NODE_ITEM_OVERHEAD : used;
  const end = offset + capacityBefore;
  debugAssert(capacity <= NODE_CAPACITY_MAX && capacity % 8 === 0, "a node's capacity is bounded");
  bytes.copyWithin(offset + capacity - size, end - size, end);
}

/** Moves entries [from, to) by `slots`, to higher indices when positive. */
function moveEntries(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  from: number,
  to: number,
  slots: number,
): void {
  const ends = words[(offset >> 2) + 1] as number;
  const at = entriesStart(offset, capacity, ends, from, to);
  const target = entriesStart(offset, capacity, ends, from + slots, to + slots);
  bytes.copyWithin(target, at, at + (to - from) * NODE_ITEM_OVERHEAD);
}

/** Moves the bytes [from, to) of the elements by `size`, away from the origin when positive. */
function moveItems(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  from: number,
  to: number,
  size: number,
): void {
  const ends = words[(offset >> 2) + 1] as number;
  const at = itemsStart(offset, capacity, ends, from, to);
  const target = itemsStart(offset, capacity, ends, from + size, to + size);
  bytes.copyWithin(target, at, at + to - from);
}

function indexOf(words: Int32Array, offset: number, item: number): number {
  const counts = words[offset >> 2] as number;
  if (nodeDirection(words, offset) === NODE_FORWARD) return (counts & FIRST_MASK) + item;
  return (counts >>> 16) - 1 - item;
}

/**
 * Moves all live elements by `slots` entries and `size` bytes, away from the start when positive.
 */
function shiftLive(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  slots: number,
  size: number,
): void {
  const word = offset >> 2;
  const counts = words[word] as number;
  const first = counts & FIRST_MASK;
  const count = counts >>> 16;
  const ends = words[word + 1] as number;
  const start = ends & END_MASK;
  const used = ends >>> 16;
  // Neither may run over the other: the directory goes first when it makes room, and last when it
  // takes some.
  if (slots < 0) moveEntries(bytes, words, offset, capacity, first, count, slots);
  moveItems(bytes, words, offset, capacity, start, used, size);
  if (slots > 0) moveEntries(bytes, words, offset, capacity, first, count, slots);
  words[word] = (first + slots) | (counts & 0xffff & ~FIRST_MASK) | ((count + slots) << 16);
  words[word + 1] = (start + size) | (ends & NODE_BACKWARD) | ((used + size) << 16);
  addToEntries(bytes, words, offset, capacity, first + slots, count + slots, size);
  const base = words[word + 2] as number;
  words[word + 2] = ((ends & NODE_BACKWARD) === 0 ? base - slots : base + slots) | 0;
}

function addToEntries(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  from: number,
  to: number,
  size: number,
): void {
  if (size === 0) return;
  const ends = words[(offset >> 2) + 1] as number;
  for (let index = from; index < to; index++) {
    const entry = readEntry(words, offset, capacity, ends, index) + size;
    writeEntry(bytes, offset, capacity, ends, index, entry);
  }
}

/** Moves the bytes of the elements from `index` on by `size`; their entries and `used` follow. */
function movePayload(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  index: number,
  size: number,
): void {
  const word = offset >> 2;
  const count = (words[word] as number) >>> 16;
  const ends = words[word + 1] as number;
  const used = ends >>> 16;
  const from = readEntry(words, offset, capacity, ends, index - 1) & END_MASK;
  if (from < used) moveItems(bytes, words, offset, capacity, from, used, size);
  addToEntries(bytes, words, offset, capacity, index, count, size);
  words[word + 1] = (ends & 0xffff) | ((used + size) << 16);
}

/** Makes an element of `size` bytes, content left over, before the last `behind` pushed ones. */
function openGap(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  behind: number,
  size: number,
): void {
  const word = offset >> 2;
  const count = (words[word] as number) >>> 16;
  const index = count - behind;
  movePayload(bytes, words, offset, capacity, index, size);
  moveEntries(bytes, words, offset, capacity, index, count, 1);
  const ends = words[word + 1] as number;
  const before = readEntry(words, offset, capacity, ends, index - 1) & END_MASK;
  writeEntry(bytes, offset, capacity, ends, index, before + size);
  words[word] = (words[word] as number) + 0x10000;
}

/** Whether `room` more bytes of elements and entries fit, after a compaction if need be. */
function makeRoom(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  room: number,
): boolean {
  if (nodeHasRoom(words, offset, capacity, room)) return true;
  if (!nodeHasRoom(words, offset, capacity, room - nodeWaste(words, offset))) return false;
  nodeCompact(bytes, words, offset, capacity);
  return true;
}

/**
 * Moves the live elements so that one of `size` bytes, and about half of what is left over, fits
 * before them.
 */
function makeOriginRoom(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  size: number,
): boolean {
  const word = offset >> 2;
  const first = (words[word] as number) & FIRST_MASK;
  const live = ((words[word] as number) >>> 16) - first;
  const need = size + NODE_ITEM_OVERHEAD;
  const itemsSize = nodeItemsSize(words, offset);
  const free = capacity - NODE_HEADER_SIZE - itemsSize - live * NODE_ITEM_OVERHEAD - need;
  if (free < 0) return false;
  const slots = 1 + Math.floor((free >> 1) / need);
  const start = (words[word + 1] as number) & END_MASK;
  shiftLive(bytes, words, offset, capacity, slots - first, slots * size - start);
  return true;
}
