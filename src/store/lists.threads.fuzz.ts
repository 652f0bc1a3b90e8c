/**
 * Lists under several Workers: writers change windows of consecutive numbers, readers must never
 * see anything else.
 *
 * Each list holds consecutive numbers, each in an element that can be checked by itself: the
 * number, and padding that follows from it. Writers push the next number at the tail or the one
 * before the first at the head, drop at the ends, replace an element by the same number with other
 * padding, insert and remove in the middle, and write the list anew. Under the lock a list is
 * broken for a moment; a read that endRead confirms must see consecutive numbers only.
 *
 * The control comes with it: readers also count how often a read that endRead refused was wrong. If
 * that is never so, the run has proved nothing, and it fails.
 *
 * Run: bun src/store/lists.threads.fuzz.ts [--seed=N] [--steps=N]. A small run, in a process of its
 * own, is part of the tests.
 */
import { parentPort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte-buffer.ts";
import { freshSeed, Prng } from "../base/prng.ts";
import { type Cursor, TYPE_LIST } from "./cursor.ts";
import { listInvariants, rebuildList } from "./list-copy.ts";
import { RESERVE_SIZE_MIN, type StoreHandle } from "./memory.ts";
import { STATUS_OK } from "./status.ts";
import { attachStore, createStore, type Store } from "./store.ts";

const WRITERS_COUNT = 2;
const READERS_COUNT = 2;
const KEYS = ["one", "two", "three"].map((name) => Buffer.from(`list:${name}`));
const ITEMS_MAX = 600;
const PADDING_SIZES = [0, 3, 40, 300] as const;

interface Task {
  readonly handle: StoreHandle;
  readonly worker: number;
  readonly seed: number;
  readonly steps: number;
  /** Word 0: writers that are done; word 1: writers in all. */
  readonly done: SharedArrayBuffer;
}

interface Result {
  readonly reads: number;
  readonly refusedWrong: number;
  readonly failure: string;
}

function aim(store: Store, key: Buffer): Cursor {
  const cursor = store.cursor(0);
  cursor.bytes = key;
  cursor.keyStart = 0;
  cursor.keyLength = key.length;
  cursor.hash = store.hash(key, 0, key.length);
  return cursor;
}

/** An element: the number, a colon, and `size` letters that follow from the number. */
function makeElement(number: number, size: number): Buffer {
  return Buffer.from(`${number}:${String.fromCharCode(97 + (number % 26)).repeat(size)}`);
}

/** The number in an element, NaN when the element is not one of makeElement's. */
function readElement(bytes: Buffer, length: number): number {
  const colon = bytes.subarray(0, length).indexOf(58);
  if (colon < 1) return Number.NaN;
  const number = Number(bytes.toString("latin1", 0, colon));
  const letter = 97 + (number % 26);
  for (let i = colon + 1; i < length; i++) if (bytes[i] !== letter) return Number.NaN;
  return number;
}

/**
 * The number of the first of `count` frames whose numbers rise by one and that fill the bytes, else
 * NaN.
 */
function readFrames(bytes: Buffer, length: number, count: number): number {
  let first = Number.NaN;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = Number(bytes.toString("latin1", at + 1, lineEnd));
    if (bytes[at] !== 36 || !(lineEnd + 4 + size <= length)) return Number.NaN;
    const number = readElement(bytes.subarray(lineEnd + 2), size);
    if (i === 0) first = number;
    if (number !== first + i) return Number.NaN;
    at = lineEnd + 2 + size + 2;
  }
  return at === length ? first : Number.NaN;
}

class Writer {
  readonly #store: Store;
  readonly #prng: Prng;
  readonly #out = new ByteBuffer(1024);

  constructor(store: Store, seed: number) {
    this.#store = store;
    this.#prng = new Prng(seed);
  }

  step(): void {
    this.#store.enterBatch();
    const cursor = aim(this.#store, this.#prng.pick(KEYS));
    this.#store.lock(cursor);
    const choice = this.#prng.below(100);
    if (cursor.type !== TYPE_LIST) this.#push(cursor, 1_000_000, false);
    else if (choice < 50 && cursor.itemsCount < ITEMS_MAX) this.#grow(cursor);
    else if (choice < 75) this.#shrink(cursor);
    else if (choice < 85) this.#replace(cursor);
    else if (choice < 97) this.#insertAndRemove(cursor);
    else if (choice < 98) this.#store.remove(cursor);
    else if (cursor.isLarge) rebuildList(this.#store.memory, cursor);
    if (cursor.type === TYPE_LIST) listInvariants(this.#store.memory, cursor);
    this.#store.unlock(cursor);
    this.#store.leaveBatch();
    if (this.#prng.chance(20)) this.#store.upkeep(1);
  }

  #element(number: number): Buffer {
    const size = this.#prng.chance(400) ? 20_000 : this.#prng.pick(PADDING_SIZES);
    return makeElement(number, size);
  }

  #numberAt(cursor: Cursor, index: number): number {
    assert(this.#store.seekItem(cursor, index), "an element of a locked list is found");
    this.#out.length = 0;
    this.#store.copyItem(cursor, this.#out);
    return readElement(this.#out.bytes, this.#out.length);
  }

  #push(cursor: Cursor, number: number, atHead: boolean): void {
    const element = this.#element(number);
    const status = this.#store.pushItem(cursor, atHead, element, 0, element.length);
    assert(status === STATUS_OK, "pushItem succeeds");
  }

  #grow(cursor: Cursor): void {
    const atHead = this.#prng.chance(2);
    let number = this.#numberAt(cursor, atHead ? 0 : cursor.itemsCount - 1);
    for (let left = 1 + this.#prng.below(20); left > 0; left--) {
      number += atHead ? -1 : 1;
      this.#push(cursor, number, atHead);
    }
  }

  #shrink(cursor: Cursor): void {
    const most = this.#prng.chance(10) ? cursor.itemsCount : Math.min(20, cursor.itemsCount);
    this.#store.dropItems(cursor, this.#prng.chance(2), 1 + this.#prng.below(most));
  }

  #replace(cursor: Cursor): void {
    const index = this.#prng.below(cursor.itemsCount);
    const element = this.#element(this.#numberAt(cursor, index));
    const status = this.#store.setItem(cursor, index, element, 0, element.length);
    assert(status === STATUS_OK, "setItem succeeds");
  }

  /** For a moment a number is there twice. */
  #insertAndRemove(cursor: Cursor): void {
    const index = this.#prng.below(cursor.itemsCount);
    const element = this.#element(this.#numberAt(cursor, index));
    const status = this.#store.insertItem(cursor, index, element, 0, element.length);
    assert(status === STATUS_OK, "insertItem succeeds");
    this.#store.removeItem(cursor, index + this.#prng.below(2));
  }
}

class Reader {
  readonly #store: Store;
  readonly #prng: Prng;
  readonly #out = new ByteBuffer(1024);
  reads = 0;
  refusedWrong = 0;

  constructor(store: Store, seed: number) {
    this.#store = store;
    this.#prng = new Prng(seed);
  }

  step(): void {
    this.#store.enterBatch();
    const cursor = aim(this.#store, this.#prng.pick(KEYS));
    for (;;) {
      const problem = this.#store.beginRead(cursor) ? this.#read(cursor) : "";
      const isLocked = cursor.isLocked;
      if (this.#store.endRead(cursor)) {
        assert(problem === "", `a confirmed read (${isLocked ? "locked" : "free"}): ${problem}`);
        break;
      }
      if (problem !== "") this.refusedWrong++;
    }
    this.reads++;
    this.#store.leaveBatch();
  }

  /** Reads a stretch of the list; says what is wrong with it, "" when nothing is. */
  #read(cursor: Cursor): string {
    const count = cursor.itemsCount;
    const from = this.#prng.chance(2) ? 0 : this.#prng.below(count + 1);
    const isForward = this.#prng.chance(2);
    let isThere = this.#store.seekItem(cursor, from);
    if (!isThere) return from === count ? "" : `element ${from} of ${count} is missing`;
    let expected = Number.NaN;
    let seen = 0;
    const inFrames = isForward && this.#prng.chance(2);
    for (; isThere; seen++) {
      this.#out.length = 0;
      const index = cursor.itemIndex;
      const copied = inFrames ? this.#store.copyFrames(cursor, this.#out, 20) : 0;
      if (copied > 0) {
        const first = readFrames(this.#out.bytes, this.#out.length, copied);
        if (Number.isNaN(first)) return `elements from ${index} of ${count} are garbage`;
        if (seen > 0 && first !== expected) return `${first} follows where ${expected} must`;
        seen += copied - 1;
        expected = first + copied;
        isThere = this.#store.nextItem(cursor);
        continue;
      }
      this.#store.copyItem(cursor, this.#out);
      const number = readElement(this.#out.bytes, this.#out.length);
      if (Number.isNaN(number)) return `element ${cursor.itemIndex} of ${count} is garbage`;
      if (seen > 0 && number !== expected) return `${number} follows where ${expected} must`;
      expected = isForward ? number + 1 : number - 1;
      isThere = isForward ? this.#store.nextItem(cursor) : this.#store.previousItem(cursor);
    }
    const wanted = isForward ? count - from : from + 1;
    return seen === wanted ? "" : `${seen} elements of ${wanted}`;
  }
}

/** What a Worker does: the first ones write, the others read until the writers are done. */
function work(task: Task): Result {
  const store = attachStore(task.handle, task.worker);
  const done = new Int32Array(task.done);
  const reader = new Reader(store, task.seed + task.worker);
  let failure = "";
  try {
    if (task.worker < WRITERS_COUNT) {
      const writer = new Writer(store, task.seed + task.worker);
      for (let i = 0; i < task.steps && Atomics.load(done, 1) === 0; i++) writer.step();
    } else {
      while (Atomics.load(done, 0) < WRITERS_COUNT) reader.step();
    }
  } catch (error) {
    failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    Atomics.store(done, 1, 1);
  }
  Atomics.add(done, 0, task.worker < WRITERS_COUNT ? 1 : 0);
  return { reads: reader.reads, refusedWrong: reader.refusedWrong, failure };
}

async function main(seed: number, steps: number): Promise<void> {
  const workers = WRITERS_COUNT + READERS_COUNT;
  const handle = createStore({ reserveBytes: RESERVE_SIZE_MIN * 2, workers });
  const done = new SharedArrayBuffer(8);
  const results = await Promise.all(
    Array.from({ length: workers }, (_, worker) => {
      const { promise, resolve } = Promise.withResolvers<Result>();
      const thread = new Worker(import.meta.path);
      thread.onmessage = (event: MessageEvent<Result>) => resolve(event.data);
      thread.postMessage({ handle, worker, seed, steps, done } satisfies Task);
      return promise;
    }),
  );
  const failures = results.map((result) => result.failure).filter((failure) => failure !== "");
  const reads = results.reduce((sum, result) => sum + result.reads, 0);
  const refusedWrong = results.reduce((sum, result) => sum + result.refusedWrong, 0);
  console.log(`${reads} confirmed reads, ${refusedWrong} torn ones refused`);
  for (const failure of failures) console.log(failure);
  if (failures.length === 0 && refusedWrong === 0) console.log("control: no read was ever torn");
  process.exit(failures.length === 0 && refusedWrong > 0 ? 0 : 1);
}

if (Bun.isMainThread && import.meta.main) {
  const option = (name: string): number | undefined => {
    const found = Bun.argv.find((arg) => arg.startsWith(`--${name}=`));
    return found === undefined ? undefined : Number(found.slice(name.length + 3));
  };
  const seed = option("seed") ?? freshSeed();
  const steps = option("steps") ?? 20_000;
  console.log(`lists.threads.fuzz: --seed=${seed} --steps=${steps}`);
  await main(seed, steps);
} else if (!Bun.isMainThread) {
  parentPort?.once("message", (task: Task) => parentPort?.postMessage(work(task)));
}
