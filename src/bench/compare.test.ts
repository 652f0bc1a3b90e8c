/** What changed between two results, with what confidence; conditions on it; files of results. */
import { expect, test } from "bun:test";
import compareSchema from "../../schemas/bench-compare.schema.json" with { type: "json" };
import { compareResults, welchInterval } from "./compare.ts";
import { findViolations, parseConditions } from "./conditions.ts";
import { schemaErrors } from "./json-schema.ts";
import { parseResult } from "./read-result.ts";
import { Histogram } from "./recorder/histogram.ts";
import { makeLatency } from "./recorder/percentiles.ts";
import { COMPARISON_EXPORTERS, formatComparison } from "./report/compare-report.ts";
import { formatJson } from "./report/json.ts";
import type { BenchResult } from "./result.ts";
import { makePhaseResult } from "./summarize.ts";
import { fanoutTarget } from "./test-phases.ts";
import { READ_PHASE, resultOf, runOf, targetOf } from "./test-results.ts";

function resultAt(...rates: number[]): BenchResult {
  const phases = [
    makePhaseResult(
      READ_PHASE,
      rates.map((rate) => runOf(rate)),
    ),
  ];
  return resultOf([targetOf("kv", { phases })]);
}

function throughput(old: BenchResult, latest: BenchResult) {
  return compareResults(old, latest).changes.find((change) => change.metric === "throughput");
}

test("compareResults() has no interval of one run each", () => {
  expect(throughput(resultAt(1000), resultAt(900))).toMatchObject({
    old: 1000,
    new: expect.closeTo(900, 6),
    change: expect.closeTo(-0.1, 6),
    interval95: null,
    verdict: "one run each: no interval",
  });
  const text = formatComparison(compareResults(resultAt(1000), resultAt(900)), []);
  expect(text).toMatch(/kv +READ \(Simple\) +throughput +1,000\/s +900\/s +-10.0 % +– +–/);
  expect(text).toContain("one run each: no interval");
});

test("compareResults() of several runs does not speak of one", () => {
  // 1,000 operations have no p99.9 of their own; those of ten runs together have.
  const runs = Array.from({ length: 10 }, () => 1000);
  const histogram = new Histogram();
  histogram.record(50_000, 1000);
  const primary = makeLatency(histogram, "at saturation");
  const faster = runOf(1000, { latency: { primary, service: null, sendLag: null } });
  const old = resultAt(...runs);
  const latest = resultOf([
    targetOf("kv", {
      phases: [
        makePhaseResult(
          READ_PHASE,
          runs.map(() => faster),
        ),
      ],
    }),
  ]);
  const comparison = compareResults(old, latest);
  expect(comparison.changes.find(({ metric }) => metric === "p999")).toMatchObject({
    interval95: null,
    verdict: "no interval",
  });
  expect(formatComparison(comparison, [])).not.toContain("one run each");
});

test("compareResults() tells better and worse from noise", () => {
  const [slow, fast] = [resultAt(990, 1000, 1010), resultAt(1190, 1200, 1210)];
  expect(throughput(slow, fast)?.verdict).toBe("better");
  expect(throughput(fast, slow)?.verdict).toBe("worse");
  expect(throughput(slow, resultAt(970, 1005, 1030))?.verdict).toBe("no difference seen");
});

test("welchInterval() is Welch's t on logarithms", () => {
  // By hand: log10 values 1, 2, 3 and 2, 3, 4 in units of ln: difference 1, se √(2/3), df 4.
  const [low, high] = welchInterval(
    [Math.E, Math.E ** 2, Math.E ** 3],
    [Math.E ** 2, Math.E ** 3, Math.E ** 4],
  )!;
  const reach = 2.776_445_105 * Math.sqrt(2 / 3);
  expect(Math.log1p(low)).toBeCloseTo(1 - reach, 6);
  expect(Math.log1p(high)).toBeCloseTo(1 + reach, 6);
  expect(welchInterval([1, 1], [2, 2])).toEqual([1, 1]);
  expect(welchInterval([1], [1, 2])).toBeNull();
  expect(welchInterval(null, [1, 2])).toBeNull();
});

test("compareResults() names phases that are gone or new, and what else differs", () => {
  const old = resultAt(1000);
  const latest = resultOf([fanoutTarget("kv", 10_000)]);
  latest.environment.processor = "Other CPU";
  latest.targets[0]!.facts.settings.save = "3600 1";
  const comparison = compareResults(old, latest);
  expect(comparison).toMatchObject({
    changes: [],
    missing: ["kv READ (Simple)"],
    added: ["kv PUBSUB (1P/10S)"],
    differences: [
      "processor: Some CPU → Other CPU",
      "kv: depth: 16 → 1",
      "kv: save: none → 3600 1",
    ],
  });
  expect(findViolations(parseConditions("errors>0"), latest, comparison)).toEqual([
    "kv READ (Simple): is not in the new result",
  ]);
  expect(findViolations([], latest, comparison)).toEqual([]);
});

test("a comparison fits its schema, and its page and table say what failed", () => {
  const comparison = compareResults(resultAt(1000, 1100), resultAt(900, 950));
  const text = COMPARISON_EXPORTERS[".json"]?.(comparison, []) ?? "";
  expect(schemaErrors(compareSchema, JSON.parse(text))).toEqual([]);
  for (const ending of [".md", ".html"]) {
    const page = COMPARISON_EXPORTERS[ending]?.(comparison, ["kv READ: <slow>"]);
    expect(page).toContain("kv READ: &lt;slow");
    expect(page).toContain("throughput");
  }
});

test("findViolations() judges figures and changes, each violated condition in one line", () => {
  const [old, latest] = [resultAt(1000), resultAt(900)];
  const comparison = compareResults(old, latest);
  const violations = (text: string) => findViolations(parseConditions(text), latest, comparison);
  expect(violations("throughput<-5%")).toEqual([
    "kv READ (Simple): throughput -10.0 %, 1,000/s → 900/s (throughput<-5%)",
  ]);
  expect(violations("throughput<-10.1%,p99>+10%,errors>0")).toEqual([]);
  expect(violations("p99 > 1ms , throughput<1k")).toEqual([
    "kv READ (Simple): p99 1.50 ms (p99 > 1ms)",
    "kv READ (Simple): throughput 900/s (throughput<1k)",
  ]);
  expect(violations("p99>2ms,p50<1us,throughput<0.8k")).toEqual([]);
});

test("findViolations() fails a condition that nothing can be said about", () => {
  const latest = resultAt(900);
  const comparison = compareResults(resultAt(1000), latest);
  expect(findViolations(parseConditions("reach<1,p99.9>+5%"), latest, comparison)).toEqual([
    "reach<1: nothing has a figure for reach",
    "p99.9>+5%: nothing has figures for p999 to compare",
  ]);
  const lossy = resultOf([fanoutTarget("kv", 9999)]);
  expect(findViolations(parseConditions("reach<1"), lossy, null)).toEqual([
    "kv PUBSUB (1P/10S): reach 0.9999 (reach<1)",
  ]);
});

test("findViolations() counts from nothing to something as more than any percentage", () => {
  const latest = resultAt(900);
  latest.targets[0]!.phases[0]!.summary.errorsTotal = 3;
  const comparison = compareResults(resultAt(900), latest);
  expect(findViolations(parseConditions("errors>+1000%"), latest, comparison)).toEqual([
    "kv READ (Simple): errors 0 → 3 (errors>+1000%)",
  ]);
});

test("parseResult() reads what formatJson() writes, and leaves unknown fields alone", () => {
  const result = resultAt(1000, 2000);
  expect(parseResult(formatJson(result), "x.json")).toEqual(result);
  const later = { ...JSON.parse(formatJson(result)), added: 1 };
  expect(parseResult(JSON.stringify(later), "x.json")).toMatchObject({ added: 1 });
});

test("parseResult() says in one line what is wrong with a file", () => {
  const text = formatJson(resultAt(1000));
  const good = JSON.parse(text);
  const phase = good.targets[0].phases[0];
  const odd = structuredClone(good);
  odd.targets[0].phases[0].summary.latency.primary.histogram.buckets = [[999_999, 1]];
  const cases: [text: string, message: string][] = [
    ["", "it is empty"],
    [text.slice(0, 500), "it is not JSON, or cut off"],
    ["[1]", "it is not a result of kv bench"],
    ['{"kind":"bench","schemaVersion":1}', "its schemaVersion is 1, of an older kv"],
    [JSON.stringify({ ...good, schemaVersion: 3 }), "its schemaVersion is 3, this kv knows 2"],
    [JSON.stringify({ ...good, targets: undefined }), "$: targets is missing"],
    [
      JSON.stringify({
        ...good,
        targets: [{ ...good.targets[0], phases: [{ ...phase, runs: 1 }] }],
      }),
      "$.targets[0].phases[0].runs: 1 is not array",
    ],
    [JSON.stringify(odd), "bucket index 999999 is not below 5376"],
  ];
  for (const [broken, message] of cases) {
    expect(() => parseResult(broken, "x.json")).toThrow(`Cannot read "x.json": ${message}`);
  }
});
