/** The timer of an open loop: never early, once, and not after it is stopped. */
import { expect, test } from "bun:test";
import { eventually } from "../../../test/harness.ts";
import { nanoseconds } from "../../base/clock.ts";
import { DueTimer } from "./due-timer.ts";

test("DueTimer wakes at the time, not before it, and counts what waiting costs", async () => {
  for (const waitNs of [0, 100_000, 5_000_000]) {
    const dueNs = nanoseconds() + waitNs;
    const calls: number[] = [];
    const timer = new DueTimer(
      (nowNs) => calls.push(nowNs),
      () => 0,
    );
    timer.arm(dueNs);
    expect(calls).toEqual([]);
    await eventually(() => calls.length > 0, "it is due");
    expect(calls).toHaveLength(1);
    expect(calls[0]).toBeGreaterThanOrEqual(dueNs);
    expect(timer.idleNs).toBeGreaterThan(0);
  }
});

test("DueTimer does not call a turn idle in which something happened", async () => {
  let events = 0;
  const calls: number[] = [];
  const timer = new DueTimer(
    (nowNs) => calls.push(nowNs),
    () => ++events,
  );
  timer.arm(nanoseconds() + 500_000);
  await eventually(() => calls.length > 0, "it is due");
  expect(timer.idleNs).toBe(0);
});

test("DueTimer does not wake after it is stopped", async () => {
  const calls: number[] = [];
  const timers = [0, 3_000_000].map((waitNs) => {
    const timer = new DueTimer(
      (nowNs) => calls.push(nowNs),
      () => 0,
    );
    timer.arm(nanoseconds() + waitNs);
    return timer;
  });
  for (const timer of timers) timer.stop();
  const endNs = nanoseconds() + 6_000_000;
  await eventually(() => nanoseconds() > endNs, "it would have been due");
  expect(calls).toEqual([]);
});
