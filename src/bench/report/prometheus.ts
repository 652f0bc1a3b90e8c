/**
 * Result → Prometheus text format (version 0.0.4), to be pushed to a gateway or read by a textfile
 * collector.
 *
 *      kv_bench_operations_per_second{database="kv",operation="READ (Simple)",…} 1500000
 *
 * Pure. Base units (seconds, bytes), as Prometheus asks for. Histograms have a bucket at each power
 * of two of a nanosecond: there our own buckets end, so that the counts are exact.
 * docs/internals/bench-files.md lists the metrics.
 */
import type { HistogramData } from "../recorder/histogram.ts";
import type { BenchResult, LatencyResult } from "../result.ts";
import { measuredRows, type Row, sumOf } from "./rows.ts";

/** 1.02 µs to 17.2 s. */
const BUCKET_EXPONENT_MIN = 10;
const BUCKET_EXPONENT_MAX = 34;

type Labels = Record<string, string>;

interface Family {
  name: string;
  help: string;
  type: "gauge" | "counter";
  of: (row: Row) => number | null | undefined;
}

const FAMILIES: Family[] = [
  gauge(
    "operations_per_second",
    "Rate of a phase, the median of its runs.",
    ({ phase }) => phase.summary.operationsPerSecond.median,
  ),
  gauge(
    "payload_bytes_per_second",
    "Bytes of values or messages, the median of the runs.",
    ({ phase }) => phase.summary.payloadBytesPerSecond.median,
  ),
  counter("operations_total", "Operations of all runs.", ({ phase }) =>
    sumOf(phase.runs, (run) => run.operations),
  ),
  counter(
    "errors_total",
    "Operations of all runs that failed.",
    ({ phase }) => phase.summary.errorsTotal,
  ),
  counter("sent_bytes_total", "Bytes sent, framing included.", ({ phase }) =>
    sumOf(phase.runs, (run) => run.bytesOut),
  ),
  counter("received_bytes_total", "Bytes received, framing included.", ({ phase }) =>
    sumOf(phase.runs, (run) => run.bytesIn),
  ),
  counter(
    "elapsed_seconds_total",
    "Time measured, all runs.",
    ({ phase }) => sumOf(phase.runs, (run) => run.elapsedNs) / 1e9,
  ),
  counter(
    "client_processor_seconds_total",
    "Processor time of the client.",
    ({ phase }) => sumOf(phase.runs, (run) => run.processorTime.clientNs) / 1e9,
  ),
  counter("server_processor_seconds_total", "Processor time of the server.", ({ phase }) =>
    phase.runs.every((run) => run.processorTime.serverNs !== null)
      ? sumOf(phase.runs, (run) => run.processorTime.serverNs ?? 0) / 1e9
      : null,
  ),
  counter("misses_total", "Reads that found nothing.", ({ phase }) =>
    phase.runs.some((run) => run.reads !== null)
      ? sumOf(phase.runs, (run) => run.reads?.misses ?? 0)
      : null,
  ),
  gauge("wanted_operations_per_second", "Rate of the open loop.", ({ phase }) => phase.rateTarget),
  gauge("sustained", "1 when the open loop kept its rate in every run.", ({ phase }) =>
    phase.runs.some((run) => run.open !== null)
      ? Number(phase.runs.every((run) => run.open?.isSustained))
      : null,
  ),
  gauge("reach_ratio", "Messages delivered of those expected.", ({ phase }) => {
    const expected = sumOf(phase.runs, (run) => run.fanout?.expected ?? 0);
    return expected === 0
      ? null
      : sumOf(phase.runs, (run) => run.fanout?.delivered ?? 0) / expected;
  }),
  gauge("connections", "Connections that were open, the fewest of the runs.", ({ phase }) =>
    phase.kind === "connect"
      ? Math.min(...phase.runs.map((run) => run.connect?.connected ?? 0))
      : null,
  ),
];

function gauge(name: string, help: string, of: Family["of"]): Family {
  return { name: `kv_bench_${name}`, help, type: "gauge", of };
}

function counter(name: string, help: string, of: Family["of"]): Family {
  return { name: `kv_bench_${name}`, help, type: "counter", of };
}

export function formatPrometheus(result: BenchResult): string {
  const rows = measuredRows(result);
  const lines = [...infoLines(result)];
  for (const family of FAMILIES) {
    const samples = rows.flatMap((row) => {
      const value = family.of(row);
      return value === null || value === undefined
        ? []
        : [sample(family.name, labelsOf(row), value)];
    });
    if (samples.length > 0)
      lines.push(...headOf(family.name, family.help, family.type), ...samples);
  }
  return `${[...lines, ...latencyLines(rows)].join("\n")}\n`;
}

function infoLines({ tool, environment, isFailed }: BenchResult): string[] {
  const info = {
    version: tool.version,
    commit: tool.commit,
    bun: environment.bunVersion,
    processor: environment.processor,
  };
  return [
    ...headOf("kv_bench_info", "What measured, and on what.", "gauge"),
    sample("kv_bench_info", info, 1),
    ...headOf("kv_bench_failed", "1 when any operation failed.", "gauge"),
    sample("kv_bench_failed", {}, Number(isFailed)),
  ];
}

function labelsOf({ target, phase }: Row): Labels {
  const rate = phase.rateTarget === null ? {} : { rate: String(phase.rateTarget) };
  return { database: target.label, operation: phase.label, ...rate };
}

function latencyLines(rows: Row[]): string[] {
  const name = "kv_bench_latency_seconds";
  const lines = rows.flatMap((row) => {
    const { latency } = row.phase.summary;
    if (latency === null) return [];
    return [latency.primary, latency.service, latency.sendLag]
      .filter((each) => each !== null)
      .flatMap((each) => histogramLines(name, { ...labelsOf(row), kind: each.kind }, each));
  });
  if (lines.length === 0) return [];
  return [...headOf(name, "Latencies of all runs, by what they measure.", "histogram"), ...lines];
}

function histogramLines(name: string, labels: Labels, { histogram, count }: LatencyResult) {
  const lines: string[] = [];
  for (let exponent = BUCKET_EXPONENT_MIN; exponent <= BUCKET_EXPONENT_MAX; exponent++) {
    const le = String(2 ** exponent / 1e9);
    lines.push(sample(`${name}_bucket`, { ...labels, le }, countBelow(histogram, exponent)));
  }
  return [
    ...lines,
    sample(`${name}_bucket`, { ...labels, le: "+Inf" }, count),
    sample(`${name}_sum`, labels, histogram.sumNs / 1e9),
    sample(`${name}_count`, labels, count),
  ];
}

/** Records of less than 2^exponent ns. */
function countBelow({ buckets, mantissaBits }: HistogramData, exponent: number): number {
  const end = exponent << mantissaBits;
  return buckets.reduce((sum, [index, count]) => (index < end ? sum + count : sum), 0);
}

function headOf(name: string, help: string, type: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
