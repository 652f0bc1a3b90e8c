/** Configuration files: the syntax of redis.conf, quoting, and what is refused. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FatalError, UsageError } from "../base/errors.ts";
import { parseConfig, readConfigFile, readPasswordFile, splitWords } from "./config-file.ts";

test("parseConfig() gives names, values and places, without comments and blank lines", () => {
  const text = "# comment\n\nPort 7000\r\n  save 3600 1  300 100 \n\tmaxmemory\t1gb\n";
  expect(parseConfig(text, "kv.conf")).toEqual([
    { name: "port", values: ["7000"], place: "kv.conf, line 3" },
    { name: "save", values: ["3600", "1", "300", "100"], place: "kv.conf, line 4" },
    { name: "maxmemory", values: ["1gb"], place: "kv.conf, line 5" },
  ]);
});

test("parseConfig() names the line without a value, and the one with an open quote", () => {
  expect(() => parseConfig("port 1\nmaxmemory\n", "kv.conf")).toThrow(
    new UsageError("kv.conf, line 2: maxmemory: value is missing"),
  );
  expect(() => parseConfig('requirepass "abc', "kv.conf")).toThrow(
    new UsageError('kv.conf, line 1: unbalanced quotes (requirepass "abc), close them'),
  );
});

test("splitWords() resolves double quotes, single quotes and escapes", () => {
  expect(splitWords('save ""')).toEqual(["save", ""]);
  expect(splitWords('a "b c" d')).toEqual(["a", "b c", "d"]);
  expect(splitWords('"\\n\\r\\t\\a\\b\\x41\\"\\\\"')).toEqual(['\n\r\t\x07\bA"\\']);
  expect(splitWords("'it\\'s \\n'")).toEqual(["it's \\n"]);
  expect(splitWords('"\\xg1"')).toEqual(["xg1"]);
});

test("splitWords() refuses open quotes and text behind a closing one", () => {
  for (const line of ['"a', "'a", '"a"b', "'a'b", '"a\\', '"a\\"']) {
    expect([line, splitWords(line)]).toEqual([line, null]);
  }
});

test("readConfigFile() and readPasswordFile() name a file that cannot be read", () => {
  expect(() => readConfigFile("/nonexistent")).toThrow(
    new FatalError('Cannot read configuration file "/nonexistent": no such file or directory'),
  );
  expect(() => readPasswordFile("/")).toThrow(
    new FatalError('Cannot read password file "/": it is a directory'),
  );
});

test("readPasswordFile() takes the first line as bytes, and refuses an empty one", () => {
  const folder = mkdtempSync(join(tmpdir(), "kv-"));
  try {
    const path = join(folder, "password");
    writeFileSync(path, Buffer.from("ge\xc3\xa9heim\r\nnot this", "latin1"));
    expect(readPasswordFile(path)).toBe("ge\xc3\xa9heim");
    writeFileSync(path, "\n");
    expect(() => readPasswordFile(path)).toThrow("its first line is empty");
    writeFileSync(path, Buffer.alloc(2 * 1024 * 1024));
    expect(() => readConfigFile(path)).toThrow("it has 2097152 bytes, at most 1048576 are allowed");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
