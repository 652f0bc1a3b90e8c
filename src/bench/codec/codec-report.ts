/**
 * Codec result → text: the table for the terminal, Markdown, CSV, JSON. Pure.
 *
 * A table for each shape, so that what stands below each other can be compared. ± is the largest
 * spread among the four times of a row: half of the distance between its slowest and fastest round,
 * by the median.
 */
import { formatDurationNs } from "../../base/units.ts";
import type { Terminal } from "../report/terminal.ts";
import { formatTextTable } from "../report/text-table.ts";
import { type CodecResult, type CodecRow, OPERATIONS, spreadOf } from "./codec-result.ts";

const HEAD = ["Format", "Bytes", "zstd", "Encode", "Decode", "Check", "Read one", "±"];

export function formatCodecTable(result: CodecResult, terminal: Terminal): string {
  const parts = result.shapes.map(({ name, title }) => {
    const table = { title, head: HEAD, rows: cellsOf(result, name), leftCount: 1 };
    return `${name}: ${title}\n${formatTextTable(table, terminal)}\n`;
  });
  const warnings = result.warnings.map((warning) => `warning: ${warning}\n`);
  return `${parts.join("\n")}\n${legendOf(result).join("\n")}\n${warnings.join("")}`;
}

export function formatCodecMarkdown(result: CodecResult): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |\n`;
  const rule = line(HEAD.map((_, column) => (column === 0 ? "---" : "---:")));
  const parts = result.shapes.map(({ name, title }) => {
    const rows = cellsOf(result, name).map(line);
    return `### ${name}: ${title}\n\n${line(HEAD)}${rule}${rows.join("")}\n`;
  });
  const { processor, cores, bunVersion } = result.environment;
  const machine = `Measured on ${processor}, ${cores} cores, Bun ${bunVersion}.`;
  const warnings = result.warnings.map((warning) => `\nWarning: ${warning}.\n`);
  return `${parts.join("")}${legendOf(result).join(" ")} ${machine}\n${warnings.join("")}`;
}

/** Nanoseconds and bytes as plain numbers, one line for each format and shape. */
export function formatCodecCsv(result: CodecResult): string {
  const names = OPERATIONS.flatMap((each) => [`${each}Ns`, `${each}NsMin`, `${each}NsMax`]);
  const head = ["shape", "format", "bytes", "zstdBytes", ...names];
  const lines = result.rows.map(({ shape, format, bytes, zstdBytes, times }) => {
    const numbers = OPERATIONS.flatMap((each) => {
      const { medianNs, minNs, maxNs } = times[each];
      return [medianNs, minNs, maxNs];
    });
    return [shape, format, ...[bytes, zstdBytes, ...numbers].map((number) => number.toFixed(1))];
  });
  return [head, ...lines].map((cells) => `${cells.join(",")}\n`).join("");
}

export function formatCodecJson(result: CodecResult): string {
  const text = JSON.stringify(result, null, 2);
  // The rounds of one figure stay on one line.
  const rounds = /"roundsNs": \[[^\]]*\]/g;
  return `${text.replaceAll(rounds, (list) => list.replaceAll(/\s+/g, " "))}\n`;
}

function cellsOf({ rows, plan }: CodecResult, shape: string): string[][] {
  return rows.filter((row) => row.shape === shape).map((row) => rowCells(row, plan.rounds));
}

function rowCells(row: CodecRow, rounds: number): string[] {
  const { format, isReadInPlace, bytes, zstdBytes, times } = row;
  const spread = Math.max(...OPERATIONS.map((each) => spreadOf(times[each])));
  return [
    isReadInPlace ? `${format} *` : format,
    formatBytes(bytes),
    formatBytes(zstdBytes),
    ...OPERATIONS.map((each) => formatDurationNs(times[each].medianNs)),
    rounds === 1 ? "–" : `${Math.round(spread * 100)} %`,
  ];
}

/** Averages over values of different sizes: whole bytes are enough from 100 on. */
function formatBytes(bytes: number): string {
  return bytes.toFixed(bytes < 100 && !Number.isInteger(bytes) ? 1 : 0);
}

function legendOf({ plan, compressibility }: CodecResult): string[] {
  const rounds = plan.rounds === 1 ? "One round" : `Medians of ${plan.rounds} rounds`;
  return [
    `${rounds}, each a process of its own for each format; zstd level ${plan.zstdLevel}, each`,
    `value by itself; ${compressibility * 100} % of texts and blobs repeat. Decode makes an`,
    "object, Check reads every field and compares it (in place: *), Read one reads one number: an",
    "id, that of the last message, or the last measurement.",
  ];
}
