/**
 * One logical thread of the simulation: random operations on shared keys, each compared with the
 * model.
 *
 * The methods of the Store are generators here (program.ts), although their types say otherwise:
 * every call goes through `#do`. Nothing yields between a change of the model and the operation on
 * the store that it stands for, so the model never lags behind.
 */
import { assert } from "../../src/base/assert.ts";
import { ByteBuffer } from "../../src/base/byte-buffer.ts";
import type { Prng } from "../../src/base/prng.ts";
import { type Cursor, TYPE_LIST, TYPE_NONE } from "../../src/store/cursor.ts";
import { checkInvariants } from "../../src/store/invariants.ts";
import { KEEP_EXPIRY, STATUS_OK } from "../../src/store/status.ts";
import type { Store } from "../../src/store/store.ts";
import { joinItems, KeyHistory } from "./model.ts";
import type { SimulatedClock } from "./program.ts";
import type { Scheduler } from "./scheduler.ts";

/** Keys of each kind. */
const STRINGS = 5;
const LISTS = 2;
/** Keys that are always there. */
const PERMANENT = 30;
/** Of these, how many are set together. */
const MANY = 6;
/** Looks at a snapshot before it is read under locks, as the commands do. */
const SNAPSHOT_ATTEMPTS_MAX = 8;
/** The database that is flushed now and then. */
const FLUSHED_DB = 1;

type Operation =
  | "get"
  | "change"
  | "get list"
  | "change list"
  | "get permanent"
  | "churn"
  | "get pair"
  | "put pair"
  | "put many"
  | "rename"
  | "flushed"
  | "scan"
  | "exclusive";

/**
 * What the threads of a run do, as often as it is listed: everything, mostly one thing, or what
 * makes a bug likely.
 */
const PROFILES: readonly (readonly Operation[])[] = [
  [
    ...repeat("get", 6),
    ...repeat("change", 5),
    ...repeat("get list", 2),
    ...repeat("change list", 2),
    ...repeat("get permanent", 2),
    ...repeat("churn", 2),
    ...repeat("get pair", 2),
    ...repeat("put pair", 2),
    ...repeat("rename", 2),
    "put many",
    "flushed",
    "scan",
    "exclusive",
  ],
  // Splits: keys come and go while others are read, alone, in pairs and by SCAN.
  [
    ...repeat("churn", 10),
    ...repeat("get permanent", 5),
    ...repeat("put many", 3),
    ...repeat("put pair", 2),
    ...repeat("get pair", 2),
    "scan",
  ],
  [...repeat("get", 5), ...repeat("change", 5), ...repeat("rename", 1)],
  [...repeat("get list", 5), ...repeat("change list", 5), ...repeat("rename", 1)],
];

function repeat(operation: Operation, count: number): Operation[] {
  return new Array<Operation>(count).fill(operation);
}

type Steps<T> = Generator<unknown, T, unknown>;

/** What all threads of a run have in common. */
export class World {
  readonly keys = new Map<string, KeyHistory>();
  readonly strings: KeyHistory[] = this.#make("s", STRINGS);
  readonly lists: KeyHistory[] = this.#make("l", LISTS);
  readonly permanent: KeyHistory[] = this.#make("k", PERMANENT);
  /** Always written together. */
  readonly pair: KeyHistory[] = this.#make("p", 2);
  readonly flushed: KeyHistory[] = this.#make("f", 2);
  /** Whether each thread is inside a batch. */
  readonly isInBatch: boolean[] = [];
  readonly clock: SimulatedClock;
  readonly scheduler: Scheduler;
  readonly profile: readonly Operation[];
  /** Keys beside the permanent ones, so that the index grows now and not later. */
  readonly filler: KeyHistory[];
  /** Whether most keys expire soon, and time passes quickly. */
  readonly expires: boolean;
  /** Whether values are mostly in nodes. */
  readonly isLarge: boolean;
  stamp = 0;
  operations = 0;

  constructor(clock: SimulatedClock, scheduler: Scheduler, prng: Prng) {
    this.clock = clock;
    this.scheduler = scheduler;
    this.profile = prng.pick(PROFILES);
    this.filler = this.#make("x", prng.below(60));
    this.expires = prng.chance(5);
    this.isLarge = prng.chance(6);
  }

  #make(prefix: string, count: number): KeyHistory[] {
    return Array.from({ length: count }, (_, i) => this.history(`${prefix}${i}`));
  }

  history(name: string): KeyHistory {
    let history = this.keys.get(name);
    if (history === undefined) {
      history = new KeyHistory(name);
      this.keys.set(name, history);
    }
    return history;
  }
}

export class Client {
  readonly #world: World;
  readonly #store: Store;
  readonly #prng: Prng;
  readonly #thread: number;
  readonly #out = new ByteBuffer(64 * 1024);

  constructor(world: World, store: Store, thread: number, prng: Prng) {
    this.#world = world;
    this.#store = store;
    this.#thread = thread;
    this.#prng = prng;
    world.isInBatch[thread] = false;
  }

  /** The thread's program: `count` operations. */
  *run(count: number): Steps<void> {
    for (let i = 0; i < count; i++) {
      const upkeepOneIn = this.#world.expires ? 2 : 6;
      if (this.#thread === 0 && this.#prng.chance(upkeepOneIn))
        yield* this.#do(this.#store.upkeep(1));
      else yield* this.#batch();
      this.#world.operations++;
      this.#world.scheduler.progress();
    }
  }

  /** Puts every permanent key. */
  *fill(): Steps<void> {
    yield* this.#do(this.#store.enterBatch());
    const { permanent, filler, expires } = this.#world;
    for (const history of permanent) yield* this.#change(history, true);
    for (const history of filler) yield* this.#change(history, !expires);
    yield* this.#do(this.#store.leaveBatch());
  }

  /** Reads every key and compares: for the end, when nobody else runs. */
  *check(): Steps<void> {
    yield* this.#do(this.#store.enterBatch());
    for (const history of this.#world.keys.values()) yield* this.#get(history);
    yield* this.#do(this.#store.leaveBatch());
    checkInvariants(this.#store.memory);
  }

  *#do<T>(result: T): Steps<T> {
    return (yield* this.#world.scheduler.run(result)) as T;
  }

  *#batch(): Steps<void> {
    if (this.#prng.chance(this.#world.expires ? 3 : 8))
      this.#world.clock.nowMs += this.#prng.below(20);
    yield* this.#do(this.#store.enterBatch());
    this.#world.isInBatch[this.#thread] = true;
    for (let left = 1 + this.#prng.below(3); left > 0; left--) yield* this.#operation();
    this.#world.isInBatch[this.#thread] = false;
    yield* this.#do(this.#store.leaveBatch());
  }

  *#operation(): Steps<void> {
    const world = this.#world;
    const prng = this.#prng;
    switch (prng.pick(world.profile)) {
      case "get":
        return yield* this.#get(prng.pick(world.strings));
      case "change":
        return yield* this.#change(prng.pick(world.strings), false);
      case "get list":
        return yield* this.#get(prng.pick(world.lists));
      case "change list":
        return yield* this.#changeList(prng.pick(world.lists));
      case "get permanent":
        return yield* this.#get(prng.pick(world.permanent));
      case "churn":
        return yield* this.#churn();
      case "get pair":
        return yield* this.#getPair();
      case "put pair":
        return yield* this.#putPair();
      case "put many":
        return yield* this.#putMany();
      case "rename":
        return yield* this.#renameOrCopy();
      case "flushed":
        return yield* this.#change(prng.pick(world.flushed), false);
      case "scan":
        return yield* this.#scan();
      case "exclusive":
        return yield* this.#exclusive();
    }
  }

  #aim(cursor: Cursor, history: KeyHistory): Cursor {
    const key = Buffer.from(history.name);
    cursor.bytes = key;
    cursor.keyStart = 0;
    cursor.keyLength = key.length;
    cursor.hash = this.#store.hash(key, 0, key.length);
    cursor.db = history.name.startsWith("f") ? FLUSHED_DB : 0;
    return cursor;
  }

  // ---- Reading ----

  *#get(history: KeyHistory): Steps<void> {
    const c = this.#aim(this.#store.cursor(0), history);
    const floor = history.floor;
    let value: Buffer | null;
    do {
      value = (yield* this.#do(this.#store.beginRead(c))) ? yield* this.#read(c) : null;
    } while (!(yield* this.#do(this.#store.endRead(c))));
    this.#checkRead(history, floor, value, c);
  }

  #checkRead(history: KeyHistory, floor: number, value: Buffer | null, c: Cursor): void {
    const { nowMs } = this.#world.clock;
    history.checkRead(floor, value, c.expiresAtMs, this.#store.memory.nowMs, nowMs);
  }

  /** The whole value under the cursor; in an optimistic read it may be nonsense. */
  *#read(c: Cursor): Steps<Buffer> {
    const out = this.#out;
    out.length = 0;
    if (c.type !== TYPE_LIST) {
      yield* this.#do(this.#store.copyValue(c, out, 0, c.valueLength));
      return Buffer.from(out.bytes.subarray(0, out.length));
    }
    const items: Buffer[] = [];
    let isThere = yield* this.#do(this.#store.seekItem(c, 0));
    while (isThere) {
      out.length = 0;
      yield* this.#do(this.#store.copyItem(c, out));
      items.push(Buffer.from(out.bytes.subarray(0, out.length)));
      isThere = yield* this.#do(this.#store.nextItem(c));
    }
    return joinItems(items) ?? Buffer.alloc(0);
  }

  /** A snapshot of both keys of the pair must find them equal. */
  *#getPair(): Steps<void> {
    const pair = this.#world.pair;
    const floors = pair.map((it) => it.floor);
    const cursors = pair.map((it, i) => this.#aim(this.#store.cursor(i), it));
    let values: (Buffer | null)[] = [];
    let attempts = 0;
    do {
      const locks = attempts++ >= SNAPSHOT_ATTEMPTS_MAX;
      if (locks) yield* this.#do(this.#store.lockAll(2));
      values = [];
      for (const c of cursors) {
        const isFound = locks ? c.type !== TYPE_NONE : yield* this.#do(this.#store.beginRead(c));
        values.push(isFound ? yield* this.#read(c) : null);
      }
    } while (!(yield* this.#do(this.#store.endReadAll(2))));
    const [a, b] = values as [Buffer | null, Buffer | null];
    assert(a === null ? b === null : b?.equals(a) === true, "both keys of a pair are equal");
    pair.forEach((it, i) => {
      this.#checkRead(it, floors[i] as number, values[i] as Buffer | null, cursors[i] as Cursor);
    });
  }

  /** Every permanent key is found, however the index grows meanwhile. */
  *#scan(): Steps<void> {
    const seen = new Set<string>();
    let position = 0;
    do {
      position = yield* this.#do(this.#store.scanStep(0, position));
      const { scanned } = this.#store;
      for (let i = 0; i < scanned.count; i++) {
        const at = scanned.start[i] as number;
        seen.add(scanned.keys.bytes.toString("latin1", at, at + (scanned.length[i] as number)));
      }
    } while (position !== 0);
    for (const { name } of this.#world.permanent) assert(seen.has(name), `SCAN finds ${name}`);
    for (const name of seen) assert(this.#world.keys.has(name), `SCAN found ${name}, no such key`);
  }

  // ---- Changing ----

  /** Enters the lock's critical section in the model and checks what the lock found. */
  *#entered(history: KeyHistory, c: Cursor, isFound: boolean): Steps<void> {
    history.enter(this.#thread);
    const { value, expiresAtMs } = history.newest;
    if (!isFound) {
      const isExpired = expiresAtMs > 0 && expiresAtMs <= this.#world.clock.nowMs;
      assert(value === null || isExpired, `${history.name}: lock found nothing`);
      if (value !== null) history.push(null, 0);
      return;
    }
    const isLive = expiresAtMs === 0 || expiresAtMs > this.#store.memory.nowMs;
    assert(value !== null && isLive, `${history.name}: lock found what is not there`);
    const found = yield* this.#read(c);
    assert(found.equals(value), `${history.name}: lock found another value than the newest`);
    assert(c.expiresAtMs === expiresAtMs, `${history.name}: lock found another expiry`);
  }

  *#unlock(history: KeyHistory, c: Cursor): Steps<void> {
    const version = history.leave();
    yield* this.#do(this.#store.unlock(c));
    history.confirm(version);
  }

  /** A random change of a string, or just a new value when `keeps` the key. */
  *#change(history: KeyHistory, keeps: boolean): Steps<void> {
    const c = this.#aim(this.#store.cursor(0), history);
    const isFound = yield* this.#do(this.#store.lock(c));
    yield* this.#entered(history, c, isFound);
    const choice = keeps || !isFound ? 0 : this.#prng.below(10);
    if (choice < 4) yield* this.#put(history, c, keeps);
    else if (choice < 6) yield* this.#remove(history, c);
    else if (choice < 8) yield* this.#writeRange(history, c);
    else yield* this.#setExpiry(history, c);
    yield* this.#unlock(history, c);
  }

  *#put(history: KeyHistory, c: Cursor, keeps: boolean): Steps<void> {
    const value = this.#value(keeps ? 60 : 100);
    let expiry = this.#prng.chance(this.#world.expires ? 1 : 4) && !keeps ? this.#expiry() : 0;
    if (this.#prng.chance(4)) expiry = KEEP_EXPIRY;
    history.push(value, expiry === KEEP_EXPIRY ? history.newest.expiresAtMs : expiry);
    const status = yield* this.#do(this.#store.putString(c, value, 0, value.length, expiry));
    assert(status === STATUS_OK, "put");
  }

  *#remove(history: KeyHistory, c: Cursor): Steps<void> {
    history.push(null, 0);
    yield* this.#do(this.#store.remove(c));
  }

  *#writeRange(history: KeyHistory, c: Cursor): Steps<void> {
    const { value, expiresAtMs } = history.newest;
    const before = value as Buffer;
    const piece = this.#value(96);
    const at = this.#prng.chance(2) ? before.length : this.#prng.below(before.length * 2 + 10);
    const after = Buffer.alloc(Math.max(before.length, at + piece.length));
    before.copy(after);
    piece.copy(after, at);
    history.push(after, expiresAtMs);
    const status = yield* this.#do(this.#store.writeRange(c, at, piece, 0, piece.length));
    assert(status === STATUS_OK, "writeRange");
  }

  *#setExpiry(history: KeyHistory, c: Cursor): Steps<void> {
    const expiresAtMs = this.#prng.chance(2) ? 0 : this.#expiry();
    history.push(history.newest.value, expiresAtMs);
    const status = yield* this.#do(this.#store.setExpiry(c, expiresAtMs));
    assert(status === STATUS_OK, "setExpiry");
  }

  #expiry(): number {
    return this.#world.clock.nowMs + 1 + this.#prng.below(30);
  }

  /** A value that no other is equal to; `most`: 100 for any size. */
  #value(most: number): Buffer {
    const kind = this.#world.isLarge && most > 60 ? most - 1 : this.#prng.below(most);
    let size = 4 + this.#prng.below(40);
    if (kind >= 60) size = 4 + this.#prng.below(300);
    if (kind >= 85) size = 4 + this.#prng.below(3000);
    if (kind >= 95) size = 16_000 + this.#prng.below(20_000);
    const stamp = ++this.#world.stamp;
    const value = Buffer.alloc(size, stamp & 255);
    value.writeInt32LE(stamp);
    return value;
  }

  /** One key of this thread alone comes or goes: they make the index grow. */
  *#churn(): Steps<void> {
    const name = `t${this.#thread}-${this.#prng.below(40)}`;
    yield* this.#change(this.#world.history(name), !this.#world.expires && this.#prng.chance(2));
  }

  *#putPair(): Steps<void> {
    const pair = this.#world.pair;
    const isSwapped = this.#prng.chance(2);
    const ordered = isSwapped ? [pair[1], pair[0]] : pair;
    const value = this.#value(99);
    yield* this.#locked(ordered as KeyHistory[], function* (this: Client, cursors) {
      for (const [i, history] of (ordered as KeyHistory[]).entries()) {
        history.push(value, 0);
        const c = cursors[i] as Cursor;
        const status = yield* this.#do(this.#store.putString(c, value, 0, value.length, 0));
        assert(status === STATUS_OK, "put of a pair");
      }
    });
  }

  /** Several permanent keys at once: the more there are, the likelier one moves meanwhile. */
  *#putMany(): Steps<void> {
    const keys = [...this.#world.permanent];
    this.#prng.shuffle(keys);
    keys.length = MANY;
    yield* this.#locked(keys, function* (this: Client, cursors) {
      for (const [i, history] of keys.entries()) {
        const value = this.#value(60);
        history.push(value, 0);
        const c = cursors[i] as Cursor;
        const status = yield* this.#do(this.#store.putString(c, value, 0, value.length, 0));
        assert(status === STATUS_OK, "put of many");
      }
    });
  }

  /** Runs `change` with the buckets of different keys locked. */
  *#locked(
    histories: readonly KeyHistory[],
    change: (this: Client, cursors: Cursor[]) => Steps<void>,
  ): Steps<void> {
    const cursors = histories.map((it, i) => this.#aim(this.#store.cursor(i), it));
    yield* this.#do(this.#store.lockAll(cursors.length));
    for (const [i, history] of histories.entries()) {
      const c = cursors[i] as Cursor;
      yield* this.#entered(history, c, c.type !== TYPE_NONE);
    }
    yield* change.call(this, cursors);
    const versions = histories.map((it) => it.leave());
    yield* this.#do(this.#store.unlockAll(cursors.length));
    histories.forEach((it, i) => {
      it.confirm(versions[i] as number);
    });
  }

  *#renameOrCopy(): Steps<void> {
    const { strings, lists } = this.#world;
    const group = this.#prng.chance(3) ? lists : strings;
    const from = this.#prng.pick(group);
    const to = this.#prng.pick(group);
    if (from === to) return;
    yield* this.#locked([from, to], function* (this: Client, cursors) {
      const [source, target] = cursors as [Cursor, Cursor];
      const { value, expiresAtMs } = from.newest;
      if (value === null) return;
      if (this.#prng.chance(2)) {
        to.push(value, expiresAtMs);
        to.items = from.items;
        from.push(null, 0);
        assert((yield* this.#do(this.#store.rename(source, target))) === STATUS_OK, "rename");
      } else if (to.newest.value === null) {
        to.push(value, expiresAtMs);
        to.items = from.items;
        assert((yield* this.#do(this.#store.copyTo(source, target))) === STATUS_OK, "copy");
      }
    });
  }

  // ---- Lists ----

  *#changeList(history: KeyHistory): Steps<void> {
    const c = this.#aim(this.#store.cursor(0), history);
    const isFound = yield* this.#do(this.#store.lock(c));
    yield* this.#entered(history, c, isFound);
    const items = [...history.items];
    const choice = items.length === 0 ? 0 : this.#prng.below(10);
    if (choice < 5) yield* this.#pushItems(history, c, items);
    else if (choice < 7) yield* this.#dropItems(history, c, items);
    else yield* this.#editItem(history, c, items, choice);
    yield* this.#unlock(history, c);
  }

  #pushList(history: KeyHistory, items: Buffer[]): void {
    history.push(joinItems(items), history.newest.expiresAtMs);
    history.items = items;
  }

  *#pushItems(history: KeyHistory, c: Cursor, items: Buffer[]): Steps<void> {
    const atHead = this.#prng.chance(2);
    const many = this.#world.isLarge ? 6 : 60;
    const count = this.#prng.chance(6) ? many : 1 + this.#prng.below(4);
    const added = Array.from({ length: count }, () => this.#value(97));
    for (const item of added) atHead ? items.unshift(item) : items.push(item);
    this.#pushList(history, items);
    for (const item of added) {
      const status = yield* this.#do(this.#store.pushItem(c, atHead, item, 0, item.length));
      assert(status === STATUS_OK, "pushItem");
    }
  }

  *#dropItems(history: KeyHistory, c: Cursor, items: Buffer[]): Steps<void> {
    const atHead = this.#prng.chance(2);
    const count = this.#prng.between(1, this.#prng.chance(3) ? items.length : 1);
    items.splice(atHead ? 0 : items.length - count, count);
    this.#pushList(history, items);
    yield* this.#do(this.#store.dropItems(c, atHead, count));
  }

  *#editItem(history: KeyHistory, c: Cursor, items: Buffer[], choice: number): Steps<void> {
    const at = this.#prng.below(items.length);
    const item = this.#value(100);
    items.splice(at, choice === 7 ? 0 : 1, ...(choice === 9 ? [] : [item]));
    this.#pushList(history, items);
    if (choice === 9) yield* this.#do(this.#store.removeItem(c, at));
    else if (choice === 8) yield* this.#do(this.#store.setItem(c, at, item, 0, item.length));
    else yield* this.#do(this.#store.insertItem(c, at, item, 0, item.length));
  }

  // ---- Alone ----

  *#exclusive(): Steps<void> {
    // Whoever waits for the exclusive section counts as being between batches.
    this.#world.isInBatch[this.#thread] = false;
    yield* this.#do(this.#store.exclusive(this.#alone.bind(this)) as unknown);
    this.#world.isInBatch[this.#thread] = true;
  }

  *#alone(): Steps<void> {
    const world = this.#world;
    assert(!world.isInBatch.includes(true), "nobody is in a batch during an exclusive section");
    checkInvariants(this.#store.memory);
    yield 0;
    assert(!world.isInBatch.includes(true), "nobody enters a batch during an exclusive section");
    if (!this.#prng.chance(2)) return;
    for (const history of world.flushed) {
      if (history.newest.value !== null) history.push(null, 0);
    }
    yield* this.#do(this.#store.flush(FLUSHED_DB));
    for (const history of world.flushed) history.confirm(history.versions.length - 1);
  }
}
