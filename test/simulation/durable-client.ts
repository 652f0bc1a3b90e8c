/**
 * A client of the durable simulation: random changes of shared keys, noted in the model.
 *
 * As in client.ts, every call of the store goes through `#do`: what it calls may be a generator.
 */
import { assert } from "../../src/base/assert.ts";
import type { Prng } from "../../src/base/prng.ts";
import { type Cursor, TYPE_NONE } from "../../src/store/cursor.ts";
import type { DurableStore } from "../../src/store/durable-store.ts";
import { CONTROL_DATABASES } from "../../src/store/layout.ts";
import { KEEP_EXPIRY, STATUS_OK, type Status } from "../../src/store/status.ts";
import type { DurableModel, Effects, Value } from "./durable-model.ts";
import type { SimulatedClock } from "./program.ts";
import type { Scheduler } from "./scheduler.ts";

/** Keys that are changed all the time, of both types by turns. */
const SHARED_KEYS = 6;
/** Keys that come and go, so that buckets split. */
const CHURNED_KEYS = 150;
/** The database that is flushed now and then. */
const FLUSHED_DB = 1;
/** Stands for the numbers of the databases among the keys of the model. */
export const DATABASES_NAME = "databases";
const ITEMS_MAX = 30;

type Steps<T> = Generator<unknown, T, unknown>;
type Step = ReturnType<DurableModel["begin"]>;

/**
 * What clients mostly do. `same`: records of one size only, so that they lie at the same places in
 * every chunk, and what an earlier use has left could follow what a later one has written.
 */
export type Habit = "everything" | "churn" | "flush" | "same";
export const HABITS: readonly Habit[] = [
  ...(["everything", "everything", "everything", "everything"] as const),
  ...(["churn", "churn", "flush", "same", "same"] as const),
];

/** What all clients of a run have in common. */
export interface DurableWorld {
  readonly model: DurableModel;
  readonly clock: SimulatedClock;
  readonly scheduler: Scheduler;
  readonly habit: Habit;
  operations: number;
  serial: number;
}

export class DurableClient {
  readonly #world: DurableWorld;
  readonly #store: DurableStore;
  readonly #prng: Prng;

  constructor(world: DurableWorld, store: DurableStore, prng: Prng) {
    this.#world = world;
    this.#store = store;
    this.#prng = prng;
  }

  /** The thread's program: `count` batches. */
  *run(count: number): Steps<void> {
    for (let i = 0; i < count; i++) {
      const { clock, scheduler } = this.#world;
      if (this.#prng.chance(4)) clock.nowMs += this.#prng.below(20);
      yield* this.#do(this.#store.enterBatch());
      for (let left = 1 + this.#prng.below(3); left > 0; left--) yield* this.#operation();
      yield* this.#do(this.#store.leaveBatch());
      if (this.#prng.chance(8)) yield* this.#do(this.#store.upkeep(1));
      scheduler.progress();
    }
  }

  *#do<T>(result: T): Steps<T> {
    return (yield* this.#world.scheduler.run(result)) as T;
  }

  *#must(result: Status): Steps<void> {
    const status = yield* this.#do(result);
    assert(status === STATUS_OK, `a change has room (${status})`);
  }

  *#operation(): Steps<void> {
    this.#world.operations++;
    const { habit } = this.#world;
    if (habit === "same") return yield* this.#putSame();
    if (habit === "flush" && this.#prng.chance(6)) return yield* this.#alone();
    const dice = habit === "churn" ? 55 + this.#prng.below(25) : this.#prng.below(100);
    if (dice < 55) yield* this.#change(`0 s${this.#prng.below(SHARED_KEYS)}`);
    else if (dice < 72) yield* this.#change(this.#churnedKey());
    else if (dice < 78) yield* this.#change(`${FLUSHED_DB} f${this.#prng.below(3)}`);
    else if (dice < 87) yield* this.#putMany();
    else if (dice < 96) yield* this.#renameOrCopy();
    else yield* this.#alone();
  }

  #churnedKey(): string {
    const count = this.#world.habit === "churn" ? CHURNED_KEYS : CHURNED_KEYS / 4;
    return `0 c${this.#prng.below(count)}`;
  }

  *#putSame(): Steps<void> {
    const name = `0 s${this.#prng.below(SHARED_KEYS)}`;
    const cursor = this.#aim(0, name);
    yield* this.#do(this.#store.lock(cursor));
    this.#valueOf(name, cursor);
    const bytes = Buffer.from(this.#text());
    const effects = new Map([[name, { text: bytes.toString(), expiresAtMs: 0 }]]);
    yield* this.#one(effects, () => this.#store.putString(cursor, bytes, 0, bytes.length, 0));
    yield* this.#do(this.#store.unlock(cursor));
  }

  #aim(index: number, name: string): Cursor {
    const cursor = this.#store.cursor(index);
    const key = Buffer.from(name.slice(2));
    cursor.bytes = key;
    cursor.keyStart = 0;
    cursor.keyLength = key.length;
    cursor.hash = this.#store.hash(key, 0, key.length);
    cursor.db = Number(name[0]);
    return cursor;
  }

  /** What the locked key holds, as the model has it; the store must agree that it is there. */
  #valueOf(name: string, cursor: Cursor): Value | null {
    const value = this.#world.model.current.get(name) ?? null;
    if (cursor.type !== TYPE_NONE) {
      assert(value !== null, `${name}: the lock found what is not there`);
      return value;
    }
    const isExpired =
      value !== null && value.expiresAtMs > 0 && value.expiresAtMs <= this.#world.clock.nowMs;
    assert(value === null || isExpired, `${name}: the lock found nothing`);
    return null;
  }

  /** Text that no other is equal to. */
  #text(): string {
    const number = String(this.#world.serial++).padStart(6, "0");
    if (this.#world.habit === "same") return number.padEnd(40, "x");
    const kind = this.#prng.below(100);
    let size = this.#prng.below(50);
    if (kind >= 80) size = this.#prng.below(300);
    if (kind >= 94) size = this.#prng.below(3000);
    if (kind >= 99) size = 4000 + this.#prng.below(9000);
    return number.padEnd(size, String.fromCharCode(97 + this.#prng.below(26)));
  }

  #expiry(): number {
    return this.#prng.chance(4) ? this.#world.clock.nowMs + 1 + this.#prng.below(60) : 0;
  }

  /** The records of the step are all written. */
  #complete(step: Step): void {
    this.#world.model.complete(step, this.#store.log.lastStamp);
  }

  /** One record, or several that are one change: done when the call has returned. */
  *#one(effects: Effects, change: () => unknown): Steps<void> {
    const step = this.#world.model.begin(effects);
    const status = yield* this.#do(change());
    assert(status === undefined || status === STATUS_OK, `a change has room (${status})`);
    this.#complete(step);
  }

  // ---- One key ----

  *#change(name: string): Steps<void> {
    const cursor = this.#aim(0, name);
    yield* this.#do(this.#store.lock(cursor));
    const value = this.#valueOf(name, cursor);
    const isList = value === null ? this.#prng.chance(2) : value.items !== undefined;
    const dice = this.#prng.below(10);
    if (value !== null && dice === 0) {
      yield* this.#one(new Map([[name, null]]), () => this.#store.remove(cursor));
    } else if (value !== null && dice === 1) {
      const expiresAtMs = this.#expiry();
      const changed = { ...value, expiresAtMs };
      yield* this.#one(new Map([[name, changed]]), () =>
        this.#store.setExpiry(cursor, expiresAtMs),
      );
    } else if (value === null && !isList) yield* this.#put(name, cursor, value);
    else if (isList) yield* this.#changeList(name, cursor, value);
    else yield* this.#changeString(name, cursor, value as Value);
    yield* this.#do(this.#store.unlock(cursor));
  }

  *#put(name: string, cursor: Cursor, value: Value | null): Steps<void> {
    const text = this.#text();
    const bytes = Buffer.from(text);
    const keeps = value !== null && this.#prng.chance(3);
    const expiresAtMs = keeps ? value.expiresAtMs : this.#expiry();
    const given = keeps ? KEEP_EXPIRY : expiresAtMs;
    yield* this.#one(new Map([[name, { text, expiresAtMs }]]), () =>
      this.#store.putString(cursor, bytes, 0, bytes.length, given),
    );
  }

  *#changeString(name: string, cursor: Cursor, value: Value): Steps<void> {
    const before = value.text as string;
    const dice = this.#prng.below(4);
    if (dice < 2 || before.length > 20_000) return yield* this.#put(name, cursor, value);
    const added = this.#text();
    const bytes = Buffer.from(added);
    const at = dice === 2 ? before.length : this.#prng.below(before.length + 10);
    const text = before.padEnd(at, "\0").slice(0, at) + added + before.slice(at + added.length);
    const effects = new Map([[name, { ...value, text }]]);
    yield* this.#one(effects, () =>
      dice === 2
        ? this.#store.appendString(cursor, bytes, 0, bytes.length)
        : this.#store.writeRange(cursor, at, bytes, 0, bytes.length),
    );
  }

  // ---- Lists ----

  *#changeList(name: string, cursor: Cursor, value: Value | null): Steps<void> {
    const items = [...(value?.items ?? [])];
    const expiresAtMs = value?.expiresAtMs ?? 0;
    const dice = items.length > ITEMS_MAX ? 5 : this.#prng.below(10);
    if (items.length === 0 || dice < 4) {
      yield* this.#push(name, cursor, items, expiresAtMs);
      return;
    }
    const index = this.#prng.below(items.length);
    const text = this.#text();
    const bytes = Buffer.from(text);
    const store = this.#store;
    let change: () => unknown;
    if (dice < 6) {
      const atHead = this.#prng.chance(2);
      const count = 1 + this.#prng.below(items.length);
      items.splice(atHead ? 0 : items.length - count, count);
      change = () => store.dropItems(cursor, atHead, count);
    } else if (dice === 6) {
      const stop = index + this.#prng.below(items.length - index);
      yield* this.#trim(name, cursor, items, index, stop, expiresAtMs);
      return;
    } else if (dice === 7) {
      items[index] = text;
      change = () => store.setItem(cursor, index, bytes, 0, bytes.length);
    } else if (dice === 8) {
      items.splice(index, 0, text);
      change = () => store.insertItem(cursor, index, bytes, 0, bytes.length);
    } else {
      items.splice(index, 1);
      change = () => store.removeItem(cursor, index);
    }
    yield* this.#one(listEffects(name, items, expiresAtMs), change);
  }

  /** Some elements one by one, or as a group. */
  *#push(name: string, cursor: Cursor, before: string[], expiresAtMs: number): Steps<void> {
    let items = before;
    const atHead = this.#prng.chance(2);
    const added = Array.from({ length: 1 + this.#prng.below(4) }, () => this.#text());
    const isGroup = this.#prng.chance(2);
    const all = atHead ? [...added].reverse().concat(items) : items.concat(added);
    if (isGroup) {
      yield* this.#grouped(
        name,
        cursor,
        listEffects(name, all, expiresAtMs),
        function* (this: DurableClient) {
          for (const item of added) yield* this.#pushItem(cursor, atHead, item);
        },
      );
      return;
    }
    for (const item of added) {
      items = atHead ? [item, ...items] : [...items, item];
      const bytes = Buffer.from(item);
      yield* this.#one(listEffects(name, items, expiresAtMs), () =>
        this.#store.pushItem(cursor, atHead, bytes, 0, bytes.length),
      );
    }
  }

  *#pushItem(cursor: Cursor, atHead: boolean, item: string): Steps<void> {
    const bytes = Buffer.from(item);
    yield* this.#must(this.#store.pushItem(cursor, atHead, bytes, 0, bytes.length));
  }

  *#trim(
    name: string,
    cursor: Cursor,
    items: string[],
    start: number,
    stop: number,
    expiresAtMs: number,
  ): Steps<void> {
    const kept = items.slice(start, stop + 1);
    if (kept.length === items.length) return;
    yield* this.#grouped(
      name,
      cursor,
      listEffects(name, kept, expiresAtMs),
      function* (this: DurableClient) {
        yield* this.#do(this.#store.trimList(cursor, start, stop));
      },
    );
  }

  /** A group of records about the locked key: done when it is unlocked. It is locked again. */
  *#grouped(
    name: string,
    cursor: Cursor,
    effects: Effects,
    change: (this: DurableClient) => Steps<void>,
  ): Steps<void> {
    const step = this.#world.model.begin(effects);
    yield* this.#do(this.#store.group());
    yield* change.call(this);
    yield* this.#do(this.#store.unlock(cursor));
    this.#complete(step);
    yield* this.#do(this.#store.lock(cursor));
    this.#valueOf(name, cursor);
  }

  // ---- Several keys ----

  /** Locks different keys, and changes them as one group. */
  *#locked(
    names: readonly string[],
    change: (this: DurableClient, values: (Value | null)[]) => Steps<Step | null>,
  ): Steps<void> {
    const count = names.length;
    const cursors = names.map((name, i) => this.#aim(i, name));
    yield* this.#do(this.#store.lockAll(count));
    const values = names.map((name, i) => this.#valueOf(name, cursors[i] as Cursor));
    const step = yield* change.call(this, values);
    yield* this.#do(this.#store.unlockAll(count));
    if (step !== null) this.#complete(step);
  }

  #differentKeys(count: number): string[] {
    const all = Array.from({ length: SHARED_KEYS }, (_, i) => `0 s${i}`);
    for (let i = 0; i < 6; i++) all.push(`0 c${i}`, `0 c${CHURNED_KEYS - 1 - i}`);
    this.#prng.shuffle(all);
    return all.slice(0, count);
  }

  *#putMany(): Steps<void> {
    const names = this.#differentKeys(2 + this.#prng.below(3));
    const text = this.#text();
    const bytes = Buffer.from(text);
    yield* this.#locked(names, function* (this: DurableClient) {
      const effects = new Map(names.map((name) => [name, { text, expiresAtMs: 0 }]));
      const step = this.#world.model.begin(effects);
      for (const i of names.keys()) {
        const cursor = this.#store.cursor(i);
        yield* this.#must(this.#store.putString(cursor, bytes, 0, bytes.length, 0));
      }
      return step;
    });
  }

  *#renameOrCopy(): Steps<void> {
    const [a, b] = this.#differentKeys(2) as [string, string];
    const renames = this.#prng.chance(2);
    yield* this.#locked([a, b], function* (this: DurableClient, [from, to]) {
      if (!from || (!renames && to !== null)) return null;
      const effects = new Map<string, Value | null>([[b, from]]);
      if (renames) effects.set(a, null);
      const step = this.#world.model.begin(effects);
      const [source, target] = [this.#store.cursor(0), this.#store.cursor(1)];
      if (renames) yield* this.#must(this.#store.rename(source, target));
      else yield* this.#must(this.#store.copyTo(source, target));
      return step;
    });
  }

  // ---- Everything ----

  *#alone(): Steps<void> {
    let step: Step | undefined;
    const dice = this.#prng.below(8);
    const store = this.#store;
    const alone = function* (this: DurableClient): Steps<void> {
      const { model } = this.#world;
      if (dice < 3) {
        const { control } = store.memory;
        const physical = [0, 1, 2, 3].map((db) => control[CONTROL_DATABASES + db] as number);
        [physical[2], physical[3]] = [physical[3] as number, physical[2] as number];
        const text = physical.join(" ");
        step = model.begin(
          new Map([[DATABASES_NAME, text === "0 1 2 3" ? null : { text, expiresAtMs: 0 }]]),
        );
        yield* this.#do(store.swapDatabases(2, 3));
        return;
      }
      const db = dice === 7 || this.#world.habit === "flush" ? -1 : FLUSHED_DB;
      const names = [...model.current.keys()].filter((it) =>
        db < 0 ? it !== DATABASES_NAME : it.startsWith(`${db} `),
      );
      step = model.begin(new Map(names.map((name) => [name, null])));
      yield* this.#do(store.flush(db));
    };
    yield* this.#do(store.exclusive(alone.bind(this)) as unknown);
    if (step !== undefined) this.#complete(step);
  }
}

function listEffects(name: string, items: readonly string[], expiresAtMs: number): Effects {
  return new Map([[name, items.length === 0 ? null : { items, expiresAtMs }]]);
}
