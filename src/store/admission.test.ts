/** Admission within one batch; keyspace.test.ts has it over many. */
import { expect, test } from "bun:test";
import { Actor } from "../../test/threads/actor.ts";
import { EVICT_ALL_RANDOM, EVICT_NONE } from "./eviction.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { attachStore, createStore } from "./store.ts";

test("admitWrites() sees room that a removal made earlier in the same batch", () => {
  const actor = new Actor(
    attachStore(createStore({ reserveBytes: RESERVE_SIZE_MIN, workers: 1 }), 0),
  );
  const { store } = actor;
  store.setLimit(2_000_000, EVICT_NONE);
  store.enterBatch();
  let count = 0;
  for (; store.admitWrites(); count++) actor.put(`key${count}`, Buffer.alloc(16_000));
  expect(store.admitWrites()).toBe(false);
  for (let i = 0; i < count; i++) actor.remove(`key${i}`);
  expect(store.admitWrites()).toBe(true);
  store.leaveBatch();
});

test("a limit below the index of a store that was full can be met by evicting", () => {
  const actor = new Actor(
    attachStore(createStore({ reserveBytes: RESERVE_SIZE_MIN, workers: 1 }), 0),
  );
  const { store } = actor;
  store.enterBatch();
  for (let i = 0; i < 200_000; i++) actor.put(`key${i}`, Buffer.alloc(1));
  store.leaveBatch();
  const limit = 1_000_000;
  store.setLimit(limit, EVICT_ALL_RANDOM);
  for (let batch = 0; batch < 400; batch++) {
    store.enterBatch();
    expect(store.admitWrites()).toBe(true);
    store.leaveBatch();
  }
  // The index is larger than the limit by itself, and yet keys are left and writes admitted.
  expect(store.usedMemory()).toBeGreaterThan(limit);
  expect(store.keysCount(0)).toBeGreaterThan(10_000);
});
