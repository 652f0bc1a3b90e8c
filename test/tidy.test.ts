/**
 * The tidy test: arrows between folders, sizes, headers and bans, over every TypeScript file of the
 * repository.
 *
 * The rules are in tidy/rules.ts, exceptions with their reasons in limits.json. The second half
 * checks the checker: each rule must find its bad sample, or a rule that finds nothing proves
 * nothing.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { judge, type Limits } from "./tidy/ratchet.ts";
import { findViolations, MAY_IMPORT, STORE_ORDER, type Violation } from "./tidy/rules.ts";
import { findFunctions, readSource } from "./tidy/source.ts";

const REPOSITORY = resolve(import.meta.dir, "..");

function readRepository() {
  const glob = new Bun.Glob("{src,test,scripts,examples}/**/*.ts");
  const paths = [...glob.scanSync({ cwd: REPOSITORY }), "build.ts"].sort();
  return paths.map((path) => readSource(path, readFileSync(join(REPOSITORY, path), "utf8")));
}

test("the repository keeps the rules", () => {
  const limits = JSON.parse(readFileSync(join(import.meta.dir, "limits.json"), "utf8")) as Limits;
  expect(judge(findViolations(readRepository()), limits)).toEqual([]);
});

test("every folder of src has a row, and the store's order names no file twice", () => {
  const glob = new Bun.Glob("src/*/**/*.ts");
  const folders = [...glob.scanSync({ cwd: REPOSITORY })].map((path) => path.split("/")[1]);
  expect(Object.keys(MAY_IMPORT)).toContainValues([...new Set(folders as string[])]);
  const names = STORE_ORDER.flat();
  expect(names.length).toBe(new Set(names).size);
});

// ---- The checker itself ----

const HEADER = "/** What it is. */\n";

/** Violations of files given as text, without those of being unused. */
function check(files: Record<string, string>, keepUnused = false): Violation[] {
  const sources = Object.entries(files).map(([path, text]) => readSource(path, text));
  return findViolations(sources).filter(({ rule }) => keepUnused || rule !== "unused");
}

function subjects(files: Record<string, string>, rule: string): string[] {
  return check(files, rule === "unused").flatMap((it) => (it.rule === rule ? [it.subject] : []));
}

test("sound files have no violations", () => {
  const files = {
    "src/main.ts": `${HEADER}import { a } from "./base/a.ts";\nimport "./store/store.ts";\na(1);\n`,
    "src/base/a.ts": `${HEADER}export function a(x: 1): { y: 1 } {\n  return { y: x };\n}\n`,
    "src/store/store.ts": `${HEADER}import { l } from "./layout.ts";\nexport const s = l;\n`,
    "src/store/layout.ts": `${HEADER}// .subarray( and as any\nexport const l = 1;\n`,
  };
  expect(check(files, true)).toEqual([]);
});

test("arrows against the table are found, types among them", () => {
  const files = {
    "src/base/a.ts": `${HEADER}import type { P } from "../resp/parser.ts";\nexport type Q = P;\n`,
    "src/resp/parser.ts": `${HEADER}import "../store/store.ts";\nexport type P = 1;\n`,
    "src/store/store.ts": `${HEADER}export const s = 1;\nexport type S = 1;\n`,
    "src/store/read.ts": `${HEADER}export const r = 1;\n`,
    "src/commands/strings.ts": `${HEADER}export { r } from "../store/read.ts";\n`,
    "src/net/ok.ts": `${HEADER}import type { S } from "../store/store.ts";\nexport type T = S;\n`,
    "src/net/bad.ts": `${HEADER}export { s } from "../store/store.ts";\n`,
    "src/odd/x.ts": `${HEADER}const x = await import("../base/a.ts");\nexport { x };\n`,
    "src/bench/x.ts": `${HEADER}import {\n  r,\n} from "../store/read.ts";\nexport { r };\n`,
    "src/bench/drivers/in-process.ts": `${HEADER}export { e } from "../../store/embedded.ts";\n`,
    "src/store/embedded.ts": `${HEADER}export const e = 1;\n`,
  };
  expect(subjects(files, "import")).toEqual([
    "src/base/a.ts -> src/resp/parser.ts",
    "src/resp/parser.ts -> src/store/store.ts",
    "src/commands/strings.ts -> src/store/read.ts",
    "src/net/bad.ts -> src/store/store.ts",
    "src/odd/x.ts -> src/base/a.ts",
    "src/bench/x.ts -> src/store/read.ts",
  ]);
});

test("the store's inner order is kept, and every file has its place", () => {
  const files = {
    "src/store/layout.ts": `${HEADER}import { m } from "./memory.ts";\nexport const l = m;\n`,
    "src/store/memory.ts": `${HEADER}export const m = 1;\n`,
    "src/store/lists.ts": `${HEADER}import { m } from "./memory.ts";\nexport const l = m;\n`,
    "src/store/surprise.ts": `${HEADER}import { m } from "./memory.ts";\nexport const l = m;\n`,
  };
  const found = check(files).map(({ subject, message }) => `${subject}: ${message}`);
  expect(found).toEqual([
    "src/store/layout.ts -> src/store/memory.ts: imports upwards in STORE_ORDER",
    "src/store/surprise.ts -> src/store/memory.ts: store/surprise is not in STORE_ORDER",
  ]);
});

test("cycles are found, and types do not make one", () => {
  const files = {
    "src/base/a.ts": `${HEADER}import "./b.ts";\n`,
    "src/base/b.ts": `${HEADER}import "./c.ts";\n`,
    "src/base/c.ts": `${HEADER}import "./a.ts";\n`,
    "src/base/d.ts": `${HEADER}import type { E } from "./e.ts";\nexport type D = E;\n`,
    "src/base/e.ts": `${HEADER}import type { D } from "./d.ts";\nexport type E = D;\n`,
  };
  expect(subjects(files, "cycle")).toEqual([
    "src/base/a.ts -> src/base/b.ts -> src/base/c.ts -> src/base/a.ts",
  ]);
});

test("files that nothing imports are found; their own test does not count", () => {
  const files = {
    "src/main.ts": `${HEADER}import "./base/used.ts";\nnew Worker(workerUrl("some-worker"));\n`,
    "src/some-worker.ts": `${HEADER}`,
    "src/base/used.ts": `${HEADER}`,
    "src/base/dead.ts": `${HEADER}`,
    "src/base/dead.test.ts": `${HEADER}import "./dead.ts";\nimport "./helper.ts";\n`,
    "src/base/helper.ts": `${HEADER}`,
  };
  expect(subjects(files, "unused")).toEqual(["src/base/dead.ts"]);
});

test("long files, long functions, wide lines and missing headers are found", () => {
  const body = "  x();\n".repeat(69);
  const files = {
    "src/base/long.ts": HEADER + "x();\n".repeat(600),
    "src/base/wide.ts": `${HEADER}const a = "${"é".repeat(90)}";\n`,
    "src/base/bare.ts": "const a = 1;\n/** Too late. */\n",
    "src/base/long-function.ts": `${HEADER}function f(a: { b: 1 }): { c: 1 } | null {\n${body}}\n`,
    "src/base/long-method.ts": `${HEADER}class A {\n  async #m<T>(a: T): P<T> {\n${body}  }\n}\n`,
    "src/base/long-arrow.ts": `${HEADER}test("x", async () => {\n${body}});\n`,
    "src/base/short.ts": `${HEADER}describe("x", () => {\n${body}});\n`,
    "src/base/fits.ts": `${HEADER}function g() {\n${body.slice(7)}}\n`,
  };
  expect(check(files).map(({ rule, subject, value }) => `${rule} ${subject} ${value}`)).toEqual([
    "file lines src/base/long.ts 601",
    "columns src/base/wide.ts 1",
    "header src/base/bare.ts 1",
    "function lines src/base/long-function.ts f 71",
    "function lines src/base/long-method.ts #m 71",
    "function lines src/base/long-arrow.ts => 71",
  ]);
});

test("findFunctions() is not misled by types, strings, templates and regular expressions", () => {
  const text = [
    "function a(x = '}', y: { z: 1 } = { z: 1 }): asserts x is { q: 1 } {",
    "  const b = `}${[1].map(() => {",
    "    return '}';",
    "  })}{`;",
    '  if (/[/}"]{/.test(b)) return;',
    "}",
    "declare function overload(x: number): { y: number };",
    "const o = {",
    "  get m(): Map<string, { a: 1 }> {",
    "    return call(1);",
    "  },",
    "};",
  ].join("\n");
  const found = findFunctions(readSource("x.ts", text));
  expect(found.map(({ name, line, linesCount }) => [name, line, linesCount])).toEqual([
    ["a", 1, 6],
    ["m", 9, 3],
    ["", 2, 3],
  ]);
});

test("every ban finds its sample, in code only", () => {
  const samples: [string, string, string][] = [
    ["as any", "src/base/a.ts", "x as any;"],
    ["ts-ignore", "src/base/a.ts", "// @ts-ignore"],
    ["to-do", "src/base/a.ts", "// TODO later"],
    ["console", "src/net/a.ts", "console.log(1);"],
    ["Math.random", "test/a.test.ts", "Math.random();"],
    ["Date.now", "src/store/a.ts", "Date.now();"],
    ["wait in test", "src/base/a.test.ts", "await Bun.sleep(5);"],
    ["test.only", "src/base/a.test.ts", "test.only('x', f);"],
    ["subarray", "src/resp/a.ts", "x.subarray(1);"],
  ];
  for (const [rule, path, line] of samples) {
    const found = check({ [path]: `${HEADER}${line}\n${line}\n` });
    expect(found.map((it) => [it.rule, it.subject, it.value])).toEqual([[rule, path, 2]]);
  }
  const quoted = samples.filter(([, , line]) => !line.startsWith("//"));
  for (const [, path, line] of quoted) {
    expect(check({ [path]: `${HEADER}// ${line}\nconst quoted = "${line}";\n` })).toEqual([]);
  }
});

test("bans end where their reason ends", () => {
  const files = {
    "src/base/clock.ts": `${HEADER}Date.now();\n`,
    "src/bench/report.ts": `${HEADER}console.log(x.subarray(1));\n`,
    "test/harness.ts": `${HEADER}await Bun.sleep(5);\n`,
    "src/resp/a.test.ts": `${HEADER}x.subarray(1);\n`,
  };
  expect(check(files)).toEqual([]);
});

test("judge() lets exceptions pass, but none too small, too large, unused or unexplained", () => {
  const violation = { rule: "columns", subject: "a.ts", value: 3, message: "wide" };
  const judged = (limit: number, subject = "a.ts", reason = "because") =>
    judge([violation], { columns: { [subject]: { limit, reason } } });
  expect(judge([violation], {})).toEqual(["columns: a.ts: wide"]);
  expect(judged(3)).toEqual([]);
  expect(judged(2)).toEqual(["columns: a.ts: wide (limit 2)"]);
  expect(judged(4)).toEqual(["columns: a.ts: lower its limit from 4 to 3"]);
  expect(judged(3, "b.ts")).toEqual([
    "columns: a.ts: wide",
    "columns: b.ts: its limit is no longer needed, remove it",
  ]);
  expect(judged(3, "a.ts", " ")).toEqual(["columns: a.ts: limit without a reason"]);
});
