/** Loads in process: every operation with every format on both stores, counted and checked. */
import { expect, test } from "bun:test";
import { FORMATS } from "../../formats/formats.ts";
import type { OperationName, RequestPhase } from "../plan.ts";
import type { LoadPlan } from "../workloads/make-encoder.ts";
import { InProcessLoad } from "./in-process-load.ts";

function planOf(changes: Partial<LoadPlan["values"]> = {}): LoadPlan {
  return {
    values: { size: "20-90", format: "string", zstdLevel: null, compressibility: 0, ...changes },
    chat: { chatsCount: 10, historyLength: 6, readSize: 4 },
    seed: 3,
    isVerifying: true,
    isTimingLatency: true,
    timeoutMs: 1000,
    concurrency: 3,
    workersCount: 1,
    worker: 0,
  };
}

function phaseOf(operations: OperationName[], changes: Partial<RequestPhase> = {}): RequestPhase {
  return {
    kind: "requests",
    name: "mix",
    label: "",
    isMeasured: true,
    warmupMs: 0,
    amount: { operations: 300 },
    batchSize: 1,
    schedule: null,
    operations: operations.map((operation) => ({ operation, weight: 1 })),
    keyDistribution: "uniform",
    keysCount: 30,
    command: null,
    ...changes,
  };
}

const FILL = { keyDistribution: "sequential", amount: { operations: 30 } };

for (const store of ["inmemory", "map"] as const) {
  for (const { name: format } of FORMATS) {
    for (const zstdLevel of [null, 3]) {
      const zstd = zstdLevel === null ? "" : " with zstd";
      test(`InProcessLoad of ${store} reads ${format}${zstd} as it was written`, async () => {
        const load = new InProcessLoad(planOf({ format, zstdLevel }), store);
        await load.run(phaseOf(["set"], FILL), null);
        expect(load.keysCount).toBe(30);
        const mix = phaseOf(["get", "set", "rmw", "scan", "insert"], { batchSize: 7 });
        const result = await load.run(mix, null);
        expect(result).toMatchObject({ operations: 300, nulls: 0, unexpected: 0, wrongValues: 0 });
        expect(result).toMatchObject({ isChecked: true, errorKinds: {} });
        expect(result.byOperation.map(({ count }) => count)).toEqual([60, 60, 60, 60, 60]);
        expect(load.keysCount).toBe(90);
        await load.run(phaseOf(["push"], { ...FILL, amount: { operations: 180 } }), null);
        const reads = await load.run(phaseOf(["range"], { name: "read" }), null);
        expect(reads).toMatchObject({ reads: 300, nulls: 0, unexpected: 0, wrongValues: 0 });
        expect(reads.payloadBytesIn).toBeGreaterThan(300 * 4 * 10);
        await load.close();
      });
    }
  }

  test(`InProcessLoad of ${store} counts what is missing, and errors by their kind`, async () => {
    const load = new InProcessLoad(planOf(), store);
    const misses = await load.run(phaseOf(["get"]), null);
    expect(misses).toMatchObject({ operations: 300, reads: 300, nulls: 300 });
    await load.run(phaseOf(["push"], FILL), null);
    // The same names for strings and lists are not to be had: two workloads never share a key.
    const reads = await load.run(phaseOf(["range"]), null);
    expect(reads).toMatchObject({ nulls: 0, wrongValues: 0 });
    await load.close();
  });

  test(`InProcessLoad of ${store} lasts as long as it should, in slices`, async () => {
    const load = new InProcessLoad(planOf(), store);
    const phase = phaseOf(["set"], { amount: { durationMs: 600 }, batchSize: 50 });
    let progress = 0;
    const result = await load.run(phase, (done) => {
      progress = done;
    });
    expect(result.elapsedNs).toBeGreaterThanOrEqual(600e6);
    expect(result.slices.length).toBeGreaterThanOrEqual(2);
    expect(result.slices.reduce((sum, { operations }) => sum + operations, 0)).toBe(
      result.operations,
    );
    expect(progress).toBeGreaterThan(0);
    expect(progress).toBeLessThanOrEqual(result.operations);
    await load.close();
  });
}
