/** The live lines of the demonstration: bars that grow with the rate and stay in their column. */
import { expect, test } from "bun:test";
import { makePhaseResult } from "../summarize.ts";
import { READ_PHASE, runOf } from "../test-results.ts";
import { casesOf } from "./cases.ts";
import { formatCase } from "./show.ts";

test("formatCase() draws a bar on a logarithmic scale", () => {
  const [first] = casesOf("quick");
  if (first === undefined) throw new Error("no cases");
  const lineOf = (rate: number) => formatCase(first, makePhaseResult(READ_PHASE, [runOf(rate)]));
  const barOf = (rate: number) => [...lineOf(rate).matchAll(/█/g)].length;
  expect(lineOf(1e6)).toMatch(/^ {2}WRITE 1 B +█+.? +1\.00M\/s {3}p99 1\.50 ms\n$/);
  expect(barOf(100)).toBe(0);
  expect(barOf(1e4)).toBeLessThan(barOf(1e6));
  expect(barOf(1e12)).toBe(32);
  const widths = [1, 1e4, 1e6, 1e12].map((rate) => lineOf(rate).indexOf("/s"));
  expect(new Set(widths).size).toBe(1);
});
