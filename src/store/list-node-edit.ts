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
  copyIn,
  END_MASK,
  foundItem,
  NODE_BACKWARD,
  NODE_CAPACITY_MAX,
  NODE_FORWARD,
  NODE_HEADER_SIZE,
  NODE_ITEM_OVERHEAD,
  nodeDirection,
  nodeDropHead,
  nodeDropTail,
  nodeFits,
  nodeFitsCompacted,
  nodeItem,
  nodeItemsCount,
  nodeItemsSize,
  nodePush,
  REFERENCE_FLAG,
  readEntry,
  writeEntry,
} from "./list-node.ts";

/** Whether an element of `length` bytes fits the dropped space at the origin as the node is. */
export function nodeFitsOrigin(words: Int32Array, offset: number, length: number): boolean {
  const word = offset >> 2;
  const first = (words[word] as number) & 0xffff;
  return first > 0 && ((words[word + 1] as number) & END_MASK) >= length;
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
  if (
    !nodeFitsOrigin(words, offset, length) &&
    !makeOriginRoom(bytes, words, offset, capacity, length)
  ) {
    return false;
  }
  const first = (words[word] as number) & 0xffff;
  const ends = words[word + 1] as number;
  const end = ends & END_MASK;
  copyIn(bytes, offset + NODE_HEADER_SIZE + end - length, source, start, length);
  writeEntry(bytes, offset + capacity, first - 1, isReference ? end | REFERENCE_FLAG : end);
  words[word] = (words[word] as number) - 1;
  words[word + 1] = ends - length;
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
  const grown = length - foundItem.length;
  if (grown !== 0) {
    if (!makeRoom(bytes, words, offset, capacity, grown, 0)) return false;
    const index = indexOf(words, offset, item);
    movePayload(bytes, words, offset, capacity, index + 1, grown);
    writeEntry(bytes, offset + capacity, index, readEntry(words, offset + capacity, index) + grown);
    nodeItem(words, offset, capacity, item);
  }
  copyIn(bytes, foundItem.start, source, start, length);
  markReference(bytes, words, offset, capacity, indexOf(words, offset, item), isReference);
  return true;
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
  if (!makeRoom(bytes, words, offset, capacity, length, 1)) return false;
  if (behind === 0) {
    nodePush(bytes, words, offset, capacity, source, start, length, isReference);
    return true;
  }
  openGap(bytes, words, offset, capacity, behind, length);
  nodeItem(words, offset, capacity, item);
  copyIn(bytes, foundItem.start, source, start, length);
  markReference(bytes, words, offset, capacity, indexOf(words, offset, item), isReference);
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
  const length = foundItem.length;
  movePayload(bytes, words, offset, capacity, index + 1, -length);
  const count = (words[word] as number) >>> 16;
  moveEntries(bytes, offset + capacity, index + 1, count, -1);
  words[word] = (words[word] as number) - 0x10000;
}

/** Moves the live elements to the start of the page: the waste becomes free space. */
export function nodeCompact(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
): void {
  const first = (words[offset >> 2] as number) & 0xffff;
  const start = (words[(offset >> 2) + 1] as number) & END_MASK;
  if (first !== 0 || start !== 0) shiftLive(bytes, words, offset, capacity, -first, -start);
}

/**
 * After the page's range grew or shrank at its end: moves the directory from the old end to the new
 * one.
 */
export function nodeResize(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacityBefore: number,
  capacity: number,
): void {
  const count = (words[offset >> 2] as number) >>> 16;
  const size = count * NODE_ITEM_OVERHEAD;
  const end = offset + capacityBefore;
  debugAssert(capacity <= NODE_CAPACITY_MAX && capacity % 8 === 0, "a node's capacity is bounded");
  bytes.copyWithin(offset + capacity - size, end - size, end);
}

/** Moves entries [from, to) by `slots`, to higher indices when positive. */
function moveEntries(bytes: Buffer, end: number, from: number, to: number, slots: number): void {
  const low = end - NODE_ITEM_OVERHEAD * to;
  const high = end - NODE_ITEM_OVERHEAD * from;
  bytes.copyWithin(low - NODE_ITEM_OVERHEAD * slots, low, high);
}

function markReference(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  index: number,
  isReference: boolean,
): void {
  const end = readEntry(words, offset + capacity, index) & END_MASK;
  writeEntry(bytes, offset + capacity, index, isReference ? end | REFERENCE_FLAG : end);
}

function indexOf(words: Int32Array, offset: number, item: number): number {
  const counts = words[offset >> 2] as number;
  if (nodeDirection(words, offset) === NODE_FORWARD) return (counts & 0xffff) + item;
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
  const first = (words[word] as number) & 0xffff;
  const count = (words[word] as number) >>> 16;
  const ends = words[word + 1] as number;
  const payload = offset + NODE_HEADER_SIZE;
  const start = ends & END_MASK;
  const used = ends >>> 16;
  // Neither may run over the other: the directory goes first when it makes room, and last when it
  // takes some.
  if (slots < 0) moveEntries(bytes, offset + capacity, first, count, slots);
  bytes.copyWithin(payload + start + size, payload + start, payload + used);
  if (slots > 0) moveEntries(bytes, offset + capacity, first, count, slots);
  words[word] = (first + slots) | ((count + slots) << 16);
  words[word + 1] = (start + size) | (ends & NODE_BACKWARD) | ((used + size) << 16);
  addToEntries(bytes, words, offset + capacity, first + slots, count + slots, size);
  const base = words[word + 2] as number;
  words[word + 2] = ((ends & NODE_BACKWARD) === 0 ? base - slots : base + slots) | 0;
}

function addToEntries(
  bytes: Buffer,
  words: Int32Array,
  end: number,
  from: number,
  to: number,
  size: number,
): void {
  if (size === 0) return;
  for (let index = from; index < to; index++) {
    writeEntry(bytes, end, index, readEntry(words, end, index) + size);
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
  const from = readEntry(words, offset + capacity, index - 1) & END_MASK;
  const payload = offset + NODE_HEADER_SIZE;
  if (from < used) bytes.copyWithin(payload + from + size, payload + from, payload + used);
  addToEntries(bytes, words, offset + capacity, index, count, size);
  words[word + 1] = (ends & 0xffff) | ((used + size) << 16);
}

/**
 * Makes an element of `length` bytes, its content left over, before the last `behind` pushed ones.
 */
function openGap(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  behind: number,
  length: number,
): void {
  const word = offset >> 2;
  const count = (words[word] as number) >>> 16;
  const index = count - behind;
  movePayload(bytes, words, offset, capacity, index, length);
  const end = offset + capacity;
  moveEntries(bytes, end, index, count, 1);
  writeEntry(bytes, end, index, (readEntry(words, end, index - 1) & END_MASK) + length);
  words[word] = (words[word] as number) + 0x10000;
}

/**
 * Whether `slots` more entries and `size` more bytes fit, after a compaction if that is what it
 * takes.
 */
function makeRoom(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  size: number,
  slots: number,
): boolean {
  const length = size + (slots - 1) * NODE_ITEM_OVERHEAD;
  if (nodeFits(words, offset, capacity, length)) return true;
  if (!nodeFitsCompacted(words, offset, capacity, length)) return false;
  nodeCompact(bytes, words, offset, capacity);
  return true;
}

/**
 * Moves the live elements so that one of `length` bytes, and about half of what is left over, fits
 * before them.
 */
function makeOriginRoom(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  length: number,
): boolean {
  const word = offset >> 2;
  const first = (words[word] as number) & 0xffff;
  const live = ((words[word] as number) >>> 16) - first;
  const need = length + NODE_ITEM_OVERHEAD;
  const size = nodeItemsSize(words, offset);
  const free = capacity - NODE_HEADER_SIZE - size - live * NODE_ITEM_OVERHEAD - need;
  if (free < 0) return false;
  const slots = 1 + Math.floor((free >> 1) / need);
  const start = (words[word + 1] as number) & END_MASK;
  shiftLive(bytes, words, offset, capacity, slots - first, slots * length - start);
  return true;
}
