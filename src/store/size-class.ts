/**
 * Size classes: which block sizes there are, and which one a record of n bytes gets.
 *
 * Exact multiples of 8 up to 256 bytes, then sixteen steps for each doubling up to 4 KiB (at most 6
 * % waste), then whole fractions of a chunk, so that no chunk ends in an unusable rest.
 */
import { assert } from "../base/assert.ts";
import { CHUNK_HEADER_SIZE, CHUNK_SIZE, CLASSES_MAX } from "./layout.ts";

/** Bytes of a chunk that blocks can use; also the largest block. */
export const BLOCK_SIZE_MAX = CHUNK_SIZE - CHUNK_HEADER_SIZE;
const BLOCK_SIZE_MIN = 16;

/** Blocks of each large class that a chunk holds, in falling order. */
const LARGE_COUNTS = [
  30, 28, 26, 24, 22, 20, 18, 16, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
];

function makeSizes(): number[] {
  const sizes: number[] = [];
  for (let size = BLOCK_SIZE_MIN; size <= 256; size += 8) sizes.push(size);
  for (let base = 256; base < 4096; base *= 2) {
    for (let size = base + base / 16; size <= base * 2; size += base / 16) sizes.push(size);
  }
  for (const count of LARGE_COUNTS) sizes.push(Math.floor(BLOCK_SIZE_MAX / count / 8) * 8);
  return sizes;
}

const SIZES = makeSizes();
assert(SIZES.length <= CLASSES_MAX, `${SIZES.length} size classes must fit ${CLASSES_MAX}`);
assert(
  SIZES.every((size, i) => i === 0 || size > (SIZES[i - 1] as number)),
  "size classes must grow",
);

export const CLASSES_COUNT = SIZES.length;

/** Block size in bytes of each class. */
export const CLASS_SIZES = Int32Array.from(SIZES);

/** Class of each size, by (size + 7) >>> 3. */
const CLASS_OF = new Uint8Array((BLOCK_SIZE_MAX >>> 3) + 1);
for (let granule = 0, index = 0; granule < CLASS_OF.length; granule++) {
  if (granule * 8 > (CLASS_SIZES[index] as number)) index++;
  CLASS_OF[granule] = index;
}

/**
 * The smallest class whose blocks hold `size` bytes; `size` must be at most BLOCK_SIZE_MAX. Hot.
 */
export function classOf(size: number): number {
  return CLASS_OF[(size + 7) >>> 3] as number;
}
