/**
 * Notices a server that has stopped: replies are due all the time, and for `timeoutMs` none comes.
 *
 * It is asked now and then, and a time counts only when something was due at its beginning: what
 * was sent a moment ago may still be on its way.
 */
export class StallWatch {
  readonly #timeoutNs: number;
  #aliveNs = 0;
  #doneBefore = 0;
  #wasDue = false;

  constructor(timeoutMs: number) {
    this.#timeoutNs = timeoutMs * 1e6;
  }

  /** `sent` and `done` are operations so far. */
  isStalled(nowNs: number, sent: number, done: number): boolean {
    const isWaiting = this.#wasDue && done === this.#doneBefore;
    if (!isWaiting) this.#aliveNs = nowNs;
    this.#wasDue = sent > done;
    this.#doneBefore = done;
    return nowNs - this.#aliveNs >= this.#timeoutNs;
  }
}
