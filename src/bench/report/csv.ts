/**
 * Result → CSV (RFC 4180): one row for each run of each measured phase of each target.
 *
 * Pure. Units are in the names of the columns, numbers have a point and no separators, what is not
 * known is empty. Percentiles and errors are those of the run. docs/internals/bench-files.md lists
 * the columns; a test compares the two. When adding a column: at the end, and there.
 */
import type { BenchResult, LatencyResult, PhaseRun } from "../result.ts";
import { measuredRows, type Row } from "./rows.ts";

type Value = string | number | boolean | null | undefined;

interface Place extends Row {
  result: BenchResult;
  run: PhaseRun;
  runNumber: number;
}

/** Names and values, in the order of the file. */
export const CSV_COLUMNS: [name: string, of: (place: Place) => Value][] = [
  ["database", ({ target }) => target.label],
  ["server_version", ({ target }) => target.facts.version],
  ["client", ({ target }) => target.client],
  ["operation", ({ phase }) => phase.label],
  ["phase", ({ phase }) => phase.name],
  ["rate_target_per_second", ({ phase }) => phase.rateTarget],
  ["depth", ({ phase }) => phase.batchSize],
  ["connections", ({ result }) => result.plan.concurrency],
  ["format", ({ result }) => result.plan.values.format],
  ["value_size", ({ result }) => result.plan.values.size],
  ["run", ({ runNumber }) => runNumber],
  ["started_at", ({ run }) => run.startedAt],
  ["operations", ({ run }) => run.operations],
  ["elapsed_ns", ({ run }) => run.elapsedNs],
  ["operations_per_second", ({ run }) => run.operationsPerSecond],
  ["bytes_out", ({ run }) => run.bytesOut],
  ["bytes_in", ({ run }) => run.bytesIn],
  ["payload_bytes", ({ run }) => run.payloadBytes],
  ["payload_bytes_per_second", ({ run }) => run.payloadBytesPerSecond],
  ["latency_kind", ({ run }) => run.latency?.primary.kind],
  ["latency_count", ({ run }) => run.latency?.primary.count],
  ...latencyColumns("latency", (run) => run.latency?.primary),
  ...latencyColumns("service", (run) => run.latency?.service),
  ...latencyColumns("send_lag", (run) => run.latency?.sendLag),
  ["errors", ({ run }) => run.errors.total],
  ["hits", ({ run }) => run.reads?.hits],
  ["misses", ({ run }) => run.reads?.misses],
  ["late", ({ run }) => run.open?.late],
  ["dropped", ({ run }) => run.open?.dropped],
  ["sustained", ({ run }) => run.open?.isSustained],
  ["published_per_second", ({ run }) => run.fanout?.publishedPerSecond],
  ["delivered_per_second", ({ run }) => run.fanout?.deliveredPerSecond],
  ["expected", ({ run }) => run.fanout?.expected],
  ["delivered", ({ run }) => run.fanout?.delivered],
  ["reach", ({ run }) => run.fanout?.reach],
  ["gaps", ({ run }) => run.fanout?.gaps],
  ["connections_wanted", ({ run }) => run.connect?.target],
  ["connections_open", ({ run }) => run.connect?.connected],
  ["server_bytes_per_connection", ({ run }) => run.connect?.serverBytesPerConnection],
  ["client_processor_ns", ({ run }) => run.processorTime.clientNs],
  ["server_processor_ns", ({ run }) => run.processorTime.serverNs],
  ["bottleneck", ({ run }) => run.processorTime.bottleneck],
  ["steady", ({ run }) => run.steadiness.verdict],
];

function latencyColumns(
  prefix: string,
  of: (run: PhaseRun) => LatencyResult | null | undefined,
): typeof CSV_COLUMNS {
  return [
    [`${prefix}_average_ns`, ({ run }) => of(run)?.averageNs],
    [`${prefix}_p50_ns`, ({ run }) => of(run)?.p50Ns],
    [`${prefix}_p90_ns`, ({ run }) => of(run)?.p90Ns],
    [`${prefix}_p99_ns`, ({ run }) => of(run)?.p99Ns],
    [`${prefix}_p999_ns`, ({ run }) => of(run)?.p999Ns],
    [`${prefix}_p9999_ns`, ({ run }) => of(run)?.p9999Ns],
    [`${prefix}_min_ns`, ({ run }) => of(run)?.minNs],
    [`${prefix}_max_ns`, ({ run }) => of(run)?.maxNs],
  ];
}

/** With a head line; lines end with CR LF, as the RFC has it. */
export function formatCsv(result: BenchResult): string {
  const places = measuredRows(result).flatMap((row) =>
    row.phase.runs.map((run, index) => ({ ...row, result, run, runNumber: index + 1 })),
  );
  const lines = [
    CSV_COLUMNS.map(([name]) => name),
    ...places.map((place) => CSV_COLUMNS.map(([, of]) => csvField(of(place)))),
  ];
  return lines.map((fields) => `${fields.join(",")}\r\n`).join("");
}

function csvField(value: Value): string {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
