/**
 * Lists in the store: the forms that a list takes, what is freed, a model of arrays, several
 * Workers.
 */
import { describe, expect, test } from "bun:test";
import { ByteBuffer } from "../base/byte-buffer.ts";
import type { Cursor } from "./cursor.ts";
import { TYPE_LIST, TYPE_NONE } from "./cursor.ts";
import { SHARD_ENTRIES } from "./layout.ts";
import { listInvariants, rebuildList } from "./list-copy.ts";
import { descriptorWord, LIST_IRREGULAR, LIST_STATE } from "./list-page.ts";
import { ListBench } from "./lists.bench.ts";
import { fuzzLists, ListFuzzer } from "./lists.fuzz.ts";
import { LIST_INLINE_SIZE_MAX, LIST_ITEM_SIZE_MAX, NODE_NUMBER_MAX } from "./lists.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { DESCRIPTOR_LAST } from "./read.ts";
import { STATUS_OK, STATUS_OUT_OF_MEMORY } from "./status.ts";
import { attachStore, createStore, type Store } from "./store.ts";

const HEAD = true;
const TAIL = false;

class List {
  readonly store: Store = attachStore(
    createStore({ reserveBytes: RESERVE_SIZE_MIN, workers: 1 }),
    0,
  );
  readonly cursor: Cursor = this.aim("list");

  aim(name: string, index = 0): Cursor {
    const cursor = this.store.cursor(index);
    cursor.bytes = Buffer.from(name);
    cursor.keyStart = 0;
    cursor.keyLength = name.length;
    cursor.hash = this.store.hash(cursor.bytes, 0, name.length);
    cursor.db = 0;
    return cursor;
  }

  change(run: (store: Store, cursor: Cursor) => void): void {
    this.store.lock(this.cursor);
    run(this.store, this.cursor);
    if (this.cursor.type === TYPE_LIST) listInvariants(this.store.memory, this.cursor);
    this.store.unlock(this.cursor);
  }

  push(atHead: boolean, ...items: (string | Buffer)[]): void {
    this.change((store, cursor) => {
      for (const item of items) {
        const bytes = Buffer.from(item as string);
        expect(store.pushItem(cursor, atHead, bytes, 0, bytes.length)).toBe(STATUS_OK);
      }
    });
  }

  all(): string[] {
    const items: string[] = [];
    const out = new ByteBuffer(64);
    if (this.store.beginRead(this.cursor)) {
      for (let i = 0; this.store.seekItem(this.cursor, i); i++) {
        out.length = 0;
        this.store.copyItem(this.cursor, out);
        items.push(out.bytes.toString("latin1", 0, out.length));
      }
    }
    expect(this.store.endRead(this.cursor)).toBe(true);
    return items;
  }

  nodesCount(): number {
    let count = 0;
    for (const shard of this.store.memory.nodes.shards) count += shard[SHARD_ENTRIES] as number;
    return count;
  }
}

function numbers(from: number, to: number, size = 40): string[] {
  return Array.from({ length: to - from }, (_, i) => `${from + i}`.padEnd(size, "."));
}

describe("lists", () => {
  test("pushItem() creates a list and adds at both ends", () => {
    const list = new List();
    list.push(TAIL, "b", "c");
    list.push(HEAD, "a", "");
    expect(list.all()).toEqual(["", "a", "b", "c"]);
    expect(list.cursor.itemsCount).toBe(4);
  });

  test("a list moves to nodes when its page becomes too large, and keeps its order", () => {
    const list = new List();
    const items = numbers(0, 1000);
    list.push(TAIL, ...items.slice(500));
    list.push(HEAD, ...items.slice(0, 500).reverse());
    expect(list.nodesCount()).toBeGreaterThan((1000 * 40) / 4096);
    expect(list.all()).toEqual(items);
  });

  test("dropItems() frees whole nodes and the key with the last element", () => {
    const list = new List();
    const items = numbers(0, 1000);
    list.push(TAIL, ...items);
    const before = list.nodesCount();
    list.change((store, cursor) => store.dropItems(cursor, HEAD, 900));
    expect(list.nodesCount()).toBeLessThan(before / 5);
    expect(list.all()).toEqual(items.slice(900));
    list.change((store, cursor) => store.dropItems(cursor, TAIL, 100));
    expect(list.cursor.type).toBe(TYPE_NONE);
    expect(list.all()).toEqual([]);
    while (list.store.upkeep(10));
    expect(list.nodesCount()).toBe(0);
  });

  test("trimming a long list to its ends frees its nodes in the background", () => {
    for (const atHead of [HEAD, TAIL]) {
      const list = new List();
      const items = numbers(0, 40_000);
      list.push(TAIL, ...items);
      list.change((store, cursor) => store.dropItems(cursor, atHead, 39_950));
      expect(list.all()).toEqual(atHead ? items.slice(39_950) : items.slice(0, 50));
      // New nodes do not get in the way of those that wait.
      const more = numbers(0, 500);
      list.push(TAIL, ...more);
      list.push(HEAD, ...more);
      while (list.store.upkeep(10));
      expect(list.all().length).toBe(1050);
      expect(list.nodesCount()).toBeLessThan(20);
      list.change((store, cursor) => store.remove(cursor));
      while (list.store.upkeep(10));
      expect(list.nodesCount()).toBe(0);
    }
  });

  test("trimming works when there is no memory for a copy of what is kept", () => {
    const list = new List();
    const items = numbers(0, 40_000);
    list.push(TAIL, ...items);
    list.change((store, cursor) => store.insertItem(cursor, 20_000, Buffer.from("x"), 0, 1));
    items.splice(20_000, 0, "x");
    const before = list.nodesCount();
    const element = Buffer.alloc(4000);
    for (let i = 0, status = STATUS_OK; status === STATUS_OK; i++) {
      const other = list.aim(`other ${i}`, 1);
      list.store.lock(other);
      status = list.store.pushItem(other, TAIL, element, 0, element.length);
      list.store.unlock(other);
    }
    const others = list.nodesCount() - before;
    list.change((store, cursor) => store.dropItems(cursor, HEAD, 39_900));
    expect(list.all()).toEqual(items.slice(39_900));
    expect(list.nodesCount() - others).toBeLessThan(5);
  });

  test("a capped list (LPUSH and LTRIM) keeps the newest and does not grow", () => {
    const list = new List();
    for (let i = 0; i < 5000; i++) {
      list.change((store, cursor) => {
        const bytes = Buffer.from(`${i}`.padEnd(128, "."));
        store.pushItem(cursor, HEAD, bytes, 0, bytes.length);
        if (cursor.itemsCount > 100) store.trimList(cursor, 0, 99);
      });
    }
    expect(list.all()).toEqual(numbers(4900, 5000, 128).reverse());
    expect(list.nodesCount()).toBeLessThanOrEqual(6);
  });

  test("insertItem() and removeItem() in the middle leave a list irregular and right", () => {
    const list = new List();
    const items = numbers(0, 2000);
    list.push(TAIL, ...items);
    list.change((store, cursor) => {
      for (let i = 0; i < 500; i++) {
        store.insertItem(cursor, 1000, Buffer.from(`new ${i}`), 0, 5);
        items.splice(1000, 0, `new ${i}`.slice(0, 5));
      }
      for (let i = 0; i < 300; i++) store.removeItem(cursor, 300);
      items.splice(300, 300);
      const state = descriptorWord(store.memory, cursor, LIST_STATE);
      expect(state & LIST_IRREGULAR).toBe(LIST_IRREGULAR);
    });
    expect(list.all()).toEqual(items);
  });

  test("holes are filled when there are more of them than nodes", () => {
    const list = new List();
    list.push(TAIL, ...numbers(0, 4000));
    list.change((store, cursor) => {
      for (let i = 0; i < 3998; i++) store.removeItem(cursor, 1);
    });
    expect(list.all()).toEqual([...numbers(0, 1), ...numbers(3999, 4000)]);
    while (list.store.upkeep(10));
    expect(list.nodesCount()).toBeLessThanOrEqual(20);
  });

  test("elements of every size class survive: page, node, pieces", () => {
    const list = new List();
    const sizes = [0, 1, LIST_INLINE_SIZE_MAX, 5000, LIST_ITEM_SIZE_MAX, LIST_ITEM_SIZE_MAX + 1];
    const items = [...sizes, 16_352 * 3, 1_000_000].map((size) => "x".repeat(size));
    list.push(TAIL, ...items);
    expect(list.all()).toEqual(items);
    list.change((store, cursor) => {
      expect(store.setItem(cursor, 1, Buffer.from(items[7] as string), 0, 1_000_000)).toBe(0);
      expect(store.setItem(cursor, 7, Buffer.from("small"), 0, 5)).toBe(STATUS_OK);
    });
    expect(list.all()[1]).toBe(items[7] as string);
    expect(list.all()[7]).toBe("small");
    list.change((store, cursor) => store.remove(cursor));
    while (list.store.upkeep(10));
    expect(list.nodesCount()).toBe(0);
  });

  test("a list whose node numbers come to their limit is numbered anew", () => {
    for (const atHead of [HEAD, TAIL]) {
      const list = new List();
      const items = numbers(0, 2000);
      list.push(TAIL, ...items.slice(500, 1500));
      list.change((store, cursor) => {
        const first = atHead ? 1 - NODE_NUMBER_MAX : NODE_NUMBER_MAX - 30;
        expect(rebuildList(store.memory, cursor, first)).toBe(STATUS_OK);
      });
      if (atHead) list.push(HEAD, ...items.slice(0, 500).reverse());
      else list.push(TAIL, ...items.slice(1500), ...numbers(2000, 20_000));
      list.change((store, cursor) => {
        const last = descriptorWord(store.memory, cursor, DESCRIPTOR_LAST);
        expect(Math.abs(last)).toBeLessThan(1000);
      });
      expect(list.all()).toEqual(atHead ? items.slice(0, 1500) : numbers(500, 20_000));
    }
  });

  test("a list keeps its expiry when its record grows and moves to nodes", () => {
    const list = new List();
    list.push(TAIL, "a");
    const expiresAtMs = list.store.memory.nowMs + 1_000_000;
    list.change((store, cursor) => store.setExpiry(cursor, expiresAtMs));
    expect(list.all()).toEqual(["a"]);
    const items = numbers(0, 200);
    list.push(HEAD, ...items);
    expect(list.all()).toEqual([...items.reverse(), "a"]);
    expect(list.cursor.expiresAtMs).toBe(expiresAtMs);
    list.change((store, cursor) => store.setExpiry(cursor, 0));
    expect(list.all().length).toBe(201);
  });

  test("pushItem() changes nothing when the reservation is used up", () => {
    const list = new List();
    list.push(TAIL, "kept");
    const big = Buffer.alloc(RESERVE_SIZE_MIN, 1);
    list.change((store, cursor) => {
      expect(store.pushItem(cursor, TAIL, big, 0, big.length)).toBe(STATUS_OUT_OF_MEMORY);
      expect(store.setItem(cursor, 0, big, 0, big.length)).toBe(STATUS_OUT_OF_MEMORY);
    });
    expect(list.all()).toEqual(["kept"]);
  });

  test("agrees with arrays over random operations", () => {
    for (let seed = 1; seed <= 8; seed++) fuzzLists(seed, 400);
  });

  test("several Workers on the same lists: no confirmed read is torn", async () => {
    // A process of its own: a Worker that dies must not take the tests with it.
    const script = `${import.meta.dir}/lists.threads.fuzz.ts`;
    const child = Bun.spawn([process.execPath, script, "--seed=7", "--steps=4000"], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const output = await new Response(child.stdout).text();
    expect(`${output}exit ${await child.exited}`).toEndWith("exit 0");
  }, 60_000);

  test("ListBench runs with small parameters", () => {
    const lists = new ListBench(3, 10, 128);
    for (let i = 0; i < 100; i++) lists.pushCapped();
    lists.readRange(50);
    expect(lists.bytesRead).toBe(10 * 128);
  });

  test("the fuzzer notices a list that differs", () => {
    const fuzzer = new ListFuzzer(5);
    for (let i = 0; i < 50; i++) fuzzer.step();
    const intruder = Buffer.from("intruder");
    const cursor = fuzzer.store.cursor(0);
    fuzzer.store.lock(cursor);
    fuzzer.store.pushItem(cursor, HEAD, intruder, 0, intruder.length);
    fuzzer.store.unlock(cursor);
    expect(() => {
      for (let i = 0; i < 200; i++) fuzzer.step();
    }).toThrow();
  });
});

test("a short list under a very long key outlives a new record: EXPIRE, RENAME", () => {
  // Blocks of such keys are large, and the page takes what is left of one: more than any string.
  for (const keySize of [43_800, 65_500]) {
    const list = new List();
    const { store } = list;
    const cursor = list.aim("k".repeat(keySize));
    for (let i = 0; i < 20; i++) list.push(TAIL, `value${i}`);
    const before = list.all();
    expect(before.length).toBe(20);
    list.change((changed, c) => {
      expect(changed.setExpiry(c, Number.MAX_SAFE_INTEGER)).toBe(STATUS_OK);
    });
    expect(list.all()).toEqual(before);
    const to = list.aim("n".repeat(keySize), 1);
    store.lockAll(2);
    expect(store.rename(cursor, to)).toBe(STATUS_OK);
    store.unlockAll(2);
    list.aim("n".repeat(keySize));
    expect(list.all()).toEqual(before);
    list.change(() => {});
  }
});
