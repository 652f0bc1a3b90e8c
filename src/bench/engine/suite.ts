/**
 * Runs the engine's own suite: opens one store, gives each case to its Workers, and makes the same
 * result of it as of any other benchmark.
 *
 * The Workers are made once and kept; between two cases the store is emptied and filled again. The
 * repetitions of a case follow each other directly: nothing is compared within a suite, and what
 * fills the caches is part of each case anyway.
 */
import { nanoseconds } from "../../base/clock.ts";
import { FatalError } from "../../base/errors.ts";
import { type EmbeddedStore, openStore } from "../../store/embedded.ts";
import { bracket, emptyCounts, makePhaseRun } from "../measure.ts";
import type { PhasePlan } from "../plan.ts";
import type { Progress } from "../progress.ts";
import { Histogram } from "../recorder/histogram.ts";
import { makeLatency } from "../recorder/percentiles.ts";
import type { PhaseResult, PhaseRun, SeriesResult, TargetResult } from "../result.ts";
import { makePhaseResult } from "../summarize.ts";
import type { EngineCase } from "./cases.ts";
import { type EngineMessage, GATE_OPEN, GATE_READY, GATE_WORDS } from "./messages.ts";
import { type EngineJob, fill, type WorkCounts } from "./work.ts";

/** Values of the largest case, its keys and the index, with room for what is being replaced. */
const MEMORY_SIZE = 1024 ** 3;
/** Beyond the longest case: who has not answered by then has died. */
const PATIENCE_MS = 120_000;

export interface SuiteOptions {
  cases: EngineCase[];
  durationMs: number;
  runsCount: number;
  seed: number;
  isTimingLatency: boolean;
  /** The URL of the Workers' entry point. */
  workerUrl: string;
  progress: Progress;
  /** Called after each case. */
  onCase: ((engineCase: EngineCase, result: PhaseResult) => void) | null;
}

/** Throws FatalError when a Worker dies. */
export async function runSuite(options: SuiteOptions): Promise<TargetResult> {
  const workersMax = Math.max(...options.cases.map(({ workersCount }) => workersCount));
  const store = openStore({ memory: MEMORY_SIZE, threads: workersMax + 1 });
  const crew = new Crew(store, workersMax, options.workerUrl);
  const phases: PhaseResult[] = [];
  try {
    for (const engineCase of options.cases) {
      const result = await runCase(store, crew, engineCase, options);
      phases.push(result);
      options.onCase?.(engineCase, result);
    }
  } finally {
    crew.dismiss();
    store.close();
    options.progress.clear();
  }
  return {
    label: "inmemory",
    backend: "inmemory",
    client: "raw",
    clientVersion: null,
    endpoint: "in process",
    isStartedHere: true,
    facts: {
      serverName: "kv",
      version: null,
      mode: "embedded store",
      processId: process.pid,
      uptimeSeconds: null,
      threads: null,
      keysBefore: 0,
      settings: {},
    },
    phases,
  };
}

async function runCase(
  store: EmbeddedStore,
  crew: Crew,
  engineCase: EngineCase,
  options: SuiteOptions,
): Promise<PhaseResult> {
  store.clear();
  fill(store, engineCase);
  const runs: PhaseRun[] = [];
  for (let run = 0; run < options.runsCount; run++) {
    options.progress.show(engineCase.label, run, options.runsCount);
    runs.push(await runOnce(crew, engineCase, run, options));
  }
  return makePhaseResult(phaseOf(engineCase, options.durationMs), runs);
}

async function runOnce(
  crew: Crew,
  engineCase: EngineCase,
  run: number,
  { durationMs, seed, isTimingLatency }: SuiteOptions,
): Promise<PhaseRun> {
  const startedAt = new Date().toISOString();
  await crew.prepare(engineCase.workersCount, (worker) => {
    return { engineCase, durationMs, seed: seed + run * 1000 + worker, isTimingLatency };
  });
  const none = { readNs: () => null, source: "none", threads: null } as const;
  const { result, processorTime } = await bracket(none, () => crew.work(), engineCase.workersCount);
  return makeRun(startedAt, engineCase, result, processorTime);
}

interface CrewResult {
  elapsedNs: number;
  counts: WorkCounts[];
}

/** Workers that are made once, and do one case after the other. */
class Crew {
  readonly #workers: Worker[];
  #gate = new Int32Array(new SharedArrayBuffer(GATE_WORDS * 4));
  #answers: Promise<WorkCounts>[] = [];

  constructor(store: EmbeddedStore, count: number, url: string) {
    this.#workers = Array.from({ length: count }, () => new Worker(url));
    for (const worker of this.#workers) {
      worker.postMessage({ kind: "attach", handle: store.handle } satisfies EngineMessage);
    }
  }

  /** Gives the first `count` Workers their jobs; resolves when all are warm and at the gate. */
  async prepare(count: number, jobOf: (worker: number) => EngineJob): Promise<void> {
    this.#gate = new Int32Array(new SharedArrayBuffer(GATE_WORDS * 4));
    this.#answers = this.#workers.slice(0, count).map((worker, index) => {
      const answer = answerOf(worker);
      const message: EngineMessage = { kind: "job", job: jobOf(index), gate: this.#gate };
      worker.postMessage(message);
      return answer;
    });
    for (let ready = 0; ready < count; ready = Atomics.load(this.#gate, GATE_READY)) {
      const { async, value } = Atomics.waitAsync(this.#gate, GATE_READY, ready, PATIENCE_MS);
      if (!async) continue;
      await Promise.race([value, Promise.all(this.#answers)]);
    }
  }

  /** Opens the gate and waits for all. */
  async work(): Promise<CrewResult> {
    const startNs = nanoseconds();
    Atomics.store(this.#gate, GATE_OPEN, 1);
    Atomics.notify(this.#gate, GATE_OPEN);
    const counts = await Promise.all(this.#answers);
    return { elapsedNs: nanoseconds() - startNs, counts };
  }

  dismiss(): void {
    for (const worker of this.#workers) worker.terminate();
  }
}

function answerOf(worker: Worker): Promise<WorkCounts> {
  const { promise, resolve, reject } = Promise.withResolvers<WorkCounts>();
  worker.onmessage = (event: MessageEvent<WorkCounts>) => resolve(event.data);
  worker.onerror = (event) => reject(new FatalError(`Cannot go on: ${event.message}`));
  return promise;
}

function makeRun(
  startedAt: string,
  engineCase: EngineCase,
  { counts }: CrewResult,
  processorTime: PhaseRun["processorTime"],
): PhaseRun {
  const sum = (of: (count: WorkCounts) => number) =>
    counts.reduce((total, count) => total + of(count), 0);
  const histogram = mergedHistogram(counts);
  const elapsedNs = Math.max(...counts.map((count) => count.elapsedNs));
  const operations = sum((count) => count.operations);
  const series: SeriesResult = {
    endsMs: [elapsedNs / 1e6],
    operations: [operations],
    p50Ns: null,
    p99Ns: null,
  };
  const primary = histogram === null ? null : makeLatency(histogram, "at saturation");
  const run = makePhaseRun({
    startedAt,
    counts: {
      ...emptyCounts(),
      operations,
      elapsedNs,
      payloadBytesOut: sum((count) => count.bytesOut),
      payloadBytesIn: sum((count) => count.bytesIn),
    },
    reads: null,
    isChecked: false,
    latency: primary === null ? null : { primary, service: null, sendLag: null },
    series,
    processorTime,
  });
  // Misses are part of a case, not errors of it.
  const reads = { hits: sum((count) => count.hits), misses: sum((count) => count.misses) };
  return engineCase.readShare === 0 ? run : { ...run, reads };
}

function mergedHistogram(counts: WorkCounts[]): Histogram | null {
  const merged = new Histogram();
  for (const { histogram } of counts) {
    if (histogram === null) return null;
    merged.merge(Histogram.fromData(histogram));
  }
  return merged;
}

function phaseOf(engineCase: EngineCase, durationMs: number): PhasePlan {
  const { label, name, keysCount, batchSize, readShare } = engineCase;
  return {
    kind: "requests",
    name,
    label,
    isMeasured: true,
    warmupMs: 0,
    amount: { durationMs },
    batchSize,
    schedule: null,
    operations: [
      { operation: "get", weight: readShare },
      { operation: "set", weight: 1 - readShare },
    ],
    keyDistribution: "uniform",
    keysCount,
    command: null,
  };
}
