/** The queue of what is not acknowledged: order, parts of a batch, growing. */
import { expect, test } from "bun:test";
import { Histogram } from "../recorder/histogram.ts";
import { AckTimes } from "./ack-times.ts";

test("AckTimes settles the oldest first, also in parts", () => {
  const times = new AckTimes();
  const histogram = new Histogram();
  times.push(1000, 2);
  times.push(5000, 1);
  expect(times.oldestCount).toBe(2);
  times.settle(2000, 1, histogram);
  expect([times.oldestCount, histogram.minNs, histogram.maxNs]).toEqual([1, 1000, 1000]);
  times.settle(9000, 2, histogram);
  expect([times.oldestCount, histogram.count, histogram.minNs]).toEqual([0, 3, 1000]);
  expect([histogram.maxNs, histogram.sumNs]).toEqual([8000, 13_000]);
  expect(() => times.settle(9000, 1, null)).toThrow("an acknowledgement of nothing");
});

test("AckTimes grows and keeps its order", () => {
  const times = new AckTimes();
  for (let i = 0; i < 10; i++) times.push(i, 1);
  for (let i = 0; i < 7; i++) times.settle(i, 1, null);
  for (let i = 10; i < 200; i++) times.push(i, 1);
  const histogram = new Histogram();
  for (let i = 7; i < 200; i++) times.settle(i + i, 1, histogram);
  expect(histogram.sumNs).toBe((199 * 200) / 2 - (6 * 7) / 2);
});
