/**
 * The results of several load processes → one: counts added, histograms merged, slices laid over
 * each other.
 */
import { assert } from "../../base/assert.ts";
import { emptyCounts, type PhaseCounts } from "../measure.ts";
import { Histogram, type HistogramData } from "../recorder/histogram.ts";
import type { Slice } from "../recorder/series.ts";
import type { LoadResult, OpenLoad, OperationResult } from "./load.ts";

/** At least one. */
export function mergeResults(results: readonly LoadResult[]): LoadResult {
  const [first] = results;
  assert(first !== undefined, "no results to merge");
  return {
    ...mergeCounts(results),
    reads: sumOf(results.map(({ reads }) => reads)),
    isChecked: results.some(({ isChecked }) => isChecked),
    primary: mergeHistograms(results.map(({ primary }) => primary)),
    service: mergeHistograms(results.map(({ service }) => service)),
    sendLag: mergeHistograms(results.map(({ sendLag }) => sendLag)),
    byOperation: mergeOperations(results),
    slices: mergeSlices(results.map(({ slices }) => slices)),
    open: mergeOpen(results.flatMap(({ open }) => open ?? [])),
    clientNs: results.reduce((sum, { clientNs }) => sum + clientNs, 0),
  };
}

function mergeCounts(results: readonly LoadResult[]): PhaseCounts {
  const sum = emptyCounts();
  for (const result of results) {
    // All start together: the phase lasts until the last of them is done.
    sum.elapsedNs = Math.max(sum.elapsedNs, result.elapsedNs);
    sum.operations += result.operations;
    sum.bytesOut += result.bytesOut;
    sum.bytesIn += result.bytesIn;
    sum.payloadBytesOut += result.payloadBytesOut;
    sum.payloadBytesIn += result.payloadBytesIn;
    sum.nulls += result.nulls;
    sum.unexpected += result.unexpected;
    sum.wrongValues += result.wrongValues;
    sum.undelivered += result.undelivered;
    if (sum.errorFirst === "") sum.errorFirst = result.errorFirst;
    for (const [kind, count] of Object.entries(result.errorKinds)) {
      sum.errorKinds[kind] = (sum.errorKinds[kind] ?? 0) + count;
    }
  }
  return sum;
}

function sumOf(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
}

function mergeHistograms(all: (HistogramData | null)[]): HistogramData | null {
  const [first, ...others] = all.filter((data) => data !== null);
  if (first === undefined) return null;
  const sum = Histogram.fromData(first);
  for (const other of others) sum.merge(Histogram.fromData(other));
  return sum.toData();
}

function mergeOperations(results: readonly LoadResult[]): OperationResult[] {
  const [first] = results;
  return (first?.byOperation ?? []).map(({ operation }, index) => {
    const same = results.flatMap(({ byOperation }) => byOperation[index] ?? []);
    const count = same.reduce((sum, each) => sum + each.count, 0);
    return { operation, count, latency: mergeHistograms(same.map(({ latency }) => latency)) };
  });
}

/** Slices are cut by a timer in each process, at about the same times. */
function mergeSlices(series: readonly (readonly Slice[])[]): Slice[] {
  const count = Math.max(...series.map((slices) => slices.length));
  return Array.from({ length: count }, (_, index) => {
    const same = series.flatMap((slices) => slices[index] ?? []);
    return {
      endMs: Math.max(...same.map(({ endMs }) => endMs)),
      operations: same.reduce((sum, { operations }) => sum + operations, 0),
      latency: mergeHistograms(same.map(({ latency }) => latency)),
    };
  });
}

function mergeOpen(all: readonly OpenLoad[]): OpenLoad | null {
  if (all.length === 0) return null;
  return {
    late: all.reduce((sum, { late }) => sum + late, 0),
    dropped: all.reduce((sum, { dropped }) => sum + dropped, 0),
    isBacklogGrowing: all.some(({ isBacklogGrowing }) => isBacklogGrowing),
  };
}
