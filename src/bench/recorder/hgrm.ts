/**
 * A histogram as the percentile distribution that HdrHistogram prints (`.hgrm`), which its plotter
 * and others read.
 *
 *            Value     Percentile TotalCount 1/(1-Percentile)
 *
 *            0.102 0.500000000000      50012           2.00
 *      …
 *      #[Mean    =        0.108, StdDeviation   =        0.031]
 *      #[Max     =        4.201, Total count    =       100000]
 *      #[Buckets =           42, SubBuckets     =          128]
 *
 * The percentiles come closer together towards 1: each halving of the distance to it is cut into
 * TICKS_PER_HALF steps, until a step holds no more than the maximum.
 * A value is the middle of its bucket, as everywhere else in our reports, where HdrHistogram prints
 * the upper end; minimum, maximum and mean are exact. The last line ends in `inf`, as in the output
 * of the C library.
 */
import { EXPONENTS_COUNT, Histogram, type HistogramData, MANTISSA_BITS } from "./histogram.ts";

/** What HdrHistogram's own tools use. */
const TICKS_PER_HALF = 5;
const NS_PER_MS = 1e6;
const VALUE_WIDTH = 12;
const VALUE_DECIMALS = 3;
const PERCENTILE_WIDTH = 14;
const PERCENTILE_DECIMALS = 12;
const COUNT_WIDTH = 10;
const INVERSE_WIDTH = 14;

/**
 * The whole text, ending in a newline. `unitNs` is how many nanoseconds one of the printed unit
 * has: a millisecond by default. Throws RangeError for data of another resolution.
 */
export function toHgrm(data: HistogramData, unitNs = NS_PER_MS): string {
  const histogram = Histogram.fromData(data);
  const head = line("Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  const rows = rowsOf(histogram).map(({ ns, percentile, count }) =>
    line(
      (ns / unitNs).toFixed(VALUE_DECIMALS),
      percentile.toFixed(PERCENTILE_DECIMALS),
      String(count),
      percentile === 1 ? "inf" : (1 / (1 - percentile)).toFixed(2),
    ),
  );
  return [head, "", ...rows, ...trailerOf(histogram, unitNs), ""].join("\n");
}

function line(value: string, percentile: string, count: string, inverse: string): string {
  return [
    value.padStart(VALUE_WIDTH),
    percentile.padStart(PERCENTILE_WIDTH),
    count.padStart(COUNT_WIDTH),
    inverse.padStart(INVERSE_WIDTH),
  ].join(" ");
}

interface Row {
  readonly ns: number;
  /** 0 to 1. */
  readonly percentile: number;
  /** Records up to this value. */
  readonly count: number;
}

function rowsOf(histogram: Histogram): Row[] {
  const rows: Row[] = [];
  const { count: total, minNs, maxNs } = histogram;
  if (total === 0) return rows;
  let tick = 0;
  let seen = 0;
  histogram.visitBuckets((middleNs, count) => {
    const isLast = seen + count === total;
    seen += count;
    // One row at least for the last bucket, then the maximum: more would only repeat it.
    for (let percentile = percentileAt(tick); percentile * total <= seen; ) {
      rows.push({ ns: tick === 0 ? minNs : middleNs, percentile, count: seen });
      percentile = percentileAt(++tick);
      if (isLast) break;
    }
  });
  rows.push({ ns: maxNs, percentile: 1, count: total });
  return rows;
}

/** 0, 0.1, …, 0.5, 0.55, …, 0.75, 0.775, … */
function percentileAt(tick: number): number {
  const remaining = 2 ** -Math.floor(tick / TICKS_PER_HALF);
  return 1 - remaining + ((tick % TICKS_PER_HALF) / TICKS_PER_HALF / 2) * remaining;
}

function trailerOf(histogram: Histogram, unitNs: number): string[] {
  const { count: total, maxNs } = histogram;
  const averageNs = histogram.averageNs();
  let squares = 0;
  histogram.visitBuckets((ns, count) => {
    squares += count * (ns - averageNs) ** 2;
  });
  const deviationNs = total === 0 ? 0 : Math.sqrt(squares / total);
  const [mean, deviation, max] = [averageNs, deviationNs, maxNs].map((ns) =>
    (ns / unitNs).toFixed(VALUE_DECIMALS).padStart(VALUE_WIDTH),
  );
  const [count, buckets, subBuckets] = [total, EXPONENTS_COUNT, 2 ** MANTISSA_BITS].map((n) =>
    String(n).padStart(VALUE_WIDTH),
  );
  return [
    `#[Mean    = ${mean}, StdDeviation   = ${deviation}]`,
    `#[Max     = ${max}, Total count    = ${count}]`,
    `#[Buckets = ${buckets}, SubBuckets     = ${subBuckets}]`,
  ];
}
