/**
 * `kv bench engine`: the store itself, in this process, case after case; the same result, files and
 * tables as of any other benchmark.
 */

import { COMMIT, VERSION } from "./base/version.ts";
import { casesOf, type EngineCase } from "./bench/engine/cases.ts";
import { formatCase, formatGroup } from "./bench/engine/show.ts";
import { runSuite } from "./bench/engine/suite.ts";
import { readEnvironment } from "./bench/environment.ts";
import { Progress } from "./bench/progress.ts";
import { type BenchResult, type PhaseResult, SCHEMA_VERSION } from "./bench/result.ts";
import { type EngineOptions, parseEngineOptions } from "./cli/engine-options.ts";
import { workerUrl } from "./worker-url.ts";

/** The result, and the options that say where it goes; null when help was printed. */
export async function benchEngine(
  argv: string[],
  isCompiled: boolean,
): Promise<{ result: BenchResult; options: EngineOptions } | null> {
  const options = parseEngineOptions(argv);
  if (options === null) return null;
  const cases = casesOf(options.suite);
  const { durationMs, runsCount, seed, isTimingLatency } = options;
  const isTerminal = process.stderr.isTTY === true && !options.isShowing;
  const progress = new Progress(options.isQuiet, isTerminal, (text) => process.stderr.write(text));
  const startedAt = new Date().toISOString();
  const environment = readEnvironment(isCompiled);
  const target = await runSuite({
    cases,
    durationMs,
    runsCount,
    seed,
    isTimingLatency,
    workerUrl: workerUrl("bench-engine-worker"),
    progress,
    onCase: options.isShowing ? showCase() : null,
  });
  const result: BenchResult = {
    kind: "bench",
    schemaVersion: SCHEMA_VERSION,
    tool: { name: "kv bench", version: VERSION, commit: COMMIT },
    startedAt,
    argv: ["engine", ...argv],
    environment,
    plan: {
      workload: "simple",
      runsCount,
      concurrency: 1,
      workersCount: 1,
      values: { size: "128", format: "string", zstdLevel: null, compressibility: 1 },
      chat: { chatsCount: 1, historyLength: 1, readSize: 1 },
      seed,
      isTimingLatency,
      isVerifying: false,
      timeoutMs: 0,
      search: null,
    },
    targets: [target],
    warnings: [],
    isFailed: false,
  };
  return { result, options };
}

/** Prints each case as it ends, under the title of its group. */
function showCase(): (engineCase: EngineCase, result: PhaseResult) => void {
  let group = "";
  return (engineCase, result) => {
    if (engineCase.group !== group) process.stdout.write(formatGroup(engineCase.group));
    group = engineCase.group;
    process.stdout.write(formatCase(engineCase, result));
  };
}
