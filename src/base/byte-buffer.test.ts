/** Tests of ByteBuffer: what happens at its limit. */
import { expect, test } from "bun:test";
import { ByteBuffer } from "./byte-buffer.ts";

test("more than sizeMax is noted and not kept, without throwing, and one piece always fits", () => {
  const buffer = new ByteBuffer(16);
  buffer.sizeMax = 1000;
  const piece = Buffer.alloc(100, "x");
  for (let i = 0; i < 10; i++) buffer.append(piece, 0, piece.length);
  expect(buffer.length).toBe(1000);
  expect(buffer.bytes.length).toBe(1000);
  expect(buffer.isOverflown).toBe(false);
  for (let i = 0; i < 100; i++) {
    buffer.append(piece, 0, piece.length);
    expect(buffer.length).toBeLessThanOrEqual(1000);
  }
  expect(buffer.isOverflown).toBe(true);
  buffer.append(Buffer.alloc(5000, "y"), 0, 5000);
  expect(buffer.length).toBe(5000);
  expect(buffer.bytes[4999]).toBe("y".charCodeAt(0));
});
