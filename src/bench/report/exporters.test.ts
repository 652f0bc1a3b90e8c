/** Files for other tools: CSV, Markdown, Prometheus, hgrm, HTML, each against its own grammar. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { BenchResult } from "../result.ts";
import { makePhaseResult } from "../summarize.ts";
import { connectTarget, fanoutTarget, openTarget } from "../test-phases.ts";
import { READ_PHASE, resultOf, runOf, targetOf } from "../test-results.ts";
import { repeatCommand, withoutPasswords } from "./command-line.ts";
import { CSV_COLUMNS, formatCsv } from "./csv.ts";
import { exportResult } from "./exporters.ts";
import { formatHgrm } from "./hgrm.ts";
import { formatMarkdown } from "./markdown.ts";
import { formatPrometheus } from "./prometheus.ts";

const DOCUMENT = join(import.meta.dir, "../../../docs/internals/bench-files.md");

function fullResult(): BenchResult {
  const reads = makePhaseResult(READ_PHASE, [runOf(1000), runOf(2000)]);
  const fill = makePhaseResult({ ...READ_PHASE, isMeasured: false, label: "FILL" }, [runOf(1)]);
  const phases = [
    fill,
    reads,
    ...openTarget([5000]).phases,
    ...fanoutTarget("kv", 9999).phases,
    ...connectTarget().phases,
  ];
  return resultOf([targetOf("kv", { phases })]);
}

/** RFC 4180, by hand. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  for (const match of text.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/g)) {
    const field = match[1] ?? "";
    const value = field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
    if (rows.length === 0 || rows.at(-1)?.at(-1) === "\r\n") {
      if (rows.length > 0) rows.at(-1)?.pop();
      rows.push([]);
    }
    rows.at(-1)?.push(value, ...(match[2] === "\r\n" ? ["\r\n"] : []));
  }
  rows.at(-1)?.pop();
  return rows;
}

test("formatCsv() has a row for each run of each measured phase, and quotes", () => {
  const result = fullResult();
  result.targets[0]!.facts.version = 'a,"b"\r\nc';
  const [head = [], ...rows] = parseCsv(formatCsv(result));
  expect(head).toEqual(CSV_COLUMNS.map(([name]) => name));
  expect(new Set(head).size).toBe(head.length);
  expect(rows.every((row) => row.length === head.length)).toBe(true);
  const fieldOf = (row: number, name: string) => rows[row]?.[head.indexOf(name)];
  expect(rows.map((_, row) => `${fieldOf(row, "operation")} ${fieldOf(row, "run")}`)).toEqual([
    ...["READ (Simple) 1", "READ (Simple) 2", "GET 1", "PUBSUB (1P/10S) 1"],
    "WS Conn (1000 Target) 1",
  ]);
  expect(fieldOf(0, "server_version")).toBe('a,"b"\r\nc');
  expect(fieldOf(1, "operations_per_second")).toBe("2000");
  expect(fieldOf(0, "latency_p999_ns")).toBe("");
  expect(fieldOf(2, "sustained")).toBe("false");
  expect(fieldOf(2, "send_lag_average_ns")).toBe("12800");
  expect(fieldOf(3, "reach")).toBe("0.9999");
  expect(fieldOf(4, "connections_open")).toBe("990");
});

test("docs/internals/bench-files.md lists every column and every metric", () => {
  const text = readFileSync(DOCUMENT, "utf8");
  for (const [name] of CSV_COLUMNS) expect(text).toContain(`\`${name}\``);
  const metrics = [...formatPrometheus(fullResult()).matchAll(/^# TYPE (\w+)/gm)];
  for (const [, name] of metrics) expect(text).toContain(`\`${name}\``);
});

/** Prometheus' text format, as strictly as its documentation has it. */
function parsePrometheus(text: string): Map<string, { labels: string; value: number }[]> {
  const samples = new Map<string, { labels: string; value: number }[]>();
  const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\\\|\\"|\\n)*"`;
  const line = new RegExp(String.raw`^([a-zA-Z_:][\w:]*)(?:\{(${label}(?:,${label})*)\})? (\S+)$`);
  const seenTypes = new Set<string>();
  for (const each of text.trimEnd().split("\n")) {
    const type = /^# TYPE (\w+) (?:gauge|counter|histogram)$/.exec(each);
    if (type !== null) {
      expect(seenTypes).not.toContain(type[1]!);
      seenTypes.add(type[1]!);
    }
    if (each.startsWith("#")) continue;
    const match = line.exec(each);
    if (match === null) throw new Error(`not a sample: ${each}`);
    const [, name = "", labels = "", value = ""] = match;
    expect(seenTypes).toContain(name.replace(/_(?:bucket|sum|count)$/, ""));
    expect(Number.isFinite(Number(value))).toBe(true);
    samples.set(name, [...(samples.get(name) ?? []), { labels, value: Number(value) }]);
  }
  return samples;
}

test("formatPrometheus() is valid, with whole histograms", () => {
  const result = fullResult();
  result.targets[0]!.label = 'a"b\\c\nd';
  const samples = parsePrometheus(formatPrometheus(result));
  const rates = samples.get("kv_bench_operations_per_second") ?? [];
  expect(rates.map(({ value }) => value)).toContain(1500);
  expect(rates[0]?.labels).toBe(String.raw`database="a\"b\\c\nd",operation="READ (Simple)"`);
  expect(samples.get("kv_bench_reach_ratio")?.[0]?.value).toBe(0.9999);
  expect(samples.get("kv_bench_sustained")?.[0]?.value).toBe(0);
  const reads = (samples.get("kv_bench_latency_seconds_bucket") ?? []).filter(({ labels }) =>
    labels.includes("READ"),
  );
  const bounds = reads.map(({ labels }) => /le="([^"]+)"/.exec(labels)?.[1] ?? "");
  expect(bounds.at(-1)).toBe("+Inf");
  const counts = reads.map(({ value }) => value);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  // 1,960 of 100 µs and 40 of 1.5 ms: the buckets end at 65.5, 131 and 1049, 2097 µs.
  expect(counts[bounds.indexOf("0.000065536")]).toBe(0);
  expect(counts[bounds.indexOf("0.000131072")]).toBe(1960);
  expect(counts[bounds.indexOf("0.001048576")]).toBe(1960);
  expect(counts[bounds.indexOf("0.002097152")]).toBe(2000);
  expect(counts.at(-1)).toBe(2000);
  const [count] = samples.get("kv_bench_latency_seconds_count") ?? [];
  expect(count?.value).toBe(2000);
});

test("formatMarkdown() has tables of even rows, and no markup from outside", () => {
  const result = fullResult();
  result.targets[0]!.facts.version = "1|2 <b>x</b> `y` [z](http://a)";
  result.argv = ["--db", "kv", "--url", "a b"];
  const text = formatMarkdown(result);
  const unescaped = text.replaceAll(/\\./g, "");
  for (const table of unescaped.split("\n\n").filter((part) => part.startsWith("| "))) {
    const columns = table
      .trimEnd()
      .split("\n")
      .map((line) => line.split("|").length);
    expect(new Set(columns).size).toBe(1);
  }
  expect(text).toContain(String.raw`1\|2 &lt;b>x&lt;/b> \`y\` \[z\](http://a)`);
  expect(text).toContain("    kv bench --db kv --url 'a b'\n");
});

test("formatHgrm() has one file for each latency, with names of their own", () => {
  const files = formatHgrm(fullResult());
  expect(files.map(({ name }) => name)).toEqual([
    ...["kv-read-simple", "kv-get-5.00k-s-response", "kv-get-5.00k-s-service"],
    ...["kv-get-5.00k-s-send-lag", "kv-pubsub-1p-10s"],
  ]);
  for (const { text } of files) expect(text).toContain("Value     Percentile TotalCount");
});

test("exportResult() names several histograms apart, and one as asked", () => {
  const paths = exportResult(fullResult(), "/x/a.HGRM").map(({ path }) => path);
  expect(paths).toContain("/x/a-kv-read-simple.hgrm");
  const single = resultOf([targetOf("kv", { phases: [makePhaseResult(READ_PHASE, [runOf(1)])] })]);
  expect(exportResult(single, "/x/a.hgrm").map(({ path }) => path)).toEqual(["/x/a.hgrm"]);
  expect(exportResult(single, "b.html")[0]?.text).toStartWith("<!doctype html>");
});

test("the HTML page refers to nothing outside of itself", () => {
  const [file] = exportResult(fullResult(), "x.html");
  expect(file?.text).not.toMatch(/https?:|url\(|@import|<link(?! rel="icon" href="data:,")/);
  expect(file?.text).not.toContain("{{");
});

test("repeatCommand() quotes for a shell, withoutPasswords() leaves passwords out", () => {
  expect(repeatCommand(["--db", "kv", "--command", "SET {key} it's"])).toBe(
    `kv bench --db kv --command 'SET {key} it'\\''s'`,
  );
  const argv = ["--url", "redis://me:secret@host:1", "--redis-url=redis://:x@h", "a:b@c"];
  expect(withoutPasswords(argv)).toEqual([
    ...["--url", "redis://me:***@host:1", "--redis-url=redis://:***@h", "a:b@c"],
  ]);
});
