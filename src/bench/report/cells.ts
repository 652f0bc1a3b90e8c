/**
 * Tables as plain data, and how figures are worded in their cells. What a summary shows on a
 * terminal, in Markdown and in HTML are the same tables.
 */
import { formatDurationNs } from "../../base/units.ts";

/** How a reader should take a cell: as a failure, with doubt, or as good news. */
export type Tone = "bad" | "doubtful" | "good";

export type Cell = string | { text: string; tone: Tone };

export interface Table {
  title: string;
  head: string[];
  /** As many cells in each as in `head`. */
  rows: Cell[][];
  /** Columns from the left that hold names; the others hold figures. */
  leftCount: number;
}

/** What stands where there is no figure: too few samples, not measured, not applicable. */
export const NONE = "–";

export function textOf(cell: Cell): string {
  return visible(typeof cell === "string" ? cell : cell.text);
}

/**
 * Names and errors come from servers: whatever would move a cursor, colour a terminal or turn the
 * direction of writing is shown as a replacement character instead.
 */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, "\ufffd");
}

export function toned(text: string, tone: Tone | null): Cell {
  return tone === null ? text : { text, tone };
}

/** "1,234,567", and three digits of what is below 100. */
export function rateText(perSecond: number): string {
  if (Math.abs(perSecond) >= 99.95) return Math.round(perSecond).toLocaleString("en-US");
  return String(Number(perSecond.toPrecision(3)));
}

export function countText(count: number): string {
  return count.toLocaleString("en-US");
}

/** A whole number that should be 0. */
export function faultsCell(count: number): Cell {
  return toned(countText(count), count > 0 ? "bad" : null);
}

export function durationText(ns: number | null | undefined): string {
  return ns === null || ns === undefined ? NONE : formatDurationNs(ns);
}

/** "12.3 %", with a sign where it is a change. */
export function percentText(share: number, isChange = false): string {
  const percent = share * 100;
  const digits = Math.abs(percent) < 9.995 ? 2 : 1;
  const sign = isChange && percent > 0 ? "+" : "";
  // A tiny negative number must not print as "-0.00".
  const text = percent.toFixed(digits);
  return `${sign}${Number(text) === 0 ? text.replace("-", "") : text} %`;
}
