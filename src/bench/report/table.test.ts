/** The summary as a whole: one comparison that went well, one run that failed. */
import { expect, test } from "bun:test";
import type { BenchResult, PhaseResult, TargetResult } from "../result.ts";
import { formatSummary } from "./table.ts";
import { formatTextTable } from "./text-table.ts";

function phaseOf(name: "SET" | "GET", rate: number): PhaseResult {
  return {
    name,
    isMeasured: true,
    operations: 1000,
    elapsedNs: 1e12 / rate,
    operationsPerSecond: rate,
    bytesOut: 100_000,
    bytesIn: 5000,
    payloadBytes: 128_000,
    payloadBytesPerSecond: 128 * rate,
    errors: { total: 0, replies: {}, first: "", misses: 0, unexpected: 0, wrongValues: null },
    reads: name === "GET" ? { hits: 1000, misses: 0 } : null,
    latency: {
      kind: "at saturation",
      averageNs: 123_456,
      p50Ns: 100_000,
      p99Ns: 1_500_000,
      p999Ns: null,
      maxNs: 2_000_000,
      histogram: { unit: "ns", mantissaBits: 7, minNs: 1, maxNs: 1, sumNs: 1, buckets: [] },
    },
    processorTime: {
      clientNs: 700_000,
      serverNs: 650_000,
      serverSource: "kernel",
      bottleneck: "server",
    },
  };
}

function targetOf(backend: "kv" | "valkey", rate: number): TargetResult {
  return {
    backend,
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
    phases: [phaseOf("SET", rate), { ...phaseOf("GET", 1), isMeasured: false, name: "FILL" }],
  };
}

function resultOf(targets: TargetResult[]): BenchResult {
  return {
    schemaVersion: 1,
    tool: { name: "kv bench", version: "0.1.0" },
    startedAt: "2026-01-31T12:00:00.000Z",
    argv: [],
    environment: {
      system: "Linux",
      kernel: "6.1",
      architecture: "x64",
      processor: "Some CPU",
      cores: 2,
      memoryBytes: 1,
      loadAverage: 0,
      bunVersion: "1.4.5",
      isCompiled: true,
    },
    plan: {
      workload: "simple",
      keysCount: 1000,
      concurrency: 50,
      batchSize: 16,
      valueSize: 128,
      seed: 1,
      isTimingLatency: true,
      isVerifying: false,
    },
    targets,
    warnings: [],
    isFailed: false,
  };
}

test("formatSummary() puts what is compared together and says how", () => {
  const text = formatSummary(resultOf([targetOf("kv", 1_500_000), targetOf("valkey", 1_000_000)]));
  const columns = "Database Operation Rate/s MB/s Total-traffic Total-time Average p50 p99 p99.9";
  const latency = "123-µs 100-µs 1.50-ms –";
  const lines = text.split("\n").map((line) => line.replace(/(\S) (?=\S)/g, "$1-"));
  expect(lines.map((line) => line.replace(/ +/g, " "))).toEqual([
    `${columns} Errors Lagged`,
    expect.stringMatching(/^[─ ]+$/),
    `kv SET 1,500,000 192.00 103-KiB 667-µs ${latency} 0 –`,
    `valkey SET 1,000,000 128.00 103-KiB 1.00-ms ${latency} 0 –`,
    "kv-against-valkey:-SET-at-1.50-times-its-rate",
    "Latencies-are-those-of-a-closed-loop,-that-is,-at-saturation.",
    "",
    "Processor-time-per-operation:",
    "Database Operation Client Server Hits Misses Bottleneck",
    expect.stringMatching(/^[─ ]+$/),
    "kv SET 700-ns 650-ns – – server",
    "valkey SET 700-ns 650-ns – – server",
    "",
    "kv:-kv-1.2.3,-standalone,-threads-1,-save-off,-appendonly-no,-127.0.0.1:7001",
    "valkey:-valkey-1.2.3,-standalone,-threads-1,-save-off,-appendonly-no,-127.0.0.1:7001",
    expect.stringContaining("50-connections-×-depth-16,-values-of-128-B,-1.00k-keys,-seed-1"),
    "machine:-Some-CPU,-2-cores,-Linux-6.1,-Bun-1.4.5",
    "",
  ]);
});

test("formatSummary() says what failed, and leaves latencies out that were not measured", () => {
  const target = targetOf("kv", 1000);
  const errors = {
    total: 9,
    replies: { OOM: 2, ERR: 1 },
    first: "OOM full",
    misses: 3,
    unexpected: 1,
    wrongValues: 2,
  };
  target.phases = [{ ...phaseOf("GET", 1000), latency: null, errors }];
  const result = resultOf([target]);
  result.plan.isTimingLatency = false;
  result.warnings = ["something differs"];
  const text = formatSummary(result);
  expect(text).toContain("kv        GET         1,000  0.13        103 KiB");
  expect(text).not.toContain("closed loop");
  expect(text).toContain("warning: something differs\n");
  expect(text).toEndWith(
    "FAILED: kv GET: 2 × OOM, 1 × ERR, 3 misses, 1 unexpected replies, 2 wrong values " +
      "(first: OOM full)\n",
  );
});

test("formatTextTable() aligns columns to their widest cell", () => {
  expect(formatTextTable(["a", "long"], [["abc", "1"]], 1)).toBe(
    ["a    long", "───  ────", "abc     1"].join("\n"),
  );
});
