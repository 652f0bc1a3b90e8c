/**
 * The clock: the wall time that everything in one batch sees, and a monotonic counter for
 * measuring.
 *
 * One per Worker (module state). net ticks it once per batch; who needs "now" reads `clock.nowMs`,
 * a plain field. One read of the monotonic counter (40 ns) gives both: the wall time is that
 * counter plus an offset, which `resync` takes from the system once a second. So a clock that is
 * set while the server runs is followed within a second, and between two resyncs the time of a
 * Worker never runs backwards.
 */

const NS_PER_MS = 1e6;

export class Clock {
  /**
   * Wall clock, whole ms since 1970, as of the last tick. Read it, do not keep it over an await.
   */
  nowMs = 0;
  /** Wall clock minus monotonic counter, ms. */
  #offsetMs = 0;

  constructor() {
    this.resync();
  }

  /** Refreshes nowMs; returns the monotonic counter in ns. Hot: once per batch. */
  tick(): number {
    const ns = nanoseconds();
    this.nowMs = Math.floor(this.#offsetMs + ns / NS_PER_MS);
    return ns;
  }

  /** Wall clock in whole µs since 1970, read now. Cold: for TIME and INFO. */
  microseconds(): number {
    return Math.floor(this.#offsetMs * 1000 + nanoseconds() / 1000);
  }

  /** Follows the system's wall clock. Called once a second. */
  resync(): void {
    this.#offsetMs = Date.now() - nanoseconds() / NS_PER_MS;
    this.tick();
  }
}

/**
 * A monotonic counter in ns; only differences mean anything, and only within one Worker. 40 ns a
 * call.
 */
export function nanoseconds(): number {
  return Bun.nanoseconds();
}

/** This Worker's clock. */
export const clock = new Clock();
