/** The embedded store on disk: what comes back, and when. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../base/errors.ts";
import { OutOfMemoryError, openStore } from "./embedded.ts";

const MEMORY = 64 * 1024 * 1024;

function inFolder(run: (dir: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "kv-embedded-"));
  try {
    run(join(folder, "data"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test.each(["everysec", "always"] as const)("what is stored comes back, %s", (persist) => {
  inFolder((dir) => {
    const store = openStore({ dir, persist, memory: MEMORY });
    for (let i = 0; i < 200; i++) store.set(`k${i}`, `v${i}`);
    store.delete("k7");
    store.pushTail("list", "a");
    store.pushHead("list", "b");
    store.set("soon", "gone", { expiresInMs: 1 });
    store.update("k1", (value) => `${value}!`);
    if (persist === "always") {
      const { durability } = store.stats();
      expect(durability?.durableStamp).toBe(durability?.lastStamp);
    }
    store.checkpoint();
    store.set("behind", "it");
    store.close();

    const again = openStore({ dir, persist, memory: MEMORY });
    expect(again.getText("k1")).toBe("v1!");
    expect(again.getText("k199")).toBe("v199");
    expect(again.has("k7")).toBe(false);
    expect(again.has("soon")).toBe(false);
    expect(again.range("list", 0, -1).map(String)).toEqual(["b", "a"]);
    expect(again.getText("behind")).toBe("it");
    expect([...again.scan("beh")].map(String)).toEqual(["behind"]);
    again.clear();
    again.close();

    const empty = openStore({ dir, persist, memory: MEMORY });
    expect(empty.stats().keysCount).toBe(0);
    expect(() => openStore({ dir, memory: MEMORY })).toThrow("another process has it");
    empty.close();
  });
});

test("compact() gives back what overwriting has left behind", () => {
  inFolder((dir) => {
    const store = openStore({ dir, memory: MEMORY });
    const value = Buffer.alloc(100_000, "x");
    for (let i = 0; i < 4000; i++) store.set(`k${i % 20}`, value);
    store.compact();
    store.compact();
    const { durability } = store.stats();
    expect(durability?.checkpointBytes).toBeLessThan(4_000_000);
    expect(readdirSync(dir).filter((name) => name.startsWith("shard-"))).toHaveLength(8);
    expect(durability?.logBytes).toBeLessThanOrEqual(3 * 64 * 1024 * 1024);
    expect(store.get("k19")).toEqual(value);
    store.close();
  });
});

/** Only root may mount. */
const mayMount = process.platform === "linux" && process.getuid?.() === 0;

test.skipIf(!mayMount)(
  "a full disk: a write that has no room throws, every other one comes back",
  () => {
    inFolder((disk) => {
      mkdirSync(disk);
      const mount = ["mount", "-t", "tmpfs", "-o", "size=280m", "none", disk];
      expect(Bun.spawnSync(mount).exitCode).toBe(0);
      try {
        const dir = join(disk, "data");
        const ballast = join(disk, "ballast");
        writeFileSync(ballast, Buffer.alloc(100 * 1024 * 1024));
        const store = openStore({ dir, memory: 16 * MEMORY });
        const value = Buffer.alloc(500_000, "x");
        let stored = 0;
        const fill = () => {
          for (; stored < 2000; stored++) store.set(`k${stored}`, value);
        };
        expect(fill).toThrow(OutOfMemoryError);
        expect(fill).toThrow("Cannot write to the log: no space left on device");
        expect(() => store.pushTail("list", value)).toThrow(OutOfMemoryError);
        expect(store.has(`k${stored}`)).toBe(false);
        expect(() => store.checkpoint()).toThrow("Cannot write a checkpoint");
        expect(readdirSync(dir).filter((name) => name.endsWith(".tmp"))).toEqual([]);
        store.close();
        rmSync(ballast);
        const again = openStore({ dir, memory: 16 * MEMORY });
        expect(again.stats().keysCount).toBe(stored);
        expect(again.get(`k${stored - 1}`)).toEqual(value);
        again.close();
      } finally {
        Bun.spawnSync(["umount", "-l", disk]);
      }
    });
  },
);

test("a store that nobody has written to is checkpointed as well", () => {
  inFolder((dir) => {
    const store = openStore({ dir, memory: MEMORY });
    store.checkpoint();
    expect(store.stats().durability?.checkpoints).toBe(1);
    store.close();
  });
});

test("openStore() refuses a mode without a directory, and an unknown one", () => {
  expect(() => openStore({ persist: "always" })).toThrow(UsageError);
  expect(() => openStore({ dir: "x", persist: "no" as "off" })).toThrow("none of off");
});
