/**
 * The job of threads.fuzz.ts: random operations of one Worker among others.
 *
 * Some keys belong to this Worker alone, and everything that it reads of them must be what a Map
 * says. The others are shared, and each is of a kind whose end state, or order, tells whether
 * anything was lost or mixed:
 *
 *   count:N    a number to which everybody adds 1: the sum is the number of additions
 *   log:N      a string to which everybody appends {worker, sequence}: no sequence has a gap
 *   queue:N    a list, pushed at the tail, dropped at the head: each Worker's sequence rises
 *   free:N     a string that everybody overwrites: all its bytes are equal
 *
 * The owned keys stay in the store; the parent compares them again by `owned` and a checksum.
 */
import { assert } from "../../src/base/assert.ts";
import { Prng } from "../../src/base/prng.ts";
import { TYPE_LIST, TYPE_NONE } from "../../src/store/cursor.ts";
import { checkInvariants } from "../../src/store/invariants.ts";
import { STATUS_OK } from "../../src/store/status.ts";
import type { Store } from "../../src/store/store.ts";
import { Actor } from "./actor.ts";
import { meet } from "./litmus-jobs.ts";

/** Shared keys of each kind. */
export const SHARED_KEYS = 3;
const OWN_KEYS = 60;
/** Elements above which a queue is dropped from. */
const QUEUE_MAX = 400;

class FuzzWorker {
  readonly #actor: Actor;
  readonly #store: Store;
  readonly #prng: Prng;
  readonly #model = new Map<string, Buffer>();
  readonly #sequences = new Int32Array(SHARED_KEYS * 2);
  readonly #item = Buffer.alloc(8);
  readonly counts = new Int32Array(SHARED_KEYS);

  constructor(store: Store, seed: number) {
    this.#actor = new Actor(store);
    this.#store = store;
    this.#prng = new Prng(seed * 256 + store.memory.worker);
  }

  step(): void {
    const prng = this.#prng;
    const choice = prng.below(1000);
    if (choice >= 998) {
      this.#exclusive();
      return;
    }
    this.#store.enterBatch();
    if (choice < 150) this.#putOwn();
    else if (choice < 300) this.#getOwn(this.#ownName());
    else if (choice < 400) this.#removeOwn();
    else if (choice < 480) this.#growOwn();
    else if (choice < 560) this.#renameOwn();
    else if (choice < 700) this.#count(prng.below(SHARED_KEYS));
    else if (choice < 740) this.#log(prng.below(SHARED_KEYS));
    else if (choice < 860) this.#queue(prng.below(SHARED_KEYS));
    else if (choice < 900) this.#readQueue(prng.below(SHARED_KEYS));
    else if (choice < 950) this.#free(`free:${prng.below(SHARED_KEYS)}`);
    else this.#readFree(`free:${prng.below(SHARED_KEYS)}`);
    this.#store.leaveBatch();
    // Upkeep is for one Worker only.
    if (choice < 10 && this.#store.memory.worker === 0) this.#store.upkeep(1);
  }

  // ---- Keys of this Worker ----

  #ownName(): string {
    return `own${this.#store.memory.worker}:${this.#prng.below(OWN_KEYS)}`;
  }

  #value(): Buffer {
    const kind = this.#prng.below(100);
    let size = this.#prng.below(100);
    if (kind > 70) size = this.#prng.below(2000);
    if (kind > 96) size = this.#prng.below(50_000);
    const value = Buffer.alloc(size);
    for (let i = 0; i < size; i += 997) value[i] = this.#prng.int32();
    return value;
  }

  #putOwn(): void {
    const name = this.#ownName();
    const value = this.#value();
    this.#actor.put(name, value);
    this.#model.set(name, value);
  }

  #getOwn(name: string): void {
    const wanted = this.#model.get(name);
    const isFound = this.#actor.get(name);
    assert(isFound === (wanted !== undefined), `${name} is there (${isFound}) as its owner knows`);
    const { bytes, length } = this.#actor.out;
    if (wanted === undefined) return;
    assert(wanted.compare(bytes, 0, length) === 0, `${name} has its owner's value`);
  }

  #removeOwn(): void {
    const name = this.#ownName();
    assert(this.#actor.remove(name) === this.#model.delete(name), `${name} was there`);
  }

  #growOwn(): void {
    const name = this.#ownName();
    const before = this.#model.get(name);
    const piece = this.#value();
    const c = this.#actor.aim(name);
    if (this.#store.lock(c) && before !== undefined && before.length < 200_000) {
      const status = this.#store.appendString(c, piece, 0, piece.length);
      assert(status === STATUS_OK, "append");
      this.#model.set(name, Buffer.concat([before, piece]));
    }
    this.#store.unlock(c);
  }

  #renameOwn(): void {
    const [from, to] = [this.#ownName(), this.#ownName()];
    const value = this.#model.get(from);
    if (value === undefined || from === to) return;
    const source = this.#actor.aim(from, 0);
    const target = this.#actor.aim(to, 1);
    this.#store.lockAll(2);
    assert(this.#store.rename(source, target) === STATUS_OK, "rename");
    this.#store.unlockAll(2);
    this.#model.delete(from);
    this.#model.set(to, value);
  }

  // ---- Keys of all ----

  #count(n: number): void {
    const { out } = this.#actor;
    const c = this.#actor.aim(`count:${n}`);
    let before = 0;
    if (this.#store.lock(c)) {
      out.length = 0;
      this.#store.copyValue(c, out, 0, 4);
      before = out.bytes.readInt32LE(0);
    }
    this.#item.writeInt32LE(before + 1);
    this.#store.putString(c, this.#item, 0, 4, 0);
    this.#store.unlock(c);
    (this.counts[n] as number) += 1;
  }

  #stamp(sequence: number): void {
    this.#item.writeInt32LE(this.#store.memory.worker, 0);
    this.#item.writeInt32LE(sequence, 4);
  }

  #log(n: number): void {
    this.#stamp(this.#sequences[n] as number);
    const c = this.#actor.aim(`log:${n}`);
    const status = this.#store.lock(c)
      ? this.#store.appendString(c, this.#item, 0, 8)
      : this.#store.putString(c, this.#item, 0, 8, 0);
    assert(status === STATUS_OK, "append to a log");
    this.#store.unlock(c);
    (this.#sequences[n] as number) += 1;
  }

  #queue(n: number): void {
    const at = SHARED_KEYS + n;
    this.#stamp(this.#sequences[at] as number);
    const c = this.#actor.aim(`queue:${n}`);
    this.#store.lock(c);
    if (c.type === TYPE_LIST && (c.itemsCount > QUEUE_MAX || this.#prng.chance(4))) {
      this.#store.dropItems(c, true, this.#prng.between(1, c.itemsCount));
    } else {
      const status = this.#store.pushItem(c, false, this.#item, 0, 8);
      assert(status === STATUS_OK, "push to a queue");
      (this.#sequences[at] as number) += 1;
    }
    this.#store.unlock(c);
  }

  /** Reads a whole queue without a lock. */
  #readQueue(n: number): void {
    const { out } = this.#actor;
    const c = this.#actor.aim(`queue:${n}`);
    do {
      out.length = 0;
      if (!this.#store.beginRead(c)) continue;
      let isThere = this.#store.seekItem(c, 0);
      for (; isThere; isThere = this.#store.nextItem(c)) this.#store.copyItem(c, out);
    } while (!this.#store.endRead(c));
    if (c.type !== TYPE_NONE) checkSequences(out.bytes, out.length, false, `queue:${n}`);
  }

  #free(name: string): void {
    const value = Buffer.alloc(1 + this.#value().length, this.#prng.int32() & 255);
    if (this.#prng.chance(4)) this.#actor.remove(name);
    else this.#actor.put(name, value);
  }

  #readFree(name: string): void {
    if (!this.#actor.get(name)) return;
    const { bytes, length } = this.#actor.out;
    for (let i = 1; i < length; i++) assert(bytes[i] === bytes[0], `${name} is in one piece`);
  }

  #exclusive(): void {
    this.#store.exclusive(() => checkInvariants(this.#store.memory));
  }

  /** Compares every key of this Worker. */
  finish(): void {
    this.#store.enterBatch();
    for (let i = 0; i < OWN_KEYS; i++) this.#getOwn(`own${this.#store.memory.worker}:${i}`);
    this.#store.leaveBatch();
  }

  result(): Record<string, number> {
    const result: Record<string, number> = { owned: this.#model.size };
    for (let n = 0; n < SHARED_KEYS; n++) {
      result[`count:${n}`] = this.counts[n] as number;
      result[`log:${n}`] = this.#sequences[n] as number;
    }
    return result;
  }
}

/**
 * Each Worker's sequence rises; when `isWhole`, it starts at 0 and has no gap. Returns how far each
 * one came.
 */
export function checkSequences(
  bytes: Buffer,
  length: number,
  isWhole: boolean,
  name: string,
): Map<number, number> {
  const last = new Map<number, number>();
  assert(length % 8 === 0, `${name} holds whole stamps`);
  for (let at = 0; at < length; at += 8) {
    const worker = bytes.readInt32LE(at);
    const sequence = bytes.readInt32LE(at + 4);
    const before = last.get(worker) ?? (isWhole ? -1 : sequence - 1);
    const isRight = isWhole ? sequence === before + 1 : sequence > before;
    assert(isRight, `${name}: ${sequence} of Worker ${worker} stands behind ${before}`);
    last.set(worker, sequence);
  }
  return last;
}

function fuzzer(
  store: Store,
  words: Int32Array,
  { count, threads, seed }: Readonly<Record<string, number>>,
) {
  const worker = new FuzzWorker(store, seed as number);
  meet(words, 1, threads as number);
  for (let i = 0; i < (count as number); i++) worker.step();
  worker.finish();
  return worker.result();
}

export const fuzzJobs = { fuzzer };
