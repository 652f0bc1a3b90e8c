/**
 * What the two ways of pacing have in common: who decides when operations are sent, and knows when
 * a phase is over. closed-loop.ts waits for the server, open-loop.ts does not.
 */
import { nanoseconds } from "../../base/clock.ts";
import type { OpenLoad } from "./load.ts";

/** What a pacer needs of a connection, whoever drives it. */
export interface PacedConnection {
  /** Operations that were given to it and are not answered. */
  readonly operationsOpen: number;
  /** Where the intended time of the next operation goes; null where nobody asks. */
  readonly ring: { intendedNs: number } | null;
  /** Sends `count` more operations. */
  send(count: number): void;
}

export abstract class Pacer {
  /** Operations that are answered. */
  done = 0;
  /** Operations that were given to connections. */
  sent = 0;
  /** When the last reply came. */
  endNs = 0;
  readonly #over = Promise.withResolvers<void>();

  constructor() {
    // Whoever waits sees the failure; nobody does before the phase has started.
    this.#over.promise.catch(() => {});
  }

  /** Settles at the end of the phase; rejects when it fails. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  fail(error: Error): void {
    this.#over.reject(error);
  }

  /** Sends the first operations. `startNs` is now. */
  abstract start(startNs: number): void;

  /** `count` more operations of `connection` are answered. Hot: once per read. */
  abstract onReplies(connection: PacedConnection, count: number): void;

  /** Called about every SLICE_MS. */
  onSlice(_nowNs: number): void {}

  /** Ends timers; the phase is over, or has failed. */
  stop(): void {}

  /** When the phase ended for the purpose of its rate. */
  elapsedNs(startNs: number): number {
    return this.endNs - startNs;
  }

  /** Processor time that went into waiting. */
  get idleNs(): number {
    return 0;
  }

  get open(): OpenLoad | null {
    return null;
  }

  protected finish(): void {
    this.endNs = nanoseconds();
    this.#over.resolve();
  }
}
