/** The figures of a phase that comparisons and conditions are about. Pure. */
import { formatDurationNs } from "../base/units.ts";
import { countText, rateText } from "./report/cells.ts";
import type { LatencyResult, PhaseResult, PhaseRun } from "./result.ts";
import { estimate } from "./summarize.ts";

export type MetricName =
  | "throughput"
  | "average"
  | "p50"
  | "p90"
  | "p99"
  | "p999"
  | "errors"
  | "reach";

export interface Metric {
  name: MetricName;
  /** Of a phase, over its runs; null where there is no such figure. */
  of: (phase: PhaseResult) => number | null;
  /** Of one run. */
  ofRun: (run: PhaseRun) => number | null;
  isMoreBetter: boolean;
  /** What an absolute bound is written in. */
  unit: "rate" | "duration" | "count" | "share";
  format: (value: number) => string;
}

export const METRICS: readonly Metric[] = [
  {
    name: "throughput",
    of: (phase) => phase.summary.operationsPerSecond.median,
    ofRun: (run) => run.operationsPerSecond,
    isMoreBetter: true,
    unit: "rate",
    format: (value) => `${rateText(value)}/s`,
  },
  latencyMetric("average", "averageNs"),
  latencyMetric("p50", "p50Ns"),
  latencyMetric("p90", "p90Ns"),
  latencyMetric("p99", "p99Ns"),
  latencyMetric("p999", "p999Ns"),
  {
    name: "errors",
    of: (phase) => phase.summary.errorsTotal,
    ofRun: (run) => run.errors.total,
    isMoreBetter: false,
    unit: "count",
    format: countText,
  },
  {
    name: "reach",
    of: ({ runs }) => {
      const reached = runs.flatMap((run) => run.fanout?.reach ?? []);
      return reached.length === 0 ? null : Math.min(...reached);
    },
    ofRun: (run) => run.fanout?.reach ?? null,
    isMoreBetter: true,
    unit: "share",
    format: (value) => String(Math.floor(value * 1e6) / 1e6),
  },
];

export function findMetric(name: string): Metric | undefined {
  const wanted = name.toLowerCase().replace("p99.9", "p999");
  return METRICS.find((metric) => metric.name === wanted);
}

/** With several runs the median of theirs, so that one bad run does not decide. */
function latencyMetric(
  name: "average" | "p50" | "p90" | "p99" | "p999",
  field: keyof LatencyResult & `${string}Ns`,
): Metric {
  const ofRun = (run: PhaseRun) => (run.latency?.primary[field] ?? null) as number | null;
  return {
    name,
    of: ({ runs, summary }) => {
      const values = runs.map(ofRun).filter((value) => value !== null);
      // Several short runs together can have a percentile that none of them has.
      const merged = (summary.latency?.primary[field] ?? null) as number | null;
      return values.length === runs.length ? estimate(values).median : merged;
    },
    ofRun,
    isMoreBetter: false,
    unit: "duration",
    format: formatDurationNs,
  };
}
