/** Options → a measured result: the machine before and after, the plan, the run, its warnings. */
import { COMMIT, VERSION } from "./base/version.ts";
import { readEnvironment, readNativeAddons } from "./bench/environment.ts";
import { activityBetween, readCounters } from "./bench/machine-activity.ts";
import { makePlan } from "./bench/make-plan.ts";
import type { BenchOptions } from "./bench/options.ts";
import type { Progress } from "./bench/progress.ts";
import { withoutPasswords } from "./bench/report/command-line.ts";
import { type BenchResult, SCHEMA_VERSION } from "./bench/result.ts";
import { runPlan } from "./bench/run.ts";
import { findWarnings } from "./bench/warnings.ts";
import { isCompiled, selfCommand } from "./self-command.ts";

/** What every result begins with. */
export type ResultHeader = Pick<
  BenchResult,
  "schemaVersion" | "tool" | "startedAt" | "argv" | "environment" | "activity"
>;

/** `argv` is what the options were made from. Throws FatalError. */
export async function measure(
  options: BenchOptions,
  argv: string[],
  progress: Progress,
): Promise<BenchResult> {
  const { targets: plans, phases, ...load } = makePlan(options);
  const { outcome: targets, header } = await aroundRun(argv, () =>
    runPlan({ ...load, targets: plans, phases }, selfCommand(), progress),
  );
  return {
    kind: "bench",
    ...header,
    plan: load,
    targets,
    warnings: findWarnings(targets, header.environment, header.activity),
    isFailed: targets.some((target) =>
      target.phases.some((phase) => phase.summary.errorsTotal > 0),
    ),
  };
}

/** Runs `work` and describes the machine before and after it. */
export async function aroundRun<T>(
  argv: string[],
  work: () => Promise<T>,
): Promise<{ outcome: T; header: ResultHeader }> {
  const startedAt = new Date().toISOString();
  const machine = readEnvironment(isCompiled());
  const countersBefore = readCounters();
  const outcome = await work();
  const activity = activityBetween(countersBefore, readCounters());
  // Add-ons are loaded when they are first needed: what counts is what is there in the end.
  const environment = { ...machine, nativeAddons: readNativeAddons("/") };
  const tool = { name: "kv bench", version: VERSION, commit: COMMIT } as const;
  const header: ResultHeader = {
    schemaVersion: SCHEMA_VERSION,
    tool,
    startedAt,
    argv: withoutPasswords(argv),
    environment,
    activity,
  };
  return { outcome, header };
}
