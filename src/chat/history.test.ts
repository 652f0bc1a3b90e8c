/** The history: how much is kept and given, and what will still come live. */
import { expect, test } from "bun:test";
import { CHAT_HISTORY_SEND_SIZE_MAX } from "../base/limits.ts";
import { openStore } from "../store/embedded.ts";
import { type Entry, EntryKind, EntryWriter } from "./entry.ts";
import { History } from "./history.ts";

const writer = new EntryWriter();

function add(history: History, room: string, seq: number, payload: string, origin = 0): boolean {
  const head = { kind: EntryKind.Text, origin, seq, atMs: 1, run: 7, author: 7, clientId: 1 };
  writer.write({ ...head, room, name: "" }, payload);
  return history.add(room, writer.bytes, writer.length);
}

function texts(entries: Entry[]): string[] {
  return entries.map((it) => it.payload.toString());
}

const all = () => true;

test("History keeps the last `countMax` of each room, oldest first", () => {
  const history = new History(openStore({ memory: 16_000_000 }), 3);
  for (let i = 1; i <= 5; i++) add(history, "a", i, `a${i}`);
  add(history, "b", 6, "b6");
  expect(texts(history.read("a", 99, all))).toEqual(["a3", "a4", "a5"]);
  expect(texts(history.read("a", 2, all))).toEqual(["a4", "a5"]);
  expect(texts(history.read("b", 99, all))).toEqual(["b6"]);
  expect(history.read("a", 0, all)).toEqual([]);
  expect(history.read("none", 99, all)).toEqual([]);
});

test("History leaves out what is not known yet: it comes live", () => {
  const history = new History(openStore({ memory: 16_000_000 }), 10);
  for (let i = 1; i <= 3; i++) {
    add(history, "a", i, `zero ${i}`, 0);
    add(history, "a", i, `one ${i}`, 1);
  }
  const received = [3, 1];
  const known = history.read("a", 99, (it) => it.seq <= (received[it.origin] as number));
  expect(texts(known)).toEqual(["zero 1", "one 1", "zero 2", "zero 3"]);
});

test("History gives at most CHAT_HISTORY_SEND_SIZE_MAX, the newest messages first", () => {
  const history = new History(openStore({ memory: 64_000_000 }), 100);
  const size = Math.floor(CHAT_HISTORY_SEND_SIZE_MAX / 4);
  for (let i = 1; i <= 8; i++) add(history, "a", i, `${i}`.repeat(size));
  const given = history.read("a", 99, all);
  expect(given.map((it) => it.seq)).toEqual([6, 7, 8]);
});

test("History with 0 keeps nothing; without room in the store it says so", () => {
  const none = new History(openStore({ memory: 16_000_000 }), 0);
  expect(add(none, "a", 1, "x")).toBe(true);
  expect(none.read("a", 99, all)).toEqual([]);
  const full = new History(openStore({ memory: 2_000_000 }), 1000);
  let isKept = true;
  for (let i = 0; i < 1000 && isKept; i++) isKept = add(full, "a", i, "x".repeat(60_000));
  expect(isKept).toBe(false);
});
