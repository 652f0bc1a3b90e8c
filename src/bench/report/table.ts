/**
 * Result → the summary that a terminal shows: figures, processor time, the fairness sheet, warnings
 * and errors.
 *
 * Pure: plain data in, text out. Rows are grouped by operation, so that what is compared stands
 * together.
 */
import { formatCount, formatDurationNs, formatSize } from "../../base/units.ts";
import type { BenchResult, PhaseResult, TargetResult } from "../result.ts";
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
  const names = [...new Set(measured.map((row) => row.phase.name))];
  return names.flatMap((name) => measured.filter((row) => row.phase.name === name));
}

function figureCells({ target, phase }: Row): string[] {
  const { latency } = phase;
  return [
    target.backend,
    phase.name,
    Math.round(phase.operationsPerSecond).toLocaleString("en-US"),
    (phase.payloadBytesPerSecond / 1e6).toFixed(2),
    formatSize(phase.bytesOut + phase.bytesIn),
    formatDurationNs(phase.elapsedNs),
    duration(latency?.averageNs),
    duration(latency?.p50Ns),
    duration(latency?.p99Ns),
    duration(latency?.p999Ns),
    String(phase.errors.total),
    // Only subscribers can lag behind; a request always waits for its reply.
    NONE,
  ];
}

function processorCells({ target, phase }: Row): string[] {
  const { clientNs, serverNs, bottleneck } = phase.processorTime;
  return [
    target.backend,
    phase.name,
    formatDurationNs(clientNs / phase.operations),
    serverNs === null ? NONE : formatDurationNs(serverNs / phase.operations),
    phase.reads === null ? NONE : String(phase.reads.hits),
    phase.reads === null ? NONE : String(phase.reads.misses),
    bottleneck,
  ];
}

/** How the first target does against each of the others; nothing for one target. */
export function formatComparison(result: BenchResult): string[] {
  const [first, ...others] = result.targets;
  return others.map((other) => {
    const ratios = (first?.phases ?? []).flatMap((phase) => {
      const theirs = other.phases.find((each) => each.name === phase.name);
      if (!phase.isMeasured || theirs === undefined) return [];
      const ratio = phase.operationsPerSecond / theirs.operationsPerSecond;
      return [`${phase.name} at ${ratio.toFixed(2)} times its rate`];
    });
    return `${first?.backend} against ${other.backend}: ${ratios.join(", ")}`;
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
  const servers = result.targets.map(({ backend, facts, endpoint }) => {
    const version = `${facts.serverName ?? backend} ${facts.version ?? "of unknown version"}`;
    const settings = Object.entries(facts.settings).map(
      ([name, value]) => `${name} ${value || "off"}`,
    );
    const threads = facts.threads === null ? [] : [`threads ${facts.threads}`];
    const parts = [version, facts.mode ?? "", ...threads, ...settings, endpoint];
    return `${backend}: ${[...new Set(parts)].filter((part) => part !== "").join(", ")}`;
  });
  const connections = `${plan.concurrency} connections × depth ${plan.batchSize}`;
  const load = `${connections}, values of ${plan.valueSize} B`;
  const keys = `${formatCount(plan.keysCount)} keys`;
  const { processor, cores, system, kernel, bunVersion } = environment;
  return [
    ...servers,
    `client: raw RESP2 over TCP, one process, ${load}, ${keys}, seed ${plan.seed}`,
    `machine: ${processor}, ${cores} cores, ${system} ${kernel}, Bun ${bunVersion}`,
  ];
}

function formatFailures(result: BenchResult): string[] {
  const lines: string[] = [];
  for (const target of result.targets) {
    for (const phase of target.phases) {
      if (phase.errors.total > 0) lines.push(formatFailure(target, phase));
    }
  }
  return lines;
}

function formatFailure(target: TargetResult, phase: PhaseResult): string {
  const { errors } = phase;
  const replies = Object.entries(errors.replies).map(([code, count]) => `${count} × ${code}`);
  const parts = [...replies];
  if (errors.misses > 0) parts.push(`${errors.misses} misses`);
  if (errors.unexpected > 0) parts.push(`${errors.unexpected} unexpected replies`);
  if (errors.wrongValues) parts.push(`${errors.wrongValues} wrong values`);
  const first = errors.first === "" ? "" : ` (first: ${errors.first})`;
  return `FAILED: ${target.backend} ${phase.name}: ${parts.join(", ")}${first}`;
}
