/**
 * C1: one bit is flipped in what a store has on the disk and needs, 10,000 times. Every flip must
 * be refused, or (where nothing that was promised depends on the byte) change nothing of what comes
 * back. A wrong value is the failure.
 */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FatalError } from "../../src/base/errors.ts";
import { Prng } from "../../src/base/prng.ts";
import { attachAny } from "../../src/store/durable-store.ts";
import { Flusher } from "../../src/store/flusher.ts";
import { Keeper, requestCheckpoint } from "../../src/store/keeper.ts";
import { LogState } from "../../src/store/log.ts";
import { LOG_CHUNK_HEADER_SIZE } from "../../src/store/log-layout.ts";
import { inspect, recover } from "../../src/store/recovery.ts";
import { attachStore, type Store } from "../../src/store/store.ts";

const KEYS = 400;
const RESERVE = 128 * 1024 * 1024;

export interface FlipTotals {
  flips: number;
  refused: number;
  harmless: number;
}

function aim(store: Store, name: string) {
  const bytes = Buffer.from(name);
  const cursor = store.cursor(0);
  Object.assign(cursor, { bytes, keyStart: 0, keyLength: bytes.length, db: 0 });
  cursor.hash = store.hash(bytes, 0, bytes.length);
  return cursor;
}

function setAll(store: Store, suffix: string): void {
  store.enterBatch();
  for (let i = 0; i < KEYS; i++) {
    const value = Buffer.from(`value of ${i} ${suffix}`);
    store.setString(aim(store, `key:${i}`), value, 0, value.length);
  }
  store.leaveBatch();
}

/** Whether all keys hold what was set last. */
function holdsAll(store: Store, suffix: string): boolean {
  store.enterBatch();
  let isRight = true;
  for (let i = 0; i < KEYS && isRight; i++) {
    const cursor = aim(store, `key:${i}`);
    store.beginRead(cursor);
    const { valueStart: start } = cursor;
    const value = cursor.valueBytes.toString("latin1", start, start + cursor.valueLength);
    isRight = value === `value of ${i} ${suffix}`;
    store.endRead(cursor);
  }
  store.leaveBatch();
  return isRight;
}

/** Flips `count` bits, one at a time. Throws when a wrong value comes back. */
export function flipBits(seed: number, count: number): FlipTotals {
  const root = mkdtempSync(join(tmpdir(), "kv-flip-"));
  const dir = join(root, "data");
  const totals = { flips: 0, refused: 0, harmless: 0 };
  try {
    const logEnd = fill(dir);
    const prng = new Prng(seed);
    for (let i = 0; i < count; i++) flipOne(dir, prng, logEnd, totals);
    return totals;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** A store with a checkpoint, and a log behind it that says more; returns where the log ends. */
function fill(dir: string): number {
  const options = { dir, mode: "everysec", reserveBytes: RESERVE, workers: 3 } as const;
  const { handle, log, release } = recover(options);
  const store = attachAny(handle, 0);
  setAll(store, "before");
  const flusher = new Flusher(log, handle.control);
  const keeper = new Keeper(attachAny(handle, 2).memory, new LogState(log));
  requestCheckpoint(new Int32Array(log.control));
  for (let i = 0; i < 1000 && keeper.run(5); i++) flusher.flush();
  setAll(store, "behind");
  flusher.flush();
  flusher.close();
  release();
  const file = readFileSync(join(dir, "log-000000"));
  let at = LOG_CHUNK_HEADER_SIZE;
  while (file.readInt32LE(at) > 0) at += file.readInt32LE(at);
  return at;
}

function flipOne(dir: string, prng: Prng, logEnd: number, totals: FlipTotals): void {
  const names = readdirSync(dir).filter((name) => /^(?:shard|manifest|mark)/.test(name));
  const name = prng.below(2) === 0 ? "log-000000" : (names[prng.below(names.length)] as string);
  const path = join(dir, name);
  const size = name === "log-000000" ? logEnd : readFileSync(path).length;
  const at = prng.below(size);
  const bit = 1 << prng.below(8);
  flip(path, at, bit);
  totals.flips++;
  try {
    if (isRecoveredWrong(dir))
      throw new Error(`bit ${bit} of byte ${at} of ${name}: a wrong value`);
    totals.harmless++;
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    totals.refused++;
  } finally {
    flip(path, at, bit);
  }
}

function flip(path: string, at: number, bit: number): void {
  const byte = (readFileSync(path)[at] as number) ^ bit;
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, Buffer.from([byte]), 0, 1, at);
  closeSync(descriptor);
}

function isRecoveredWrong(dir: string): boolean {
  const { handle, release } = inspect({ dir, reserveBytes: RESERVE, workers: 3 });
  const isWrong = !holdsAll(attachStore(handle, 0), "behind");
  release();
  return isWrong;
}
