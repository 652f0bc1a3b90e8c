/** The errors that end the process: exit codes, hints, and system errors in words. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { FatalError, reasonOf, UsageError } from "./errors.ts";

test("UsageError carries exit code 64 and its hint", () => {
  const error = new UsageError("--port: problem (x), fix", "try kv --help");
  expect(error).toBeInstanceOf(Error);
  expect([error.message, error.hint, error.exitCode]).toEqual([
    "--port: problem (x), fix",
    "try kv --help",
    64,
  ]);
});

test("FatalError carries exit code 1 and may have no hint", () => {
  const error = new FatalError("Cannot listen on x: in use");
  expect([error.message, error.hint, error.exitCode]).toEqual([
    "Cannot listen on x: in use",
    undefined,
    1,
  ]);
});

test("reasonOf() puts a system code into words", () => {
  try {
    readFileSync("/nonexistent/file");
    expect.unreachable();
  } catch (error) {
    expect(reasonOf(error)).toBe("no such file or directory");
  }
});

test("reasonOf() falls back to the message, and to the thrown value", () => {
  expect(reasonOf(new Error("odd"))).toBe("odd");
  expect(reasonOf("thrown text")).toBe("thrown text");
});
