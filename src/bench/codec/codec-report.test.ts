/** Timings and the texts that are made of a result; the values that are measured. */
import { expect, test } from "bun:test";
import { PLAIN } from "../report/terminal.ts";
import { resultOf } from "../test-results.ts";
import { SHAPES, valuesOf } from "./cases.ts";
import { formatCodecCsv, formatCodecMarkdown, formatCodecTable } from "./codec-report.ts";
import { type CodecResult, makeTiming, spreadOf } from "./codec-result.ts";

const TIMING = makeTiming([120, 100, 110]);

const RESULT: CodecResult = {
  kind: "codec",
  schemaVersion: 1,
  tool: { name: "kv bench codec", version: "0.1.0", commit: "" },
  startedAt: "2026-01-01T00:00:00.000Z",
  argv: [],
  environment: resultOf([]).environment,
  plan: { formats: ["json", "view"], shapes: ["chat"], rounds: 3, seed: 1, zstdLevel: 3 },
  compressibility: 0.5,
  shapes: [{ name: "chat", title: "a message", valuesCount: 64 }],
  rows: [
    {
      ...{ format: "json", shape: "chat", isReadInPlace: false, bytes: 174, zstdBytes: 99.25 },
      digest: "00",
      times: { encode: TIMING, decode: makeTiming([2000]), check: TIMING, readOne: TIMING },
    },
    {
      ...{ format: "view", shape: "chat", isReadInPlace: true, bytes: 144, zstdBytes: 113.4 },
      digest: "01",
      times: { encode: TIMING, decode: TIMING, check: TIMING, readOne: makeTiming([1, 3]) },
    },
  ],
  warnings: ["something is odd"],
};

test("makeTiming() takes the middle, or the mean of the two middle ones", () => {
  expect(TIMING).toMatchObject({ medianNs: 110, minNs: 100, maxNs: 120 });
  expect(makeTiming([4, 1, 2, 3]).medianNs).toBe(2.5);
  expect(spreadOf(makeTiming([90, 100, 120]))).toBeCloseTo(0.15);
  expect(spreadOf(makeTiming([0, 0]))).toBe(0);
});

test("the table has a part for each shape, its legend and its warnings", () => {
  expect(formatCodecTable(RESULT, PLAIN).split("\n").slice(0, 5)).toEqual([
    "chat: a message",
    "Format  Bytes  zstd  Encode   Decode   Check  Read one     ±",
    "──────  ─────  ────  ──────  ───────  ──────  ────────  ────",
    "json      174  99.3  110 ns  2.00 µs  110 ns    110 ns   9 %",
    "view *    144   113  110 ns   110 ns  110 ns      2 ns  50 %",
  ]);
  expect(formatCodecTable(RESULT, PLAIN)).toContain("Medians of 3 rounds");
  expect(formatCodecTable(RESULT, PLAIN)).toEndWith("\nwarning: something is odd\n");
});

test("the table has no spread of a single round", () => {
  const once = { ...RESULT, plan: { ...RESULT.plan, rounds: 1 } };
  expect(formatCodecTable(once, PLAIN).split("\n")[3]).toEndWith(" –");
});

test("Markdown and CSV have the same figures", () => {
  const markdown = formatCodecMarkdown(RESULT);
  expect(markdown).toStartWith("### chat: a message\n\n| Format | Bytes | zstd |");
  expect(markdown).toContain("| --- | ---: |");
  expect(markdown).toContain("\n| view * | 144 | 113 | 110 ns | 110 ns | 110 ns | 2 ns | 50 % |\n");
  expect(markdown).toContain("Some CPU, 2 cores, Bun 1.4.5");
  const [head, json] = formatCodecCsv(RESULT)
    .split("\n")
    .map((line) => line.split(","));
  expect(head?.slice(0, 6)).toEqual([
    "shape",
    "format",
    "bytes",
    "zstdBytes",
    "encodeNs",
    "encodeNsMin",
  ]);
  expect(json?.slice(0, 7)).toEqual(["chat", "json", "174.0", "99.3", "110.0", "100.0", "120.0"]);
  expect(json?.length).toBe(head?.length as number);
});

test("every shape's values are repeated by their seed, and differ among each other", () => {
  for (const shape of SHAPES) {
    const values = valuesOf(shape, 1);
    expect(values).toHaveLength(shape.valuesCount);
    expect(valuesOf(shape, 1)).toEqual(values);
    expect(valuesOf(shape, 2)).not.toEqual(values);
    expect(new Set(values.map((value) => JSON.stringify(value))).size).toBe(values.length);
  }
});

test("the texts of utf8 are well-formed and of many scripts", () => {
  const shape = SHAPES.find(({ name }) => name === "utf8") as (typeof SHAPES)[number];
  const texts = valuesOf(shape, 3).map((value) => (value as { data: string }).data);
  for (const text of texts) expect([text.isWellFormed(), [...text].length]).toEqual([true, 128]);
  const all = texts.join("");
  for (const script of [/\p{Script=Greek}/u, /\p{Script=Han}/u, /\p{Emoji_Presentation}/u]) {
    expect(all).toMatch(script);
  }
});
