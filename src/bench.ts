/**
 * `kv bench`: command line in, result out.
 *
 *      argv ─ options ─ plan ─ run (loop, driver, recorder) ─ result ─ report
 *
 * The summary goes to standard output, everything else (progress, notices) to standard error.
 * Exit codes: 0, 1 when a target could not be measured, any operation failed or a condition of
 * --fail-if holds, 64 for a command line that makes no sense.
 */
import { UsageError } from "./base/errors.ts";
import { compareResults } from "./bench/compare.ts";
import { findViolations } from "./bench/conditions.ts";
import { progressOn } from "./bench/progress.ts";
import { parseResult } from "./bench/read-result.ts";
import { visible } from "./bench/report/cells.ts";
import { formatComparison } from "./bench/report/compare-report.ts";
import { exportResult } from "./bench/report/exporters.ts";
import { formatJson } from "./bench/report/json.ts";
import { formatSummary } from "./bench/report/table.ts";
import { terminalOf } from "./bench/report/terminal.ts";
import { checkWritable, readText, writeFiles } from "./bench-files.ts";
import { measure } from "./bench-measure.ts";
import { parseBenchOptions } from "./cli/bench-options.ts";
import { BENCH_SUBCOMMANDS, type BenchSubcommand } from "./cli/bench-subcommands.ts";

/** Resolves with the exit code; `argv` is what follows the name of the subcommand. */
type Run = (argv: string[]) => Promise<number>;

/** Each is loaded when it is asked for. */
const SUBCOMMANDS: Record<BenchSubcommand, () => Promise<Run>> = {
  report: async () => (await import("./bench-report.ts")).benchReport,
  compare: async () => (await import("./bench-compare.ts")).benchCompare,
  ab: async () => (await import("./bench-ab.ts")).benchAb,
  calibrate: async () => (await import("./bench-calibrate.ts")).benchCalibrate,
  codec: async () => (await import("./bench-codec.ts")).benchCodec,
  engine: async () => (await import("./bench-engine.ts")).benchEngine,
};

/**
 * Runs `kv bench` with the arguments behind its name; returns the exit code. Throws UsageError and
 * FatalError.
 */
export async function bench(argv: string[]): Promise<number> {
  const name = argv[0];
  if (name === undefined || name.startsWith("-")) return await run(argv);
  if (Object.hasOwn(SUBCOMMANDS, name)) {
    const subcommand = await SUBCOMMANDS[name as BenchSubcommand]();
    return await subcommand(argv.slice(1));
  }
  const known = Object.keys(BENCH_SUBCOMMANDS).join(", ");
  throw new UsageError(`${name}: unknown subcommand of kv bench, known are ${known}`);
}

async function run(argv: string[]): Promise<number> {
  const options = parseBenchOptions(argv);
  if (options === null) return 0;
  const { outPaths, baselinePath, conditions, isJson } = options;
  for (const path of outPaths) checkWritable(path);
  const baseline = baselinePath === null ? null : parseResult(readText(baselinePath), baselinePath);
  const progress = progressOn(process.stderr, options.isQuiet);
  for (const notice of options.notices) progress.say(notice);
  const result = await measure(options, argv, progress);
  const comparison = baseline === null ? null : compareResults(baseline, result);
  const violations = findViolations(conditions, result, comparison);
  const terminal = terminalOf(process.stdout, process.env);
  const parts = isJson ? [formatJson(result)] : [formatSummary(result, terminal)];
  if (comparison !== null && !isJson) parts.push(formatComparison(comparison, [], terminal));
  await Bun.write(Bun.stdout, parts.join("\n"));
  process.stderr.write(violations.map((line) => `FAILED: ${visible(line)}\n`).join(""));
  writeFiles(outPaths.flatMap((path) => exportResult(result, path)));
  return result.isFailed || violations.length > 0 ? 1 : 0;
}
