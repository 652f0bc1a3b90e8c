/**
 * Latches and version words: how threads keep out of each other's way.
 *
 * A version word guards one bucket: odd while a writer is inside, and different afterwards. A latch
 * guards a list or a counter of the store's own: 0 free, 1 held. Both are held for a few hundred
 * nanoseconds, never across a call out of the store.
 *
 * A holder may have been preempted (there can be more Workers than cores), so who waits spins a
 * little and then sleeps with a short timeout. Nobody is ever woken: waking would cost every unlock
 * a system call.
 *
 * Order on weakly ordered processors (arm64): an Atomics.store is a release and an Atomics.load an
 * acquire, and the two are not reordered with each other. `fence` uses exactly that. On x64 it is
 * nothing: loads stay in order with loads, stores with stores, and the compareExchange that locks
 * is a full barrier.
 */
import { BUCKET_VERSION } from "./layout.ts";

/** Looks at a taken lock this often before sleeping. */
const SPINS_MAX = 200;
/** Longest sleep before looking again, ms. */
const SLEEP_MS = 0.1;

const NEEDS_FENCE = process.arch !== "x64";
const fenceWord = new Int32Array(new SharedArrayBuffer(4));

/** Earlier plain loads and stores are done before later ones begin. Nothing on x64. */
export function fence(): void {
  if (NEEDS_FENCE) {
    Atomics.store(fenceWord, 0, 0);
    Atomics.load(fenceWord, 0);
  }
}

/**
 * Makes the version word at `bucket` odd and returns what it was. Hot: one load and one
 * compareExchange when free.
 */
export function lockBucket(view: Int32Array, bucket: number): number {
  const version = view[bucket + BUCKET_VERSION] as number;
  if (
    (version & 1) === 0 &&
    Atomics.compareExchange(view, bucket + BUCKET_VERSION, version, version + 1) === version
  ) {
    fence();
    return version;
  }
  return lockContended(view, bucket + BUCKET_VERSION);
}

function lockContended(view: Int32Array, word: number): number {
  for (;;) {
    const version = waitUntilEven(view, word);
    if (Atomics.compareExchange(view, word, version, version + 1) === version) {
      fence();
      return version;
    }
  }
}

/**
 * Locks only if nobody holds it: returns the version, or -1 (which no version is: they are
 * compared, not counted).
 */
export function tryLockBucket(view: Int32Array, bucket: number): boolean {
  const version = Atomics.load(view, bucket + BUCKET_VERSION);
  if ((version & 1) !== 0) return false;
  if (Atomics.compareExchange(view, bucket, version, version + 1) !== version) return false;
  fence();
  return true;
}

/** Makes the version even again, and different from what readers saw. */
export function unlockBucket(view: Int32Array, bucket: number): void {
  Atomics.store(view, bucket + BUCKET_VERSION, ((view[bucket + BUCKET_VERSION] as number) + 1) | 0);
}

/** Waits until no writer is inside and returns the version then. */
export function waitUntilEven(view: Int32Array, word: number): number {
  for (let spins = 0; ; spins++) {
    const version = Atomics.load(view, word);
    if ((version & 1) === 0) return version;
    if (spins >= SPINS_MAX) Atomics.wait(view, word, version, SLEEP_MS);
  }
}

/** Takes the latch at `word`. */
export function latch(view: Int32Array, word: number): void {
  for (let spins = 0; Atomics.compareExchange(view, word, 0, 1) !== 0; spins++) {
    if (spins >= SPINS_MAX) Atomics.wait(view, word, 1, SLEEP_MS);
  }
  fence();
}

/** Takes the latch only if it is free. */
export function tryLatch(view: Int32Array, word: number): boolean {
  const taken = Atomics.compareExchange(view, word, 0, 1) === 0;
  fence();
  return taken;
}

export function unlatch(view: Int32Array, word: number): void {
  Atomics.store(view, word, 0);
}
