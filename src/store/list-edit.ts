/**
 * Lists: changing the middle (LSET, LINSERT, LREM), copying, and checking.
 *
 * lists.ts has the ends, list-page.ts the layout. Everything here happens while the cursor's bucket
 * is locked. A change moves bytes of one page. A page that overflows grows, up to the largest node;
 * when that is not enough, or when freed nodes have left more holes than there are nodes, the list
 * is written anew with full nodes, which is paid for by the changes that made it necessary.
 */
import { assert } from "../base/assert.ts";
import { markAccess } from "./access.ts";
import type { Cursor } from "./cursor.ts";
import { rebuildList } from "./list-copy.ts";
import { createLarge, freeLarge, REFERENCE_SIZE, reference } from "./list-large.ts";
import {
  NODE_CAPACITY_MAX,
  NODE_HEADER_SIZE,
  NODE_ITEM_OVERHEAD,
  nodeHeadPosition,
  nodeItemsSize,
  nodeSetHeadPosition,
  nodeSizeOf,
} from "./list-node.ts";
import { nodeCompact, nodeInsert, nodeRemove, nodeResize, nodeSet } from "./list-node-edit.ts";
import {
  addToDescriptor,
  descriptorWord,
  enterNode,
  forgetHints,
  LIST_COUNT,
  LIST_HEAD,
  LIST_HOLE,
  LIST_IRREGULAR,
  LIST_LARGE,
  LIST_STATE,
  pageItemsCount,
  seekItem,
  setDescriptorWord,
  stepNode,
} from "./list-page.ts";
import {
  becomeLong,
  freeListNode,
  growPage,
  LIST_INLINE_SIZE_MAX,
  LIST_ITEM_SIZE_MAX,
  leaveNode,
  pushItem,
  settleEnds,
} from "./lists.ts";
import type { Memory } from "./memory.ts";
import { replaceNode } from "./nodes.ts";
import {
  DESCRIPTOR_FIRST,
  DESCRIPTOR_ID_HIGH,
  DESCRIPTOR_ID_LOW,
  DESCRIPTOR_LAST,
} from "./read.ts";
import { removeKey } from "./remove.ts";
import { STATUS_OK, STATUS_OUT_OF_MEMORY, type Status } from "./status.ts";

/**
 * A node in the middle is moved to a smaller block when it needs less than this part of its own.
 */
const SHRINK_PART = 4;
const SHRINK_SIZE_MIN = 512;
/** Holes that a list may have for nothing. */
const HOLES_MIN = 8;

/** The reference that setItem replaces: its element is freed once the new one is in place. */
const replaced = Buffer.alloc(REFERENCE_SIZE);

/** Replaces element `index`, which exists. On anything but STATUS_OK nothing has changed. */
export function setItem(
  memory: Memory,
  cursor: Cursor,
  index: number,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  markAccess(memory, cursor.slot, cursor.offset);
  if (!cursor.isLarge) {
    if (placeInPage(memory, cursor, index, bytes, start, length, true)) return STATUS_OK;
    const status = becomeLong(memory, cursor);
    if (status !== STATUS_OK) return status;
  }
  seekItem(memory, cursor, index);
  const wasLarge = cursor.itemIsLarge;
  if (wasLarge) {
    cursor.itemBytes.copy(replaced, 0, cursor.itemStart, cursor.itemStart + REFERENCE_SIZE);
  }
  const status = placeInNode(memory, cursor, index, bytes, start, length, true);
  if (status === STATUS_OK && wasLarge) {
    freeLarge(memory, replaced, 0);
    addToDescriptor(memory, cursor, LIST_LARGE, -1);
  }
  return status;
}

/**
 * Inserts an element so that it becomes element `index`, from 0 to itemsCount. On anything but
 * STATUS_OK nothing has changed. At an end it is a push.
 */
export function insertItem(
  memory: Memory,
  cursor: Cursor,
  index: number,
  bytes: Buffer,
  start: number,
  length: number,
): Status {
  if (index === 0 || index === cursor.itemsCount) {
    return pushItem(memory, cursor, index === 0, bytes, start, length);
  }
  markAccess(memory, cursor.slot, cursor.offset);
  if (!cursor.isLarge) {
    if (placeInPage(memory, cursor, index, bytes, start, length, false)) {
      cursor.itemsCount++;
      return STATUS_OK;
    }
    const status = becomeLong(memory, cursor);
    if (status !== STATUS_OK) return status;
  }
  const status = placeInNode(memory, cursor, index, bytes, start, length, false);
  if (status !== STATUS_OK) return status;
  cursor.itemsCount++;
  setDescriptorWord(memory, cursor, LIST_COUNT, cursor.itemsCount);
  return STATUS_OK;
}

/**
 * Sets or inserts in the page of a short list. False, with nothing changed, when it would become
 * too large.
 */
function placeInPage(
  memory: Memory,
  cursor: Cursor,
  index: number,
  bytes: Buffer,
  start: number,
  length: number,
  replaces: boolean,
): boolean {
  if (placeInFoundPage(memory, cursor, index, bytes, start, length, replaces)) return true;
  const needed = sizeWith(memory, cursor, length);
  if (needed > LIST_INLINE_SIZE_MAX) return false;
  if (growPage(memory, cursor, needed) !== STATUS_OK) return false;
  return placeInFoundPage(memory, cursor, index, bytes, start, length, replaces);
}

function placeInFoundPage(
  memory: Memory,
  cursor: Cursor,
  item: number,
  bytes: Buffer,
  start: number,
  length: number,
  replaces: boolean,
  isReference = false,
): boolean {
  const page = memory.bytes[cursor.nodeSlot] as Buffer;
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  const place = replaces ? nodeSet : nodeInsert;
  return place(
    page,
    words,
    cursor.nodeOffset,
    cursor.nodeCapacity,
    item,
    bytes,
    start,
    length,
    isReference,
  );
}

/** Capacity that the cursor's page needs for one more element of `length` bytes. */
function sizeWith(memory: Memory, cursor: Cursor, length: number): number {
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  const count = pageItemsCount(memory, cursor) + 1;
  const size =
    nodeItemsSize(words, cursor.nodeOffset) + nodeSizeOf(words, cursor.nodeOffset, length);
  return (NODE_HEADER_SIZE + size + count * NODE_ITEM_OVERHEAD + 7) & ~7;
}

/**
 * Sets or inserts in a long list: the element itself, or the pieces of a large one and its
 * reference.
 */
function placeInNode(
  memory: Memory,
  cursor: Cursor,
  index: number,
  bytes: Buffer,
  start: number,
  length: number,
  replaces: boolean,
): Status {
  if (length <= LIST_ITEM_SIZE_MAX) {
    return placePiece(memory, cursor, index, bytes, start, length, replaces, false);
  }
  let status = createLarge(memory, bytes, start, length);
  if (status !== STATUS_OK) return status;
  status = placePiece(memory, cursor, index, reference, 0, REFERENCE_SIZE, replaces, true);
  if (status === STATUS_OK) addToDescriptor(memory, cursor, LIST_LARGE, 1);
  else freeLarge(memory, reference, 0);
  return status;
}

function placePiece(
  memory: Memory,
  cursor: Cursor,
  index: number,
  bytes: Buffer,
  start: number,
  length: number,
  replaces: boolean,
  isReference: boolean,
): Status {
  seekItem(memory, cursor, index);
  let words = memory.words[cursor.nodeSlot] as Int32Array;
  if (sizeWith(memory, cursor, length) > NODE_CAPACITY_MAX) {
    const status = rebuildList(memory, cursor);
    if (status !== STATUS_OK) return status;
    seekItem(memory, cursor, index);
    words = memory.words[cursor.nodeSlot] as Int32Array;
  }
  const head = nodeHeadPosition(words, cursor.nodeOffset);
  const item = cursor.nodeItem;
  if (!placeInFoundPage(memory, cursor, item, bytes, start, length, replaces, isReference)) {
    if (!growNode(memory, cursor, length)) return STATUS_OUT_OF_MEMORY;
    placeInFoundPage(memory, cursor, item, bytes, start, length, replaces, isReference);
  }
  if (!replaces) keepPositions(memory, cursor, head, 1);
  cursor.nodeCapacity = 0;
  return STATUS_OK;
}

/** Moves the cursor's node to a block with room for one more element of `length` bytes. */
function growNode(memory: Memory, cursor: Cursor, length: number): boolean {
  const before = cursor.nodeCapacity;
  const wanted = Math.max(sizeWith(memory, cursor, length), before + (before >>> 1));
  return moveNode(memory, cursor, before, Math.min(NODE_CAPACITY_MAX, wanted & ~7));
}

/** Moves the cursor's node, whose page is `before` bytes long, to a block for `capacity`. */
function moveNode(memory: Memory, cursor: Cursor, before: number, capacity: number): boolean {
  const idLow = descriptorWord(memory, cursor, DESCRIPTOR_ID_LOW);
  const idHigh = descriptorWord(memory, cursor, DESCRIPTOR_ID_HIGH);
  forgetHints(memory, cursor);
  const status = replaceNode(memory, idLow, idHigh, cursor.nodeNumber, capacity);
  if (status !== STATUS_OK) return false;
  enterNode(memory, cursor, cursor.nodeNumber);
  const bytes = memory.bytes[cursor.nodeSlot] as Buffer;
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  nodeResize(bytes, words, cursor.nodeOffset, before, cursor.nodeCapacity);
  return true;
}

/**
 * After the cursor's node, whose head was at position `head`, got `change` elements more in its
 * middle: keeps all positions right when it is the first or the last node, else the list becomes
 * irregular.
 */
function keepPositions(memory: Memory, cursor: Cursor, head: number, change: number): void {
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  if (cursor.nodeNumber === descriptorWord(memory, cursor, DESCRIPTOR_FIRST)) {
    addToDescriptor(memory, cursor, LIST_HEAD, -change);
    const position = descriptorWord(memory, cursor, LIST_HEAD);
    nodeSetHeadPosition(words, cursor.nodeOffset, position);
  } else if (cursor.nodeNumber === descriptorWord(memory, cursor, DESCRIPTOR_LAST)) {
    nodeSetHeadPosition(words, cursor.nodeOffset, head);
  } else {
    const state = descriptorWord(memory, cursor, LIST_STATE);
    setDescriptorWord(memory, cursor, LIST_STATE, state | LIST_IRREGULAR);
  }
}

/**
 * Removes element `index`, which exists; with the last one the key is removed. The cursor stays at
 * that place, so that seeking `index` (the element that followed) or `index - 1` next costs no
 * search.
 */
export function removeItem(memory: Memory, cursor: Cursor, index: number): void {
  if (cursor.itemsCount === 1) {
    removeKey(memory, cursor);
    return;
  }
  markAccess(memory, cursor.slot, cursor.offset);
  const isFound = seekItem(memory, cursor, index);
  assert(isFound, "a removed element must exist");
  cursor.itemsCount--;
  if (cursor.isLarge) {
    removeFromNode(memory, cursor);
    return;
  }
  const words = memory.words[cursor.slot] as Int32Array;
  nodeRemove(cursor.valueBytes, words, cursor.valueStart, cursor.valueLength, index);
}

function removeFromNode(memory: Memory, cursor: Cursor): void {
  setDescriptorWord(memory, cursor, LIST_COUNT, cursor.itemsCount);
  if (cursor.itemIsLarge) {
    freeLarge(memory, cursor.itemBytes, cursor.itemStart);
    addToDescriptor(memory, cursor, LIST_LARGE, -1);
  }
  if (pageItemsCount(memory, cursor) === 1) {
    removeNode(memory, cursor);
    return;
  }
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  const bytes = memory.bytes[cursor.nodeSlot] as Buffer;
  const head = nodeHeadPosition(words, cursor.nodeOffset);
  nodeRemove(bytes, words, cursor.nodeOffset, cursor.nodeCapacity, cursor.nodeItem);
  keepPositions(memory, cursor, head, -1);
  shrinkNode(memory, cursor);
}

/**
 * Frees the cursor's node with its last element; the cursor goes to the element that followed, if
 * there is one.
 */
function removeNode(memory: Memory, cursor: Cursor): void {
  const number = cursor.nodeNumber;
  const isFirst = number === descriptorWord(memory, cursor, DESCRIPTOR_FIRST);
  const isLast = number === descriptorWord(memory, cursor, DESCRIPTOR_LAST);
  freeListNode(memory, cursor, number);
  if (isFirst) {
    addToDescriptor(memory, cursor, LIST_HEAD, 1);
    leaveNode(memory, cursor, true, false);
  } else if (isLast) {
    leaveNode(memory, cursor, false, false);
  } else {
    const state = descriptorWord(memory, cursor, LIST_STATE) + LIST_HOLE;
    setDescriptorWord(memory, cursor, LIST_STATE, state | LIST_IRREGULAR);
    if (!stepNode(memory, cursor, 1)) cursor.nodeCapacity = 0;
  }
  if (isFirst || isLast) cursor.nodeCapacity = 0;
  settleEnds(memory, cursor);
  fillHoles(memory, cursor);
}

/** Writes the list anew when there are more holes than nodes. */
function fillHoles(memory: Memory, cursor: Cursor): void {
  const holes = Math.floor(descriptorWord(memory, cursor, LIST_STATE) / LIST_HOLE);
  if (holes < HOLES_MIN) return;
  const first = descriptorWord(memory, cursor, DESCRIPTOR_FIRST);
  const numbers = descriptorWord(memory, cursor, DESCRIPTOR_LAST) - first + 1;
  // Without the memory for it the list stays as it is: right, and slower to walk.
  if (holes * 2 > numbers) rebuildList(memory, cursor);
}

/**
 * Gives back most of a node in the middle that has little left. Those at the ends are pushed to,
 * and go soon.
 */
function shrinkNode(memory: Memory, cursor: Cursor): void {
  const capacity = cursor.nodeCapacity;
  const wanted = sizeWith(memory, cursor, 0);
  if (capacity < SHRINK_SIZE_MIN || wanted * SHRINK_PART > capacity) return;
  if (cursor.nodeNumber === descriptorWord(memory, cursor, DESCRIPTOR_FIRST)) return;
  if (cursor.nodeNumber === descriptorWord(memory, cursor, DESCRIPTOR_LAST)) return;
  const bytes = memory.bytes[cursor.nodeSlot] as Buffer;
  const words = memory.words[cursor.nodeSlot] as Int32Array;
  nodeCompact(bytes, words, cursor.nodeOffset, capacity);
  nodeResize(bytes, words, cursor.nodeOffset, capacity, wanted);
  if (moveNode(memory, cursor, wanted, wanted)) return;
  nodeResize(bytes, words, cursor.nodeOffset, wanted, capacity);
}
