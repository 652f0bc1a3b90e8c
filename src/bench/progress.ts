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
  #startMs = 0;
  #isDrawn = false;

  constructor(isQuiet: boolean, isTerminal: boolean, write: (text: string) => void) {
    this.#isQuiet = isQuiet;
    this.#isLive = isTerminal && !isQuiet;
    this.#write = write;
  }

  /** Draws the line for `done` of `total` requests. */
  show(label: string, done: number, total: number): void {
    if (!this.#isLive) return;
    const nowMs = performance.now();
    if (label !== this.#label) {
      this.#label = label;
      this.#startMs = nowMs;
    }
    const percent = Math.floor((done / total) * 100);
    const seconds = (nowMs - this.#startMs) / 1000;
    const rate = seconds > 0 ? `, ${formatCount(done / seconds)}/s` : "";
    this.#write(`${ERASE_LINE}${label}: ${percent} %${rate}`);
    this.#isDrawn = true;
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
