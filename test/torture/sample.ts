/**
 * A store on the disk whose contents are known, for tortures that damage it: keys in checkpoints,
 * and a log behind them that says more. Everything in it is durable, so whatever is damaged, either
 * recovery refuses or all keys hold what was set last.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FatalError } from "../../src/base/errors.ts";
import { attachAny } from "../../src/store/durable-store.ts";
import { Flusher } from "../../src/store/flusher.ts";
import { Keeper, requestCheckpoint } from "../../src/store/keeper.ts";
import { LogState } from "../../src/store/log.ts";
import { segmentName } from "../../src/store/log-files.ts";
import { LOG_CHECKPOINT_DONE, LOG_OPEN_SLOT } from "../../src/store/log-layout.ts";
import { chunksOf, RunReader } from "../../src/store/log-reader.ts";
import { inspect, recover } from "../../src/store/recovery.ts";
import { attachStore, type Store } from "../../src/store/store.ts";

const KEYS = 400;
const RESERVE = 128 * 1024 * 1024;
/** Values of this size fill a segment in about 40 rounds. */
const LONG_VALUE = 4000;
const ROUNDS_MAX = 400;

export interface Sample {
  readonly dir: string;
  readonly valueSize: number;
  /** Name of the segment that was written to last, and where its records end. */
  readonly tail: string;
  readonly tailEnd: number;
  /** What the tail held when it was used before; empty when it never was. */
  readonly olderTail: Buffer;
}

/** What became of a damaged store. Mended: the other slot of the mark was used. */
export type Outcome = "refused" | "mended" | "harmless";

/** A small store, used for the first time: two runs, of two Workers each, behind its checkpoint. */
export function makeSample(dir: string): Sample {
  const first = new SampleWriter(dir, 0, 2);
  first.setAll("before");
  first.checkpoint();
  first.setAll("between");
  first.release();
  return new SampleWriter(dir, 0, 2).finish(Buffer.alloc(0));
}

/** A store whose tail segment was full once, was recycled, and is in use again. */
export function makeReusedSample(dir: string): Sample {
  const writer = new SampleWriter(dir, LONG_VALUE, 1);
  const older = writer.fillUntilReused();
  writer.checkpoint();
  return writer.finish(older);
}

/**
 * Recovers the damaged store, changing nothing. Throws when a wrong value comes back, or anything
 * but a refusal.
 */
export function outcomeOf(sample: Sample): Outcome {
  let found: ReturnType<typeof inspect>;
  try {
    found = inspect({ dir: sample.dir, reserveBytes: RESERVE, workers: 3 });
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    return "refused";
  }
  const wrong = firstWrong(attachStore(found.handle, 0), sample.valueSize);
  found.release();
  if (wrong !== "") throw new Error(`a wrong value: ${wrong}`);
  return found.report.hasDamagedMark ? "mended" : "harmless";
}

class SampleWriter {
  readonly #dir: string;
  readonly #valueSize: number;
  /** Keys are set through them by turns. */
  readonly #stores: readonly Store[];
  readonly #state: LogState;
  readonly #flusher: Flusher;
  readonly #keeper: Keeper;
  readonly #release: () => void;

  constructor(dir: string, valueSize: number, writers: number) {
    this.#dir = dir;
    this.#valueSize = valueSize;
    const options = { dir, mode: "everysec", reserveBytes: RESERVE, workers: 3 } as const;
    const { handle, log, release } = recover(options);
    this.#release = release;
    this.#stores = Array.from({ length: writers }, (_, worker) => attachAny(handle, worker));
    this.#state = new LogState(log);
    this.#flusher = new Flusher(log, handle.control);
    this.#keeper = new Keeper(attachAny(handle, 2).memory, this.#state);
  }

  setAll(suffix: string): void {
    for (const store of this.#stores) store.enterBatch();
    for (let i = 0; i < KEYS; i++) {
      const store = this.#stores[i % this.#stores.length] as Store;
      const value = Buffer.from(textOf(i, suffix, this.#valueSize));
      store.setString(aim(store, `key:${i}`), value, 0, value.length);
    }
    for (const store of this.#stores) store.leaveBatch();
  }

  /**
   * Sets all keys again and again until a segment is in use for the second time; returns what it
   * held before.
   */
  fillUntilReused(): Buffer {
    const full = new Map<number, Buffer>();
    this.setAll("first");
    let last = this.#openSlot;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.setAll(`round ${round}`);
      const open = this.#openSlot;
      if (open === last) continue;
      const older = full.get(open);
      if (older !== undefined) return older;
      full.set(last, readFileSync(join(this.#dir, segmentName(last))));
      last = open;
      this.checkpoint();
    }
    throw new Error("no segment was used again");
  }

  get #openSlot(): number {
    return this.#state.control[LOG_OPEN_SLOT] as number;
  }

  checkpoint(): void {
    const { control } = this.#state;
    const wanted = requestCheckpoint(control);
    for (let i = 0; control[LOG_CHECKPOINT_DONE] !== wanted; i++) {
      if (i > 10_000) throw new Error("the checkpoint does not end");
      this.#keeper.run(5);
      this.#flusher.flush();
    }
    // What the checkpoint has made unnecessary is recycled.
    this.#keeper.run(5);
  }

  /** As a process that is killed: what is written is there. */
  release(): void {
    this.#flusher.close();
    this.#release();
  }

  finish(olderTail: Buffer): Sample {
    this.setAll("behind");
    this.#flusher.flush();
    this.release();
    const slot = this.#openSlot;
    const tailEnd = endOfRecords(this.#dir, slot);
    const tail = segmentName(slot);
    return { dir: this.#dir, valueSize: this.#valueSize, tail, tailEnd, olderTail };
  }
}

/** Where the last record of the segment's last user ends. */
function endOfRecords(dir: string, slot: number): number {
  const chunks = chunksOf(dir, slot);
  const newest = chunks.reduce((most, it) => Math.max(most, it.number), 0);
  const reader = new RunReader(
    chunks.filter((it) => it.number === newest),
    0,
    () => {},
  );
  let end = 0;
  for (let record = reader.next(); record !== null; record = reader.next()) {
    end = record.valueStart + record.valueLength;
  }
  return end;
}

function textOf(i: number, suffix: string, size: number): string {
  return `value of ${i} ${suffix}`.padEnd(size, `${i},`);
}

function aim(store: Store, name: string) {
  const bytes = Buffer.from(name);
  const cursor = store.cursor(0);
  Object.assign(cursor, { bytes, keyStart: 0, keyLength: bytes.length, db: 0 });
  cursor.hash = store.hash(bytes, 0, bytes.length);
  return cursor;
}

/** The first key that does not hold what was set last, "" when all do. */
function firstWrong(store: Store, valueSize: number): string {
  store.enterBatch();
  let wrong = "";
  for (let i = 0; i < KEYS && wrong === ""; i++) {
    const cursor = aim(store, `key:${i}`);
    const isFound = store.beginRead(cursor);
    const { valueStart: start } = cursor;
    const value = cursor.valueBytes.toString("latin1", start, start + cursor.valueLength);
    const isRight = isFound && value === textOf(i, "behind", valueSize);
    if (!isRight) wrong = `key:${i} = ${isFound ? value.slice(0, 40) : "nothing"}`;
    store.endRead(cursor);
  }
  store.leaveBatch();
  return wrong;
}
