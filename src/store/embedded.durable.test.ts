/** The embedded store on disk: what comes back, and when. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../test/harness.ts";
import { FatalError, UsageError } from "../base/errors.ts";
import { attach, OutOfMemoryError, openStore } from "./embedded.ts";

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

test("a program that is started again and again does not take a segment each time", () => {
  inFolder((dir) => {
    for (let i = 0; i < 6; i++) {
      const store = openStore({ dir, memory: MEMORY });
      store.set(`k${i}`, "v");
      store.close();
    }
    // The open one, and one ahead.
    expect(readdirSync(dir).filter((name) => name.startsWith("log-"))).toHaveLength(2);
    const store = openStore({ dir, memory: MEMORY });
    expect(store.stats().keysCount).toBe(6);
    store.close();
  });
});

test("a store that nobody has written to is checkpointed as well", () => {
  inFolder((dir) => {
    const store = openStore({ dir, memory: MEMORY });
    store.checkpoint();
    expect(store.stats().durability?.checkpoints).toBe(1);
    store.close();
  });
});

test("a segment that cannot be mapped refuses the change, and nobody waits for it", () => {
  inFolder((dir) => {
    const store = openStore({ dir, memory: MEMORY });
    const other = attach(store.handle);
    rmSync(join(dir, "log-000000"));
    for (let i = 0; i < 3; i++) {
      expect(() => store.set("a", "1")).toThrow(OutOfMemoryError);
      expect(() => other.pushHead("l", "1")).toThrow(OutOfMemoryError);
    }
    expect(store.has("a")).toBe(false);
    store.close();
  });
});

test("what waits for a flush is refused inside a batch, which a flush would wait for", () => {
  inFolder((dir) => {
    const store = openStore({ dir, memory: MEMORY });
    store.batch(() => {
      store.set("a", "1");
      for (const call of ["flush", "checkpoint", "close"] as const) {
        expect(() => store[call]()).toThrow(UsageError);
      }
    });
    store.flush();
    expect(store.getText("a")).toBe("1");
    store.close();
  });
});

test.each(["everysec", "always"] as const)(
  "a closed store refuses changes in every thread and waits for nothing, %s",
  (persist) => {
    inFolder((dir) => {
      const store = openStore({ dir, persist, memory: MEMORY });
      const other = attach(store.handle);
      other.set("a", "1");
      store.close();
      for (const view of [store, other]) {
        expect(() => view.set("b", "1")).toThrow("Cannot change the store: it is closed");
        expect(() => view.pushTail("l", "1")).toThrow(FatalError);
        expect(() => view.delete("a")).toThrow(FatalError);
        expect(() => view.checkpoint()).toThrow(FatalError);
        expect(view.getText("a")).toBe("1");
        expect(view.has("b")).toBe(false);
      }
      store.close();
      const again = openStore({ dir, persist, memory: MEMORY });
      expect(again.getText("a")).toBe("1");
      expect(again.has("b")).toBe(false);
      again.close();
    });
  },
);

test.each(["everysec", "always"] as const)(
  "when the log cannot be flushed every change throws, and close() says so at once, %s",
  async (persist) => {
    const folder = mkdtempSync(join(tmpdir(), "kv-embedded-"));
    const dir = join(folder, "data");
    const store = openStore({ dir, persist, memory: MEMORY });
    const change = () => store.set("a", "1");
    const first = () => {
      change();
      // A flush waits for the end of the batch; then what is to be flushed is gone.
      rmSync(join(dir, "log-000000"));
    };
    if (persist === "always") expect(() => store.batch(first)).toThrow(FatalError);
    else store.batch(first);
    await eventually(() => {
      try {
        change();
        return false;
      } catch (error) {
        return error instanceof FatalError;
      }
    }, "the flush has failed");
    for (let i = 0; i < 200; i++) expect(change).toThrow("the disk refuses");
    expect(() => store.delete("a")).toThrow("the disk refuses");
    expect(store.getText("a")).toBe("1");
    expect(() => store.close()).toThrow("the disk refuses");
    // The directory is given up all the same.
    openStore({ dir, memory: MEMORY }).close();
    rmSync(folder, { recursive: true });
  },
);

test("openStore() refuses a mode without a directory, and an unknown one", () => {
  expect(() => openStore({ persist: "always" })).toThrow(UsageError);
  expect(() => openStore({ dir: "x", persist: "no" as "off" })).toThrow("none of off");
});
