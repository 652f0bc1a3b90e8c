/** The rows that all tables and charts are made of: the measured phases of all targets. */
import { formatCount } from "../../base/units.ts";
import type { BenchResult, PhaseResult, PhaseRun, TargetResult } from "../result.ts";

export interface Row {
  target: TargetResult;
  phase: PhaseResult;
}

/**
 * By operation first, then in the order of the targets, so that what is compared stands together.
 */
export function measuredRows(result: BenchResult): Row[] {
  const rows = result.targets.flatMap((target) =>
    target.phases.map((phase) => ({ target, phase })),
  );
  const measured = rows.filter((row) => row.phase.isMeasured);
  const names = [...new Set(measured.map((row) => operationOf(row.phase)))];
  return names.flatMap((name) => measured.filter((row) => operationOf(row.phase) === name));
}

/** "READ (Simple)", and in an open loop its rate. */
export function operationOf({ label, rateTarget }: PhaseResult): string {
  return rateTarget === null ? label : `${label} @ ${formatCount(rateTarget)}/s`;
}

export function sumOf(runs: PhaseRun[], of: (run: PhaseRun) => number): number {
  return runs.reduce((total, run) => total + of(run), 0);
}

export interface Sweep {
  label: string;
  /** One for each target, by rising rate. */
  curves: { target: TargetResult; phases: PhaseResult[] }[];
}

/** Phases that were measured at two rates or more, by their label. */
export function sweepsOf(result: BenchResult): Sweep[] {
  const labels = new Set(measuredRows(result).map(({ phase }) => phase.label));
  return [...labels].flatMap((label) => {
    const curves = result.targets.map((target) => ({
      target,
      phases: target.phases
        .filter((phase) => phase.isMeasured && phase.label === label && phase.rateTarget !== null)
        .toSorted((a, b) => (a.rateTarget ?? 0) - (b.rateTarget ?? 0)),
    }));
    return curves.some(({ phases }) => phases.length >= 2) ? [{ label, curves }] : [];
  });
}
