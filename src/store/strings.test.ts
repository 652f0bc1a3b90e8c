/**
 * Strings at every boundary of their representation, holes, running out of memory, and the small
 * run of store.fuzz.ts.
 */
import { describe, expect, test } from "bun:test";
import { Actor } from "../../test/threads/actor.ts";
import { checkInvariants } from "./invariants.ts";
import {
  INLINE_SIZE_MAX,
  KEY_SIZE_MAX,
  SHARD_ENTRIES,
  STRING_NODE_SIZE,
  STRING_SIZE_MAX,
} from "./layout.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import {
  STATUS_KEY_TOO_LONG,
  STATUS_OK,
  STATUS_OUT_OF_MEMORY,
  STATUS_TOO_LARGE,
  type Status,
} from "./status.ts";
import { StoreFuzzer } from "./store.fuzz.ts";
import { attachStore, createStore } from "./store.ts";

function newActor(): Actor {
  return new Actor(attachStore(createStore({ reserveBytes: RESERVE_SIZE_MIN, workers: 1 }), 0));
}

/** Bytes that differ from place to place. */
function pattern(length: number, seed = 1): Buffer {
  const value = Buffer.alloc(length);
  for (let i = 0; i < length; i++) value[i] = (i * 31 + (i >> 8) * 7 + seed) & 255;
  return value;
}

function readAll(actor: Actor, name = "key"): Buffer | undefined {
  return actor.get(name) ? Buffer.from(actor.out.bytes.subarray(0, actor.out.length)) : undefined;
}

function writeRange(actor: Actor, at: number, piece: Buffer): Status {
  const c = actor.aim("key");
  actor.store.lock(c);
  const status = actor.store.writeRange(c, at, piece, 0, piece.length);
  actor.store.unlock(c);
  return status;
}

function nodesCount(actor: Actor): number {
  const { shards } = actor.store.memory.nodes;
  return shards.reduce((sum, shard) => sum + (shard[SHARD_ENTRIES] as number), 0);
}

/** Lengths around everything that changes how a string is kept. */
const EDGES = [STRING_NODE_SIZE, INLINE_SIZE_MAX, 2 * STRING_NODE_SIZE, 3 * STRING_NODE_SIZE];
const LENGTHS = [0, 1, 7, 8, ...EDGES.flatMap((edge) => [edge - 1, edge, edge + 1])];

describe("strings", () => {
  test("putString() keeps every length around the boundaries, over every other one", () => {
    const actor = newActor();
    for (const before of LENGTHS) {
      for (const after of LENGTHS) {
        actor.put("key", pattern(before, 3));
        actor.put("key", pattern(after));
        expect(readAll(actor)?.equals(pattern(after))).toBe(true);
      }
    }
    checkInvariants(actor.store.memory);
  });

  test("a string is in nodes from INLINE_SIZE_MAX on, and not below", () => {
    const actor = newActor();
    actor.put("key", pattern(INLINE_SIZE_MAX));
    expect(nodesCount(actor)).toBe(0);
    actor.put("key", pattern(INLINE_SIZE_MAX + 1));
    expect(nodesCount(actor)).toBe(2);
    actor.put("key", pattern(10));
    expect(nodesCount(actor)).toBe(0);
  });

  test("appendString() grows every length around the boundaries and touches no other block", () => {
    for (const before of LENGTHS) {
      for (const added of [1, 40, 20_000]) {
        const actor = newActor();
        // Blocks on both sides of those that the string gets.
        for (const name of ["left", "key", "right"]) actor.put(name, pattern(before));
        for (const name of ["left2", "right2"]) actor.put(name, pattern(40_000, 9));
        expect(writeRange(actor, before, pattern(added, 5))).toBe(STATUS_OK);
        const wanted = Buffer.concat([pattern(before), pattern(added, 5)]);
        expect(readAll(actor)?.equals(wanted)).toBe(true);
        for (const name of ["left", "right"]) {
          expect(readAll(actor, name)?.equals(pattern(before))).toBe(true);
        }
        for (const name of ["left2", "right2"]) {
          expect(readAll(actor, name)?.equals(pattern(40_000, 9))).toBe(true);
        }
        checkInvariants(actor.store.memory);
        for (const name of ["left", "right", "left2", "right2", "key"]) actor.remove(name);
        while (actor.store.upkeep(10));
        expect(nodesCount(actor)).toBe(0);
      }
    }
  });

  test("writeRange() far behind the end leaves zeros in between, whatever memory held", () => {
    for (const before of LENGTHS) {
      const actor = newActor();
      for (let i = 0; i < 8; i++) actor.put(`dirt${i}`, Buffer.alloc(40_000, 0xee));
      for (let i = 0; i < 8; i++) actor.remove(`dirt${i}`);
      actor.put("key", pattern(before));
      const at = before + 50_000;
      expect(writeRange(actor, at, pattern(3))).toBe(STATUS_OK);
      const wanted = Buffer.concat([pattern(before), Buffer.alloc(50_000), pattern(3)]);
      expect(readAll(actor)?.equals(wanted)).toBe(true);
    }
  });

  test("a hole up to STRING_SIZE_MAX costs one node, and one byte more is refused", () => {
    const actor = newActor();
    actor.put("key", Buffer.from("start"));
    expect(writeRange(actor, STRING_SIZE_MAX - 3, Buffer.from("end"))).toBe(STATUS_OK);
    expect(nodesCount(actor)).toBe(2);
    const c = actor.aim("key");
    expect(actor.store.beginRead(c)).toBe(true);
    expect(c.valueLength).toBe(STRING_SIZE_MAX);
    actor.out.length = 0;
    actor.store.copyValue(c, actor.out, STRING_SIZE_MAX - 5, 100);
    expect(actor.out.bytes.toString("latin1", 0, actor.out.length)).toBe("\0\0end");
    expect(actor.store.endRead(c)).toBe(true);
    expect(writeRange(actor, STRING_SIZE_MAX, Buffer.from("x"))).toBe(STATUS_TOO_LARGE);
    expect(writeRange(actor, STRING_SIZE_MAX - 3, Buffer.from("END!"))).toBe(STATUS_TOO_LARGE);
    actor.remove("key");
    while (actor.store.upkeep(10));
    expect(nodesCount(actor)).toBe(0);
    checkInvariants(actor.store.memory);
  });

  test("a write that runs out of memory leaves the string as long, and nothing behind it", () => {
    const actor = newActor();
    const large = Buffer.alloc(RESERVE_SIZE_MIN, 0xee);
    for (const before of [5, 20_000, 2 * STRING_NODE_SIZE]) {
      actor.put("key", pattern(before));
      expect(writeRange(actor, before, large)).toBe(STATUS_OUT_OF_MEMORY);
      expect(readAll(actor)?.equals(pattern(before))).toBe(true);
      checkInvariants(actor.store.memory);
      expect(writeRange(actor, before + 70_000, pattern(1))).toBe(STATUS_OK);
      const wanted = Buffer.concat([pattern(before), Buffer.alloc(70_000), pattern(1)]);
      expect(readAll(actor)?.equals(wanted)).toBe(true);
      actor.remove("key");
      while (actor.store.upkeep(10));
      expect(nodesCount(actor)).toBe(0);
    }
  });

  test("keys reach KEY_SIZE_MAX with any value, and one byte more is refused", () => {
    const actor = newActor();
    const name = "k".repeat(KEY_SIZE_MAX);
    for (const length of LENGTHS) {
      actor.put(name, pattern(length));
      expect(readAll(actor, name)?.equals(pattern(length))).toBe(true);
    }
    expect(actor.get(name.slice(1))).toBe(false);
    const { store } = actor;
    for (const length of [1, 20_000]) {
      const c = actor.aim(`${name}k`);
      store.lock(c);
      expect(store.putString(c, pattern(length), 0, length, 0)).toBe(STATUS_KEY_TOO_LONG);
      store.unlock(c);
    }
    checkInvariants(store.memory);
  });

  test("valueLength is right after putString() in place, so that an append can follow", () => {
    const actor = newActor();
    const { store } = actor;
    actor.put("key", pattern(20));
    const c = actor.aim("key");
    store.lock(c);
    store.putString(c, pattern(18), 0, 18, 0);
    expect(c.valueLength).toBe(18);
    store.appendString(c, pattern(2), 0, 2);
    store.unlock(c);
    expect(readAll(actor)?.equals(Buffer.concat([pattern(18), pattern(2)]))).toBe(true);
  });

  test("random operations agree with a Map", () => {
    for (let seed = 1; seed <= 3; seed++) {
      const fuzzer = new StoreFuzzer(seed, 200);
      for (let i = 0; i < 3000; i++) fuzzer.step();
      fuzzer.check();
    }
  });

  test("the fuzzer notices a value that differs", () => {
    const fuzzer = new StoreFuzzer(4, 3);
    for (let i = 0; i < 200; i++) fuzzer.step();
    const actor = new Actor(fuzzer.store);
    for (let position = 0; ; ) {
      position = fuzzer.store.scanStep(0, position);
      const { scanned } = fuzzer.store;
      if (scanned.count > 0) {
        const name = scanned.keys.bytes.toString("latin1", 0, scanned.length[0]);
        const c = actor.aim("");
        c.bytes = Buffer.from(name, "latin1");
        c.keyLength = c.bytes.length;
        c.hash = fuzzer.store.hash(c.bytes, 0, c.keyLength);
        fuzzer.store.lock(c);
        fuzzer.store.putString(c, Buffer.from("other"), 0, 5, 0);
        fuzzer.store.unlock(c);
        break;
      }
      expect(position).not.toBe(0);
    }
    expect(() => fuzzer.check()).toThrow();
  });
});

test("a string that grows out of its record leaves no private memory behind", () => {
  const actor = newActor();
  const { store } = actor;
  const value = pattern(16_000);
  const growOnce = () => {
    actor.put("key", value);
    const c = actor.aim("key");
    store.lock(c);
    expect(store.appendString(c, value, 0, 1000)).toBe(STATUS_OK);
    store.remove(c);
    store.unlock(c);
  };
  for (let i = 0; i < 100; i++) growOnce();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 8000; i++) growOnce();
  expect(process.memoryUsage.rss() - before).toBeLessThan(60_000_000);
});
