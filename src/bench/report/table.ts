/**
 * Result → the summary that a terminal shows: tables, how the targets compare, the fairness sheet,
 * warnings and errors.
 *
 * Pure: plain data in, text out.
 */
import type { BenchResult, PhaseErrors } from "../result.ts";
import { visible } from "./cells.ts";
import { environmentPairs, fairnessTable, loadLines } from "./fairness.ts";
import { measuredRows, operationOf } from "./rows.ts";
import { tablesOf } from "./tables.ts";
import { PLAIN, paint, type Terminal } from "./terminal.ts";
import { formatTextTable } from "./text-table.ts";

/** The whole summary, ending with a line end. */
export function formatSummary(result: BenchResult, terminal: Terminal = PLAIN): string {
  const [figures, ...others] = tablesOf(result);
  const parts = [
    ...(figures === undefined ? [] : [formatTextTable(figures, terminal)]),
    ...comparisonLines(result),
    ...latencyNotes(result),
    ...[...others, fairnessTable(result.targets)].flatMap((table) => [
      "",
      paint(terminal, "head", `${table.title}:`),
      formatTextTable(table, terminal),
    ]),
    ...[...loadLines(result), machineLine(result)].map(visible),
    ...result.warnings.map((text) => paint(terminal, "doubtful", `warning: ${visible(text)}`)),
    ...failureLines(result).map((text) => paint(terminal, "bad", `FAILED: ${visible(text)}`)),
  ];
  return `${parts.join("\n")}\n`;
}

/** How the first target does against each of the others; nothing for one target. */
export function comparisonLines(result: BenchResult): string[] {
  const [first, ...others] = result.targets;
  return others.flatMap((other) => {
    const ratios = (first?.phases ?? []).flatMap((phase, index) => {
      const theirs = other.phases[index];
      // In an open loop the rate is what was asked for.
      if (!phase.isMeasured || phase.rateTarget !== null || theirs === undefined) return [];
      const rate = phase.summary.operationsPerSecond.median;
      const ratio = rate / theirs.summary.operationsPerSecond.median;
      return [`${operationOf(phase)} at ${ratio.toFixed(2)} times its rate`];
    });
    return ratios.length === 0
      ? []
      : [`${first?.label} against ${other.label}: ${ratios.join(", ")}`];
  });
}

const NOTES: Record<string, string> = {
  "at saturation": "Latencies are those of a closed loop, that is, at saturation.",
  "end to end": "Latencies of fan-out run from publishing to delivery.",
  response: "Latencies of the open loop run from the intended time (response).",
};

/** What the latencies in the table of figures mean. */
export function latencyNotes(result: BenchResult): string[] {
  const kinds = measuredRows(result).map(({ phase }) => phase.summary.latency?.primary.kind);
  return [...new Set(kinds)].flatMap((kind) => NOTES[kind ?? ""] ?? []);
}

function machineLine({ environment, activity }: BenchResult): string {
  const pairs = environmentPairs(environment, activity);
  return `machine: ${pairs.map(([name, value]) => `${name} ${value}`).join("; ")}`;
}

/** What failed, one line for each run of a phase with errors. */
export function failureLines(result: BenchResult): string[] {
  return result.targets.flatMap(({ label, phases }) =>
    phases.flatMap((phase) =>
      phase.runs
        .filter((run) => run.errors.total > 0)
        .map(({ errors }) => failureText(`${label} ${operationOf(phase)}`, errors)),
    ),
  );
}

function failureText(what: string, errors: PhaseErrors): string {
  const parts = Object.entries(errors.replies).map(([code, count]) => `${count} × ${code}`);
  if (errors.misses > 0) parts.push(`${errors.misses} misses`);
  if (errors.unexpected > 0) parts.push(`${errors.unexpected} unexpected replies`);
  if (errors.wrongValues) parts.push(`${errors.wrongValues} wrong values`);
  if (errors.undelivered > 0) parts.push(`${errors.undelivered} deliveries missing or wrong`);
  const first = errors.first === "" ? "" : ` (first: ${errors.first})`;
  return `${what}: ${parts.join(", ")}${first}`;
}
