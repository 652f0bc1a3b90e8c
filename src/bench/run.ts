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
import type { Plan, TargetPlan } from "./plan.ts";
import type { Progress } from "./progress.ts";
import type { PhaseRun, TargetResult } from "./result.ts";
import type { OpenSession, Session } from "./session.ts";
import { openClientSession } from "./sessions/client-session.ts";
import { openRespSession } from "./sessions/resp-session.ts";
import { makePhaseResult } from "./summarize.ts";

/** What was seen of one target so far. */
interface Seen {
  target: TargetPlan;
  label: string;
  session: Pick<Session, "endpoint" | "isStartedHere" | "facts" | "clientVersion"> | null;
  /** By phase, then by repetition. */
  runs: PhaseRun[][];
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
    runs: plan.phases.map(() => []),
  }));
  for (let run = 0; run < plan.runsCount; run++) {
    for (let i = 0; i < seen.length; i++) {
      const each = seen[(i + run) % seen.length];
      assert(each !== undefined, "a plan without targets");
      await runTarget(plan, each, selfCommand, progress);
    }
  }
  return seen.map((each) => targetResult(plan, each));
}

async function runTarget(
  plan: Plan,
  seen: Seen,
  selfCommand: string[],
  progress: Progress,
): Promise<void> {
  const { target, label } = seen;
  const open = sessionOf(target);
  const session = await open({ plan, target, label, selfCommand, progress });
  try {
    seen.session ??= session;
    for (const [index, phase] of plan.phases.entries()) {
      seen.runs[index]?.push(await session.run(phase));
    }
  } finally {
    progress.clear();
    await session.close();
  }
}

/** How a target is driven. */
function sessionOf({ client }: TargetPlan): OpenSession {
  return client === "node-redis" || client === "bun" ? openClientSession : openRespSession;
}

/** The backend, and the client where it says something or tells two targets apart. */
function labelOf(target: TargetPlan, targets: TargetPlan[]): string {
  const { backend, client } = target;
  const twins = targets.filter((other) => other.backend === backend);
  return client === "raw" && twins.length === 1 ? backend : `${backend} (${client})`;
}

function targetResult(plan: Plan, { target, label, session, runs }: Seen): TargetResult {
  assert(session !== null, "a target that never ran");
  const { endpoint, isStartedHere, facts, clientVersion = null } = session;
  const { backend, client } = target;
  const phases = plan.phases.map((phase, index) => makePhaseResult(phase, runs[index] ?? []));
  return { label, backend, client, clientVersion, endpoint, isStartedHere, facts, phases };
}
