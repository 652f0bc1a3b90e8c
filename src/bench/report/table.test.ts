/** The summary as a whole: one comparison that went well, one run that failed. */
import { expect, test } from "bun:test";
import { emptyCounts } from "../measure.ts";
import type { TargetResult } from "../result.ts";
import { makePhaseResult } from "../summarize.ts";
import { READ_PHASE, resultOf, runOf, targetOf } from "../test-results.ts";
import { formatSummary } from "./table.ts";
import { formatTextTable } from "./text-table.ts";

function measured(backend: "kv" | "valkey", rate: number): TargetResult {
  const fill = { ...READ_PHASE, label: "FILL", isMeasured: false };
  const phases = [makePhaseResult(READ_PHASE, [runOf(rate)]), makePhaseResult(fill, [runOf(1)])];
  return targetOf(backend, { phases });
}

test("formatSummary() puts what is compared together and says how", () => {
  const text = formatSummary(resultOf([measured("kv", 1_500_000), measured("valkey", 1_000_000)]));
  const columns = "Database Operation Rate/s MB/s Total-traffic Total-time Average p50 p99 p99.9";
  const latency = "128-µs 100-µs 1.50-ms –";
  const lines = text.split("\n").map((line) => line.replace(/(\S) (?=\S)/g, "$1-"));
  expect(lines.map((line) => line.replace(/ +/g, " "))).toEqual([
    `${columns} Errors Lagged`,
    expect.stringMatching(/^[─ ]+$/),
    `kv READ-(Simple) 1,500,000 192.00 103-KiB 667-µs ${latency} 0 –`,
    `valkey READ-(Simple) 1,000,000 128.00 103-KiB 1.00-ms ${latency} 0 –`,
    "kv-against-valkey:-READ-(Simple)-at-1.50-times-its-rate",
    "Latencies-are-those-of-a-closed-loop,-that-is,-at-saturation.",
    "",
    "Processor-time-per-operation:",
    "Database Operation Client Server Hits Misses Bottleneck",
    expect.stringMatching(/^[─ ]+$/),
    "kv READ-(Simple) 700-ns 650-ns 1000 0 server",
    "valkey READ-(Simple) 700-ns 650-ns 1000 0 server",
    "",
    "kv:-kv-1.2.3,-standalone,-threads-1,-save-off,-appendonly-no,-127.0.0.1:7001",
    "valkey:-valkey-1.2.3,-standalone,-threads-1,-save-off,-appendonly-no,-127.0.0.1:7001",
    expect.stringContaining("50-connections-×-depth-16,-values-of-128-B,-seed-1"),
    "machine:-Some-CPU,-2-cores,-Linux-6.1,-Bun-1.4.5",
    "",
  ]);
});

test("formatSummary() says what failed, and leaves latencies out that were not measured", () => {
  const counts = {
    ...emptyCounts(),
    operations: 1000,
    errorKinds: { OOM: 2, ERR: 1 },
    errorFirst: "OOM full",
    nulls: 3,
    unexpected: 1,
    wrongValues: 2,
  };
  const failed = runOf(1000, { counts, isChecked: true, latency: null });
  const target = targetOf("kv", { phases: [makePhaseResult(READ_PHASE, [failed])] });
  const result = resultOf([target]);
  result.plan.isTimingLatency = false;
  result.warnings = ["something differs"];
  const text = formatSummary(result);
  expect(text).toMatch(/kv +READ \(Simple\) +1,000 +0\.00 +0 B/);
  expect(text).not.toContain("closed loop");
  expect(text).toContain("warning: something differs\n");
  expect(text).toEndWith(
    "FAILED: kv READ (Simple): 2 × OOM, 1 × ERR, 3 misses, 1 unexpected replies, 2 wrong values " +
      "(first: OOM full)\n",
  );
});

test("formatTextTable() aligns columns to their widest cell", () => {
  expect(formatTextTable(["a", "long"], [["abc", "1"]], 1)).toBe(
    ["a    long", "───  ────", "abc     1"].join("\n"),
  );
});
