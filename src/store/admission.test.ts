/** Admission within one batch; keyspace.test.ts has it over many. */
import { expect, test } from "bun:test";
import { Actor } from "../../test/threads/actor.ts";
import { EVICT_NONE } from "./eviction.ts";
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
