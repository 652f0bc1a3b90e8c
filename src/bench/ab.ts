/**
 * Whether b is faster than a: both servers up, short slices of each next to each other, paired.
 *
 *      open a, open b
 *      each operation:   prepare (unmeasured phases, a pilot, a warm slice of both)
 *                        noise:       a a | a a | a a …      a against itself, first
 *                        comparison:  a b | b a | b a …
 *
 * A slice is a number of operations that takes about `sliceMs` at the rate of the warm slice, so
 * that every slice of a side does the same work. While one side is measured the other one is up,
 * connected, and idle. The verdicts are paired.ts's, the order is interleave.ts's.
 */
import { assert } from "../base/assert.ts";
import { FatalError } from "../base/errors.ts";
import type { AbPhase, PairedSlices } from "./ab-result.ts";
import { clientVersionOf } from "./client-version.ts";
import type { FanoutPhase, Plan, RequestPhase } from "./plan.ts";
import type { Progress } from "./progress.ts";
import type { PhaseRun, TargetResult } from "./result.ts";
import { sessionOf } from "./run.ts";
import type { Session } from "./session.ts";
import { interleave } from "./statistics/interleave.ts";
import { comparePaired } from "./statistics/paired.ts";
import { makePhaseResult } from "./summarize.ts";

/** A pilot that took so long tells the rate well enough to size the warm slice by it. */
const PILOT_MS_MIN = 200;
const PILOT_GROWTH = 4;
const OPERATIONS_MAX = 1e9;

type SlicedPhase = RequestPhase | FanoutPhase;

export interface AbPlan {
  /** Each with one target. Their measured phases are compared in order. */
  sides: [a: Plan, b: Plan];
  sliceMs: number;
  roundsCount: number;
}

export interface AbOutcome {
  targets: [a: TargetResult, b: TargetResult];
  phases: AbPhase[];
}

/** Throws FatalError when a side cannot be reached or breaks off, or the two do not match. */
export async function runAb(
  plan: AbPlan,
  selfCommand: string[],
  progress: Progress,
): Promise<AbOutcome> {
  const steps = stepsOf(plan);
  const sides: Side[] = [];
  try {
    for (const [index, each] of plan.sides.entries()) {
      sides.push(await openSide("ab"[index] ?? "", each, selfCommand, progress));
    }
    const [a, b] = sides as [Side, Side];
    const phases: AbPhase[] = [];
    for (const step of steps) phases.push(await runStep(plan, step, a, b));
    return { targets: [targetOf(a), targetOf(b)], phases };
  } finally {
    progress.clear();
    for (const { session } of sides) await session.close();
  }
}

/** A measured phase of each side, with what has to be done before it. */
interface Step {
  before: [a: Plan["phases"], b: Plan["phases"]];
  phases: [a: SlicedPhase, b: SlicedPhase];
}

function stepsOf({ sides }: AbPlan): Step[] {
  const [a, b] = sides.map((side) => groupsOf(side.phases)) as [Group[], Group[]];
  if (a.length !== b.length || a.length === 0) {
    const [first, second] = [a, b].map((each) => each.map(({ phase }) => phase.label).join(", "));
    throw new FatalError(`Cannot compare ${first || "nothing"} with ${second || "nothing"}`);
  }
  return a.map((group, index) => {
    const other = b[index];
    assert(other !== undefined, "sides of the same length");
    return { before: [group.before, other.before], phases: [group.phase, other.phase] };
  });
}

interface Group {
  before: Plan["phases"];
  phase: SlicedPhase;
}

function groupsOf(phases: Plan["phases"]): Group[] {
  const groups: Group[] = [];
  let before: Plan["phases"] = [];
  for (const phase of phases) {
    if (phase.kind === "connect") {
      throw new FatalError(`Cannot compare ${phase.label} in slices: it has no rate`);
    }
    if (!phase.isMeasured) before.push(phase);
    else {
      groups.push({ before, phase });
      before = [];
    }
  }
  return groups;
}

interface Side {
  label: string;
  plan: Plan;
  session: Session;
  /** Every slice so far. */
  slices: { phase: SlicedPhase; runs: PhaseRun[] }[];
}

async function openSide(
  name: string,
  plan: Plan,
  selfCommand: string[],
  progress: Progress,
): Promise<Side> {
  const target = plan.targets[0];
  assert(target !== undefined && plan.targets.length === 1, "a side has one target");
  const label = `${name}: ${target.backend}${target.client === "raw" ? "" : ` (${target.client})`}`;
  const session = await sessionOf(target)({ plan, target, label, selfCommand, progress });
  return { label, plan, session, slices: [] };
}

async function runStep(plan: AbPlan, step: Step, a: Side, b: Side): Promise<AbPhase> {
  const { sliceMs, roundsCount } = plan;
  const phases: SlicedPhase[] = [];
  for (const [index, side] of [a, b].entries()) {
    for (const phase of step.before[index] ?? []) await side.session.run(phase);
    const phase = step.phases[index];
    assert(phase !== undefined, "a step has a phase of each side");
    phases.push(await sizedSlice(side, phase, sliceMs));
    side.slices.push({ phase, runs: [] });
  }
  const [sliceA, sliceB] = phases as [SlicedPhase, SlicedPhase];
  const [labelA, labelB] = step.phases.map(({ label }) => label);
  const seed = a.plan.seed;
  const noise = await runRounds([a, a], [sliceA, sliceA], roundsCount, seed);
  const comparison = await runRounds([a, b], [sliceA, sliceB], roundsCount, seed);
  return { label: labelA === labelB ? labelA! : `${labelA} / ${labelB}`, noise, comparison };
}

/** The phase with as many operations as take `sliceMs`, when it is warm. */
async function sizedSlice(
  { session, plan }: Side,
  phase: SlicedPhase,
  sliceMs: number,
): Promise<SlicedPhase> {
  let operations = Math.max(1000, plan.concurrency * phase.batchSize);
  let rate = 0;
  for (;;) {
    const run = await session.run(withOperations(phase, operations));
    rate = run.operationsPerSecond;
    const isLong = run.elapsedNs >= Math.min(PILOT_MS_MIN, sliceMs) * 1e6;
    if (isLong || operations >= OPERATIONS_MAX) break;
    operations = Math.min(operations * PILOT_GROWTH, OPERATIONS_MAX);
  }
  const warm = await session.run(withOperations(phase, (rate * sliceMs) / 1000));
  return withOperations(phase, (warm.operationsPerSecond * sliceMs) / 1000);
}

function withOperations(phase: SlicedPhase, operations: number): SlicedPhase {
  return { ...phase, warmupMs: 0, amount: { operations: Math.max(1, Math.round(operations)) } };
}

async function runRounds(
  sides: [Side, Side],
  phases: [SlicedPhase, SlicedPhase],
  roundsCount: number,
  seed: number,
): Promise<PairedSlices> {
  const rates: [number[], number[]] = [[], []];
  for (const round of interleave(2, roundsCount)) {
    for (const index of round as (0 | 1)[]) {
      const run = await sides[index].session.run(phases[index]);
      rates[index].push(run.operationsPerSecond);
      sides[index].slices.at(-1)?.runs.push(run);
    }
  }
  const [ratesA, ratesB] = rates;
  return { ratesA, ratesB, paired: comparePaired(ratesA, ratesB, seed) };
}

function targetOf({ label, plan, session, slices }: Side): TargetResult {
  const target = plan.targets[0];
  assert(target !== undefined, "a side has a target");
  const { backend, client } = target;
  const { endpoint, isStartedHere, facts } = session;
  const phases = slices.map(({ phase, runs }) => makePhaseResult(phase, runs));
  const clientVersion = clientVersionOf(client);
  return { label, backend, client, clientVersion, endpoint, isStartedHere, facts, phases };
}
