/** Result of `kv bench ab` → text, Markdown, HTML, JSON. Pure. */
import { formatDurationNs } from "../../base/units.ts";
import type { AbResult, PairedSlices } from "../ab-result.ts";
import { estimate } from "../summarize.ts";
import { type Cell, NONE, percentText, rateText, type Table, toned, visible } from "./cells.ts";
import { lineChart, type Point } from "./charts/line-chart.ts";
import { linearAxis, rangeAxis } from "./charts/scale.ts";
import { escapeHtml } from "./charts/svg.ts";
import { environmentPairs, fairnessTable } from "./fairness.ts";
import {
  definitions,
  htmlPage,
  htmlTable,
  legendList,
  noticesSection,
  paragraph,
  repeatSection,
  section,
} from "./html.ts";
import { formatJson } from "./json.ts";
import { escapeMarkdown, markdownTable } from "./markdown.ts";
import { PLAIN, paint, type Terminal } from "./terminal.ts";
import { formatTextTable } from "./text-table.ts";

function abTable({ phases }: AbResult): Table {
  return {
    title: "Paired comparison",
    head: [
      ...["Operation", "Compared", "First/s", "Second/s", "Change", "95 % interval", "p"],
      ...["Pairs", "Smallest effect", "Verdict"],
    ],
    leftCount: 2,
    rows: phases.flatMap(({ label, noise, comparison }) => [
      [label, "a with itself", ...pairedCells(noise, true)],
      [label, "a with b", ...pairedCells(comparison, false)],
    ]),
  };
}

function pairedCells({ ratesA, ratesB, paired }: PairedSlices, isNoise: boolean): Cell[] {
  const { ratio, ratioInterval95, pValue, pairsCount, detectableRatio, verdict } = paired;
  const isSeen = verdict !== "no difference seen";
  const interval =
    ratioInterval95 === null
      ? NONE
      : [ratioInterval95.low, ratioInterval95.high]
          .map((ratioEnd) => percentText(ratioEnd - 1, true))
          .join(" to ");
  const noiseVerdict = isSeen ? toned("differs from itself", "doubtful") : "alike";
  return [
    rateText(estimate(ratesA).median),
    rateText(estimate(ratesB).median),
    percentText(ratio - 1, true),
    interval,
    pValue < 0.001 ? "< 0.001" : pValue.toFixed(3),
    String(pairsCount),
    detectableRatio === null ? NONE : percentText(detectableRatio - 1),
    isNoise ? noiseVerdict : toned(verdict, isSeen ? "good" : null),
  ];
}

/** One sentence for each operation. */
function verdictLines({ phases, sides }: AbResult): string[] {
  const [a, b] = sides.map(({ target }) => target.label);
  return phases.map(({ label, comparison: { paired } }) => {
    const { verdict, ratio, detectableRatio } = paired;
    const seen = detectableRatio === null ? "" : percentText(detectableRatio - 1);
    if (verdict === "no difference seen") {
      return `${label}: no difference seen; one of less than ${seen || "any size"} may be there`;
    }
    const [faster, slower, by] = ratio > 1 ? [b, a, ratio] : [a, b, 1 / ratio];
    return `${label}: ${faster} is ${percentText(by - 1)} faster than ${slower}`;
  });
}

function methodLine({ sliceMs, roundsCount }: AbResult): string {
  const slice = formatDurationNs(sliceMs * 1e6);
  return (
    `${roundsCount} pairs of slices of ${slice}, in the order a b, b a, …; both servers were up ` +
    "all the time. The smallest effect is what 80 of 100 such sessions would see."
  );
}

/** Ends with a line end. */
export function formatAb(result: AbResult, terminal: Terminal = PLAIN): string {
  const { sides, environment, activity, warnings } = result;
  const fairness = fairnessTable(sides.map(({ target }) => target));
  const machine = environmentPairs(environment, activity).map((pair) => pair.join(" "));
  const lines = [
    formatTextTable(abTable(result), terminal),
    ...verdictLines(result).map((line) => paint(terminal, "head", visible(line))),
    methodLine(result),
    "",
    paint(terminal, "head", `${fairness.title}:`),
    formatTextTable(fairness, terminal),
    visible(`machine: ${machine.join("; ")}`),
    ...warnings.map((text) => paint(terminal, "doubtful", `warning: ${visible(text)}`)),
    ...failures(result).map((text) => paint(terminal, "bad", `FAILED: ${visible(text)}`)),
  ];
  return `${lines.join("\n")}\n`;
}

function failures({ sides }: AbResult): string[] {
  return sides.flatMap(({ target }) =>
    target.phases
      .filter(({ summary }) => summary.errorsTotal > 0)
      .map(({ label, summary }) => `${target.label} ${label}: ${summary.errorsTotal} errors`),
  );
}

export const AB_EXPORTERS: Record<string, (result: AbResult) => string> = {
  ".json": formatJson,
  ".md": formatAbMarkdown,
  ".html": formatAbHtml,
};

function formatAbMarkdown(result: AbResult): string {
  const { sides, warnings } = result;
  const lines = [...verdictLines(result), methodLine(result)].map(escapeMarkdown);
  const notes = [
    ...failures(result).map((text) => `- **FAILED:** ${escapeMarkdown(text)}`),
    ...warnings.map((text) => `- warning: ${escapeMarkdown(text)}`),
  ];
  const fairness = markdownTable(fairnessTable(sides.map(({ target }) => target)));
  return [markdownTable(abTable(result)), ...lines, "", fairness, ...notes, ""].join("\n");
}

function formatAbHtml(result: AbResult): string {
  const { sides, environment, activity, warnings, startedAt, tool, isFailed } = result;
  const [a, b] = sides.map(({ target }) => target.label);
  return htmlPage({
    title: `kv bench ab: ${a} with ${b}`,
    lead: `${startedAt}, kv ${tool.version} ${tool.commit}`.trim(),
    verdict: isFailed ? "failed" : "passed",
    sections: [
      noticesSection(failures(result), warnings),
      section("Result", [...verdictLines(result).map(paragraph), htmlTable(abTable(result))]),
      section("Pair by pair", [
        `<div class="charts">${result.phases.map(pairsFigure).join("\n")}</div>`,
        paragraph(methodLine(result)),
      ]),
      section("What was compared", [htmlTable(fairnessTable(sides.map((side) => side.target)))]),
      section("Where it ran", [definitions(environmentPairs(environment, activity))]),
      repeatSection(["ab", ...result.argv]),
    ],
  });
}

const PAIRS_LEGEND = ["a with b", "a with itself"];

/** The change within each pair: b against a, and a against itself. */
function pairsFigure({ label, noise, comparison }: AbResult["phases"][number], number: number) {
  const series = [comparison, noise].map((slices, index) => ({
    index,
    hasDots: true,
    points: slices.ratesA.map((rate, round): Point => {
      const change = (slices.ratesB[round] ?? rate) / rate - 1;
      const tip = `${PAIRS_LEGEND[index]}, pair ${round + 1}: ${percentText(change, true)}`;
      return { x: round + 1, y: change, tip };
    }),
  }));
  const changes = series.flatMap(({ points }) => points.map(({ y }) => y));
  const x = linearAxis("pair", noise.ratesA.length, String);
  const low = Math.min(...changes, 0);
  const y = rangeAxis("change", low, Math.max(...changes, 0), (value) => `${tickPercent(value)} %`);
  const text = {
    title: `${label}: change within each pair`,
    description: descriptionOf(comparison),
  };
  const legend = legendList(PAIRS_LEGEND.map((name, index) => ({ index, name })));
  const chart = lineChart(`pairs${number}`, text, x, y, series);
  return `<figure><figcaption>${escapeHtml(label)}${legend}</figcaption>${chart}</figure>`;
}

function tickPercent(share: number): string {
  return String(Number((share * 100).toPrecision(3)));
}

function descriptionOf({ paired }: PairedSlices): string {
  const { verdict, ratio, pairsCount } = paired;
  return `${verdict}, ${percentText(ratio - 1, true)} over ${pairsCount} pairs`;
}
