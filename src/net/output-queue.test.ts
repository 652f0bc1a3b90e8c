/**
 * Tests of the output queue: bytes leave in the order in which they came, and nothing is held when
 * empty.
 */
import { expect, test } from "bun:test";
import { OutputQueue } from "./output-queue.ts";

function textOf(queue: OutputQueue): string {
  return queue.bytes.toString("latin1", queue.start, queue.end);
}

test("add() and take() keep the order of the bytes", () => {
  const queue = new OutputQueue();
  queue.add(Buffer.from("abcdef"), 2, 4);
  expect(textOf(queue)).toBe("cdef");
  queue.take(1);
  queue.add(Buffer.from("ghi"), 0, 3);
  expect(textOf(queue)).toBe("defghi");
  queue.take(2);
  expect(queue.size).toBe(4);
  queue.take(4);
  expect(queue.size).toBe(0);
  expect(queue.bytes.length).toBe(0);
});

test("adopt() sends from the given memory, and what is added behind it is a copy", () => {
  const queue = new OutputQueue();
  const source = Buffer.from("0123456789");
  queue.adopt(source, 3, 8);
  expect(queue.bytes).toBe(source);
  expect(textOf(queue)).toBe("34567");
  queue.take(2);
  queue.add(Buffer.from("xyz"), 0, 3);
  expect(textOf(queue)).toBe("567xyz");
  expect(source.toString()).toBe("0123456789");
});

test("adopt() is for an empty queue, take() for what is there", () => {
  const queue = new OutputQueue();
  queue.add(Buffer.from("a"), 0, 1);
  expect(() => queue.adopt(Buffer.from("b"), 0, 1)).toThrow("must be 0");
  expect(() => queue.take(2)).toThrow("must be <=");
});

test("clear() drops everything", () => {
  const queue = new OutputQueue();
  queue.add(Buffer.from("abc"), 0, 3);
  queue.clear();
  expect(queue.size).toBe(0);
  expect(queue.bytes.length).toBe(0);
});
