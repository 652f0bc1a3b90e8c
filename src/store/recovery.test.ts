/**
 * Recovery in the process: the fuzzer in small, the hole, what is refused and what is cut, disk
 * full.
 */
import { afterEach, expect, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32Words } from "../base/crc32.ts";
import { FatalError } from "../base/errors.ts";
import type { Cursor } from "./cursor.ts";
import { attachAny } from "./durable-store.ts";
import { Flusher } from "./flusher.ts";
import { Keeper, requestCheckpoint } from "./keeper.ts";
import { LogState, prepareSegment } from "./log.ts";
import { chunkSeed, recordCheck } from "./log-check.ts";
import { MARK_SLOT_DISTANCE, segmentName, slotOfName } from "./log-files.ts";
import {
  CHUNK_FORMAT_WORD,
  LOG_CHUNK_CRC,
  LOG_CHUNK_HEADER_SIZE,
  LOG_CHUNK_SIZE,
  LOG_CRC,
  LOG_OPEN_CHUNK,
  LOG_SLOTS_COUNT,
  LOG_SLOTS_MAX,
} from "./log-layout.ts";
import { chunksOf, decode, LogRecord } from "./log-reader.ts";
import { readManifest, writeManifest } from "./manifest.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { fuzzRecovery } from "./recovery.fuzz.ts";
import { inspect, type Recovered, recover } from "./recovery.ts";
import { STATUS_OK } from "./status.ts";
import { attachStore, type Store } from "./store.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), "kv-recovery-"));
  folders.push(folder);
  return join(folder, "data");
}

const sizes = { reserveBytes: 256 * 1024 * 1024, workers: 3 };

function open(dir: string, more: object = {}): Recovered {
  return recover({ dir, mode: "everysec", ...sizes, ...more });
}

function set(store: Store, name: string, value: string): void {
  const bytes = Buffer.from(name + value);
  const cursor = store.cursor(0);
  Object.assign(cursor, { bytes, keyStart: 0, keyLength: name.length, db: 0 });
  cursor.hash = store.hash(bytes, 0, name.length);
  store.enterBatch();
  expect(store.setString(cursor, bytes, name.length, value.length)).toBe(STATUS_OK);
  store.leaveBatch();
}

/** Points the cursor of that index at a key. */
function aim(store: Store, index: number, name: string): Cursor {
  const bytes = Buffer.from(name);
  const cursor = store.cursor(index);
  Object.assign(cursor, { bytes, keyStart: 0, keyLength: bytes.length, db: 0 });
  cursor.hash = store.hash(bytes, 0, bytes.length);
  return cursor;
}

function get(store: Store, name: string): string | null {
  const cursor = aim(store, 0, name);
  store.enterBatch();
  const isFound = store.beginRead(cursor);
  const { valueStart: start, valueLength } = cursor;
  const value = isFound ? cursor.valueBytes.toString("latin1", start, start + valueLength) : null;
  store.endRead(cursor);
  store.leaveBatch();
  return value;
}

/** Overwrites bytes of a file. */
function poke(path: string, at: number, bytes: Buffer): void {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
}

function flush({ log, handle }: Recovered): void {
  const flusher = new Flusher(log, handle.control);
  flusher.flush();
  flusher.close();
}

/** Where the n-th record of a segment's first chunk begins; n = 0 is the first. */
function recordAt(dir: string, n: number): number {
  const file = readFileSync(join(dir, "log-000000"));
  let at = LOG_CHUNK_HEADER_SIZE;
  for (let i = 0; i < n; i++) at += file.readInt32LE(at);
  return at;
}

test("recovery: a small run of the fuzzer", () => {
  const totals = fuzzRecovery(1, 2, 250);
  expect(totals.kills).toBeGreaterThan(0);
  expect(totals.powerLosses).toBeGreaterThan(0);
}, 120_000);

test("A4: a hole loses only the record that was being written", () => {
  for (let trial = 0; trial < 3; trial++) {
    const dir = newDirectory();
    const first = open(dir);
    const stores = [0, 1].map((worker) => attachAny(first.handle, worker)) as [Store, Store];
    for (let i = 0; i < 10; i++) set(stores[0], `a${i}`, "1");
    // What a Worker was killed in the middle of: a stamp was drawn, the record is not whole.
    const torn = recordAt(dir, 9);
    poke(join(dir, "log-000000"), torn + 4 * trial, Buffer.from([0xff]));
    for (let i = 0; i < 10; i++) set(stores[1], `b${i}`, "2");
    first.release();
    const second = open(dir);
    expect(second.report.skippedCount).toBe(1);
    const store = attachAny(second.handle, 0);
    expect(get(store, "a8")).toBe("1");
    expect(get(store, "a9")).toBeNull();
    for (let i = 0; i < 10; i++) expect(get(store, `b${i}`)).toBe("2");
    second.release();
    // The hole is known now: it is no corruption, not even after a loss of power.
    const third = open(dir, { boot: "another" });
    expect(get(attachAny(third.handle, 0), "b9")).toBe("2");
    third.release();
  }
});

test("after a loss of power the log ends before the first gap", () => {
  const dir = newDirectory();
  const first = open(dir);
  const stores = [0, 1].map((worker) => attachAny(first.handle, worker)) as [Store, Store];
  set(stores[0], "a", "1");
  flush(first);
  set(stores[0], "lost", "1");
  set(stores[1], "behind", "2");
  poke(join(dir, "log-000000"), recordAt(dir, 1), Buffer.alloc(8));
  first.release();
  const second = open(dir, { boot: "another" });
  expect(second.report.cutCount).toBe(1);
  const store = attachAny(second.handle, 0);
  expect([get(store, "a"), get(store, "lost"), get(store, "behind")]).toEqual(["1", null, null]);
  second.release();
});

test("what a loss of power has left of a chunk never comes back with a later run's records", () => {
  const dir = newDirectory();
  const names = Array.from({ length: 100 }, (_, i) => `key:${String(i).padStart(3, "0")}`);
  const before = open(dir);
  const lost = attachAny(before.handle, 0);
  for (const name of names) set(lost, name, "lost".padEnd(100));
  before.release();
  // Nothing was flushed: the page with the chunk's header is lost, those behind it are not.
  poke(join(dir, "log-000000"), 0, Buffer.alloc(4096));
  const second = open(dir, { boot: "second" });
  const kept = names.slice(0, 30);
  const writer = attachAny(second.handle, 0);
  for (const name of kept) set(writer, name, "kept".padEnd(100));
  second.release();
  const third = open(dir, { boot: "second" });
  const store = attachAny(third.handle, 0);
  for (const name of kept) expect(get(store, name)).toBe("kept".padEnd(100));
  for (const name of names.slice(kept.length))
    expect([name, get(store, name)]).toEqual([name, null]);
  third.release();
});

test("damage below the durable mark is refused with its place, and nothing is changed", () => {
  const dir = newDirectory();
  const first = open(dir);
  const store = attachAny(first.handle, 0);
  for (let i = 0; i < 10; i++) set(store, `k${i}`, "value");
  flush(first);
  first.release();
  poke(join(dir, "log-000000"), recordAt(dir, 4) + 30, Buffer.from([0x5a]));
  const before = readdirSync(dir).map((name) => [name, statSync(join(dir, name)).mtimeMs]);
  expect(() => open(dir)).toThrow(/record 5, which was durable, .* log-000000 at byte \d+/);
  const after = readdirSync(dir).map((name) => [name, statSync(join(dir, name)).mtimeMs]);
  expect(after).toEqual(before);
  const salvaged = open(dir, { salvages: true });
  const saved = attachAny(salvaged.handle, 0);
  expect(get(saved, "k3")).toBe("value");
  expect(salvaged.report.damagedCount).toBeGreaterThan(0);
  salvaged.release();
});

test("one of two durable marks is enough, and told; without both a store is refused", () => {
  const dir = newDirectory();
  const first = open(dir);
  set(attachAny(first.handle, 0), "a", "1");
  flush(first);
  first.release();
  const path = join(dir, "mark");
  const whole = readFileSync(path);
  for (const slots of [[0], [MARK_SLOT_DISTANCE], [0, MARK_SLOT_DISTANCE]]) {
    // A flipped bit, and a page of zeros in its place.
    for (const patch of [Buffer.from([(whole[20] as number) ^ 1]), Buffer.alloc(44)]) {
      writeFileSync(path, whole);
      for (const slot of slots) poke(path, slot + (patch.length === 1 ? 20 : 0), patch);
      if (slots.length === 2) {
        expect(() => inspect({ ...sizes, dir })).toThrow("the durable mark is missing or damaged");
        continue;
      }
      const found = inspect({ ...sizes, dir });
      expect(found.report.hasDamagedMark).toBe(true);
      expect(get(attachStore(found.handle, 0), "a")).toBe("1");
      found.release();
    }
  }
  writeFileSync(path, whole);
  poke(path, 20, Buffer.from([(whole[20] as number) ^ 1]));
  // Whoever goes on writes a mark into the damaged slot.
  open(dir).release();
  const last = inspect({ ...sizes, dir });
  expect(last.report.hasDamagedMark).toBe(false);
  last.release();
});

test("a checkpoint: damaged, cut off, missing, and a newer format are refused", () => {
  const dir = newDirectory();
  const first = open(dir);
  const store = attachAny(first.handle, 0);
  for (let i = 0; i < 1000; i++) set(store, `k${i}`, "value");
  const keeper = new Keeper(attachAny(first.handle, 2).memory, new LogState(first.log));
  requestCheckpoint(new Int32Array(first.log.control));
  for (let i = 0; i < 1000 && keeper.run(5); i++) flush(first);
  first.release();
  const name = readdirSync(dir).find((it) => it.startsWith("shard-3")) as string;
  const path = join(dir, name);
  const whole = readFileSync(path);
  for (const at of [3, 20, 70, 200, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] as number) ^ 1;
    writeFileSync(path, damaged);
    expect(() => open(dir)).toThrow(path);
  }
  writeFileSync(path, whole.subarray(0, whole.length - 8));
  expect(() => open(dir)).toThrow("bytes instead of");
  rmSync(path);
  expect(() => open(dir)).toThrow("no such file");
  writeFileSync(path, whole);
  const manifest = readFileSync(join(dir, "manifest"), "utf8");
  const line = `${(manifest.split("\n")[0] as string).replace('"format":2', '"format":3')}\n`;
  const check = (Bun.hash.crc32(line) >>> 0).toString(16).padStart(8, "0");
  writeFileSync(join(dir, "manifest"), `${line}${check}\n`);
  expect(() => open(dir)).toThrow("it has format 3, this program knows up to 2");
  writeFileSync(join(dir, "manifest"), manifest.replace('"serial":', '"serial": '));
  expect(() => open(dir)).toThrow("it is damaged");
  writeFileSync(join(dir, "manifest"), manifest);
  const last = open(dir);
  expect(get(attachAny(last.handle, 0), "k999")).toBe("value");
  last.release();
});

test("what the system refuses while a directory is opened is a refusal, not a bug", () => {
  const dir = newDirectory();
  open(dir).release();
  // A segment that cannot be read as one.
  rmSync(join(dir, "mark"));
  mkdirSync(join(dir, "mark"));
  expect(() => open(dir)).toThrow(FatalError);
  expect(() => open(dir)).toThrow(/^Cannot recover .*: it is a directory \(/);
});

test("one process has a directory, and something else's directory is left alone", () => {
  const dir = newDirectory();
  const first = open(dir);
  expect(() => open(dir)).toThrow("another process has it");
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(dir)) {
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
  }
  first.release();
  open(dir).release();
  rmSync(join(dir, "manifest"));
  writeFileSync(join(dir, "notes.txt"), "mine");
  expect(() => open(dir)).toThrow("it holds something else (notes.txt)");
});

test("the root of a file system, which has a lost+found, is as good as an empty directory", () => {
  const dir = newDirectory();
  mkdirSync(join(dir, "lost+found"), { recursive: true });
  const first = open(dir);
  set(attachAny(first.handle, 0), "key", "value");
  first.release();
  const second = open(dir);
  expect(get(attachAny(second.handle, 0), "key")).toBe("value");
  second.release();
  expect(statSync(join(dir, "lost+found")).isDirectory()).toBe(true);
});

test("a value that is larger than what is kept ready of the map's files comes back", () => {
  const dir = newDirectory();
  const size = 330 * 1024 * 1024;
  const reserveBytes = 1024 * 1024 * 1024;
  const first = open(dir, { reserveBytes });
  const store = attachAny(first.handle, 0);
  const cursor = aim(store, 0, "x");
  store.enterBatch();
  expect(store.setString(cursor, Buffer.alloc(size, "x"), 0, size)).toBe(STATUS_OK);
  store.leaveBatch();
  first.release();
  const second = open(dir, { reserveBytes, memoryBytes: 64 * 1024 * 1024 });
  const found = attachAny(second.handle, 0);
  get(found, "x");
  expect(found.cursor(0).valueLength).toBe(size);
  const heapFiles = () => readdirSync(dir).filter((name) => name.startsWith("heap-")).length;
  expect(heapFiles()).toBeGreaterThan(4);
  second.release();
  expect(heapFiles()).toBe(0);
});

test("more data than there is room for is a refusal, and changes nothing", () => {
  const dir = newDirectory();
  const first = open(dir);
  set(attachAny(first.handle, 0), "large", "x".repeat(150_000_000));
  first.release();
  const tooLittle = { reserveBytes: RESERVE_SIZE_MIN };
  expect(() => open(dir, tooLittle)).toThrow(FatalError);
  expect(() => open(dir, tooLittle)).toThrow("it holds more than there is room for in memory");
  const second = open(dir);
  const found = attachAny(second.handle, 0);
  get(found, "large");
  expect(found.cursor(0).valueLength).toBe(150_000_000);
  second.release();
});

test("RENAME of a large value takes the chunks that its bytes fill", () => {
  const dir = newDirectory();
  const first = open(dir);
  const store = attachAny(first.handle, 0);
  set(store, "a", "x".repeat(20 * LOG_CHUNK_SIZE));
  const before = new LogState(first.log).control[LOG_OPEN_CHUNK] as number;
  store.enterBatch();
  const [from, to] = [aim(store, 0, "a"), aim(store, 1, "b")];
  store.lockAll(2);
  expect(store.rename(from, to)).toBe(STATUS_OK);
  store.unlockAll(2);
  store.leaveBatch();
  const after = new LogState(first.log).control[LOG_OPEN_CHUNK] as number;
  expect(after - before).toBeLessThan(23);
  first.release();
  const second = open(dir);
  const found = attachAny(second.handle, 0);
  get(found, "b");
  expect(found.cursor(0).valueLength).toBe(20 * LOG_CHUNK_SIZE);
  second.release();
});

test("records of every size, above all around a chunk's, come back", () => {
  const dir = newDirectory();
  const first = open(dir);
  const store = attachAny(first.handle, 0);
  const sizes = [0, 1, 7, 8, 9, 15_999, 16_384, 16_385, 100_000];
  for (let around = -40; around <= 40; around += 8) sizes.push(LOG_CHUNK_SIZE + around);
  sizes.push(3 * LOG_CHUNK_SIZE + 5, 20_000_000);
  for (const size of sizes) set(store, `size:${size}`, "x".repeat(size));
  first.release();
  const second = open(dir);
  const found = attachAny(second.handle, 0);
  const cursor = found.cursor(0);
  for (const size of sizes) {
    get(found, `size:${size}`);
    expect(cursor.valueLength).toBe(size);
  }
  second.release();
});

test("the slot of a segment that was removed is used again", () => {
  const dir = newDirectory();
  const first = open(dir);
  const { control } = new LogState(first.log);
  const keeper = new Keeper(attachStore(first.handle, 2).memory, new LogState(first.log));
  for (let round = 0; round < 3; round++) {
    expect(prepareSegment(new LogState(first.log), 5)).toBe(true);
    set(attachAny(first.handle, 0), "key", `round ${round}`);
    requestCheckpoint(control);
    // A checkpoint that was asked for leaves two segments that are ready.
    for (let i = 0; i < 100 && segmentsOf(dir).length > 3; i++) {
      keeper.run(1);
      flush(first);
    }
    expect(segmentsOf(dir).length).toBe(3);
    expect(control[LOG_SLOTS_COUNT]).toBeLessThanOrEqual(6);
  }
  first.release();
  // However many there were before: names do not run out.
  const last = segmentsOf(dir).at(-1) as string;
  renameSync(join(dir, last), join(dir, segmentName(LOG_SLOTS_MAX - 1)));
  const second = open(dir);
  expect(prepareSegment(new LogState(second.log), 5)).toBe(true);
  const store = attachAny(second.handle, 0);
  expect(get(store, "key")).toBe("round 2");
  set(store, "later", "value");
  second.release();
  const third = open(dir);
  expect(get(attachAny(third.handle, 0), "later")).toBe("value");
  third.release();
});

function segmentsOf(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => slotOfName(name) >= 0)
    .sort();
}

/** Makes the log what a program that knew format 1 would have written. */
function writeAsFormat1(dir: string): void {
  const slots = readdirSync(dir)
    .map(slotOfName)
    .filter((slot) => slot >= 0);
  for (const { file, chunk, number } of slots.flatMap((slot) => chunksOf(dir, slot))) {
    const { words } = file;
    const start = chunk * LOG_CHUNK_SIZE;
    words[(start >>> 2) + CHUNK_FORMAT_WORD] = 1;
    words[(start + LOG_CHUNK_CRC) >>> 2] = crc32Words(words, start >>> 2, LOG_CHUNK_CRC / 4);
    const record = new LogRecord();
    for (let at = start + LOG_CHUNK_HEADER_SIZE; ; at += record.sizeBytes) {
      if (!decode(record, file, at, start + LOG_CHUNK_SIZE)) break;
      const w = at >>> 2;
      words[w + LOG_CRC] = recordCheck(words, w, record.sizeBytes, chunkSeed(number), 1);
    }
  }
  writeManifest(dir, { ...readManifest(dir), format: 1 });
}

test("a log of format 1 is read, and goes on as format 2", () => {
  const dir = newDirectory();
  const names = Array.from({ length: 200 }, (_, i) => `key-${i}`);
  const first = open(dir);
  const store = attachAny(first.handle, 0);
  for (const name of names) set(store, name, `${name}:`.repeat(1 + (name.length % 3) * 40));
  first.release();
  writeAsFormat1(dir);
  const second = open(dir);
  const reopened = attachAny(second.handle, 0);
  for (const name of names) expect(get(reopened, name)).toBe(get(store, name));
  expect(readManifest(dir).format).toBe(2);
  set(reopened, "later", "value");
  second.release();
  const third = open(dir);
  expect(get(attachAny(third.handle, 0), "later")).toBe("value");
  expect(get(attachAny(third.handle, 0), "key-7")).toBe(get(store, "key-7"));
  third.release();
});
