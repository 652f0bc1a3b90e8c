/**
 * A table as plain text: columns as wide as their widest cell, two blanks between them, a rule
 * under the head. Where the terminal is too narrow for that, each row becomes a paragraph:
 *
 *      kv  READ (Simple)
 *        Rate/s 1,500,000   MB/s 192.00
 *        p99 1.50 ms
 *
 * Pure. Widths are those on a terminal (Bun.stringWidth): wide characters count twice.
 */
import { type Table, textOf } from "./cells.ts";
import { paint, type Terminal } from "./terminal.ts";

const COLUMN_GAP = "  ";
const PAIR_GAP = "   ";
const INDENT = "  ";

/** Lines without a line end after the last; the title is not part of it. */
export function formatTextTable(table: Table, terminal: Terminal): string {
  const widths = table.head.map((cell, column) =>
    Math.max(widthOf(cell), ...table.rows.map((row) => widthOf(textOf(row[column] ?? "")))),
  );
  const total = widths.reduce((sum, width) => sum + width + COLUMN_GAP.length, -COLUMN_GAP.length);
  return total > terminal.columnsCount
    ? formatParagraphs(table, terminal)
    : formatColumns(table, widths, terminal);
}

function formatColumns(table: Table, widths: number[], terminal: Terminal): string {
  const { head, rows, leftCount } = table;
  const line = (cells: Table["rows"][number], isHead: boolean) => {
    const padded = cells.map((cell, column) => {
      const text = textOf(cell);
      const blanks = " ".repeat((widths[column] ?? 0) - widthOf(text));
      const tone = isHead ? "head" : typeof cell === "string" ? null : cell.tone;
      const painted = paint(terminal, tone, text);
      return column < leftCount ? painted + blanks : blanks + painted;
    });
    return padded.join(COLUMN_GAP).trimEnd();
  };
  const rule = widths
    .map((width) => "─".repeat(width))
    .join(COLUMN_GAP)
    .trimEnd();
  return [line(head, true), rule, ...rows.map((row) => line(row, false))].join("\n");
}

function formatParagraphs({ head, rows, leftCount }: Table, terminal: Terminal): string {
  return rows
    .map((row) => {
      const names = row.slice(0, leftCount).map(textOf).join(COLUMN_GAP);
      const pairs = row.slice(leftCount).map((cell, index) => {
        const tone = typeof cell === "string" ? null : cell.tone;
        return `${head[leftCount + index]} ${paint(terminal, tone, textOf(cell))}`;
      });
      return [paint(terminal, "head", names), ...wrapPairs(pairs, terminal.columnsCount)].join(
        "\n",
      );
    })
    .join("\n");
}

/** As many pairs in a line as fit; one that fits nowhere has a line of its own. */
function wrapPairs(pairs: string[], columnsCount: number): string[] {
  const lines: string[] = [];
  for (const pair of pairs) {
    const longer = `${lines.at(-1)}${PAIR_GAP}${pair}`;
    if (lines.length > 0 && widthOf(longer) <= columnsCount) lines[lines.length - 1] = longer;
    else lines.push(`${INDENT}${pair}`);
  }
  return lines;
}

function widthOf(text: string): number {
  return Bun.stringWidth(text);
}
