/**
 * Blocks: where records live in memory mode. Freed space is reused by size class, so that a steady
 * load of overwrites and deletions does not grow memory and needs no compaction.
 *
 *   a Worker's own free blocks and chunk rest (private)  <->  the class's shared list  <-  chunks
 *   <-  segments
 *
 * A freed block may be reused at once, although a reader can still be looking at it: the reader
 * finds its bucket's version changed and starts again. Private lists are bounded and spill into the
 * shared list, so that a Worker which only deletes feeds one that only inserts.
 *
 * Who may write: the private fields of Memory, this Worker only; shared lists, the holder of the
 * class's latch; CONTROL_CHUNK_*, the holder of CONTROL_CHUNK_LOCK.
 */
import { debugAssert } from "../base/assert.ts";
import { latch, unlatch } from "./latch.ts";
import {
  CHUNK_CLASS,
  CHUNK_COUNTED,
  CHUNK_HEADER_SIZE,
  CHUNK_NEXT_OFFSET,
  CHUNK_NEXT_SLOT,
  CHUNK_SIZE,
  CONTROL_CHUNK_FREE_OFFSET,
  CONTROL_CHUNK_FREE_SLOT,
  CONTROL_CHUNK_LOCK,
  CONTROL_CHUNK_NEXT,
  CONTROL_CHUNKS_FREE,
  CONTROL_CHUNKS_USED,
  CONTROL_CLASSES,
  CONTROL_GENERATION,
  CONTROL_SEGMENT_OPEN,
  CONTROL_SEGMENTS_USABLE,
  COUNT_ALLOCATED_BYTES,
  COUNT_USED_BYTES,
  RECORD_TYPE_MASK,
  RECORD_TYPE_SHIFT,
  SEGMENT_SIZE,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { CLASS_SIZES, classOf } from "./size-class.ts";

/** Words of a class's shared list. */
export const CLASS_LOCK = 0;
export const CLASS_SLOT = 1;
export const CLASS_OFFSET = 2;
export const CLASS_COUNT = 3;

/**
 * Bytes of free blocks that a Worker keeps for each class; beyond it, half goes to the shared list.
 */
const PRIVATE_BYTES_MAX = 32 * 1024;
const PRIVATE_BLOCKS_MIN = 2;

/**
 * Takes a block of at least `size` bytes (at most BLOCK_SIZE_MAX): true, and memory.slot and
 * memory.offset say where. False when the reservation is used up. Hot: the private list first, then
 * the rest of the Worker's chunk.
 */
export function allocate(memory: Memory, size: number): boolean {
  const index = classOf(size);
  const blockSize = CLASS_SIZES[index] as number;
  const counters = memory.counters;
  const count = memory.freeCount[index] as number;
  if (count > 0) {
    takePrivate(memory, index, count);
  } else if (
    (memory.bumpOffset[index] as number) + blockSize <=
    (memory.bumpEnd[index] as number)
  ) {
    memory.slot = memory.bumpSlot[index] as number;
    memory.offset = memory.bumpOffset[index] as number;
    memory.bumpOffset[index] = memory.offset + blockSize;
  } else if (!refill(memory, index, blockSize)) {
    return false;
  }
  (counters[memory.row + COUNT_USED_BYTES] as number) += blockSize;
  (counters[memory.row + COUNT_ALLOCATED_BYTES] as number) += blockSize;
  return true;
}

function takePrivate(memory: Memory, index: number, count: number): void {
  const slot = memory.freeSlot[index] as number;
  const offset = memory.freeOffset[index] as number;
  const words = memory.words[slot] as Int32Array;
  memory.freeSlot[index] = (words[offset >>> 2] as number) >>> 16;
  memory.freeOffset[index] = words[(offset >>> 2) + 1] as number;
  memory.freeCount[index] = count - 1;
  memory.slot = slot;
  memory.offset = offset;
}

/** Gives a block back. Its record must no longer be reachable from the index. */
export function release(memory: Memory, slot: number, offset: number): void {
  const words = memory.words[slot] as Int32Array;
  const index = (words[offset >>> 2] as number) & 0xff;
  debugAssert(
    (((words[offset >>> 2] as number) >>> RECORD_TYPE_SHIFT) & RECORD_TYPE_MASK) !== 0,
    "a block is freed once",
  );
  const blockSize = CLASS_SIZES[index] as number;
  (memory.counters[memory.row + COUNT_USED_BYTES] as number) -= blockSize;
  linkBlock(
    words,
    offset,
    index,
    memory.freeSlot[index] as number,
    memory.freeOffset[index] as number,
  );
  memory.freeSlot[index] = slot;
  memory.freeOffset[index] = offset;
  const count = (memory.freeCount[index] as number) + 1;
  memory.freeCount[index] = count;
  if (count * blockSize > PRIVATE_BYTES_MAX && count > PRIVATE_BLOCKS_MIN) {
    spill(memory, index, count >>> 1);
  }
}

/** Writes a free block's header: type 0, its class, and the next block of the list. */
export function linkBlock(
  words: Int32Array,
  offset: number,
  index: number,
  nextSlot: number,
  nextOffset: number,
): void {
  words[offset >>> 2] = index | (nextSlot << 16);
  words[(offset >>> 2) + 1] = nextOffset;
}

/**
 * Drops the private lists without giving anything back: after everything was flushed, they are
 * void.
 */
export function forgetPrivateBlocks(memory: Memory): void {
  memory.freeCount.fill(0);
  memory.bumpEnd.fill(0);
  memory.bumpOffset.fill(0);
  memory.generation = memory.control[CONTROL_GENERATION] as number;
}

/** Moves `count` blocks from the private list to the class's shared one. */
function spill(memory: Memory, index: number, count: number): void {
  const headSlot = memory.freeSlot[index] as number;
  const headOffset = memory.freeOffset[index] as number;
  let slot = headSlot;
  let offset = headOffset;
  for (let i = 1; i < count; i++) {
    const words = memory.words[slot] as Int32Array;
    slot = (words[offset >>> 2] as number) >>> 16;
    offset = words[(offset >>> 2) + 1] as number;
  }
  const last = memory.words[slot] as Int32Array;
  memory.freeSlot[index] = (last[offset >>> 2] as number) >>> 16;
  memory.freeOffset[index] = last[(offset >>> 2) + 1] as number;
  memory.freeCount[index] = (memory.freeCount[index] as number) - count;
  pushShared(memory, index, headSlot, headOffset, last, offset, count);
}

/**
 * Puts a chain of `count` blocks, from head to the block at `lastOffset` of `last`, on the class's
 * shared list.
 */
export function pushShared(
  memory: Memory,
  index: number,
  headSlot: number,
  headOffset: number,
  last: Int32Array,
  lastOffset: number,
  count: number,
): void {
  const control = memory.control;
  const list = CONTROL_CLASSES + index * 16;
  latch(control, list + CLASS_LOCK);
  linkBlock(
    last,
    lastOffset,
    index,
    control[list + CLASS_SLOT] as number,
    control[list + CLASS_OFFSET] as number,
  );
  control[list + CLASS_SLOT] = headSlot;
  control[list + CLASS_OFFSET] = headOffset;
  control[list + CLASS_COUNT] = (control[list + CLASS_COUNT] as number) + count;
  unlatch(control, list + CLASS_LOCK);
}

/** Gets the private list or chunk going again and takes one block. */
function refill(memory: Memory, index: number, blockSize: number): boolean {
  if (Atomics.load(memory.control, CONTROL_CLASSES + index * 16 + CLASS_COUNT) > 0) {
    popShared(memory, index, blockSize);
  }
  const count = memory.freeCount[index] as number;
  if (count > 0) {
    takePrivate(memory, index, count);
    return true;
  }
  if (!takeChunk(memory)) return false;
  const words = memory.words[memory.slot] as Int32Array;
  words[(memory.offset >>> 2) + CHUNK_CLASS] = index;
  words[(memory.offset >>> 2) + CHUNK_COUNTED] = 0;
  memory.bumpSlot[index] = memory.slot;
  memory.bumpOffset[index] = memory.offset + CHUNK_HEADER_SIZE + blockSize;
  memory.bumpEnd[index] = memory.offset + CHUNK_SIZE;
  memory.offset += CHUNK_HEADER_SIZE;
  return true;
}

/** Moves up to half of what a private list may hold from the shared list. */
function popShared(memory: Memory, index: number, blockSize: number): void {
  const control = memory.control;
  const list = CONTROL_CLASSES + index * 16;
  const wanted = Math.max(1, (PRIVATE_BYTES_MAX / 2 / blockSize) >>> 0);
  latch(control, list + CLASS_LOCK);
  const available = control[list + CLASS_COUNT] as number;
  const count = Math.min(wanted, available);
  const headSlot = control[list + CLASS_SLOT] as number;
  const headOffset = control[list + CLASS_OFFSET] as number;
  let slot = headSlot;
  let offset = headOffset;
  for (let i = 0; i < count; i++) {
    const words = memory.words[slot] as Int32Array;
    slot = (words[offset >>> 2] as number) >>> 16;
    offset = words[(offset >>> 2) + 1] as number;
  }
  control[list + CLASS_SLOT] = slot;
  control[list + CLASS_OFFSET] = offset;
  control[list + CLASS_COUNT] = available - count;
  unlatch(control, list + CLASS_LOCK);
  memory.freeSlot[index] = headSlot;
  memory.freeOffset[index] = headOffset;
  memory.freeCount[index] = count;
}

/**
 * Takes an unused chunk, opening the next segment when the open one is full. False: the reservation
 * is used up.
 */
function takeChunk(memory: Memory): boolean {
  const control = memory.control;
  latch(control, CONTROL_CHUNK_LOCK);
  const taken = takeFreeChunk(memory) || takeNewChunk(memory);
  if (taken) control[CONTROL_CHUNKS_USED] = (control[CONTROL_CHUNKS_USED] as number) + 1;
  unlatch(control, CONTROL_CHUNK_LOCK);
  return taken;
}

function takeFreeChunk(memory: Memory): boolean {
  const control = memory.control;
  const count = control[CONTROL_CHUNKS_FREE] as number;
  if (count === 0) return false;
  memory.slot = control[CONTROL_CHUNK_FREE_SLOT] as number;
  memory.offset = control[CONTROL_CHUNK_FREE_OFFSET] as number;
  const words = memory.words[memory.slot] as Int32Array;
  control[CONTROL_CHUNK_FREE_SLOT] = words[(memory.offset >>> 2) + CHUNK_NEXT_SLOT] as number;
  control[CONTROL_CHUNK_FREE_OFFSET] = words[(memory.offset >>> 2) + CHUNK_NEXT_OFFSET] as number;
  control[CONTROL_CHUNKS_FREE] = count - 1;
  return true;
}

function takeNewChunk(memory: Memory): boolean {
  const control = memory.control;
  let slot = control[CONTROL_SEGMENT_OPEN] as number;
  let next = control[CONTROL_CHUNK_NEXT] as number;
  if (next === SEGMENT_SIZE) {
    if (slot + 1 >= (control[CONTROL_SEGMENTS_USABLE] as number)) return false;
    slot++;
    next = 0;
    // In the exclusive section, segments become usable that this Worker has not mapped yet.
    if (slot >= memory.words.length) memory.mapSegments();
    control[CONTROL_SEGMENT_OPEN] = slot;
  }
  control[CONTROL_CHUNK_NEXT] = next + CHUNK_SIZE;
  // The zeros of a file may have been written out and evicted since.
  memory.prefetch(slot, next, CHUNK_SIZE);
  memory.slot = slot;
  memory.offset = next;
  return true;
}
