/**
 * Result → the summary that a terminal shows: figures, processor time, the fairness sheet, warnings
 * and errors.
 *
 * Pure: plain data in, text out. Rows are grouped by operation, so that what is compared stands
 * together.
 */
import { formatCount, formatDurationNs, formatSize } from "../../base/units.ts";
import type { BenchResult, PhaseErrors, PhaseResult, PhaseRun, TargetResult } from "../result.ts";
import { formatTextTable } from "./text-table.ts";

const HEAD = [
  "Database",
  "Operation",
  "Rate/s",
  "MB/s",
  "Total traffic",
  "Total time",
  "Average",
  "p50",
  "p99",
  "p99.9",
  "Errors",
  "Lagged",
];
const PROCESSOR_HEAD = [
  "Database",
  "Operation",
  "Client",
  "Server",
  "Hits",
  "Misses",
  "Bottleneck",
];
const LATENCY_NOTE = "Latencies are those of a closed loop, that is, at saturation.";
/** What stands where there is no figure: too few samples, not measured, not applicable. */
const NONE = "–";

/** The whole summary, ending with a line end. */
export function formatSummary(result: BenchResult): string {
  const rows = measuredRows(result);
  const parts = [
    formatTextTable(HEAD, rows.map(figureCells), 2),
    ...formatComparison(result),
    ...(result.plan.isTimingLatency ? [LATENCY_NOTE] : []),
    "",
    "Processor time per operation:",
    formatTextTable(PROCESSOR_HEAD, rows.map(processorCells), 2),
    "",
    ...formatFairnessSheet(result),
    ...result.warnings.map((warning) => `warning: ${warning}`),
    ...formatFailures(result),
  ];
  return `${parts.join("\n")}\n`;
}

interface Row {
  target: TargetResult;
  phase: PhaseResult;
}

/** The measured phases of all targets: by operation first, then in the order of the targets. */
function measuredRows(result: BenchResult): Row[] {
  const rows = result.targets.flatMap((target) =>
    target.phases.map((phase) => ({ target, phase })),
  );
  const measured = rows.filter((row) => row.phase.isMeasured);
  const labels = [...new Set(measured.map((row) => row.phase.label))];
  return labels.flatMap((label) => measured.filter((row) => row.phase.label === label));
}

function figureCells({ target, phase }: Row): string[] {
  const { summary, runs } = phase;
  const latency = summary.latency?.primary;
  return [
    target.label,
    operationOf(phase),
    Math.round(summary.operationsPerSecond.median).toLocaleString("en-US"),
    (summary.payloadBytesPerSecond.median / 1e6).toFixed(2),
    formatSize(sum(runs, (run) => run.bytesOut + run.bytesIn)),
    formatDurationNs(sum(runs, (run) => run.elapsedNs)),
    duration(latency?.averageNs),
    duration(latency?.p50Ns),
    duration(latency?.p99Ns),
    duration(latency?.p999Ns),
    String(summary.errorsTotal),
    // Only subscribers can lag behind; a request always waits for its reply.
    phase.kind === "fanout" ? String(sum(runs, laggedOf)) : NONE,
  ];
}

/** "READ (Simple)", and in an open loop its rate. */
function operationOf({ label, rateTarget }: PhaseResult): string {
  return rateTarget === null ? label : `${label} @ ${formatCount(rateTarget)}/s`;
}

function laggedOf({ fanout }: PhaseRun): number {
  return fanout === null ? 0 : fanout.expected - fanout.delivered;
}

function sum(runs: PhaseRun[], of: (run: PhaseRun) => number): number {
  return runs.reduce((total, run) => total + of(run), 0);
}

function processorCells({ target, phase }: Row): string[] {
  const { runs, summary } = phase;
  const operations = sum(runs, (run) => run.operations);
  const serverNs = runs.map((run) => run.processorTime.serverNs);
  const known = serverNs.filter((ns) => ns !== null);
  const serverNsSum = known.reduce((total, ns) => total + ns, 0);
  const isReading = runs.some((run) => run.reads !== null);
  return [
    target.label,
    operationOf(phase),
    formatDurationNs(sum(runs, (run) => run.processorTime.clientNs) / operations),
    known.length < runs.length ? NONE : formatDurationNs(serverNsSum / operations),
    isReading ? String(sum(runs, (run) => run.reads?.hits ?? 0)) : NONE,
    isReading ? String(sum(runs, (run) => run.reads?.misses ?? 0)) : NONE,
    summary.bottleneck,
  ];
}

/** How the first target does against each of the others; nothing for one target. */
export function formatComparison(result: BenchResult): string[] {
  const [first, ...others] = result.targets;
  return others.map((other) => {
    const ratios = (first?.phases ?? []).flatMap((phase, index) => {
      const theirs = other.phases[index];
      if (!phase.isMeasured || theirs === undefined) return [];
      const rate = phase.summary.operationsPerSecond.median;
      const ratio = rate / theirs.summary.operationsPerSecond.median;
      return [`${operationOf(phase)} at ${ratio.toFixed(2)} times its rate`];
    });
    return `${first?.label} against ${other.label}: ${ratios.join(", ")}`;
  });
}

function duration(ns: number | null | undefined): string {
  return ns === null || ns === undefined ? NONE : formatDurationNs(ns);
}

/**
 * What a reader has to know before comparing: each server's set-up, then the client and the
 * machine.
 */
export function formatFairnessSheet(result: BenchResult): string[] {
  const { plan, environment } = result;
  const servers = result.targets.map(({ label, backend, facts, endpoint }) => {
    const version = `${facts.serverName ?? backend} ${facts.version ?? "of unknown version"}`;
    const settings = Object.entries(facts.settings).map(
      ([name, value]) => `${name} ${value || "off"}`,
    );
    const threads = facts.threads === null ? [] : [`threads ${facts.threads}`];
    const parts = [version, facts.mode ?? "", ...threads, ...settings, endpoint];
    return `${label}: ${[...new Set(parts)].filter((part) => part !== "").join(", ")}`;
  });
  const depths = result.targets.flatMap((target) =>
    target.phases.flatMap((phase) => (phase.isMeasured ? (phase.batchSize ?? []) : [])),
  );
  const depth = [...new Set(depths)].join(", ");
  const connections = `${plan.concurrency} connections × depth ${depth}`;
  const load = `${connections}, values of ${plan.values.size} B`;
  const { processor, cores, system, kernel, bunVersion } = environment;
  return [
    ...servers,
    `client: raw RESP2 over TCP, one process, ${load}, seed ${plan.seed}`,
    `machine: ${processor}, ${cores} cores, ${system} ${kernel}, Bun ${bunVersion}`,
  ];
}

function formatFailures(result: BenchResult): string[] {
  return result.targets.flatMap(({ label, phases }) =>
    phases.flatMap((phase) =>
      phase.runs
        .filter((run) => run.errors.total > 0)
        .map(({ errors }) => formatFailure(`${label} ${operationOf(phase)}`, errors)),
    ),
  );
}

function formatFailure(what: string, errors: PhaseErrors): string {
  const parts = Object.entries(errors.replies).map(([code, count]) => `${count} × ${code}`);
  if (errors.misses > 0) parts.push(`${errors.misses} misses`);
  if (errors.unexpected > 0) parts.push(`${errors.unexpected} unexpected replies`);
  if (errors.wrongValues) parts.push(`${errors.wrongValues} wrong values`);
  if (errors.undelivered > 0) parts.push(`${errors.undelivered} deliveries missing or wrong`);
  const first = errors.first === "" ? "" : ` (first: ${errors.first})`;
  return `FAILED: ${what}: ${parts.join(", ")}${first}`;
}
