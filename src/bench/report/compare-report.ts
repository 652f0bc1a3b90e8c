/** Comparison of two results → text, Markdown, HTML, JSON. Pure. */
import type { Change, Comparison } from "../compare.ts";
import { findMetric } from "../metrics.ts";
import { type Cell, NONE, percentText, type Table, type Tone, toned, visible } from "./cells.ts";
import { htmlPage, htmlTable, noticesSection, paragraph, section } from "./html.ts";
import { escapeMarkdown, markdownTable } from "./markdown.ts";
import { PLAIN, paint, type Terminal } from "./terminal.ts";
import { formatTextTable } from "./text-table.ts";

const TONES: Partial<Record<Change["verdict"], Tone>> = { better: "good", worse: "bad" };
const NO_INTERVAL = "one run each: no interval, repeat with --runs 5, or use kv bench ab";

function changesTable({ changes }: Comparison): Table {
  return {
    title: "Changes",
    head: ["Database", "Operation", "Metric", "Old", "New", "Change", "95 % interval", "Verdict"],
    leftCount: 3,
    rows: changes.filter(isWorthShowing).map(changeCells),
  };
}

/** Errors when there were any, percentiles when there are any. */
function isWorthShowing({ metric, old, new: latest }: Change): boolean {
  return metric === "errors" ? old !== 0 || latest !== 0 : old !== null || latest !== null;
}

function changeCells(change: Change): Cell[] {
  const { target, operation, metric, interval95, verdict } = change;
  const format = (value: number | null) =>
    value === null ? NONE : (findMetric(metric)?.format(value) ?? NONE);
  const interval =
    interval95 === null
      ? NONE
      : `${percentText(interval95[0], true)} to ${percentText(interval95[1], true)}`;
  return [
    target,
    operation,
    metric,
    format(change.old),
    format(change.new),
    change.change === null ? NONE : percentText(change.change, true),
    interval,
    toned(verdict.endsWith("no interval") ? NONE : verdict, TONES[verdict] ?? null),
  ];
}

/** What has to be known besides the table. */
function remarks({ changes, missing, added, differences }: Comparison): string[] {
  return [
    ...missing.map((name) => `missing in the new result: ${name}`),
    ...added.map((name) => `only in the new result: ${name}`),
    ...differences.map((text) => `differs: ${text}`),
    ...(changes.some(({ verdict }) => verdict === "one run each: no interval")
      ? [NO_INTERVAL]
      : []),
  ];
}

/** Ends with a line end. `violations` are of --fail-if. */
export function formatComparison(
  comparison: Comparison,
  violations: string[],
  terminal: Terminal = PLAIN,
): string {
  const lines = [
    formatTextTable(changesTable(comparison), terminal),
    ...remarks(comparison).map((text) => paint(terminal, "doubtful", `warning: ${visible(text)}`)),
    ...violations.map((text) => paint(terminal, "bad", `FAILED: ${visible(text)}`)),
  ];
  return `${lines.join("\n")}\n`;
}

type Format = (comparison: Comparison, violations: string[]) => string;

export const COMPARISON_EXPORTERS: Record<string, Format> = {
  ".json": (comparison) => `${JSON.stringify(comparison, null, 2)}\n`,
  ".md": (comparison, violations) => {
    const notes = [
      ...violations.map((text) => `- **FAILED:** ${escapeMarkdown(text)}`),
      ...remarks(comparison).map((text) => `- ${escapeMarkdown(text)}`),
    ];
    return `${markdownTable(changesTable(comparison))}\n${notes.join("\n")}\n`;
  },
  ".html": (comparison, violations) => {
    const { old, new: latest } = comparison;
    const describe = (name: string, side: typeof old) =>
      paragraph(`${name}: kv ${side.version} ${side.commit}, ${side.startedAt}`);
    return htmlPage({
      title: "kv bench compare",
      lead: `${old.startedAt} → ${latest.startedAt}`,
      verdict: violations.length > 0 ? "failed" : "passed",
      sections: [
        noticesSection(violations, remarks(comparison)),
        section("What changed", [
          htmlTable(changesTable(comparison)),
          describe("Old", old),
          describe("New", latest),
        ]),
      ],
    });
  },
};
