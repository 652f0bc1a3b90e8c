/** From counts to the figures of a run: rates, hits, errors, the bracket of processor time. */
import { expect, test } from "bun:test";
import { bracket, makePhaseRun } from "./measure.ts";
import { measurementOf } from "./test-results.ts";

test("makePhaseRun() gives rates per second", () => {
  const run = makePhaseRun(measurementOf());
  expect(run.operationsPerSecond).toBe(2000);
  expect(run.payloadBytesPerSecond).toBe(256_000);
  expect(run.errors.total).toBe(0);
  expect(run.reads).toEqual({ hits: 1000, misses: 0 });
});

test("makePhaseRun() counts errors, misses and unexpected replies as errors", () => {
  const { counts, ...rest } = measurementOf();
  const run = makePhaseRun({
    ...rest,
    counts: {
      ...counts,
      errorKinds: { ERR: 2, OOM: 3 },
      errorFirst: "ERR x",
      nulls: 10,
      unexpected: 4,
      undelivered: 6,
    },
  });
  expect(run.errors).toEqual({
    total: 25,
    replies: { ERR: 2, OOM: 3 },
    first: "ERR x",
    misses: 10,
    unexpected: 4,
    wrongValues: null,
    undelivered: 6,
  });
  expect(run.reads).toEqual({ hits: 985, misses: 10 });
});

test("makePhaseRun() has no operation that failed in the rate", () => {
  const { counts, ...rest } = measurementOf();
  const refused = makePhaseRun({ ...rest, counts: { ...counts, errorKinds: { OOM: 900 } } });
  expect(refused.operations).toBe(1000);
  expect(refused.operationsPerSecond).toBe(200);
  const worse = makePhaseRun({ ...rest, counts: { ...counts, errorKinds: { OOM: 2000 } } });
  expect(worse.operationsPerSecond).toBe(0);
});

test("makePhaseRun() counts misses that are allowed, but not as errors", () => {
  const { counts, ...rest } = measurementOf({ isMissAllowed: true });
  const run = makePhaseRun({ ...rest, counts: { ...counts, nulls: 10 } });
  expect(run.errors).toMatchObject({ total: 0, misses: 0 });
  expect(run.reads).toEqual({ hits: 990, misses: 10 });
});

test("makePhaseRun() judges the slices, without the last one, which is cut short", () => {
  const slices = (rateOf: (index: number) => number) => ({
    endsMs: Array.from({ length: 21 }, (_, index) => (index + 1) * 250),
    operations: Array.from({ length: 21 }, (_, index) => (index === 20 ? 3 : rateOf(index))),
    p50Ns: null,
    p99Ns: null,
  });
  const judged = (rateOf: (index: number) => number) =>
    makePhaseRun(measurementOf({ series: slices(rateOf) })).steadiness;
  expect(judged((index) => 1000 + (index % 3)).verdict).toBe("steady");
  expect(judged((index) => 1000 + index * 50)).toMatchObject({ verdict: "unsteady" });
  expect(makePhaseRun(measurementOf()).steadiness).toEqual({
    verdict: "unknown",
    reason: "0 slices, at least 10 are needed",
  });
});

test("bracket() reads both sides around the work, and knows when nobody tells", async () => {
  let readings = 0;
  const work = async () => ({ elapsedNs: 1e9 });
  const known = await bracket(
    { readNs: () => ++readings * 950_000_000, source: "kernel", threads: 1 },
    work,
  );
  expect(known.result.elapsedNs).toBe(1e9);
  expect(known.processorTime).toMatchObject({
    serverNs: 950_000_000,
    serverSource: "kernel",
    bottleneck: "server",
  });
  const reported = async () => ({ elapsedNs: 1e9, clientNs: 3e9 });
  const server = { readNs: () => 0, source: "kernel" as const, threads: 1 };
  const workers = await bracket(server, reported, 4);
  expect(workers.processorTime).toMatchObject({ clientNs: 3e9, bottleneck: "neither" });
  const unknown = await bracket({ readNs: () => null, source: "server", threads: null }, work);
  expect(unknown.processorTime).toMatchObject({ serverNs: null, serverSource: "none" });
  expect(unknown.processorTime.bottleneck).toBe("unknown");
  // A thread that ended has taken its time out of the sum.
  const falling = { readNs: () => -++readings, source: "kernel", threads: 1 } as const;
  expect((await bracket(falling, work)).processorTime.serverNs).toBeNull();
});
