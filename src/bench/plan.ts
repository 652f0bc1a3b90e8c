/**
 * Options → plan: what exactly will run, against what, in which order. A pure function of plain
 * data.
 *
 *      SET, GET        each key once (the default): SET writes what GET reads
 *      FILL, GET       with --read-only: the keys are written first, unmeasured; no read misses
 *      SET, FILL, GET  with --keys: SET draws keys at random and so leaves some out
 */
import type { BackendName } from "./backends.ts";
import type { KeyOrderName } from "./workloads/key-order.ts";

/**
 * What the command line asks for; made by cli/bench-options.ts, which has checked every value and
 * combination.
 */
export interface BenchOptions {
  backends: BackendName[];
  /** Where backends are, when it was said. */
  urls: Partial<Record<BackendName, string>>;
  workload: "simple";
  operations: number;
  /** Size of a key space drawn from at random; null: one key per operation, each once. */
  keysCount: number | null;
  concurrency: number;
  valueSize: number;
  /** Requests that a connection sends at once: 1 without --pipeline. */
  batchSize: number;
  isWriting: boolean;
  isReading: boolean;
  isTimingLatency: boolean;
  isVerifying: boolean;
  seed: number;
  /** Threads of a server that is started here; null leaves it to the server. */
  threads: number | null;
  isQuiet: boolean;
  outPath: string | null;
}

export interface PhasePlan {
  name: "SET" | "GET" | "FILL";
  request: "set" | "get";
  operations: number;
  keyOrder: KeyOrderName;
  /** Requests that a connection sends at once. */
  batchSize: number;
  /** False: done and checked, but not reported as a figure. */
  isMeasured: boolean;
}

export interface TargetPlan {
  backend: BackendName;
  /** Null: start it here. */
  url: string | null;
  threads: number | null;
}

export interface Plan {
  workload: "simple";
  targets: TargetPlan[];
  phases: PhasePlan[];
  keysCount: number;
  concurrency: number;
  batchSize: number;
  valueSize: number;
  seed: number;
  isTimingLatency: boolean;
  isVerifying: boolean;
}

/** What is not measured need not take long. */
const FILL_BATCH_SIZE = 200;

/** The default URLs come in by `urlDefault`, so that this function knows no ports. */
export function makePlan(
  options: BenchOptions,
  urlDefault: (backend: BackendName) => string | null,
): Plan {
  const { workload, concurrency, batchSize, valueSize, seed } = options;
  const { isTimingLatency, isVerifying, threads } = options;
  return {
    workload,
    targets: options.backends.map((backend) => {
      const url = options.urls[backend] ?? urlDefault(backend);
      return { backend, url, threads: url === null ? threads : null };
    }),
    phases: makePhases(options),
    keysCount: options.keysCount ?? options.operations,
    concurrency,
    batchSize,
    valueSize,
    seed,
    isTimingLatency,
    isVerifying,
  };
}

function makePhases(options: BenchOptions): PhasePlan[] {
  const { operations, keysCount, batchSize } = options;
  const keyOrder: KeyOrderName = keysCount === null ? "sequential" : "random";
  const phases: PhasePlan[] = [];
  if (options.isWriting) {
    phases.push({ name: "SET", request: "set", operations, keyOrder, batchSize, isMeasured: true });
  }
  if (!options.isReading) return phases;
  if (!options.isWriting || keysCount !== null) {
    const count = keysCount ?? operations;
    phases.push({
      name: "FILL",
      request: "set",
      operations: count,
      keyOrder: "sequential",
      batchSize: Math.max(batchSize, FILL_BATCH_SIZE),
      isMeasured: false,
    });
  }
  phases.push({ name: "GET", request: "get", operations, keyOrder, batchSize, isMeasured: true });
  return phases;
}
