/**
 * The keeper of a store's directory: keeps segments ready, writes checkpoints, recycles what is not
 * needed. One thread of the process does this, a budget at a time.
 *
 *     log too long, or asked for -> the shard with the oldest checkpoint is written -> the log is
 *     durable up to what it contains -> manifest -> the mark moves -> segments below it are
 * recycled
 *
 * The order of the last three is what makes it safe: nothing is given up before the manifest that
 * does not need it is durable.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { clock, nanoseconds } from "../base/clock.ts";
import { failPoint } from "../base/fail-point.ts";
import { ShardCheckpoint, ShardStep } from "./checkpoint.ts";
import { enterEpoch, leaveEpoch } from "./epoch.ts";
import { requestFlush } from "./flusher.ts";
import { HeapKeeper, heapBytes } from "./heap.ts";
import { latch, unlatch } from "./latch.ts";
import { CONTROL_DATABASES, COUNT_USED_BYTES, DATABASES_MAX } from "./layout.ts";
import { addReady, type LogState, prepareSegment, refusalCode } from "./log.ts";
import { removeSegment } from "./log-files.ts";
import {
  LOG_CHECKPOINT_ASKED,
  LOG_CHECKPOINT_DONE,
  LOG_CHECKPOINT_ERROR,
  LOG_CHECKPOINT_FAILED,
  LOG_CHECKPOINT_RUNNING,
  LOG_CHECKPOINTS_COUNT,
  LOG_LOCK,
  LOG_OPEN_SLOT,
  LOG_READING,
  LOG_READY,
  LOG_READY_COUNT,
  LOG_SEGMENT_SIZE,
  LOG_SEGMENTS_RECYCLED,
  LOG_SEGMENTS_SLOW,
  LOG_SEGMENTS_USED,
  LOG_SLOT_HELD,
  LOG_SLOT_STATE,
  LOG_SLOTS_COUNT,
  SLOT_LEAVING,
  SLOT_NONE,
  SLOT_READY,
  SLOT_USED,
  TIME_CHECKPOINT_MS,
  TIME_DURABLE,
  TIME_MARK,
  TIME_SAVED_MS,
  TIME_SHARD_BYTES,
  TIME_SLOT_LAST,
} from "./log-layout.ts";
import { logMark, type Manifest, readManifest, type ShardFile, writeManifest } from "./manifest.ts";
import type { Memory } from "./memory.ts";
import { sumCounter } from "./stats.ts";

/** Everything in the directory together should be at most so many times the data. */
const DISK_PART_MAX = 2;
/** The log may be this part of the data before the oldest shard is written anew. */
const LOG_PART_MAX = 0.6;
/**
 * Where the map is in files too, nothing may be left of the disk's part: writing checkpoints for
 * less log than this would cost more than four bytes for each of the log.
 */
const LOG_PART_MIN = 0.25;
/** And this long at the least. */
const LOG_SIZE_MIN = 2 * LOG_SEGMENT_SIZE;
/** With so much more of it, and half a segment at the least, shards are written without a pause. */
const BEHIND_PART = 0.05;
/** With so much more of it, and two segments at the least, writers are slowed. */
const SLOW_PART = 0.1;
/** A log that is not empty is checkpointed at least so often. */
const PERIOD_MS_MAX = 3_600_000;
/** After a failure (a full disk, mostly) it is tried again so much later. */
const RETRY_MS = 5000;
/**
 * With so many bytes of shards that are written and not in the manifest yet, the next one waits:
 * they are on the disk twice meanwhile.
 */
const WRITTEN_BYTES_MAX = 64 * 1024 * 1024;
const HEAP_RETRY_MS = 500;
/** So is a segment that could not be made: how soon new room is noticed. */
const PREPARE_RETRY_MS = 250;
/** Segments that are made ahead while they are used up fast. */
const READY_WANTED = 2;
/**
 * Recycled segments that are kept ready; more are removed. They come several at a time, as many as
 * the log has at its longest: one that is removed is made again soon, which is as much writing as
 * the log itself, and flushing new blocks takes eight times as long.
 */
const READY_KEPT_MAX = 8;
/** When no segment was opened for so long, those that are ready beyond READY_WANTED are removed. */
const READY_IDLE_MS = 10_000;

interface Written {
  readonly shard: number;
  readonly file: ShardFile;
  readonly upTo: number;
  readonly databases: Pick<Manifest, "databases" | "databasesMark">;
}

export class Keeper {
  readonly #memory: Memory;
  readonly #state: LogState;
  #manifest: Manifest;
  #job: ShardCheckpoint | null = null;
  /** Shards that are written and wait for the log to be durable up to their `upTo`, in order. */
  #written: Written[] = [];
  #serial: number;
  /** Shards are written until the mark is at or above this; null: none is. */
  #target: number | null = null;
  #asked: number;
  #isAll = false;
  /** A checkpoint of everything is done when the mark has reached this; and when it was begun. */
  #roundEnd: number;
  #beganMs = 0;
  #retryMs = 0;
  #wanted = 1;
  #seenOpen = -1;
  #openedMs = 0;
  #flushAsked = -1;
  /** The log is longer than its part: shards are written, if that makes it shorter. */
  isTooLong = false;
  /** The log is longer than it should become while a shard is written: that must not pause. */
  isBehind = false;
  readonly #heap: HeapKeeper;
  #heapRetryMs = 0;
  #prepareRetryMs = 0;

  constructor(memory: Memory, state: LogState) {
    this.#memory = memory;
    this.#state = state;
    this.#manifest = readManifest(state.dir);
    this.#serial = this.#manifest.serial;
    this.#roundEnd = state.lastStamp();
    this.#heap = new HeapKeeper(memory, state.dir);
    this.#asked = state.control[LOG_CHECKPOINT_DONE] as number;
  }

  /** Does what there is to do for about `budgetMs`. True: there is more to do right away. */
  run(budgetMs: number): boolean {
    const beganNs = nanoseconds();
    this.#weigh();
    // Before new ones are made: what is recycled needs no making.
    this.#recycle();
    const isReady = this.#prepare();
    const makesHeap = this.#makeHeap();
    // Making files takes up to all of the time there is, the more of it the less is recycled: as
    // much time is for recycling.
    const endNs = 2 * nanoseconds() - beganNs;
    let hasMore = this.#checkpoint(budgetMs);
    while (this.#job !== null && this.isBehind && nanoseconds() < endNs) {
      hasMore = this.#checkpoint(budgetMs);
    }
    return hasMore || makesHeap || !isReady;
  }

  /** Looks at how long the log is: what has to be done about it, and when writers must wait. */
  #weigh(): void {
    const { control } = this.#state;
    const max = this.#logBytesMax();
    const over = Atomics.load(control, LOG_SEGMENTS_USED) * LOG_SEGMENT_SIZE - max;
    this.isTooLong = over > 0;
    this.isBehind = over > Math.max(LOG_SEGMENT_SIZE / 2, max * BEHIND_PART);
    const slowBytes = max + Math.max(2 * LOG_SEGMENT_SIZE, max * SLOW_PART);
    Atomics.store(control, LOG_SEGMENTS_SLOW, Math.floor(slowBytes / LOG_SEGMENT_SIZE));
  }

  /** Keeps segments of the map ready; a full disk shows as writes that are out of memory. */
  #makeHeap(): boolean {
    if (!this.#memory.isHeapOnDisk || clock.nowMs < this.#heapRetryMs) return false;
    try {
      return this.#heap.run();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      this.#heapRetryMs = clock.nowMs + HEAP_RETRY_MS;
      return false;
    }
  }

  /** Keeps a segment ready, and more while they are used up fast. False: one more can be made. */
  #prepare(): boolean {
    const { control } = this.#state;
    const open = Atomics.load(control, LOG_OPEN_SLOT);
    if (open !== this.#seenOpen) {
      this.#wanted = this.#seenOpen < 0 ? 1 : READY_WANTED;
      this.#seenOpen = open;
      this.#openedMs = clock.nowMs;
    }
    if (clock.nowMs - this.#openedMs > READY_IDLE_MS) this.#trimReady();
    const ready = Atomics.load(control, LOG_READY_COUNT);
    if (ready >= this.#wanted) {
      // There may be room again.
      if (ready > 0) prepareSegment(this.#state, 1);
      return true;
    }
    if (clock.nowMs < this.#prepareRetryMs) return true;
    if (prepareSegment(this.#state, ready + 1)) return ready + 1 >= this.#wanted;
    // Each attempt fills what is left of the disk.
    this.#prepareRetryMs = clock.nowMs + PREPARE_RETRY_MS;
    return true;
  }

  // ---- Recycling --------------------------------------------------------------------------------

  /** Makes segments ready again whose records are all below the mark and that nobody writes to. */
  #recycle(): void {
    const { control, times } = this.#state;
    const mark = times[TIME_MARK] as number;
    const count = Atomics.load(control, LOG_SLOTS_COUNT);
    for (let slot = 0; slot < count; slot++) {
      if (control[LOG_SLOT_STATE + slot] !== SLOT_USED) continue;
      latch(control, LOG_LOCK);
      const isFree =
        control[LOG_SLOT_HELD + slot] === 0 &&
        control[LOG_OPEN_SLOT] !== slot &&
        (times[TIME_SLOT_LAST + slot] as number) <= mark;
      if (isFree) {
        control[LOG_SLOT_STATE + slot] = SLOT_LEAVING;
        control[LOG_SEGMENTS_USED] = (control[LOG_SEGMENTS_USED] as number) - 1;
      }
      unlatch(control, LOG_LOCK);
      if (isFree) this.#giveBack(slot);
    }
  }

  #giveBack(slot: number): void {
    const { control, times } = this.#state;
    failPoint("recycle");
    times[TIME_SLOT_LAST + slot] = 0;
    Atomics.add(control, LOG_SEGMENTS_RECYCLED, 1);
    const isWanted = Atomics.load(control, LOG_READY_COUNT) < READY_KEPT_MAX;
    if (isWanted && addReady(control, slot)) return;
    this.#remove(slot);
  }

  /** Removes the file of a slot that is being left; then the slot can have another. */
  #remove(slot: number): void {
    const { control, dir } = this.#state;
    removeSegment(dir, slot);
    Atomics.store(control, LOG_SLOT_STATE + slot, SLOT_NONE);
  }

  /** Removes segments that are ready beyond what is made ahead: the load may be over. */
  #trimReady(): void {
    const { control } = this.#state;
    for (;;) {
      latch(control, LOG_LOCK);
      const ready = control[LOG_READY_COUNT] as number;
      const slot = control[LOG_READY + ready - 1] as number;
      const isSurplus = ready > READY_WANTED;
      if (isSurplus) {
        control[LOG_READY_COUNT] = ready - 1;
        control[LOG_SLOT_STATE + slot] = SLOT_LEAVING;
      }
      unlatch(control, LOG_LOCK);
      if (!isSurplus) return;
      this.#remove(slot);
    }
  }

  // ---- Checkpoints ------------------------------------------------------------------------------

  #checkpoint(budgetMs: number): boolean {
    // Who asks for one wants to know now whether it works.
    if (this.#isAsked()) this.#retryMs = 0;
    if (clock.nowMs < this.#retryMs) return false;
    try {
      if (this.#written.length > 0 && this.#publish()) return true;
      if (this.#job !== null) return this.#step(this.#job, budgetMs);
      return this.#begin();
    } catch (error) {
      this.#fail(error);
      const code = (error as NodeJS.ErrnoException).code;
      if (code === undefined) throw error;
      return false;
    }
  }

  /** The disk refused: what was begun is dropped, and tried again later. */
  #fail(error: unknown): void {
    this.#job?.abandon();
    this.#job = null;
    this.#retryMs = clock.nowMs + RETRY_MS;
    const { control } = this.#state;
    Atomics.add(control, LOG_CHECKPOINT_FAILED, 1);
    Atomics.store(control, LOG_CHECKPOINT_ERROR, refusalCode(error));
    // What was written earlier could not be published: who has asked since then must know.
    if (this.#target === null) this.#asked = Atomics.load(control, LOG_CHECKPOINT_ASKED);
    this.#complete(false);
  }

  /** Begins with the shard whose checkpoint is the oldest, if one has to be written. */
  #begin(): boolean {
    const marks = this.#marks();
    const mark = Math.min(...marks);
    if (this.#target === null) {
      if (!this.#aim(mark)) return false;
    } else if (this.#writtenBytes() >= WRITTEN_BYTES_MAX || !this.#goesOn(mark, this.#target)) {
      if (this.#written.length === 0) {
        this.#complete(true);
        return this.#isAsked();
      }
      // All that is left is the flush that they wait for.
      this.#askFlush();
      return true;
    }
    const shard = marks.indexOf(mark);
    this.#job = ShardCheckpoint.begin(this.#memory, this.#state, shard, this.#serial);
    if (this.#job !== null) this.#serial++;
    return true;
  }

  /** Sets what is to be written: shards until no mark is below the target. False: nothing is. */
  #aim(mark: number): boolean {
    const { control } = this.#state;
    // Before it is looked at: who asks in between gets a checkpoint of its own.
    const asked = Atomics.load(control, LOG_CHECKPOINT_ASKED);
    const isAll = asked !== this.#asked || this.#isTime();
    if (!isAll && !(this.isTooLong && this.#isWorthWriting(mark))) return false;
    // For a log that is too long, one shard after the other until it is short enough.
    this.#target = isAll ? this.#state.lastStamp() : mark + 1;
    this.#isAll = isAll;
    if (isAll) this.#roundEnd = this.#target;
    if (isAll || this.#beganMs === 0) this.#beganMs = clock.nowMs;
    this.#asked = asked;
    Atomics.store(control, LOG_CHECKPOINT_RUNNING, 1);
    return true;
  }

  /**
   * Whether another shard, the one with this mark, is to be written before those that are written
   * are published.
   */
  #goesOn(mark: number, target: number): boolean {
    if (mark < target) return true;
    // The log grows faster than one shard after the other shortens it: do not wait for flushes.
    // Unless everything is asked for (that would wait as long as there is such a load), or all
    // shards are written (the first one is no better written twice).
    if (this.#written.some(({ file }) => file.mark === mark)) return false;
    if (!this.isBehind || this.#isAll || this.#isAsked() || !this.#isWorthWriting(mark))
      return false;
    this.#target = mark + 1;
    return true;
  }

  /**
   * Whether a shard that is written now gets a higher mark than `mark`. When nobody has written
   * since, none does, however long the log is: what is left is to publish and to recycle.
   */
  #isWorthWriting(mark: number): boolean {
    return mark < this.#state.lastStamp();
  }

  #writtenBytes(): number {
    return this.#written.reduce((sum, { file }) => sum + file.sizeBytes, 0);
  }

  /** Asks for the flush that the last written shard waits for, once. */
  #askFlush(): void {
    const { upTo } = this.#written.at(-1) as Written;
    if (this.#flushAsked === upTo) return;
    this.#flushAsked = upTo;
    requestFlush(this.#state.control);
  }

  /** The mark of each shard, written ones that are not in the manifest yet included. */
  #marks(): number[] {
    const marks = this.#manifest.shards.map((it) => it.mark);
    for (const { shard, file } of this.#written) marks[shard] = file.mark;
    return marks;
  }

  /** Whether a checkpoint of everything was asked for since the running one began. */
  #isAsked(): boolean {
    return Atomics.load(this.#state.control, LOG_CHECKPOINT_ASKED) !== this.#asked;
  }

  /** Whether every shard is to be written anew because the last time was long ago. */
  #isTime(): boolean {
    const sinceMs = clock.nowMs - (this.#state.times[TIME_SAVED_MS] as number);
    return sinceMs > PERIOD_MS_MAX && this.#state.lastStamp() > logMark(this.#manifest);
  }

  /** What checkpoints, one shard being written anew, and files of the map leave to the log. */
  #logBytesMax(): number {
    const dataBytes = sumCounter(this.#memory, COUNT_USED_BYTES);
    if (dataBytes <= 0) return LOG_SIZE_MIN;
    const { shards } = this.#manifest;
    const shardBytes = Math.max(dataBytes, this.#state.times[TIME_SHARD_BYTES] as number);
    const checkpointBytes = shardBytes * (1 + 1 / shards.length);
    const left = DISK_PART_MAX * dataBytes - checkpointBytes - heapBytes(this.#memory).used;
    const part = Math.min(LOG_PART_MAX, Math.max(LOG_PART_MIN, left / dataBytes));
    return Math.max(LOG_SIZE_MIN, dataBytes * part);
  }

  #complete(isDone: boolean): void {
    const { control, times } = this.#state;
    if (this.#isAll) this.#trimReady();
    this.#target = null;
    if (isDone) Atomics.store(control, LOG_CHECKPOINT_ERROR, 0);
    if (isDone && (times[TIME_MARK] as number) >= this.#roundEnd) {
      times[TIME_SAVED_MS] = clock.nowMs;
      times[TIME_CHECKPOINT_MS] = clock.nowMs - this.#beganMs;
      this.#roundEnd = this.#state.lastStamp();
      this.#beganMs = 0;
      Atomics.add(control, LOG_CHECKPOINTS_COUNT, 1);
    }
    Atomics.store(control, LOG_CHECKPOINT_RUNNING, 0);
    Atomics.store(control, LOG_CHECKPOINT_DONE, this.#asked);
    Atomics.notify(control, LOG_CHECKPOINT_DONE);
  }

  #step(job: ShardCheckpoint, budgetMs: number): boolean {
    const { control } = this.#state;
    // Where the data is cold a step takes long: a flush must not wait for it.
    Atomics.store(control, LOG_READING, this.#memory.worker + 1);
    enterEpoch(this.#memory);
    let step: ShardStep;
    try {
      step = job.step(budgetMs);
    } finally {
      leaveEpoch(this.#memory);
      Atomics.store(control, LOG_READING, 0);
    }
    if (step === ShardStep.More) return true;
    this.#job = null;
    if (step === ShardStep.Void) job.abandon();
    else {
      const file = job.finish();
      const databases = this.#databases();
      // The copy may contain changes that are not durable yet: the log must be, up to here.
      const upTo = this.#state.lastStamp();
      this.#written.push({ shard: job.shard, file, upTo, databases });
    }
    return true;
  }

  /** Names written checkpoints in the manifest once the log is durable up to them. */
  #publish(): boolean {
    const { times, dir } = this.#state;
    const durable = times[TIME_DURABLE] as number;
    const ready = this.#written.filter(({ upTo }) => upTo <= durable);
    if (ready.length === 0) return false;
    const before = this.#manifest;
    const shards = [...before.shards];
    for (const { shard, file } of ready) shards[shard] = file;
    const next: Manifest = {
      ...before,
      ...(ready.at(-1) as Written).databases,
      shards,
      serial: this.#serial,
      savedMs: clock.nowMs,
    };
    const mark = Math.min(logMark(next), durable);
    const runs = next.runs.filter((run) => run.last === 0 || run.last > mark);
    const manifest = { ...next, runs };
    // When the disk refuses, the old one still counts, and so do the files that it names.
    writeManifest(dir, manifest);
    this.#manifest = manifest;
    this.#written = this.#written.slice(ready.length);
    failPoint("checkpoint-published");
    times[TIME_MARK] = mark;
    times[TIME_SHARD_BYTES] = shards.reduce((sum, it) => sum + it.sizeBytes, 0);
    // Of a shard that was written twice meanwhile, the first file has never been named.
    for (const { file } of [...before.shards, ...ready.map((it) => it.file)]) {
      const isNamed = shards.some((it) => it.file === file);
      if (file !== "" && !isNamed) rmSync(join(dir, file), { force: true });
    }
    return true;
  }

  /** Which physical database each logical one is, as of now. */
  #databases(): Written["databases"] {
    const { control } = this.#memory;
    enterEpoch(this.#memory);
    const databasesMark = this.#state.lastStamp();
    const databases = Array.from(
      control.slice(CONTROL_DATABASES, CONTROL_DATABASES + DATABASES_MAX),
    );
    leaveEpoch(this.#memory);
    return { databases, databasesMark };
  }
}

/** Asks for a checkpoint of everything; LOG_CHECKPOINT_DONE reaches the result when it is done. */
export function requestCheckpoint(control: Int32Array): number {
  return Atomics.add(control, LOG_CHECKPOINT_ASKED, 1) + 1;
}

/** Slots that are ready or in use: for counting. */
export function segmentsCount(control: Int32Array): number {
  let count = 0;
  for (let slot = 0; slot < (control[LOG_SLOTS_COUNT] as number); slot++) {
    const state = control[LOG_SLOT_STATE + slot];
    if (state === SLOT_READY || state === SLOT_USED) count++;
  }
  return count;
}
