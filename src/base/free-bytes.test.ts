/** Tests of freeing buffers by hand: what was freed is empty, what is small stays. */
import { expect, test } from "bun:test";
import { freeArray, freeBytes } from "./free-bytes.ts";

test("freeBytes() empties a buffer of its own, and the memory is gone at once", () => {
  const before = process.memoryUsage.rss();
  // Without freeing, this many would be 4 GiB before a collection.
  for (let i = 0; i < 256; i++) {
    const bytes = Buffer.allocUnsafeSlow(16 * 1024 * 1024).fill(i);
    freeBytes(bytes);
    expect(bytes.length).toBe(0);
  }
  expect(process.memoryUsage.rss() - before).toBeLessThan(512 * 1024 * 1024);
});

test("freeBytes() leaves small buffers to the collector", () => {
  const bytes = Buffer.allocUnsafeSlow(16);
  freeBytes(bytes);
  expect(bytes.length).toBe(16);
});

test("freeBytes() refuses a part of a larger buffer", () => {
  const bytes = Buffer.allocUnsafeSlow(4096);
  expect(() => freeBytes(bytes.subarray(0, 2048))).toThrow("shares its memory");
});

test("freeArray() empties an array of its own and leaves small ones", () => {
  const [large, small] = [new Int32Array(4096), new Int32Array(16)];
  freeArray(large);
  freeArray(small);
  expect([large.length, small.length]).toEqual([0, 16]);
});
