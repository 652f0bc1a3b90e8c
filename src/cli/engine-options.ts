/**
 * The command line of `kv bench engine` → EngineOptions. Errors as in bench-options.ts.
 */
import type { Command } from "commander";
import { UsageError } from "../base/errors.ts";
import type { SuiteName } from "../bench/engine/cases.ts";
import { EXPORTERS } from "../bench/report/exporters.ts";
import { collect, newCommand, parseWith } from "./commander.ts";
import { checkedEnding, choiceOf, countOf, durationMsOf } from "./flag-values.ts";

const RUNS_MAX = 1000;
const DURATION_MS_MAX = 3_600_000;
const SEED_MAX = 2 ** 32 - 1;
const SUITES: readonly SuiteName[] = ["quick", "threads", "concurrency", "full"];

export interface EngineOptions {
  suite: SuiteName;
  durationMs: number;
  runsCount: number;
  seed: number;
  isTimingLatency: boolean;
  /** Draw each figure as it is measured. */
  isShowing: boolean;
  isQuiet: boolean;
  isJson: boolean;
  outPaths: string[];
}

interface RawFlags {
  suite: string;
  duration: string;
  runs: string;
  seed: string;
  latency: boolean;
  show?: true;
  quiet?: true;
  json?: true;
  out?: string[];
}

/** Null when the command line asked for help, which has been printed. Throws UsageError. */
export function parseEngineOptions(argv: string[]): EngineOptions | null {
  const command = makeCommand();
  if (!parseWith(command, argv)) return null;
  const flags = command.opts<RawFlags>();
  return {
    suite: choiceOf("--suite", flags.suite, SUITES),
    durationMs: durationMsOf("--duration", flags.duration, 10, DURATION_MS_MAX),
    runsCount: countOf("--runs", flags.runs, 1, RUNS_MAX),
    seed: countOf("--seed", flags.seed, 0, SEED_MAX),
    isTimingLatency: flags.latency,
    isShowing: flags.show === true,
    isQuiet: flags.quiet === true,
    isJson: flags.json === true,
    outPaths: outPathsOf(flags),
  };
}

function outPathsOf({ out = [], latency }: RawFlags): string[] {
  for (const path of out) {
    const ending = checkedEnding("--out", path, Object.keys(EXPORTERS));
    if (ending === ".hgrm" && !latency) {
      throw new UsageError(`--out: ${path} has latencies, which --no-latency leaves out`);
    }
  }
  return out;
}

function makeCommand(): Command {
  return newCommand(
    "kv bench engine",
    "Measure the store itself, in this process, without a network",
  )
    .option("--suite <name>", "quick, threads, concurrency or full", "quick")
    .option("--duration <time>", "of each case", "300ms")
    .option("--runs <count>", "repetitions of each case", "1")
    .option("--seed <number>", "of keys and draws", "1")
    .option("--no-latency", "measure rates only, without a reading of the clock per operation")
    .option("--show", "draw each figure as it is measured")
    .option("--out <file>", "write the result, by its ending; may be repeated", collect)
    .option("--json", "print the result as JSON")
    .option("--quiet", "no progress, only the result");
}
