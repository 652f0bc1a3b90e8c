/**
 * Two results → what changed from the old one to the new one, figure by figure.
 *
 * Phases belong together when target and operation have the same name. Changes are of the medians.
 * Their interval is Welch's (1947), which lets the two spread differently, on the logarithms of the
 * runs, so that it is an interval of a ratio; with one run on either side there is none. Runs of
 * two results were not interleaved: what the machine did in between is part of the change, which is
 * why `kv bench ab` exists. Pure.
 */
import { METRICS, type Metric, type MetricName } from "./metrics.ts";
import { operationOf } from "./report/rows.ts";
import type { BenchResult, PhaseResult } from "./result.ts";
import { SCHEMA_VERSION } from "./result.ts";
import { studentQuantile } from "./statistics/probability.ts";
import { mean, standardDeviation } from "./statistics/summary.ts";

export interface Comparison {
  kind: "bench-compare";
  schemaVersion: typeof SCHEMA_VERSION;
  old: ComparedSide;
  new: ComparedSide;
  changes: Change[];
  /** Phases of the old result that the new one lacks. */
  missing: string[];
  added: string[];
  /** What else differs: machine, set-up, load. */
  differences: string[];
}

export interface ComparedSide {
  startedAt: string;
  version: string;
  commit: string;
  argv: string[];
}

export type ChangeVerdict =
  | "better"
  | "worse"
  | "no difference seen"
  /** One run on a side. */
  | "one run each: no interval"
  /** Some run has no figure of its own, such as a percentile of too few operations. */
  | "no interval"
  | "no figure";

export interface Change {
  target: string;
  operation: string;
  metric: MetricName;
  old: number | null;
  new: number | null;
  /** new / old - 1; null without a figure of both, or when the old one is 0. */
  change: number | null;
  interval95: [low: number, high: number] | null;
  verdict: ChangeVerdict;
}

export function compareResults(old: BenchResult, latest: BenchResult): Comparison {
  const [before, after] = [phasesOf(old), phasesOf(latest)];
  const both = [...after.keys()].filter((key) => before.has(key));
  return {
    kind: "bench-compare",
    schemaVersion: SCHEMA_VERSION,
    old: sideOf(old),
    new: sideOf(latest),
    changes: both.flatMap((key) => {
      const [a, b] = [before.get(key)!, after.get(key)!];
      return METRICS.map((metric) => changeOf(b.target, metric, a.phase, b.phase));
    }),
    missing: [...before.keys()].filter((key) => !after.has(key)),
    added: [...after.keys()].filter((key) => !before.has(key)),
    differences: differencesOf(old, latest),
  };
}

function sideOf({ startedAt, tool, argv }: BenchResult): ComparedSide {
  return { startedAt, version: tool.version, commit: tool.commit, argv };
}

/** Measured phases by "target operation". */
function phasesOf(result: BenchResult): Map<string, { target: string; phase: PhaseResult }> {
  return new Map(
    result.targets.flatMap(({ label, phases }) =>
      phases
        .filter((phase) => phase.isMeasured)
        .map((phase) => [`${label} ${operationOf(phase)}`, { target: label, phase }]),
    ),
  );
}

function changeOf(target: string, metric: Metric, a: PhaseResult, b: PhaseResult): Change {
  const [old, latest] = [metric.of(a), metric.of(b)];
  const isKnown = old !== null && latest !== null;
  const interval95 = welchInterval(valuesOf(metric, a), valuesOf(metric, b));
  return {
    target,
    operation: operationOf(b),
    metric: metric.name,
    old,
    new: latest,
    change: isKnown && old !== 0 ? latest / old - 1 : null,
    interval95,
    verdict: isKnown
      ? verdictOf(metric, old, latest, interval95, Math.min(a.runs.length, b.runs.length))
      : "no figure",
  };
}

/** Of each run; null when one has none. */
function valuesOf(metric: Metric, { runs }: PhaseResult): number[] | null {
  const values = runs.map(metric.ofRun).filter((value) => value !== null);
  return values.length === runs.length && values.every((value) => value > 0) ? values : null;
}

function verdictOf(
  { isMoreBetter }: Metric,
  old: number,
  latest: number,
  interval: Change["interval95"],
  runsCount: number,
): ChangeVerdict {
  if (interval === null) {
    if (old === latest) return "no difference seen";
    return runsCount < 2 ? "one run each: no interval" : "no interval";
  }
  const [low, high] = interval;
  if (low <= 0 && high >= 0) return "no difference seen";
  return low > 0 === isMoreBetter ? "better" : "worse";
}

/** Of the ratio of the geometric means minus 1; null below two values on either side. */
export function welchInterval(
  old: number[] | null,
  latest: number[] | null,
): [low: number, high: number] | null {
  if (old === null || latest === null || old.length < 2 || latest.length < 2) return null;
  const [a, b] = [old.map(Math.log), latest.map(Math.log)] as const;
  const [errorA, errorB] = [a, b].map((logs) => standardDeviation(logs) ** 2 / logs.length) as [
    number,
    number,
  ];
  const difference = mean(b) - mean(a);
  const error = Math.sqrt(errorA + errorB);
  if (error === 0) return [Math.expm1(difference), Math.expm1(difference)];
  const degrees =
    (errorA + errorB) ** 2 / (errorA ** 2 / (a.length - 1) + errorB ** 2 / (b.length - 1));
  // The quantile is for whole degrees: rounded down, the interval is a little wider.
  const reach = studentQuantile(0.975, Math.max(1, Math.floor(degrees + 1e-9))) * error;
  return [Math.expm1(difference - reach), Math.expm1(difference + reach)];
}

/** What a reader must know besides the figures, "name: old → new". */
const ASPECTS: [name: string, of: (result: BenchResult) => unknown][] = [
  ["processor", ({ environment }) => environment.processor],
  ["cores", ({ environment }) => environment.cores],
  ["processor quota", ({ environment }) => environment.processorQuota],
  ["governor", ({ environment }) => environment.governor],
  ["turbo", ({ environment }) => environment.turbo],
  ["kernel", ({ environment }) => environment.kernel],
  ["Bun", ({ environment }) => environment.bunVersion],
  ["compiled", ({ environment }) => environment.isCompiled],
  ["native add-ons", ({ environment }) => environment.nativeAddons?.join(" ") ?? null],
  ["workload", ({ plan }) => plan.workload],
  ["connections", ({ plan }) => plan.concurrency],
  ["load processes", ({ plan }) => plan.workersCount],
  ["values", ({ plan }) => JSON.stringify(plan.values)],
  ["chat", ({ plan }) => JSON.stringify(plan.chat)],
  ["latencies taken", ({ plan }) => plan.isTimingLatency],
  ["values compared", ({ plan }) => plan.isVerifying],
];

function differencesOf(old: BenchResult, latest: BenchResult): string[] {
  const general = ASPECTS.flatMap(([name, of]) => differenceOf(name, of(old), of(latest)));
  const ofTargets = latest.targets.flatMap((target) => {
    const before = old.targets.find(({ label }) => label === target.label);
    if (before === undefined) return [];
    const { label, facts, client, clientVersion, phases } = target;
    return [
      ...differenceOf(`${label}: version`, before.facts.version, facts.version),
      ...differenceOf(`${label}: threads`, before.facts.threads, facts.threads),
      ...differenceOf(`${label}: client`, before.client, client),
      ...differenceOf(`${label}: client version`, before.clientVersion, clientVersion),
      ...differenceOf(`${label}: depth`, depthOf(before.phases), depthOf(phases)),
      ...[...new Set([...Object.keys(before.facts.settings), ...Object.keys(facts.settings)])]
        .sort()
        .flatMap((name) =>
          differenceOf(`${label}: ${name}`, before.facts.settings[name], facts.settings[name]),
        ),
    ];
  });
  return [...general, ...ofTargets];
}

function depthOf(phases: PhaseResult[]): string {
  return [...new Set(phases.flatMap((phase) => (phase.isMeasured ? phase.batchSize : [])))].join();
}

function differenceOf(name: string, old: unknown, latest: unknown): string[] {
  const [before, after] = [old, latest].map((value) =>
    value === null || value === undefined ? "unknown" : value === "" ? "none" : String(value),
  );
  return before === after ? [] : [`${name}: ${before} → ${after}`];
}
