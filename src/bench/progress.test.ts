/** The live line: drawn on a terminal only, erased before anything else is printed. */
import { expect, test } from "bun:test";
import { Progress } from "./progress.ts";

function record(isQuiet: boolean, isTerminal: boolean): { progress: Progress; text: () => string } {
  let text = "";
  const progress = new Progress(isQuiet, isTerminal, (part) => {
    text += part;
  });
  return { progress, text: () => text };
}

test("Progress draws one line and erases it before a notice", () => {
  const { progress, text } = record(false, true);
  progress.show("kv SET", 25, 100);
  progress.say("hello");
  progress.clear();
  expect(text()).toBe("\r\x1b[2Kkv SET: 25 %\r\x1b[2Khello\n");
});

test("Progress shows the rate from the second time on", () => {
  const { progress, text } = record(false, true);
  progress.show("kv SET", 25, 100);
  progress.show("kv SET", 50, 100);
  expect(text()).toMatch(/kv SET: 50 %, [\d.]+\S*\/s$/);
});

test("Progress is silent without a terminal, except for notices, and wholly when quiet", () => {
  const piped = record(false, false);
  const quiet = record(true, true);
  for (const { progress } of [piped, quiet]) {
    progress.show("kv SET", 25, 100);
    progress.say("hello");
    progress.clear();
  }
  expect([piped.text(), quiet.text()]).toEqual(["hello\n", ""]);
});
