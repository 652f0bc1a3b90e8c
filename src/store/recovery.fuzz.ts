/**
 * Fuzzes durability against a model: random changes by several Workers' stores in turn, with
 * flushes and checkpoints in between; now and then the files are copied as a crash would leave
 * them, recovered, and compared.
 *
 *   kill    the files as they are: everything must be there
 *   power   every 4 KiB page that changed since the last flush is, at random, the old or the new
 *           one: what comes back must be the state after some change at or above the durable mark;
 *           then the store goes on, is killed, and what the loss has taken must not come back
 *
 * Prints its seed; `--seed=N --steps=M` repeats a run.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte-buffer.ts";
import { clock } from "../base/clock.ts";
import { freshSeed, Prng } from "../base/prng.ts";
import { type Cursor, TYPE_LIST, TYPE_NONE, TYPE_STRING } from "./cursor.ts";
import { attachAny } from "./durable-store.ts";
import { Flusher } from "./flusher.ts";
import { checkInvariants } from "./invariants.ts";
import { Keeper, requestCheckpoint } from "./keeper.ts";
import { LogState } from "./log.ts";
import { LOG_CHECKPOINT_RUNNING, TIME_DURABLE } from "./log-layout.ts";
import { readManifest } from "./manifest.ts";
import { type Recovered, recover } from "./recovery.ts";
import { KEEP_EXPIRY, STATUS_OK } from "./status.ts";
import { attachStore, type Store } from "./store.ts";

const RESERVE = 512 * 1024 * 1024;
const WORKERS = 3;
const KEYS = 60;
const PAGE = 4096;
const FAR_MS = 4_000_000_000_000;

interface Value {
  text?: string;
  items?: string[];
  expiresAtMs: number;
}
type Model = Map<string, Value>;

export interface RecoveryTotals {
  changes: number;
  kills: number;
  powerLosses: number;
  checkpoints: number;
  cut: number;
}

/** One history: a directory, its stores, the model, and the digests of all states. */
class History {
  readonly totals: RecoveryTotals;
  readonly #prng: Prng;
  readonly #root = mkdtempSync(join(tmpdir(), "kv-fuzz-"));
  readonly #dir = join(this.#root, "data");
  #recovered: Recovered;
  #stores: Store[] = [];
  #flusher: Flusher;
  #keeper: Keeper;
  #state: LogState;
  readonly #model: Model = new Map();
  /** State after each change, by its last stamp. */
  #digests: { stamp: number; digest: string }[] = [];
  /** The files as of the last flush. */
  #flushed = new Map<string, Buffer>();

  constructor(seed: number, totals: RecoveryTotals) {
    this.#prng = new Prng(seed);
    this.totals = totals;
    this.#recovered = this.#open(this.#dir);
    [this.#flusher, this.#keeper, this.#state] = this.#start();
    this.#flush();
  }

  #open(dir: string, boot?: string): Recovered {
    const options = { dir, mode: "everysec", reserveBytes: RESERVE, workers: WORKERS } as const;
    return recover(boot === undefined ? options : { ...options, boot });
  }

  #start(): [Flusher, Keeper, LogState] {
    const { handle, log } = this.#recovered;
    this.#stores = [0, 1].map((worker) => attachAny(handle, worker));
    const memory = attachStore(handle, 2).memory;
    const state = new LogState(log);
    this.#digests = [{ stamp: state.lastStamp(), digest: digestOf(this.#model) }];
    return [new Flusher(log, handle.control), new Keeper(memory, state), state];
  }

  close(): void {
    this.#recovered.release();
    rmSync(this.#root, { recursive: true });
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      const dice = this.#prng.below(1000);
      if (dice < 965) this.#change();
      else if (dice < 980) this.#flush();
      else if (dice < 985) this.#keep();
      else if (dice < 990) this.#checkKill(false);
      else if (dice < 998) this.#checkPowerLoss();
      else if (dice < 999) this.#checkKill(true);
    }
    this.#checkKill(false);
    this.#checkPowerLoss();
  }

  #flush(): void {
    this.#flusher.flush();
    this.#flushed = readAll(this.#dir);
  }

  /** A step of the keeper; now and then a checkpoint is asked for. */
  #keep(): void {
    if (this.#prng.below(2) === 0) requestCheckpoint(this.#state.control);
    const stepsMax = this.#prng.below(60);
    for (let i = 0; i < stepsMax; i++) {
      if (!this.#keeper.run(0.01)) break;
      if (this.#prng.below(3) === 0) this.#flush();
      if (this.#prng.below(3) === 0) this.#change();
    }
    if (this.#state.control[LOG_CHECKPOINT_RUNNING] === 0) this.totals.checkpoints++;
    // What the keeper has written is durable, whatever the log is.
    this.#flushed = readAll(this.#dir);
    this.#flush();
  }

  // ---- Changes ----

  #change(): void {
    this.totals.changes++;
    const store = this.#stores[this.#prng.below(2)] as Store;
    clock.tick();
    store.enterBatch();
    const dice = this.#prng.below(100);
    if (dice < 90) this.#changeOne(store);
    else if (dice < 96) this.#rename(store, this.#prng.below(2) === 0);
    else if (dice < 99) this.#putTwo(store);
    else if (this.#prng.below(20) === 0) this.#flushDatabase(store);
    store.leaveBatch();
    const stamp = this.#state.lastStamp();
    this.#digests.push({ stamp, digest: digestOf(this.#model) });
  }

  #aim(store: Store, index: number, name: string): Cursor {
    const cursor = store.cursor(index);
    const bytes = Buffer.from(name);
    cursor.bytes = bytes;
    cursor.keyStart = 0;
    cursor.keyLength = bytes.length;
    cursor.db = 0;
    cursor.hash = store.hash(bytes, 0, bytes.length);
    return cursor;
  }

  #key(): string {
    return `key:${this.#prng.below(KEYS)}`;
  }

  #bytes(): Buffer {
    const kind = this.#prng.below(200);
    const sizes = [3000, 20_000, 200_000];
    const max = kind === 0 ? 1_500_000 : kind < 10 ? (sizes[kind % 3] as number) : 60;
    return Buffer.alloc(this.#prng.below(max), String.fromCharCode(97 + this.#prng.below(26)));
  }

  #changeOne(store: Store): void {
    const name = this.#key();
    const cursor = this.#aim(store, 0, name);
    const bytes = this.#bytes();
    store.lock(cursor);
    const value = this.#model.get(name);
    const dice = this.#prng.below(20);
    let status = STATUS_OK;
    if (dice < 3 || (value === undefined && dice < 6)) {
      const expiresAtMs = this.#prng.below(4) === 0 ? FAR_MS + this.#prng.below(1000) : 0;
      status = store.putString(cursor, bytes, 0, bytes.length, expiresAtMs);
      this.#model.set(name, { text: bytes.toString("latin1"), expiresAtMs });
    } else if (value === undefined || (value.items !== undefined && dice < 14)) {
      this.#push(store, cursor, name, bytes);
    } else if (dice < 7) {
      store.remove(cursor);
      this.#model.delete(name);
    } else if (dice < 9) {
      value.expiresAtMs = this.#prng.below(3) === 0 ? 0 : FAR_MS + this.#prng.below(1000);
      status = store.setExpiry(cursor, value.expiresAtMs);
    } else if (value.items !== undefined) this.#changeList(store, cursor, name, value, bytes);
    else this.#changeString(store, cursor, value, bytes);
    assert(status === STATUS_OK, "a change has room");
    store.unlock(cursor);
  }

  #changeString(store: Store, cursor: Cursor, value: Value, bytes: Buffer): void {
    const before = value.text ?? "";
    const added = bytes.toString("latin1");
    const dice = this.#prng.below(3);
    if (dice === 0) {
      store.appendString(cursor, bytes, 0, bytes.length);
      value.text = before + added;
    } else if (dice === 1) {
      const at = this.#prng.below(before.length + 10);
      if (bytes.length === 0) return;
      store.writeRange(cursor, at, bytes, 0, bytes.length);
      const padded = before.padEnd(at, "\0");
      value.text = padded.slice(0, at) + added + padded.slice(at + added.length);
    } else {
      store.putString(cursor, bytes, 0, bytes.length, KEEP_EXPIRY);
      value.text = added;
    }
  }

  #push(store: Store, cursor: Cursor, name: string, bytes: Buffer): void {
    const atHead = this.#prng.below(2) === 0;
    const count = 1 + (this.#prng.below(3) === 0 ? this.#prng.below(40) : 0);
    const value = this.#model.get(name) ?? { items: [], expiresAtMs: 0 };
    this.#model.set(name, value);
    const size = count > 1 ? Math.min(500, bytes.length) : bytes.length;
    if (count > 1) store.group();
    for (let i = 0; i < count; i++) {
      assert(store.pushItem(cursor, atHead, bytes, 0, size) === STATUS_OK, "a push has room");
      const item = bytes.toString("latin1", 0, size);
      if (atHead) value.items?.unshift(item);
      else value.items?.push(item);
    }
  }

  #changeList(store: Store, cursor: Cursor, name: string, value: Value, bytes: Buffer): void {
    const items = value.items as string[];
    const text = bytes.toString("latin1");
    const dice = this.#prng.below(5);
    const index = this.#prng.below(items.length);
    if (dice === 0) {
      const count = 1 + this.#prng.below(items.length + 1);
      const atHead = this.#prng.below(2) === 0;
      store.dropItems(cursor, atHead, count);
      if (atHead) items.splice(0, count);
      else items.splice(Math.max(0, items.length - count));
    } else if (dice === 1) {
      const stop = index + this.#prng.below(items.length - index);
      store.trimList(cursor, index, stop);
      items.splice(stop + 1);
      items.splice(0, index);
    } else if (dice === 2) {
      store.setItem(cursor, index, bytes, 0, bytes.length);
      items[index] = text;
    } else if (dice === 3) {
      store.insertItem(cursor, index, bytes, 0, bytes.length);
      items.splice(index, 0, text);
    } else {
      store.removeItem(cursor, index);
      items.splice(index, 1);
    }
    if (items.length === 0) this.#model.delete(name);
  }

  #rename(store: Store, copies: boolean): void {
    const [a, b] = [this.#key(), this.#key()];
    if (a === b) return;
    const from = this.#aim(store, 0, a);
    const to = this.#aim(store, 1, b);
    store.lockAll(2);
    const value = this.#model.get(a);
    if (value !== undefined && copies) {
      if (to.type !== TYPE_NONE) {
        store.remove(to);
        store.refresh(to);
        store.refresh(from);
      }
      assert(store.copyTo(from, to) === STATUS_OK, "a copy has room");
      this.#model.set(b, structuredClone(value));
    } else if (value !== undefined) {
      assert(store.rename(from, to) === STATUS_OK, "a rename has room");
      this.#model.set(b, value);
      this.#model.delete(a);
    }
    store.unlockAll(2);
  }

  #putTwo(store: Store): void {
    const names = [this.#key(), this.#key()];
    const bytes = this.#bytes();
    for (const [i, name] of names.entries()) this.#aim(store, i, name);
    store.lockAll(2);
    names.forEach((name, i) => {
      store.putString(store.cursor(i), bytes, 0, bytes.length, 0);
      this.#model.set(name, { text: bytes.toString("latin1"), expiresAtMs: 0 });
    });
    store.unlockAll(2);
  }

  #flushDatabase(store: Store): void {
    store.exclusive(() => store.flush(-1));
    this.#model.clear();
  }

  // ---- Crashes ----

  /** The process is killed: a copy of the files gives the model; or the store goes on from it. */
  #checkKill(goesOn: boolean): void {
    this.totals.kills++;
    if (goesOn) {
      this.#recovered.release();
      this.#recovered = this.#open(this.#dir);
      this.#compare(this.#recovered, digestOf(this.#model));
      [this.#flusher, this.#keeper, this.#state] = this.#start();
      this.#flush();
      return;
    }
    const copy = join(this.#root, "kill");
    cpSync(this.#dir, copy, { recursive: true });
    const recovered = this.#open(copy);
    this.#compare(recovered, digestOf(this.#model));
    recovered.release();
    rmSync(copy, { recursive: true });
  }

  /** Power is lost: pages that were not flushed are there or not. */
  #checkPowerLoss(): void {
    this.totals.powerLosses++;
    const copy = join(this.#root, "power");
    cpSync(this.#dir, copy, { recursive: true });
    for (const [name, now] of readAll(this.#dir)) {
      const before = this.#flushed.get(name);
      // The others are made under another name, flushed, and renamed.
      if (!/^(?:log-|mark)/.test(name) || before?.length !== now.length) continue;
      writeFileSync(join(copy, name), mixPages(before, now, this.#prng));
    }
    const durable = this.#state.times[TIME_DURABLE] as number;
    const recovered = this.#open(copy, "another boot");
    const run = readManifest(copy).runs.at(-2);
    const last = Math.max(run?.last ?? 0, durable);
    assert(last >= durable, `stamp ${last} is at or above the durable ${durable}`);
    const state = this.#digests.findLast((it) => it.stamp <= last);
    this.totals.cut += recovered.report.cutCount;
    this.#compare(recovered, state?.digest ?? "");
    this.#goOn(copy, recovered);
    rmSync(copy, { recursive: true });
  }

  /** Changes what came back after a loss of power, and recovers once more. */
  #goOn(dir: string, recovered: Recovered): void {
    const store = attachAny(recovered.handle, 0);
    store.enterBatch();
    for (let changes = this.#prng.below(40); changes > 0; changes--) {
      const cursor = this.#aim(store, 0, this.#key());
      const bytes = this.#bytes();
      store.lock(cursor);
      assert(store.putString(cursor, bytes, 0, bytes.length, 0) === STATUS_OK, "a SET has room");
      store.unlock(cursor);
    }
    store.leaveBatch();
    const digest = digestOf(readStore(store));
    recovered.release();
    const again = this.#open(dir, "another boot");
    this.#compare(again, digest);
    again.release();
  }

  #compare(recovered: Recovered, digest: string): void {
    assert(recovered.report.misfitsCount === 0, "every record fits");
    const store = attachStore(recovered.handle, 0);
    checkInvariants(store.memory);
    const found = digestOf(readStore(store));
    assert(
      found === digest,
      `recovered ${found.slice(0, 3000)}\nwanted    ${digest.slice(0, 3000)}`,
    );
  }
}

function mixPages(before: Buffer, now: Buffer, prng: Prng): Buffer {
  const mixed = Buffer.from(now);
  for (let at = 0; at < now.length; at += PAGE) {
    const end = at + PAGE;
    if (before.compare(now, at, end, at, end) === 0 || prng.below(2) === 0) continue;
    before.copy(mixed, at, at, end);
  }
  return mixed;
}

function readAll(dir: string): Map<string, Buffer> {
  const names = readdirSync(dir).filter((name) => name !== "lock");
  return new Map(names.map((name) => [name, readFileSync(join(dir, name))]));
}

/** Everything in a store, as the model has it. */
function readStore(store: Store): Model {
  const model: Model = new Map();
  const out = new ByteBuffer(1024);
  store.enterBatch();
  let position = 0;
  do {
    position = store.scanStep(0, position);
    for (let i = 0; i < store.scanned.count; i++) {
      const start = store.scanned.start[i] as number;
      const end = start + (store.scanned.length[i] as number);
      const key = Buffer.from(store.scanned.keys.bytes.toString("latin1", start, end));
      const cursor = store.cursor(0);
      Object.assign(cursor, { bytes: key, keyStart: 0, keyLength: key.length, db: 0 });
      cursor.hash = store.hash(key, 0, key.length);
      store.beginRead(cursor);
      const { expiresAtMs } = cursor;
      if (cursor.type === TYPE_STRING) {
        out.length = 0;
        store.copyValue(cursor, out, 0, cursor.valueLength);
        model.set(key.toString(), {
          text: out.bytes.toString("latin1", 0, out.length),
          expiresAtMs,
        });
      } else if (cursor.type === TYPE_LIST) {
        const items: string[] = [];
        for (let is = store.seekItem(cursor, 0); is; is = store.nextItem(cursor)) {
          out.length = 0;
          store.copyItem(cursor, out);
          items.push(out.bytes.toString("latin1", 0, out.length));
        }
        model.set(key.toString(), { items, expiresAtMs });
      }
      store.endRead(cursor);
    }
  } while (position !== 0);
  store.leaveBatch();
  return model;
}

/** The model in one line: long texts by their hashes. */
function digestOf(model: Model): string {
  const short = (text: string) =>
    text.length < 40 ? text : `${text.length}#${Bun.hash(text).toString(36)}`;
  return [...model]
    .map(([name, { text, items, expiresAtMs }]) => {
      const value = items === undefined ? short(text ?? "") : `[${items.map(short).join(",")}]`;
      return `${name}=${value.length < 200 ? value : Bun.hash(value)}@${expiresAtMs}`;
    })
    .sort()
    .join(" ");
}

/** Runs `histories` of `steps` changes each, with seeds from `seed` on. */
export function fuzzRecovery(seed: number, histories: number, steps: number): RecoveryTotals {
  const totals = { changes: 0, kills: 0, powerLosses: 0, checkpoints: 0, cut: 0 };
  for (let i = 0; i < histories; i++) {
    const history = new History((seed + i) >>> 0, totals);
    try {
      history.run(steps);
    } catch (error) {
      throw new Error(`recovery: seed ${(seed + i) >>> 0}, steps ${steps}`, { cause: error });
    } finally {
      history.close();
    }
  }
  return totals;
}

if (import.meta.main) {
  const option = (name: string, or: number) =>
    Number(process.argv.find((word) => word.startsWith(`--${name}=`))?.split("=")[1] ?? or);
  const seed = option("seed", freshSeed());
  const steps = option("steps", 2000);
  console.log(`recovery.fuzz: --seed=${seed} --steps=${steps}`);
  for (let i = 0; i < 5; i++) console.log(fuzzRecovery(seed + i, 1, steps));
}
