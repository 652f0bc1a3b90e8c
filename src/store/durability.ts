/**
 * What the rest of the process sees of durability: whether a reply may be sent, waiting for a flush
 * or a checkpoint, and the figures that INFO shows.
 */
import { clock } from "../base/clock.ts";
import { requestFlush } from "./flusher.ts";
import { heapBytes } from "./heap.ts";
import { requestCheckpoint, segmentsCount } from "./keeper.ts";
import { WORKERS_MAX } from "./layout.ts";
import { fullReason, type LogState, refusalReason } from "./log.ts";
import {
  LOG_CHECKPOINT_ASKED,
  LOG_CHECKPOINT_DONE,
  LOG_CHECKPOINT_ERROR,
  LOG_CHECKPOINT_FAILED,
  LOG_CHECKPOINT_RUNNING,
  LOG_CHECKPOINTS_COUNT,
  LOG_FLUSH_DONE,
  LOG_FULL,
  LOG_MODE,
  LOG_MODE_ALWAYS,
  LOG_SEGMENT_SIZE,
  LOG_SEGMENTS_RECYCLED,
  LOG_SEGMENTS_SLOW,
  LOG_SEGMENTS_USED,
  TIME_CHECKPOINT_MS,
  TIME_DURABLE,
  TIME_FLUSH_MS,
  TIME_FLUSH_MS_MAX,
  TIME_FLUSHED_MS,
  TIME_FLUSHES,
  TIME_MARK,
  TIME_RECOVERED_RECORDS,
  TIME_RECOVERY_MS,
  TIME_SAVED_MS,
  TIME_SHARD_BYTES,
  TIME_WORKER_BYTES,
  TIME_WORKER_STRIDE,
} from "./log-layout.ts";
import type { Memory } from "./memory.ts";

/**
 * In everysec, replies to changes wait while the last finished flush began longer ago than this, so
 * that what a loss of power takes was acknowledged within less than 1 s.
 */
const LAG_MS_MAX = 800;

/** Writers that are slowed look so often whether the log is short enough. */
const SLOWED_LOOK_MS = 5;

export interface DurabilityFacts {
  readonly mode: "everysec" | "always";
  readonly lastStamp: number;
  readonly durableStamp: number;
  readonly lagMs: number;
  readonly flushes: number;
  readonly flushMs: number;
  readonly flushMsMax: number;
  readonly logBytes: number;
  readonly logSegments: number;
  readonly recycledSegments: number;
  readonly writtenBytes: number;
  readonly checkpointBytes: number;
  readonly checkpointMark: number;
  readonly checkpoints: number;
  readonly checkpointMs: number;
  /** Shards are being written, or a checkpoint of everything was asked for. */
  readonly isCheckpointing: boolean;
  /** A checkpoint of everything was asked for, and has not ended. */
  readonly isCheckpointAsked: boolean;
  readonly failedCheckpoints: number;
  /** Why the last checkpoint has failed, "" when it has not. */
  readonly checkpointError: string;
  readonly savedMs: number;
  readonly recoveryMs: number;
  readonly recoveredRecords: number;
  readonly isFull: boolean;
  /** Files of the map: what holds something, and what was made ahead. */
  readonly heapBytes: number;
  readonly heapSpareBytes: number;
}

export class Durability {
  readonly #log: LogState;
  readonly #memory: Memory;

  constructor(log: LogState, memory: Memory) {
    this.#log = log;
    this.#memory = memory;
  }

  /**
   * Whether a reply to changes up to `stamp` would promise too much now. It also waits where the
   * disk would be filled faster than it can be emptied: who writes is slowed, who reads is not.
   */
  mustHold(stamp: number): boolean {
    if (stamp <= (this.#log.times[TIME_DURABLE] as number)) return false;
    return this.isFlushDue() || this.#isSlowed();
  }

  /** Whether what is held waits for a flush; else only a shorter log helps. */
  isFlushDue(): boolean {
    return this.#log.control[LOG_MODE] === LOG_MODE_ALWAYS || this.#isLate();
  }

  /** The last finished flush began too long ago. */
  #isLate(): boolean {
    return clock.nowMs - (this.#log.times[TIME_FLUSHED_MS] as number) > LAG_MS_MAX;
  }

  /** The log grows faster than checkpoints can make it shorter. */
  #isSlowed(): boolean {
    const { control } = this.#log;
    const slow = control[LOG_SEGMENTS_SLOW] as number;
    return slow !== 0 && (control[LOG_SEGMENTS_USED] as number) > slow;
  }

  /** Why changes are refused, in words; "" when they are not. */
  fullReason(): string {
    return fullReason(this.#log);
  }

  isDurable(stamp: number): boolean {
    return stamp <= (this.#log.times[TIME_DURABLE] as number);
  }

  /** The last stamp that any Worker has drawn. */
  lastStamp(): number {
    return this.#log.lastStamp();
  }

  /**
   * Resolves when it is worth asking `mustHold` again: after the next flush, or a little later when
   * only a checkpoint helps (flushes without a pause would slow down what they wait for).
   */
  async nextChance(): Promise<void> {
    if (!this.isFlushDue() && this.#isSlowed()) await Bun.sleep(SLOWED_LOOK_MS);
    else await this.#nextFlush();
    clock.tick();
  }

  /** Asks for a flush; resolves when one has finished, which need not be that one. */
  async #nextFlush(): Promise<void> {
    const { control } = this.#log;
    const seen = Atomics.load(control, LOG_FLUSH_DONE);
    requestFlush(control);
    await changed(control, LOG_FLUSH_DONE, seen);
  }

  /** Resolves with true when `stamp` is durable, with false when `untilMs` comes first. */
  async whenDurable(stamp: number, untilMs: number): Promise<boolean> {
    for (;;) {
      if (this.isDurable(stamp)) return true;
      clock.tick();
      if (clock.nowMs >= untilMs) return false;
      const { control } = this.#log;
      const seen = Atomics.load(control, LOG_FLUSH_DONE);
      requestFlush(control);
      await changed(control, LOG_FLUSH_DONE, seen, Math.min(untilMs - clock.nowMs, 1000));
    }
  }

  /** Whether a checkpoint of everything was asked for and has not ended, begun or not. */
  get isCheckpointAsked(): boolean {
    const { control } = this.#log;
    const done = Atomics.load(control, LOG_CHECKPOINT_DONE);
    return Atomics.load(control, LOG_CHECKPOINT_ASKED) !== done;
  }

  /** Why the last checkpoint has failed, in words; "" when it has not. */
  checkpointError(): string {
    return refusalReason(Atomics.load(this.#log.control, LOG_CHECKPOINT_ERROR));
  }

  /** Asks for a checkpoint of everything. */
  requestCheckpoint(): number {
    return requestCheckpoint(this.#log.control);
  }

  /** Resolves when the checkpoint `request` has ended: with why it failed, "" when it did not. */
  async whenCheckpointed(request: number): Promise<string> {
    const { control } = this.#log;
    for (;;) {
      const done = Atomics.load(control, LOG_CHECKPOINT_DONE);
      if (done - request >= 0) return this.checkpointError();
      await changed(control, LOG_CHECKPOINT_DONE, done);
    }
  }

  facts(): DurabilityFacts {
    const { control, times } = this.#log;
    const time = (index: number) => times[index] as number;
    const lastStamp = this.#log.lastStamp();
    const durableStamp = time(TIME_DURABLE);
    let writtenBytes = 0;
    for (let worker = 0; worker < WORKERS_MAX; worker++) {
      writtenBytes += time(TIME_WORKER_BYTES + worker * TIME_WORKER_STRIDE);
    }
    clock.tick();
    const heap = heapBytes(this.#memory);
    return {
      mode: control[LOG_MODE] === LOG_MODE_ALWAYS ? "always" : "everysec",
      lastStamp,
      durableStamp,
      lagMs: lastStamp > durableStamp ? Math.max(0, clock.nowMs - time(TIME_FLUSHED_MS)) : 0,
      flushes: time(TIME_FLUSHES),
      flushMs: time(TIME_FLUSH_MS),
      flushMsMax: time(TIME_FLUSH_MS_MAX),
      logBytes: segmentsCount(control) * LOG_SEGMENT_SIZE,
      logSegments: control[LOG_SEGMENTS_USED] as number,
      recycledSegments: control[LOG_SEGMENTS_RECYCLED] as number,
      writtenBytes,
      checkpointBytes: time(TIME_SHARD_BYTES),
      checkpointMark: time(TIME_MARK),
      checkpoints: control[LOG_CHECKPOINTS_COUNT] as number,
      checkpointMs: time(TIME_CHECKPOINT_MS),
      isCheckpointing: control[LOG_CHECKPOINT_RUNNING] !== 0 || this.isCheckpointAsked,
      isCheckpointAsked: this.isCheckpointAsked,
      failedCheckpoints: control[LOG_CHECKPOINT_FAILED] as number,
      checkpointError: this.checkpointError(),
      savedMs: time(TIME_SAVED_MS),
      recoveryMs: time(TIME_RECOVERY_MS),
      recoveredRecords: time(TIME_RECOVERED_RECORDS),
      isFull: control[LOG_FULL] !== 0,
      heapBytes: heap.used + heap.spare,
      heapSpareBytes: heap.spare,
    };
  }
}

type WaitAsync = (
  view: Int32Array,
  index: number,
  value: number,
  timeoutMs?: number,
) => { readonly value: Promise<string> | string };

const waitAsync = (Atomics as unknown as { readonly waitAsync: WaitAsync }).waitAsync;

/** Resolves when the word is no longer `seen` and somebody was told, or when the time is up. */
async function changed(
  view: Int32Array,
  index: number,
  seen: number,
  timeoutMs?: number,
): Promise<void> {
  await waitAsync.call(Atomics, view, index, seen, timeoutMs ?? Number.POSITIVE_INFINITY).value;
}
