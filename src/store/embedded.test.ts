/**
 * The embedded library: what its documentation says, by its public functions only.
 */
import { describe, expect, test } from "bun:test";
import { eventually } from "../../test/harness.ts";
import { UsageError } from "../base/errors.ts";
import { attach, OutOfMemoryError, openStore, WrongTypeError } from "./embedded.ts";
import { checkInvariants } from "./invariants.ts";
import { KEY_SIZE_MAX } from "./layout.ts";
import { Memory } from "./memory.ts";

const MIB = 1024 * 1024;

describe("EmbeddedStore strings", () => {
  test("get() gives back what set() was given, bytes and text", () => {
    const store = openStore({ memory: 16 * MIB });
    store.set("text", "grüße");
    store.set(new Uint8Array([0, 255, 13, 10]), new Uint8Array([1, 0, 2]));
    store.set("", "");
    expect(store.getText("text")).toBe("grüße");
    expect(store.get(Buffer.from([0, 255, 13, 10]))).toEqual(Buffer.from([1, 0, 2]));
    expect(store.get("")).toEqual(Buffer.alloc(0));
    expect(store.get("missing")).toBeNull();
    expect(store.has("text")).toBe(true);
    expect(store.has("missing")).toBe(false);
    store.close();
  });

  test("a value of 5 MB survives, and its space comes back when it is deleted", async () => {
    const store = openStore({ memory: 64 * MIB });
    const value = Buffer.alloc(5 * MIB, "0123456789abcdef7");
    store.set("large", value);
    expect(store.get("large")?.equals(value)).toBe(true);
    expect(store.stats().usedBytes).toBeGreaterThan(5 * MIB);
    expect(store.delete("large")).toBe(true);
    expect(store.delete("large")).toBe(false);
    // The opening thread frees the nodes in the background.
    await eventually(() => store.stats().usedBytes <= MIB, "the space has come back");
    store.close();
  });

  test("set() with expiresInMs makes a key that goes", async () => {
    const store = openStore({ memory: 16 * MIB });
    store.set("soon", "gone", { expiresInMs: 20 });
    store.set("stays", "here");
    expect(store.stats().expiringCount).toBe(1);
    await eventually(() => !store.has("soon"), "the key has expired");
    expect(store.getText("stays")).toBe("here");
    expect(() => store.set("x", "y", { expiresInMs: 0 })).toThrow(UsageError);
    store.close();
  });

  test("get() sees a key go while the event loop stands still", () => {
    const store = openStore({ memory: 16 * MIB });
    store.set("soon", "gone", { expiresInMs: 20 });
    const startMs = performance.now();
    while (store.get("soon") !== null && performance.now() - startMs < 10_000);
    const elapsedMs = performance.now() - startMs;
    expect(elapsedMs).toBeGreaterThan(18);
    expect(elapsedMs).toBeLessThan(10_000);
    store.set("soon", "stays");
    expect(store.getText("soon")).toBe("stays");
    store.close();
  });

  test("update() sees the old value, can remove, and changes nothing when it throws", () => {
    const store = openStore({ memory: 16 * MIB });
    store.update("n", (value) => (value === null ? "1" : "2"));
    store.update("n", (value) => `${value?.toString()}+`);
    expect(store.getText("n")).toBe("1+");
    expect(() =>
      store.update("n", () => {
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(store.getText("n")).toBe("1+");
    store.update("n", () => null);
    expect(store.has("n")).toBe(false);
    store.close();
  });
});

describe("EmbeddedStore lists", () => {
  test("pushes, pops, ranges and trims as a list does", () => {
    const store = openStore({ memory: 16 * MIB });
    expect(store.pushTail("l", "b")).toBe(1);
    expect(store.pushTail("l", "c")).toBe(2);
    expect(store.pushHead("l", "a")).toBe(3);
    expect(store.range("l", 0, -1).map(String)).toEqual(["a", "b", "c"]);
    expect(store.range("l", -2, 100).map(String)).toEqual(["b", "c"]);
    expect(store.range("l", 2, 1)).toEqual([]);
    store.trim("l", 0, 1);
    expect(store.listLength("l")).toBe(2);
    expect(String(store.popTail("l"))).toBe("b");
    expect(String(store.popHead("l"))).toBe("a");
    expect(store.popHead("l")).toBeNull();
    expect(store.has("l")).toBe(false);
    store.close();
  });

  test("a string is no list and a list no string", () => {
    const store = openStore({ memory: 16 * MIB });
    store.set("s", "x");
    store.pushTail("l", "x");
    expect(() => store.pushHead("s", "y")).toThrow(WrongTypeError);
    expect(() => store.range("s", 0, 1)).toThrow(WrongTypeError);
    expect(() => store.get("l")).toThrow(WrongTypeError);
    store.set("l", "now a string");
    expect(store.getText("l")).toBe("now a string");
    store.close();
  });
});

describe("EmbeddedStore as a whole", () => {
  test("scan() finds every key with the prefix and no other", () => {
    const store = openStore({ memory: 64 * MIB });
    store.batch(() => {
      for (let i = 0; i < 5000; i++) store.set(`a:${i}`, "1");
      for (let i = 0; i < 5000; i++) store.set(`b:${i}`, "1");
    });
    expect(new Set([...store.scan("a:")].map(String)).size).toBe(5000);
    expect(new Set([...store.scan()].map(String)).size).toBe(10_000);
    expect(store.stats().keysCount).toBe(10_000);
    store.clear();
    expect([...store.scan()]).toEqual([]);
    store.close();
  });

  test("a full store refuses to write, reads go on, deleting makes room", () => {
    const store = openStore({ memory: 2 * MIB });
    const value = Buffer.alloc(1000);
    let stored = 0;
    expect(() => {
      for (; stored < 10_000; stored++) store.set(`k${stored}`, value);
    }).toThrow(OutOfMemoryError);
    expect(stored).toBeGreaterThan(1000);
    expect(store.get("k0")).toEqual(value);
    for (let i = 0; i < 200; i++) store.delete(`k${i}`);
    store.set("more", value);
    store.close();
  });

  test("allkeys-lru keeps what is used", () => {
    const store = openStore({ memory: 4 * MIB, policy: "allkeys-lru" });
    const value = Buffer.alloc(500);
    store.set("hot", value);
    for (let i = 0; i < 40_000; i++) {
      store.set(`cold${i}`, value);
      if (i % 50 === 0) expect(store.has("hot")).toBe(true);
    }
    expect(store.stats().usedBytes).toBeLessThan(4.2 * MIB);
    checkInvariants(new Memory(store.handle, 0));
    store.close();
  });

  test("bad options and long keys get a clear error", () => {
    expect(() => openStore({ memory: -1 })).toThrow("memory: size (-1)");
    expect(() => openStore({ threads: 0 })).toThrow("workers: count (0)");
    const store = openStore({ memory: 16 * MIB, threads: 1 });
    expect(() => store.set("k".repeat(KEY_SIZE_MAX + 1), "")).toThrow("key: 65537 bytes are more");
    store.set("k".repeat(KEY_SIZE_MAX), "longest");
    expect(store.getText("k".repeat(KEY_SIZE_MAX))).toBe("longest");
    expect(() => attach(store.handle)).toThrow("all 1 places are taken");
    store.close();
  });

  test("the example in examples/shared-map.ts counts without losing any", () => {
    const run = Bun.spawnSync([process.execPath, "examples/shared-map.ts"]);
    expect(run.stderr.toString()).toBe("");
    expect(run.stdout.toString()).toBe(
      "bucket: 2000\nepoch: 2000\nlog: 6000\nrecord: 4000\nrounds: a list of 2000\n",
    );
    expect(run.exitCode).toBe(0);
  });
});
