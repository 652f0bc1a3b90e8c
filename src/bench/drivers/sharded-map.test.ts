/** The sharded map: by random calls it does what the embedded store does. */
import { expect, test } from "bun:test";
import { Prng } from "../../base/prng.ts";
import { openStore } from "../../store/embedded.ts";
import { ShardedMap } from "./sharded-map.ts";

const KEYS_COUNT = 12;
const CALLS_COUNT = 20_000;

/** What both can do. */
type Calls = Pick<ShardedMap, "get" | "set" | "delete" | "pushHead" | "trim" | "range">;

/** The result of a call as text, or the name of the error that it throws. */
function outcome(call: () => unknown): string {
  try {
    return JSON.stringify(call()) ?? "nothing";
  } catch (error) {
    return (error as Error).name;
  }
}

/** A call on any such object, drawn from `random`. */
function drawCall(random: Prng): (store: Calls) => unknown {
  const key = `key:${random.below(KEYS_COUNT)}`;
  const value = Buffer.alloc(random.below(40), random.below(256));
  const start = random.below(14) - 7;
  const stop = random.below(14) - 7;
  // Lists mostly, and long enough for every kind of range.
  switch (random.below(12)) {
    case 0:
      return (store) => store.set(key, value);
    case 1:
      return (store) => store.delete(key);
    case 2:
      return (store) => store.get(key);
    case 3:
      return (store) => store.trim(key, start, stop);
    case 4:
    case 5:
      return (store) => store.range(key, start, stop);
    default:
      return (store) => store.pushHead(key, value);
  }
}

test(`ShardedMap does in ${CALLS_COUNT} random calls what the embedded store does`, () => {
  const seed = 7;
  const random = new Prng(seed);
  const store = openStore({ memory: 1024 ** 2 });
  const map = new ShardedMap();
  const seen = new Set<string>();
  for (let i = 0; i < CALLS_COUNT; i++) {
    const call = drawCall(random);
    const expected = outcome(() => call(store));
    expect({ seed, i, outcome: outcome(() => call(map)) }).toEqual({ seed, i, outcome: expected });
    seen.add(expected);
  }
  expect(map.keysCount).toBe(store.stats().keysCount);
  expect([...seen]).toContain("WrongTypeError");
  expect(seen.size).toBeGreaterThan(1000);
  store.close();
});

test("ShardedMap keeps what was set when the caller changes its buffer", () => {
  const map = new ShardedMap();
  const value = Buffer.from("before");
  map.set("key", value);
  map.pushHead("list", value);
  value.fill("x");
  expect(map.get("key")).toEqual(Buffer.from("before"));
  expect(map.range("list", 0, -1)).toEqual([Buffer.from("before")]);
});

test("ShardedMap spreads the keys of the benchmark evenly over its Maps", () => {
  const map = new ShardedMap();
  for (let i = 0; i < 2000; i++)
    map.set(`simple:${String(i).padStart(10, "0")}:x`, Buffer.from(""));
  expect(map.keysCount).toBe(2000);
});
