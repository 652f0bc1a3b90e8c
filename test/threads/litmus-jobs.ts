/**
 * Jobs of the litmus tests: the smallest programs that show whether a promise to other threads is
 * kept.
 *
 * Word 0 of the shared words counts the writers that are done: readers go on until then. With
 * `isControl` a job leaves out the very step that the promise rests on, and must then see it
 * broken.
 */
import { assert } from "../../src/base/assert.ts";
import type { Store } from "../../src/store/store.ts";
import { Actor } from "./actor.ts";

/** Sizes of the torn values: in one word, in a record, in a large block, in two and three nodes. */
export const TORN_SIZES = [4, 40, 300, 5000, 16_384, 16_385, 33_000, 3, 60, 9000];
const TORN_KEYS = 2;

type Parameters = Readonly<Record<string, number>>;

/** Meets the others: nobody goes on before all have come. */
export function meet(words: Int32Array, word: number, count: number): void {
  Atomics.add(words, word, 1);
  for (;;) {
    const come = Atomics.load(words, word);
    if (come >= count) break;
    Atomics.wait(words, word, come, 1);
  }
}

function isDone(words: Int32Array, writers: number): boolean {
  return Atomics.load(words, 0) >= writers;
}

/**
 * Overwrites the same keys with values whose bytes are all equal, and whose length follows from the
 * byte.
 */
function tornWriter(store: Store, words: Int32Array, { count, threads }: Parameters) {
  const actor = new Actor(store);
  const value = Buffer.alloc(40_000);
  meet(words, 1, threads as number);
  for (let i = 0; i < (count as number); i++) {
    const byte = (i * 7 + store.memory.worker) & 255;
    const size = TORN_SIZES[byte % TORN_SIZES.length] as number;
    value.fill(byte, 0, size);
    store.enterBatch();
    actor.put(`torn${i % TORN_KEYS}`, value, size);
    store.leaveBatch();
  }
  Atomics.add(words, 0, 1);
  return { written: count as number };
}

function tornReader(store: Store, words: Int32Array, parameters: Parameters) {
  const { threads, writers, isControl } = parameters;
  const actor = new Actor(store);
  let reads = 0;
  let torn = 0;
  meet(words, 1, threads as number);
  while (!isDone(words, writers as number) && !(isControl === 1 && torn > 0)) {
    store.enterBatch();
    const isFound = readValue(actor, `torn${reads % TORN_KEYS}`, isControl === 1);
    store.leaveBatch();
    if (isFound && !isWhole(actor)) torn++;
    reads++;
  }
  return { reads, torn };
}

/** Reads a value; when `believes`, whatever it found the first time. */
function readValue(actor: Actor, name: string, believes: boolean): boolean {
  const { store, out } = actor;
  if (!believes) return actor.get(name);
  const c = actor.aim(name);
  out.length = 0;
  const isFound = store.beginRead(c);
  if (isFound) store.copyValue(c, out, 0, c.valueLength);
  store.endRead(c);
  c.attempts = 0;
  return isFound;
}

function isWhole(actor: Actor): boolean {
  const { bytes, length } = actor.out;
  const byte = bytes[0] as number;
  if (TORN_SIZES[byte % TORN_SIZES.length] !== length) return false;
  for (let i = 1; i < length; i++) {
    if (bytes[i] !== byte) return false;
  }
  return true;
}

/** Adds 1 to the same key, again and again. The control reads without the lock. */
function incrementer(store: Store, words: Int32Array, parameters: Parameters) {
  const { count, threads, isControl } = parameters;
  const actor = new Actor(store);
  const value = Buffer.alloc(4);
  meet(words, 1, threads as number);
  for (let i = 0; i < (count as number); i++) {
    store.enterBatch();
    let before = isControl === 1 ? actor.getNumber("counter") : 0;
    const c = actor.aim("counter");
    store.lock(c);
    if (isControl !== 1) {
      actor.out.length = 0;
      store.copyValue(c, actor.out, 0, 4);
      before = actor.out.bytes.readInt32LE(0);
    }
    value.writeInt32LE(before + 1);
    store.putString(c, value, 0, 4, 0);
    store.unlock(c);
    store.leaveBatch();
  }
  return {};
}

/** Writes the same number under two keys that are locked together, in either order. */
function pairWriter(store: Store, words: Int32Array, { count, threads }: Parameters) {
  const actor = new Actor(store);
  const value = Buffer.alloc(4);
  meet(words, 1, threads as number);
  for (let i = 1; i <= (count as number); i++) {
    const isSwapped = i & 1;
    store.enterBatch();
    const cursors = [actor.aim("left", isSwapped), actor.aim("right", 1 - isSwapped)];
    value.writeInt32LE(i * 256 + store.memory.worker);
    store.lockAll(2);
    for (const c of cursors) store.putString(c, value, 0, 4, 0);
    store.unlockAll(2);
    store.leaveBatch();
  }
  Atomics.add(words, 0, 1);
  return {};
}

/** Reads both as one snapshot. The control confirms each by itself. */
function pairReader(store: Store, words: Int32Array, parameters: Parameters) {
  const { threads, writers, isControl } = parameters;
  const actor = new Actor(store);
  let reads = 0;
  let unequal = 0;
  meet(words, 1, threads as number);
  while (!isDone(words, writers as number) && !(isControl === 1 && unequal > 0)) {
    store.enterBatch();
    const isEqual =
      isControl === 1 ? actor.getNumber("left") === actor.getNumber("right") : readPair(actor);
    store.leaveBatch();
    if (!isEqual) unequal++;
    reads++;
  }
  return { reads, unequal };
}

function readPair(actor: Actor): boolean {
  const { store, out } = actor;
  const left = actor.aim("left", 0);
  const right = actor.aim("right", 1);
  let attempts = 0;
  do {
    // As the commands do: a snapshot that fails again and again is read under the locks.
    const locks = ++attempts > 8;
    if (locks) store.lockAll(2);
    out.length = 0;
    for (const c of [left, right]) {
      if (locks || store.beginRead(c)) store.copyValue(c, out, 0, 4);
    }
  } while (!store.endReadAll(2));
  return out.bytes.readInt32LE(0) === out.bytes.readInt32LE(4);
}

/** Runs batches; word 2 says how many are inside one. */
function batcher(store: Store, words: Int32Array, { count, threads }: Parameters) {
  const actor = new Actor(store);
  meet(words, 1, threads as number);
  for (let i = 0; i < (count as number); i++) {
    store.enterBatch();
    Atomics.add(words, 2, 1);
    actor.putNumber(`batch${i & 15}`, i);
    Atomics.sub(words, 2, 1);
    store.leaveBatch();
  }
  Atomics.add(words, 0, 1);
  return {};
}

/**
 * Enters the exclusive section and looks whether anybody is inside a batch. The control only begins
 * a batch.
 */
function hermit(store: Store, words: Int32Array, parameters: Parameters) {
  const { threads, writers, isControl } = parameters;
  let sections = 0;
  let disturbed = 0;
  const look = () => {
    sections++;
    for (let i = 0; i < 100; i++) if (Atomics.load(words, 2) !== 0) disturbed++;
  };
  meet(words, 1, threads as number);
  while (!isDone(words, writers as number)) {
    if (isControl === 1) look();
    else store.exclusive(look);
  }
  return { sections, disturbed };
}

/**
 * Two Workers in turn: each waits until it sees the other's number and answers with the next one.
 */
function ponger(store: Store, words: Int32Array, { count, threads, side }: Parameters) {
  const actor = new Actor(store);
  const own = side === 0 ? "ping" : "pong";
  const other = side === 0 ? "pong" : "ping";
  meet(words, 1, threads as number);
  let looks = 0;
  for (let turn = 0; turn < (count as number); turn++) {
    if (side === 0) actor.putNumber(own, turn);
    for (;;) {
      const seen = actor.getNumber(other);
      if (seen === turn) break;
      assert(seen === turn - 1, `${other} is ${seen} in turn ${turn}`);
      // One processor may have to run both: give way now and then.
      if ((++looks & 0xff) === 0) Atomics.wait(words, 3, 0, 0.05);
    }
    if (side === 1) actor.putNumber(own, turn);
  }
  return { looks };
}

export const litmusJobs = {
  tornWriter,
  tornReader,
  incrementer,
  pairWriter,
  pairReader,
  batcher,
  hermit,
  ponger,
};
