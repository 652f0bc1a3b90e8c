/** The error texts that carry arguments. */
import { expect, test } from "bun:test";
import {
  errorTexts,
  protocolExpectedDollar,
  unknownCommand,
  unknownSubcommand,
  wrongArgumentsCount,
} from "./errors.ts";

// Expected texts were taken from valkey-server 8.0.1; test/conformance/ compares them with a
// running one.

test("unknownCommand() repeats the name and at most 128 characters of arguments", () => {
  expect(unknownCommand("NoSuch", ["a", "b"])).toBe(
    "ERR unknown command 'NoSuch', with args beginning with: 'a' 'b' ",
  );
  expect(unknownCommand("x", [])).toBe("ERR unknown command 'x', with args beginning with: ");
  expect(unknownCommand("x".repeat(200), ["y".repeat(200), "z"])).toBe(
    `ERR unknown command '${"x".repeat(128)}', with args beginning with: '${"y".repeat(128)}' `,
  );
  expect(unknownCommand("a\0b", ["c\0d"])).toBe(
    "ERR unknown command 'a', with args beginning with: 'c' ",
  );
});

test("unknownSubcommand() and wrongArgumentsCount() name the command", () => {
  expect(unknownSubcommand("Foo", "client")).toBe("ERR unknown subcommand 'Foo'. Try CLIENT HELP.");
  expect(wrongArgumentsCount("client|id")).toBe(
    "ERR wrong number of arguments for 'client|id' command",
  );
});

test("protocolExpectedDollar() shows the byte", () => {
  expect(protocolExpectedDollar(42)).toBe("ERR Protocol error: expected '$', got '*'");
});

test("every fixed text has a code, and none has a line end", () => {
  for (const text of Object.values(errorTexts)) {
    expect(text).toMatch(/^(ERR|WRONGTYPE|OOM|NOAUTH|WRONGPASS|NOPROTO) [^\r\n]+$/);
  }
});
