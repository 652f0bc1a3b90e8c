/**
 * `kv bench`: command line in, result out.
 *
 *      argv ─ options ─ plan ─ run (loop, driver, recorder) ─ result ─ report
 *
 * The summary goes to standard output, everything else (progress, notices) to standard error.
 * Exit codes: 0, 1 when a target could not be measured or any operation failed, 64 for a command
 * line that makes no sense.
 */
import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { FatalError, reasonOf } from "./base/errors.ts";
import { COMMIT, VERSION } from "./base/version.ts";
import { readEnvironment } from "./bench/environment.ts";
import { makePlan } from "./bench/make-plan.ts";
import type { BenchOptions } from "./bench/options.ts";
import { Progress } from "./bench/progress.ts";
import { formatJson } from "./bench/report/json.ts";
import { formatSummary } from "./bench/report/table.ts";
import { type BenchResult, SCHEMA_VERSION } from "./bench/result.ts";
import { runPlan } from "./bench/run.ts";
import { findWarnings } from "./bench/warnings.ts";
import { benchEngine } from "./bench-engine.ts";
import { parseBenchOptions } from "./cli/bench-options.ts";

/**
 * Runs `kv bench` with the arguments behind its name; returns the exit code. Throws UsageError and
 * FatalError.
 */
export async function bench(argv: string[]): Promise<number> {
  if (argv[0] === "engine") return await engine(argv.slice(1));
  if (argv[0] === "calibrate") {
    const { benchCalibrate } = await import("./bench-calibrate.ts");
    return await benchCalibrate(argv.slice(1), selfCommand(), isCompiled());
  }
  const options = parseBenchOptions(argv);
  if (options === null) return 0;
  for (const path of options.outPaths) checkWritable(path);
  const result = await measure(options, argv);
  return await report(result, options);
}

async function engine(argv: string[]): Promise<number> {
  const done = await benchEngine(argv, isCompiled());
  return done === null ? 0 : await report(done.result, done.options);
}

/** Prints the result and writes it to files; returns the exit code. */
async function report(
  result: BenchResult,
  { isJson, outPaths }: Pick<BenchOptions, "isJson" | "outPaths">,
): Promise<number> {
  await Bun.write(Bun.stdout, isJson ? formatJson(result) : formatSummary(result));
  for (const path of outPaths) writeResult(path, result);
  return result.isFailed ? 1 : 0;
}

async function measure(options: BenchOptions, argv: string[]): Promise<BenchResult> {
  const isTerminal = process.stderr.isTTY === true;
  const progress = new Progress(options.isQuiet, isTerminal, (text) => process.stderr.write(text));
  for (const notice of options.notices) progress.say(notice);
  const startedAt = new Date().toISOString();
  const environment = readEnvironment(isCompiled());
  const { targets: plans, phases, ...load } = makePlan(options);
  const targets = await runPlan({ ...load, targets: plans, phases }, selfCommand(), progress);
  return {
    kind: "bench",
    schemaVersion: SCHEMA_VERSION,
    tool: { name: "kv bench", version: VERSION, commit: COMMIT },
    startedAt,
    argv,
    environment,
    plan: load,
    targets,
    warnings: findWarnings(targets, environment),
    isFailed: targets.some((target) =>
      target.phases.some((phase) => phase.summary.errorsTotal > 0),
    ),
  };
}

/** A result that cannot be kept is worth nothing: better to know before the run than after it. */
function checkWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw new FatalError(`Cannot write ${JSON.stringify(path)}: ${reasonOf(error)}`);
  }
}

function writeResult(path: string, result: BenchResult): void {
  try {
    writeFileSync(path, formatJson(result));
  } catch (error) {
    throw new FatalError(`Cannot write ${JSON.stringify(path)}: ${reasonOf(error)}`);
  }
}

/**
 * Whether this is the compiled executable: its modules are in a virtual folder, /$bunfs on Unix and
 * B:/~BUN on Windows.
 */
function isCompiled(): boolean {
  return /\$bunfs|~BUN/.test(import.meta.url);
}

/** The command that runs this very program again, to be followed by a subcommand and its flags. */
function selfCommand(): string[] {
  if (isCompiled()) return [process.execPath];
  return [process.execPath, Bun.fileURLToPath(new URL("./main.ts", import.meta.url))];
}
