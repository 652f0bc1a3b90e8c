/**
 * Result → its tables, in the order in which a reader needs them. A table without rows is left out.
 *
 *      figures          every measured phase of every target
 *      open loop        wanted and reached rate; response, service and send lag
 *      rate curve       instead, when a phase was measured at several rates
 *      fan-out          published, delivered, reach, latency from end to end
 *      connections      opened, held, memory of each
 *      operations       of a mix, each by itself
 *      repetitions      spread, interval, steadiness over several runs
 *      processor time   of both sides, and the bottleneck
 *
 * Pure. The fairness sheet is a table of its own (fairness.ts).
 */
import { formatDurationNs, formatSize } from "../../base/units.ts";
import { backendOf } from "../backends.ts";
import type { BenchResult, LatencyResult } from "../result.ts";
import {
  type Cell,
  countText,
  durationText,
  faultsCell,
  NONE,
  percentText,
  rateText,
  type Table,
  toned,
} from "./cells.ts";
import { connectTable, fanoutTable, publishTable } from "./fanout-tables.ts";
import { measuredRows, operationOf, type Row, sumOf, sweepsOf } from "./rows.ts";

const NAMES = ["Database", "Operation"];
const PERCENTILES = ["Average", "p50", "p99", "p99.9"];

export function tablesOf(result: BenchResult): Table[] {
  const rows = measuredRows(result);
  const sweeps = new Set(sweepsOf(result).map(({ label }) => label));
  const fixed = rows.filter(({ phase }) => !sweeps.has(phase.label));
  const tables = [
    figuresTable(rows),
    rateCurveTable(rows.filter(({ phase }) => sweeps.has(phase.label))),
    openLoopTable(fixed),
    openLatencyTable(fixed),
    fanoutTable(rows),
    publishTable(rows),
    connectTable(rows),
    operationsTable(rows),
    repetitionsTable(rows),
    processorTable(rows),
  ];
  return tables.filter((table) => table.rows.length > 0);
}

function namesOf({ target, phase }: Row): string[] {
  return [target.label, operationOf(phase)];
}

function percentilesOf(latency: LatencyResult | null | undefined): string[] {
  const { averageNs, p50Ns, p99Ns, p999Ns } = latency ?? {};
  return [averageNs, p50Ns, p99Ns, p999Ns].map(durationText);
}

function figuresTable(rows: Row[]): Table {
  return {
    title: "Figures",
    head: [
      ...NAMES,
      "Rate/s",
      "MB/s",
      "Total traffic",
      "Total time",
      ...PERCENTILES,
      "Errors",
      "Lagged",
    ],
    leftCount: NAMES.length,
    rows: rows.map((row) => {
      const { summary, runs, kind } = row.phase;
      return [
        ...namesOf(row),
        rateText(summary.operationsPerSecond.median) + marginOf(row),
        (summary.payloadBytesPerSecond.median / 1e6).toFixed(2),
        trafficOf(runs),
        formatDurationNs(sumOf(runs, (run) => run.elapsedNs)),
        ...percentilesOf(summary.latency?.primary),
        faultsCell(summary.errorsTotal),
        // Only subscribers can lag behind; a request always waits for its reply.
        kind === "fanout" ? faultsCell(sumOf(runs, laggedOf)) : NONE,
      ];
    }),
  };
}

/** Nobody counts the bytes of a library, and there are none in process. */
function trafficOf(runs: Row["phase"]["runs"]): string {
  const bytes = sumOf(runs, (run) => run.bytesOut + run.bytesIn);
  return bytes === 0 ? NONE : formatSize(bytes);
}

function laggedOf({ fanout }: Row["phase"]["runs"][number]): number {
  return fanout === null ? 0 : fanout.expected - fanout.delivered;
}

/** " ± 1.2 %" where several runs give an interval. */
function marginOf({ phase }: Row): string {
  const { interval95, mean } = phase.summary.operationsPerSecond;
  if (interval95 === null || mean === 0) return "";
  return ` ± ${percentText((interval95[1] - interval95[0]) / 2 / mean)}`;
}

function rateCurveTable(rows: Row[]): Table {
  return {
    title: "Rate and latency (response, from the intended time)",
    head: [...NAMES, "Wanted/s", "Reached/s", ...PERCENTILES, "Late", "Dropped", "Sustained"],
    leftCount: NAMES.length,
    rows: rows.map((row) => [
      row.target.label,
      row.phase.label,
      rateText(row.phase.rateTarget ?? 0),
      rateText(row.phase.summary.operationsPerSecond.median),
      ...percentilesOf(row.phase.summary.latency?.primary),
      ...scheduleCells(row),
    ]),
  };
}

function openLoopTable(rows: Row[]): Table {
  return {
    title: "Open loop",
    head: [...NAMES, "Wanted/s", "Reached/s", "Late", "Dropped", "Sustained"],
    leftCount: NAMES.length,
    rows: rows
      .filter(({ phase }) => phase.runs.some((run) => run.open !== null))
      .map((row) => [
        ...namesOf(row),
        rateText(row.phase.rateTarget ?? row.phase.runs[0]?.open?.rateTarget ?? 0),
        rateText(row.phase.summary.operationsPerSecond.median),
        ...scheduleCells(row),
      ]),
  };
}

/** Late, dropped, sustained: over all runs. */
function scheduleCells({ phase }: Row): Cell[] {
  const { runs } = phase;
  const late = sumOf(runs, (run) => run.open?.late ?? 0);
  const isSustained = runs.every((run) => run.open?.isSustained !== false);
  return [
    toned(countText(late), late > 0 ? "doubtful" : null),
    faultsCell(sumOf(runs, (run) => run.open?.dropped ?? 0)),
    isSustained ? "yes" : toned("not sustained", "bad"),
  ];
}

function openLatencyTable(rows: Row[]): Table {
  return {
    title: "Latencies of the open loop",
    head: [...NAMES, "Latency", ...PERCENTILES, "Maximum"],
    leftCount: NAMES.length + 1,
    rows: rows.flatMap((row) => {
      const { latency } = row.phase.summary;
      if (latency === null || (latency.service === null && latency.sendLag === null)) return [];
      return [latency.primary, latency.service, latency.sendLag]
        .filter((each) => each !== null)
        .map((each) => [
          ...namesOf(row),
          each.kind,
          ...percentilesOf(each),
          formatDurationNs(each.maxNs),
        ]);
    }),
  };
}

function operationsTable(rows: Row[]): Table {
  return {
    title: "Operations of the mix",
    head: [...NAMES, "Kind", "Count", "Share", ...PERCENTILES],
    leftCount: NAMES.length + 1,
    rows: rows.flatMap((row) =>
      row.phase.runs.flatMap(({ byOperation, operations }, index) =>
        Object.entries(byOperation ?? {}).map(([kind, each]) => [
          row.target.label,
          operationOf(row.phase) + (row.phase.runs.length > 1 ? `, run ${index + 1}` : ""),
          kind,
          countText(each.operations),
          percentText(each.operations / Math.max(operations, 1)),
          ...percentilesOf(each.latency),
        ]),
      ),
    ),
  };
}

function repetitionsTable(rows: Row[]): Table {
  return {
    title: "Repetitions (rates per second)",
    head: [
      ...NAMES,
      "Runs",
      "Median",
      "Mean",
      "95 % interval of the mean",
      "Lowest",
      "Highest",
      "Spread",
    ],
    leftCount: NAMES.length,
    rows: rows
      .filter(({ phase }) => phase.runs.length > 1)
      .map((row) => {
        const { count, median, mean, interval95, min, max, standardDeviation } =
          row.phase.summary.operationsPerSecond;
        return [
          ...namesOf(row),
          String(count),
          rateText(median),
          rateText(mean),
          interval95 === null ? NONE : `${rateText(interval95[0])} to ${rateText(interval95[1])}`,
          rateText(min),
          rateText(max),
          mean === 0 ? NONE : percentText(standardDeviation / mean),
        ];
      }),
  };
}

function processorTable(rows: Row[]): Table {
  return {
    title: "Processor time per operation",
    head: [
      ...NAMES,
      "Client",
      "Server",
      "Client cores",
      "Server cores",
      "Hits",
      "Misses",
      "Steady",
      "Bottleneck",
    ],
    leftCount: NAMES.length,
    rows: rows.map((row) => [...namesOf(row), ...processorCells(row)]),
  };
}

const STEADY: Record<string, Cell> = {
  steady: "yes",
  unsteady: toned("no", "doubtful"),
  unknown: "too short to tell",
};

function processorCells({ target, phase }: Row): Cell[] {
  const { runs, summary } = phase;
  const operations = Math.max(
    sumOf(runs, (run) => run.operations),
    1,
  );
  const elapsedNs = sumOf(runs, (run) => run.elapsedNs);
  const clientNs = sumOf(runs, (run) => run.processorTime.clientNs);
  const isServerKnown = runs.every((run) => run.processorTime.serverNs !== null);
  const serverNs = sumOf(runs, (run) => run.processorTime.serverNs ?? 0);
  const isReading = runs.some((run) => run.reads !== null);
  return [
    formatDurationNs(clientNs / operations),
    isServerKnown ? formatDurationNs(serverNs / operations) : NONE,
    (clientNs / elapsedNs).toFixed(2),
    isServerKnown ? (serverNs / elapsedNs).toFixed(2) : NONE,
    isReading ? countText(sumOf(runs, (run) => run.reads?.hits ?? 0)) : NONE,
    isReading ? faultsCell(sumOf(runs, (run) => run.reads?.misses ?? 0)) : NONE,
    STEADY[summary.steadiness] ?? NONE,
    // In process client and server are one.
    backendOf(target.backend).kind === "in-process"
      ? NONE
      : toned(summary.bottleneck, summary.bottleneck === "client" ? "doubtful" : null),
  ];
}
