/** The live line: on a terminal only, seldom, no wider than it, erased before anything else. */
import { expect, test } from "bun:test";
import { Progress } from "./progress.ts";

function record(isQuiet: boolean, isTerminal: boolean, columns = 60, nowMs?: () => number) {
  let text = "";
  const add = (part: string) => {
    text += part;
  };
  const progress = new Progress(isQuiet, isTerminal, add, () => columns, nowMs);
  return { progress, text: () => text };
}

const SEEN = { elapsedMs: 2500, p99Ns: 3_210_000, errorsCount: 2 };

test("Progress draws one line and erases it before a notice", () => {
  const { progress, text } = record(false, true);
  progress.show("kv SET", 25, 100);
  progress.say("hello");
  progress.clear();
  expect(text()).toBe("\r\x1b[2Kkv SET  25 %\r\x1b[2Khello\n");
});

test("Progress shows how far it is, by operations or by time, with the p99 and errors", () => {
  const { progress, text } = record(false, true, 100);
  progress.show("kv SET", 25, { operations: 100 }, () => SEEN);
  progress.show("kv GET", 25, { durationMs: 10_000 }, () => ({ ...SEEN, errorsCount: 0 }));
  expect(text().split("\r\x1b[2K").slice(1)).toEqual([
    `kv SET  ${"█".repeat(5)}${"░".repeat(15)}  25 %  p99 3.21 ms  2 errors`,
    `kv GET  ${"█".repeat(5)}${"░".repeat(15)}  2.50 s of 10.0 s  p99 3.21 ms`,
  ]);
});

test("Progress draws at most four lines a second, and the rate from the second one on", () => {
  let nowMs = 5000;
  const { progress, text } = record(false, true, 60, () => nowMs);
  let calls = 0;
  const seen = () => {
    calls++;
    return SEEN;
  };
  for (const endMs = nowMs + 450; nowMs < endMs; nowMs++) progress.show("kv SET", 25, 100, seen);
  const lines = text().split("\r\x1b[2K").slice(1);
  expect(lines.length).toBe(3);
  expect(calls).toBe(3);
  expect(lines[0]).not.toContain("/s");
  expect(lines[1]).toMatch(/^kv SET {2}25 % {2}[\d.]+\S*\/s {2}p99/);
});

test("Progress takes fewer operations than before for another phase", () => {
  const { progress, text } = record(false, true);
  progress.show("kv SET", 90, 100);
  progress.show("kv SET", 10, 100);
  expect(text()).toBe("\r\x1b[2Kkv SET  90 %\r\x1b[2Kkv SET  10 %");
});

test("Progress keeps to the width of the terminal", () => {
  for (const columns of [20, 30, 79, 80, 120]) {
    const { progress, text } = record(false, true, columns);
    progress.show("kv READ (漢字)", 25, 100, () => SEEN);
    const line = text().replace("\r\x1b[2K", "");
    expect(Bun.stringWidth(line)).toBeLessThan(columns);
    expect(line).toStartWith("kv READ (漢字)");
  }
});

test("Progress is silent without a terminal, except for notices, and wholly when quiet", () => {
  const piped = record(false, false);
  const quiet = record(true, true);
  for (const { progress } of [piped, quiet]) {
    progress.show("kv SET", 25, 100, () => {
      throw new Error("nobody looks");
    });
    progress.say("hello");
    progress.clear();
  }
  expect([piped.text(), quiet.text()]).toEqual(["hello\n", ""]);
});
