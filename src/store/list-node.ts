/**
 * A list node: a slotted page of list elements inside a byte range of shared memory.
 *
 * Sits below lists.ts, which keeps a short list as one such page inside its key's record and a long
 * list as many, each a record of its own. Knows nothing of keys, records, locks or other nodes:
 * free functions over a range `(bytes, words, offset, capacity)`, where `bytes` and `words` are two
 * views of the same memory.
 *
 *   a forward node (RPUSH); of the element k, end[k] is where it ends, from the end of the header:
 *   offset            +12       start          used                            offset + capacity
 *   | header, 3 words | dropped | live elements | free space | end[count-1] ... end[1] end[0] |
 *
 *   a backward node (LPUSH) is its mirror image, and end[k] is counted from the end of the page:
 *   | header, 3 words | end[0] end[1] ... end[count-1] | free space | live elements | dropped |
 *
 *   word 0: first, the index of the first live element | NODE_FRAMED_BIT | count, directory
 *           entries in use, << 16
 *   word 1: start of element `first` | NODE_BACKWARD | used, the end of element count-1, << 16
 *   word 2: position in the list of element 0, int32 that wraps; it decreases towards the head
 *
 * So elements always lie in list order, a push at the node's own end never moves a byte, and
 * element i is found in one step. An entry is 2 bytes: the end, and REFERENCE_FLAG when the element
 * is not the value but names it (a value too large for a node: 12 bytes that lists.ts understands).
 * The origin is the other end: dropping there moves `first` and `start` only, and a push there goes
 * into what was dropped, or moves the live elements once for many pushes.
 *
 * In a framed node every element lies in its frame (list-frame.ts), so that LRANGE copies a run of
 * elements at once; "size" is what an element takes in its node, frame included, "length" its own.
 *
 * Two orders of counting: "index" is the place in the page (pushing order, dropped ones included),
 * "item" the place in the list (0 is nearest to the head, live ones only).
 *
 * Invariants: 0 <= first <= count; 0 <= start <= end[first] <= ... <= end[count-1] = used;
 * HEADER + used + 2 * count <= capacity. An empty node has first = count = start = used = 0.
 * Limits: capacity is a multiple of 8, at most NODE_CAPACITY_MAX; offset is a multiple of 8.
 *
 * Reads are safe on garbage: a reader without a lock may see half a change, so whatever is read is
 * checked against the capacity before it is used, and nothing loops over a number that came from
 * the page.
 */
import { assert, debugAssert } from "../base/assert.ts";
import {
  FRAME_SIZE_MIN,
  FRAMED_SIZE_MIN,
  framedLength,
  frameHeaderSize,
  frameSize,
  writeFrame,
} from "./list-frame.ts";

/** Largest capacity: with a record's header and a node's key exactly a quarter of a chunk. */
export const NODE_CAPACITY_MAX = 32_728;
/** Bytes before the elements. */
export const NODE_HEADER_SIZE = 12;
/** Bytes that an element costs beside its own. */
export const NODE_ITEM_OVERHEAD = 2;

/** Direction bits, as `nodeInit` takes them and word 1 holds them. */
export const NODE_FORWARD = 0;
export const NODE_BACKWARD = 0x8000;
/** With them, for `nodeInit`: elements lie in frames. */
const NODE_FRAMED = 0x4000;
/** The same in word 0. */
const NODE_FRAMED_BIT = 0x8000;
export const FIRST_MASK = 0x3fff;

export const REFERENCE_FLAG = 0x8000;
export const END_MASK = 0x7fff;
/**
 * Below this a loop over bytes beats the native copy (facts of the runtime: 7 ns against 16 at 16
 * bytes).
 */
const LOOP_COPY_MAX = 32;

assert(NODE_CAPACITY_MAX <= END_MASK + 1, "an element's end must fit 15 bits");
assert(NODE_CAPACITY_MAX / NODE_ITEM_OVERHEAD <= FIRST_MASK + 1, "an index must fit 14 bits");

/**
 * Where `nodeItem` found an element: offset in the bytes of the node's memory. Overwritten by the
 * next call.
 */
export const foundItem = { start: 0, length: 0, isReference: false };

/** Where `nodeFrames` found a run of frames. Overwritten by the next call. */
export const foundFrames = { start: 0, size: 0 };

/**
 * Makes an empty node whose first push will get list position `position`. `layout`: a direction,
 * with what `layoutFor` says of the first element.
 */
export function nodeInit(
  words: Int32Array,
  offset: number,
  layout: number,
  position: number,
): void {
  const word = offset >> 2;
  words[word] = (layout & NODE_FRAMED) === 0 ? 0 : NODE_FRAMED_BIT;
  words[word + 1] = layout & NODE_BACKWARD;
  words[word + 2] = position;
}

/** Whether a node that begins with an element of `length` bytes is framed, for `nodeInit`. */
export function layoutFor(length: number): number {
  return length >= FRAMED_SIZE_MIN ? NODE_FRAMED : 0;
}

/** The smallest capacity that holds one element of `length` bytes. */
export function nodeCapacityFor(length: number): number {
  const size = length >= FRAMED_SIZE_MIN ? frameSize(length) : length;
  return (NODE_HEADER_SIZE + NODE_ITEM_OVERHEAD + size + 7) & ~7;
}

/** Bytes that an element of `length` bytes takes in this node, without its entry. Hot. */
export function nodeSizeOf(words: Int32Array, offset: number, length: number): number {
  return isFramed(words, offset) ? frameSize(length) : length;
}

function isFramed(words: Int32Array, offset: number): boolean {
  return ((words[offset >> 2] as number) & NODE_FRAMED_BIT) !== 0;
}

/** NODE_FORWARD or NODE_BACKWARD. */
export function nodeDirection(words: Int32Array, offset: number): number {
  return (words[(offset >> 2) + 1] as number) & NODE_BACKWARD;
}

/** Live elements; of garbage, some number that a page of this capacity could hold. */
export function nodeItemsCount(words: Int32Array, offset: number, capacity: number): number {
  const counts = words[offset >> 2] as number;
  const live = (counts >>> 16) - (counts & FIRST_MASK);
  const most = (capacity - NODE_HEADER_SIZE) >> 1;
  return Math.max(0, Math.min(live, most));
}

/** Bytes of the live elements, their frames included, without the directory. */
export function nodeItemsSize(words: Int32Array, offset: number): number {
  const ends = words[(offset >> 2) + 1] as number;
  return (ends >>> 16) - (ends & END_MASK);
}

/** Bytes that a compaction would win back from dropped elements. */
export function nodeWaste(words: Int32Array, offset: number): number {
  const word = offset >> 2;
  const first = (words[word] as number) & FIRST_MASK;
  return ((words[word + 1] as number) & END_MASK) + first * NODE_ITEM_OVERHEAD;
}

/**
 * List position of the live element nearest to the head, int32. Means nothing for an empty node.
 */
export function nodeHeadPosition(words: Int32Array, offset: number): number {
  const word = offset >> 2;
  const counts = words[word] as number;
  const base = words[word + 2] as number;
  if (nodeDirection(words, offset) === NODE_FORWARD) return (base + (counts & FIRST_MASK)) | 0;
  return (base - (counts >>> 16) + 1) | 0;
}

/**
 * Finds live element `item` (0 is nearest to the head) and describes it in `foundItem`. False when
 * the node has no such element, or when what it says of it is impossible (a reader's half-changed
 * bytes).
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
  const first = counts & FIRST_MASK;
  const count = counts >>> 16;
  const isForward = (ends & NODE_BACKWARD) === 0;
  const index = isForward ? first + item : count - 1 - item;
  if (index < first || index >= count) return false;
  const room = capacity - NODE_HEADER_SIZE - count * NODE_ITEM_OVERHEAD;
  if (room < 0) return false;
  const entry = readEntry(words, offset, capacity, ends, index);
  const start =
    index === first
      ? ends & END_MASK
      : readEntry(words, offset, capacity, ends, index - 1) & END_MASK;
  const end = entry & END_MASK;
  if (start > end || end > room) return false;
  const size = end - start;
  foundItem.start = isForward ? offset + NODE_HEADER_SIZE + start : offset + capacity - end;
  foundItem.length = size;
  foundItem.isReference = (entry & REFERENCE_FLAG) !== 0;
  if ((counts & NODE_FRAMED_BIT) !== 0) {
    if (size < FRAME_SIZE_MIN) return false;
    foundItem.start += frameHeaderSize(size);
    foundItem.length = framedLength(size);
  }
  return true;
}

/**
 * Finds the frames of `count` live elements from `item` on, and describes them in `foundFrames`:
 * bytes that can be sent as they are. False when the node has none, no such elements, or says
 * something impossible. References are framed too: whoever calls knows that there are none.
 */
export function nodeFrames(
  words: Int32Array,
  offset: number,
  capacity: number,
  item: number,
  count: number,
): boolean {
  if (!isFramed(words, offset)) return false;
  if (!nodeItem(words, offset, capacity, item)) return false;
  const start = foundItem.start - frameHeaderSize(frameSize(foundItem.length));
  if (!nodeItem(words, offset, capacity, item + count - 1)) return false;
  const end = foundItem.start + foundItem.length + 2;
  if (end < start) return false;
  foundFrames.start = start;
  foundFrames.size = end - start;
  return true;
}

/** Whether an element of `length` bytes fits behind the last pushed one as the node is. */
export function nodeFits(
  words: Int32Array,
  offset: number,
  capacity: number,
  length: number,
): boolean {
  const size = nodeSizeOf(words, offset, length);
  return nodeHasRoom(words, offset, capacity, size + NODE_ITEM_OVERHEAD);
}

/** The same, counting what `nodeCompact` would win back. */
export function nodeFitsCompacted(
  words: Int32Array,
  offset: number,
  capacity: number,
  length: number,
): boolean {
  const size = nodeSizeOf(words, offset, length) + NODE_ITEM_OVERHEAD;
  return nodeHasRoom(words, offset, capacity, size - nodeWaste(words, offset));
}

/** Whether the node has `room` free bytes between its elements and its directory. */
export function nodeHasRoom(
  words: Int32Array,
  offset: number,
  capacity: number,
  room: number,
): boolean {
  const word = offset >> 2;
  const used = (words[word + 1] as number) >>> 16;
  const count = (words[word] as number) >>> 16;
  return NODE_HEADER_SIZE + used + count * NODE_ITEM_OVERHEAD + room <= capacity;
}

/**
 * Adds an element at the node's own end: the tail of a forward node, the head of a backward one. It
 * must fit (`nodeFits`). `isReference` marks bytes that name the value. Hot: no byte but the
 * element's own moves.
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
  const end = used + nodeSizeOf(words, offset, length);
  putItem(bytes, words, offset, capacity, used, end, source, start, length);
  writeEntry(bytes, offset, capacity, ends, count, isReference ? end | REFERENCE_FLAG : end);
  words[word] = (words[word] as number) + 0x10000;
  words[word + 1] = (ends & 0xffff) | (end << 16);
}

/** Writes an element, and its frame where there are frames, to [from, to) of the elements. Hot. */
export function putItem(
  bytes: Buffer,
  words: Int32Array,
  offset: number,
  capacity: number,
  from: number,
  to: number,
  source: Buffer,
  start: number,
  length: number,
): void {
  const ends = words[(offset >> 2) + 1] as number;
  let at = itemsStart(offset, capacity, ends, from, to);
  if (isFramed(words, offset)) at = writeFrame(bytes, at, length);
  if (length >= LOOP_COPY_MAX) source.copy(bytes, at, start, start + length);
  else for (let i = 0; i < length; i++) bytes[at + i] = source[start + i] as number;
}

/** Where the bytes [from, to) of the elements are. `ends`: word 1 of the node. Hot. */
export function itemsStart(
  offset: number,
  capacity: number,
  ends: number,
  from: number,
  to: number,
): number {
  return (ends & NODE_BACKWARD) === 0 ? offset + NODE_HEADER_SIZE + from : offset + capacity - to;
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
  const first = counts & FIRST_MASK;
  const count = counts >>> 16;
  const used = ends >>> 16;
  const framed = isFramed(words, offset);
  assert(offset % 8 === 0 && capacity % 8 === 0, "a node is aligned to 8 bytes");
  assert(first <= count, `first (${first}) must be <= count (${count})`);
  const needed = NODE_HEADER_SIZE + used + count * NODE_ITEM_OVERHEAD;
  assert(needed <= capacity, `bytes in use (${needed}) must be <= capacity (${capacity})`);
  let previous = ends & END_MASK;
  for (let index = first; index < count; index++) {
    const end = readEntry(words, offset, capacity, ends, index) & END_MASK;
    assert(end >= previous, `end ${index} (${end}) must be >= the end before (${previous})`);
    const size = end - previous;
    assert(!framed || frameSize(framedLength(size)) === size, `size ${size} must be a frame's`);
    previous = end;
  }
  assert(previous === used, `the last end (${previous}) must be used (${used})`);
  assert(first < count || (count === 0 && used === 0), "an empty node starts at 0");
}

/** Entry `index`: two of them share a word. `ends`: word 1 of the node. Hot. */
export function readEntry(
  words: Int32Array,
  offset: number,
  capacity: number,
  ends: number,
  index: number,
): number {
  if ((ends & NODE_BACKWARD) === 0) {
    const pair = words[((offset + capacity) >> 2) - 1 - (index >> 1)] as number;
    return (index & 1) === 0 ? pair >>> 16 : pair & 0xffff;
  }
  const pair = words[((offset + NODE_HEADER_SIZE) >> 2) + (index >> 1)] as number;
  return (index & 1) === 0 ? pair & 0xffff : pair >>> 16;
}

export function writeEntry(
  bytes: Buffer,
  offset: number,
  capacity: number,
  ends: number,
  index: number,
  value: number,
): void {
  const at = entriesStart(offset, capacity, ends, index, index + 1);
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

/** Where the entries [from, to) are. `ends`: word 1 of the node. */
export function entriesStart(
  offset: number,
  capacity: number,
  ends: number,
  from: number,
  to: number,
): number {
  if ((ends & NODE_BACKWARD) === 0) return offset + capacity - to * NODE_ITEM_OVERHEAD;
  return offset + NODE_HEADER_SIZE + from * NODE_ITEM_OVERHEAD;
}

/** Forgets `count` elements at the origin. */
function dropOrigin(words: Int32Array, offset: number, capacity: number, count: number): void {
  const word = offset >> 2;
  const counts = words[word] as number;
  const first = (counts & FIRST_MASK) + count;
  if (first >= counts >>> 16) {
    becomeEmpty(words, offset, counts >>> 16);
    return;
  }
  const ends = words[word + 1] as number;
  const start = readEntry(words, offset, capacity, ends, first - 1) & END_MASK;
  words[word] = (counts & ~FIRST_MASK) | first;
  words[word + 1] = (ends & ~END_MASK) | start;
}

/** Forgets `count` elements at the end of the pushes; their space is free at once. */
function dropPushed(words: Int32Array, offset: number, capacity: number, count: number): void {
  const word = offset >> 2;
  const counts = words[word] as number;
  const left = (counts >>> 16) - count;
  const first = counts & FIRST_MASK;
  if (left <= first) {
    becomeEmpty(words, offset, first);
    return;
  }
  const ends = words[word + 1] as number;
  const used = readEntry(words, offset, capacity, ends, left - 1) & END_MASK;
  words[word] = (counts & 0xffff) | (left << 16);
  words[word + 1] = (ends & 0xffff) | (used << 16);
}

/**
 * Empties the node; what is pushed next gets the position that element `index` had or would have
 * had.
 */
function becomeEmpty(words: Int32Array, offset: number, index: number): void {
  const direction = nodeDirection(words, offset);
  const base = words[(offset >> 2) + 2] as number;
  const position = direction === NODE_FORWARD ? base + index : base - index;
  const layout = isFramed(words, offset) ? direction | NODE_FRAMED : direction;
  nodeInit(words, offset, layout, position | 0);
}
