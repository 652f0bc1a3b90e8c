/**
 * What `kv bench` writes, as processes: files of every kind, `report`, `compare`, `ab`, and
 * conditions that fail a run. Figures come from a real valkey-server and our own.
 */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import abSchema from "../schemas/bench-ab.schema.json" with { type: "json" };
import resultSchema from "../schemas/bench-result.schema.json" with { type: "json" };
import { schemaErrors } from "../src/bench/json-schema.ts";
import { hasPeer, kvCommand, run, startPeer, temporaryFolder } from "./harness.ts";

const HAS_VALKEY = hasPeer("valkey-server");
const SIMPLE = ["--workload", "simple", "--num-ops", "2000", "--quiet"];

function kvBench(...args: string[]) {
  return run([...kvCommand(), "bench", ...args]);
}

function read(path: string): string {
  return readFileSync(path, "utf8");
}

test.if(HAS_VALKEY)(
  "kv bench writes every kind of file, and report the same from .json",
  async () => {
    await using server = await startPeer("valkey-server");
    using folder = temporaryFolder();
    const at = (name: string) => `${folder.path}/${name}`;
    const url = `redis://:@127.0.0.1:${server.port}`;
    const kinds = ["json", "html", "csv", "md", "prom", "hgrm"];
    const outs = kinds.flatMap((kind) => ["--out", at(`x.${kind}`)]);
    const measured = await kvBench("--db", "valkey", "--url", url, ...SIMPLE, ...outs);
    expect(measured).toMatchObject({ exitCode: 0, stderr: "" });
    const again = kinds.slice(1).flatMap((kind) => ["-o", at(`y.${kind}`)]);
    expect(await kvBench("report", at("x.json"), ...again)).toEqual({
      ...{ exitCode: 0, stdout: "", stderr: "" },
    });
    for (const kind of ["html", "csv", "md", "prom"]) {
      expect(read(at(`y.${kind}`))).toBe(read(at(`x.${kind}`)));
    }
    expect(
      readdirSync(folder.path)
        .filter((name) => name.endsWith(".hgrm"))
        .sort(),
    ).toEqual([
      ...["x-valkey-read-simple.hgrm", "x-valkey-write-simple.hgrm"],
      ...["y-valkey-read-simple.hgrm", "y-valkey-write-simple.hgrm"],
    ]);
    const shown = await kvBench("report", at("x.json"));
    expect(shown.stdout).toBe(measured.stdout);
  },
);

test.if(HAS_VALKEY)("kv bench holds a result against conditions and a baseline", async () => {
  await using server = await startPeer("valkey-server");
  using folder = temporaryFolder();
  const path = `${folder.path}/old.json`;
  const target = ["--db", "valkey", "--url", `127.0.0.1:${server.port}`, ...SIMPLE, "--write-only"];
  const first = await kvBench(...target, "--out", path, "--fail-if", "throughput<1,errors>0");
  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  const second = await kvBench(
    ...[...target, "--baseline", path, "--fail-if", "p50>1ns,throughput>-99.9%"],
  );
  expect(second.exitCode).toBe(1);
  expect(second.stdout).toMatch(/\nDatabase +Operation +Metric +Old +New +Change/);
  const [byFigure, byChange] = second.stderr.split("\n");
  expect(byFigure).toMatch(/^FAILED: valkey WRITE \(Simple\): p50 .* \(p50>1ns\)$/);
  expect(byChange).toMatch(
    /^FAILED: valkey WRITE \(Simple\): throughput .* \(throughput>-99.9%\)$/,
  );
});

test.if(HAS_VALKEY)("kv bench reads the baseline before it measures", async () => {
  await using server = await startPeer("valkey-server");
  const target = ["--db", "valkey", "--url", `127.0.0.1:${server.port}`, ...SIMPLE];
  const { exitCode, stdout, stderr } = await kvBench(...target, "--baseline", "/nonexistent.json");
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toStartWith('kv: Cannot read "/nonexistent.json": no such file or directory');
});

test.if(HAS_VALKEY)("kv bench compare shows changes and fails by conditions", async () => {
  await using server = await startPeer("valkey-server");
  using folder = temporaryFolder();
  const [old, latest, page] = ["a.json", "b.json", "c.html"].map(
    (name) => `${folder.path}/${name}`,
  );
  const target = ["--db", "valkey", "--url", `127.0.0.1:${server.port}`, ...SIMPLE];
  await kvBench(...target, "--out", old!);
  await kvBench(...target, "--write-only", "--runs", "2", "--out", latest!);
  const passed = await kvBench("compare", old!, latest!, "--out", page!);
  expect(passed.exitCode).toBe(0);
  expect(passed.stdout).toContain("warning: missing in the new result: valkey READ (Simple)\n");
  expect(passed.stdout).toContain("one run each: no interval");
  expect(read(page!)).toStartWith("<!doctype html>");
  const failed = await kvBench("compare", old!, latest!, "--fail-if", "throughput>1", "--json");
  expect(failed.exitCode).toBe(1);
  expect(JSON.parse(failed.stdout)).toMatchObject({ kind: "bench-compare" });
  expect(failed.stderr).toContain("FAILED: valkey READ (Simple): is not in the new result\n");
});

test("kv bench report and compare refuse files that are no results", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/x.json`;
  writeFileSync(path, '{"kind":"bench","schemaVersion":1}');
  const report = await kvBench("report", path, "-o", `${folder.path}/x.html`);
  expect(report).toEqual({
    exitCode: 1,
    stdout: "",
    stderr:
      `kv: Cannot read ${JSON.stringify(path)}: its schemaVersion is 1, of an older kv\n` +
      "hint: measure again with this version\n",
  });
  expect(existsSync(`${folder.path}/x.html`)).toBe(false);
  const compare = await kvBench("compare", path, path);
  expect(compare.stderr).toBe(report.stderr);
});

test.if(HAS_VALKEY)("kv bench ab compares in slices, and leaves nothing running", async () => {
  await using server = await startPeer("valkey-server");
  using folder = temporaryFolder();
  const at = (name: string) => `${folder.path}/${name}`;
  const valkey = `--db valkey --url 127.0.0.1:${server.port} --workload simple`;
  const { exitCode, stdout, stderr } = await kvBench(
    ...["ab", "--a", valkey, "--b", "--db kv --workload simple"],
    ...["--slice", "100ms", "--rounds", "3", "--out", at("x.json"), "--out", at("x.html")],
  );
  expect(stderr).toMatch(/^Started kv serve .*\n$/);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^Operation +Compared +First\/s/);
  for (const line of ["WRITE \\(Simple\\)", "READ \\(Simple\\)"]) {
    expect(stdout).toMatch(new RegExp(`\\n${line} +a with itself `));
    expect(stdout).toMatch(new RegExp(`\\n${line} +a with b `));
  }
  const result = JSON.parse(read(at("x.json")));
  const schema = { ...abSchema, $defs: { ...resultSchema.$defs, ...abSchema.$defs } };
  expect(schemaErrors(schema, result)).toEqual([]);
  const [write] = result.phases;
  expect(write.comparison.ratesA).toHaveLength(3);
  // Six slices of a against itself, three of a against b.
  expect(result.sides[0].target.phases[0].runs).toHaveLength(9);
  expect(result.sides[1].target.phases[0].runs).toHaveLength(3);
  expect(() => process.kill(result.sides[1].target.facts.processId, 0)).toThrow("ESRCH");
  await kvBench("report", at("x.json"), "-o", at("y.html"));
  expect(read(at("y.html"))).toBe(read(at("x.html")));
});

test("kv bench ab refuses sides that do different things, before it starts anything", async () => {
  const simple = "--db kv --workload simple";
  const { exitCode, stdout, stderr } = await kvBench(
    "ab",
    "--a",
    simple,
    "--b",
    `${simple} --write-only`,
  );
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: "kv: Cannot compare WRITE (Simple), READ (Simple) with WRITE (Simple)\n",
  });
});

test("kv bench --help lists the subcommands, and an unknown one is refused", async () => {
  const help = await kvBench("--help");
  for (const name of ["report", "compare", "ab"])
    expect(help.stdout).toContain(`kv bench ${name} `);
  const { exitCode, stderr } = await kvBench("comprae");
  expect({ exitCode, stderr }).toEqual({
    exitCode: 64,
    stderr:
      "kv: comprae: unknown subcommand of kv bench, " +
      "known are report, compare, ab, calibrate, codec, engine\n",
  });
  for (const name of ["report", "compare", "ab"]) {
    const { stdout, exitCode: code } = await kvBench(name, "--help");
    expect({ code, usage: stdout.split("\n")[0] }).toMatchObject({
      code: 0,
      usage: expect.stringContaining(`Usage: kv bench ${name}`),
    });
  }
});
