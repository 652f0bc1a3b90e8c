/**
 * `kv bench codec` as a process: its table, its files, its exit codes; and that every format writes
 * the same bytes wherever the executable runs.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import schema from "../schemas/codec-result.schema.json" with { type: "json" };
import type { CodecResult } from "../src/bench/codec/codec-result.ts";
import { schemaErrors } from "../src/bench/json-schema.ts";
import { kvCommand, REPOSITORY, run, temporaryFolder } from "./harness.ts";

const BINARY = join(REPOSITORY, "kv");
const FORMATS = ["string", "json", "cbor", "msgpack", "protobuf", "flatbuffers", "compact", "view"];

const SHAPES = ["tiny", "chat", "history", "blob-1k", "numbers", "utf8"];

function codec(...args: string[]) {
  return run([...kvCommand(), "bench", "codec", ...args]);
}

test("kv bench codec measures every format, and writes what the schema says", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "codec.json");
  const args = ["--rounds", "2", "--shape", "tiny", "--out", path];
  const { exitCode, stdout, stderr } = await codec(...args);
  expect([exitCode, stderr]).toEqual([0, ""]);
  const result = JSON.parse(readFileSync(path, "utf8")) as CodecResult;
  expect(schemaErrors(schema, result)).toEqual([]);
  expect(result.argv).toEqual(args);
  expect(result.rows.map(({ format }) => format) as string[]).toEqual(FORMATS);
  for (const { format, times } of result.rows) {
    expect(stdout).toMatch(new RegExp(`^${format} `, "m"));
    expect(times.encode.roundsNs).toHaveLength(2);
    expect(times.encode.minNs).toBeGreaterThan(0);
    expect(times.encode.medianNs).toBeGreaterThanOrEqual(times.encode.minNs);
  }
  expect(schemaErrors(schema, { ...result, surprise: 1 })).not.toEqual([]);
});

test("string carries chat messages only; CSV has one line for each row", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "codec.csv");
  const args = ["--rounds", "1", "--format", "String,Bitcode", "--shape", "tiny,numbers"];
  const { exitCode, stderr } = await codec(...args, "--out", path);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/^Bitcode exists in Rust only: [^\n]+\n$/);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => line.split(",").slice(0, 2).join(" "))).toEqual([
    "shape format",
    "tiny string",
    "tiny compact",
    "numbers compact",
  ]);
});

test("wrong usage ends with 64, a file that cannot be written with 1; nothing runs", async () => {
  const [unknown, unwritable, shapeless] = await Promise.all([
    codec("--formats", "json"),
    codec("--out", "/nonexistent/x.json"),
    codec("--format", "string", "--shape", "numbers"),
  ]);
  expect([unknown.exitCode, unknown.stdout]).toEqual([64, ""]);
  expect(unknown.stderr).toBe(
    "kv: --formats: unknown option (did you mean --format?)\n" +
      "hint: kv bench codec --help lists all flags\n",
  );
  expect([unwritable.exitCode, unwritable.stdout]).toEqual([1, ""]);
  expect(unwritable.stderr).toStartWith('kv: Cannot write "/nonexistent/x.json": ');
  expect(shapeless.exitCode).toBe(64);
  expect(shapeless.stderr).toBe(
    "kv: --shape: string carries none of them (numbers), add another\n",
  );
});

describe.if(existsSync(BINARY))("./kv", () => {
  const plan = (format: string) =>
    JSON.stringify({ format, shapes: SHAPES, seed: 7, zstdLevel: 3, sliceNs: 1000 });

  async function digests(command: string[], format: string, cwd: string) {
    const args = [...command, "bench", "codec", "round", plan(format)];
    const { exitCode, stdout } = await run(args, { cwd });
    expect(exitCode).toBe(0);
    return (JSON.parse(stdout) as { digest: string }[]).map(({ digest }) => digest);
  }

  test("writes the bytes that the sources write, with node_modules at hand or not", async () => {
    using folder = temporaryFolder();
    const source = [process.execPath, join(REPOSITORY, "src/main.ts")];
    for (const format of FORMATS) {
      const expected = await digests(source, format, REPOSITORY);
      expect(await digests([BINARY], format, REPOSITORY)).toEqual(expected);
      expect(await digests([BINARY], format, folder.path)).toEqual(expected);
    }
  });
});
