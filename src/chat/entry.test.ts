/** Entries: what is written is read, and what is no whole entry is none. */
import { expect, test } from "bun:test";
import { type Entry, EntryKind, EntryWriter, entrySize, readEntry } from "./entry.ts";

const HEAD: Omit<Entry, "payload"> = {
  kind: EntryKind.Binary,
  origin: 127,
  seq: 2 ** 52,
  atMs: 1_795_836_734_713,
  run: 2 ** 52 - 1,
  author: 12_345,
  clientId: 2 ** 32 - 1,
  room: "größe",
  name: "Ada 👋",
};

function write(head: Omit<Entry, "payload">, payload: Buffer | string): Buffer {
  const writer = new EntryWriter();
  writer.write(head, payload);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

test("EntryWriter and readEntry() agree on every field, for bytes and for text", () => {
  const payload = Buffer.from(Array.from({ length: 256 }, (_it, i) => i));
  expect(readEntry(write(HEAD, payload), 0)).toEqual({ ...HEAD, payload });
  const text = { ...HEAD, kind: EntryKind.Text, room: "", name: "" };
  expect(readEntry(write(text, "é👋"), 0)).toEqual({ ...text, payload: Buffer.from("é👋") });
});

test("EntryWriter takes payloads larger than its buffer, and gives a large buffer back", () => {
  const writer = new EntryWriter();
  writer.write(HEAD, Buffer.alloc(2_000_000, 1));
  expect(entrySize(writer.bytes, 0)).toBe(writer.length);
  expect(readEntry(writer.bytes, 0)?.payload.length).toBe(2_000_000);
  writer.write(HEAD, "small");
  expect(writer.bytes.length).toBeLessThan(10_000);
  expect(readEntry(writer.bytes, 0)?.payload.toString()).toBe("small");
});

test("readEntry() reads one behind the other, and refuses what is cut off or made up", () => {
  const one = write(HEAD, "one");
  const both = Buffer.concat([one, write(HEAD, "two")]);
  expect(readEntry(both, entrySize(both, 0))?.payload.toString()).toBe("two");
  for (let size = 0; size < one.length; size++) {
    expect(readEntry(one.subarray(0, size), 0)).toBeNull();
  }
  for (const [at, value] of [
    [4, 0],
    [4, 99],
    [6, 255],
    [7, 255],
    [3, 255],
  ] as const) {
    const broken = Buffer.from(one);
    broken[at] = value;
    expect(readEntry(broken, 0)).toBeNull();
  }
});
