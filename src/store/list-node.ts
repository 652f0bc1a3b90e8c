/**
 * A list node: a slotted page of list elements inside a byte range of shared memory.
 *
 * Sits below lists.ts, which keeps a short list as one such page inside its key's record and a long list as many,
 * each a record of its own. Knows nothing of keys, records, locks or other nodes: free functions over a range
 * `(bytes, words, offset, capacity)`, where `bytes` and `words` are two views of the same memory.
 *
 *   offset            +12       start          used                                    offset + capacity
 *   | header, 3 words | dropped | live elements | free space | end[count-1] ... end[1] end[0] |
 *
 *   word 0: first, the index of the first live element | count, directory entries in use << 16
 *   word 1: start of element `first` | NODE_BACKWARD | used, the end of element count-1, << 16
 *   word 2: position in the list of element 0, int32 that wraps; it decreases towards the head
 *
 * Elements lie in the order of pushing. In a forward node (RPUSH) that is list order, in a backward node (LPUSH) it
 * is the reverse, so a push at the node's own end never moves a byte and element i is found in one step at either.
 * `end[k]` is 2 bytes: where element k ends, from the end of the header, and REFERENCE_FLAG when the element is not
 * the value but names it (a value too large for a node: 12 bytes that lists.ts understands).
 * The origin is the other end: dropping there moves `first` and `start` only, and a push there goes into what was
 * dropped, or moves the live elements once for many pushes.
 *
 * Two orders of counting: "index" is the place in the page (pushing order, dropped ones included), "item" the place
 * in the list (0 is nearest to the head, live ones only).
 *
 * Invariants: 0 <= first <= count; 0 <= start <= end[first] <= ... <= end[count-1] = used;
 * HEADER + used + 2 * count <= capacity. An empty node has first = count = start = used = 0.
 * Limits: capacity is a multiple of 8, at most NODE_CAPACITY_MAX; offset is a multiple of 8.
 *
 * Reads are safe on garbage: a reader without a lock may see half a change, so whatever is read is checked against
 * the capacity before it is used, and nothing loops over a number that came from the page.
 */
import { assert, debugAssert } from "../base/assert.ts";

/** Largest capacity: with a record's header and a node's key exactly a quarter of a chunk. */
export const NODE_CAPACITY_MAX = 32_728;
/** Bytes before the elements. */
export const NODE_HEADER_SIZE = 12;
/** Bytes that an element costs beside its own. */
export const NODE_ITEM_OVERHEAD = 2;

/** Direction bits, as `nodeInit` takes them and word 1 holds them. */
export const NODE_FORWARD = 0;
export const NODE_BACKWARD = 0x8000;

const REFERENCE_FLAG = 0x8000;
const END_MASK = 0x7fff;
/** Below this a loop over bytes beats the native copy (facts of the runtime: 7 ns against 16 at 16 bytes). */
const LOOP_COPY_MAX = 32;

assert(NODE_CAPACITY_MAX <= END_MASK + 1, "an element's end must fit 15 bits");

/** Where `nodeItem` found an element: offset in the bytes of the node's memory. Overwritten by the next call. */
export const foundItem = { start: 0, length: 0, isReference: false };

/** Makes an empty node whose first push will get list position `position`. */
export function nodeInit(
  words: Int32Array,
  offset: number,
  direction: number,
  position: number,
): void {
  const word = offset >> 2;
  words[word] = 0;
  words[word + 1] = direction;
  words[word + 2] = position;
}

/** The smallest capacity that holds one element of `length` bytes. */
export function nodeCapacityFor(length: number): number {
  return (NODE_HEADER_SIZE + NODE_ITEM_OVERHEAD + length + 7) & ~7;
}

/** NODE_FORWARD or NODE_BACKWARD. */
export function nodeDirection(words: Int32Array, offset: number): number {
  return (words[(offset >> 2) + 1] as number) & NODE_BACKWARD;
}

/** Live elements; of garbage, some number that a page of this capacity could hold. */
export function nodeItemsCount(words: Int32Array, offset: number, capacity: number): number {
  const counts = words[offset >> 2] as number;
  const live = (counts >>> 16) - (counts & 0xffff);
  const most = (capacity - NODE_HEADER_SIZE) >> 1;
  return Math.max(0, Math.min(live, most));
}

/** Bytes of the live elements, without any overhead. */
export function nodeItemsSize(words: Int32Array, offset: number): number {
  const ends = words[(offset >> 2) + 1] as number;
  return (ends >>> 16) - (ends & END_MASK);
}

/** Bytes that a compaction would win back from dropped elements. */
export function nodeWaste(words: Int32Array, offset: number): number {
  const word = offset >> 2;
  const first = (words[word] as number) & 0xffff;
  return ((words[word + 1] as number) & END_MASK) + first * NODE_ITEM_OVERHEAD;
}

/** List position of the live element nearest to the head, int32. Means nothing for an empty node. */
export function nodeHeadPosition(words: Int32Array, offset: number): number {
  const word = offset >> 2;
  const counts = words[word] as number;
  const base = words[word + 2] as number;
  if (nodeDirection(words, offset) === NODE_FORWARD) return (base + (counts & 0xffff)) | 0;
  return (base - (counts >>> 16) + 1) | 0;
}

/**
 * Finds live element `item` (0 is nearest to the head) and describes it in `foundItem`. False when the node has no
 * such element, or when what it says of it is impossible (a reader's half-changed bytes).
 */
export function nodeItem(
  words: Int32Array,
  offset: number,
  capacity: number,
  item: number,
): boolean {
  const word = offset >> 2;
  const counts = words[word] as number;
  const ends = words[word + 1] as number;
  const first = counts & 0xffff;
  const count = counts >>> 16;
  const index = (ends & NODE_BACKWARD) === 0 ? first + item : count - 1 - item;
  if (index < first || index >= count) return false;
  const room = capacity - NODE_HEADER_SIZE - count * NODE_ITEM_OVERHEAD;
  if (room < 0) return false;
  const entry = readEntry(words, offset + capacity, index);
  const start =
    index === first ? ends & END_MASK : readEntry(words, offset + capacity, index - 1) & END_MASK;
  const end = entry & END_MASK;
  if (start > end || end > room) return false;
  foundItem.start = offset + NODE_HEADER_SIZE + start;
  foundItem.length = end - start;
  foundItem.isReference = (entry & REFERENCE_FLAG) !== 0;
  return true;
}

/** Whether an element of `length` bytes fits behind the last pushed one as the node is. */
export function nodeFits(
  words: Int32Array,
  offset: number,
  capacity: number,
  length: number,
): boolean {
  const word = offset >> 2;
  const used = (words[word + 1] as number) >>> 16;
  const count = (words[word] as number) >>> 16;
  return NODE_HEADER_SIZE + used + length + (count + 1) * NODE_ITEM_OVERHEAD <= capacity;
}

/** The same, counting what `nodeCompact` would win back. */
export function nodeFitsCompacted(
  words: Int32Array,
  offset: number,
  capacity: number,
  length: number,
): boolean {
  return nodeFits(words, offset, capacity, length - nodeWaste(words, offset));
}

/**
 * Adds an element at the node's own end: the tail of a forward node, the head of a backward one. It must fit
 * (`nodeFits`). `isReference` marks bytes that name the value. Hot: no byte but the element's own moves.
 */
export function nodePush(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  source: Buffer,
  start: number,
  length: number,
  isReference: boolean,
): void {
  debugAssert(nodeFits(words, offset, capacity, length), "a pushed element must fit its node");
  const word = offset >> 2;
  const count = (words[word] as number) >>> 16;
  const ends = words[word + 1] as number;
  const used = ends >>> 16;
  copyIn(bytes, offset + NODE_HEADER_SIZE + used, source, start, length);
  const end = used + length;
  writeEntry(bytes, offset + capacity, count, isReference ? end | REFERENCE_FLAG : end);
  words[word] = (words[word] as number) + 0x10000;
  words[word + 1] = (ends & 0xffff) | (end << 16);
}

/** Whether an element of `length` bytes fits the dropped space at the origin as the node is. */
export function nodeFitsOrigin(words: Int32Array, offset: number, length: number): boolean {
  const word = offset >> 2;
  const first = (words[word] as number) & 0xffff;
  return first > 0 && ((words[word + 1] as number) & END_MASK) >= length;
}

/**
 * Adds an element at the origin, the end opposite to the pushes. False when it does not fit; compaction does not
 * help then. Cheap while there is dropped space; otherwise the live elements move once, leaving half of the free
 * space at the origin, so that a run of such pushes moves each byte a few times and not once per push.
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

/** Drops the `count` live elements nearest to the head; at most all of them. */
export function nodeDropHead(
  words: Int32Array,
  offset: number,
  capacity: number,
  count: number,
): void {
  if (count === 0) return;
  if (nodeDirection(words, offset) === NODE_FORWARD) dropOrigin(words, offset, capacity, count);
  else dropPushed(words, offset, capacity, count);
}

/** Drops the `count` live elements nearest to the tail; at most all of them. */
export function nodeDropTail(
  words: Int32Array,
  offset: number,
  capacity: number,
  count: number,
): void {
  if (count === 0) return;
  if (nodeDirection(words, offset) === NODE_FORWARD) dropPushed(words, offset, capacity, count);
  else dropOrigin(words, offset, capacity, count);
}

/**
 * Replaces live element `item`. False, with nothing changed, when the new bytes do not fit even after compaction.
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
 * Inserts an element so that it becomes live element `item` (0 to their number). False, with nothing changed, when it
 * does not fit even after compaction. In the middle, the positions of the elements pushed after it move by one.
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

/** Removes live element `item`. In the middle, the positions of the elements pushed after it move by one. */
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

/** After the page's range grew or shrank at its end: moves the directory from the old end to the new one. */
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

/** Sets the list position of the live element nearest to the head; the others follow from it. */
export function nodeSetHeadPosition(words: Int32Array, offset: number, position: number): void {
  const change = (position - nodeHeadPosition(words, offset)) | 0;
  const word = (offset >> 2) + 2;
  words[word] = ((words[word] as number) + change) | 0;
}

/** Throws when the node breaks an invariant. For tests, fuzzers and debug builds. */
export function nodeInvariants(words: Int32Array, offset: number, capacity: number): void {
  const counts = words[offset >> 2] as number;
  const ends = words[(offset >> 2) + 1] as number;
  const first = counts & 0xffff;
  const count = counts >>> 16;
  const used = ends >>> 16;
  assert(offset % 8 === 0 && capacity % 8 === 0, "a node is aligned to 8 bytes");
  assert(first <= count, `first (${first}) must be <= count (${count})`);
  const needed = NODE_HEADER_SIZE + used + count * NODE_ITEM_OVERHEAD;
  assert(needed <= capacity, `bytes in use (${needed}) must be <= capacity (${capacity})`);
  let previous = ends & END_MASK;
  for (let index = first; index < count; index++) {
    const end = readEntry(words, offset + capacity, index) & END_MASK;
    assert(end >= previous, `end ${index} (${end}) must be >= the end before (${previous})`);
    previous = end;
  }
  assert(previous === used, `the last end (${previous}) must be used (${used})`);
  assert(first < count || (count === 0 && used === 0), "an empty node starts at 0");
}

// ---- Directory ----

/** Entry `index`: two of them share a word, the lower one in its high half. `end` is where the page ends. */
function readEntry(words: Int32Array, end: number, index: number): number {
  const pair = words[(end >> 2) - 1 - (index >> 1)] as number;
  return (index & 1) === 0 ? pair >>> 16 : pair & 0xffff;
}

function writeEntry(bytes: Buffer, end: number, index: number, value: number): void {
  const at = end - NODE_ITEM_OVERHEAD * (index + 1);
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
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

// ---- Moving what is there ----

/** Forgets `count` elements at the origin. */
function dropOrigin(words: Int32Array, offset: number, capacity: number, count: number): void {
  const word = offset >> 2;
  const counts = words[word] as number;
  const first = (counts & 0xffff) + count;
  if (first >= counts >>> 16) {
    becomeEmpty(words, offset, counts >>> 16);
    return;
  }
  const start = readEntry(words, offset + capacity, first - 1) & END_MASK;
  words[word] = (counts & ~0xffff) | first;
  words[word + 1] = ((words[word + 1] as number) & ~END_MASK) | start;
}

/** Forgets `count` elements at the end of the pushes; their space is free at once. */
function dropPushed(words: Int32Array, offset: number, capacity: number, count: number): void {
  const word = offset >> 2;
  const counts = words[word] as number;
  const left = (counts >>> 16) - count;
  const first = counts & 0xffff;
  if (left <= first) {
    becomeEmpty(words, offset, first);
    return;
  }
  const used = readEntry(words, offset + capacity, left - 1) & END_MASK;
  words[word] = first | (left << 16);
  words[word + 1] = ((words[word + 1] as number) & 0xffff) | (used << 16);
}

/** Empties the node; what is pushed next gets the position that element `index` had or would have had. */
function becomeEmpty(words: Int32Array, offset: number, index: number): void {
  const direction = nodeDirection(words, offset);
  const base = words[(offset >> 2) + 2] as number;
  const position = direction === NODE_FORWARD ? base + index : base - index;
  nodeInit(words, offset, direction, position | 0);
}

/** Moves all live elements by `slots` entries and `size` bytes, away from the start when positive. */
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
  // Neither may run over the other: the directory goes first when it makes room, and last when it takes some.
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

/** Makes an element of `length` bytes, its content left over, before the last `behind` pushed ones. */
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

/** Whether `slots` more entries and `size` more bytes fit, after a compaction if that is what it takes. */
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

/** Moves the live elements so that one of `length` bytes, and about half of what is left over, fits before them. */
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

function copyIn(bytes: Buffer, at: number, source: Buffer, start: number, length: number): void {
  if (length >= LOOP_COPY_MAX) {
    source.copy(bytes, at, start, start + length);
    return;
  }
  for (let i = 0; i < length; i++) bytes[at + i] = source[start + i] as number;
}
