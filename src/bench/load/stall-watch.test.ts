/** StallWatch, asked every 100 ms, with a timeout of as much. */
import { expect, test } from "bun:test";
import { StallWatch } from "./stall-watch.ts";

const TICK_NS = 100e6;

/** What is said at each tick of `counts` (sent, done). */
function verdicts(counts: [sent: number, done: number][]): boolean[] {
  const watch = new StallWatch(100);
  return counts.map(([sent, done], tick) => watch.isStalled((tick + 1) * TICK_NS, sent, done));
}

test("isStalled() is true when what was due at the tick before is due still", () => {
  expect(
    verdicts([
      [5, 4],
      [5, 4],
    ]),
  ).toEqual([false, true]);
});

test("isStalled() is false when something was answered, or nothing is due", () => {
  expect(
    verdicts([
      [5, 4],
      [6, 5],
      [7, 6],
    ]),
  ).toEqual([false, false, false]);
  expect(
    verdicts([
      [5, 5],
      [5, 5],
      [5, 5],
    ]),
  ).toEqual([false, false, false]);
});

test("isStalled() takes nothing that was sent just before a tick for late", () => {
  expect(
    verdicts([
      [1, 1],
      [2, 1],
      [2, 2],
      [3, 2],
      [3, 3],
    ]),
  ).not.toContain(true);
});
