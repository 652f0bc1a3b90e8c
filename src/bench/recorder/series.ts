/**
 * What a phase did over time: operations and percentiles per slice.
 *
 * The loop's timer calls `cut` about every SLICE_MS; nothing is done per operation. A slice's
 * percentiles come from what the phase's histogram gained since the cut before (10 µs a cut), so
 * that the hot path has one histogram only.
 */
import type { SeriesResult } from "../result.ts";
import { Histogram, type HistogramData } from "./histogram.ts";
import { percentileNs } from "./percentiles.ts";

/** How often a series is cut: short runs still show a course, and it is cheap enough. */
export const SLICE_MS = 250;

/** One slice as plain data, which can be added to the same slice of another process. */
export interface Slice {
  /** When it ended, in ms from the start of the phase. */
  endMs: number;
  operations: number;
  /** Null without latencies. */
  latency: HistogramData | null;
}

export class Series {
  readonly #startNs: number;
  readonly #histogram: Histogram | null;
  readonly #before: Histogram | null;
  #doneBefore = 0;
  readonly #slices: Slice[] = [];

  /** Follows `histogram`, which may be null when latencies are not taken, from `startNs` on. */
  constructor(startNs: number, histogram: Histogram | null) {
    this.#startNs = startNs;
    this.#histogram = histogram;
    this.#before = histogram === null ? null : new Histogram();
  }

  /** Ends a slice at `nowNs`, when `done` operations of the phase have ended in all. */
  cut(nowNs: number, done: number): void {
    const endMs = Math.round((nowNs - this.#startNs) / 1e4) / 100;
    const slice: Slice = { endMs, operations: done - this.#doneBefore, latency: null };
    this.#slices.push(slice);
    this.#doneBefore = done;
    if (this.#histogram === null || this.#before === null) return;
    slice.latency = this.#histogram.since(this.#before).toData();
    this.#before.copyFrom(this.#histogram);
  }

  /** All slices so far. */
  slices(): Slice[] {
    return this.#slices;
  }

  result(): SeriesResult {
    return seriesOf(this.#slices);
  }
}

/** Slices in the order of time → the series of a result. */
export function seriesOf(slices: readonly Slice[]): SeriesResult {
  const isTimed = slices.every(({ latency }) => latency !== null);
  const percentiles = (quantile: number) =>
    slices.map(({ latency }) =>
      latency === null ? null : percentileNs(Histogram.fromData(latency), quantile),
    );
  return {
    endsMs: slices.map(({ endMs }) => endMs),
    operations: slices.map(({ operations }) => operations),
    p50Ns: isTimed ? percentiles(0.5) : null,
    p99Ns: isTimed ? percentiles(0.99) : null,
  };
}
