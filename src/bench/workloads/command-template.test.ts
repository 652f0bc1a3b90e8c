/** The notation of templates: words, quotes, escapes, placeholders, and where mistakes are. */
import { expect, test } from "bun:test";
import { parseCommandTemplate, type TemplatePart } from "./command-template.ts";

function wordsOf(text: string): (readonly TemplatePart[])[] {
  return [...parseCommandTemplate(text).words];
}

function textOf(text: string): string[] {
  return wordsOf(text).map((parts) =>
    parts.map((part) => (part.kind === "text" ? part.latin1 : `<${part.kind}>`)).join(""),
  );
}

test("parseCommandTemplate() gives the words and the placeholders as data", () => {
  const template = parseCommandTemplate("set {key zipf:0.9 5000} {value 64-128}");
  expect(template).toEqual({
    text: "set {key zipf:0.9 5000} {value 64-128}",
    name: "SET",
    words: [
      [{ kind: "text", latin1: "set" }],
      [{ kind: "key", distribution: { kind: "zipf", theta: 0.9 }, keysCount: 5000 }],
      [{ kind: "value", sizes: [{ minBytes: 64, maxBytes: 128, weight: 1 }] }],
    ],
  });
  expect(wordsOf("X a{KEY}b{rand 10}{ seq }")[1]).toEqual([
    { kind: "text", latin1: "a" },
    { kind: "key", distribution: null, keysCount: null },
    { kind: "text", latin1: "b" },
    { kind: "random", bound: 10 },
    { kind: "sequence" },
  ]);
  expect(wordsOf("X {key 7 seq} {key 9} {value}").slice(1)).toEqual([
    [{ kind: "key", distribution: { kind: "sequential" }, keysCount: 7 }],
    [{ kind: "key", distribution: null, keysCount: 9 }],
    [{ kind: "value", sizes: null }],
  ]);
});

test("parseCommandTemplate() knows blanks, quotes and escapes", () => {
  expect(textOf("  PING  ")).toEqual(["PING"]);
  expect(textOf("A \t b\nc")).toEqual(["A", "b", "c"]);
  expect(textOf(`A "b c" 'd "e' f"g h"i ""`)).toEqual(["A", "b c", 'd "e', "fg hi", ""]);
  expect(textOf(`A "{key} x" '{key} \\n'`)).toEqual(["A", "<key> x", "{key} \\n"]);
  expect(textOf(String.raw`A \{key\} \"b\ c \\ "\r\n\t\x00\xfF"`)).toEqual([
    "A",
    "{key}",
    '"b c',
    "\\",
    "\r\n\t\x00\xff",
  ]);
  // UTF-8, one character for each byte.
  expect(textOf("A é€😀")[1]).toBe(Buffer.from("é€😀").toString("latin1"));
});

test("parseCommandTemplate() names the column and the mistake", () => {
  const messages: Record<string, string> = {
    "": "no command, as in SET {key} {value}",
    "   ": "no command, as in SET {key} {value}",
    "{key} x": "column 1: the command's name must be plain text",
    'S{seq} "x"': "column 1: the command's name must be plain text",
    '"" x': "column 1: the command's name must be plain text",
    'SET "abc': "column 5: the quote is not closed",
    "SET 'abc": "column 5: the quote is not closed",
    "SET {key": "column 5: { is not closed, write \\{ for the character",
    "SET a}": "column 6: } without {, write \\} for the character",
    "SET a\\": "column 6: nothing follows the backslash",
    'SET "\\x4"': "column 6: \\x needs two hexadecimal digits",
    "SET é {kez}": "column 7: {kez}: unknown placeholder, known are key, value, rand and seq",
    "SET {}": "column 5: {}: unknown placeholder, known are key, value, rand and seq",
    "SET {key zipf:9}": "column 5: {key zipf:9}: theta of zipf must be above 0 and at most 5 (9)",
    "SET {key 5 6}": "column 5: {key 5 6}: two counts (5 6)",
    "SET {key seq zipf}": "column 5: {key seq zipf}: two distributions (seq zipf)",
    "SET {key a b c}": "column 5: {key a b c}: too many parameters (3), at most 2",
    "SET {key 0}": "column 5: {key 0}: needs a whole number from 1 to 2147483647 (0)",
    "SET {key 10k}": "column 5: {key 10k}: needs a whole number from 1 to 2147483647 (10k)",
    "SET {value 0}": "column 5: {value 0}: a size must be from 1 to 536870912 bytes (0)",
    "SET {rand}": "column 5: {rand}: needs a whole number from 1 to 4294967296 ()",
    "SET {rand x}": "column 5: {rand x}: needs a whole number from 1 to 4294967296 (x)",
    "SET {seq 5}": "column 5: {seq 5}: too many parameters (1), at most 0",
  };
  for (const [text, message] of Object.entries(messages)) {
    expect(() => parseCommandTemplate(text), text).toThrow(new RangeError(message));
  }
  const long = `MGET${" x".repeat(1024)}`;
  expect(() => parseCommandTemplate(long)).toThrow("1025 words, at most 1024");
});
