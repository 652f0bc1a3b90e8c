/** SendTimes: replies are settled against the writes that carried their requests. */
import { expect, test } from "bun:test";
import { Histogram } from "../recorder/histogram.ts";
import { SendTimes } from "./send-times.ts";

test("SendTimes.settle() gives every request the time of its own write", () => {
  const times = new SendTimes(5);
  const histogram = new Histogram();
  times.push(1000, 3);
  times.push(2000, 2);
  times.settle(3000, 1, histogram);
  times.settle(5000, 3, histogram);
  times.settle(6000, 1, histogram);
  const expected = new Histogram();
  expected.record(2000, 1);
  expected.record(4000, 2);
  expected.record(3000, 1);
  expected.record(4000, 1);
  expect(histogram.toData()).toEqual(expected.toData());
});

test("SendTimes goes round its ring many times", () => {
  const times = new SendTimes(3);
  const histogram = new Histogram();
  for (let now = 0; now < 1000; now += 10) {
    times.push(now, 1);
    times.push(now + 1, 2);
    times.settle(now + 5, 3, histogram);
  }
  expect([histogram.count, histogram.minNs, histogram.maxNs]).toEqual([300, 4, 5]);
});
