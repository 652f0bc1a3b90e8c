/** Results with made-up figures, for the tests of what reads results. */
import { emptyCounts, makePhaseRun, type PhaseMeasurement } from "./measure.ts";
import type { PhasePlan } from "./plan.ts";
import { Histogram } from "./recorder/histogram.ts";
import { makeLatency } from "./recorder/percentiles.ts";
import { type BenchResult, type PhaseRun, SCHEMA_VERSION, type TargetResult } from "./result.ts";

/** A phase that reads 1,000 keys, each once. */
export const READ_PHASE: PhasePlan = {
  kind: "requests",
  name: "read",
  label: "READ (Simple)",
  isMeasured: true,
  warmupMs: 0,
  amount: { operations: 1000 },
  batchSize: 16,
  schedule: null,
  operations: [{ operation: "get", weight: 1 }],
  keyDistribution: "sequential",
  keysCount: 1000,
  command: null,
};

/** 1,000 reads in half a second. */
export function measurementOf(changes: Partial<PhaseMeasurement> = {}): PhaseMeasurement {
  return {
    startedAt: "2026-01-31T12:00:00.000Z",
    counts: {
      ...emptyCounts(),
      operations: 1000,
      elapsedNs: 500_000_000,
      bytesOut: 100_000,
      bytesIn: 5000,
      payloadBytesIn: 128_000,
    },
    reads: 1000,
    isChecked: false,
    latency: null,
    series: { endsMs: [500], operations: [1000], p50Ns: null, p99Ns: null },
    processorTime: {
      clientNs: 700_000,
      serverNs: 650_000,
      serverSource: "kernel",
      bottleneck: "server",
    },
    ...changes,
  };
}

/** 1,000 operations at `rate` per second, with latencies of 100 µs and one in fifty of 1.5 ms. */
export function runOf(rate: number, changes: Partial<PhaseMeasurement> = {}): PhaseRun {
  const histogram = new Histogram();
  histogram.record(100_000, 980);
  histogram.record(1_500_000, 20);
  const primary = makeLatency(histogram, "at saturation");
  const measurement = measurementOf({
    latency: { primary, service: null, sendLag: null },
    ...changes,
  });
  measurement.counts = { ...measurement.counts, elapsedNs: 1e12 / rate };
  return makePhaseRun(measurement);
}

export function targetOf(
  backend: "kv" | "valkey",
  changes: Partial<TargetResult> = {},
): TargetResult {
  return {
    label: backend,
    backend,
    client: "raw",
    clientVersion: null,
    endpoint: "127.0.0.1:7001",
    isStartedHere: backend === "kv",
    facts: {
      serverName: backend,
      version: "1.2.3",
      mode: "standalone",
      processId: 1,
      uptimeSeconds: 1,
      threads: 1,
      keysBefore: 0,
      settings: { save: "", appendonly: "no" },
    },
    phases: [],
    ...changes,
  };
}

export function resultOf(targets: TargetResult[]): BenchResult {
  return {
    kind: "bench",
    schemaVersion: SCHEMA_VERSION,
    tool: { name: "kv bench", version: "0.1.0", commit: "" },
    startedAt: "2026-01-31T12:00:00.000Z",
    argv: [],
    environment: {
      system: "Linux",
      kernel: "6.1",
      architecture: "x64",
      processor: "Some CPU",
      cores: 2,
      processorQuota: null,
      governor: null,
      turbo: null,
      memoryBytes: 1,
      loadAverage: 0,
      bunVersion: "1.4.5",
      bunRevision: "0123456789abcdef",
      isCompiled: true,
      executableSha256: "ab".repeat(32),
      nativeAddons: [],
    },
    activity: {
      loadAverageAfter: 1,
      waitingShareBefore: 0,
      waitingShareDuring: 0.25,
      stolenShare: 0,
    },
    plan: {
      workload: "simple",
      runsCount: 1,
      concurrency: 50,
      workersCount: 1,
      values: { size: "128", format: "string", zstdLevel: null, compressibility: 0 },
      chat: { chatsCount: 1000, historyLength: 100, readSize: 50 },
      search: null,
      seed: 1,
      isTimingLatency: true,
      isVerifying: false,
      timeoutMs: 30_000,
    },
    targets,
    warnings: [],
    isFailed: false,
  };
}
