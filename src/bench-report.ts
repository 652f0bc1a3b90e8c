/**
 * `kv bench report x.json -o x.html`: a result that was measured before, as every kind of file that
 * `--out` knows, or as the summary on standard output.
 */
import { FatalError, UsageError } from "./base/errors.ts";
import { parseAnyResult } from "./bench/read-result.ts";
import { AB_EXPORTERS, formatAb } from "./bench/report/ab-report.ts";
import { exportResult, type OutputFile } from "./bench/report/exporters.ts";
import { endingOf } from "./bench/report/file-endings.ts";
import { formatSummary } from "./bench/report/table.ts";
import { terminalOf } from "./bench/report/terminal.ts";
import { checkWritable, readText, writeFiles } from "./bench-files.ts";
import { parseReportOptions } from "./cli/bench-report-options.ts";

/** Resolves with the exit code; `argv` is what follows "report". Throws UsageError, FatalError. */
export async function benchReport(argv: string[]): Promise<number> {
  const options = parseReportOptions(argv);
  if (options === null) return 0;
  const { path, outPaths } = options;
  for (const outPath of outPaths) checkWritable(outPath);
  const result = parseAnyResult(readText(path), path);
  if (outPaths.length === 0) {
    const terminal = terminalOf(process.stdout, process.env);
    const text =
      result.kind === "bench" ? formatSummary(result, terminal) : formatAb(result, terminal);
    await Bun.write(Bun.stdout, text);
    return 0;
  }
  writeFiles(outPaths.flatMap((outPath) => filesOf(result, outPath)));
  return 0;
}

function filesOf(result: ReturnType<typeof parseAnyResult>, path: string): OutputFile[] {
  if (result.kind === "bench") {
    const files = exportResult(result, path);
    if (files.length > 0) return files;
    throw new FatalError(`Cannot write ${JSON.stringify(path)}: the result has no latencies`);
  }
  const kinds = Object.keys(AB_EXPORTERS);
  const format = AB_EXPORTERS[endingOf(path, kinds) ?? ""];
  if (format !== undefined) return [{ path, text: format(result) }];
  const known = kinds.join(", ");
  throw new UsageError(`--out: a result of kv bench ab can be ${known} (${path})`);
}
