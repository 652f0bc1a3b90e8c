/** The generator of payloads: exact, repeatable, and as compressible as it says. */
import { expect, test } from "bun:test";
import { compress, ZSTD_LEVEL_DEFAULT } from "./compression.ts";
import { PayloadGenerator } from "./payload.ts";

function payloads(seed: number, size: number, compressibility: number, count: number) {
  const generator = new PayloadGenerator(seed, size, compressibility);
  return Array.from({ length: count }, () => generator.next());
}

test("data has its size exactly, of letters and digits; ids count on", () => {
  for (const size of [0, 1, 2, 15, 16, 17, 128, 10_001]) {
    for (const compressibility of [0, 0.3, 1]) {
      for (const [id, payload] of payloads(1, size, compressibility, 3).entries()) {
        expect(payload.data).toMatch(/^[A-Za-z0-9]*$/);
        expect([payload.data.length, payload.id]).toEqual([size, id]);
        expect(payload.timestamp).toBeGreaterThan(1_700_000_000);
      }
    }
  }
});

test("a seed gives the same payloads again, another seed others", () => {
  expect(payloads(5, 64, 0.5, 20)).toEqual(payloads(5, 64, 0.5, 20));
  expect(payloads(5, 64, 0, 1)).not.toEqual(payloads(6, 64, 0, 1));
  expect(new Set(payloads(5, 64, 0.5, 1000).map(({ data }) => data)).size).toBe(1000);
});

test("all letters and digits are drawn, alike", () => {
  const payload = new PayloadGenerator(2, 620_000, 0).next();
  const counts = new Map<string, number>();
  for (const letter of payload.data) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  expect(counts.size).toBe(62);
  // 10,000 each, with a deviation of 100.
  for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});

test("compressibility is the share that zstd takes away", () => {
  for (const compressibility of [0, 0.25, 0.5, 0.75, 1]) {
    const payload = new PayloadGenerator(3, 10_000, compressibility).next();
    const size = compress(Buffer.from(payload.data), ZSTD_LEVEL_DEFAULT).length;
    // What is random has 5.95 bits of chance in a byte; zstd needs a little more for its tables.
    const expected = 10_000 * (1 - compressibility) * (5.95 / 8);
    expect(Math.abs(size - expected)).toBeLessThan(400);
  }
});
