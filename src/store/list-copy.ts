/**
 * Copying lists, and checking them: COPY, writing a list anew, invariants.
 *
 * A copy is made element by element into full nodes of a new collection, so it is regular and has
 * no holes whatever the original looks like. The owner of the original is locked, and nobody can
 * reach the copy until its descriptor is written.
 */
import { assert } from "../base/assert.ts";
import { type Cursor, TYPE_LIST } from "./cursor.ts";
import { cloneLarge, freeLargeInNodes, REFERENCE_SIZE, reference } from "./list-large.ts";
import {
  foundItem,
  layoutFor,
  NODE_FORWARD,
  nodeCapacityFor,
  nodeFits,
  nodeHeadPosition,
  nodeInit,
  nodeInvariants,
  nodeItem,
  nodeItemsCount,
  nodePush,
} from "./list-node.ts";
import { nodeResize } from "./list-node-edit.ts";
import {
  describeList,
  descriptorWord,
  findListNode,
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
  nodeSize,
  pageCapacity,
  SHORT_LIST,
  writeDescriptor,
} from "./list-page.ts";
import type { Memory } from "./memory.ts";
import { createNode, findNode, freeNode, newCollectionId } from "./nodes.ts";
import {
  DESCRIPTOR_FIRST,
  DESCRIPTOR_ID_HIGH,
  DESCRIPTOR_ID_LOW,
  DESCRIPTOR_LAST,
} from "./read.ts";
import { retire } from "./retired.ts";
import { STATUS_OK, type Status } from "./status.ts";
import { currentExpiry, rewrite, setInlineLength } from "./upsert.ts";

/** The collection that copyNodes made; slot, offset and capacity are those of its last node. */
const copied = {
  idLow: 0,
  idHigh: 0,
  first: 0,
  last: -1,
  count: 0,
  slot: 0,
  offset: 0,
  capacity: 0,
};

/** Copies the list under `from` and its expiry to `to`, which must be missing. Both are locked. */
export function copyList(memory: Memory, from: Cursor, to: Cursor): Status {
  describeList(memory, from);
  const expiresAtMs = currentExpiry(memory, from);
  if (!from.isLarge) return copyPage(memory, from, to, expiresAtMs);
  let status = copyNodes(memory, from, true, 0);
  if (status !== STATUS_OK) return status;
  status = rewrite(memory, to, LONG_LIST, LIST_DESCRIPTOR_SIZE, expiresAtMs);
  if (status !== STATUS_OK) return undoCopy(memory, true, status);
  const large = descriptorWord(memory, from, LIST_LARGE);
  const { idLow, idHigh, last, count } = copied;
  writeDescriptor(memory, to, idLow, idHigh, 0, last, count, 0, large);
  return STATUS_OK;
}

function copyPage(memory: Memory, from: Cursor, to: Cursor, expiresAtMs: number): Status {
  const capacity = from.valueLength;
  const status = rewrite(memory, to, SHORT_LIST, capacity, expiresAtMs);
  if (status !== STATUS_OK) return status;
  from.valueBytes.copy(to.valueBytes, to.valueStart, from.valueStart, from.valueStart + capacity);
  const after = pageCapacity(memory, to);
  const words = memory.words[to.slot] as Int32Array;
  nodeResize(to.valueBytes, words, to.valueStart, capacity, after);
  setInlineLength(memory, to, after);
  describeList(memory, to);
  return STATUS_OK;
}

/**
 * Copies the elements of a long list into the nodes of a new collection, which `copied` then names.
 * Large elements are copied when `clonesLarge`, else the copy refers to the same. On failure
 * nothing is left behind.
 */
function copyNodes(memory: Memory, cursor: Cursor, clonesLarge: boolean, start: number): Status {
  const id = newCollectionId(memory);
  copied.idLow = id.low;
  copied.idHigh = id.high;
  copied.first = start;
  copied.last = start - 1;
  copied.count = 0;
  const first = descriptorWord(memory, cursor, DESCRIPTOR_FIRST);
  const last = descriptorWord(memory, cursor, DESCRIPTOR_LAST);
  for (let number = first; number <= last; number++) {
    if (!findListNode(memory, cursor, number)) continue;
    const status = copyItems(memory, clonesLarge, nodeSize(last - first));
    if (status !== STATUS_OK) return undoCopy(memory, clonesLarge, status);
  }
  return STATUS_OK;
}

/** Copies the elements of the node that was found last. */
function copyItems(memory: Memory, clonesLarge: boolean, capacity: number): Status {
  const { nodeSlot, nodeOffset, nodeCapacity } = memory;
  const words = memory.words[nodeSlot] as Int32Array;
  const bytes = memory.bytes[nodeSlot] as Buffer;
  for (let item = 0; nodeItem(words, nodeOffset, nodeCapacity, item); item++) {
    const { start, length, isReference } = foundItem;
    const clones = isReference && clonesLarge;
    const size = isReference ? REFERENCE_SIZE : length;
    let status = reserveCopy(memory, size, capacity);
    if (status !== STATUS_OK) return status;
    if (clones) {
      status = cloneLarge(memory, bytes, start);
      if (status !== STATUS_OK) return status;
    }
    nodePush(
      memory.bytes[copied.slot] as Buffer,
      memory.words[copied.slot] as Int32Array,
      copied.offset,
      copied.capacity,
      clones ? reference : bytes,
      clones ? 0 : start,
      size,
      isReference,
    );
    copied.count++;
  }
  return STATUS_OK;
}

/** Makes sure that the last node of the copy has room for an element of `length` bytes. */
function reserveCopy(memory: Memory, length: number, capacity: number): Status {
  if (copied.last >= copied.first) {
    const words = memory.words[copied.slot] as Int32Array;
    if (nodeFits(words, copied.offset, copied.capacity, length)) return STATUS_OK;
  }
  const size = Math.max(capacity, nodeCapacityFor(length));
  const status = createNode(memory, copied.idLow, copied.idHigh, copied.last + 1, size);
  if (status !== STATUS_OK) return status;
  copied.last++;
  copied.slot = memory.nodeSlot;
  copied.offset = memory.nodeOffset;
  copied.capacity = memory.nodeCapacity;
  const words = memory.words[copied.slot] as Int32Array;
  nodeInit(words, copied.offset, NODE_FORWARD | layoutFor(length), copied.count);
  return STATUS_OK;
}

function undoCopy(memory: Memory, clonesLarge: boolean, status: Status): Status {
  const { idLow, idHigh, first, last } = copied;
  if (clonesLarge) freeLargeInNodes(memory, idLow, idHigh, first, last);
  for (let number = first; number <= last; number++) freeNode(memory, idLow, idHigh, number);
  return status;
}

/**
 * Writes a long list anew: full nodes without holes, regular, numbered from `first`. The cursor's
 * position is lost. On anything but STATUS_OK nothing has changed.
 */
export function rebuildList(memory: Memory, cursor: Cursor, first = 0): Status {
  const status = copyNodes(memory, cursor, false, first);
  if (status !== STATUS_OK) return status;
  retire(
    memory,
    descriptorWord(memory, cursor, DESCRIPTOR_ID_LOW),
    descriptorWord(memory, cursor, DESCRIPTOR_ID_HIGH),
    descriptorWord(memory, cursor, DESCRIPTOR_FIRST),
    descriptorWord(memory, cursor, DESCRIPTOR_LAST),
  );
  const { idLow, idHigh, last, count } = copied;
  const large = descriptorWord(memory, cursor, LIST_LARGE);
  writeDescriptor(memory, cursor, idLow, idHigh, first, last, count, 0, large);
  return STATUS_OK;
}

/** Throws when the list under a locked cursor breaks an invariant. For tests and fuzzers. */
export function listInvariants(memory: Memory, cursor: Cursor): void {
  assert(cursor.type === TYPE_LIST, "the key holds a list");
  assert(cursor.itemsCount > 0, "a list has an element");
  if (!cursor.isLarge) {
    const words = memory.words[cursor.slot] as Int32Array;
    nodeInvariants(words, cursor.valueStart, cursor.valueLength);
    assert(pageCapacity(memory, cursor) >= cursor.valueLength, "the page fits its record");
    return;
  }
  const first = descriptorWord(memory, cursor, DESCRIPTOR_FIRST);
  const last = descriptorWord(memory, cursor, DESCRIPTOR_LAST);
  const state = descriptorWord(memory, cursor, LIST_STATE);
  let position = descriptorWord(memory, cursor, LIST_HEAD);
  let count = 0;
  let holes = 0;
  let large = 0;
  for (let number = first; number <= last; number++) {
    if (!findListNode(memory, cursor, number)) {
      assert(number !== first && number !== last, "a list ends in nodes, not in holes");
      holes++;
      continue;
    }
    const { nodeOffset, nodeCapacity } = memory;
    const words = memory.words[memory.nodeSlot] as Int32Array;
    nodeInvariants(words, nodeOffset, nodeCapacity);
    const live = nodeItemsCount(words, nodeOffset, nodeCapacity);
    assert(live > 0, `node ${number} must have an element`);
    const head = nodeHeadPosition(words, nodeOffset);
    if ((state & LIST_IRREGULAR) === 0) {
      assert(head === position, `node ${number} must be at ${position}, is at ${head}`);
    }
    position = (position + live) | 0;
    count += live;
    for (let item = 0; item < live; item++) {
      if (nodeItem(words, nodeOffset, nodeCapacity, item) && foundItem.isReference) large++;
    }
  }
  checkHint(memory, cursor, LIST_FIRST_HINT);
  checkHint(memory, cursor, LIST_LAST_HINT);
  const stored = descriptorWord(memory, cursor, LIST_COUNT);
  assert(count === stored, `elements in nodes (${count}) must be the count (${stored})`);
  assert(count === cursor.itemsCount, "the cursor knows the count");
  assert(holes === Math.floor(state / LIST_HOLE), "the holes are counted");
  assert(large === descriptorWord(memory, cursor, LIST_LARGE), "the large elements are counted");
}

/** A hint is none, or the place of a node that the list has. */
function checkHint(memory: Memory, cursor: Cursor, hint: number): void {
  const slot = descriptorWord(memory, cursor, hint);
  if (slot < 0) return;
  const offset = descriptorWord(memory, cursor, hint + 1);
  const idLow = descriptorWord(memory, cursor, DESCRIPTOR_ID_LOW);
  const idHigh = descriptorWord(memory, cursor, DESCRIPTOR_ID_HIGH);
  const last = descriptorWord(memory, cursor, DESCRIPTOR_LAST);
  for (let number = descriptorWord(memory, cursor, DESCRIPTOR_FIRST); number <= last; number++) {
    if (!findNode(memory, idLow, idHigh, number)) continue;
    if (memory.nodeSlot === slot && memory.nodeOffset === offset) return;
  }
  assert(false, `the hint at word ${hint} must be the place of a node`);
}
