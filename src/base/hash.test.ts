/** The hash of keys: what it depends on, and how evenly it spreads. */
import { describe, expect, test } from "bun:test";
import { hashBytes, makeSecret } from "./hash.ts";
import { Prng } from "./prng.ts";

const secret = makeSecret(Uint32Array.of(0x243f6a88, 0x85a308d3, 0x13198a2e));

function hash(text: string, with_ = secret): number {
  return hashBytes(Buffer.from(text), 0, text.length, with_);
}

describe("hashBytes()", () => {
  test("depends on the bytes of the range and on nothing around it", () => {
    for (let length = 0; length < 20; length++) {
      const key = Buffer.alloc(length, 7);
      const wanted = hashBytes(key, 0, length, secret);
      for (let start = 0; start < 5; start++) {
        const around = Buffer.alloc(length + 9, start);
        key.copy(around, start);
        expect(hashBytes(around, start, length, secret)).toBe(wanted);
      }
    }
  });

  test("changes with every single bit of keys of 1 to 17 bytes", () => {
    for (let length = 1; length < 18; length++) {
      const key = Buffer.alloc(length, 0x5a);
      const before = hashBytes(key, 0, length, secret);
      for (let bit = 0; bit < length * 8; bit++) {
        key[bit >> 3] = (key[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(hashBytes(key, 0, length, secret)).not.toBe(before);
        key[bit >> 3] = (key[bit >> 3] as number) ^ (1 << (bit & 7));
      }
    }
  });

  test("changes with each part of the secret", () => {
    const words = [0x243f6a88, 0x85a308d3, 0x13198a2e];
    const others = words.map((_, i) =>
      Uint32Array.from(words, (word, k) => word + (i === k ? 2 : 0)),
    );
    for (const other of others) expect(hash("key", makeSecret(other))).not.toBe(hash("key"));
  });

  test("spreads counting keys evenly over low and high bits", () => {
    const low = new Int32Array(64);
    const high = new Int32Array(64);
    for (let i = 0; i < 64_000; i++) {
      const h = hash(`key:${i}`);
      (low[h & 63] as number) += 1;
      (high[h >>> 26] as number) += 1;
    }
    for (const count of [...low, ...high]) expect(Math.abs(count - 1000)).toBeLessThan(200);
  });

  test("makeSecret() makes multipliers odd and large", () => {
    const prng = new Prng(1);
    for (let i = 0; i < 100; i++) {
      const random = Uint32Array.of(prng.int32(), prng.int32(), prng.int32());
      const { multiplierA, multiplierB } = makeSecret(random);
      expect([multiplierA & 1, multiplierB & 1]).toEqual([1, 1]);
      expect(Math.min(multiplierA >>> 31, multiplierB >>> 31)).toBe(1);
    }
  });
});
