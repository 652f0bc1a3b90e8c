/**
 * Where the elements of a list are: its descriptor, its pages, and moving the cursor among them.
 *
 * A short list is one page (list-node.ts) inside its key's record; the record's value length is the
 * page's capacity. A long one is a descriptor in the record, and pages that are nodes, numbered
 * without a gap from head to tail:
 *
 *   | id low | id high | first node | last node | elements | head position | large elements |
 *   | irregular, holes | where the first node is (2 words) | where the last node is (2 words) |
 *
 * The head takes falling node numbers, the tail rising ones. Each page knows the list position of
 * its elements, an int32 that falls towards the head, so any index is found by interpolation over
 * the nodes. Inserting or removing in the middle makes the list irregular: positions then mean
 * nothing and an index is found by counting along the nodes from the nearer end. A node in the
 * middle that loses its last element is freed and leaves a hole in the numbers.
 *
 * Everything here also runs in optimistic reads: what is half-changed gives a wrong answer or none,
 * within bounds, and every walk over nodes stops when the owner's bucket is no longer as it was.
 */
import type { ByteBuffer } from "../base/byte-buffer.ts";
import { type Cursor, TYPE_LIST } from "./cursor.ts";
import { isUnchanged } from "./index.ts";
import { FLAG_NODES, RECORD_TYPE_SHIFT, SEGMENT_SIZE } from "./layout.ts";
import { largeLength } from "./list-large.ts";
import {
  foundFrames,
  foundItem,
  NODE_CAPACITY_MAX,
  nodeFrames,
  nodeHeadPosition,
  nodeItem,
  nodeItemsCount,
} from "./list-node.ts";
import type { Memory } from "./memory.ts";
import { findNode, isNodeAt } from "./nodes.ts";
import {
  DESCRIPTOR_FIRST,
  DESCRIPTOR_ID_HIGH,
  DESCRIPTOR_ID_LOW,
  DESCRIPTOR_LAST,
  DESCRIPTOR_LENGTH,
  valueCapacity,
} from "./read.ts";

/** Words of a list's descriptor, behind those that every value in nodes has. */
export const LIST_COUNT = DESCRIPTOR_LENGTH;
/** Position of the element at the head. */
export const LIST_HEAD = 5;
/** Elements that are references (list-large.ts). */
export const LIST_LARGE = 6;
/** LIST_IRREGULAR, and the number of holes above it. */
export const LIST_STATE = 7;
export const LIST_IRREGULAR = 1;
export const LIST_HOLE = 2;
/**
 * Where the first and the last node are, segment slot and offset of their contents, so that a push
 * or a drop needs no look-up: LPUSH and LTRIM take 290 ns instead of 430. NO_HINT, or a node of
 * this list: never one that was freed or moved. Written under the lock. Only where a node has one
 * place, so not with a compacting log.
 */
export const LIST_FIRST_HINT = 8;
export const LIST_LAST_HINT = 10;
const NO_HINT = -1;
export const LIST_DESCRIPTOR_SIZE = 48;

/** Bytes of a node, so that with header and key it fills a block; long lists get larger ones. */
export const NODE_SIZE = 4072;
const NODE_SIZE_LONG = 16_352;
/** Nodes from which a list counts as long. */
const LONG_LIST_NODES = 32;

/** Type and flags of the records of both forms. */
export const SHORT_LIST = TYPE_LIST << RECORD_TYPE_SHIFT;
export const LONG_LIST = SHORT_LIST | FLAG_NODES;

/**
 * Interpolation needs two or three probes, bisection every other time bounds it: more means a
 * half-changed list.
 */
const PROBES_MAX = 80;

/** Fills what the cursor says of the list that describeRecord found. Hot. */
export function describeList(memory: Memory, cursor: Cursor): void {
  const words = memory.words[cursor.slot] as Int32Array;
  if (!cursor.isLarge) {
    cursor.nodeSlot = cursor.slot;
    cursor.nodeOffset = cursor.valueStart;
    cursor.nodeCapacity = cursor.valueLength & ~7;
    cursor.itemsCount = nodeItemsCount(words, cursor.valueStart, cursor.nodeCapacity);
    return;
  }
  cursor.nodeCapacity = 0;
  if (cursor.valueStart + LIST_DESCRIPTOR_SIZE > SEGMENT_SIZE) {
    cursor.itemsCount = 0;
    return;
  }
  cursor.itemsCount = Math.max(0, words[(cursor.valueStart >>> 2) + LIST_COUNT] as number);
}

/** Word `word` of the descriptor of the cursor's list. */
export function descriptorWord(memory: Memory, cursor: Cursor, word: number): number {
  return (memory.words[cursor.slot] as Int32Array)[(cursor.valueStart >>> 2) + word] as number;
}

export function setDescriptorWord(
  memory: Memory,
  cursor: Cursor,
  word: number,
  value: number,
): void {
  (memory.words[cursor.slot] as Int32Array)[(cursor.valueStart >>> 2) + word] = value;
}

/** Adds to a word of the descriptor; it wraps. */
export function addToDescriptor(memory: Memory, cursor: Cursor, word: number, n: number): void {
  setDescriptorWord(memory, cursor, word, (descriptorWord(memory, cursor, word) + n) | 0);
}

/** Writes the descriptor of a regular list of nodes `first` to `last`. */
export function writeDescriptor(
  memory: Memory,
  cursor: Cursor,
  idLow: number,
  idHigh: number,
  first: number,
  last: number,
  count: number,
  head: number,
  large: number,
): void {
  setDescriptorWord(memory, cursor, DESCRIPTOR_ID_LOW, idLow);
  setDescriptorWord(memory, cursor, DESCRIPTOR_ID_HIGH, idHigh);
  setDescriptorWord(memory, cursor, DESCRIPTOR_FIRST, first);
  setDescriptorWord(memory, cursor, DESCRIPTOR_LAST, last);
  setDescriptorWord(memory, cursor, LIST_COUNT, count);
  setDescriptorWord(memory, cursor, LIST_HEAD, head);
  setDescriptorWord(memory, cursor, LIST_LARGE, large);
  setDescriptorWord(memory, cursor, LIST_STATE, 0);
  forgetHints(memory, cursor);
  describeList(memory, cursor);
}

/** Bytes that the record of a short list has for its page. */
export function pageCapacity(memory: Memory, cursor: Cursor): number {
  return Math.min(valueCapacity(memory, cursor) & ~7, NODE_CAPACITY_MAX);
}

/** Bytes of a new node of a list that has about `nodes` of them. */
export function nodeSize(nodes: number): number {
  return nodes < LONG_LIST_NODES ? NODE_SIZE : NODE_SIZE_LONG;
}

/**
 * Finds a node of the cursor's list: memory.nodeSlot, nodeOffset, nodeCapacity. The first and the
 * last one are mostly where the descriptor's hints say. Hot.
 */
export function findListNode(memory: Memory, cursor: Cursor, number: number): boolean {
  const words = memory.words[cursor.slot] as Int32Array;
  const at = cursor.valueStart >>> 2;
  const idLow = words[at + DESCRIPTOR_ID_LOW] as number;
  const idHigh = words[at + DESCRIPTOR_ID_HIGH] as number;
  let hint = 0;
  if (number === words[at + DESCRIPTOR_FIRST]) hint = at + LIST_FIRST_HINT;
  else if (number === words[at + DESCRIPTOR_LAST]) hint = at + LIST_LAST_HINT;
  if (hint === 0) return findNode(memory, idLow, idHigh, number);
  const slot = words[hint] as number;
  if (isNodeAt(memory, slot, words[hint + 1] as number, idLow, idHigh, number)) return true;
  if (!findNode(memory, idLow, idHigh, number)) return false;
  if (cursor.isLocked) {
    words[hint] = memory.nodeSlot;
    words[hint + 1] = memory.nodeOffset;
  }
  return true;
}

/** Before a node of the list is freed or moved: a hint must never outlive what it points at. */
export function forgetHints(memory: Memory, cursor: Cursor): void {
  setDescriptorWord(memory, cursor, LIST_FIRST_HINT, NO_HINT);
  setDescriptorWord(memory, cursor, LIST_LAST_HINT, NO_HINT);
}

/**
 * Moves the cursor to element `index`, 0 at the head: itemBytes, itemStart, itemLength and
 * itemIsLarge describe it. False when there is no such element. O(1) in a short list, near the ends
 * and near the last one; else O(log n), and in an irregular list one look-up a node. Hot.
 */
export function seekItem(memory: Memory, cursor: Cursor, index: number): boolean {
  if (index < 0 || index >= cursor.itemsCount) return false;
  if (!cursor.isLarge) {
    cursor.itemIndex = index;
    cursor.nodeItem = index;
    return showItem(memory, cursor);
  }
  return seekNear(memory, cursor, index) || seekFar(memory, cursor, index);
}

/** Moves to the element behind; false at the tail. Hot. */
export function nextItem(memory: Memory, cursor: Cursor): boolean {
  if (cursor.itemIndex + 1 >= cursor.itemsCount) return false;
  cursor.itemIndex++;
  cursor.nodeItem++;
  if (showItem(memory, cursor)) return true;
  return cursor.isLarge && stepNode(memory, cursor, 1);
}

/** Moves to the element before; false at the head. Hot. */
export function previousItem(memory: Memory, cursor: Cursor): boolean {
  if (cursor.itemIndex <= 0) return false;
  cursor.itemIndex--;
  cursor.nodeItem--;
  if (cursor.nodeItem >= 0) return showItem(memory, cursor);
  return cursor.isLarge && stepNode(memory, cursor, -1);
}

/**
 * Appends up to `count` elements to `out` as RESP bulk strings, from the cursor's current one on
 * and not beyond its page; the cursor is then at the last of them. Returns how many that were: 0
 * when the page does not hold its elements that way (list-frame.ts). Hot.
 */
export function copyFrames(memory: Memory, cursor: Cursor, out: ByteBuffer, count: number): number {
  if (cursor.isLarge && descriptorWord(memory, cursor, LIST_LARGE) !== 0) return 0;
  const { nodeOffset, nodeCapacity, nodeItem } = cursor;
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  const copied = Math.min(count, pageItemsCount(memory, cursor) - nodeItem);
  if (copied < 1 || !nodeFrames(words, nodeOffset, nodeCapacity, nodeItem, copied)) return 0;
  out.append(memory.bytes[cursor.nodeSlot] as Buffer, foundFrames.start, foundFrames.size);
  cursor.itemIndex += copied - 1;
  cursor.nodeItem += copied - 1;
  return copied;
}

/** Describes element nodeItem of the cursor's page. */
function showItem(memory: Memory, cursor: Cursor): boolean {
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  if (!nodeItem(words, cursor.nodeOffset, cursor.nodeCapacity, cursor.nodeItem)) return false;
  const bytes = memory.bytes[cursor.nodeSlot] as Buffer;
  cursor.itemBytes = bytes;
  cursor.itemStart = foundItem.start;
  cursor.itemIsLarge = foundItem.isReference;
  cursor.itemLength = foundItem.isReference
    ? largeLength(bytes, foundItem.start)
    : foundItem.length;
  return true;
}

/** Live elements of the cursor's page. */
export function pageItemsCount(memory: Memory, cursor: Cursor): number {
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  return nodeItemsCount(words, cursor.nodeOffset, cursor.nodeCapacity);
}

/** Makes the node that was found last the cursor's page. */
export function enterNode(memory: Memory, cursor: Cursor, number: number): void {
  cursor.nodeNumber = number;
  cursor.nodeSlot = memory.nodeSlot;
  cursor.nodeOffset = memory.nodeOffset;
  cursor.nodeCapacity = memory.nodeCapacity;
}

/** Whether what is read of the list still holds; a writer's own list always does. */
function isStable(memory: Memory, cursor: Cursor): boolean {
  return cursor.isLocked || isUnchanged(memory.keys, cursor);
}

/**
 * The element is in the cursor's page or at the near end of the next one, as for whoever goes along
 * the list.
 */
function seekNear(memory: Memory, cursor: Cursor, index: number): boolean {
  if (cursor.nodeCapacity === 0) return false;
  const item = cursor.nodeItem + index - cursor.itemIndex;
  const live = pageItemsCount(memory, cursor);
  if (item < -1 || item > live) return false;
  cursor.itemIndex = index;
  cursor.nodeItem = item;
  if (item >= 0 && item < live) return showItem(memory, cursor);
  return stepNode(memory, cursor, item < 0 ? -1 : 1);
}

/** Enters the next page that has elements, in the direction of `step`, at its near end. */
export function stepNode(memory: Memory, cursor: Cursor, step: number): boolean {
  const end = descriptorWord(memory, cursor, step > 0 ? DESCRIPTOR_LAST : DESCRIPTOR_FIRST);
  for (let number = cursor.nodeNumber; number !== end; ) {
    number += step;
    if (!isStable(memory, cursor)) return false;
    if (!findListNode(memory, cursor, number)) continue;
    enterNode(memory, cursor, number);
    const live = pageItemsCount(memory, cursor);
    if (live === 0) continue;
    cursor.nodeItem = step > 0 ? 0 : live - 1;
    return showItem(memory, cursor);
  }
  return false;
}

function seekFar(memory: Memory, cursor: Cursor, index: number): boolean {
  const state = descriptorWord(memory, cursor, LIST_STATE);
  cursor.nodeCapacity = 0;
  const isFound =
    (state & LIST_IRREGULAR) === 0
      ? searchNodes(memory, cursor, index)
      : walkNodes(memory, cursor, index);
  if (isFound && showItem(memory, cursor)) return true;
  cursor.nodeCapacity = 0;
  return false;
}

/** Finds the element's node by its position: interpolation and bisection in turn. */
function searchNodes(memory: Memory, cursor: Cursor, index: number): boolean {
  const position = (descriptorWord(memory, cursor, LIST_HEAD) + index) | 0;
  let low = descriptorWord(memory, cursor, DESCRIPTOR_FIRST);
  let high = descriptorWord(memory, cursor, DESCRIPTOR_LAST);
  // Indices of the first element that can be in node `low`, and of the last one that can be in node
  // `high`.
  let lowIndex = 0;
  let highIndex = cursor.itemsCount - 1;
  for (let probe = 0; low <= high && probe < PROBES_MAX; probe++) {
    const share = (probe & 1) === 0 ? (index - lowIndex) / (highIndex - lowIndex + 1) : 0.5;
    const guess = Math.max(low, Math.min(high, low + Math.floor(share * (high - low + 1))));
    if (!findListNode(memory, cursor, guess)) return false;
    enterNode(memory, cursor, guess);
    const words = memory.words[cursor.nodeSlot] as Int32Array;
    const item = (position - nodeHeadPosition(words, cursor.nodeOffset)) | 0;
    const live = pageItemsCount(memory, cursor);
    if (item < 0) {
      high = guess - 1;
      highIndex = index - item - 1;
    } else if (item >= live) {
      low = guess + 1;
      lowIndex = index - item + live;
    } else {
      cursor.itemIndex = index;
      cursor.nodeItem = item;
      return true;
    }
  }
  return false;
}

/** Finds the element's node by counting along the nodes from the nearer end. */
function walkNodes(memory: Memory, cursor: Cursor, index: number): boolean {
  const isFromHead = index < cursor.itemsCount / 2;
  const step = isFromHead ? 1 : -1;
  const first = descriptorWord(memory, cursor, DESCRIPTOR_FIRST);
  const last = descriptorWord(memory, cursor, DESCRIPTOR_LAST);
  // Elements between the near end and the wanted one.
  let between = isFromHead ? index : cursor.itemsCount - 1 - index;
  for (let number = isFromHead ? first : last; number >= first && number <= last; number += step) {
    if (!isStable(memory, cursor)) return false;
    if (!findListNode(memory, cursor, number)) continue;
    enterNode(memory, cursor, number);
    const live = pageItemsCount(memory, cursor);
    if (between < live) {
      cursor.itemIndex = index;
      cursor.nodeItem = isFromHead ? between : live - 1 - between;
      return true;
    }
    between -= live;
  }
  return false;
}

/** Bytes from which one native comparison beats a loop (16 B: 9 ns against 31 ns). */
const NATIVE_COMPARE_SIZE_MIN = 64;

/** Whether `length` bytes of shared memory at `at` are those of `bytes` at `start`. */
export function isEqual(
  shared: Buffer,
  at: number,
  bytes: Buffer,
  start: number,
  length: number,
): boolean {
  if (length >= NATIVE_COMPARE_SIZE_MIN) {
    return shared.compare(bytes, start, start + length, at, at + length) === 0;
  }
  for (let i = 0; i < length; i++) {
    if (shared[at + i] !== bytes[start + i]) return false;
  }
  return true;
}
