/**
 * What a phase did over time: operations and percentiles per slice.
 *
 * The loop's timer calls `cut` about every SLICE_MS; nothing is done per operation. A slice's
 * percentiles come from what the phase's histogram gained since the cut before (10 µs a cut), so
 * that the hot path has one histogram only.
 */
import type { SeriesResult } from "../result.ts";
import { Histogram } from "./histogram.ts";
import { percentileNs } from "./percentiles.ts";

/** How often a series is cut: short runs still show a course, and it is cheap enough. */
export const SLICE_MS = 250;

export class Series {
  readonly #startNs: number;
  readonly #histogram: Histogram | null;
  readonly #before: Histogram | null;
  #doneBefore = 0;
  readonly #result: SeriesResult;

  /** Follows `histogram`, which may be null when latencies are not taken, from `startNs` on. */
  constructor(startNs: number, histogram: Histogram | null) {
    this.#startNs = startNs;
    this.#histogram = histogram;
    this.#before = histogram === null ? null : new Histogram();
    const isTimed = histogram !== null;
    this.#result = {
      endsMs: [],
      operations: [],
      p50Ns: isTimed ? [] : null,
      p99Ns: isTimed ? [] : null,
    };
  }

  /** Ends a slice at `nowNs`, when `done` operations of the phase have ended in all. */
  cut(nowNs: number, done: number): void {
    const { endsMs, operations, p50Ns, p99Ns } = this.#result;
    endsMs.push(Math.round((nowNs - this.#startNs) / 1e4) / 100);
    operations.push(done - this.#doneBefore);
    this.#doneBefore = done;
    if (this.#histogram === null || this.#before === null) return;
    const slice = this.#histogram.since(this.#before);
    p50Ns?.push(percentileNs(slice, 0.5));
    p99Ns?.push(percentileNs(slice, 0.99));
    this.#before.copyFrom(this.#histogram);
  }

  /** All slices so far. */
  result(): SeriesResult {
    return this.#result;
  }
}
