/**
 * Result → one self-contained HTML page: charts, tables, the fairness sheet, the machine, warnings
 * and failures, and the command that repeats it.
 *
 * Pure. The page needs no network and no script: charts are inline SVG (charts/), web/report.js
 * only adds what is read out under the pointer. Its policy (CSP) lets nothing else run or load, so
 * that a string of a hostile server that slipped through escaping would still be dead text.
 */
import style from "../../../web/report.css" with { type: "text" };
import template from "../../../web/report.html" with { type: "text" };
import script from "../../../web/report.js" with { type: "text" };
import type { BenchResult } from "../result.ts";
import { type Cell, type Table, textOf } from "./cells.ts";
import {
  type Chart,
  percentileCharts,
  sweepChart,
  throughputCharts,
  timeCharts,
} from "./charts/charts.ts";
import { escapeHtml, seriesClass } from "./charts/svg.ts";
import { repeatCommand } from "./command-line.ts";
import { environmentPairs, fairnessTable, loadLines } from "./fairness.ts";
import { sweepsOf } from "./rows.ts";
import { comparisonLines, failureLines, latencyNotes } from "./table.ts";
import { tablesOf } from "./tables.ts";

export function formatHtml(result: BenchResult): string {
  const names = result.targets.map(({ label }) => label);
  return htmlPage({
    title: `kv bench: ${names.join(", ")}`,
    lead: `${result.startedAt}, kv ${result.tool.version} ${result.tool.commit}`.trim(),
    verdict: result.isFailed ? "failed" : "passed",
    sections: [
      noticesSection(failureLines(result), result.warnings),
      ...comparisonLines(result).map(paragraph),
      ...chartSections(result, names),
      section("Figures", [
        ...latencyNotes(result).map(paragraph),
        ...tablesOf(result).map(htmlTable),
      ]),
      section("What was compared", [
        htmlTable(fairnessTable(result.targets)),
        ...loadLines(result).map(paragraph),
      ]),
      section("Where it ran", [definitions(environmentPairs(result.environment, result.activity))]),
      repeatSection(result.argv),
    ],
  });
}

export interface Page {
  title: string;
  lead: string;
  verdict: "passed" | "failed";
  sections: string[];
}

/** Replaces `{{name}}` of web/report.html; what is put in is never looked into again. */
export function htmlPage({ title, lead, verdict, sections }: Page): string {
  const parts: Record<string, string> = {
    title: escapeHtml(title),
    lead: escapeHtml(lead),
    verdict,
    style: `<style>${style}</style>`,
    script: `<script>${script}</script>`,
    styleHash: sha256Base64(style),
    scriptHash: sha256Base64(script),
    main: sections.join("\n"),
  };
  const page = template as unknown as string;
  return page.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => parts[name] ?? "");
}

function sha256Base64(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("base64");
}

/** Nothing when nothing is in it. */
export function section(title: string, content: string[]): string {
  if (content.length === 0) return "";
  const id = title.toLowerCase().replaceAll(/\W+/g, "-");
  return [
    `<section aria-labelledby="${id}">`,
    `<h2 id="${id}">${escapeHtml(title)}</h2>`,
    ...content,
    "</section>",
  ].join("\n");
}

export function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

/** Failures and warnings, before everything else. */
export function noticesSection(failures: string[], warnings: string[]): string {
  const items = [
    ...failures.map((text) => `<li class="bad"><strong>Failed</strong> ${escapeHtml(text)}</li>`),
    ...warnings.map(
      (text) => `<li class="doubtful"><strong>Warning</strong> ${escapeHtml(text)}</li>`,
    ),
  ];
  return items.length === 0 ? "" : `<ul class="notices">\n${items.join("\n")}\n</ul>`;
}

function chartSections(result: BenchResult, names: string[]): string[] {
  const sweeps = sweepsOf(result).map((sweep, number) => sweepChart(result, sweep, number));
  return [
    chartSection("Throughput", throughputCharts(result), names),
    chartSection("Rate and latency", sweeps, names),
    chartSection("Latency", percentileCharts(result), names),
    chartSection("Over time", timeCharts(result), names),
  ];
}

function chartSection(title: string, charts: Chart[], names: string[]): string {
  if (charts.length === 0) return "";
  const figures = charts.map(
    (chart) =>
      `<figure><figcaption>${escapeHtml(chart.title)}${legend(chart, names)}</figcaption>\n` +
      `${chart.svg}</figure>`,
  );
  return section(title, [`<div class="charts">\n${figures.join("\n")}\n</div>`]);
}

function legend({ legend: indexes }: Chart, names: string[]): string {
  return legendList(indexes.map((index) => ({ index, name: names[index] ?? "" })));
}

/** A sample of each line, and its name. */
export function legendList(entries: { index: number; name: string }[]): string {
  if (entries.length === 0) return "";
  const path = '<path class="line" d="M0 4h26"/>';
  const items = entries.map(({ index, name }) => {
    const sample = `<svg viewBox="0 0 26 8" aria-hidden="true">${path}</svg>`;
    return `<li class="${seriesClass(index)}">${sample}${escapeHtml(name)}</li>`;
  });
  return `<ul class="legend">${items.join("")}</ul>`;
}

/** It scrolls by itself where it is wider than the page, also by keyboard. */
export function htmlTable({ title, head, rows, leftCount }: Table): string {
  const classOf = (column: number) => (column < leftCount ? "" : ' class="n"');
  const heads = head.map(
    (cell, column) => `<th scope="col"${classOf(column)}>${escapeHtml(cell)}</th>`,
  );
  const body = rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0
        ? `<th scope="row">${escapeHtml(textOf(cell))}</th>`
        : `<td${classOf(column)}>${htmlCell(cell)}</td>`,
    );
    return `<tr>${cells.join("")}</tr>`;
  });
  return [
    `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(title)}">`,
    `<table><caption>${escapeHtml(title)}</caption>`,
    `<thead><tr>${heads.join("")}</tr></thead>`,
    `<tbody>\n${body.join("\n")}\n</tbody></table></div>`,
  ].join("\n");
}

function htmlCell(cell: Cell): string {
  const text = escapeHtml(textOf(cell));
  return typeof cell === "string" ? text : `<span class="${cell.tone}">${text}</span>`;
}

export function definitions(pairs: [name: string, value: string][]): string {
  const items = pairs.map(
    ([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return `<dl>\n${items.join("\n")}\n</dl>`;
}

export function repeatSection(argv: string[]): string {
  return section("Repeat it", [
    `<pre tabindex="0"><code>${escapeHtml(repeatCommand(argv))}</code></pre>`,
  ]);
}
