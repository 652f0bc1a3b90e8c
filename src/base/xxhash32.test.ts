/** xxHash32 against the runtime's native one, and what a checksum is for. */
import { expect, test } from "bun:test";
import { Prng } from "./prng.ts";
import { xxHash32Words } from "./xxhash32.ts";

const prng = new Prng(32);
const words = Int32Array.from({ length: 600 }, () => prng.int32());

test("it is the native one, at every length and place", () => {
  for (let count = 0; count < 512; count++) {
    const from = prng.below(words.length - count);
    const native = Bun.hash.xxHash32(new Uint8Array(words.buffer, from * 4, count * 4));
    expect(xxHash32Words(words, from, count)).toBe(native | 0);
  }
});

test("every flipped bit changes it", () => {
  for (const count of [1, 4, 6, 42]) {
    const right = xxHash32Words(words, 0, count);
    for (let bit = 0; bit < count * 32; bit++) {
      words[bit >>> 5] = (words[bit >>> 5] as number) ^ (1 << (bit & 31));
      expect(xxHash32Words(words, 0, count)).not.toBe(right);
      words[bit >>> 5] = (words[bit >>> 5] as number) ^ (1 << (bit & 31));
    }
  }
});
