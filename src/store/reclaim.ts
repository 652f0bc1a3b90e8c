/**
 * Reclaiming chunks: when values change their sizes for good, the blocks of the old class would
 * stay free for ever. The upkeep Worker takes a class's shared list apart, gives chunks that are
 * free as a whole back for any class to use, and returns the rest.
 *
 * While it counts, the class has no shared list, and who needs a block takes a fresh chunk: so it
 * only counts when there is much to be had, and again only when the list has grown by half since it
 * last found nothing.
 */
import {
  CLASS_COUNT,
  CLASS_LOCK,
  CLASS_OFFSET,
  CLASS_SLOT,
  linkBlock,
  pushShared,
} from "./blocks.ts";
import { latch, unlatch } from "./latch.ts";
import {
  CHUNK_CLASS,
  CHUNK_COUNTED,
  CHUNK_HEADER_SIZE,
  CHUNK_NEXT_OFFSET,
  CHUNK_NEXT_SLOT,
  CHUNK_SIZE,
  CHUNK_UNUSED,
  CLASSES_MAX,
  CONTROL_CHUNK_FREE_OFFSET,
  CONTROL_CHUNK_FREE_SLOT,
  CONTROL_CHUNK_LOCK,
  CONTROL_CHUNKS_FREE,
  CONTROL_CHUNKS_USED,
  CONTROL_CLASSES,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { CLASS_SIZES, CLASSES_COUNT } from "./size-class.ts";

/** Free bytes of a class from which counting is worth it. */
const FREE_BYTES_MIN = 1024 * 1024;
/** Growth of the list since the last count that makes another one worth it. */
const GROWTH = 1.5;

/**
 * Blocks on each class's list after the last count. Belongs to the one Worker that does the upkeep.
 */
const countedBlocks = new Float64Array(CLASSES_MAX);

/**
 * Looks at one class after the other; takes apart at most one list. Returns the chunks that it gave
 * back.
 */
export function reclaim(memory: Memory): number {
  for (let index = 0; index < CLASSES_COUNT; index++) {
    const count = memory.control[CONTROL_CLASSES + index * 16 + CLASS_COUNT] as number;
    const size = CLASS_SIZES[index] as number;
    if (count * size < FREE_BYTES_MIN) countedBlocks[index] = 0;
    else if (count > (countedBlocks[index] as number) * GROWTH) {
      return reclaimClass(memory, index, size);
    }
  }
  return 0;
}

function reclaimClass(memory: Memory, index: number, size: number): number {
  const control = memory.control;
  const list = CONTROL_CLASSES + index * 16;
  latch(control, list + CLASS_LOCK);
  const count = control[list + CLASS_COUNT] as number;
  const slot = control[list + CLASS_SLOT] as number;
  const offset = control[list + CLASS_OFFSET] as number;
  control[list + CLASS_COUNT] = 0;
  unlatch(control, list + CLASS_LOCK);
  countBlocks(memory, slot, offset, count);
  const perChunk = Math.floor((CHUNK_SIZE - CHUNK_HEADER_SIZE) / size);
  return giveBack(memory, index, perChunk, slot, offset, count);
}

/** Chunks with a count, slot and offset by turns: their counts are cleared at the end. */
const counted: number[] = [];

/** Counts the chain's blocks in their chunks' headers. */
function countBlocks(memory: Memory, headSlot: number, headOffset: number, count: number): void {
  let slot = headSlot;
  let offset = headOffset;
  for (let i = 0; i < count; i++) {
    const words = memory.words[slot] as Int32Array;
    const chunkOffset = offset - (offset % CHUNK_SIZE);
    const chunk = chunkOffset >>> 2;
    const before = words[chunk + CHUNK_COUNTED] as number;
    if (before === 0) counted.push(slot, chunkOffset);
    words[chunk + CHUNK_COUNTED] = before + 1;
    slot = (words[offset >>> 2] as number) >>> 16;
    offset = words[(offset >>> 2) + 1] as number;
  }
}

/**
 * Walks the chain again: blocks of whole chunks leave it, the others go back to the shared list as
 * one chain.
 */
function giveBack(
  memory: Memory,
  index: number,
  perChunk: number,
  chainSlot: number,
  chainOffset: number,
  count: number,
): number {
  let slot = chainSlot;
  let offset = chainOffset;
  let kept = 0;
  let headSlot = 0;
  let headOffset = 0;
  let last = memory.words[0] as Int32Array;
  let lastOffset = 0;
  for (let i = 0; i < count; i++) {
    const words = memory.words[slot] as Int32Array;
    const nextSlot = (words[offset >>> 2] as number) >>> 16;
    const nextOffset = words[(offset >>> 2) + 1] as number;
    if (words[((offset - (offset % CHUNK_SIZE)) >>> 2) + CHUNK_COUNTED] !== perChunk) {
      linkBlock(words, offset, index, headSlot, headOffset);
      if (kept === 0) {
        last = words;
        lastOffset = offset;
      }
      headSlot = slot;
      headOffset = offset;
      kept++;
    }
    slot = nextSlot;
    offset = nextOffset;
  }
  const chunks = giveChunks(memory, perChunk);
  if (kept > 0) pushShared(memory, index, headSlot, headOffset, last, lastOffset, kept);
  countedBlocks[index] = kept;
  return chunks;
}

/**
 * Puts every chunk whose blocks were all on the list among the unused ones; clears all counts.
 * Returns how many.
 */
function giveChunks(memory: Memory, perChunk: number): number {
  const control = memory.control;
  let chunks = 0;
  latch(control, CONTROL_CHUNK_LOCK);
  for (let i = 0; i < counted.length; i += 2) {
    const slot = counted[i] as number;
    const offset = counted[i + 1] as number;
    const words = memory.words[slot] as Int32Array;
    const chunk = offset >>> 2;
    if (words[chunk + CHUNK_COUNTED] === perChunk) {
      words[chunk + CHUNK_CLASS] = CHUNK_UNUSED;
      words[chunk + CHUNK_NEXT_SLOT] = control[CONTROL_CHUNK_FREE_SLOT] as number;
      words[chunk + CHUNK_NEXT_OFFSET] = control[CONTROL_CHUNK_FREE_OFFSET] as number;
      control[CONTROL_CHUNK_FREE_SLOT] = slot;
      control[CONTROL_CHUNK_FREE_OFFSET] = offset;
      chunks++;
    }
    words[chunk + CHUNK_COUNTED] = 0;
  }
  control[CONTROL_CHUNKS_FREE] = (control[CONTROL_CHUNKS_FREE] as number) + chunks;
  control[CONTROL_CHUNKS_USED] = (control[CONTROL_CHUNKS_USED] as number) - chunks;
  unlatch(control, CONTROL_CHUNK_LOCK);
  counted.length = 0;
  return chunks;
}
