/**
 * The table of results in README.md, from the recorded runs of `kv bench`:
 * `bun scripts/readme-results.ts` writes it after `scripts/figures comparison pubsub`.
 *
 * It reads the newest folder of docs/benchmarks/ that has them. test/readme.test.ts compares the
 * two, so that no figure stands in the README that no run has given.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseResult } from "../src/bench/read-result.ts";
import type { BenchResult, PhaseResult, TargetResult } from "../src/bench/result.ts";
import { README } from "./readme-commands.ts";

const BENCHMARKS = join(import.meta.dir, "../docs/benchmarks");
const BEGIN = "<!-- results: written by scripts/readme-results.ts -->\n";
const END = "<!-- /results -->\n";
const WORKLOADS = ["simple", "chat"];
const DEPTHS = [1, 16, 50];

/** The newest folder with a comparison, its name beginning with its date. */
function newestFolder(): string {
  const folders = readdirSync(BENCHMARKS).filter((name) =>
    existsSync(join(BENCHMARKS, name, "comparison-simple-1.json")),
  );
  const newest = folders.sort().at(-1);
  if (newest === undefined) throw new Error("Cannot find a comparison: run scripts/figures");
  return newest;
}

function readRun(folder: string, name: string): BenchResult {
  const path = join(BENCHMARKS, folder, name);
  return parseResult(readFileSync(path, "utf8"), path);
}

/** Two Markdown tables: requests by depth, and pub/sub. */
export function resultsTables(): string {
  const folder = newestFolder();
  const rows = WORKLOADS.flatMap((workload) =>
    DEPTHS.flatMap((depth) => {
      const result = readRun(folder, `comparison-${workload}-${depth}.json`);
      return measuredPhases(result.targets[0]).map((phase) => requestRow(result, phase, depth));
    }),
  );
  const pubsub = readRun(folder, "pubsub.json").targets.map(fanoutRow);
  return [
    "| operation | depth | kv | Redis | Valkey | kv / Valkey | processor µs: kv, Redis, Valkey |",
    "|---|--:|--:|--:|--:|--:|---|",
    ...rows,
    "",
    "| pub/sub, 1 publisher, 50 subscribers | deliveries/s | reach | processor ns a delivery |",
    "|---|--:|--:|--:|",
    ...pubsub,
    "",
    `Recorded with \`kv bench\` by [scripts/figures](docs/benchmarks/${folder}).`,
    "",
  ].join("\n");
}

function measuredPhases(target: TargetResult | undefined): PhaseResult[] {
  return target?.phases.filter((phase) => phase.isMeasured) ?? [];
}

function requestRow(result: BenchResult, { label }: PhaseResult, depth: number): string {
  const phases = ["kv", "redis", "valkey"].map((backend) => {
    const target = result.targets.find((each) => each.backend === backend);
    const phase = measuredPhases(target).find((each) => each.label === label);
    if (phase === undefined) throw new Error(`no ${label} of ${backend}`);
    return phase;
  });
  const rates = phases.map((phase) => phase.summary.operationsPerSecond.median);
  const [kv = 0, , valkey = 0] = rates;
  const times = phases.map((phase) => (serverNs(phase, operationsOf) / 1000).toFixed(2));
  const cells = [label, depth, ...rates.map(thousands), (kv / valkey).toFixed(2), times.join(", ")];
  return `| ${cells.join(" | ")} |`;
}

function fanoutRow({ label, phases }: TargetResult): string {
  const phase = phases.find((each) => each.kind === "fanout");
  if (phase === undefined) throw new Error(`no fan-out of ${label}`);
  const fanouts = phase.runs.flatMap(({ fanout }) => fanout ?? []);
  const rates = fanouts.map(({ deliveredPerSecond }) => deliveredPerSecond).sort((a, b) => a - b);
  const reach = Math.min(...fanouts.map((fanout) => fanout.reach));
  const ns = serverNs(phase, ({ fanout }) => fanout?.delivered ?? 0);
  const cells = [
    label,
    thousands(rates[rates.length >> 1] ?? 0),
    `${reach * 100} %`,
    Math.round(ns),
  ];
  return `| ${cells.join(" | ")} |`;
}

function operationsOf(run: PhaseResult["runs"][number]): number {
  return run.operations;
}

/** Processor time of the server for one of what `countOf` counts, over all runs. */
function serverNs(
  { runs }: PhaseResult,
  countOf: (run: PhaseResult["runs"][number]) => number,
): number {
  const total = runs.reduce((sum, run) => sum + (run.processorTime.serverNs ?? Number.NaN), 0);
  return total / runs.reduce((sum, run) => sum + countOf(run), 0);
}

function thousands(perSecond: number): string {
  return `${Math.round(perSecond / 1000).toLocaleString("en-US")} k`;
}

/** `readme` with the tables replaced. Throws when the markers are missing. */
export function withResults(readme: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error("Cannot find the markers in README.md");
  return `${readme.slice(0, begin + BEGIN.length)}${resultsTables()}${readme.slice(end)}`;
}

if (import.meta.main) writeFileSync(README, withResults(readFileSync(README, "utf8")));
