/**
 * The live line on standard error: what runs, how far it is, how fast it goes. And the few things
 * said besides.
 *
 * Drawn only on a terminal, at most as often as the loop ticks (four times a second), and erased
 * before anything else is printed. `--quiet` silences both.
 */
import { formatCount } from "../base/units.ts";

const ERASE_LINE = "\r\x1b[2K";

export class Progress {
  readonly #write: (text: string) => void;
  readonly #isLive: boolean;
  readonly #isQuiet: boolean;
  #label = "";
  #doneBefore = 0;
  #timeBeforeMs = 0;
  #isDrawn = false;

  constructor(isQuiet: boolean, isTerminal: boolean, write: (text: string) => void) {
    this.#isQuiet = isQuiet;
    this.#isLive = isTerminal && !isQuiet;
    this.#write = write;
  }

  /** Draws the line for `done` of `total` requests, with the rate since it was last drawn. */
  show(label: string, done: number, total: number): void {
    if (!this.#isLive) return;
    const nowMs = performance.now();
    const isNew = label !== this.#label;
    const seconds = (nowMs - this.#timeBeforeMs) / 1000;
    const rate = isNew ? "" : `, ${formatCount((done - this.#doneBefore) / seconds)}/s`;
    const percent = Math.floor((done / total) * 100);
    this.#write(`${ERASE_LINE}${label}: ${percent} %${rate}`);
    this.#isDrawn = true;
    this.#label = label;
    this.#doneBefore = done;
    this.#timeBeforeMs = nowMs;
  }

  /** Prints one line, unless quiet. */
  say(text: string): void {
    if (this.#isQuiet) return;
    this.clear();
    this.#write(`${text}\n`);
  }

  /** Erases the live line. */
  clear(): void {
    if (this.#isDrawn) this.#write(ERASE_LINE);
    this.#isDrawn = false;
    this.#label = "";
  }
}
