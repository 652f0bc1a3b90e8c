/** Tests of glob.ts: cases by hand, a recursive model on random patterns, and the bound on time. */
import { expect, test } from "bun:test";
import { matchesGlob } from "./glob.ts";
import { Prng } from "./prng.ts";

function matches(pattern: string, text: string): boolean {
  const p = Buffer.from(`x${pattern}x`, "latin1");
  const t = Buffer.from(`y${text}y`, "latin1");
  return matchesGlob(p, 1, p.length - 2, t, 1, t.length - 2);
}

test("matchesGlob() knows stars, question marks, classes and escapes", () => {
  const yes: [string, string][] = [
    ["*", "a"],
    ["a*c", "abbbc"],
    ["a*c", "ac"],
    ["h?llo", "hello"],
    ["h[ae]llo", "hallo"],
    ["h[^e]llo", "hallo"],
    ["h[a-c]llo", "hbllo"],
    ["h[c-a]llo", "hbllo"],
    ["\\*", "*"],
    ["[\\]]", "]"],
    ["a**", "a"],
    ["*a*b*", "xaxbx"],
    ["[^]", "a"],
    ["[a", "a"],
    ["\\", "\\"],
    ["", ""],
    ["?\0?", "a\0b"],
  ];
  for (const [pattern, text] of yes)
    expect([pattern, text, matches(pattern, text)]).toEqual([pattern, text, true]);
  const no: [string, string][] = [
    ["a", "b"],
    ["a", "A"],
    ["a", "ab"],
    ["ab", "a"],
    ["?", ""],
    ["*", ""],
    ["h[^e]llo", "hello"],
    ["\\*", "a"],
    ["[]", "a"],
    ["*a", "ab"],
  ];
  for (const [pattern, text] of no)
    expect([pattern, text, matches(pattern, text)]).toEqual([pattern, text, false]);
});

/** The same language by recursion: slow, and obviously what is meant. */
function model(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern[0] === "*") {
    const rest = pattern.slice(1);
    for (let i = 0; i <= text.length; i++) if (model(rest, text.slice(i))) return true;
    return false;
  }
  if (text === "") return false;
  const element = /^(?:\[(\^?)([^\]]*)\]|\\(.)|(.))/.exec(pattern)!;
  const rest = pattern.slice(element[0].length);
  const isMember =
    element[2] !== undefined
      ? element[2].includes(text[0]!) === (element[1] === "")
      : element[3] !== undefined
        ? element[3] === text[0]
        : element[4] === "?" || element[4] === text[0];
  return isMember && model(rest, text.slice(1));
}

test("matchesGlob() agrees with a recursive model on random patterns", () => {
  const random = new Prng(7);
  const elements = ["*", "*", "?", "a", "b", "[ab]", "[^a]", "\\a", "\\*"];
  let matched = 0;
  for (let i = 0; i < 20_000; i++) {
    let pattern = "";
    for (let k = random.below(8); k >= 0; k--) pattern += elements[random.below(elements.length)];
    let text = "";
    for (let k = random.below(10); k >= 0; k--) text += "ab*"[random.below(3)];
    const expected = model(pattern, text);
    if (expected) matched++;
    expect([pattern, text, matches(pattern, text)]).toEqual([pattern, text, expected]);
  }
  expect(matched).toBeGreaterThan(1000);
});

test("matchesGlob() takes time in proportion to pattern times text", () => {
  // A recursive matcher would try about 1000^50 ways.
  expect(matches(`${"a*".repeat(50)}b`, "a".repeat(1000))).toBe(false);
  expect(matches(`${"*a".repeat(2000)}*`, "a".repeat(20_000))).toBe(true);
});
