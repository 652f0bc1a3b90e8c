/** Tests of crc32.ts: the published check value, and that both ways agree. */
import { expect, test } from "bun:test";
import { crc32, crc32Words } from "./crc32.ts";

test("crc32: the check value of the standard", () => {
  expect(crc32(Buffer.from("x123456789y"), 1, 10) >>> 0).toBe(0xcbf4_3926);
});

test("crc32Words: the table and the runtime agree at every length", () => {
  const words = Int32Array.from({ length: 256 }, (_, i) => Math.imul(i + 1, 0x9e37_79b1));
  const bytes = new Uint8Array(words.buffer);
  for (let count = 0; count <= 200; count += 2) {
    expect(crc32Words(words, 6, count)).toBe(crc32(bytes, 24, 24 + count * 4));
  }
});
