/**
 * Bars from left to right, one for each target, with its name and figure above and the confidence
 * interval as a whisker. Pure.
 *
 *      kv                     1,500,000/s ± 1.2 %
 *      ████████████████████████████├─┤
 */
import { type ChartText, escapeHtml, place, seriesClass, svg, svgText, WIDTH } from "./svg.ts";

const ROW_HEIGHT = 44;
const BAR_HEIGHT = 16;
const TEXT_HEIGHT = 20;
const WHISKER_HALF = 5;
/** Space for whiskers that reach beyond the longest bar. */
const RIGHT = 8;

export interface Bar {
  name: string;
  value: number;
  /** The figure as text. */
  figure: string;
  interval: readonly [low: number, high: number] | null;
  index: number;
  isFailed: boolean;
}

export function barChart(id: string, text: ChartText, bars: Bar[]): string {
  const max = Math.max(...bars.map((bar) => Math.max(bar.value, bar.interval?.[1] ?? 0)), 1e-9);
  const scale = (WIDTH - RIGHT) / max;
  return svg(
    id,
    bars.length * ROW_HEIGHT + 4,
    text,
    bars.flatMap((bar, row) => drawBar(bar, row * ROW_HEIGHT, scale)),
  );
}

function drawBar(bar: Bar, top: number, scale: number): string[] {
  const { name, value, figure, interval, index, isFailed } = bar;
  const width = place(Math.max(value * scale, 1));
  const barTop = top + TEXT_HEIGHT;
  const title = `<title>${escapeHtml(`${name}: ${figure}`)}</title>`;
  return [
    `<g class="${seriesClass(index)}${isFailed ? " failed" : ""}">${title}`,
    svgText(0, top + 14, "name", name),
    svgText(WIDTH, top + 14, "figure end", isFailed ? `failed, ${figure}` : figure),
    `<rect class="track" x="0" y="${barTop}" width="${WIDTH}" height="${BAR_HEIGHT}" rx="3"/>`,
    `<rect class="bar" x="0" y="${barTop}" width="${width}" height="${BAR_HEIGHT}" rx="3"/>`,
    ...(interval === null ? [] : [drawWhisker(interval, barTop + BAR_HEIGHT / 2, scale)]),
    "</g>",
  ];
}

function drawWhisker([low, high]: readonly [number, number], y: number, scale: number): string {
  const [from, to] = [Math.max(low, 0) * scale, high * scale].map(place);
  const cap = `v${2 * WHISKER_HALF}`;
  const top = y - WHISKER_HALF;
  return `<path class="whisker" d="M${from} ${top}${cap}M${to} ${top}${cap}M${from} ${y}H${to}"/>`;
}
