/**
 * Tests of the input buffer: what is appended comes back in order, and memory follows what is
 * there.
 */
import { expect, test } from "bun:test";
import { INPUT_KEEP_SIZE_MAX, INPUT_SIZE_MIN } from "../base/limits.ts";
import { InputBuffer } from "./input-buffer.ts";

function textOf(input: InputBuffer): string {
  return input.bytes.toString("latin1", 0, input.length);
}

test("append() and discard() keep the order of the bytes", () => {
  const input = new InputBuffer();
  input.append(Buffer.from("--hello "), 2);
  input.append(Buffer.from("world"), 0);
  expect(textOf(input)).toBe("hello world");
  input.discard(6);
  expect(textOf(input)).toBe("world");
  input.append(Buffer.from("!"), 0);
  expect(textOf(input)).toBe("world!");
  input.discard(6);
  expect(input.length).toBe(0);
});

test("append() grows geometrically, with what arrived", () => {
  const input = new InputBuffer();
  const chunk = Buffer.alloc(100, "x");
  let grownCount = 0;
  for (let i = 0; i < 1000; i++) {
    const before = input.bytes;
    input.append(chunk, 0);
    if (input.bytes !== before) grownCount++;
    expect(input.bytes.length).toBeLessThanOrEqual(Math.max(INPUT_SIZE_MIN, input.length * 2));
  }
  expect(grownCount).toBeLessThan(12);
});

test("discard() gives a large buffer back as soon as it is empty, a small one stays", () => {
  const large = new InputBuffer();
  large.append(Buffer.alloc(INPUT_KEEP_SIZE_MAX + 1), 0);
  large.discard(INPUT_KEEP_SIZE_MAX + 1);
  expect(large.bytes.length).toBe(0);
  const small = new InputBuffer();
  small.append(Buffer.alloc(10), 0);
  small.discard(10);
  expect(small.bytes.length).toBe(INPUT_SIZE_MIN);
});

test("trim() leaves what is there and no more", () => {
  const input = new InputBuffer();
  input.append(Buffer.alloc(100_000, "a"), 0);
  input.discard(99_000);
  input.trim();
  expect(input.bytes.length).toBe(1000);
  expect(textOf(input)).toBe("a".repeat(1000));
  input.discard(1000);
  input.trim();
  expect(input.bytes.length).toBe(0);
});

test("discard() of more than there is fails", () => {
  expect(() => new InputBuffer().discard(1)).toThrow("must be <=");
});
