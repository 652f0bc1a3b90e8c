/**
 * The kinds of files that a result is written to, by their ending. Each is a pure function of the
 * result.
 *
 * When adding a kind: its file here, the help of --out, docs/internals/bench-files.md.
 */
import type { BenchResult } from "../result.ts";
import { formatCsv } from "./csv.ts";
import { formatHtml } from "./html.ts";
import { formatJson } from "./json.ts";
import { formatMarkdown } from "./markdown.ts";
import { formatPrometheus } from "./prometheus.ts";

/** Ending → text. */
export const EXPORTERS: Record<string, (result: BenchResult) => string> = {
  ".json": formatJson,
  ".html": formatHtml,
  ".csv": formatCsv,
  ".md": formatMarkdown,
  ".prom": formatPrometheus,
};

/** The ending of `path` that is a key of `kinds`; null for none. Case does not matter. */
export function kindOf(path: string, kinds: Record<string, unknown> = EXPORTERS): string | null {
  return Object.keys(kinds).find((kind) => path.toLowerCase().endsWith(kind)) ?? null;
}
