/** The command line of `kv bench codec`: defaults, names, and what is refused. */
import { expect, test } from "bun:test";
import { UsageError } from "../base/errors.ts";
import { parseCodecOptions } from "./codec-options.ts";

function parse(...argv: string[]) {
  const flags = parseCodecOptions(argv);
  if (flags === null) throw new Error("it asked for help");
  return flags;
}

function refusal(...argv: string[]): string {
  try {
    parse(...argv);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return "";
}

test("without flags: all formats, all shapes", () => {
  const { plan, out, isQuiet, notices } = parse();
  expect(plan).toEqual({
    formats: ["string", "json", "cbor", "msgpack", "protobuf", "flatbuffers", "compact", "view"],
    shapes: ["tiny", "chat", "history", "blob-1k", "blob-16k", "blob-64k", "numbers", "utf8"],
    rounds: 5,
    seed: 1,
    zstdLevel: 3,
  });
  expect([out, isQuiet, notices]).toEqual([null, false, []]);
});

test("names ignore case and dashes; stand-ins come with a notice", () => {
  const { plan, notices } = parse("--format", "Bitcode, JSON", "--shape", "Blob1K,chat");
  expect(plan).toMatchObject({ formats: ["compact", "json"], shapes: ["blob-1k", "chat"] });
  expect(notices).toEqual([expect.stringContaining("Bitcode")]);
});

test("every other flag arrives", () => {
  const rest = ["--rounds", "3", "--seed", "9", "--zstd-level", "22", "--out", "x.CSV", "--quiet"];
  const { plan, out, isQuiet } = parse(...rest);
  expect(plan).toMatchObject({ rounds: 3, seed: 9, zstdLevel: 22 });
  expect([out, isQuiet]).toEqual([{ path: "x.CSV", kind: "csv" }, true]);
  expect(parse("--out", "a.md").out?.kind).toBe("md");
  expect(parse("--out", "a.json").out?.kind).toBe("json");
});

test.each([
  [["--format", "xml"], "--format: unknown format (xml), known are string, json, cbor,"],
  [["--format", ""], "--format: unknown format ()"],
  [["--format", "view,rkyv"], "--format: view is there twice"],
  [["--shape", "huge"], "--shape: unknown shape (huge), known are tiny, chat,"],
  [["--shape", "chat,chat"], "--shape: chat is there twice"],
  [["--rounds", "0"], "--rounds: 0 is below the minimum: 1"],
  [["--rounds", "1001"], "--rounds: 1001 is above the maximum: 1000"],
  [["--rounds", "many"], "--rounds: not a whole number (many)"],
  [["--seed", "4294967296"], "--seed: 4294967296 is above the maximum: 4294967295"],
  [["--zstd-level", "0"], "--zstd-level: 0 is below the minimum: 1"],
  [["--zstd-level", "23"], "--zstd-level: 23 is above the maximum: 22"],
  [["--out", "x.xml"], "--out: unknown kind of file (x.xml), its name must end with one of .json"],
  [["--round", "3"], "--round: unknown option"],
  [["--rounds"], "--rounds: value is missing"],
  [["extra"], "bench codec: takes options only"],
] as [string[], string][])("%j is refused", (argv, message) => {
  expect(refusal(...argv)).toStartWith(message);
});
