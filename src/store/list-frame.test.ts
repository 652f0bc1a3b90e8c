/** Frames: every length against the text that it must be. */
import { expect, test } from "bun:test";
import {
  FRAME_SIZE_MIN,
  framedLength,
  frameHeaderSize,
  frameSize,
  writeFrame,
} from "./list-frame.ts";

test("a frame of any length is a bulk string, and its size gives the length back", () => {
  const bytes = Buffer.alloc(40_000);
  for (let length = 0; length <= 32_768; length += length < 1100 ? 1 : 97) {
    const header = `$${length}\r\n`;
    const size = header.length + length + 2;
    expect(frameSize(length)).toBe(size);
    expect(framedLength(size)).toBe(length);
    expect(frameHeaderSize(size)).toBe(header.length);
    bytes.fill(0x78, 0, size + 8);
    expect(writeFrame(bytes, 3, length)).toBe(3 + header.length);
    expect(bytes.toString("latin1", 0, size + 6)).toBe(`xxx${header}${"x".repeat(length)}\r\nxxx`);
  }
  expect(frameSize(0)).toBe(FRAME_SIZE_MIN);
});

test("sizes around each number of digits give their lengths back", () => {
  for (const length of [9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999]) {
    expect(framedLength(frameSize(length))).toBe(length);
  }
});

test("sizes that no frame has give a length in bounds", () => {
  for (let size = FRAME_SIZE_MIN; size < 33_000; size += 1 + (size >> 8)) {
    const end = frameHeaderSize(size) + framedLength(size);
    expect(framedLength(size)).toBeGreaterThanOrEqual(0);
    expect(end).toBe(size - 2);
  }
});
