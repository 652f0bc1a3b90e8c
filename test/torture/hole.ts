/**
 * A4: a Worker dies in the middle of writing a record, and the others go on. Whatever of its last
 * record is there, of all the words that it was to change: nothing else is lost, before or after.
 *
 *     bun test/torture/hole.ts --trials=1000 --seed=7
 */
import { closeSync, openSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import { attachAny } from "../../src/store/durable-store.ts";
import { Flusher } from "../../src/store/flusher.ts";
import { type Recovered, recover } from "../../src/store/recovery.ts";
import { STATUS_OK } from "../../src/store/status.ts";
import type { Store } from "../../src/store/store.ts";
import { memoryFolder, numberOption, seedOption } from "./options.ts";
import { readSparse, type SparseFile } from "./sparse-file.ts";

const RESERVE = 128 * 1024 * 1024;
const WRITERS = 3;
const KEYS = 200;
const CHANGES_MAX = 30;
const WORD = 8;
/** How many of the last record's words are lost. */
const LOST_PARTS = [0, 0.1, 0.5, 1];

export interface HoleTotals {
  trials: number;
  /** Trials in which the torn record was recovered after all. */
  whole: number;
  /** Other records that were written by then, all of them found. */
  changes: number;
}

/** Tears records; throws when anything else is lost. */
export function tearRecords(seed: number, trials: number): HoleTotals {
  const totals = { trials: 0, whole: 0, changes: 0 };
  const prng = new Prng(seed);
  while (totals.trials < trials) {
    using folder = memoryFolder();
    new HoleTorture(join(folder.path, "data"), prng, totals).tear();
    totals.trials++;
  }
  return totals;
}

class HoleTorture {
  readonly #dir: string;
  readonly #prng: Prng;
  readonly #totals: HoleTotals;
  readonly #model = new Map<string, string>();
  #boots = 0;

  constructor(dir: string, prng: Prng, totals: HoleTotals) {
    this.#dir = dir;
    this.#prng = prng;
    this.#totals = totals;
  }

  tear(): void {
    const prng = this.#prng;
    const opened = this.#open();
    const stores = Array.from({ length: WRITERS }, (_, worker) => attachAny(opened.handle, worker));
    this.#change(stores);
    if (prng.chance(2)) flush(opened);
    const victim = prng.pick(stores);
    const torn = `torn:${this.#totals.trials}`;
    this.#tearLast(() => set(victim, torn, "x".repeat(prng.below(200))));
    this.#change(stores.filter((store) => store !== victim));
    opened.release();
    this.#totals.whole += this.#check(torn) ? 1 : 0;
    // The hole is known now: it is no damage, not even after a loss of power.
    if (prng.chance(4)) {
      this.#boots++;
      this.#check(torn);
    }
  }

  #open(): Recovered {
    const boot = `boot ${this.#boots}`;
    const workers = WRITERS + 1;
    return recover({ dir: this.#dir, mode: "everysec", reserveBytes: RESERVE, workers, boot });
  }

  #change(stores: readonly Store[]): void {
    const count = 1 + this.#prng.below(CHANGES_MAX);
    for (let i = 0; i < count; i++) {
      const name = `key:${this.#prng.below(KEYS)}`;
      const value = `${this.#totals.changes++}`.padEnd(this.#prng.below(300), ".");
      set(this.#prng.pick(stores), name, value);
      this.#model.set(name, value);
    }
  }

  /** Of the words of the log that `write` changes, any part stays. */
  #tearLast(write: () => void): void {
    const before = this.#readLog(new Map());
    const lostPart = this.#prng.pick(LOST_PARTS);
    write();
    for (const [name, now] of this.#readLog(before)) {
      const old = before.get(name) as SparseFile;
      const descriptor = openSync(join(this.#dir, name), "r+");
      for (const [at, page] of now.pages) {
        const known = old.pages.get(at) ?? Buffer.alloc(page.length);
        if (known === page) continue;
        for (let word = 0; word < page.length; word += WORD) {
          const isSame = page.compare(known, word, word + WORD, word, word + WORD) === 0;
          if (isSame || this.#prng.fraction() >= lostPart) continue;
          writeSync(descriptor, known, word, WORD, at + word);
        }
      }
      closeSync(descriptor);
    }
  }

  #readLog(like: ReadonlyMap<string, SparseFile>): Map<string, SparseFile> {
    const names = readdirSync(this.#dir).filter((name) => name.startsWith("log-"));
    return new Map(names.map((name) => [name, readSparse(join(this.#dir, name), like.get(name))]));
  }

  /** Recovers, compares, and says whether the torn record is there. */
  #check(torn: string): boolean {
    const opened = this.#open();
    const store = attachAny(opened.handle, 0);
    for (const [name, value] of this.#model) {
      const found = get(store, name);
      if (found === value) continue;
      const [is, was] = [found?.slice(0, 20), value.slice(0, 20)];
      throw new Error(`trial ${this.#totals.trials}: ${name} is ${is} and was ${was}`);
    }
    const isWhole = get(store, torn) !== null;
    opened.release();
    return isWhole;
  }
}

function flush({ log, handle }: Recovered): void {
  const flusher = new Flusher(log, handle.control);
  flusher.flush();
  flusher.close();
}

function aim(store: Store, bytes: Buffer, keyLength: number) {
  const cursor = store.cursor(0);
  Object.assign(cursor, { bytes, keyStart: 0, keyLength, db: 0 });
  cursor.hash = store.hash(bytes, 0, keyLength);
  return cursor;
}

function set(store: Store, name: string, value: string): void {
  const bytes = Buffer.from(name + value);
  store.enterBatch();
  const status = store.setString(aim(store, bytes, name.length), bytes, name.length, value.length);
  store.leaveBatch();
  if (status !== STATUS_OK) throw new Error(`a change is refused: ${status}`);
}

function get(store: Store, name: string): string | null {
  store.enterBatch();
  const cursor = aim(store, Buffer.from(name), name.length);
  const isFound = store.beginRead(cursor);
  const { valueStart: start, valueLength } = cursor;
  const value = isFound ? cursor.valueBytes.toString("latin1", start, start + valueLength) : null;
  store.endRead(cursor);
  store.leaveBatch();
  return value;
}

if (import.meta.main) {
  const seed = seedOption();
  console.log(`torture hole: --seed=${seed}`);
  console.log(tearRecords(seed, numberOption("trials", 1000)));
}
