/**
 * A table as plain text: columns as wide as their widest cell, two blanks between them, a rule
 * under the head.
 *
 * Pure. Cells are text already; the first `leftCount` columns are aligned to the left, the rest to
 * the right.
 */

/** Lines without a line end after the last. All rows have as many cells as `head`. */
export function formatTextTable(head: string[], rows: string[][], leftCount: number): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < leftCount ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [line(head), rule, ...rows.map(line)].join("\n");
}
