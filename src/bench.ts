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
import { VERSION } from "./base/version.ts";
import { backendOf } from "./bench/backends.ts";
import { readEnvironment } from "./bench/environment.ts";
import { type BenchOptions, makePlan, type Plan } from "./bench/plan.ts";
import { Progress } from "./bench/progress.ts";
import { formatJson } from "./bench/report/json.ts";
import { formatSummary } from "./bench/report/table.ts";
import {
  type BenchResult,
  findWarnings,
  SCHEMA_VERSION,
  type TargetResult,
} from "./bench/result.ts";
import { runTarget } from "./bench/run.ts";
import { parseBenchOptions } from "./cli/bench-options.ts";

/**
 * Runs `kv bench` with the arguments behind its name; returns the exit code. Throws UsageError and
 * FatalError.
 */
export async function bench(argv: string[]): Promise<number> {
  if (argv[0] === "codec") {
    return (await import("./codec.ts")).codec(argv.slice(1), selfCommand(), isCompiled());
  }
  const options = parseBenchOptions(argv);
  if (options === null) return 0;
  if (options.outPath !== null) checkWritable(options.outPath);
  const plan = makePlan(options, (backend) => backendOf(backend).urlDefault);
  const result = await runPlan(plan, options, argv);
  await Bun.write(Bun.stdout, formatSummary(result));
  if (options.outPath !== null) writeResult(options.outPath, result);
  return result.isFailed ? 1 : 0;
}

async function runPlan(plan: Plan, options: BenchOptions, argv: string[]): Promise<BenchResult> {
  const isTerminal = process.stderr.isTTY === true;
  const progress = new Progress(options.isQuiet, isTerminal, (text) => process.stderr.write(text));
  const startedAt = new Date().toISOString();
  const environment = readEnvironment(isCompiled());
  const targets: TargetResult[] = [];
  for (const target of plan.targets) {
    targets.push(await runTarget(plan, target, selfCommand(), progress));
  }
  const { targets: _targets, phases: _phases, ...load } = plan;
  const phases = targets.flatMap((target) => target.phases);
  return {
    schemaVersion: SCHEMA_VERSION,
    tool: { name: "kv bench", version: VERSION },
    startedAt,
    argv,
    environment,
    plan: load,
    targets,
    warnings: findWarnings(targets, environment),
    isFailed: phases.some((phase) => phase.errors.total > 0),
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
