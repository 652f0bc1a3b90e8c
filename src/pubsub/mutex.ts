/**
 * The mutex of pub/sub: one word in shared memory, 0 free, 1 held, 2 held and waited for.
 *
 * Held for as long as one message is counted and copied into the ring (0.1 to 0.3 µs for a small
 * one), or one client's subscriptions are entered. A holder may have been preempted, and a copy of
 * a large record takes longer than a spin is worth: who waits spins a little, then sleeps, and is
 * woken by the one that unlocks (Drepper, "Futexes are tricky", mutex 2). Free and uncontended,
 * both together cost 6 ns.
 */

/** Looks at a held mutex this often before sleeping. */
const SPINS_MAX = 100;
/** A lost wake-up would be a bug; the time only bounds what it would do. */
const SLEEP_MS = 10;

/** Takes the mutex at `word`. */
export function lock(view: Int32Array, word: number): void {
  if (Atomics.compareExchange(view, word, 0, 1) !== 0) lockContended(view, word);
}

export function unlock(view: Int32Array, word: number): void {
  if (Atomics.exchange(view, word, 0) === 2) Atomics.notify(view, word, 1);
}

function lockContended(view: Int32Array, word: number): void {
  for (let spins = 0; spins < SPINS_MAX; spins++) {
    if (Atomics.load(view, word) === 0 && Atomics.compareExchange(view, word, 0, 1) === 0) return;
  }
  while (Atomics.exchange(view, word, 2) !== 0) Atomics.wait(view, word, 2, SLEEP_MS);
}
