/**
 * `kv bench compare old.json new.json`: what changed, and whether a condition of --fail-if holds.
 * Exit codes: 0, 1 when one does or a file cannot be read, 64 for a wrong command line.
 */
import { compareResults } from "./bench/compare.ts";
import { findViolations } from "./bench/conditions.ts";
import { parseResult } from "./bench/read-result.ts";
import { COMPARISON_EXPORTERS, formatComparison } from "./bench/report/compare-report.ts";
import { endingOf } from "./bench/report/file-endings.ts";
import { terminalOf } from "./bench/report/terminal.ts";
import { checkWritable, readText, writeFiles } from "./bench-files.ts";
import { parseCompareOptions } from "./cli/bench-compare-options.ts";

/** Resolves with the exit code; `argv` is what follows "compare". Throws UsageError, FatalError. */
export async function benchCompare(argv: string[]): Promise<number> {
  const options = parseCompareOptions(argv);
  if (options === null) return 0;
  for (const path of options.outPaths) checkWritable(path);
  const { oldPath, newPath, conditions, isJson } = options;
  const old = parseResult(readText(oldPath), oldPath);
  const latest = parseResult(readText(newPath), newPath);
  const comparison = compareResults(old, latest);
  const violations = findViolations(conditions, latest, comparison);
  const terminal = terminalOf(process.stdout, process.env);
  const text = isJson
    ? `${JSON.stringify(comparison, null, 2)}\n`
    : formatComparison(comparison, violations, terminal);
  await Bun.write(Bun.stdout, text);
  if (isJson) process.stderr.write(violations.map((line) => `FAILED: ${line}\n`).join(""));
  writeFiles(
    options.outPaths.flatMap((path) => {
      const ending = endingOf(path, Object.keys(COMPARISON_EXPORTERS)) ?? "";
      const format = COMPARISON_EXPORTERS[ending];
      return format === undefined ? [] : [{ path, text: format(comparison, violations) }];
    }),
  );
  return violations.length > 0 ? 1 : 0;
}
