/**
 * Model-based fuzzing of lists: random operations on a few keys, each compared with arrays,
 * invariants checked after every change, and at the end everything removed: no node and no piece of
 * a large element may be left.
 *
 * Run: bun src/store/lists.fuzz.ts [--seed=N] [--steps=N]. A small run is part of the tests.
 */
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte-buffer.ts";
import { freshSeed, Prng } from "../base/prng.ts";
import { type Cursor, TYPE_LIST, TYPE_NONE } from "./cursor.ts";
import { SHARD_ENTRIES } from "./layout.ts";
import { listInvariants, rebuildList } from "./list-copy.ts";
import { LIST_ITEM_SIZE_MAX, NODE_NUMBER_MAX } from "./lists.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { STATUS_OK } from "./status.ts";
import { attachStore, createStore, type Store } from "./store.ts";

/** How long the elements of a run are: mostly below the first, sometimes below the second. */
const ELEMENT_SIZES = [
  [4, 30],
  [40, 200],
  [200, 3000],
  [30, LIST_ITEM_SIZE_MAX + 30_000],
] as const;

function frameOf(item: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`$${item.length}\r\n`), item, Buffer.from("\r\n")]);
}

export class ListFuzzer {
  readonly store: Store;
  readonly #prng: Prng;
  readonly #keys: Buffer[];
  readonly #model = new Map<string, Buffer[]>();
  readonly #out = new ByteBuffer(1024);
  readonly #sizes: readonly [number, number];
  /** Elements above which the run drops more than it pushes. */
  readonly #countMax: number;

  constructor(seed: number) {
    this.#prng = new Prng(seed);
    this.store = attachStore(createStore({ reserveBytes: RESERVE_SIZE_MIN * 2, workers: 1 }), 0);
    this.#keys = [0, 1, 2].map((i) => Buffer.from(`key-${i}`.repeat(1 + i * 5)));
    this.#sizes = this.#prng.pick(ELEMENT_SIZES);
    this.#countMax = this.#sizes[1] > 10_000 ? 60 : this.#prng.pick([20, 300, 3000]);
  }

  /** One random operation. Throws AssertionError when the store and the model differ. */
  step(): void {
    this.store.enterBatch();
    const key = this.#prng.pick(this.#keys);
    const cursor = this.#aim(this.store.cursor(0), key);
    const items = this.#model.get(key.toString()) ?? [];
    const choice = this.#prng.below(100);
    if (choice < 12) this.#read(cursor, items);
    else if (choice < 16) this.#copyOrRename(key, items);
    else this.#change(cursor, key, items, choice);
    this.store.leaveBatch();
    if (this.#prng.chance(50)) this.store.upkeep(1);
  }

  #aim(cursor: Cursor, key: Buffer): Cursor {
    cursor.bytes = key;
    cursor.keyStart = 0;
    cursor.keyLength = key.length;
    cursor.hash = this.store.hash(key, 0, key.length);
    cursor.db = 0;
    return cursor;
  }

  #element(): Buffer {
    const size = this.#prng.below(this.#prng.chance(6) ? this.#sizes[1] : this.#sizes[0]);
    return Buffer.alloc(size, 97 + this.#prng.below(26));
  }

  #change(cursor: Cursor, key: Buffer, items: Buffer[], choice: number): void {
    this.store.lock(cursor);
    assert(cursor.type === (items.length > 0 ? TYPE_LIST : TYPE_NONE), "type must agree");
    const mustDrop = items.length > this.#countMax;
    if (items.length === 0 || (choice < 50 && !mustDrop)) this.#push(cursor, items);
    else if (choice < 62 || mustDrop) this.#drop(cursor, items);
    else if (choice < 66) this.#trim(cursor, items);
    else if (choice < 76) this.#set(cursor, items);
    else if (choice < 86) this.#insert(cursor, items);
    else if (choice < 97) this.#removeSome(cursor, items);
    else if (choice < 98) this.#expire(cursor);
    else if (cursor.isLarge) this.#rebuild(cursor);
    this.#model.set(key.toString(), items);
    this.#check(cursor, items);
    this.store.unlock(cursor);
  }

  /** Numbered from 0, or so close to either limit that the next pushes number it anew. */
  #rebuild(cursor: Cursor): void {
    const first = this.#prng.pick([0, NODE_NUMBER_MAX - 5, -NODE_NUMBER_MAX + 1]);
    assert(rebuildList(this.store.memory, cursor, first) === STATUS_OK, "rebuildList succeeds");
  }

  /** Moves the record to a block of another size; the list in it stays. */
  #expire(cursor: Cursor): void {
    const expiresAtMs = this.#prng.chance(2) ? this.store.memory.nowMs + 1_000_000_000 : 0;
    assert(this.store.setExpiry(cursor, expiresAtMs) === STATUS_OK, "setExpiry succeeds");
    this.store.refresh(cursor);
  }

  #push(cursor: Cursor, items: Buffer[]): void {
    const atHead = this.#prng.chance(2);
    for (let left = 1 + this.#prng.below(this.#prng.chance(4) ? 100 : 5); left > 0; left--) {
      const e = this.#element();
      const status = this.store.pushItem(cursor, atHead, e, 0, e.length);
      assert(status === STATUS_OK, "pushItem succeeds");
      atHead ? items.unshift(e) : items.push(e);
    }
  }

  #drop(cursor: Cursor, items: Buffer[]): void {
    const atHead = this.#prng.chance(2);
    const most = this.#prng.chance(5) ? items.length : Math.min(items.length, 10);
    const count = 1 + this.#prng.below(most);
    this.store.dropItems(cursor, atHead, count);
    items.splice(atHead ? 0 : items.length - count, count);
  }

  #trim(cursor: Cursor, items: Buffer[]): void {
    const start = this.#prng.below(Math.min(items.length, 20));
    const stop = this.#prng.between(start, items.length - 1);
    this.store.trimList(cursor, start, stop);
    items.splice(stop + 1);
    items.splice(0, start);
  }

  #set(cursor: Cursor, items: Buffer[]): void {
    const at = this.#prng.below(items.length);
    const e = this.#element();
    assert(this.store.setItem(cursor, at, e, 0, e.length) === STATUS_OK, "setItem succeeds");
    items[at] = e;
  }

  #insert(cursor: Cursor, items: Buffer[]): void {
    const at = this.#prng.below(items.length + 1);
    for (let left = 1 + this.#prng.below(this.#prng.chance(4) ? 60 : 2); left > 0; left--) {
      const e = this.#element();
      assert(
        this.store.insertItem(cursor, at, e, 0, e.length) === STATUS_OK,
        "insertItem succeeds",
      );
      items.splice(at, 0, e);
    }
  }

  /** Removes elements along the list as LREM does, in either direction. */
  #removeSome(cursor: Cursor, items: Buffer[]): void {
    const isForward = this.#prng.chance(2);
    const spare = this.#prng.below(4);
    let at = this.#prng.below(items.length);
    for (let left = this.#prng.below(this.#prng.chance(4) ? 200 : 4); left > 0; left--) {
      if (items.length === 0 || at < 0 || at >= items.length) break;
      this.#seek(cursor, items, at);
      const removes = spare === 0 || !this.#prng.chance(spare + 1);
      if (removes) {
        this.store.removeItem(cursor, at);
        items.splice(at, 1);
      }
      if (!isForward) at--;
      else if (!removes) at++;
    }
  }

  #seek(cursor: Cursor, items: Buffer[], index: number): void {
    assert(this.store.seekItem(cursor, index), `element ${index} of ${items.length} must be found`);
    this.#compare(cursor, items, index);
  }

  #compare(cursor: Cursor, items: Buffer[], index: number): void {
    const wanted = items[index] as Buffer;
    assert(cursor.itemIndex === index, `the cursor (${cursor.itemIndex}) must be at ${index}`);
    assert(
      this.store.isItemEqual(cursor, wanted, 0, wanted.length),
      `element ${index} of ${items.length} must be the model's`,
    );
    if (!this.#prng.chance(16)) return;
    this.#out.length = 0;
    this.store.copyItem(cursor, this.#out);
    const isSame = this.#out.bytes.compare(wanted, 0, wanted.length, 0, this.#out.length) === 0;
    assert(isSame, "copyItem must give the element");
  }

  /** Everything after a change: structure, ends, some indices, now and then all elements. */
  #check(cursor: Cursor, items: Buffer[]): void {
    assert(cursor.itemsCount === items.length, `${cursor.itemsCount} must be ${items.length}`);
    assert((cursor.type === TYPE_NONE) === (items.length === 0), "an empty list is gone");
    if (items.length === 0) return;
    listInvariants(this.store.memory, cursor);
    this.#seek(cursor, items, 0);
    this.#seek(cursor, items, items.length - 1);
    for (let i = 0; i < 5; i++) this.#seek(cursor, items, this.#prng.below(items.length));
    if (this.#prng.chance(30)) this.#walk(cursor, items);
  }

  /** What is appended at once, or one by one where that cannot be, is the rest of the list. */
  #copyFrames(cursor: Cursor, items: Buffer[], from: number): void {
    this.#seek(cursor, items, from);
    for (let i = from; ; this.store.nextItem(cursor)) {
      this.#out.length = 0;
      const copied = this.store.copyFrames(cursor, this.#out, 1 + this.#prng.below(40));
      const frames = items.slice(i, i + copied).map((item) => frameOf(item));
      const got = this.#out.bytes.subarray(0, this.#out.length);
      assert(Buffer.concat(frames).equals(got), `frames ${i} to ${i + copied} must be the model's`);
      i += Math.max(1, copied);
      assert(cursor.itemIndex === i - 1, "the cursor is at the last element that was copied");
      if (i === items.length) return;
    }
  }

  #walk(cursor: Cursor, items: Buffer[]): void {
    const from = this.#prng.below(items.length);
    this.#copyFrames(cursor, items, from);
    this.#seek(cursor, items, from);
    for (let i = from + 1; i <= items.length; i++) {
      assert(this.store.nextItem(cursor) === i < items.length, "nextItem ends at the tail");
      if (i < items.length) this.#compare(cursor, items, i);
    }
    this.#seek(cursor, items, from);
    for (let i = from - 1; i >= -1; i--) {
      assert(this.store.previousItem(cursor) === i >= 0, "previousItem ends at the head");
      if (i >= 0) this.#compare(cursor, items, i);
    }
  }

  #read(cursor: Cursor, items: Buffer[]): void {
    const isThere = this.store.beginRead(cursor);
    assert(isThere === items.length > 0, "the key must be there when the model has elements");
    assert(cursor.itemsCount === items.length, "a read knows the count");
    if (isThere) {
      this.#walk(cursor, items);
      assert(!this.store.seekItem(cursor, items.length), "nothing behind the tail");
      assert(!this.store.seekItem(cursor, -1), "nothing before the head");
    }
    assert(this.store.endRead(cursor), "nobody else writes");
  }

  #copyOrRename(key: Buffer, items: Buffer[]): void {
    const other = this.#prng.pick(this.#keys);
    if (items.length === 0 || other === key) return;
    const from = this.store.cursor(0);
    const to = this.#aim(this.store.cursor(1), other);
    const copies = this.#prng.chance(2);
    this.store.lockAll(2);
    if (copies) {
      if (to.type !== TYPE_NONE) this.store.remove(to);
      assert(this.store.copyTo(from, to) === STATUS_OK, "copyTo succeeds");
    } else {
      assert(this.store.rename(from, to) === STATUS_OK, "rename succeeds");
      this.#model.set(key.toString(), []);
    }
    this.store.refresh(to);
    listInvariants(this.store.memory, to);
    this.#model.set(other.toString(), copies ? [...items] : items);
    this.store.unlockAll(2);
  }

  /** Removes everything, and checks that nothing is left in the node index. */
  finish(): void {
    this.store.enterBatch();
    for (const key of this.#keys) {
      const cursor = this.#aim(this.store.cursor(0), key);
      if (this.store.lock(cursor)) this.store.remove(cursor);
      this.store.unlock(cursor);
    }
    this.store.leaveBatch();
    while (this.store.upkeep(10));
    let nodes = 0;
    for (const shard of this.store.memory.nodes.shards) nodes += shard[SHARD_ENTRIES] as number;
    assert(nodes === 0, `no node may be left, ${nodes} are`);
  }
}

export function fuzzLists(seed: number, steps: number): void {
  const fuzzer = new ListFuzzer(seed);
  for (let i = 0; i < steps; i++) fuzzer.step();
  fuzzer.finish();
}

if (import.meta.main) {
  const option = (name: string): number | undefined => {
    const found = Bun.argv.find((arg) => arg.startsWith(`--${name}=`));
    return found === undefined ? undefined : Number(found.slice(name.length + 3));
  };
  const seed = option("seed") ?? freshSeed();
  const steps = option("steps") ?? 20_000;
  console.log(`lists.fuzz: --seed=${seed} --steps=${steps}`);
  fuzzLists(seed, steps);
}
