/**
 * The flusher: makes what has been written to the log durable, and says up to which stamp.
 *
 *     stamp counter S -> every Worker that was in a batch has left it -> fdatasync of the segments
 *     that were written to -> durable mark -> S in shared memory, who waits is woken
 *
 * One thread of the process does this. A failed fdatasync is final: the kernel may have dropped the
 * pages, so a second try would lie. The error is thrown, and nothing is acknowledged after it.
 */
import { closeSync, fdatasyncSync, openSync } from "node:fs";
import { join } from "node:path";
import { clock } from "../base/clock.ts";
import { FatalError, reasonOf } from "../base/errors.ts";
import { failPoint } from "../base/fail-point.ts";
import { waitForBatches } from "./epoch.ts";
import { LogState } from "./log.ts";
import { MarkFile, readMark, segmentName } from "./log-files.ts";
import {
  LOG_FLUSH_DONE,
  LOG_FLUSH_REQUEST,
  LOG_MODE,
  LOG_MODE_ALWAYS,
  LOG_READING,
  LOG_RUN,
  LOG_SLOT_HELD,
  LOG_SLOT_OPENS,
  LOG_SLOT_TAKES,
  LOG_SLOTS_COUNT,
  LOG_STOP,
  type LogHandle,
  TIME_DURABLE,
  TIME_FLUSH_MS,
  TIME_FLUSH_MS_MAX,
  TIME_FLUSHED_MS,
  TIME_FLUSHES,
  TIME_STAMP_BASE,
} from "./log-layout.ts";

/** A flush begins at the latest so long after the last one. */
const FLUSH_PERIOD_MS = 250;
/** In `always`, the mark itself is flushed so often: what it is for can wait. */
const MARK_PERIOD_MS = 1000;

export class Flusher {
  readonly #state: LogState;
  /** The store's control block: epochs. */
  readonly #control: Int32Array;
  readonly #mark: MarkFile;
  /** By slot; `opens` tells the segment from a later one in the same slot. */
  readonly #files = new Map<number, { readonly descriptor: number; readonly opens: number }>();
  readonly #seenTakes = new Map<number, number>();
  #held: number[] = [];
  #markFlushedMs = 0;

  constructor(handle: LogHandle, control: SharedArrayBuffer) {
    this.#state = new LogState(handle);
    this.#control = new Int32Array(control);
    this.#mark = new MarkFile(handle.dir, readMark(handle.dir)?.sequence ?? 0);
  }

  /** Flushes what is written so far. Throws FatalError when the disk refuses. */
  flush(): void {
    const { times, control } = this.#state;
    clock.resync();
    const beganMs = clock.nowMs;
    const stamp = this.#state.lastStamp();
    times[TIME_STAMP_BASE] = stamp;
    if (stamp > (times[TIME_DURABLE] as number)) {
      waitForBatches(this.#control, () => Atomics.load(control, LOG_READING));
      this.#flushSegments();
      this.#writeMark(stamp, beganMs);
      times[TIME_DURABLE] = stamp;
      clock.resync();
      const tookMs = clock.nowMs - beganMs;
      times[TIME_FLUSH_MS] = tookMs;
      times[TIME_FLUSH_MS_MAX] = Math.max(times[TIME_FLUSH_MS_MAX] as number, tookMs);
      (times[TIME_FLUSHES] as number) += 1;
    }
    times[TIME_FLUSHED_MS] = beganMs;
    Atomics.add(control, LOG_FLUSH_DONE, 1);
    Atomics.notify(control, LOG_FLUSH_DONE);
  }

  #flushSegments(): void {
    const dirty = this.#dirtySlots();
    // Here: what is written from now on is not counted as flushed, so a look at the files says what
    // this flush covers at least.
    failPoint("flush-begin");
    for (const slot of dirty) {
      try {
        fdatasyncSync(this.#descriptorOf(slot));
      } catch (error) {
        throw new FatalError(
          `Cannot flush ${segmentName(slot)}: ${reasonOf(error)}`,
          "nothing was acknowledged since; check the disk before starting again",
        );
      }
    }
    for (const [slot, { descriptor }] of this.#files) {
      if (dirty.has(slot)) continue;
      closeSync(descriptor);
      this.#files.delete(slot);
    }
  }

  /** The descriptor of the file that the slot has now. */
  #descriptorOf(slot: number): number {
    const opens = this.#state.control[LOG_SLOT_OPENS + slot] as number;
    const file = this.#files.get(slot);
    if (file?.opens === opens) return file.descriptor;
    if (file !== undefined) closeSync(file.descriptor);
    const descriptor = openSync(join(this.#state.dir, segmentName(slot)), "r+");
    this.#files.set(slot, { descriptor, opens });
    return descriptor;
  }

  /** Segments that may have been written to since they were flushed last. */
  #dirtySlots(): Set<number> {
    const { control } = this.#state;
    const dirty = new Set<number>(this.#held);
    this.#held = [];
    const count = Atomics.load(control, LOG_SLOTS_COUNT);
    for (let slot = 0; slot < count; slot++) {
      const takes = Atomics.load(control, LOG_SLOT_TAKES + slot);
      if (takes !== (this.#seenTakes.get(slot) ?? 0)) {
        this.#seenTakes.set(slot, takes);
        dirty.add(slot);
      }
      if (Atomics.load(control, LOG_SLOT_HELD + slot) > 0) {
        dirty.add(slot);
        this.#held.push(slot);
      }
    }
    return dirty;
  }

  #writeMark(stamp: number, nowMs: number): void {
    const { control } = this.#state;
    this.#mark.write(control[LOG_RUN] as number, stamp, nowMs);
    const isDue = nowMs - this.#markFlushedMs >= MARK_PERIOD_MS;
    if (control[LOG_MODE] === LOG_MODE_ALWAYS && !isDue) return;
    this.#mark.flush();
    this.#markFlushedMs = nowMs;
    failPoint("mark-written");
  }

  /** The flush Worker's life: flushes when asked, and often enough, until LOG_STOP. Blocks. */
  runUntilStopped(): void {
    const { control } = this.#state;
    for (;;) {
      const request = Atomics.load(control, LOG_FLUSH_REQUEST);
      const isStopping = Atomics.load(control, LOG_STOP) !== 0;
      this.flush();
      if (isStopping) return;
      Atomics.wait(control, LOG_FLUSH_REQUEST, request, FLUSH_PERIOD_MS);
    }
  }

  close(): void {
    for (const { descriptor } of this.#files.values()) closeSync(descriptor);
    this.#files.clear();
    this.#mark.close();
  }
}

/** Asks the flush Worker to begin at once. */
export function requestFlush(control: Int32Array): void {
  Atomics.add(control, LOG_FLUSH_REQUEST, 1);
  Atomics.notify(control, LOG_FLUSH_REQUEST);
}
