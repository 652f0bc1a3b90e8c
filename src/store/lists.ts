/**
 * Lists: pushing and dropping at the ends, and turning a short list into a long one.
 *
 * list-page.ts says how a list lies in memory and finds elements, list-edit.ts changes the middle.
 * Everything here happens while the cursor's bucket is locked. A push writes the element's bytes
 * and a few words and moves nothing: in a short list into the page of the record, which grows by
 * half until it is LIST_INLINE_SIZE_MAX, in a long one into the node at that end, or a new node in
 * front of it. A drop moves a counter of the end's page; a page that has nothing left is freed
 * without looking at its elements.
 *
 * After each call the cursor's itemsCount is right and its type is TYPE_NONE when the list is gone;
 * its position in the list is lost.
 */
import { assert } from "../base/assert.ts";
import { markAccess } from "./access.ts";
import { type Cursor, TYPE_NONE } from "./cursor.ts";
import { rebuildList } from "./list-copy.ts";
import { createLarge, freeLarge, freeLargeItems, REFERENCE_SIZE, reference } from "./list-large.ts";
import {
  layoutFor,
  NODE_BACKWARD,
  NODE_FORWARD,
  NODE_HEADER_SIZE,
  NODE_ITEM_OVERHEAD,
  nodeCapacityFor,
  nodeDirection,
  nodeDropHead,
  nodeDropTail,
  nodeFits,
  nodeFitsCompacted,
  nodeHeadPosition,
  nodeInit,
  nodeItemsCount,
  nodeItemsSize,
  nodePush,
  nodeSizeOf,
  nodeWaste,
} from "./list-node.ts";
import { nodeCompact, nodeFitsOrigin, nodePushOrigin, nodeResize } from "./list-node-edit.ts";
import {
  addToDescriptor,
  describeList,
  descriptorWord,
  findListNode,
  forgetHints,
  LIST_COUNT,
  LIST_DESCRIPTOR_SIZE,
  LIST_FIRST_HINT,
  LIST_HEAD,
  LIST_HOLE,
  LIST_IRREGULAR,
  LIST_LARGE,
  LIST_LAST_HINT,
  LIST_STATE,
  LONG_LIST,
  NODE_SIZE,
  nodeSize,
  pageCapacity,
  SHORT_LIST,
  seekItem,
  setDescriptorWord,
  writeDescriptor,
} from "./list-page.ts";
import type { Memory } from "./memory.ts";
import { createNode, freeNode, newCollectionId } from "./nodes.ts";
import {
  DESCRIPTOR_FIRST,
  DESCRIPTOR_ID_HIGH,
  DESCRIPTOR_ID_LOW,
  DESCRIPTOR_LAST,
} from "./read.ts";
import { removeKey } from "./remove.ts";
import { retire } from "./retired.ts";
import { KEEP_EXPIRY, STATUS_OK, STATUS_TOO_LARGE, type Status } from "./status.ts";
import { reserveValue, rewrite, setInlineLength } from "./upsert.ts";

/** Bytes of the page up to which a list stays inside its record. */
export const LIST_INLINE_SIZE_MAX = 2048;
/**
 * Node numbers stay below this on either side. A list that takes a node at one end for each that it
 * frees at the other, as a queue does, is numbered anew once in so many nodes.
 */
export const NODE_NUMBER_MAX = 2 ** 30;
/** Elements that a list can have: the count is an int32. */
const ITEMS_COUNT_MAX = 2 ** 31 - 1;
/**
 * The longest element that a page takes; a longer one is kept in pieces. Two of them must fit the
 * largest node.
 */
export const LIST_ITEM_SIZE_MAX = 16_000;
/** Nodes from which dropping most of a list is done by copying the rest: freeing one takes 1 µs. */
const MOST_NODES_MIN = 32;
/** At most this part of the elements is kept then. */
const KEPT_PART = 16;

/**
 * Adds an element at the head or the tail of the cursor's list, which is created when the key is
 * missing. On anything but STATUS_OK nothing has changed. Hot.
 */
export function pushItem(
  memory: Memory,
  cursor: Cursor,
  atHead: boolean,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  if (cursor.type === TYPE_NONE) return createList(memory, cursor, atHead, bytes, start, length);
  markAccess(memory, cursor.slot, cursor.offset);
  if (cursor.isLarge) return pushLong(memory, cursor, atHead, bytes, start, length);
  const words = memory.words[cursor.slot] as Int32Array;
  const offset = cursor.valueStart;
  const capacity = cursor.valueLength;
  if (isOwnEnd(words, offset, atHead) && nodeFits(words, offset, capacity, length)) {
    nodePush(cursor.valueBytes, words, offset, capacity, bytes, start, length, false);
    cursor.itemsCount++;
    return STATUS_OK;
  }
  return pushShortSlow(memory, cursor, atHead, bytes, start, length);
}

/** Whether pushes at this end go behind the last pushed element of the page. */
function isOwnEnd(words: Int32Array, offset: number, atHead: boolean): boolean {
  return (nodeDirection(words, offset) === NODE_BACKWARD) === atHead;
}

function createList(
  memory: Memory,
  cursor: Cursor,
  atHead: boolean,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  const capacity = nodeCapacityFor(length);
  if (capacity > LIST_INLINE_SIZE_MAX) {
    return createLong(memory, cursor, atHead, bytes, start, length);
  }
  const status = rewrite(memory, cursor, SHORT_LIST, capacity, 0);
  if (status !== STATUS_OK) return status;
  setInlineLength(memory, cursor, pageCapacity(memory, cursor));
  const words = memory.words[cursor.slot] as Int32Array;
  const direction = atHead ? NODE_BACKWARD : NODE_FORWARD;
  nodeInit(words, cursor.valueStart, direction | layoutFor(length), 0);
  describeList(memory, cursor);
  return pushItem(memory, cursor, atHead, bytes, start, length);
}

/** Creates a list whose first element is too long for a record. */
function createLong(
  memory: Memory,
  cursor: Cursor,
  atHead: boolean,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  const id = newCollectionId(memory);
  let status = rewrite(memory, cursor, LONG_LIST, LIST_DESCRIPTOR_SIZE, 0);
  if (status !== STATUS_OK) return status;
  writeDescriptor(memory, cursor, id.low, id.high, 0, -1, 0, 0, 0);
  status = pushLong(memory, cursor, atHead, bytes, start, length);
  if (status !== STATUS_OK) removeKey(memory, cursor);
  return status;
}

/** The page of a short list has no room, or the push is at its origin. */
function pushShortSlow(
  memory: Memory,
  cursor: Cursor,
  atHead: boolean,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  const words = memory.words[cursor.slot] as Int32Array;
  const live = cursor.itemsCount + 1;
  const needed =
    NODE_HEADER_SIZE +
    nodeItemsSize(words, cursor.valueStart) +
    live * NODE_ITEM_OVERHEAD +
    nodeSizeOf(words, cursor.valueStart, length);
  const capacity = cursor.valueLength;
  // Compaction pays when it wins back much of the page; a little at a time, it would move the page
  // for every push.
  const waste = nodeWaste(words, cursor.valueStart);
  const isOwn = isOwnEnd(words, cursor.valueStart, atHead);
  if (needed > capacity || (isOwn && waste * 4 < capacity)) {
    if (Math.max(needed, capacity + 1) > LIST_INLINE_SIZE_MAX) {
      const status = becomeLong(memory, cursor);
      if (status !== STATUS_OK) return status;
      return pushLong(memory, cursor, atHead, bytes, start, length);
    }
    const status = growPage(memory, cursor, Math.max(needed, growth(capacity)));
    if (status !== STATUS_OK) return status;
  }
  putInPage(memory, cursor, atHead, bytes, start, length);
  cursor.itemsCount++;
  return STATUS_OK;
}

function growth(capacity: number): number {
  return Math.min(LIST_INLINE_SIZE_MAX, capacity + (capacity >>> 1));
}

/** Gives the page of a short list a larger record. */
export function growPage(memory: Memory, cursor: Cursor, capacity: number): Status {
  const before = cursor.valueLength;
  const status = reserveValue(memory, cursor, capacity);
  if (status !== STATUS_OK) return status;
  const after = pageCapacity(memory, cursor);
  const words = memory.words[cursor.slot] as Int32Array;
  nodeResize(cursor.valueBytes, words, cursor.valueStart, before, after);
  setInlineLength(memory, cursor, after);
  describeList(memory, cursor);
  return STATUS_OK;
}

/** Puts an element that fits into the page of a short list, which is compacted if need be. */
function putInPage(
  memory: Memory,
  cursor: Cursor,
  atHead: boolean,
  bytes: Buffer,
  start: number,
  length: number,
): void {
  const words = memory.words[cursor.slot] as Int32Array;
  const page = cursor.valueBytes;
  const offset = cursor.valueStart;
  const capacity = cursor.valueLength;
  if (!isOwnEnd(words, offset, atHead)) {
    const isPut = nodePushOrigin(page, words, offset, capacity, bytes, start, length, false);
    assert(isPut, "the page has room");
    return;
  }
  assert(nodeFitsCompacted(words, offset, capacity, length), "the page has room");
  if (!nodeFits(words, offset, capacity, length)) nodeCompact(page, words, offset, capacity);
  nodePush(page, words, offset, capacity, bytes, start, length, false);
}

/** Moves the page of a short list into a node and puts a descriptor into the record. */
export function becomeLong(memory: Memory, cursor: Cursor): Status {
  const id = newCollectionId(memory);
  const capacity = cursor.valueLength;
  const count = cursor.itemsCount;
  let status = createNode(memory, id.low, id.high, 0, Math.max(NODE_SIZE, capacity));
  if (status !== STATUS_OK) return status;
  const bytes = memory.bytes[memory.nodeSlot] as Buffer;
  const words = memory.words[memory.nodeSlot] as Int32Array;
  const offset = memory.nodeOffset;
  cursor.valueBytes.copy(bytes, offset, cursor.valueStart, cursor.valueStart + capacity);
  nodeResize(bytes, words, offset, capacity, memory.nodeCapacity);
  const head = nodeHeadPosition(words, offset);
  status = rewrite(memory, cursor, LONG_LIST, LIST_DESCRIPTOR_SIZE, KEEP_EXPIRY);
  if (status !== STATUS_OK) {
    freeNode(memory, id.low, id.high, 0);
    return status;
  }
  writeDescriptor(memory, cursor, id.low, id.high, 0, 0, count, head, 0);
  return STATUS_OK;
}

// ---- Long lists ----

function pushLong(
  memory: Memory,
  cursor: Cursor,
  atHead: boolean,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  if (cursor.itemsCount >= ITEMS_COUNT_MAX) return STATUS_TOO_LARGE;
  cursor.nodeCapacity = 0;
  if (length <= LIST_ITEM_SIZE_MAX) {
    return pushPiece(memory, cursor, atHead, bytes, start, length, false);
  }
  let status = createLarge(memory, bytes, start, length);
  if (status !== STATUS_OK) return status;
  status = pushPiece(memory, cursor, atHead, reference, 0, REFERENCE_SIZE, true);
  if (status === STATUS_OK) addToDescriptor(memory, cursor, LIST_LARGE, 1);
  else freeLarge(memory, reference, 0);
  return status;
}

/** Puts an element, or the reference to one, into the node at that end or into a new one. Hot. */
function pushPiece(
  memory: Memory,
  cursor: Cursor,
  atHead: boolean,
  bytes: Buffer,
  start: number,
  length: number,
  isReference: boolean,
): Status {
  const number = descriptorWord(memory, cursor, atHead ? DESCRIPTOR_FIRST : DESCRIPTOR_LAST);
  if (
    !findListNode(memory, cursor, number) ||
    !pushIntoNode(memory, atHead, bytes, start, length, isReference)
  ) {
    const status = addNode(memory, cursor, atHead, length);
    if (status !== STATUS_OK) return status;
    pushIntoNode(memory, atHead, bytes, start, length, isReference);
  }
  cursor.itemsCount++;
  setDescriptorWord(memory, cursor, LIST_COUNT, cursor.itemsCount);
  if (atHead) addToDescriptor(memory, cursor, LIST_HEAD, -1);
  return STATUS_OK;
}

/** Pushes into the node that was found last, if it has room there without moving anything. Hot. */
function pushIntoNode(
  memory: Memory,
  atHead: boolean,
  bytes: Buffer,
  start: number,
  length: number,
  isReference: boolean,
): boolean {
  const words = memory.words[memory.nodeSlot] as Int32Array;
  const page = memory.bytes[memory.nodeSlot] as Buffer;
  const offset = memory.nodeOffset;
  const capacity = memory.nodeCapacity;
  if (isOwnEnd(words, offset, atHead)) {
    if (!nodeFits(words, offset, capacity, length)) return false;
    nodePush(page, words, offset, capacity, bytes, start, length, isReference);
    return true;
  }
  if (!nodeFitsOrigin(words, offset, length)) return false;
  return nodePushOrigin(page, words, offset, capacity, bytes, start, length, isReference);
}

/**
 * Makes an empty node in front of the head or behind the tail, with room for an element of `length`
 * bytes.
 */
function addNode(memory: Memory, cursor: Cursor, atHead: boolean, length: number): Status {
  const first = descriptorWord(memory, cursor, DESCRIPTOR_FIRST);
  const last = descriptorWord(memory, cursor, DESCRIPTOR_LAST);
  const isEmpty = last < first;
  const number = atHead && !isEmpty ? first - 1 : last + 1;
  if (number <= -NODE_NUMBER_MAX || number >= NODE_NUMBER_MAX) {
    const status = rebuildList(memory, cursor);
    return status === STATUS_OK ? addNode(memory, cursor, atHead, length) : status;
  }
  const capacity = Math.max(nodeCapacityFor(length), nodeSize(last - first));
  const idLow = descriptorWord(memory, cursor, DESCRIPTOR_ID_LOW);
  const idHigh = descriptorWord(memory, cursor, DESCRIPTOR_ID_HIGH);
  const status = createNode(memory, idLow, idHigh, number, capacity);
  if (status !== STATUS_OK) return status;
  const head = descriptorWord(memory, cursor, LIST_HEAD);
  const position = atHead ? head - 1 : head + cursor.itemsCount;
  const words = memory.words[memory.nodeSlot] as Int32Array;
  const direction = atHead ? NODE_BACKWARD : NODE_FORWARD;
  nodeInit(words, memory.nodeOffset, direction | layoutFor(length), position | 0);
  const isFirst = atHead && !isEmpty;
  setDescriptorWord(memory, cursor, isFirst ? DESCRIPTOR_FIRST : DESCRIPTOR_LAST, number);
  const hint = isFirst ? LIST_FIRST_HINT : LIST_LAST_HINT;
  setDescriptorWord(memory, cursor, hint, memory.nodeSlot);
  setDescriptorWord(memory, cursor, hint + 1, memory.nodeOffset);
  return STATUS_OK;
}

/**
 * Drops `count` elements (at least 1) at the head or the tail; with all of them the key is removed.
 * Hot.
 */
export function dropItems(memory: Memory, cursor: Cursor, atHead: boolean, count: number): void {
  if (count >= cursor.itemsCount) {
    removeKey(memory, cursor);
    return;
  }
  markAccess(memory, cursor.slot, cursor.offset);
  if (cursor.isLarge) {
    if (isMost(memory, cursor, count)) dropMost(memory, cursor, atHead, count);
    else dropLong(memory, cursor, atHead, count);
    return;
  }
  cursor.itemsCount -= count;
  const words = memory.words[cursor.slot] as Int32Array;
  if (atHead) nodeDropHead(words, cursor.valueStart, cursor.valueLength, count);
  else nodeDropTail(words, cursor.valueStart, cursor.valueLength, count);
}

/** Keeps elements start to stop, both included: 0 <= start <= stop < itemsCount. */
export function trimList(memory: Memory, cursor: Cursor, start: number, stop: number): void {
  const behind = cursor.itemsCount - 1 - stop;
  if (behind > 0) dropItems(memory, cursor, false, behind);
  if (start > 0) dropItems(memory, cursor, true, start);
}

/**
 * Whether dropping `count` elements leaves so little of so many nodes that dropMost is worth it.
 */
function isMost(memory: Memory, cursor: Cursor, count: number): boolean {
  if (count < cursor.itemsCount - cursor.itemsCount / KEPT_PART) return false;
  if (descriptorWord(memory, cursor, LIST_LARGE) > 0) return false;
  const first = descriptorWord(memory, cursor, DESCRIPTOR_FIRST);
  return descriptorWord(memory, cursor, DESCRIPTOR_LAST) - first >= MOST_NODES_MIN;
}

/**
 * Drops most of a long list without large elements: what is kept is copied to a new collection,
 * so that the nodes of the old one can be freed in the background.
 */
function dropMost(memory: Memory, cursor: Cursor, atHead: boolean, count: number): void {
  const isFound = seekItem(memory, cursor, atHead ? count : cursor.itemsCount - count - 1);
  assert(isFound, "the first element that is kept must exist");
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  const { nodeNumber, nodeItem, nodeOffset, nodeCapacity } = cursor;
  const behind = nodeItemsCount(words, nodeOffset, nodeCapacity) - nodeItem - 1;
  if (atHead) nodeDropHead(words, nodeOffset, nodeCapacity, nodeItem);
  else nodeDropTail(words, nodeOffset, nodeCapacity, behind);
  const idLow = descriptorWord(memory, cursor, DESCRIPTOR_ID_LOW);
  const idHigh = descriptorWord(memory, cursor, DESCRIPTOR_ID_HIGH);
  const end = atHead ? DESCRIPTOR_FIRST : DESCRIPTOR_LAST;
  const endBefore = descriptorWord(memory, cursor, end);
  cursor.itemsCount -= count;
  setDescriptorWord(memory, cursor, LIST_COUNT, cursor.itemsCount);
  if (atHead) addToDescriptor(memory, cursor, LIST_HEAD, count);
  setDescriptorWord(memory, cursor, end, nodeNumber);
  forgetHints(memory, cursor);
  const low = atHead ? endBefore : nodeNumber + 1;
  const high = atHead ? nodeNumber - 1 : endBefore;
  // Under the old id their numbers would be given again while they wait to be freed.
  if (rebuildList(memory, cursor) === STATUS_OK) retire(memory, idLow, idHigh, low, high);
  else freeNumbers(memory, cursor, low, high);
}

/** Frees the nodes `low` to `high`, which the list has left already; some may be holes. */
function freeNumbers(memory: Memory, cursor: Cursor, low: number, high: number): void {
  for (let number = low; number <= high; number++) {
    if (findListNode(memory, cursor, number)) freeListNode(memory, cursor, number);
    else addToDescriptor(memory, cursor, LIST_STATE, -LIST_HOLE);
  }
  settleEnds(memory, cursor);
}

function dropLong(memory: Memory, cursor: Cursor, atHead: boolean, count: number): void {
  cursor.nodeCapacity = 0;
  cursor.itemsCount -= count;
  setDescriptorWord(memory, cursor, LIST_COUNT, cursor.itemsCount);
  if (atHead) addToDescriptor(memory, cursor, LIST_HEAD, count);
  for (let left = count; left > 0; ) {
    const number = descriptorWord(memory, cursor, atHead ? DESCRIPTOR_FIRST : DESCRIPTOR_LAST);
    if (!findListNode(memory, cursor, number)) {
      leaveNode(memory, cursor, atHead, true);
      continue;
    }
    const words = memory.words[memory.nodeSlot] as Int32Array;
    const live = nodeItemsCount(words, memory.nodeOffset, memory.nodeCapacity);
    const dropped = Math.min(left, live);
    dropInNode(memory, cursor, atHead, dropped, live);
    if (dropped === live) {
      freeListNode(memory, cursor, number);
      leaveNode(memory, cursor, atHead, false);
    }
    left -= dropped;
  }
  settleEnds(memory, cursor);
}

/** Drops `count` of the `live` elements in the node that was found last. */
function dropInNode(
  memory: Memory,
  cursor: Cursor,
  atHead: boolean,
  count: number,
  live: number,
): void {
  const { nodeSlot, nodeOffset, nodeCapacity } = memory;
  if (descriptorWord(memory, cursor, LIST_LARGE) > 0) {
    const from = atHead ? 0 : live - count;
    const freed = freeLargeItems(memory, nodeSlot, nodeOffset, nodeCapacity, from, from + count);
    addToDescriptor(memory, cursor, LIST_LARGE, -freed);
  }
  if (count === live) return;
  const words = memory.words[nodeSlot] as Int32Array;
  if (atHead) nodeDropHead(words, nodeOffset, nodeCapacity, count);
  else nodeDropTail(words, nodeOffset, nodeCapacity, count);
}

export function freeListNode(memory: Memory, cursor: Cursor, number: number): void {
  forgetHints(memory, cursor);
  const idLow = descriptorWord(memory, cursor, DESCRIPTOR_ID_LOW);
  freeNode(memory, idLow, descriptorWord(memory, cursor, DESCRIPTOR_ID_HIGH), number);
}

/** The list ends one node earlier; the number that it leaves may have been a hole. */
export function leaveNode(memory: Memory, cursor: Cursor, atHead: boolean, isHole: boolean): void {
  addToDescriptor(memory, cursor, atHead ? DESCRIPTOR_FIRST : DESCRIPTOR_LAST, atHead ? 1 : -1);
  if (isHole) addToDescriptor(memory, cursor, LIST_STATE, -LIST_HOLE);
}

/** After nodes went: no hole stays at an end, and a list of one node is regular again. */
export function settleEnds(memory: Memory, cursor: Cursor): void {
  if ((descriptorWord(memory, cursor, LIST_STATE) & LIST_IRREGULAR) === 0) return;
  for (const atHead of ENDS) {
    const word = atHead ? DESCRIPTOR_FIRST : DESCRIPTOR_LAST;
    while (!findListNode(memory, cursor, descriptorWord(memory, cursor, word))) {
      leaveNode(memory, cursor, atHead, true);
    }
  }
  const first = descriptorWord(memory, cursor, DESCRIPTOR_FIRST);
  if (first !== descriptorWord(memory, cursor, DESCRIPTOR_LAST)) return;
  const words = memory.words[memory.nodeSlot] as Int32Array;
  setDescriptorWord(memory, cursor, LIST_HEAD, nodeHeadPosition(words, memory.nodeOffset));
  setDescriptorWord(memory, cursor, LIST_STATE, 0);
}

const ENDS = [true, false] as const;
