/** Size classes: every size gets the smallest block that holds it. */
import { expect, test } from "bun:test";
import { CHUNK_HEADER_SIZE, CHUNK_SIZE } from "./layout.ts";
import { BLOCK_SIZE_MAX, CLASS_SIZES, CLASSES_COUNT, classOf } from "./size-class.ts";

test("classOf() is the smallest class that holds the size, for every size", () => {
  for (let size = 0; size <= BLOCK_SIZE_MAX; size++) {
    const index = classOf(size);
    const isSmallest = index === 0 || (CLASS_SIZES[index - 1] as number) < size;
    if ((CLASS_SIZES[index] as number) >= size && isSmallest) continue;
    throw new Error(`size ${size} gets class ${index} of ${CLASS_SIZES[index]} bytes`);
  }
});

test("a block wastes at most an eighth of what it holds, and 16 bytes", () => {
  for (let size = 16; size <= 4096; size++) {
    expect((CLASS_SIZES[classOf(size)] as number) - size).toBeLessThan(16 + size / 8);
  }
});

test("blocks of every class are multiples of 8 and fill a chunk but for less than one", () => {
  expect(CLASS_SIZES.length).toBe(CLASSES_COUNT);
  expect(CLASS_SIZES[CLASSES_COUNT - 1]).toBe(BLOCK_SIZE_MAX);
  for (const size of CLASS_SIZES) {
    expect(size % 8).toBe(0);
    expect((CHUNK_SIZE - CHUNK_HEADER_SIZE) % size).toBeLessThan(size);
  }
});
