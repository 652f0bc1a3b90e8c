/**
 * Charts as inline SVG: text in, text out, no script needed. Colours and fonts are the page's
 * (web/report.css) by class; every string is escaped.
 *
 * A chart is WIDTH wide in its own units and is scaled by the page: narrow enough that its letters
 * can be read on a phone.
 */
import { visible } from "../cells.ts";

export const WIDTH = 340;
/** Colours and dashes in web/report.css; more series than that share them. */
const SERIES_CLASSES_COUNT = 8;

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for an element or an attribute: nothing of it is markup. */
export function escapeHtml(text: string): string {
  return visible(text).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

export function seriesClass(index: number): string {
  return `s${index % SERIES_CLASSES_COUNT}`;
}

/** A place in a chart, short enough to read the source. */
export function place(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export interface ChartText {
  title: string;
  /** What the chart says, for those who do not see it. */
  description: string;
}

/** The whole element; `id` is unique on the page. */
export function svg(id: string, height: number, text: ChartText, content: string[]): string {
  const labelled = `role="img" aria-labelledby="${id}-t ${id}-d"`;
  return [
    `<svg class="chart" viewBox="0 0 ${WIDTH} ${height}" ${labelled}>`,
    `<title id="${id}-t">${escapeHtml(text.title)}</title>`,
    `<desc id="${id}-d">${escapeHtml(text.description)}</desc>`,
    ...content,
    "</svg>",
  ].join("\n");
}

export function svgText(x: number, y: number, className: string, text: string): string {
  return `<text class="${className}" x="${place(x)}" y="${place(y)}">${escapeHtml(text)}</text>`;
}
