/** From measurements to results: rates, hits, percentiles only with samples enough, warnings. */
import { expect, test } from "bun:test";
import type { LoopCounts } from "./loop.ts";
import type { PhasePlan } from "./plan.ts";
import { Histogram } from "./recorder/histogram.ts";
import { findWarnings, makePhaseResult, type TargetResult } from "./result.ts";

const GET: PhasePlan = {
  name: "GET",
  request: "get",
  operations: 1000,
  keyOrder: "sequential",
  batchSize: 1,
  isMeasured: true,
};
const COUNTS: LoopCounts = {
  operations: 1000,
  elapsedNs: 500_000_000,
  bytesOut: 30_000,
  bytesIn: 20_000,
  payloadBytesOut: 0,
  payloadBytesIn: 10_000,
  errorKinds: {},
  errorFirst: "",
  nulls: 0,
  unexpected: 0,
  wrongValues: 0,
};

function phaseOf(counts: Partial<LoopCounts>, histogram: Histogram | null = null) {
  return makePhaseResult({
    phase: GET,
    counts: { ...COUNTS, ...counts },
    histogram,
    isVerified: false,
    processorTime: { clientNs: 1, serverNs: 1, serverSource: "kernel", bottleneck: "neither" },
  });
}

function targetOf(backend: "kv" | "valkey", facts: Partial<TargetResult["facts"]>): TargetResult {
  return {
    backend,
    endpoint: "127.0.0.1:1",
    isStartedHere: false,
    facts: {
      serverName: backend,
      version: "1.0",
      mode: "standalone",
      processId: 1,
      uptimeSeconds: 1,
      threads: 1,
      keysBefore: 0,
      settings: { save: "", appendonly: "no" },
      ...facts,
    },
    phases: [],
  };
}

const ENVIRONMENT = {
  system: "Linux",
  kernel: "6",
  architecture: "x64",
  processor: "p",
  cores: 2,
  memoryBytes: 1,
  loadAverage: 0,
  bunVersion: "1",
  isCompiled: false,
};

test("makePhaseResult() gives rates per second", () => {
  const phase = phaseOf({});
  expect(phase.operationsPerSecond).toBe(2000);
  expect(phase.payloadBytesPerSecond).toBe(20_000);
  expect(phase.errors.total).toBe(0);
  expect(phase.reads).toEqual({ hits: 1000, misses: 0 });
});

test("makePhaseResult() counts errors, misses and unexpected replies as errors", () => {
  const phase = phaseOf({
    errorKinds: { ERR: 2, OOM: 3 },
    errorFirst: "ERR x",
    nulls: 10,
    unexpected: 4,
  });
  expect(phase.errors).toEqual({
    total: 19,
    replies: { ERR: 2, OOM: 3 },
    first: "ERR x",
    misses: 10,
    unexpected: 4,
    wrongValues: null,
  });
  expect(phase.reads).toEqual({ hits: 985, misses: 10 });
});

test("makePhaseResult() gives a percentile with ten samples beyond it, and none with fewer", () => {
  const histogram = new Histogram();
  for (let i = 0; i < 999; i++) histogram.record(1000, 1);
  expect(phaseOf({}, histogram).latency).toMatchObject({ p50Ns: 1000, p99Ns: null, p999Ns: null });
  histogram.record(1000, 1);
  expect(phaseOf({}, histogram).latency).toMatchObject({ p99Ns: 1000, p999Ns: null });
  histogram.record(1000, 9000);
  expect(phaseOf({}, histogram).latency).toMatchObject({ p999Ns: 1000, maxNs: 1000 });
});

test("findWarnings() tells what makes a comparison unfair", () => {
  const fair = [targetOf("kv", {}), targetOf("valkey", {})];
  expect(findWarnings(fair, ENVIRONMENT)).toEqual([]);
  const unfair = [
    targetOf("kv", { keysBefore: 5 }),
    targetOf("valkey", { serverName: "redis", settings: { save: "3600 1", appendonly: "no" } }),
  ];
  expect(findWarnings(unfair, { ...ENVIRONMENT, loadAverage: 3 })).toEqual([
    "save differs: kv off, valkey 3600 1",
    "kv: 5 keys were there before the run",
    "valkey: the server calls itself redis",
    "the machine was busy before the run (load 3.0)",
  ]);
});

test("findWarnings() names measured phases of less than a second, with their length", () => {
  const second = phaseOf({ elapsedNs: 1_000_000_000 });
  const short = phaseOf({ elapsedNs: 999_000_000 });
  const target = { ...targetOf("kv", {}), phases: [second, { ...short, isMeasured: false }] };
  expect(findWarnings([target], ENVIRONMENT)).toEqual([]);
  expect(findWarnings([{ ...target, phases: [second, short] }], ENVIRONMENT)).toEqual([
    "too short to be steady, raise --num-ops: kv GET 999 ms",
  ]);
});
