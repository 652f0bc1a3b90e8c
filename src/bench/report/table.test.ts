/** The summary as a whole: a comparison that went well, a run that failed, every kind of phase. */
import { expect, test } from "bun:test";
import { emptyCounts } from "../measure.ts";
import type { TargetResult } from "../result.ts";
import { makePhaseResult } from "../summarize.ts";
import { connectTarget, fanoutTarget, openTarget } from "../test-phases.ts";
import { READ_PHASE, resultOf, runOf, targetOf } from "../test-results.ts";
import { formatSummary } from "./table.ts";
import { PLAIN, terminalOf } from "./terminal.ts";
import { formatTextTable } from "./text-table.ts";

function measured(backend: "kv" | "valkey", rates: number[]): TargetResult {
  const fill = { ...READ_PHASE, label: "FILL", isMeasured: false };
  const runs = rates.map((rate) => runOf(rate));
  const phases = [makePhaseResult(READ_PHASE, runs), makePhaseResult(fill, [runOf(1)])];
  return targetOf(backend, { phases });
}

/** Lines with one blank between columns and a dash within a cell. */
function squeezed(text: string): string[] {
  const lines = text.split("\n").map((line) => line.replace(/(\S) (?=\S)/g, "$1-"));
  return lines.map((line) => line.replace(/ +/g, " "));
}

test("formatSummary() puts what is compared together and says how", () => {
  const text = formatSummary(resultOf([measured("kv", [1.5e6]), measured("valkey", [1e6])]));
  const columns = "Database Operation Rate/s MB/s Total-traffic Total-time Average p50 p99 p99.9";
  const latency = "128-µs 100-µs 1.50-ms –";
  expect(squeezed(text)).toEqual([
    `${columns} Errors Lagged`,
    expect.stringMatching(/^[─ ]+$/),
    `kv READ-(Simple) 1,500,000 192.00 103-KiB 667-µs ${latency} 0 –`,
    `valkey READ-(Simple) 1,000,000 128.00 103-KiB 1.00-ms ${latency} 0 –`,
    "kv-against-valkey:-READ-(Simple)-at-1.50-times-its-rate",
    "Latencies-are-those-of-a-closed-loop,-that-is,-at-saturation.",
    "",
    "Processor-time-per-operation:",
    "Database Operation Client Server Client-cores Server-cores Hits Misses Steady Bottleneck",
    expect.stringMatching(/^[─ ]+$/),
    "kv READ-(Simple) 700-ns 650-ns 1.05 0.98 1,000 0 too-short-to-tell server",
    "valkey READ-(Simple) 700-ns 650-ns 0.70 0.65 1,000 0 too-short-to-tell server",
    "",
    "Fairness-sheet:",
    " kv valkey",
    expect.stringMatching(/^[─ ]+$/),
    "Server kv-1.2.3 valkey-1.2.3",
    "Address 127.0.0.1:7001,-started-here 127.0.0.1:7001",
    "Mode standalone standalone",
    "Threads 1 1",
    "Persistence save-off,-appendonly-no save-off,-appendonly-no",
    "Client raw-(own-driver) raw-(own-driver)",
    "Protocol RESP2-over-TCP RESP2-over-TCP",
    "Acknowledged each-request each-request",
    "Depth 16 16",
    "Payload-per-operation 128-B 128-B",
    expect.stringContaining("load:-50-connections,-one-load-process,-one-run,-seed-1"),
    "values:-string,-data-of-128-B,-not-compressed",
    expect.stringMatching(/^machine:-Processor-Some-CPU;-Cores-2;/),
    "",
  ]);
});

test("formatSummary() shows spread and interval of several runs", () => {
  const text = formatSummary(resultOf([measured("kv", [90_000, 100_000, 110_000])]));
  // t(0.975, 2) = 4.303, times 10,000 / √3: 24,841 of 100,000.
  expect(squeezed(text)).toContain(
    "kv READ-(Simple) 3 100,000 100,000 75,159-to-124,841 90,000 110,000 10.0-%",
  );
  expect(text).toContain("100,000 ± 24.8 %");
});

test("formatSummary() shows the three latencies of the open loop and that it fell behind", () => {
  const lines = squeezed(formatSummary(resultOf([openTarget([20_000])])));
  expect(lines).toContain("kv GET-@-20.0k/s 20,000 18,000 7 3 not-sustained");
  for (const kind of ["response", "service", "send-lag"]) {
    expect(lines).toContainEqual(
      expect.stringMatching(new RegExp(`^kv GET-@-20.0k/s ${kind} [\\d.]+-\\S+ `)),
    );
  }
  expect(lines).toContain("Latencies-of-the-open-loop-run-from-the-intended-time-(response).");
});

test("formatSummary() shows a sweep as one small table instead", () => {
  const text = formatSummary(resultOf([openTarget([5000, 10_000])]));
  expect(text).toContain("Rate and latency (response, from the intended time):");
  expect(text).not.toContain("Open loop:");
  expect(squeezed(text)).toContainEqual(expect.stringMatching(/^kv GET 10,000 9,000 .* 7 3 not-/));
});

test("formatSummary() puts fan-out in one table, with what was not reached", () => {
  const lines = squeezed(formatSummary(resultOf([fanoutTarget("kv", 9999)])));
  expect(lines).toContain(
    "kv PUBSUB-(1P/10S) 1,000 9,999 10,000 9,999 99.990-% 1 0 0 0 100-µs 1.50-ms – 1.50-ms " +
      "5.00-ms",
  );
  expect(lines).toContain("kv PUBSUB-(1P/10S) 1 64.0-µs 50.0-µs 750-µs – 750-µs");
  expect(lines).toContain("Latencies-of-fan-out-run-from-publishing-to-delivery.");
  const whole = squeezed(formatSummary(resultOf([fanoutTarget("kv", 10_000)])));
  expect(whole).toContainEqual(expect.stringContaining(" 10,000 10,000 100-% 0 "));
});

test("formatSummary() shows the operations of a mix by themselves", () => {
  const run = runOf(1000);
  const latency = run.latency?.primary ?? null;
  run.byOperation = { get: { operations: 750, latency }, set: { operations: 250, latency: null } };
  const phases = [makePhaseResult({ ...READ_PHASE, label: "MIX 1:3" }, [run])];
  const lines = squeezed(formatSummary(resultOf([targetOf("kv", { phases })])));
  expect(lines).toContain("kv MIX-1:3 get 750 75.0-% 128-µs 100-µs 1.50-ms –");
  expect(lines).toContain("kv MIX-1:3 set 250 25.0-% – – – –");
});

test("formatSummary() shows connections and their memory", () => {
  const lines = squeezed(formatSummary(resultOf([connectTarget()])));
  expect(lines).toContain(
    "kv WS-Conn-(1000-Target) 1,000 990 99.0-% 10 2 5,000 10.0-MiB 20.0-MiB 10.3-KiB",
  );
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
  expect(text).toMatch(/kv +READ \(Simple\) +991 +0\.00 +–/);
  expect(text).not.toContain("closed loop");
  expect(text).toContain("warning: something differs\n");
  expect(text).toEndWith(
    "FAILED: kv READ (Simple): 2 × OOM, 1 × ERR, 3 misses, 1 unexpected replies, 2 wrong values " +
      "(first: OOM full)\n",
  );
});

test("formatSummary() lets no control character of a server through", () => {
  const target = measured("kv", [1e6]);
  target.facts.version = "1\x1b[31m\u202eevil\r\n";
  const result = resultOf([target]);
  result.warnings = ["kv: the server calls itself \x1b]0;x\x07"];
  const text = formatSummary(result);
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/);
  expect(text).toContain("1\ufffd[31m\ufffdevil\ufffd\ufffd");
});

test("formatSummary() colours on a terminal only, and not against NO_COLOR", () => {
  const failed = runOf(1000, { counts: { ...emptyCounts(), operations: 10, nulls: 3 } });
  const target = targetOf("kv", { phases: [makePhaseResult(READ_PHASE, [failed])] });
  const colored = formatSummary(resultOf([target]), terminalOf({ isTTY: true, columns: 300 }, {}));
  expect(colored).toContain("\x1b[1;31mFAILED: ");
  expect(colored.replaceAll(/\x1b\[[\d;]*m/g, "")).toBe(formatSummary(resultOf([target])));
  const wide = { isTTY: true, columns: 300 };
  expect(terminalOf(wide, { NO_COLOR: "1" }).hasColors).toBe(false);
  expect(terminalOf(wide, { NO_COLOR: "" }).hasColors).toBe(true);
  expect(terminalOf(wide, { TERM: "dumb" }).hasColors).toBe(false);
  expect(terminalOf({}, {})).toEqual(PLAIN);
});

test("formatSummary() fits a narrow terminal, without losing a figure", () => {
  const result = resultOf([measured("kv", [1.5e6]), measured("valkey", [1e6])]);
  const narrow = formatSummary(result, { columnsCount: 60, hasColors: false });
  const tables = narrow.split("Fairness sheet")[0] ?? "";
  for (const line of tables.split("\n")) {
    if (line.startsWith("kv against") || line.startsWith("Latencies")) continue;
    expect(Bun.stringWidth(line)).toBeLessThanOrEqual(60);
  }
  for (const figure of ["Rate/s 1,500,000", "p99 1.50 ms", "Bottleneck server", "Hits 1,000"]) {
    expect(tables).toContain(figure);
  }
});

test("formatTextTable() aligns columns to their widest cell, wide characters included", () => {
  const table = {
    title: "",
    head: ["a", "long"],
    rows: [
      ["abc", "1"],
      ["漢", "22"],
    ],
    leftCount: 1,
  };
  expect(formatTextTable(table, PLAIN)).toBe(
    ["a    long", "───  ────", "abc     1", "漢     22"].join("\n"),
  );
});
