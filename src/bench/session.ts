/**
 * One target while it is connected: what every way of driving a backend offers to the run.
 *
 *      run ── open ──> session ── run(phase) ──> PhaseRun ··· ── close
 *
 * The implementations are in sessions/. A session brings its own connections (and the server, when
 * it is started here) and keeps them for all phases of one repetition.
 */
import type { PhasePlan, Plan, TargetPlan } from "./plan.ts";
import type { Progress } from "./progress.ts";
import type { PhaseRun } from "./result.ts";
import type { TargetFacts } from "./target-facts.ts";

export interface Session {
  readonly endpoint: string;
  readonly isStartedHere: boolean;
  readonly facts: TargetFacts;
  /** Runs one phase to its end. Throws FatalError when the target breaks off. */
  run(phase: PhasePlan): Promise<PhaseRun>;
  /** Closes the connections, and stops the server that was started here. */
  close(): Promise<void>;
}

export interface SessionContext {
  plan: Plan;
  target: TargetPlan;
  /** What tables call the target; unique in a run. */
  label: string;
  /** The command that runs this very program, to be followed by a subcommand and its flags. */
  selfCommand: string[];
  progress: Progress;
}

/**
 * Connects, after starting a server of its own where the target has no URL. Throws FatalError, with
 * a hint how to start the backend, when it cannot be reached.
 */
export type OpenSession = (context: SessionContext) => Promise<Session>;
