/**
 * `kv bench engine`: the store itself, in this process, case after case; the same result, files and
 * tables as of any other benchmark.
 */
import { casesOf, type EngineCase } from "./bench/engine/cases.ts";
import { formatCase, formatGroup } from "./bench/engine/show.ts";
import { runSuite } from "./bench/engine/suite.ts";
import { progressOn } from "./bench/progress.ts";
import { exportResult } from "./bench/report/exporters.ts";
import { formatJson } from "./bench/report/json.ts";
import { formatSummary } from "./bench/report/table.ts";
import { terminalOf } from "./bench/report/terminal.ts";
import type { BenchResult, PhaseResult } from "./bench/result.ts";
import { findWarnings } from "./bench/warnings.ts";
import { checkWritable, writeFiles } from "./bench-files.ts";
import { aroundRun } from "./bench-measure.ts";
import { type EngineOptions, parseEngineOptions } from "./cli/engine-options.ts";
import { workerUrl } from "./worker-url.ts";

/** Resolves with the exit code; `argv` is what follows "engine". Throws UsageError, FatalError. */
export async function benchEngine(argv: string[]): Promise<number> {
  const options = parseEngineOptions(argv);
  if (options === null) return 0;
  for (const path of options.outPaths) checkWritable(path);
  const result = await measure(argv, options);
  const terminal = terminalOf(process.stdout, process.env);
  const text = options.isJson ? formatJson(result) : formatSummary(result, terminal);
  await Bun.write(Bun.stdout, text);
  writeFiles(options.outPaths.flatMap((path) => exportResult(result, path)));
  return 0;
}

async function measure(argv: string[], options: EngineOptions): Promise<BenchResult> {
  const { durationMs, runsCount, seed, isTimingLatency } = options;
  const { outcome: target, header } = await aroundRun(["engine", ...argv], () =>
    runSuite({
      cases: casesOf(options.suite),
      durationMs,
      runsCount,
      seed,
      isTimingLatency,
      workerUrl: workerUrl("bench-engine-worker"),
      progress: progressOn(process.stderr, options.isQuiet || options.isShowing),
      onCase: options.isShowing ? showCase() : null,
    }),
  );
  return {
    kind: "bench",
    ...header,
    plan: {
      workload: "engine",
      runsCount,
      concurrency: 1,
      workersCount: 1,
      values: { size: "128", format: "string", zstdLevel: null, compressibility: 1 },
      chat: { chatsCount: 1, historyLength: 1, readSize: 1 },
      seed,
      isTimingLatency,
      isVerifying: false,
      search: null,
      timeoutMs: 0,
    },
    targets: [target],
    warnings: findWarnings([target], header.environment, header.activity, "--duration"),
    isFailed: false,
  };
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
