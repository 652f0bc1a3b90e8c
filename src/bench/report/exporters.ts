/**
 * The kinds of files that a result is written to, by the ending of their names. Each is a pure
 * function of the result.
 *
 * When adding a kind: its file here, the help of --out, docs/internals/bench-files.md.
 */
import type { BenchResult } from "../result.ts";
import { formatCsv } from "./csv.ts";
import { endingOf } from "./file-endings.ts";
import { formatHgrm } from "./hgrm.ts";
import { formatHtml } from "./html.ts";
import { formatJson } from "./json.ts";
import { formatMarkdown } from "./markdown.ts";
import { formatPrometheus } from "./prometheus.ts";

export interface OutputFile {
  path: string;
  text: string;
}

/** Result and path → the files to write: one, unless the kind holds one histogram a file. */
type Exporter = (result: BenchResult, path: string) => OutputFile[];

export const EXPORTERS: Record<string, Exporter> = {
  ".json": single(formatJson),
  ".html": single(formatHtml),
  ".csv": single(formatCsv),
  ".md": single(formatMarkdown),
  ".prom": single(formatPrometheus),
  ".hgrm": hgrmFiles,
};

function single(format: (result: BenchResult) => string): Exporter {
  return (result, path) => [{ path, text: format(result) }];
}

/** x.hgrm for one histogram; for several, x-kv-read-simple.hgrm and so on. */
function hgrmFiles(result: BenchResult, path: string): OutputFile[] {
  const files = formatHgrm(result);
  const [only, second] = files;
  if (only !== undefined && second === undefined) return [{ path, text: only.text }];
  const stem = path.slice(0, -".hgrm".length);
  return files.map(({ name, text }) => ({ path: `${stem}-${name}.hgrm`, text }));
}

/** The files that `result` becomes at `path`, whose ending is a key of EXPORTERS. */
export function exportResult(result: BenchResult, path: string): OutputFile[] {
  return EXPORTERS[endingOf(path, Object.keys(EXPORTERS)) ?? ".json"]?.(result, path) ?? [];
}
