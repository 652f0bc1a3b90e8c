/**
 * What concerns many keys at once: scanning while the index grows, expiry, eviction, flushing,
 * giving memory back.
 */
import { describe, expect, test } from "bun:test";
import { Actor } from "../../test/threads/actor.ts";
import { clock } from "../base/clock.ts";
import { Prng } from "../base/prng.ts";
import {
  EVICT_ALL_LRU,
  EVICT_ALL_RANDOM,
  EVICT_NONE,
  EVICT_VOLATILE_LRU,
  EVICT_VOLATILE_RANDOM,
  EVICT_VOLATILE_TTL,
} from "./eviction.ts";
import { checkInvariants } from "./invariants.ts";
import {
  CONTROL_ACCESS_TICK,
  CONTROL_CHUNKS_FREE,
  CONTROL_CHUNKS_USED,
  SHARD_BUCKETS,
} from "./layout.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { attachStore, COUNT_EVICTED, COUNT_EXPIRED, createStore, type Store } from "./store.ts";

function newStores(workers: number): Actor[] {
  const handle = createStore({ reserveBytes: RESERVE_SIZE_MIN * 2, workers });
  return Array.from({ length: workers }, (_, i) => new Actor(attachStore(handle, i)));
}

function newActor(): Actor {
  return newStores(1)[0] as Actor;
}

/** Puts a key with an expiry, in ms since 1970. */
function putExpiring(actor: Actor, name: string, expiresAtMs: number, size = 10): void {
  const c = actor.aim(name);
  actor.store.lock(c);
  actor.store.putString(c, Buffer.alloc(size), 0, size, expiresAtMs);
  actor.store.unlock(c);
}

function scannedNames(store: Store): string[] {
  const { scanned } = store;
  return Array.from({ length: scanned.count }, (_, i) => {
    const at = scanned.start[i] as number;
    return scanned.keys.bytes.toString("latin1", at, at + (scanned.length[i] as number));
  });
}

function scanAll(store: Store, db = 0, between = () => {}): string[] {
  const names: string[] = [];
  let position = 0;
  do {
    position = store.scanStep(db, position);
    names.push(...scannedNames(store));
    between();
  } while (position !== 0);
  return names;
}

function bucketsCount(store: Store): number {
  const { shards } = store.memory.keys;
  return shards.reduce((sum, view) => sum + (view[SHARD_BUCKETS] as number), 0);
}

describe("scanStep()", () => {
  test("finds every key exactly once while nothing changes, at every size", () => {
    const actor = newActor();
    for (let size = 1, i = 0; size <= 20_000; size *= 3) {
      for (; i < size; i++) actor.putNumber(`key${i}`, i);
      const names = scanAll(actor.store);
      expect(names.length).toBe(size);
      expect(new Set(names).size).toBe(size);
    }
  });

  test("finds every key that stays while others come, go, and make buckets split", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const actor = newActor();
      const prng = new Prng(seed);
      const kept = Array.from({ length: 300 }, (_, i) => `kept${i}`);
      for (const name of kept) actor.putNumber(name, 1);
      let added = 0;
      const before = bucketsCount(actor.store);
      const seen = new Set(
        scanAll(actor.store, 0, () => {
          for (let left = prng.below(30); left > 0; left--) actor.putNumber(`new${added++}`, 1);
          if (added > 0) actor.remove(`new${prng.below(added)}`);
        }),
      );
      expect(kept.filter((name) => !seen.has(name))).toEqual([]);
      expect(bucketsCount(actor.store)).toBeGreaterThan(before);
    }
  });

  test("takes any number below 2^32 as a position, and ends", () => {
    const actor = newActor();
    for (let i = 0; i < 1000; i++) actor.putNumber(`key${i}`, i);
    const prng = new Prng(1);
    for (let i = 0; i < 50; i++) {
      let position = prng.int32() >>> 0;
      for (let steps = 0; position !== 0; steps++) {
        position = actor.store.scanStep(0, position);
        expect(steps).toBeLessThan(10_000);
      }
    }
  });

  test("shows only keys of its database that have not expired", () => {
    const actor = newActor();
    const { store } = actor;
    actor.putNumber("here", 1);
    putExpiring(actor, "later", clock.nowMs + 1000);
    putExpiring(actor, "gone", clock.nowMs - 1);
    const c = actor.aim("there", 0, 3);
    store.lock(c);
    store.putString(c, Buffer.from("x"), 0, 1, 0);
    store.unlock(c);
    expect(scanAll(store).sort()).toEqual(["here", "later"]);
    expect(scanAll(store, 3)).toEqual(["there"]);
    expect(scanAll(store, 4)).toEqual([]);
  });
});

test("randomKey() gives every key sooner or later, and -1 when there is none", () => {
  const actor = newActor();
  const { store } = actor;
  expect(store.randomKey(0)).toBe(-1);
  const names = Array.from({ length: 30 }, (_, i) => `key${i}`);
  for (const name of names) actor.putNumber(name, 1);
  const seen = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    const index = store.randomKey(0);
    seen.add(scannedNames(store)[index] as string);
  }
  expect([...seen].sort()).toEqual(names.sort());
  expect(store.randomKey(1)).toBe(-1);
});

describe("expiry", () => {
  test("a key is gone for every way of looking from its millisecond on", () => {
    const actor = newActor();
    const { store } = actor;
    const expiresAtMs = store.memory.nowMs + 10;
    putExpiring(actor, "key", expiresAtMs);
    store.memory.nowMs = expiresAtMs - 1;
    expect(actor.get("key")).toBe(true);
    expect(scanAll(store)).toEqual(["key"]);
    store.memory.nowMs = expiresAtMs;
    expect(scanAll(store)).toEqual([]);
    expect(store.keysCount(0)).toBe(1);
    expect(actor.get("key")).toBe(false);
    expect(store.keysCount(0)).toBe(0);
    expect(store.counter(COUNT_EXPIRED)).toBe(1);
    checkInvariants(store.memory);
  });

  test("lockAll() removes expired keys that share buckets with the others", () => {
    const actor = newActor();
    const { store } = actor;
    const names = Array.from({ length: 200 }, (_, i) => `key${i}`);
    names.forEach((name, i) => {
      putExpiring(actor, name, i % 2 === 0 ? store.memory.nowMs + 5 : 0);
    });
    store.memory.nowMs += 5;
    names.forEach((name, i) => {
      actor.aim(name, i);
    });
    store.lockAll(names.length);
    const live = names.filter((_, i) => store.cursor(i).type !== 0);
    for (let i = 1; i < 200; i += 2) {
      expect(store.putString(store.cursor(i), Buffer.from(`${i}...`), 0, 4, 0)).toBe(0);
    }
    store.unlockAll(names.length);
    expect(live.length).toBe(100);
    expect(store.keysCount(0)).toBe(100);
    for (let i = 1; i < 200; i += 2) {
      expect(actor.get(`key${i}`)).toBe(true);
      expect(actor.out.bytes.toString("latin1", 0, 4)).toBe(`${i}...`.slice(0, 4));
    }
    checkInvariants(store.memory);
  });

  test("upkeep() removes what has expired and nothing else, also from long chains", () => {
    const actor = newActor();
    const { store } = actor;
    const soon = clock.nowMs + 1000;
    for (let i = 0; i < 5000; i++) {
      if (i % 5 === 0) actor.putNumber(`key${i}`, i);
      else putExpiring(actor, `key${i}`, i % 5 === 1 ? soon + 1_000_000 : soon);
    }
    const before = clock.nowMs;
    clock.nowMs = soon;
    while (store.upkeep(1000));
    clock.nowMs = before;
    expect(store.keysCount(0)).toBe(2000);
    expect(store.expiresCount(0)).toBe(1000);
    for (let i = 0; i < 5000; i++) expect(actor.get(`key${i}`)).toBe(i % 5 < 2);
    checkInvariants(store.memory);
  });

  test("setExpiry(0) takes a key out of the cycle's reach", () => {
    const actor = newActor();
    const { store } = actor;
    putExpiring(actor, "key", clock.nowMs + 1000);
    const c = actor.aim("key");
    store.lock(c);
    store.setExpiry(c, 0);
    store.unlock(c);
    expect(store.expiresCount(0)).toBe(0);
    checkInvariants(store.memory);
  });
});

describe("eviction", () => {
  const VALUE_SIZE = 1000;
  /** Bytes that about 500 of the values take. */
  const LIMIT = 600_000;

  function fill(
    actor: Actor,
    policy: number,
    expires: (i: number) => number,
    count = 2000,
  ): boolean[] {
    actor.store.setLimit(LIMIT, policy);
    return Array.from({ length: count }, (_, i) => {
      actor.store.enterBatch();
      const isAdmitted = actor.store.admitWrites();
      if (isAdmitted) putExpiring(actor, `key${i}`, expires(i), VALUE_SIZE);
      actor.store.leaveBatch();
      return isAdmitted;
    });
  }

  test("without a policy, writes are refused at the limit, and go on after a removal", () => {
    const actor = newActor();
    const admitted = fill(actor, EVICT_NONE, () => 0);
    const refused = admitted.indexOf(false);
    expect(refused).toBeGreaterThan(300);
    expect(admitted.slice(refused)).not.toContain(true);
    expect(actor.store.counter(COUNT_EVICTED)).toBe(0);
    for (let i = 0; i < 50; i++) actor.remove(`key${i}`);
    actor.store.enterBatch();
    expect(actor.store.admitWrites()).toBe(true);
    actor.store.leaveBatch();
  });

  for (const policy of [EVICT_ALL_LRU, EVICT_ALL_RANDOM]) {
    test(`policy ${policy} keeps memory at the limit and admits every write`, () => {
      const actor = newActor();
      expect(fill(actor, policy, () => 0)).not.toContain(false);
      const { store } = actor;
      expect(store.usedMemory()).toBeLessThan(LIMIT + 70_000);
      expect(store.keysCount(0) + store.counter(COUNT_EVICTED)).toBe(2000);
      checkInvariants(store.memory);
    });
  }

  for (const policy of [EVICT_VOLATILE_LRU, EVICT_VOLATILE_RANDOM, EVICT_VOLATILE_TTL]) {
    test(`policy ${policy} never removes a key without an expiry`, () => {
      const actor = newActor();
      const later = clock.nowMs + 1_000_000;
      const admitted = fill(actor, policy, (i) => (i % 10 === 0 ? 0 : later + i));
      expect(admitted).not.toContain(false);
      for (let i = 0; i < 2000; i += 10) expect(actor.get(`key${i}`)).toBe(true);
      expect(actor.store.counter(COUNT_EVICTED)).toBeGreaterThan(1000);
      checkInvariants(actor.store.memory);
    });
  }

  test("a volatile policy refuses writes when no key expires", () => {
    expect(fill(newActor(), EVICT_VOLATILE_LRU, () => 0)).toContain(false);
  });

  test("the shortest time to live goes first, by and large", () => {
    const actor = newActor();
    const later = clock.nowMs + 1_000_000;
    fill(actor, EVICT_VOLATILE_TTL, (i) => later + (i % 2) * 1_000_000);
    let [short, long] = [0, 0];
    for (let i = 0; i < 2000; i += 2) {
      if (actor.get(`key${i}`)) short++;
      if (actor.get(`key${i + 1}`)) long++;
    }
    expect(short * 5).toBeLessThan(long);
  });

  test("the longest unused goes first, by and large", () => {
    const actor = newActor();
    const { store } = actor;
    for (let i = 0; i < 500; i++) putExpiring(actor, `old${i}`, 0, VALUE_SIZE);
    Atomics.store(store.memory.control, CONTROL_ACCESS_TICK, 100);
    for (let i = 0; i < 100; i++) actor.get(`old${i}`);
    fill(actor, EVICT_ALL_LRU, () => 0, 300);
    let [used, unused] = [0, 0];
    for (let i = 0; i < 100; i++) if (actor.get(`old${i}`)) used++;
    for (let i = 100; i < 500; i++) if (actor.get(`old${i}`)) unused++;
    // Of 400 runs the worst kept 88; at random it would be 60.
    expect(used).toBeGreaterThan(80);
    expect(unused).toBeLessThan(300);
  });
});

describe("flush()", () => {
  test("of one database leaves the others", () => {
    const actor = newActor();
    const { store } = actor;
    for (let i = 0; i < 1000; i++) {
      const c = actor.aim(`key${i}`, 0, i % 3);
      store.lock(c);
      store.putString(c, Buffer.alloc(i * 20), 0, i * 20, i % 2 === 0 ? clock.nowMs + 9999 : 0);
      store.unlock(c);
    }
    store.exclusive(() => store.flush(1));
    expect([0, 1, 2].map((db) => store.keysCount(db))).toEqual([334, 0, 333]);
    expect(store.expiresCount(1)).toBe(0);
    while (store.upkeep(10));
    checkInvariants(store.memory);
  });

  test("of everything gives all chunks back, also those of other Workers", () => {
    const [first, second] = newStores(2) as [Actor, Actor];
    for (let round = 0; round < 5; round++) {
      for (const actor of [first, second]) {
        actor.store.enterBatch();
        for (let i = 0; i < 2000; i++)
          actor.put(`${actor.store.memory.worker}:${i}`, Buffer.alloc(i * 9));
        for (let i = 0; i < 500; i++) actor.remove(`${actor.store.memory.worker}:${i}`);
        actor.store.leaveBatch();
      }
      checkInvariants(first.store.memory);
      first.store.exclusive(() => first.store.flush(-1));
      const { control } = first.store.memory;
      expect(control[CONTROL_CHUNKS_USED]).toBe(0);
      expect(first.store.keysCount(0)).toBe(0);
      checkInvariants(first.store.memory);
    }
  });
});

test("memory of values that change their size for good serves the new sizes", () => {
  const actor = newActor();
  const { control } = actor.store.memory;
  const used: number[] = [];
  for (const size of [100, 1000, 200, 3000, 50, 8000]) {
    const count = Math.floor(8_000_000 / size);
    for (let i = 0; i < count; i++) actor.put(`key${i}`, Buffer.alloc(size));
    for (let i = 0; i < count; i++) actor.remove(`key${i}`);
    for (let i = 0; i < 200; i++) actor.store.upkeep(10);
    used.push(control[CONTROL_CHUNKS_USED] as number);
    expect(control[CONTROL_CHUNKS_FREE]).toBeGreaterThan(0);
    checkInvariants(actor.store.memory);
  }
  // What one round leaves are chunks that a Worker still hands out from.
  for (const chunks of used) expect(chunks).toBeLessThan(60);
});
