/**
 * kv, Redis and Valkey through the raw RESP driver: connections that are the same in all phases,
 * and a control connection that asks the server what it is and how much processor time it used.
 *
 * Before a phase that has a warm-up, the same operations are sent for so long, and their replies
 * are awaited: the clocks of both sides start with nothing under way, so that no operation counts
 * that was sent before.
 */
import { FatalError, reasonOf } from "../../base/errors.ts";
import { backendOf } from "../backends.ts";
import { ControlConnection } from "../drivers/control.ts";
import type { Load, LoadResult } from "../load/load.ts";
import { LocalLoad } from "../load/local-load.ts";
import { WorkerLoad } from "../load/worker-load.ts";
import { bracket, makePhaseRun, type ServerClock } from "../measure.ts";
import { type OwnServer, startOwnServer } from "../own-server.ts";
import type { PhasePlan, Schedule } from "../plan.ts";
import { localProcessOf, localProcessorNs } from "../processor-time.ts";
import { Histogram, type HistogramData } from "../recorder/histogram.ts";
import { makeLatency } from "../recorder/percentiles.ts";
import { seriesOf } from "../recorder/series.ts";
import type {
  LatencyKind,
  LatencyResult,
  LatencySet,
  OpenLoopResult,
  PhaseRun,
} from "../result.ts";
import type { Session, SessionContext } from "../session.ts";
import { readTargetFacts, readUsedProcessorNs, type TargetFacts } from "../target-facts.ts";
import { parseServerUrl, type ServerUrl } from "../url.ts";

/** Of its target rate an open loop must achieve so much to be sustained. */
const SUSTAINED_SHARE = 0.99;
/** So long after the last operation was due its reply may come, however short the phase. */
const LAST_REPLY_NS_MAX = 100_000_000;

/** Throws FatalError when the server cannot be reached, with a hint how to start it. */
export async function openRespSession(context: SessionContext): Promise<Session> {
  const { target, selfCommand, progress } = context;
  const own = target.url === null ? await startOwnServer(selfCommand, target.threads) : null;
  if (own !== null) {
    const { host, port } = own.endpoint;
    progress.say(`Started ${own.command} (${host}:${port}), in memory only`);
  }
  let control: ControlConnection | null = null;
  try {
    const url: ServerUrl =
      own === null ? parseServerUrl(target.url ?? "") : { ...own.endpoint, setup: [] };
    control = await connectControl(context, url);
    const facts = await readTargetFacts(control);
    const load = await connectLoad(context, url);
    return new RespSession(context, { own, url, control, facts, load });
  } catch (error) {
    control?.close();
    await own?.stop();
    throw error;
  }
}

function connectLoad({ plan, selfCommand }: SessionContext, url: ServerUrl): Promise<Load> {
  const { concurrency, workersCount, values, chat, seed } = plan;
  const { isVerifying, isTimingLatency, timeoutMs } = plan;
  const options = {
    endpoint: { host: url.host, port: url.port },
    setup: url.setup,
    plan: {
      ...{ concurrency, workersCount, values, chat, seed, isVerifying, isTimingLatency, timeoutMs },
      worker: 0,
    },
    phases: plan.phases.filter((phase) => phase.kind === "requests"),
  };
  return workersCount === 1 ? LocalLoad.connect(options) : WorkerLoad.connect(options, selfCommand);
}

async function connectControl(
  { target }: SessionContext,
  { host, port, setup }: ServerUrl,
): Promise<ControlConnection> {
  const backend = backendOf(target.backend);
  let control: ControlConnection;
  try {
    control = await ControlConnection.connect({ host, port });
  } catch (error) {
    const what = `Cannot reach ${backend.name} at ${host}:${port}`;
    const hint = `start it with: ${backend.startCommand(port)}`;
    throw new FatalError(`${what}: ${connectReason(error)}`, hint);
  }
  for (const args of setup) await control.request(...args);
  return control;
}

interface Parts {
  own: OwnServer | null;
  url: ServerUrl;
  control: ControlConnection;
  facts: TargetFacts;
  load: Load;
}

class RespSession implements Session {
  readonly endpoint: string;
  readonly isStartedHere: boolean;
  readonly facts: TargetFacts;
  readonly #context: SessionContext;
  readonly #parts: Parts;

  constructor(context: SessionContext, parts: Parts) {
    this.#context = context;
    this.#parts = parts;
    this.endpoint = `${parts.url.host}:${parts.url.port}`;
    this.isStartedHere = parts.own !== null;
    this.facts = parts.facts;
  }

  async run(phase: PhasePlan): Promise<PhaseRun> {
    if (phase.kind !== "requests") throw new RangeError(`not for ${phase.kind} phases`);
    const { load } = this.#parts;
    const { progress, label, plan } = this.#context;
    await load.warmUp(phase);
    const startedAt = new Date().toISOString();
    const show = `${label} ${phase.label}`;
    const { result, processorTime } = await bracket(
      this.#serverClock(),
      () => load.run(phase, (done, seen) => progress.show(show, done, phase.amount, seen)),
      plan.workersCount,
    );
    return makePhaseRun({
      startedAt,
      counts: result,
      reads: result.reads,
      isMissAllowed: phase.name === "command",
      isChecked: result.isChecked,
      latency: latencyOf(result),
      series: seriesOf(result.slices),
      processorTime,
      byOperation: byOperationOf(result),
      open: phase.schedule === null ? undefined : openOf(phase.schedule, result),
    });
  }

  async close(): Promise<void> {
    await this.#parts.load.close();
    this.#parts.control.close();
    await this.#parts.own?.stop();
  }

  #serverClock(): ServerClock {
    const { facts, url, control } = this.#parts;
    const processId = localProcessOf(facts, url.host);
    const { threads } = facts;
    return processId === null
      ? { readNs: () => readUsedProcessorNs(control), source: "server", threads }
      : { readNs: () => localProcessorNs(processId), source: "kernel", threads };
  }
}

function latencyOf({ primary, service, sendLag, open }: LoadResult): LatencySet | null {
  if (primary === null) return null;
  return {
    primary: latencyFrom(primary, open === null ? "at saturation" : "response"),
    service: service === null ? null : latencyFrom(service, "service"),
    sendLag: sendLag === null ? null : latencyFrom(sendLag, "send lag"),
  };
}

function latencyFrom(data: HistogramData, kind: LatencyKind): LatencyResult {
  return makeLatency(Histogram.fromData(data), kind);
}

function byOperationOf({ byOperation, open }: LoadResult): PhaseRun["byOperation"] {
  if (byOperation.length === 0) return null;
  const kind = open === null ? "at saturation" : "response";
  return Object.fromEntries(
    byOperation.map(({ operation, count, latency }) => [
      operation,
      { operations: count, latency: latency === null ? null : latencyFrom(latency, kind) },
    ]),
  );
}

/**
 * Sustained: nearly all that was due was done in time, and what waited did not grow. The last reply
 * comes after the last operation was due: in a short phase that is not behind.
 */
function openOf(schedule: Schedule, result: LoadResult): OpenLoopResult | undefined {
  if (result.open === null) return undefined;
  const { late, dropped, isBacklogGrowing } = result.open;
  const rateAchieved = (result.operations * 1e9) / result.elapsedNs;
  const rateTarget = schedule.ratePerSecond;
  const due = result.operations + dropped;
  const isDone = result.operations >= due * SUSTAINED_SHARE;
  const isInTime =
    rateAchieved >= rateTarget * SUSTAINED_SHARE ||
    result.elapsedNs - (due / rateTarget) * 1e9 <= LAST_REPLY_NS_MAX;
  const isSustained = isDone && isInTime && !isBacklogGrowing;
  return { rateTarget, rateAchieved, arrival: schedule.arrival, late, dropped, isSustained };
}

function connectReason(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return code === "ECONNREFUSED" ? "connection refused" : reasonOf(error);
}
