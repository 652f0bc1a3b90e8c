/** zstd: levels, and frames that are damaged, lie, or would become too large. */
import { expect, test } from "bun:test";
import { Prng } from "../base/prng.ts";
import {
  compress,
  decompress,
  ZSTD_LEVEL_DEFAULT,
  ZSTD_LEVEL_MAX,
  ZSTD_LEVEL_MIN,
} from "./compression.ts";

const SIZE_MAX = 1024 * 1024;
const TEXT = Buffer.from("the same words again, ".repeat(40));

test("what is compressed comes back, at every level and size", () => {
  for (let level = ZSTD_LEVEL_MIN; level <= ZSTD_LEVEL_MAX; level++) {
    expect(decompress(compress(TEXT, level), SIZE_MAX)).toEqual(TEXT);
  }
  const prng = new Prng(4);
  for (const size of [0, 1, 255, 256, 257, 65_791, 65_792, 300_000, SIZE_MAX]) {
    const bytes = Buffer.alloc(size);
    prng.fill(bytes, 0, size / 2);
    expect(decompress(compress(bytes, ZSTD_LEVEL_DEFAULT), SIZE_MAX).equals(bytes)).toBe(true);
  }
});

test("levels that zstd does not have are refused", () => {
  for (const level of [0, -1, 23, 1.5, Number.NaN]) {
    expect(() => compress(TEXT, level)).toThrow(RangeError);
  }
});

test("content above the limit is refused, at the limit it is not", () => {
  const frame = compress(TEXT, ZSTD_LEVEL_DEFAULT);
  expect(decompress(frame, TEXT.length)).toEqual(TEXT);
  expect(() => decompress(frame, TEXT.length - 1)).toThrow(
    new RangeError(`zstd: content of ${TEXT.length} bytes, at most ${TEXT.length - 1} are taken`),
  );
  // 64 MiB of zeros in about 2 KiB.
  const bomb = compress(Buffer.alloc(64 * 1024 * 1024), ZSTD_LEVEL_DEFAULT);
  expect(bomb.length).toBeLessThan(8 * 1024);
  expect(() => decompress(bomb, SIZE_MAX)).toThrow("zstd: content of 67108864 bytes");
});

test("frames behind the frame, frames that hide or belie their size are refused", () => {
  const frame = compress(TEXT, ZSTD_LEVEL_DEFAULT);
  // The runtime itself would give the content of both.
  expect(() => decompress(Buffer.concat([frame, frame]), SIZE_MAX)).toThrow("behind the frame");
  const skippable = Buffer.from("502a4d1800000000", "hex");
  expect(() => decompress(Buffer.concat([skippable, frame]), SIZE_MAX)).toThrow("not a zstd frame");
  const belied = Buffer.from(frame);
  belied[5] = 0;
  expect(() => decompress(belied, SIZE_MAX)).toThrow(RangeError);
  // No single segment, a window of 1 KiB, one last block "a" as it is: no size anywhere.
  const hidden = Buffer.from("28b52ffd0000090000" + "61", "hex");
  expect(Bun.zstdDecompressSync(hidden).toString()).toBe("a");
  expect(() => decompress(hidden, SIZE_MAX)).toThrow("does not declare the size");
});

test("cut off at any byte, or with any byte changed, it is malformed or the same size", () => {
  const frame = compress(TEXT, ZSTD_LEVEL_DEFAULT);
  for (let end = 0; end < frame.length; end++) {
    expect(() => decompress(frame.subarray(0, end), SIZE_MAX)).toThrow(RangeError);
  }
  for (let at = 0; at < frame.length; at++) {
    for (const bits of [0x01, 0x80, 0xff]) {
      const damaged = Buffer.from(frame);
      damaged[at] = (damaged[at] as number) ^ bits;
      try {
        expect(decompress(damaged, SIZE_MAX).length).toBeLessThanOrEqual(SIZE_MAX);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  }
});
