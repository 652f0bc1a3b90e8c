/**
 * Recovery: from a store's directory to the map, and to a new run that goes on from there.
 *
 *     lock -> manifest, mark -> checkpoints -> the log above their marks, by stamp -> manifest
 *
 * Only the last step writes, so a recovery that is killed is begun again from the start. What a gap
 * in the stamps means is decided here; docs/internals/durable.md has the argument.
 */
import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { clock, nanoseconds } from "../base/clock.ts";
import { FatalError, refusalOf } from "../base/errors.ts";
import { failPoint } from "../base/fail-point.ts";
import { type Directory, removeHeap, takeDirectory } from "./directory.ts";
import { CONTROL_DATABASES, CONTROL_SECRET, DATABASES_MAX, KEY_SHARD_BITS } from "./layout.ts";
import { addReady, fullReason, LogState, prepareSegment } from "./log.ts";
import {
  flushDirectory,
  MARK_NAME,
  MARK_SLOT_DISTANCE,
  MarkFile,
  readMark,
  segmentName,
  slotOfName,
  writeAll,
} from "./log-files.ts";
import {
  FORMAT,
  LOG_CHUNKS,
  LOG_CONTROL_WORDS,
  LOG_MODE,
  LOG_MODE_ALWAYS,
  LOG_MODE_EVERYSEC,
  LOG_OPEN_CHUNK,
  LOG_OPEN_SLOT,
  LOG_RUN,
  LOG_SEGMENTS_USED,
  LOG_SLOT_STATE,
  LOG_SLOTS_COUNT,
  LOG_STAMP_NEXT,
  type LogHandle,
  SLOT_USED,
  TIME_CHUNK_NEXT,
  TIME_DURABLE,
  TIME_FLUSHED_MS,
  TIME_MARK,
  TIME_RECOVERED_RECORDS,
  TIME_RECOVERY_MS,
  TIME_SAVED_MS,
  TIME_SHARD_BYTES,
  TIME_SLOT_LAST,
  TIME_STAMP_BASE,
  TIME_WORDS,
} from "./log-layout.ts";
import { type Chunk, chunksOf, isWholeSegment, RunReader } from "./log-reader.ts";
import { logMark, type Manifest, type Run, readManifest, writeManifest } from "./manifest.ts";
import { reserveMemory, type StoreHandle } from "./memory.ts";
import { Replayer } from "./replay.ts";
import { readShard } from "./shard-reader.ts";
import { attachStore } from "./store.ts";

const FILE_MODE = 0o600;
const NS_PER_MS = 1e6;
/** Bytes of what `blocks` of a file counts. */
const BLOCK_SIZE = 512;
/**
 * Each run has its own chunk numbers. One more than the highest that is seen is not enough: a loss
 * of power may have taken a chunk's header and left its records, which would be the next run's when
 * it gave the same chunk the same number.
 */
const CHUNKS_A_RUN = 2 ** 32;
/** Records between two looks at the clock for progress. */
const PROGRESS_RECORDS = 65_536;
const PROGRESS_MS = 1000;

export interface RecoveryOptions {
  readonly dir: string;
  readonly mode: "everysec" | "always";
  readonly reserveBytes: number;
  readonly workers: number;
  /** Of those, what is memory; the rest becomes files as it is needed. Default: all is memory. */
  readonly memoryBytes?: number;
  /** Told about once a second what has been read. */
  readonly onProgress?: (recordsCount: number) => void;
  /** The kernel's boot id; tests say that power was lost by giving another one. */
  readonly boot?: string;
  /** Skips what is damaged instead of refusing. For `kv check --salvage`. */
  readonly salvages?: boolean;
}

export interface Recovered {
  readonly handle: StoreHandle;
  readonly log: LogHandle;
  readonly report: RecoveryReport;
  /** Gives the directory up. The process must not write to it any more. */
  release(): void;
}

export interface RecoveryReport {
  recordsCount: number;
  tookMs: number;
  /** Records that were being written when the process ended, and were not acknowledged. */
  skippedCount: number;
  /** Records behind the first gap after a loss of power. */
  cutCount: number;
  /** Records or checkpoints that were damaged (salvaging only). */
  damagedCount: number;
  misfitsCount: number;
  /** One of the mark's two slots was damaged, the other one was used. */
  hasDamagedMark: boolean;
}

/** What `inspect` finds: the map, and what the files say. */
export interface Inspected {
  readonly handle: StoreHandle;
  readonly report: RecoveryReport;
  readonly manifest: Manifest;
  /** Slots of all segments. */
  readonly segmentsCount: number;
  release(): void;
}

/**
 * Recovers what is in the directory, and changes nothing in it; files of the map, which are worth
 * nothing without their process, are there until `release`. Throws FatalError when it could not be
 * recovered.
 */
export function inspect(options: Omit<RecoveryOptions, "mode">): Inspected {
  const directory = takeDirectory(options.dir, false);
  try {
    removeHeap(options.dir);
    return new Recovery(directory, { ...options, mode: "everysec" }).inspect();
  } catch (error) {
    removeHeap(options.dir);
    directory.release();
    throw refusalOf(`Cannot recover ${options.dir}`, error);
  }
}

/** Opens the directory and recovers what is in it. Throws FatalError when that is not possible. */
export function recover(options: RecoveryOptions): Recovered {
  const directory = takeDirectory(options.dir);
  try {
    return new Recovery(directory, options).run();
  } catch (error) {
    directory.release();
    throw refusalOf(`Cannot recover ${options.dir}`, error);
  }
}

/** The kernel's boot id: the page cache is whole as long as it is the same. "" where unknown. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}

class Recovery {
  readonly #directory: Directory;
  readonly #options: RecoveryOptions;
  readonly #boot: string;
  readonly #handle: StoreHandle;
  readonly #report: RecoveryReport = {
    recordsCount: 0,
    tookMs: 0,
    skippedCount: 0,
    cutCount: 0,
    damagedCount: 0,
    misfitsCount: 0,
    hasDamagedMark: false,
  };
  /** The highest stamp and chunk number seen anywhere. */
  #stampMax = 0;
  #chunkMax = 0;
  /** Where the chunk with that number is. */
  #lastSlot = -1;
  #lastChunk = 0;
  readonly #slotLast = new Map<number, number>();
  #slots: number[] = [];
  /** Segments that were never filled: to be removed. */
  readonly #unfinished: string[] = [];

  constructor(directory: Directory, options: RecoveryOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#boot = options.boot ?? bootId();
    const { memoryBytes } = options;
    const heap = memoryBytes === undefined ? undefined : { dir: directory.dir, memoryBytes };
    this.#handle = reserveMemory(options.reserveBytes, options.workers, heap);
  }

  run(): Recovered {
    const startNs = nanoseconds();
    const { dir, isNew } = this.#directory;
    const manifest = isNew ? this.#firstManifest() : this.#recoverFrom(readManifest(dir));
    const report = this.#report;
    report.tookMs = (nanoseconds() - startNs) / NS_PER_MS;
    failPoint("recovered");
    const log = this.#beginRun(manifest);
    return { handle: { ...this.#handle, log }, log, report, release: () => this.#release() };
  }

  inspect(): Inspected {
    const { dir, isNew } = this.#directory;
    if (isNew) throw new FatalError(`Cannot check ${dir}: there is no store in it`);
    const startNs = nanoseconds();
    const manifest = this.#recoverFrom(readManifest(dir));
    this.#report.tookMs = (nanoseconds() - startNs) / NS_PER_MS;
    const segmentsCount = this.#slots.length;
    const [handle, report] = [this.#handle, this.#report];
    return { handle, report, manifest, segmentsCount, release: () => this.#release() };
  }

  /** Files of the map are worth nothing from now on: their space comes back. */
  #release(): void {
    removeHeap(this.#directory.dir);
    this.#directory.release();
  }

  // ---- A new directory --------------------------------------------------------------------------

  #firstManifest(): Manifest {
    const { dir } = this.#directory;
    // What a first start that was killed has left behind.
    for (const name of this.#directory.names) rmSync(join(dir, name), { force: true });
    const descriptor = openSync(join(dir, MARK_NAME), "w", FILE_MODE);
    const empty = Buffer.alloc(MARK_SLOT_DISTANCE * 2);
    writeAll(descriptor, empty, empty.length, 0);
    closeSync(descriptor);
    const mark = new MarkFile(dir, 0);
    mark.write(1, 0, clock.nowMs);
    mark.flush();
    mark.close();
    flushDirectory(dir);
    const control = new Int32Array(this.#handle.control);
    return {
      format: FORMAT,
      secret: Array.from(control.slice(CONTROL_SECRET, CONTROL_SECRET + 3)),
      runs: [],
      shards: Array.from({ length: 1 << KEY_SHARD_BITS }, () => ({
        file: "",
        mark: 0,
        sizeBytes: 0,
      })),
      databases: Array.from({ length: DATABASES_MAX }, (_, db) => db),
      databasesMark: 0,
      serial: 1,
      savedMs: clock.nowMs,
    };
  }

  // ---- An existing one --------------------------------------------------------------------------

  /** Fills the map; returns the manifest with every run closed. */
  #recoverFrom(manifest: Manifest): Manifest {
    const control = new Int32Array(this.#handle.control);
    manifest.secret.forEach((word, i) => {
      control[CONTROL_SECRET + i] = word;
    });
    manifest.databases.forEach((physical, db) => {
      control[CONTROL_DATABASES + db] = physical;
    });
    // The Worker that recovers is the last one: its counters' row goes on to be used by nobody else
    // meanwhile.
    const store = attachStore(this.#handle, this.#options.workers - 1);
    const replayer = new Replayer(store, this.#directory.dir);
    replayer.databasesMark = manifest.databasesMark;
    replayer.begin();
    this.#readShards(manifest, replayer);
    const runs = this.#readLog(manifest, replayer);
    replayer.end();
    this.#report.misfitsCount = replayer.misfitsCount;
    return { ...manifest, runs };
  }

  #readShards(manifest: Manifest, replayer: Replayer): void {
    const { dir } = this.#directory;
    manifest.shards.forEach((file, shard) => {
      if (file.file === "") return;
      try {
        readShard(
          dir,
          shard,
          file,
          (stamps) => replayer.setStamps(shard, stamps),
          (record) => {
            replayer.apply(record);
            this.#count();
          },
        );
      } catch (error) {
        if (this.#options.salvages !== true) throw error;
        this.#report.damagedCount++;
      }
    });
  }

  #count(): void {
    const report = this.#report;
    report.recordsCount++;
    if (report.recordsCount % PROGRESS_RECORDS === 0) this.#showProgress();
  }

  #shownNs = nanoseconds();

  #showProgress(): void {
    const now = nanoseconds();
    if (now - this.#shownNs < PROGRESS_MS * NS_PER_MS) return;
    this.#shownNs = now;
    this.#options.onProgress?.(this.#report.recordsCount);
  }

  /** Applies the log above the checkpoints' marks; returns the runs, all closed. */
  #readLog(manifest: Manifest, replayer: Replayer): Run[] {
    const mark = logMark(manifest);
    const chunks = this.#readChunks();
    const byRun = Map.groupBy(chunks, (chunk) => chunk.run);
    const durable = this.#readMark();
    const runs: Run[] = [];
    for (const run of manifest.runs) {
      if (run.last > 0 && run.last <= mark) continue;
      const reader = new RunReader(byRun.get(run.run) ?? [], mark, (slot, stamp) =>
        this.#noteLast(slot, stamp),
      );
      const closed = this.#readRun(run, reader, replayer, mark, durable);
      runs.push(closed);
      this.#stampMax = Math.max(this.#stampMax, closed.last);
    }
    return runs;
  }

  #noteLast(slot: number, stamp: number): void {
    this.#slotLast.set(slot, Math.max(this.#slotLast.get(slot) ?? 0, stamp));
    this.#stampMax = Math.max(this.#stampMax, stamp);
  }

  #readMark(): { readonly run: number; readonly stamp: number } {
    const { dir } = this.#directory;
    const mark = statSync(join(dir, MARK_NAME), { throwIfNoEntry: false }) && readMark(dir);
    if (mark !== undefined && mark !== null) {
      this.#report.hasDamagedMark = mark.isOtherDamaged;
      return mark;
    }
    if (this.#options.salvages === true) return { run: 0, stamp: 0 };
    throw new FatalError(
      `Cannot recover ${dir}: the durable mark is missing or damaged`,
      "kv check --dir --salvage takes what is there",
    );
  }

  #readChunks(): Chunk[] {
    const { dir, names } = this.#directory;
    const all: Chunk[] = [];
    for (const name of names) {
      const slot = slotOfName(name);
      if (slot < 0) continue;
      const { size, blocks } = statSync(join(dir, name));
      // With holes, where a copy has left zeros out, it can be read but not written to: a full disk
      // would end the process.
      const hasHoles = blocks * BLOCK_SIZE < size;
      const chunks = isWholeSegment(size) ? chunksOf(dir, slot) : [];
      // It was being made when the process ended: nothing was ever written to it.
      if (!isWholeSegment(size) || (hasHoles && chunks.length === 0)) {
        this.#unfinished.push(name);
        continue;
      }
      this.#slots.push(slot);
      for (const chunk of chunks) {
        all.push(chunk);
        if (chunk.number < this.#chunkMax) continue;
        this.#chunkMax = chunk.number;
        this.#lastSlot = hasHoles ? -1 : slot;
        this.#lastChunk = chunk.chunk;
      }
    }
    return all;
  }

  /** Applies one run; returns it with its last stamp and what is missing before it. */
  #readRun(
    run: Run,
    reader: RunReader,
    replayer: Replayer,
    mark: number,
    durable: { readonly run: number; readonly stamp: number },
  ): Run {
    const known = new Set(run.missing);
    const missing: number[] = [];
    let expected = Math.max(run.first, mark + 1);
    let isCut = false;
    for (let record = reader.next(); record !== null; record = reader.next()) {
      const { stamp } = record;
      this.#stampMax = Math.max(this.#stampMax, stamp);
      if (stamp < expected) continue;
      if (run.last > 0 && stamp > run.last) continue;
      for (; expected < stamp && !isCut; expected++) {
        if (known.has(expected)) missing.push(expected);
        else isCut = this.#isEndAt(run, expected, missing, reader, durable);
      }
      if (isCut) {
        this.#report.cutCount++;
        continue;
      }
      expected = stamp + 1;
      replayer.take(reader.currentStream(), record);
      this.#count();
    }
    replayer.dropGroups();
    const last = isCut ? expected - 2 : expected - 1;
    this.#checkEnd(run, last, missing, reader, durable, known);
    return { ...run, last: Math.max(last, run.last), missing };
  }

  /**
   * The record `stamp` is missing, and later ones are there. Says whether the log ends here; false:
   * it goes on without it, and `missing` has it. Throws when that cannot be.
   */
  #isEndAt(
    run: Run,
    stamp: number,
    missing: number[],
    reader: RunReader,
    durable: { readonly run: number; readonly stamp: number },
  ): boolean {
    const isBelow = run.last > 0 || (durable.run === run.run && stamp <= durable.stamp);
    if (isBelow) {
      this.#refuseGap(stamp, reader);
      missing.push(stamp);
      return false;
    }
    if (run.boot !== this.#boot || this.#boot === "") return true;
    missing.push(stamp);
    this.#report.skippedCount++;
    if (this.#report.skippedCount > reader.streamsCount) this.#refuseGap(stamp, reader);
    return false;
  }

  /** What should be there up to the durable mark, or to the end of a closed run, must be there. */
  #checkEnd(
    run: Run,
    last: number,
    missing: number[],
    reader: RunReader,
    durable: { readonly run: number; readonly stamp: number },
    known: ReadonlySet<number>,
  ): void {
    const end = run.last > 0 ? run.last : durable.run === run.run ? durable.stamp : 0;
    for (let stamp = last + 1; stamp <= end; stamp++) {
      if (!known.has(stamp)) this.#refuseGap(stamp, reader);
      missing.push(stamp);
    }
  }

  #refuseGap(stamp: number, reader: RunReader): void {
    if (this.#options.salvages === true) {
      this.#report.damagedCount++;
      return;
    }
    throw new FatalError(
      `Cannot recover ${this.#directory.dir}: record ${stamp}, which was durable, is damaged or ` +
        `missing; the log breaks off in ${reader.broken()}`,
      "kv check --dir --salvage keeps the rest",
    );
  }

  // ---- The new run ------------------------------------------------------------------------------

  /** Begins a run above everything that was seen: manifest, first segment, shared memory. */
  #beginRun(manifest: Manifest): LogHandle {
    const { dir } = this.#directory;
    this.#flushLog();
    for (const name of this.#unfinished) rmSync(join(dir, name), { force: true });
    const log: LogHandle = {
      dir,
      control: new SharedArrayBuffer(LOG_CONTROL_WORDS * 4),
      times: new SharedArrayBuffer(TIME_WORDS * 8),
    };
    const first = this.#stampMax + 1;
    const run = manifest.runs.reduce((most, it) => Math.max(most, it.run), 0) + 1;
    this.#fillLog(log, manifest, run, first);
    const state = new LogState(log);
    if (!prepareSegment(state, 1)) {
      throw new FatalError(`Cannot make a segment in ${dir}: ${fullReason(state)}`);
    }
    const opened: Run = { run, first, last: 0, missing: [], boot: this.#boot };
    writeManifest(dir, { ...manifest, format: FORMAT, runs: [...manifest.runs, opened] });
    failPoint("run-begun");
    this.#removeOrphans(manifest);
    const mark = new MarkFile(dir, readMark(dir)?.sequence ?? 0);
    mark.write(run, first - 1, clock.nowMs);
    mark.flush();
    mark.close();
    return log;
  }

  /**
   * What the killed process had not flushed is only in the page cache. Once the manifest says that
   * the run ends behind it, it must be durable.
   */
  #flushLog(): void {
    for (const slot of this.#slots) {
      const descriptor = openSync(join(this.#directory.dir, segmentName(slot)), "r+");
      try {
        fdatasyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    }
  }

  #fillLog(log: LogHandle, manifest: Manifest, run: number, first: number): void {
    const control = new Int32Array(log.control);
    const times = new Float64Array(log.times);
    control[LOG_STAMP_NEXT] = first | 0;
    // What is left of the last segment is used up first: a program that is started again and again
    // would take another one each time.
    const isLeft = this.#lastChunk + 1 < LOG_CHUNKS;
    control[LOG_OPEN_SLOT] = isLeft ? this.#lastSlot : -1;
    control[LOG_OPEN_CHUNK] = this.#lastChunk + 1;
    control[LOG_RUN] = run;
    control[LOG_MODE] = this.#options.mode === "always" ? LOG_MODE_ALWAYS : LOG_MODE_EVERYSEC;
    control[LOG_SLOTS_COUNT] = Math.max(-1, ...this.#slots) + 1;
    for (const slot of this.#slots) {
      const last = this.#slotLast.get(slot) ?? 0;
      const isOpen = control[LOG_OPEN_SLOT] === slot;
      if (!isOpen && last <= logMark(manifest) && addReady(control, slot)) continue;
      control[LOG_SLOT_STATE + slot] = SLOT_USED;
      control[LOG_SEGMENTS_USED] = (control[LOG_SEGMENTS_USED] as number) + 1;
      times[TIME_SLOT_LAST + slot] = last;
    }
    times[TIME_STAMP_BASE] = first;
    times[TIME_DURABLE] = first - 1;
    times[TIME_FLUSHED_MS] = clock.nowMs;
    times[TIME_CHUNK_NEXT] = Math.max(this.#chunkMax + 1, run * CHUNKS_A_RUN);
    times[TIME_MARK] = logMark(manifest);
    times[TIME_SAVED_MS] = manifest.savedMs;
    times[TIME_SHARD_BYTES] = manifest.shards.reduce((sum, it) => sum + it.sizeBytes, 0);
    times[TIME_RECOVERY_MS] = this.#report.tookMs;
    times[TIME_RECOVERED_RECORDS] = this.#report.recordsCount;
  }

  /** Checkpoints that no manifest names: their writing was interrupted, or their removal. */
  #removeOrphans(manifest: Manifest): void {
    const { dir, names } = this.#directory;
    const named = new Set(manifest.shards.map((shard) => shard.file));
    for (const name of names) {
      if (name.startsWith("shard-") && !named.has(name)) rmSync(join(dir, name), { force: true });
    }
  }
}
