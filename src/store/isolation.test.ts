/**
 * What keeps commands apart, as far as one thread can show it: locks of several keys, snapshots,
 * and the exclusive section. litmus.test.ts and simulation.test.ts have the rest.
 */
import { describe, expect, test } from "bun:test";
import { Actor } from "../../test/threads/actor.ts";
import { bumpEpoch, safeEpoch } from "./epoch.ts";
import { checkInvariants } from "./invariants.ts";
import { lockBucket, tryLatch, tryLockBucket, unlatch, unlockBucket } from "./latch.ts";
import { CONTROL_EXCLUSIVE } from "./layout.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { STATUS_OK } from "./status.ts";
import { attachStore, createStore } from "./store.ts";

function newActors(workers: number): Actor[] {
  const handle = createStore({ reserveBytes: RESERVE_SIZE_MIN, workers });
  return Array.from({ length: workers }, (_, i) => new Actor(attachStore(handle, i)));
}

function newActor(): Actor {
  return newActors(1)[0] as Actor;
}

describe("latches", () => {
  test("a version is odd while locked and another one afterwards, at the end of int32 too", () => {
    const view = new Int32Array(new SharedArrayBuffer(64));
    for (const version of [0, 2, 0x7fff_fffe, -2]) {
      view[0] = version;
      expect(lockBucket(view, 0)).toBe(version);
      expect((view[0] as number) & 1).toBe(1);
      expect(tryLockBucket(view, 0)).toBe(false);
      unlockBucket(view, 0);
      expect(view[0]).toBe((version + 2) | 0);
      expect(tryLockBucket(view, 0)).toBe(true);
      unlockBucket(view, 0);
    }
  });

  test("tryLatch() takes a free latch only", () => {
    const view = new Int32Array(new SharedArrayBuffer(4));
    expect(tryLatch(view, 0)).toBe(true);
    expect(tryLatch(view, 0)).toBe(false);
    unlatch(view, 0);
    expect(tryLatch(view, 0)).toBe(true);
  });
});

describe("lockAll()", () => {
  test("takes the same key twice, and each sees what the other did after refresh()", () => {
    const actor = newActor();
    const { store } = actor;
    const first = actor.aim("key", 0);
    const second = actor.aim("key", 1);
    store.lockAll(2);
    expect(store.putString(first, Buffer.from("value"), 0, 5, 0)).toBe(STATUS_OK);
    expect(store.refresh(second)).toBe(true);
    expect(second.valueLength).toBe(5);
    store.remove(second);
    expect(store.refresh(first)).toBe(false);
    store.unlockAll(2);
    expect(actor.get("key")).toBe(false);
    checkInvariants(store.memory);
  });

  test("holds hundreds of keys that share buckets while all of them change", () => {
    const actor = newActor();
    const { store } = actor;
    const names = Array.from({ length: 600 }, (_, i) => `key${i % 400}`);
    for (let round = 0; round < 4; round++) {
      names.forEach((name, i) => {
        actor.aim(name, i);
      });
      store.lockAll(names.length);
      for (let i = 0; i < names.length; i++) {
        const value = Buffer.alloc(1 + ((i * 37 + round * 501) % 900), i % 400);
        store.refresh(store.cursor(i));
        expect(store.putString(store.cursor(i), value, 0, value.length, 0)).toBe(STATUS_OK);
      }
      store.unlockAll(names.length);
      for (let i = 0; i < 400; i++) {
        expect(actor.get(`key${i}`)).toBe(true);
        expect(actor.out.bytes[0]).toBe(i & 255);
      }
      checkInvariants(store.memory);
    }
    expect(store.keysCount(0)).toBe(400);
  });
});

describe("endReadAll()", () => {
  test("ends the locked reading of a single key as it does that of several", () => {
    for (const count of [1, 2]) {
      const actor = newActor();
      actor.putNumber("a", 1);
      for (let i = 0; i < count; i++) actor.aim("a", i);
      actor.store.lockAll(count);
      expect(actor.store.endReadAll(count)).toBe(true);
      checkInvariants(actor.store.memory);
    }
  });

  test("refuses a snapshot when any of its keys has changed", () => {
    const [reader, writer] = newActors(2) as [Actor, Actor];
    for (const name of ["a", "b", "c"]) writer.putNumber(name, 1);
    const read = () => {
      ["a", "b", "c"].forEach((name, i) => {
        reader.store.beginRead(reader.aim(name, i));
      });
    };
    read();
    expect(reader.store.endReadAll(3)).toBe(true);
    for (const name of ["a", "b", "c"]) {
      read();
      writer.putNumber(name, 2);
      expect(reader.store.endReadAll(3)).toBe(false);
    }
  });

  test("leaves no lock behind however often it has refused", () => {
    const [reader, writer] = newActors(2) as [Actor, Actor];
    writer.putNumber("a", 1);
    const names = ["a", "a"];
    for (let attempt = 0; attempt < 30; attempt++) {
      names.forEach((name, i) => {
        reader.store.beginRead(reader.aim(name, i));
      });
      writer.putNumber("a", attempt);
      expect(reader.store.endReadAll(2)).toBe(false);
    }
    checkInvariants(writer.store.memory);
  });
});

describe("endRead()", () => {
  test("comes to an end: a read that was refused again and again takes the lock", () => {
    const [reader, writer] = newActors(2) as [Actor, Actor];
    writer.putNumber("a", 1);
    const c = reader.aim("a");
    let refused = 0;
    for (;;) {
      reader.store.beginRead(c);
      if (!c.isLocked) writer.putNumber("a", refused);
      if (reader.store.endRead(c)) break;
      refused++;
      expect(refused).toBeLessThan(100);
    }
    expect(refused).toBeGreaterThan(1);
    expect(c.isLocked).toBe(false);
    checkInvariants(writer.store.memory);
  });
});

describe("exclusive()", () => {
  test("returns what its function returns, inside and outside of a batch", () => {
    const { store } = newActor();
    expect(store.exclusive(() => 7)).toBe(7);
    store.enterBatch();
    expect(store.exclusive(() => 8)).toBe(8);
    store.leaveBatch();
  });

  test("is left when its function throws", () => {
    const [first, second] = newActors(2) as [Actor, Actor];
    const fail = () => {
      throw new Error("no");
    };
    expect(() => first.store.exclusive(fail)).toThrow("no");
    expect(first.store.memory.control[CONTROL_EXCLUSIVE]).toBe(0);
    expect(second.store.exclusive(() => 1)).toBe(1);
    second.store.enterBatch();
    second.store.leaveBatch();
  });

  test("is not re-entrant", () => {
    const { store } = newActor();
    expect(() => store.exclusive(() => store.exclusive(() => 1))).toThrow("not re-entrant");
  });
});

test("safeEpoch() is the oldest epoch that a Worker is in", () => {
  const [first, second] = newActors(2) as [Actor, Actor];
  const { memory } = first.store;
  const before = bumpEpoch(memory);
  expect(safeEpoch(memory)).toBe(before + 1);
  first.store.enterBatch();
  bumpEpoch(memory);
  second.store.enterBatch();
  bumpEpoch(memory);
  expect(safeEpoch(memory)).toBe(before + 1);
  first.store.leaveBatch();
  expect(safeEpoch(memory)).toBe(before + 2);
  second.store.leaveBatch();
  expect(safeEpoch(memory)).toBe(before + 3);
});

test("what one Worker unlocks is what the next one reads", () => {
  const [first, second] = newActors(2) as [Actor, Actor];
  for (let i = 0; i < 100; i++) {
    first.putNumber("key", i);
    expect(second.getNumber("key")).toBe(i);
  }
});
