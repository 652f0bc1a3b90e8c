/** Copying values: what it leaves behind. keyspace and list tests have what it does. */
import { expect, test } from "bun:test";
import { Actor } from "../../test/threads/actor.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { STATUS_OK } from "./status.ts";
import { attachStore, createStore } from "./store.ts";

test("copyTo() of a large string leaves no private memory behind", () => {
  const size = 4_000_000;
  const actor = new Actor(
    attachStore(createStore({ reserveBytes: RESERVE_SIZE_MIN, workers: 1 }), 0),
  );
  const { store } = actor;
  actor.put("from", Buffer.alloc(size, "x"));
  const copyOnce = () => {
    const from = actor.aim("from", 0);
    const to = actor.aim("to", 1);
    store.lockAll(2);
    expect(store.copyTo(from, to)).toBe(STATUS_OK);
    store.unlockAll(2);
    expect(actor.get("to")).toBe(true);
    expect(actor.out.length).toBe(size);
    expect(actor.remove("to")).toBe(true);
    while (store.upkeep(10));
  };
  copyOnce();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 60; i++) copyOnce();
  expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);
});
