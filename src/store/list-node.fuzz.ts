/**
 * Fuzzer of list nodes: random operations on a page against an array, its invariants checked after
 * each, and a page of garbage that every reading function must survive within its range.
 *
 * Run: bun src/store/list-node.fuzz.ts [--seed N] [--steps N]. A small run is part of the tests.
 */
import { assert } from "../base/assert.ts";
import { FRAMED_SIZE_MIN } from "./list-frame.ts";
import * as node from "./list-node.ts";
import * as edit from "./list-node-edit.ts";

const OFFSET = 4096;
const MEMORY_SIZE = 128 * 1024;

/** A small seeded generator: mulberry32 over one int32 of state. */
export function makeRandom(seed: number): (bound: number) => number {
  let state = seed | 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

interface Element {
  readonly bytes: Buffer;
  readonly isReference: boolean;
}

/** A page, and the array that it must agree with. */
export class NodeModel {
  readonly bytes = Buffer.from(new SharedArrayBuffer(MEMORY_SIZE));
  readonly words = new Int32Array(this.bytes.buffer);
  readonly items: Element[] = [];
  readonly #random: (bound: number) => number;
  readonly #elementMax: number;
  readonly isFramed: boolean;
  capacity: number;

  constructor(random: (bound: number) => number) {
    this.#random = random;
    this.capacity = 8 * (8 + random(random(2) === 0 ? 60 : 4000));
    this.#elementMax = [4, 40, 300, 1200][random(4)] as number;
    const direction = random(2) === 0 ? node.NODE_FORWARD : node.NODE_BACKWARD;
    this.isFramed = random(2) === 0;
    const layout = this.isFramed ? direction | node.layoutFor(FRAMED_SIZE_MIN) : direction;
    this.bytes.fill(0xee);
    node.nodeInit(this.words, OFFSET, layout, 0x7ffffff0);
  }

  /** One random operation on both, then a full comparison. Returns the operation's name. */
  step(): string {
    const names = Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[];
    const name = names[this.#random(names.length)] as keyof typeof OPERATIONS;
    OPERATIONS[name](this, this.#random, this.#element());
    this.check(name);
    return name;
  }

  /** A random run of items is what would be sent of them. */
  #checkFrames(name: string): void {
    const { words, capacity, items } = this;
    const from = this.#random(items.length + 1);
    const count = 1 + this.#random(items.length + 1 - from);
    const isThere = node.nodeFrames(words, OFFSET, capacity, from, count);
    const isExpected = this.isFramed && from + count <= items.length;
    assert(isThere === isExpected, `${name}: ${count} frames from ${from}: ${isThere}`);
    if (!isThere) return;
    const { start, size } = node.foundFrames;
    const got = Buffer.from(this.bytes.subarray(start, start + size));
    const expected = Buffer.concat(items.slice(from, from + count).map(frameOf));
    assert(got.equals(expected), `${name}: items ${from} to ${from + count} must be framed`);
  }

  /** Bytes that an element of `length` bytes takes. */
  sizeOf(length: number): number {
    return this.isFramed ? `$${length}\r\n\r\n`.length + length : length;
  }

  #element(): Element {
    const bytes = Buffer.alloc(this.#random(this.#elementMax), 97 + this.#random(26));
    return { bytes, isReference: this.#random(8) === 0 };
  }

  check(name: string): void {
    const { words, capacity, items } = this;
    node.nodeInvariants(words, OFFSET, capacity);
    const count = node.nodeItemsCount(words, OFFSET, capacity);
    assert(count === items.length, `${name}: ${count} items must be ${items.length}`);
    for (let i = 0; i < count; i++) {
      const expected = items[i] as Element;
      assert(node.nodeItem(words, OFFSET, capacity, i), `${name}: item ${i} must be found`);
      const { start, length, isReference } = node.foundItem;
      const got = Buffer.from(this.bytes.subarray(start, start + length));
      assert(got.equals(expected.bytes), `${name}: item ${i} must have its bytes`);
      assert(isReference === expected.isReference, `${name}: item ${i} must keep its flag`);
    }
    assert(!node.nodeItem(words, OFFSET, capacity, count), `${name}: nothing behind the last item`);
    this.#checkFrames(name);
    assert(this.bytes[OFFSET - 1] === 0xee, `${name}: nothing is written before the page`);
    assert(this.bytes[OFFSET + capacity] === 0xee, `${name}: nothing is written behind the page`);
  }
}

function frameOf(element: Element): Buffer {
  const { bytes } = element;
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]);
}

type Operation = (m: NodeModel, random: (bound: number) => number, element: Element) => void;

function isForward(m: NodeModel): boolean {
  return node.nodeDirection(m.words, OFFSET) === node.NODE_FORWARD;
}

/** Whether the model's live items and one more of `size` bytes need no more than the page. */
function mustFit(m: NodeModel, size: number): boolean {
  let needed = node.NODE_HEADER_SIZE + size + node.NODE_ITEM_OVERHEAD;
  for (const item of m.items) needed += m.sizeOf(item.bytes.length) + node.NODE_ITEM_OVERHEAD;
  return needed <= m.capacity;
}

/** Positions do not change by what happens at the ends. */
function keepsPositions(m: NodeModel, headMoves: number, run: () => void): void {
  const before = node.nodeHeadPosition(m.words, OFFSET);
  const wasEmpty = m.items.length === 0;
  run();
  if (wasEmpty || m.items.length === 0) return;
  const after = node.nodeHeadPosition(m.words, OFFSET);
  assert(after === ((before + headMoves) | 0), `head ${after} must be ${before} + ${headMoves}`);
}

function pushOwnEnd(m: NodeModel, _random: unknown, e: Element): void {
  const { bytes, words, capacity } = m;
  const length = e.bytes.length;
  const fits = node.nodeFitsCompacted(words, OFFSET, capacity, length);
  assert(fits === mustFit(m, m.sizeOf(length)), "nodeFitsCompacted must agree with the sizes");
  if (!fits) return;
  keepsPositions(m, isForward(m) ? 0 : -1, () => {
    if (!node.nodeFits(words, OFFSET, capacity, length)) {
      edit.nodeCompact(bytes, words, OFFSET, capacity);
    }
    node.nodePush(bytes, words, OFFSET, capacity, e.bytes, 0, length, e.isReference);
    isForward(m) ? m.items.push(e) : m.items.unshift(e);
  });
}

function pushOrigin(m: NodeModel, _random: unknown, e: Element): void {
  const { bytes, words, capacity } = m;
  const length = e.bytes.length;
  const fits = mustFit(m, m.sizeOf(length));
  keepsPositions(m, fits && isForward(m) ? -1 : 0, () => {
    const done = edit.nodePushOrigin(
      bytes,
      words,
      OFFSET,
      capacity,
      e.bytes,
      0,
      length,
      e.isReference,
    );
    assert(done === fits, "nodePushOrigin must agree with the sizes");
    if (done) isForward(m) ? m.items.unshift(e) : m.items.push(e);
  });
}

function drop(m: NodeModel, random: (bound: number) => number, fromHead: boolean): void {
  const count = Math.min(m.items.length, random(4) === 0 ? random(50) : random(3));
  keepsPositions(m, fromHead ? count : 0, () => {
    if (fromHead) node.nodeDropHead(m.words, OFFSET, m.capacity, count);
    else node.nodeDropTail(m.words, OFFSET, m.capacity, count);
    m.items.splice(fromHead ? 0 : m.items.length - count, count);
  });
}

function setItem(m: NodeModel, random: (bound: number) => number, e: Element): void {
  if (m.items.length === 0) return;
  const at = random(m.items.length);
  const { bytes, words, capacity } = m;
  const replaced = m.sizeOf((m.items[at] as Element).bytes.length);
  const fits = mustFit(m, m.sizeOf(e.bytes.length) - replaced - node.NODE_ITEM_OVERHEAD);
  const done = edit.nodeSet(
    bytes,
    words,
    OFFSET,
    capacity,
    at,
    e.bytes,
    0,
    e.bytes.length,
    e.isReference,
  );
  assert(done === fits, "nodeSet must agree with the sizes");
  if (done) m.items[at] = e;
}

function insertItem(m: NodeModel, random: (bound: number) => number, e: Element): void {
  const at = random(m.items.length + 1);
  const { bytes, words, capacity } = m;
  const fits = mustFit(m, m.sizeOf(e.bytes.length));
  const done = edit.nodeInsert(
    bytes,
    words,
    OFFSET,
    capacity,
    at,
    e.bytes,
    0,
    e.bytes.length,
    e.isReference,
  );
  assert(done === fits, "nodeInsert must agree with the sizes");
  if (done) m.items.splice(at, 0, e);
}

function removeItem(m: NodeModel, random: (bound: number) => number): void {
  if (m.items.length === 0) return;
  const at = random(m.items.length);
  edit.nodeRemove(m.bytes, m.words, OFFSET, m.capacity, at);
  m.items.splice(at, 1);
}

function resize(m: NodeModel, random: (bound: number) => number): void {
  const capacity = Math.min(m.capacity + 8 * random(40), node.NODE_CAPACITY_MAX);
  m.bytes.fill(0xee, OFFSET + m.capacity);
  edit.nodeResize(m.bytes, m.words, OFFSET, m.capacity, capacity);
  m.capacity = capacity;
}

const OPERATIONS = {
  pushOwnEnd,
  pushOwnEndAgain: pushOwnEnd,
  pushOrigin,
  dropHead: (m, random) => drop(m, random, true),
  dropTail: (m, random) => drop(m, random, false),
  setItem,
  insertItem,
  removeItem,
  resize,
  compact: (m) =>
    keepsPositions(m, 0, () => edit.nodeCompact(m.bytes, m.words, OFFSET, m.capacity)),
  moveHead: (m, random) => node.nodeSetHeadPosition(m.words, OFFSET, random(2 ** 31) * 2),
} satisfies Record<string, Operation>;

/** `steps` operations on each of several pages. Throws at the first disagreement. */
export function fuzzNode(seed: number, steps: number): void {
  const random = makeRandom(seed);
  for (let done = 0; done < steps; ) {
    const model = new NodeModel(random);
    for (let i = 0; i < 300 && done < steps; i++, done++) model.step();
  }
}

/** Reads pages of random bytes: every answer must lie inside the page. */
export function fuzzGarbage(seed: number, rounds: number): void {
  const random = makeRandom(seed);
  const bytes = Buffer.from(new SharedArrayBuffer(MEMORY_SIZE));
  const words = new Int32Array(bytes.buffer);
  for (let round = 0; round < rounds; round++) {
    const capacity = 8 * (2 + random(500));
    for (let i = OFFSET; i < OFFSET + capacity; i++) bytes[i] = random(round % 2 === 0 ? 256 : 3);
    const count = node.nodeItemsCount(words, OFFSET, capacity);
    assert(count >= 0 && count <= capacity / 2, `count ${count} must be possible`);
    node.nodeHeadPosition(words, OFFSET);
    for (const item of [0, 1, random(70_000), count - 1, count, -1, 2 ** 31 - 1]) {
      if (!node.nodeItem(words, OFFSET, capacity, item)) continue;
      const { start, length } = node.foundItem;
      assert(start >= OFFSET && length >= 0, "an item starts inside the page");
      assert(start + length <= OFFSET + capacity, "an item ends inside the page");
      if (!node.nodeFrames(words, OFFSET, capacity, item, 1 + random(20))) continue;
      const { start: at, size } = node.foundFrames;
      assert(at >= OFFSET && size >= 0, "frames start inside the page");
      assert(at + size <= OFFSET + capacity, "frames end inside the page");
    }
  }
}

if (import.meta.main) {
  const option = (name: string, otherwise: number): number => {
    const at = Bun.argv.indexOf(name);
    return at < 0 ? otherwise : Number(Bun.argv[at + 1]);
  };
  const seed = option("--seed", 1 + (Number(process.hrtime.bigint() & 0xffffn) | 0));
  console.log(`list-node.fuzz: --seed ${seed}`);
  fuzzNode(seed, option("--steps", 200_000));
  fuzzGarbage(seed, 20_000);
}
