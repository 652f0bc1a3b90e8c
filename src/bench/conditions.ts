/**
 * Conditions of `--fail-if`: their grammar, and which of them a result meets.
 *
 *      conditions   condition {"," condition}
 *      condition    metric ("<" | ">") bound
 *      metric       throughput, average, p50, p90, p99, p999, errors, reach
 *      bound        -5%, +10%                        relative: change against the old result
 *                   100k   2ms   3   0.999           absolute: rate, duration, count, share
 *
 * A condition is about every phase of every target; one phase that meets it is enough. One that
 * nothing can be said about fails as well: a gate that judges nothing must not let pass. Pure.
 */
import type { Change, Comparison } from "./compare.ts";
import { findMetric, METRICS, type Metric } from "./metrics.ts";
import { percentText } from "./report/cells.ts";
import { measuredRows, operationOf } from "./report/rows.ts";
import type { BenchResult } from "./result.ts";

export interface Condition {
  text: string;
  metric: Metric;
  isBelow: boolean;
  bound: number;
  /** The bound is a change: -0.05 is "5 % less". */
  isRelative: boolean;
}

const DURATION_UNITS_NS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 };
const RATE_UNITS: Record<string, number> = { "": 1, k: 1e3, m: 1e6 };
const EXAMPLES: Record<Metric["unit"], string> = {
  rate: "-5% or 100k",
  duration: "+10% or 2ms",
  count: "0",
  share: "1",
};

/** Throws RangeError, worded to stand behind "--fail-if: ". */
export function parseConditions(text: string): Condition[] {
  return text.split(",").map((part) => parseCondition(part.trim()));
}

function parseCondition(text: string): Condition {
  const match = /^([a-z0-9.]+)\s*([<>])\s*(\S+)$/i.exec(text);
  if (match === null) {
    throw new RangeError(`not a condition (${text}), such as throughput<-5% or p99>2ms`);
  }
  const [, name = "", operator, boundText = ""] = match;
  const metric = findMetric(name);
  if (metric === undefined) {
    const known = METRICS.map((each) => each.name).join(", ");
    throw new RangeError(`unknown metric (${name}), known are ${known}`);
  }
  const relative = /^([+-]?\d+(?:\.\d+)?)%$/.exec(boundText);
  const bound = relative === null ? absoluteBound(metric, boundText) : Number(relative[1]) / 100;
  if (bound === null) {
    const example = EXAMPLES[metric.unit];
    throw new RangeError(`not a bound of ${metric.name} (${boundText}), such as ${example}`);
  }
  return { text, metric, isBelow: operator === "<", bound, isRelative: relative !== null };
}

function absoluteBound({ unit }: Metric, text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)([a-zµ]*)$/i.exec(text);
  if (match === null) return null;
  const number = Number(match[1]);
  const suffix = match[2] ?? "";
  const units = unit === "duration" ? DURATION_UNITS_NS : unit === "rate" ? RATE_UNITS : { "": 1 };
  const factor = (units as Record<string, number>)[suffix.toLowerCase()];
  return factor === undefined ? null : number * factor;
}

/**
 * One line for each phase that meets a condition, and each condition that nothing can be said
 * about; `comparison` is needed for relative ones, and phases that it misses count as met.
 */
export function findViolations(
  conditions: Condition[],
  result: BenchResult,
  comparison: Comparison | null,
): string[] {
  const missing = conditions.length === 0 ? [] : (comparison?.missing ?? []);
  return [
    ...conditions.flatMap((condition) =>
      condition.isRelative
        ? relativeViolations(condition, comparison?.changes ?? [])
        : absoluteViolations(condition, result),
    ),
    ...missing.map((name) => `${name}: is not in the new result`),
  ];
}

function absoluteViolations(condition: Condition, result: BenchResult): string[] {
  const { metric, text } = condition;
  const figures = measuredRows(result).flatMap(({ target, phase }) => {
    const value = metric.of(phase);
    return value === null ? [] : [{ name: `${target.label} ${operationOf(phase)}`, value }];
  });
  if (figures.length === 0) return [`${text}: nothing has a figure for ${metric.name}`];
  return figures
    .filter(({ value }) => isMet(condition, value))
    .map(({ name, value }) => `${name}: ${metric.name} ${metric.format(value)} (${text})`);
}

function relativeViolations(condition: Condition, changes: Change[]): string[] {
  const { metric, text } = condition;
  const figures = changes.filter(
    (each) => each.metric === metric.name && each.old !== null && each.new !== null,
  );
  if (figures.length === 0) return [`${text}: nothing has figures for ${metric.name} to compare`];
  return figures
    .filter((each) => isMet(condition, changeOrInfinity(each)))
    .map((each) => {
      const [old, latest] = [each.old ?? 0, each.new ?? 0].map(metric.format);
      const change = each.change === null ? "" : ` ${percentText(each.change, true)},`;
      const name = `${each.target} ${each.operation}: ${metric.name}`;
      return `${name}${change} ${old} → ${latest} (${text})`;
    });
}

/** From nothing to something is more than any percentage. */
function changeOrInfinity({ change, new: latest }: Change): number {
  if (change !== null) return change;
  return latest === 0 ? 0 : Number.POSITIVE_INFINITY;
}

function isMet({ isBelow, bound }: Condition, value: number): boolean {
  return isBelow ? value < bound : value > bound;
}
