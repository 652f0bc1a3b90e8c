/**
 * Eviction where hardly anything can be evicted: few keys, and keys behind the first bucket of
 * their chain. keyspace.test.ts has the policies.
 */
import { describe, expect, test } from "bun:test";
import { Actor } from "../../test/threads/actor.ts";
import { clock } from "../base/clock.ts";
import { EVICT_ALL_LRU, EVICT_ALL_RANDOM, EVICT_VOLATILE_LRU, evictOne } from "./eviction.ts";
import { checkInvariants } from "./invariants.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { attachStore, createStore } from "./store.ts";

function newActor(): Actor {
  return new Actor(attachStore(createStore({ reserveBytes: RESERVE_SIZE_MIN, workers: 1 }), 0));
}

describe("evictOne()", () => {
  for (const policy of [EVICT_ALL_LRU, EVICT_ALL_RANDOM]) {
    test(`policy ${policy} finds the only key there is, also in an index that was large`, () => {
      const actor = newActor();
      const { store } = actor;
      store.setLimit(1, policy);
      for (let i = 0; i < 20_000; i++) actor.putNumber(`key${i}`, i);
      for (let i = 1; i < 20_000; i++) actor.remove(`key${i}`);
      expect(evictOne(store.memory)).toBe(true);
      expect(store.keysCount(0)).toBe(0);
      expect(evictOne(store.memory)).toBe(false);
      checkInvariants(store.memory);
    });
  }

  test("a volatile policy finds every key that expires, wherever in its chain it is", () => {
    const actor = newActor();
    const { store } = actor;
    store.setLimit(1, EVICT_VOLATILE_LRU);
    for (let i = 0; i < 4000; i++) actor.putNumber(`key${i}`, i);
    for (let i = 0; i < 300; i++) {
      actor.putNumber(`volatile${i}`, i);
      const c = actor.aim(`volatile${i}`);
      store.lock(c);
      store.setExpiry(c, clock.nowMs + 1_000_000);
      store.unlock(c);
    }
    let evicted = 0;
    while (evictOne(store.memory)) evicted++;
    expect(evicted).toBe(300);
    expect(store.keysCount(0)).toBe(4000);
    checkInvariants(store.memory);
  });
});
