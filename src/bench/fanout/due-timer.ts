/**
 * Wakes an open loop when its next message is due.
 *
 * Timers wake to the millisecond only, so the last SPIN_NS are spent asking the event loop again
 * and again (1 µs a turn; what has arrived is read meanwhile). What that costs is `idleNs`, which
 * is not the client's processor time.
 */
import { nanoseconds } from "../../base/clock.ts";

/** A timer of 1 ms fires after 1.07 ms, and later on a busy machine. */
const SPIN_NS = 2_000_000;
/** An empty turn takes about 1 µs; one that took longer was interrupted, and used no more. */
const IDLE_TURN_NS_MAX = 5000;
const NS_PER_MS = 1e6;

export class DueTimer {
  /** Processor time that went into waiting. */
  idleNs = 0;
  readonly #onDue: (nowNs: number) => void;
  readonly #eventsCount: () => number;
  #timer: Timer | null = null;
  #dueNs = 0;
  /** When the turn before ended, if it asked for the next one at once; else 0. */
  #spunNs = 0;
  #eventsBefore = 0;
  #isStopped = false;
  readonly #turn = () => this.#onTurn();

  /** `eventsCount` grows with everything that is sent or comes in: then a turn was not idle. */
  constructor(onDue: (nowNs: number) => void, eventsCount: () => number) {
    this.#onDue = onDue;
    this.#eventsCount = eventsCount;
  }

  /** Calls `onDue` once, at `dueNs` or as soon as possible after it, and never within this call. */
  arm(dueNs: number): void {
    this.#dueNs = dueNs;
    this.#wait(nanoseconds());
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #wait(nowNs: number): void {
    const waitNs = this.#dueNs - nowNs;
    this.#spunNs = 0;
    if (waitNs > SPIN_NS) {
      const waitMs = Math.floor((waitNs - SPIN_NS) / NS_PER_MS) + 1;
      this.#timer = setTimeout(this.#turn, waitMs);
      return;
    }
    this.#spunNs = nowNs;
    this.#eventsBefore = this.#eventsCount();
    setImmediate(this.#turn);
  }

  #onTurn(): void {
    if (this.#isStopped) return;
    const nowNs = nanoseconds();
    if (this.#spunNs > 0 && this.#eventsCount() === this.#eventsBefore) {
      this.idleNs += Math.min(nowNs - this.#spunNs, IDLE_TURN_NS_MAX);
    }
    if (nowNs >= this.#dueNs) this.#onDue(nowNs);
    else this.#wait(nowNs);
  }
}
