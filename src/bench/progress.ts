/**
 * The live line on standard error: what runs, how far it is, how fast it goes, the p99 and the
 * errors so far. And the few things said besides.
 *
 *      kv READ (Simple)  ███████░░░░░░░░░░░░░  35 %  1.23M/s  p99 3.21 ms  2 errors
 *
 * Drawn only on a terminal, at most four times a second, no wider than it, and erased before
 * anything else is printed. `--quiet` silences both. Who calls `show` works out percentiles and
 * errors in `seen` only: it is called when the line is really drawn (4 µs a time).
 */
import { formatCount, formatDurationNs } from "../base/units.ts";
import type { Amount } from "./plan.ts";

const ERASE_LINE = "\r\x1b[2K";
/** A little less than the quarter of a second in which the loops tick. */
const DRAW_MS_MIN = 200;
const BAR_WIDTH = 20;
/** Narrower terminals have no bar. */
const BAR_COLUMNS_MIN = 80;
const COLUMNS_DEFAULT = 80;

/** What a phase has seen so far. */
export interface ProgressSeen {
  elapsedMs: number;
  /** Null without latencies, or with too few. */
  p99Ns: number | null;
  errorsCount: number;
}

export class Progress {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  readonly #nowMs: () => number;
  readonly #isLive: boolean;
  readonly #isQuiet: boolean;
  #label = "";
  #doneBefore = 0;
  #timeBeforeMs = 0;
  #isDrawn = false;

  constructor(
    isQuiet: boolean,
    isTerminal: boolean,
    write: (text: string) => void,
    columns: () => number = () => COLUMNS_DEFAULT,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#isQuiet = isQuiet;
    this.#isLive = isTerminal && !isQuiet;
    this.#write = write;
    this.#columns = columns;
    this.#nowMs = nowMs;
  }

  /**
   * Draws the line for `done` operations of `amount` (a number is one of operations), with the rate
   * since it was last drawn.
   */
  show(label: string, done: number, amount: Amount | number, seen?: () => ProgressSeen): void {
    if (!this.#isLive) return;
    const nowMs = this.#nowMs();
    // Phases of a sweep have the same name.
    const isNew = label !== this.#label || done < this.#doneBefore;
    const sinceMs = nowMs - this.#timeBeforeMs;
    if (!isNew && sinceMs < DRAW_MS_MIN) return;
    const rate = isNew ? null : ((done - this.#doneBefore) / sinceMs) * 1000;
    const line = lineOf(label, done, amount, rate, seen?.() ?? null, this.#columns());
    this.#write(`${ERASE_LINE}${line}`);
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

/** A progress on the standard error of this process. */
export function progressOn(stream: NodeJS.WriteStream, isQuiet: boolean): Progress {
  return new Progress(
    isQuiet,
    stream.isTTY === true,
    (text) => stream.write(text),
    () => stream.columns || COLUMNS_DEFAULT,
  );
}

function lineOf(
  label: string,
  done: number,
  amount: Amount | number,
  rate: number | null,
  seen: ProgressSeen | null,
  columns: number,
): string {
  const { share, text } = shareOf(done, amount, seen);
  const parts = [label];
  if (columns >= BAR_COLUMNS_MIN && share !== null) parts.push(barOf(share));
  if (text !== "") parts.push(text);
  if (rate !== null) parts.push(`${formatCount(rate)}/s`);
  if (seen !== null && seen.p99Ns !== null) parts.push(`p99 ${formatDurationNs(seen.p99Ns)}`);
  if (seen !== null && seen.errorsCount > 0) parts.push(`${formatCount(seen.errorsCount)} errors`);
  // A line that wraps could not be erased; its end says least.
  let line = parts.join("  ");
  while (Bun.stringWidth(line) >= columns && parts.length > 1) {
    parts.pop();
    line = parts.join("  ");
  }
  return line;
}

/** How far it is: by operations, or by time where that was asked for. */
function shareOf(
  done: number,
  amount: Amount | number,
  seen: ProgressSeen | null,
): { share: number | null; text: string } {
  if (typeof amount === "object" && "durationMs" in amount) {
    if (seen === null) return { share: null, text: "" };
    const { elapsedMs } = seen;
    const [part, whole] = [elapsedMs, amount.durationMs].map((ms) => formatDurationNs(ms * 1e6));
    return { share: elapsedMs / amount.durationMs, text: `${part} of ${whole}` };
  }
  const share = done / (typeof amount === "number" ? amount : amount.operations);
  return Number.isFinite(share)
    ? { share, text: `${Math.floor(share * 100)} %` }
    : { share: null, text: "" };
}

function barOf(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return "█".repeat(full) + "░".repeat(BAR_WIDTH - full);
}
