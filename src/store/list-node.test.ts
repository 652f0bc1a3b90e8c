/** List nodes: both directions, exact capacity, and a model of arrays. */
import { describe, expect, test } from "bun:test";
import { fuzzGarbage, fuzzNode, makeRandom, NodeModel } from "./list-node.fuzz.ts";
import * as node from "./list-node.ts";
import * as edit from "./list-node-edit.ts";

const OFFSET = 64;
const CAPACITY = 128;

function makePage(direction: number) {
  const bytes = Buffer.from(new SharedArrayBuffer(256));
  const words = new Int32Array(bytes.buffer);
  node.nodeInit(words, OFFSET, direction, 10);
  const push = (text: string) =>
    node.nodePush(bytes, words, OFFSET, CAPACITY, Buffer.from(text), 0, text.length, false);
  const pushOrigin = (text: string) =>
    edit.nodePushOrigin(bytes, words, OFFSET, CAPACITY, Buffer.from(text), 0, text.length, false);
  const read = () => {
    const items: string[] = [];
    for (let i = 0; node.nodeItem(words, OFFSET, CAPACITY, i); i++) {
      const { start, length } = node.foundItem;
      items.push(bytes.toString("latin1", start, start + length));
    }
    return items;
  };
  return { bytes, words, push, pushOrigin, read };
}

describe("list node", () => {
  test("nodePush() keeps list order in both directions", () => {
    const forward = makePage(node.NODE_FORWARD);
    const backward = makePage(node.NODE_BACKWARD);
    for (const text of ["a", "", "ccc"]) {
      forward.push(text);
      backward.push(text);
    }
    expect(forward.read()).toEqual(["a", "", "ccc"]);
    expect(backward.read()).toEqual(["ccc", "", "a"]);
  });

  test("nodeHeadPosition() decreases with pushes to the head and grows with drops there", () => {
    const { words, push } = makePage(node.NODE_BACKWARD);
    push("a");
    expect(node.nodeHeadPosition(words, OFFSET)).toBe(10);
    push("b");
    push("c");
    expect(node.nodeHeadPosition(words, OFFSET)).toBe(8);
    node.nodeDropTail(words, OFFSET, CAPACITY, 1);
    expect(node.nodeHeadPosition(words, OFFSET)).toBe(8);
    node.nodeDropHead(words, OFFSET, CAPACITY, 1);
    expect(node.nodeHeadPosition(words, OFFSET)).toBe(9);
  });

  test("nodeFits() is exact to the byte and nodeCompact() wins dropped space back", () => {
    const { bytes, words, push, read } = makePage(node.NODE_FORWARD);
    push("x".repeat(50));
    push("y".repeat(60));
    // 128 = 12 of header, 50 + 60 of elements, 3 * 2 of directory, and nothing more.
    expect(node.nodeFits(words, OFFSET, CAPACITY, 0)).toBe(true);
    expect(node.nodeFits(words, OFFSET, CAPACITY, 1)).toBe(false);
    node.nodeDropHead(words, OFFSET, CAPACITY, 1);
    expect(node.nodeFits(words, OFFSET, CAPACITY, 1)).toBe(false);
    expect(node.nodeFitsCompacted(words, OFFSET, CAPACITY, 52)).toBe(true);
    expect(node.nodeFitsCompacted(words, OFFSET, CAPACITY, 53)).toBe(false);
    edit.nodeCompact(bytes, words, OFFSET, CAPACITY);
    expect(node.nodeFits(words, OFFSET, CAPACITY, 52)).toBe(true);
    expect(read()).toEqual(["y".repeat(60)]);
  });

  test("nodePushOrigin() fills dropped space and makes its own", () => {
    const { words, push, pushOrigin, read } = makePage(node.NODE_FORWARD);
    push("bb");
    expect(pushOrigin("aa")).toBe(true);
    push("cc");
    node.nodeDropHead(words, OFFSET, CAPACITY, 1);
    expect(pushOrigin("zz")).toBe(true);
    expect(read()).toEqual(["zz", "bb", "cc"]);
    expect(pushOrigin("x".repeat(200))).toBe(false);
    expect(read()).toEqual(["zz", "bb", "cc"]);
  });

  test("nodeSet(), nodeInsert() and nodeRemove() leave the neighbours alone", () => {
    const { bytes, words, push, read } = makePage(node.NODE_BACKWARD);
    for (const text of ["d", "c", "b", "a"]) push(text);
    edit.nodeSet(bytes, words, OFFSET, CAPACITY, 1, Buffer.from("BBB"), 0, 3, true);
    expect(node.nodeItem(words, OFFSET, CAPACITY, 1) && node.foundItem.isReference).toBe(true);
    expect(node.nodeItem(words, OFFSET, CAPACITY, 2) && node.foundItem.isReference).toBe(false);
    edit.nodeInsert(bytes, words, OFFSET, CAPACITY, 3, Buffer.from("new"), 0, 3, false);
    expect(read()).toEqual(["a", "BBB", "c", "new", "d"]);
    edit.nodeRemove(bytes, words, OFFSET, CAPACITY, 2);
    expect(read()).toEqual(["a", "BBB", "new", "d"]);
    const tooLong = Buffer.alloc(300);
    expect(edit.nodeSet(bytes, words, OFFSET, CAPACITY, 0, tooLong, 0, 300, false)).toBe(false);
    expect(read()).toEqual(["a", "BBB", "new", "d"]);
  });

  test("nodeCapacityFor() is the smallest multiple of 8 that holds the element", () => {
    for (const length of [0, 1, 2, 3, 10, 63, 64, 99, 100, 999, 1000, 9999, 10_000, 16_000]) {
      const { words } = makePage(node.NODE_FORWARD | node.layoutFor(length));
      const capacity = node.nodeCapacityFor(length);
      expect(node.nodeFits(words, OFFSET, capacity, length)).toBe(true);
      expect(node.nodeFits(words, OFFSET, capacity - 8, length)).toBe(false);
    }
  });

  test("agrees with an array over random operations", () => {
    for (let seed = 1; seed <= 8; seed++) fuzzNode(seed, 3000);
  });

  test("reads of garbage stay inside the page", () => {
    fuzzGarbage(7, 3000);
  });

  test("the fuzzer notices a damaged page", () => {
    const model = new NodeModel(makeRandom(3));
    while (model.items.length < 3 || (model.items[0]?.bytes.length ?? 0) === 0) model.step();
    node.nodeItem(model.words, 4096, model.capacity, 0);
    const at = node.foundItem.start;
    model.bytes[at] = (model.bytes[at] as number) ^ 1;
    expect(() => model.check("damage")).toThrow("must have its bytes");
  });
});
