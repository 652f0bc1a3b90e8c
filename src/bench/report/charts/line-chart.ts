/** A chart of lines over two axes, with a point to hover over at each value. Pure. */
import type { Axis } from "./scale.ts";
import { type ChartText, escapeHtml, place, seriesClass, svg, svgText, WIDTH } from "./svg.ts";

const HEIGHT = 230;
const LEFT = 52;
const RIGHT = 14;
const TOP = 26;
const BOTTOM = 42;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;
/** Ticks of the axis below that are closer than this would run into each other. */
const TICK_GAP_MIN = 42;

export interface Point {
  x: number;
  y: number;
  /** What a reader sees who points at it. */
  tip: string;
  /** Drawn as a ring: a value with a flaw. */
  isHollow?: boolean;
}

export interface Series {
  /** Which colour and dash. */
  index: number;
  /** A null is a gap. */
  points: (Point | null)[];
  /** A second line in the same colour. */
  isThin?: boolean;
  /** Points are shown, not only found by pointing. */
  hasDots?: boolean;
}

export function lineChart(id: string, text: ChartText, x: Axis, y: Axis, series: Series[]): string {
  return svg(id, HEIGHT, text, [
    ...yGrid(y),
    ...xTicks(x),
    svgText(WIDTH - RIGHT, HEIGHT - 6, "axis end", x.label),
    svgText(0, 11, "axis", y.label),
    ...series.flatMap((each) => drawSeries(each, x, y)),
  ]);
}

function yGrid(y: Axis): string[] {
  return y.ticks.flatMap(({ value, label }) => {
    const at = TOP + PLOT_HEIGHT * (1 - y.at(value));
    return [
      `<path class="grid" d="M${LEFT} ${place(at)}h${PLOT_WIDTH}"/>`,
      svgText(LEFT - 6, at + 4, "tick end", label),
    ];
  });
}

function xTicks(x: Axis): string[] {
  let before = Number.NEGATIVE_INFINITY;
  return x.ticks.flatMap(({ value, label }) => {
    const at = LEFT + PLOT_WIDTH * x.at(value);
    if (at - before < TICK_GAP_MIN) return [];
    before = at;
    return [
      `<path class="grid" d="M${place(at)} ${TOP}v${PLOT_HEIGHT}"/>`,
      svgText(at, TOP + PLOT_HEIGHT + 16, "tick middle", label),
    ];
  });
}

function drawSeries({ index, points, isThin, hasDots }: Series, x: Axis, y: Axis): string[] {
  let isDrawing = false;
  let path = "";
  const dots: string[] = [];
  for (const point of points) {
    if (point === null) {
      isDrawing = false;
      continue;
    }
    const at = [
      place(LEFT + PLOT_WIDTH * x.at(point.x)),
      place(TOP + PLOT_HEIGHT * (1 - y.at(point.y))),
    ] as const;
    path += `${isDrawing ? "L" : "M"}${at[0]} ${at[1]}`;
    isDrawing = true;
    dots.push(drawPoint(at, point));
  }
  const classes = `${seriesClass(index)}${isThin ? " thin" : ""}${hasDots ? " dots" : ""}`;
  return [`<g class="${classes}"><path class="line" d="${path}"/>`, ...dots, "</g>"];
}

function drawPoint([x, y]: readonly [string, string], { tip, isHollow }: Point): string {
  const className = isHollow ? "point hollow" : "point";
  const title = `<title>${escapeHtml(tip)}</title>`;
  return `<circle class="${className}" cx="${x}" cy="${y}" r="4">${title}</circle>`;
}
