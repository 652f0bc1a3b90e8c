/** mergeResults(): what several load processes did adds up to what one would have done. */
import { expect, test } from "bun:test";
import { emptyCounts } from "../measure.ts";
import { Histogram } from "../recorder/histogram.ts";
import type { LoadResult } from "./load.ts";
import { mergeResults } from "./merge.ts";

function histogramOf(...latenciesNs: number[]) {
  const histogram = new Histogram();
  for (const ns of latenciesNs) histogram.record(ns, 1);
  return histogram.toData();
}

function resultOf(changes: Partial<LoadResult>): LoadResult {
  return {
    ...emptyCounts(),
    operations: 2,
    elapsedNs: 1000,
    bytesIn: 10,
    errorKinds: { OOM: 1 },
    errorFirst: "",
    reads: null,
    isChecked: false,
    primary: histogramOf(100, 200),
    service: null,
    sendLag: null,
    byOperation: [{ operation: "set", count: 2, latency: histogramOf(100, 200) }],
    slices: [{ endMs: 250, operations: 2, latency: histogramOf(100, 200) }],
    open: null,
    clientNs: 5,
    ...changes,
  };
}

test("mergeResults() adds counts, histograms and slices", () => {
  const merged = mergeResults([
    resultOf({}),
    resultOf({
      elapsedNs: 3000,
      errorKinds: { OOM: 2, ERR: 1 },
      errorFirst: "OOM x",
      reads: 4,
      isChecked: true,
      primary: histogramOf(300),
      slices: [
        { endMs: 251, operations: 1, latency: histogramOf(300) },
        { endMs: 400, operations: 7, latency: histogramOf(1) },
      ],
    }),
  ]);
  expect(merged).toMatchObject({
    operations: 4,
    elapsedNs: 3000,
    bytesIn: 20,
    errorKinds: { OOM: 3, ERR: 1 },
    errorFirst: "OOM x",
    reads: 4,
    isChecked: true,
    primary: histogramOf(100, 200, 300),
    service: null,
    byOperation: [{ operation: "set", count: 4, latency: histogramOf(100, 200, 100, 200) }],
    slices: [
      { endMs: 251, operations: 3, latency: histogramOf(100, 200, 300) },
      { endMs: 400, operations: 7, latency: histogramOf(1) },
    ],
    open: null,
    clientNs: 10,
  });
});

test("mergeResults() adds what open loops were late with and dropped", () => {
  const open = { late: 1, dropped: 2, isBacklogGrowing: false };
  const sendLag = histogramOf(7);
  const merged = mergeResults([
    resultOf({ open, sendLag }),
    resultOf({ open: { ...open, isBacklogGrowing: true }, sendLag }),
  ]);
  expect(merged.open).toEqual({ late: 2, dropped: 4, isBacklogGrowing: true });
  expect(merged.sendLag).toEqual(histogramOf(7, 7));
});
