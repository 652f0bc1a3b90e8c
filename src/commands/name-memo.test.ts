/** Tests of the name memo: it never answers anything but what the command table answers. */
import { expect, test } from "bun:test";
import { NameMemo } from "./name-memo.ts";
import { registry } from "./registry.ts";
// Fills the registry.
import "./table.ts";

function find(memo: NameMemo, name: string) {
  const bytes = Buffer.from(`<<${name}>>`, "latin1");
  return memo.find(bytes, 2, name.length);
}

/** `name` with the bits of `cases` deciding which letters are upper case. */
function withCases(name: string, cases: number): string {
  return [...name].map((it, i) => ((cases >> i) & 1 ? it.toUpperCase() : it)).join("");
}

test("find() gives the command of every name, in every case, the second time as the first", () => {
  const memo = new NameMemo(registry.lookup);
  for (let round = 0; round < 2; round++) {
    for (const command of registry.lookup.all) {
      const casesCount = 1 << Math.min(command.name.length, 6);
      for (let cases = 0; cases < casesCount; cases++) {
        expect(find(memo, withCases(command.name, cases))).toBe(command);
      }
    }
  }
});

test("find() is not misled by bytes that fold to letters, prefixes and longer names", () => {
  const memo = new NameMemo(registry.lookup);
  for (const command of registry.lookup.all) find(memo, command.name);
  for (const command of registry.lookup.all) {
    const { name } = command;
    for (let i = 0; i < name.length; i++) {
      // Every other byte in place of a letter: the table decides, and the memo must agree.
      for (let byte = 0; byte < 256; byte++) {
        const changed = name.slice(0, i) + String.fromCharCode(byte) + name.slice(i + 1);
        const bytes = Buffer.from(changed, "latin1");
        expect(find(memo, changed)).toBe(registry.lookup.find(bytes, 0, bytes.length));
      }
    }
    expect(find(memo, `${name}\0`)).toBe(null);
    expect(find(memo, `\0${name}`)).toBe(null);
  }
  expect(find(memo, "")).toBe(null);
});
