/** Tests of the clock: it follows the system's time, in whole ms, and only when it is told. */
import { expect, test } from "bun:test";
import { Clock, nanoseconds } from "./clock.ts";

test("Clock.tick() gives the wall time in whole ms and never runs backwards", () => {
  const clock = new Clock();
  const before = Date.now();
  let last = 0;
  for (let i = 0; i < 1000; i++) {
    clock.tick();
    expect(clock.nowMs).toBeGreaterThanOrEqual(last);
    last = clock.nowMs;
  }
  expect(Number.isInteger(last)).toBe(true);
  // The offset is taken between two system ticks, so the two clocks may differ by the rounding of
  // one.
  expect(last).toBeGreaterThanOrEqual(before - 1);
  expect(last).toBeLessThanOrEqual(Date.now() + 1);
});

test("Clock.nowMs stays what it is between ticks", () => {
  const clock = new Clock();
  const seen = clock.nowMs;
  const until = Date.now() + 5;
  while (Date.now() < until);
  expect(clock.nowMs).toBe(seen);
  clock.tick();
  expect(clock.nowMs).toBeGreaterThan(seen);
});

test("nanoseconds() is monotonic", () => {
  const first = nanoseconds();
  expect(nanoseconds()).toBeGreaterThanOrEqual(first);
});
