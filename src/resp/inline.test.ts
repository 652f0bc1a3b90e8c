/** Inline commands: words, quotes, and lines that do not match up. */
import { describe, expect, test } from "bun:test";
import { InlineRequest, isHttpName } from "./inline.ts";

function split(line: string): string[] | null {
  const inline = new InlineRequest();
  const bytes = Buffer.from(`#${line}#`, "latin1");
  if (!inline.split(bytes, 1, bytes.length - 1)) return null;
  return Array.from({ length: inline.wordsCount }, (_, i) => {
    const start = inline.wordStart[i] as number;
    return inline.bytes.toString("latin1", start, start + (inline.wordLength[i] as number));
  });
}

describe("InlineRequest.split()", () => {
  test.each([
    ["", []],
    [" \t \v\f\r ", []],
    ["PING", ["PING"]],
    ["  SET  k\tv  ", ["SET", "k", "v"]],
    ['"a b" c', ["a b", "c"]],
    ["'a b' c", ["a b", "c"]],
    ['""', [""]],
    ["'' ''", ["", ""]],
    ['"\\n\\r\\t\\b\\a\\\\\\"\\q"', ['\n\r\t\b\x07\\"q']],
    ['"\\x00\\xfF\\x4"', ["\0\xffx4"]],
    ['"\\xZZ"', ["xZZ"]],
    ["'\\'\\n'", ["'\\n"]],
    ['a"b c"', ["ab c"]],
    ["a\\x41", ["a\\x41"]],
    ["a\v", ["a\v"]],
    ["é", ["é"]],
  ])("%j is %j", (line, words) => {
    expect(split(line)).toEqual(words);
  });

  test.each(['"', '"a', "'", "'a", '"a"b', "'a''b'", '"a\\', '"a\\"', "'a\\'", '"\\x4'])(
    "%j does not match up",
    (line) => {
      expect(split(line)).toBeNull();
    },
  );

  test("has as many words as the line", () => {
    expect(split("a ".repeat(30_000))?.length).toBe(30_000);
  });

  test("gives the memory of a long line back", () => {
    const inline = new InlineRequest();
    inline.split(Buffer.alloc(60_000, "x"), 0, 60_000);
    inline.split(Buffer.from("PING"), 0, 4);
    expect(inline.bytes.length).toBeLessThan(1000);
  });
});

test("isHttpName() knows POST and Host: in any case", () => {
  const known = (name: string): boolean => isHttpName(Buffer.from(name), 0, name.length);
  expect(["POST", "post", "PoSt", "HOST:", "host:"].map(known)).not.toContain(false);
  expect(["GET", "POS", "POSTS", "HOST", "HOST;", "PING"].map(known)).not.toContain(true);
});
