/** The keeper: when a checkpoint ends, what a disk that refuses leaves behind, and files. */
import { expect, spyOn, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clock } from "../base/clock.ts";
import { attachAny } from "./durable-store.ts";
import { Flusher } from "./flusher.ts";
import { Keeper, requestCheckpoint } from "./keeper.ts";
import { SEGMENT_SIZE } from "./layout.ts";
import { LogState, prepareSegment, refusalReason } from "./log.ts";
import { makeSegment } from "./log-files.ts";
import {
  LOG_CHECKPOINT_DONE,
  LOG_CHECKPOINT_ERROR,
  LOG_CHECKPOINT_RUNNING,
  LOG_FULL,
  LOG_SEGMENTS_USED,
  LOG_SLOT_OPENS,
  LOG_SLOTS_COUNT,
} from "./log-layout.ts";
import { readManifest } from "./manifest.ts";
import { recover } from "./recovery.ts";
import type { Store } from "./store.ts";

const BUDGET_MS = 5;
/** More than any of the tests needs. */
const STEPS_MAX = 1000;
/** More than the keeper waits after a failure. */
const RETRY_MS = 6000;

function setKey(store: Store, key: string): void {
  const cursor = store.cursor(0);
  cursor.bytes = Buffer.from(key);
  cursor.keyStart = 0;
  cursor.keyLength = cursor.bytes.length;
  cursor.hash = store.hash(cursor.bytes, 0, cursor.keyLength);
  store.setString(cursor, cursor.bytes, 0, cursor.keyLength);
}

/** A store of `keys` keys with the threads that look after it, all in this one. */
function withKeeper(
  keys: number,
  run: (
    keeper: Keeper,
    flusher: Flusher,
    control: Int32Array,
    state: LogState,
    store: Store,
    keeping: Store,
  ) => void,
  heap: { memoryBytes?: number } = {},
): void {
  const folder = mkdtempSync(join(tmpdir(), "kv-keeper-"));
  const { handle, log, release } = recover({
    dir: join(folder, "data"),
    mode: "everysec",
    reserveBytes: 256 * 1024 * 1024,
    ...heap,
    workers: 3,
  });
  try {
    const store = attachAny(handle, 0);
    for (let i = 0; i < keys; i++) setKey(store, `key:${i}`);
    const state = new LogState(log);
    const keeping = attachAny(handle, 2);
    const keeper = new Keeper(keeping.memory, state);
    run(keeper, new Flusher(log, handle.control), state.control, state, store, keeping);
  } finally {
    release();
    rmSync(folder, { recursive: true });
  }
}

/** Runs the keeper until it has nothing more to do; how many steps that took. */
function finish(keeper: Keeper, flusher: Flusher): number {
  let steps = 0;
  for (; steps < STEPS_MAX && keeper.run(BUDGET_MS); steps++) flusher.flush();
  return steps;
}

test("a log that was too long when the writing stopped: shards are written, and it ends", () => {
  withKeeper(100, (keeper, flusher, control) => {
    finish(keeper, flusher);
    const used = control[LOG_SEGMENTS_USED] as number;
    control[LOG_SEGMENTS_USED] = used + 10;
    // Every shard is written before the first of them is durable.
    for (let i = 0; i < 100; i++) keeper.run(BUDGET_MS);
    expect(keeper.isBehind).toBe(true);
    expect(control[LOG_CHECKPOINT_RUNNING]).toBe(1);
    control[LOG_SEGMENTS_USED] = used;
    expect(finish(keeper, flusher)).toBeLessThan(STEPS_MAX);
    expect(control[LOG_CHECKPOINT_RUNNING]).toBe(0);
  });
});

test("a checkpoint that is asked for ends while the log stays too long", () => {
  withKeeper(100, (keeper, flusher, control) => {
    control[LOG_SEGMENTS_USED] = (control[LOG_SEGMENTS_USED] as number) + 10;
    for (let i = 0; i < 20; i++) keeper.run(BUDGET_MS);
    const request = requestCheckpoint(control);
    expect(finish(keeper, flusher)).toBeLessThan(STEPS_MAX);
    expect(control[LOG_CHECKPOINT_DONE]).toBe(request);
  });
});

test("a checkpoint of a store that nobody has written to ends", () => {
  withKeeper(0, (keeper, flusher, control) => {
    const request = requestCheckpoint(control);
    expect(finish(keeper, flusher)).toBeLessThan(STEPS_MAX);
    expect(control[LOG_CHECKPOINT_DONE]).toBe(request);
  });
});

/** Files of checkpoints in the directory, and those that the manifest names. */
function shardFiles(dir: string): { readonly found: string[]; readonly named: string[] } {
  const found = readdirSync(dir).filter((name) => name.startsWith("shard-"));
  const named = readManifest(dir).shards.map(({ file }) => file);
  return { found: found.sort(), named: named.sort() };
}

test("a manifest that cannot be written: who asks is told, and no file stays unnamed", () => {
  withKeeper(100, (keeper, flusher, control, { dir }, store) => {
    requestCheckpoint(control);
    finish(keeper, flusher);
    setKey(store, "another");
    const obstacle = join(dir, "manifest.tmp");
    mkdirSync(obstacle);
    // The second one is asked for when nothing but publishing the first is left.
    for (let i = 0; i < 2; i++) {
      const request = requestCheckpoint(control);
      clock.nowMs += RETRY_MS;
      for (let step = 0; step < 100; step++) keeper.run(BUDGET_MS);
      flusher.flush();
      clock.nowMs += RETRY_MS;
      keeper.run(BUDGET_MS);
      expect(control[LOG_CHECKPOINT_DONE]).toBe(request);
      expect(refusalReason(control[LOG_CHECKPOINT_ERROR] as number)).not.toBe("");
    }
    rmdirSync(obstacle);
    const request = requestCheckpoint(control);
    for (let step = 0; step < 100; step++) {
      flusher.flush();
      // The flusher follows the system's clock.
      clock.nowMs += 4 * RETRY_MS;
      keeper.run(BUDGET_MS);
    }
    expect(control[LOG_CHECKPOINT_DONE]).toBe(request);
    expect(control[LOG_CHECKPOINT_ERROR]).toBe(0);
    const { found, named } = shardFiles(dir);
    expect(found).toEqual(named);
  });
});

test.skipIf(!existsSync("/dev/full"))(
  "a checkpoint that cannot be begun leaves no file and no descriptor",
  () => {
    withKeeper(100, (keeper, flusher, control, { dir }) => {
      flusher.flush();
      const descriptors = () => readdirSync("/proc/self/fd").length;
      const before = descriptors();
      const unfinished = join(dir, "shard-0-000001.tmp");
      for (let i = 0; i < 3; i++) {
        symlinkSync("/dev/full", unfinished);
        requestCheckpoint(control);
        clock.nowMs += RETRY_MS;
        keeper.run(BUDGET_MS);
        keeper.run(BUDGET_MS);
        expect(refusalReason(control[LOG_CHECKPOINT_ERROR] as number)).toContain("no space left");
        expect(readdirSync(dir)).not.toContain("shard-0-000001.tmp");
      }
      expect(descriptors()).toBe(before);
    });
  },
);

test("a store that was emptied before its first checkpoint does not keep a long log", () => {
  withKeeper(0, (keeper, flusher, control, state, store) => {
    setKey(store, "key");
    store.exclusive(() => store.flush(-1));
    control[LOG_SEGMENTS_USED] = (control[LOG_SEGMENTS_USED] as number) + 10;
    finish(keeper, flusher);
    expect(readManifest(state.dir).shards.every(({ file }) => file !== "")).toBe(true);
  });
});

test("a segment that cannot be made is tried again, and refuses nothing while one is ready", () => {
  withKeeper(100, (keeper, _, control, state) => {
    const obstacle = join(state.dir, "log-000001");
    writeFileSync(obstacle, "");
    expect(keeper.run(BUDGET_MS)).toBe(false);
    expect(control[LOG_FULL]).not.toBe(0);
    rmSync(obstacle);
    // Not yet: it would fill what is left of the disk, and again at once.
    expect(keeper.run(BUDGET_MS)).toBe(false);
    expect(control[LOG_FULL]).not.toBe(0);
    clock.nowMs += RETRY_MS;
    keeper.run(BUDGET_MS);
    expect(control[LOG_FULL]).toBe(0);
    // One is ready: that there is no room for a second one refuses nothing.
    writeFileSync(join(state.dir, "log-000002"), "");
    expect(prepareSegment(state, 2)).toBe(false);
    expect(control[LOG_FULL]).toBe(0);
  });
});

test("segments that are made after others were removed have their numbers", () => {
  withKeeper(1, (keeper, flusher, control, state) => {
    const segments = () => readdirSync(state.dir).filter((name) => name.startsWith("log-"));
    for (let i = 0; i < 3; i++) {
      expect(prepareSegment(state, 4)).toBe(true);
      expect(segments()).toHaveLength(5);
      requestCheckpoint(control);
      finish(keeper, flusher);
      expect(segments()).toHaveLength(3);
    }
    expect(control[LOG_SLOTS_COUNT]).toBe(5);
  });
});

test("no batch waits for segments of the map that cannot be made, their maker's never", () => {
  const run: Parameters<typeof withKeeper>[1] = (keeper, _, __, { dir }, store, keeping) => {
    const waits = spyOn(Atomics, "wait");
    try {
      // The thread that makes them would wait for itself.
      keeping.upkeep(BUDGET_MS);
      expect(waits).not.toHaveBeenCalled();
      writeFileSync(join(dir, "heap-000001"), "");
      keeper.run(BUDGET_MS);
      store.enterBatch();
      store.leaveBatch();
      expect(waits).not.toHaveBeenCalled();
    } finally {
      waits.mockRestore();
    }
  };
  withKeeper(0, run, { memoryBytes: SEGMENT_SIZE });
});

test.skipIf(!existsSync("/proc/self/fd"))(
  "a flush is one of the file that the slot has now",
  () => {
    withKeeper(1, (_, flusher, control, { dir }, store) => {
      const opened = () =>
        readdirSync("/proc/self/fd")
          .map((name) => readlinkOf(join("/proc/self/fd", name)))
          .filter((path) => path.startsWith(join(dir, "log-000000")));
      flusher.flush();
      expect(opened()).toEqual([join(dir, "log-000000")]);
      // Removed, made again, and opened.
      rmSync(join(dir, "log-000000"));
      makeSegment(dir, 0, false);
      (control[LOG_SLOT_OPENS] as number) += 1;
      setKey(store, "another");
      flusher.flush();
      expect(opened()).toEqual([join(dir, "log-000000")]);
    });
  },
);

/** "" for a descriptor that is closed by now. */
function readlinkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
