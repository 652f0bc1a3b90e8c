/** Plans: which phases run for which flags, and where targets are. */
import { expect, test } from "bun:test";
import { parseBenchOptions } from "../cli/bench-options.ts";
import { makePlan, type Plan } from "./plan.ts";

function planOf(line: string): Plan {
  const options = parseBenchOptions(line === "" ? [] : line.split(" "));
  if (options === null) throw new Error("help was printed");
  return makePlan(options, (backend) => (backend === "kv" ? null : `${backend}-default`));
}

function phasesOf(line: string): string[] {
  return planOf(line).phases.map(
    (phase) =>
      `${phase.name} ${phase.operations} ${phase.keyOrder} x${phase.batchSize}` +
      `${phase.isMeasured ? "" : " unmeasured"}`,
  );
}

test("makePlan() writes each key once and reads it again", () => {
  expect(phasesOf("-o 10")).toEqual(["SET 10 sequential x1", "GET 10 sequential x1"]);
  expect(planOf("-o 10").keysCount).toBe(10);
  expect(phasesOf("-o 10 --write-only")).toEqual(["SET 10 sequential x1"]);
});

test("makePlan() fills before reading what the SET phase does not write", () => {
  expect(phasesOf("-o 10 --read-only --pipeline")).toEqual([
    "FILL 10 sequential x200 unmeasured",
    "GET 10 sequential x50",
  ]);
  expect(phasesOf("-o 10 --keys 7 --pipeline --batch-size 300")).toEqual([
    "SET 10 random x300",
    "FILL 7 sequential x300 unmeasured",
    "GET 10 random x300",
  ]);
  expect(phasesOf("-o 10 --keys 7 --write-only")).toEqual(["SET 10 random x1"]);
});

test("makePlan() takes a given URL, then the default; threads are for what is started here", () => {
  const { targets } = planOf("--db kv,redis,valkey --redis-url h:1 --threads 3");
  expect(targets).toEqual([
    { backend: "kv", url: null, threads: 3 },
    { backend: "redis", url: "h:1", threads: null },
    { backend: "valkey", url: "valkey-default", threads: null },
  ]);
});
