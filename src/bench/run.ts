/**
 * Plan → target results: repetitions of all targets, interleaved, each with fresh connections.
 *
 *      run 1: kv, valkey, redis    run 2: valkey, redis, kv    run 3: redis, kv, valkey
 *
 * Targets run one after the other, and a server that is started here runs only while it is
 * measured, so that no other server of the comparison takes its processors. From one repetition to
 * the next the order rotates, so that a machine that gets slower or faster does so for all.
 */
import { assert } from "../base/assert.ts";
import { FatalError } from "../base/errors.ts";
import { formatCount, formatDurationNs } from "../base/units.ts";
import { backendOf } from "./backends.ts";
import { clientVersionOf } from "./client-version.ts";
import { findMax, percentileName, type SearchStep } from "./find-max.ts";
import type { PhasePlan, Plan, TargetPlan } from "./plan.ts";
import type { Progress } from "./progress.ts";
import { SAMPLES_BEYOND_MIN } from "./recorder/percentiles.ts";
import type { PhaseRun, TargetResult } from "./result.ts";
import type { OpenSession, Session, SessionContext } from "./session.ts";
import { openRespSession } from "./sessions/resp-session.ts";
import { makePhaseResult } from "./summarize.ts";

/** What was seen of one target so far. */
interface Seen {
  target: TargetPlan;
  label: string;
  session: Pick<Session, "endpoint" | "isStartedHere" | "facts"> | null;
  phases: SeenPhase[];
}

interface SeenPhase {
  /** With the rate that was found, after a search. */
  phase: PhasePlan;
  isSearched: boolean;
  /** Of a search, in the first repetition; the later ones run at the rate that was found. */
  steps: SearchStep[];
  /** By repetition. */
  runs: PhaseRun[];
}

/**
 * Runs all phases against all targets; `selfCommand` runs this program. Throws FatalError when a
 * target cannot be reached or breaks off.
 */
export async function runPlan(
  plan: Plan,
  selfCommand: string[],
  progress: Progress,
): Promise<TargetResult[]> {
  const seen: Seen[] = plan.targets.map((target) => ({
    target,
    label: labelOf(target, plan.targets),
    session: null,
    phases: plan.phases.map((phase) => ({ phase, isSearched: false, steps: [], runs: [] })),
  }));
  for (let run = 0; run < plan.runsCount; run++) {
    for (let i = 0; i < seen.length; i++) {
      const each = seen[(i + run) % seen.length];
      assert(each !== undefined, "a plan without targets");
      await runTarget(plan, each, selfCommand, progress);
    }
  }
  return seen.map(targetResult);
}

async function runTarget(
  plan: Plan,
  seen: Seen,
  selfCommand: string[],
  progress: Progress,
): Promise<void> {
  const { target, label } = seen;
  const open = sessionOf(target);
  let where = `${label} at ${addressOf(target)}`;
  try {
    const session = await open({ plan, target, label, selfCommand, progress });
    try {
      seen.session ??= session;
      for (const each of seen.phases) {
        where = `${label} at ${session.endpoint}, ${each.phase.label}`;
        await runPhase(plan, each, session, label, progress);
      }
    } finally {
      progress.clear();
      await session.close();
    }
  } catch (error) {
    throw withPlace(error, where);
  }
}

/** Without what logs in. */
function addressOf({ url }: TargetPlan): string {
  return url?.replace(/^\w+:\/\//, "").replace(/^.*@/, "") ?? "loopback";
}

/** Of several targets and phases, which one it was; where that is not said already. */
function withPlace(error: unknown, where: string): unknown {
  const isSaid = error instanceof FatalError && /^Cannot (reach|find)/.test(error.message);
  if (!(error instanceof FatalError) || isSaid) return error;
  return new FatalError(`${error.message} (${where})`, error.hint);
}

async function runPhase(
  { search }: Plan,
  seen: SeenPhase,
  session: Session,
  label: string,
  progress: Progress,
): Promise<void> {
  const { phase } = seen;
  if (search === null || seen.isSearched || !phase.isMeasured || phase.kind === "connect") {
    seen.runs.push(await session.run(phase));
    return;
  }
  const { steps, confirmed } = await findMax(phase, search, (step) => session.run(step));
  seen.isSearched = true;
  seen.steps = steps;
  seen.phase = confirmed.phase;
  seen.runs.push(confirmed.run);
  const rate = formatCount(confirmed.phase.schedule?.ratePerSecond ?? 0);
  const bound = `${percentileName(search)} < ${formatDurationNs(search.latencyNsMax)}`;
  const { operations } = confirmed.run;
  const isFew = operations * (1 - search.percentile) < SAMPLES_BEYOND_MIN;
  const how = isFew ? ` (the slowest of ${operations} operations: too few for a percentile)` : "";
  progress.say(`${label} ${phase.label}: keeps ${bound} up to ${rate}/s${how}`);
}

/** How a target is driven. */
export function sessionOf(_target: TargetPlan): OpenSession {
  return openSession;
}

/** By where the target is, and by what its phases do; those of a plan are all of one kind. */
async function openSession(context: SessionContext): Promise<Session> {
  if (backendOf(context.target.backend).kind === "in-process") {
    return (await import("./sessions/in-process-session.ts")).openInProcessSession(context);
  }
  switch (context.plan.phases[0]?.kind) {
    case "fanout":
      return (await import("./sessions/fanout-session.ts")).openFanoutSession(context);
    case "connect":
      return (await import("./sessions/connect-session.ts")).openConnectSession(context);
    default:
      return openRespSession(context);
  }
}

/** The backend, and the client where it says something or tells two targets apart. */
function labelOf(target: TargetPlan, targets: TargetPlan[]): string {
  const { backend, client } = target;
  const twins = targets.filter((other) => other.backend === backend);
  return client === "raw" && twins.length === 1 ? backend : `${backend} (${client})`;
}

function targetResult({ target, label, session, phases: seenPhases }: Seen): TargetResult {
  assert(session !== null, "a target that never ran");
  const { endpoint, isStartedHere, facts } = session;
  const { backend, client } = target;
  const phases = seenPhases.flatMap(({ phase, steps, runs }) => [
    ...steps.map((step) => makePhaseResult(step.phase, [step.run])),
    makePhaseResult(phase, runs),
  ]);
  const clientVersion = clientVersionOf(client);
  return { label, backend, client, clientVersion, endpoint, isStartedHere, facts, phases };
}
