/** The keeper: when a checkpoint ends. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachAny } from "./durable-store.ts";
import { Flusher } from "./flusher.ts";
import { Keeper, requestCheckpoint } from "./keeper.ts";
import { LogState } from "./log.ts";
import { LOG_CHECKPOINT_DONE, LOG_CHECKPOINT_RUNNING, LOG_SEGMENTS_USED } from "./log-layout.ts";
import { recover } from "./recovery.ts";

const BUDGET_MS = 5;
/** More than any of the tests needs. */
const STEPS_MAX = 1000;

/** A store of `keys` keys with the threads that look after it, all in this one. */
function withKeeper(
  keys: number,
  run: (keeper: Keeper, flusher: Flusher, control: Int32Array) => void,
): void {
  const folder = mkdtempSync(join(tmpdir(), "kv-keeper-"));
  const { handle, log, release } = recover({
    dir: join(folder, "data"),
    mode: "everysec",
    reserveBytes: 256 * 1024 * 1024,
    workers: 3,
  });
  try {
    const store = attachAny(handle, 0);
    const cursor = store.cursor(0);
    for (let i = 0; i < keys; i++) {
      cursor.bytes = Buffer.from(`key:${i}`);
      cursor.keyStart = 0;
      cursor.keyLength = cursor.bytes.length;
      cursor.hash = store.hash(cursor.bytes, 0, cursor.keyLength);
      store.setString(cursor, cursor.bytes, 0, cursor.keyLength);
    }
    const keeper = new Keeper(attachAny(handle, 2).memory, new LogState(log));
    run(keeper, new Flusher(log, handle.control), new Int32Array(log.control));
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
