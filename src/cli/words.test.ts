/** Words as a shell splits them. */
import { expect, test } from "bun:test";
import { splitWords } from "./words.ts";

test("splitWords() splits at blanks, and keeps quotes and escapes together", () => {
  const cases: [text: string, words: string[] | null][] = [
    ["", []],
    ["  ", []],
    ["--db kv  --pipeline", ["--db", "kv", "--pipeline"]],
    [`--command "SET {key} 'x'" a`, ["--command", "SET {key} 'x'", "a"]],
    ["a'b c'd \"\"", ["ab cd", ""]],
    [String.raw`a\ b "c\"d" 'e\f'`, ["a b", 'c"d', String.raw`e\f`]],
    ["'open", null],
    ['a "open', null],
  ];
  for (const [text, words] of cases) expect(splitWords(text)).toEqual(words);
});
