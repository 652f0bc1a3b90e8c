/** Digits against the engine's own text. */
import { expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { digitsCount, writeDigits } from "./digits.ts";

test("writeDigits() and digitsCount() agree with String() for numbers of every length", () => {
  const random = new Prng(1);
  const target = Buffer.alloc(20, "x");
  for (let power = 0; power < 53; power++) {
    for (const offset of [-1, 0, 1, random.below(2 ** Math.min(power, 32))]) {
      const value = Math.max(0, 2 ** power + offset);
      const text = String(value);
      expect(digitsCount(value)).toBe(text.length);
      for (const count of [text.length, 16, 10]) {
        target.fill("x");
        expect(writeDigits(target, 2, value, count)).toBe(2 + count);
        const written = text.padStart(count, "0").slice(-count);
        expect(target.toString("latin1")).toBe(`xx${written}`.padEnd(20, "x"));
      }
    }
  }
  expect(digitsCount(Number.MAX_SAFE_INTEGER)).toBe(16);
});
