/** Result → the text of a `.json` file: schemas/bench-result.schema.json describes it. Pure. */
import type { AbResult } from "../ab-result.ts";
import type { BenchResult } from "../result.ts";

/** Indented, except that each histogram bucket stays on one line. */
export function formatJson(result: BenchResult | AbResult): string {
  const text = JSON.stringify(result, null, 2);
  return `${text.replaceAll(/\[\s+(\d+),\s+(\d+)\s+\]/g, "[$1, $2]")}\n`;
}
