/**
 * Epochs: which Workers are inside a batch, since when, and how to have the store to oneself.
 *
 * Each Worker has a cache line in the control block: 0 between batches, else the global epoch at
 * which its batch began. Two things are built on it:
 *
 *   - the exclusive section (KEYS, FLUSHALL, SWAPDB, huge MSET): raise the flag, wait until every
 *     other Worker is between batches. A Worker that begins a batch publishes its epoch first and
 *     looks at the flag second, the one that raises the flag does it the other way round, so at
 *     least one of them sees the other;
 *   - safe reuse: what was retired at epoch e may be reused when no Worker is in an epoch <= e. In
 *     memory mode only segments would need that (readers validate by version, and memory is never
 *     unmapped); it is what compaction and mapped files wait for.
 */
import { assert } from "../base/assert.ts";
import { forgetPrivateBlocks } from "./blocks.ts";
import {
  CONTROL_EPOCH,
  CONTROL_EPOCHS,
  CONTROL_EXCLUSIVE,
  CONTROL_GENERATION,
  CONTROL_SEGMENTS,
  CONTROL_WORKERS,
} from "./layout.ts";
import type { Memory } from "./memory.ts";

/** Looks this often before sleeping. */
const SPINS_MAX = 200;
const SLEEP_MS = 0.1;
/** A flush waits for a batch of few requests, some us: sleeping takes 170 us, this 20 us. */
const FLUSH_SPINS_MAX = 4000;

/** Begins a batch. Hot: one atomic store and one atomic load. */
export function enterEpoch(memory: Memory): void {
  const control = memory.control;
  Atomics.store(control, memory.epochWord, control[CONTROL_EPOCH] as number);
  if (Atomics.load(control, CONTROL_EXCLUSIVE) !== 0) waitForExclusive(memory);
  if (control[CONTROL_GENERATION] !== memory.generation) forgetPrivateBlocks(memory);
  if (control[CONTROL_SEGMENTS] !== memory.words.length) memory.mapSegments();
}

/** Ends a batch: nothing that was read in it may be used any more. */
export function leaveEpoch(memory: Memory): void {
  Atomics.store(memory.control, memory.epochWord, 0);
}

/** Lets whoever holds the exclusive section finish, then begins the batch again. */
function waitForExclusive(memory: Memory): void {
  const control = memory.control;
  for (;;) {
    Atomics.store(control, memory.epochWord, 0);
    const holder = Atomics.load(control, CONTROL_EXCLUSIVE);
    if (holder !== 0) Atomics.wait(control, CONTROL_EXCLUSIVE, holder, 10);
    Atomics.store(control, memory.epochWord, Atomics.load(control, CONTROL_EPOCH));
    if (Atomics.load(control, CONTROL_EXCLUSIVE) === 0) return;
  }
}

/**
 * Runs `run` while every other Worker is between batches. The caller may be inside a batch of its
 * own or not; it must hold no bucket. Not re-entrant. Returns what `run` returns.
 */
export function runExclusive<T>(memory: Memory, run: () => T): T {
  const control = memory.control;
  const epoch = Atomics.load(control, memory.epochWord);
  assert(
    Atomics.load(control, CONTROL_EXCLUSIVE) !== memory.worker + 1,
    "the exclusive section is not re-entrant",
  );
  for (;;) {
    // While another one holds it, this Worker must count as being between batches, or both would
    // wait for ever.
    Atomics.store(control, memory.epochWord, 0);
    const holder = Atomics.compareExchange(control, CONTROL_EXCLUSIVE, 0, memory.worker + 1);
    if (holder === 0) break;
    Atomics.wait(control, CONTROL_EXCLUSIVE, holder, 10);
  }
  waitForOthers(memory);
  if (control[CONTROL_SEGMENTS] !== memory.words.length) memory.mapSegments();
  if (control[CONTROL_GENERATION] !== memory.generation) forgetPrivateBlocks(memory);
  try {
    return run();
  } finally {
    Atomics.store(control, memory.epochWord, epoch);
    if (Atomics.load(control, CONTROL_SEGMENTS) !== memory.words.length) memory.mapSegments();
    Atomics.store(control, CONTROL_EXCLUSIVE, 0);
    Atomics.notify(control, CONTROL_EXCLUSIVE);
  }
}

function waitForOthers(memory: Memory): void {
  const control = memory.control;
  const workers = control[CONTROL_WORKERS] as number;
  for (let worker = 0; worker < workers; worker++) {
    if (worker === memory.worker) continue;
    const word = CONTROL_EPOCHS + worker * 16;
    for (let spins = 0; ; spins++) {
      const epoch = Atomics.load(control, word);
      if (epoch === 0) break;
      if (spins >= SPINS_MAX) Atomics.wait(control, word, epoch, SLEEP_MS);
    }
  }
}

/**
 * Waits until every Worker that is in a batch, or in the exclusive section, has come to its end;
 * batches that begin meanwhile do not matter. For who is no Worker of the store itself. The Worker
 * that `reading` names (1 + its index, 0 for none) is not waited for: its batch only reads.
 */
export function waitForBatches(control: Int32Array, reading: () => number): void {
  const epoch = Atomics.add(control, CONTROL_EPOCH, 1);
  for (;;) {
    // Before the epochs: a Worker takes its epoch up again before it ends the section.
    const holder = Atomics.load(control, CONTROL_EXCLUSIVE);
    if (holder === 0) break;
    Atomics.wait(control, CONTROL_EXCLUSIVE, holder, 1);
  }
  const workers = control[CONTROL_WORKERS] as number;
  for (let worker = 0; worker < workers; worker++) {
    const word = CONTROL_EPOCHS + worker * 16;
    for (let spins = 0; ; spins++) {
      const own = Atomics.load(control, word);
      if (own === 0 || own - epoch > 0 || reading() === worker + 1) break;
      if (spins >= FLUSH_SPINS_MAX) Atomics.wait(control, word, own, SLEEP_MS);
    }
  }
}

/** Starts a new epoch and returns the one before it: what was retired belongs to that one. */
export function bumpEpoch(memory: Memory): number {
  return Atomics.add(memory.control, CONTROL_EPOCH, 1);
}

/** The oldest epoch that a Worker is still in; what was retired before it can be reused. */
export function safeEpoch(memory: Memory): number {
  const control = memory.control;
  let oldest = Atomics.load(control, CONTROL_EPOCH);
  for (let worker = 0; worker < (control[CONTROL_WORKERS] as number); worker++) {
    const epoch = Atomics.load(control, CONTROL_EPOCHS + worker * 16);
    if (epoch !== 0 && epoch - oldest < 0) oldest = epoch;
  }
  return oldest;
}
