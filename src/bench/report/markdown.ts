/**
 * Result → Markdown for a README or an issue: the tables, the fairness sheet, the machine, warnings
 * and failures. Pure.
 */
import type { BenchResult } from "../result.ts";
import { type Table, textOf } from "./cells.ts";
import { repeatCommand } from "./command-line.ts";
import { environmentPairs, fairnessTable, loadLines } from "./fairness.ts";
import { comparisonLines, failureLines, latencyNotes } from "./table.ts";
import { tablesOf } from "./tables.ts";

export function formatMarkdown(result: BenchResult): string {
  const [figures, ...others] = tablesOf(result);
  const { environment, activity, tool, startedAt } = result;
  const machine = environmentPairs(environment, activity).map((pair) => pair.join(" "));
  const parts = [
    ...failureLines(result).map((text) => `**FAILED:** ${escapeMarkdown(text)}\n`),
    ...(figures === undefined ? [] : [markdownTable(figures)]),
    ...[...comparisonLines(result), ...latencyNotes(result)].map(
      (line) => `${escapeMarkdown(line)}\n`,
    ),
    ...[...others, fairnessTable(result.targets)].map(
      (table) => `**${escapeMarkdown(table.title)}**\n\n${markdownTable(table)}`,
    ),
    `${list([...loadLines(result), `machine: ${machine.join("; ")}`])}`,
    ...(result.warnings.length === 0
      ? []
      : [list(result.warnings.map((text) => `warning: ${text}`))]),
    `${tool.name} ${tool.version}, ${startedAt}:\n\n${codeBlock(repeatCommand(result.argv))}`,
  ];
  return parts.join("\n");
}

/** Figures to the right; ends with a line end. */
export function markdownTable({ head, rows, leftCount }: Table): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, column) => (column < leftCount ? ":--" : "--:"));
  const body = rows.map((row) => line(row.map((cell) => escapeMarkdown(textOf(cell)))));
  return `${[line(head.map(escapeMarkdown)), line(rule), ...body].join("\n")}\n`;
}

function list(lines: string[]): string {
  return `${lines.map((line) => `- ${escapeMarkdown(line)}`).join("\n")}\n`;
}

/** Four blanks in front of each line: a fence could be closed by what is in it. */
function codeBlock(text: string): string {
  return `${text.replaceAll(/^/gm, "    ")}\n`;
}

/** What would be markup, or end the cell, stands for itself; HTML does not get through. */
export function escapeMarkdown(text: string): string {
  return text
    .replaceAll(/[\\`*_[\]|#~]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/\s+/g, " ");
}
