/** The access clock: how long ago a key was used, as OBJECT IDLETIME shows it. */
import { expect, test } from "bun:test";
import { Actor } from "../../test/threads/actor.ts";
import { advanceClock } from "./access.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { attachStore, createStore } from "./store.ts";

const MS_PER_TICK = 16_000;

function newActor(): Actor {
  return new Actor(attachStore(createStore({ reserveBytes: RESERVE_SIZE_MIN, workers: 1 }), 0));
}

/** How long the key has been idle, without using it. */
function idleMs(actor: Actor, name: string): number {
  const { store } = actor;
  const c = actor.aim(name);
  store.lock(c);
  const ms = store.idleMs(c);
  store.unlock(c);
  return ms;
}

test("idleMs() is 0 after an access, whenever in a tick, and never more than the truth", () => {
  const actor = newActor();
  const { memory } = actor.store;
  actor.store.enterBatch();
  const startMs = memory.nowMs;
  advanceClock(memory, 0, Number.POSITIVE_INFINITY);
  memory.nowMs = startMs + MS_PER_TICK - 1;
  actor.put("key", Buffer.alloc(10));
  expect(idleMs(actor, "key")).toBe(0);
  for (let ticks = 1; ticks < 200; ticks++) {
    memory.nowMs = startMs + ticks * MS_PER_TICK;
    advanceClock(memory, 0, Number.POSITIVE_INFINITY);
    expect(idleMs(actor, "key")).toBe((ticks - 1) * MS_PER_TICK);
  }
  actor.store.leaveBatch();
});
