/**
 * Histogram → the figures of a report: percentiles only where there are samples enough for them.
 */
import type { LatencyKind, LatencyResult } from "../result.ts";
import type { Histogram } from "./histogram.ts";

/** Samples that have to lie beyond a percentile before it is more than chance. */
export const SAMPLES_BEYOND_MIN = 10;

/** The percentile in ns, or null when fewer than SAMPLES_BEYOND_MIN samples lie beyond it. */
export function percentileNs(histogram: Histogram, quantile: number): number | null {
  // Without rounding, 1 - 0.99 of 1,000 would be 10.000000000000009 and 1 - 0.999 of 10,000 be
  // 9.99.
  const beyond = Math.round(histogram.count * (1 - quantile) * 1e6) / 1e6;
  return beyond >= SAMPLES_BEYOND_MIN ? histogram.quantileNs(quantile) : null;
}

export function makeLatency(histogram: Histogram, kind: LatencyKind): LatencyResult {
  return {
    kind,
    count: histogram.count,
    averageNs: histogram.averageNs(),
    p50Ns: percentileNs(histogram, 0.5),
    p90Ns: percentileNs(histogram, 0.9),
    p99Ns: percentileNs(histogram, 0.99),
    p999Ns: percentileNs(histogram, 0.999),
    p9999Ns: percentileNs(histogram, 0.9999),
    minNs: histogram.count === 0 ? 0 : histogram.minNs,
    maxNs: histogram.maxNs,
    histogram: histogram.toData(),
  };
}
