/**
 * The highest rate at which a server keeps a bound on its latency: `--find-max p99<2ms`.
 *
 *      1k ok, 2k ok, … 64k ok, 128k not │ 90k ok, 107k not, 98k not │ 90k ok for longer: found
 *               doubling                │ halving the distance       │ confirmed
 *
 * Each step is a phase of its own, in an open loop. It passes when it is sustained, nothing failed
 * and the percentile of its response time is within the bound. Rates are tried from below, so that
 * a server is not left with the backlog of a rate that it cannot take; a single step on a busy
 * machine can fail by chance, and therefore the rate that is found must pass once more, for longer,
 * or the one below it.
 * Limits: RATE_MIN to RATE_MAX; found within PRECISION.
 */
import { FatalError } from "../base/errors.ts";
import { formatCount, formatDurationNs } from "../base/units.ts";
import type { FanoutPhase, RateSearch, RequestPhase } from "./plan.ts";
import type { PhaseRun } from "./result.ts";

const RATE_FIRST = 1000;
const RATE_MIN = 1;
const RATE_MAX = 10_000_000;
/** A rate that passes and one that does not, so close to each other, end the search. */
const PRECISION = 1.05;
/** How long a step is, unless --duration and --warmup say it. */
const STEP_MS = 2000;
const STEP_WARMUP_MS = 500;
/** A rate must be kept for so many steps' time to be confirmed. */
const CONFIRMATION_STEPS = 3;
/** What is tried when a rate is not confirmed. */
const BACKOFF = 0.9;
const CONFIRMATIONS_MAX = 8;

export type SearchedPhase = RequestPhase | FanoutPhase;

export interface SearchStep {
  phase: SearchedPhase;
  run: PhaseRun;
}

export interface SearchResult {
  /** In the order in which they ran, without the last. */
  steps: SearchStep[];
  /** The one that confirmed the rate. */
  confirmed: SearchStep;
}

export type RunPhase = (phase: SearchedPhase) => Promise<PhaseRun>;

/**
 * Searches for `phase`, whose own schedule and amount do not matter (but for a duration). Throws
 * FatalError when no rate is confirmed.
 */
export async function findMax(
  phase: SearchedPhase,
  search: RateSearch,
  run: RunPhase,
): Promise<SearchResult> {
  const steps: SearchStep[] = [];
  const passes = async (ratePerSecond: number) => {
    const step = await runStep(stepOf(phase, search, ratePerSecond, 1), run);
    steps.push(step);
    return isPassed(step.run, search);
  };
  let rate = await highestRate(passes);
  for (let attempt = 0; attempt < CONFIRMATIONS_MAX && rate >= RATE_MIN; attempt++) {
    const step = await runStep(stepOf(phase, search, rate, CONFIRMATION_STEPS), run);
    if (isPassed(step.run, search)) {
      const confirmed = { ...step, phase: { ...step.phase, label: `${phase.label} max` } };
      return { steps, confirmed };
    }
    steps.push(step);
    rate = roundRate(rate * BACKOFF);
  }
  const bound = `${percentileName(search)} < ${formatDurationNs(search.latencyNsMax)}`;
  const lowest = Math.min(...steps.map((step) => step.phase.schedule?.ratePerSecond ?? 0));
  throw new FatalError(
    `Cannot find a rate for ${phase.label}: ${bound} is not kept even at ${formatCount(lowest)}/s`,
    "a larger bound, or a machine with nothing else to do",
  );
}

/** "p99" of 0.99. */
export function percentileName({ percentile }: RateSearch): string {
  return `p${Number((percentile * 100).toFixed(1))}`;
}

async function runStep(phase: SearchedPhase, run: RunPhase): Promise<SearchStep> {
  return { phase, run: await run(phase) };
}

function stepOf(
  phase: SearchedPhase,
  { arrival, inflightMax }: RateSearch,
  ratePerSecond: number,
  times: number,
): SearchedPhase {
  const isGiven = "durationMs" in phase.amount;
  const stepMs = "durationMs" in phase.amount ? phase.amount.durationMs : STEP_MS;
  return {
    ...phase,
    warmupMs: isGiven ? phase.warmupMs : Math.max(phase.warmupMs, STEP_WARMUP_MS),
    amount: { durationMs: stepMs * times },
    schedule: { ratePerSecond, arrival, inflightMax },
  };
}

/**
 * Whether the bound is kept. With too few operations for the percentile, it must hold for all of
 * them.
 */
function isPassed(run: PhaseRun, { percentile, latencyNsMax }: RateSearch): boolean {
  const isDone = run.operations > 0 && run.errors.total === 0 && run.open?.isSustained !== false;
  if (!isDone || run.latency === null) return false;
  const { primary } = run.latency;
  const known = {
    0.5: primary.p50Ns,
    0.9: primary.p90Ns,
    0.99: primary.p99Ns,
    0.999: primary.p999Ns,
  }[percentile];
  return (known ?? primary.maxNs) <= latencyNsMax;
}

/** The highest rate that passed; 0 when none did. */
async function highestRate(passes: (rate: number) => Promise<boolean>): Promise<number> {
  let good = 0;
  let bad = 0;
  for (let rate = RATE_FIRST; rate <= RATE_MAX && bad === 0; rate *= 2) {
    if (await passes(rate)) good = rate;
    else bad = rate;
  }
  while (good === 0 && bad > RATE_MIN) {
    const rate = roundRate(bad / 2);
    if (await passes(rate)) good = rate;
    else bad = rate;
  }
  while (good > 0 && bad > good * PRECISION) {
    const middle = roundRate(Math.sqrt(good * bad));
    if (middle <= good || middle >= bad) break;
    if (await passes(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

/** Three digits: more would promise a precision that is not there. */
function roundRate(rate: number): number {
  return Math.max(RATE_MIN, Number(rate.toPrecision(3)));
}
