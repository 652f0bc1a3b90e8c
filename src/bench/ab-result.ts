/**
 * The result of `kv bench ab` as plain data: two sides in alternating slices, each pair of
 * neighbours compared. schemas/bench-ab.schema.json describes the same.
 *
 *      AbResult ─┬─ AbSide a, b: the target, with every slice as a run of its phases
 *                └─ AbPhase: noise (a against itself), comparison (a against b)
 *
 * Types only: ab.ts makes the values.
 */
import type { BenchResult, TargetResult } from "./result.ts";
import type { PairedComparison } from "./statistics/paired.ts";

export interface AbResult
  extends Pick<
    BenchResult,
    | "schemaVersion"
    | "tool"
    | "startedAt"
    | "argv"
    | "environment"
    | "activity"
    | "warnings"
    | "isFailed"
  > {
  kind: "bench-ab";
  /** How long a slice was meant to take. */
  sliceMs: number;
  /** Slices of each side, and of either half of the run of a against itself. */
  roundsCount: number;
  sides: [a: AbSide, b: AbSide];
  phases: AbPhase[];
}

export interface AbSide {
  argv: string[];
  plan: BenchResult["plan"];
  target: TargetResult;
}

export interface AbPhase {
  label: string;
  /** a against a: what chance alone does on this machine. */
  noise: PairedSlices;
  comparison: PairedSlices;
}

export interface PairedSlices {
  /** Per second, in the order of the rounds. */
  ratesA: number[];
  ratesB: number[];
  paired: PairedComparison;
}
