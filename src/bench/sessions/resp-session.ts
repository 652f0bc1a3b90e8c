/**
 * kv, Redis and Valkey through the raw RESP driver: connections that are the same in all phases,
 * and a control connection that asks the server what it is and how much processor time it used.
 */
import { FatalError, reasonOf } from "../../base/errors.ts";
import { encodeRequest } from "../../resp/encoder.ts";
import { backendOf } from "../backends.ts";
import { ControlConnection } from "../drivers/control.ts";
import { ClosedLoop, type LoopPhase } from "../loop.ts";
import { bracket, makePhaseRun, type ServerClock } from "../measure.ts";
import { type OwnServer, startOwnServer } from "../own-server.ts";
import type { PhasePlan, RequestPhase } from "../plan.ts";
import { localProcessOf, localProcessorNs } from "../processor-time.ts";
import { Histogram } from "../recorder/histogram.ts";
import { makeLatency } from "../recorder/percentiles.ts";
import type { PhaseRun } from "../result.ts";
import type { Session, SessionContext } from "../session.ts";
import { readTargetFacts, readUsedProcessorNs, type TargetFacts } from "../target-facts.ts";
import { parseServerUrl, type ServerUrl } from "../url.ts";
import { warmUp } from "../warm-up.ts";
import { createKeyOrder, type KeyOrderName } from "../workloads/key-order.ts";
import { SimpleRequests, SimpleVerifier, ValuePool } from "../workloads/simple.ts";

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
    const batchSizeMax = Math.max(...context.plan.phases.map(batchSizeOf));
    const setup = url.setup.map((args) => encodeRequest(...args));
    const loop = await ClosedLoop.connect(url, context.plan.concurrency, batchSizeMax, setup);
    return new RespSession(context, { own, url, control, facts, loop });
  } catch (error) {
    control?.close();
    await own?.stop();
    throw error;
  }
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

function batchSizeOf(phase: PhasePlan): number {
  return phase.kind === "requests" ? phase.batchSize : 1;
}

interface Parts {
  own: OwnServer | null;
  url: ServerUrl;
  control: ControlConnection;
  facts: TargetFacts;
  loop: ClosedLoop;
}

class RespSession implements Session {
  readonly endpoint: string;
  readonly isStartedHere: boolean;
  readonly facts: TargetFacts;
  readonly #context: SessionContext;
  readonly #parts: Parts;
  readonly #values: ValuePool;

  constructor(context: SessionContext, parts: Parts) {
    this.#context = context;
    this.#parts = parts;
    this.endpoint = `${parts.url.host}:${parts.url.port}`;
    this.isStartedHere = parts.own !== null;
    this.facts = parts.facts;
    this.#values = new ValuePool(Number(context.plan.values.size), context.plan.seed);
  }

  async run(phase: PhasePlan): Promise<PhaseRun> {
    if (phase.kind !== "requests") throw new RangeError(`not for ${phase.kind} phases`);
    const { isTimingLatency, isVerifying } = this.#context.plan;
    const histogram = isTimingLatency && phase.isMeasured ? new Histogram() : null;
    const isReading = phase.name === "read";
    const isVerified = isVerifying && isReading;
    const work = this.#prepare(phase, histogram, isVerified);
    const startedAt = new Date().toISOString();
    const { result, processorTime } = await bracket(this.#serverClock(), () =>
      this.#parts.loop.run(work),
    );
    return makePhaseRun({
      startedAt,
      counts: result,
      reads: isReading ? result.operations : null,
      isChecked: isVerified,
      latency:
        histogram === null
          ? null
          : { primary: makeLatency(histogram, "at saturation"), service: null, sendLag: null },
      series: result.series,
      processorTime,
    });
  }

  async close(): Promise<void> {
    this.#parts.loop.close();
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

  /** Everything that is done before the clock starts: buffers, verifiers, a warm client. */
  #prepare(phase: RequestPhase, histogram: Histogram | null, isVerified: boolean): LoopPhase {
    const { seed } = this.#context.plan;
    const values = this.#values;
    const { batchSize, keysCount } = phase;
    const request = phase.name === "read" ? "get" : "set";
    // Another draw for reading than for writing: random reads in the order of the writes would
    // flatter a log.
    const orderSeed = request === "get" ? seed + 1 : seed;
    const orderName: KeyOrderName =
      phase.keyDistribution === "sequential" ? "sequential" : "random";
    const createEncoder = () => {
      const order = createKeyOrder(orderName, keysCount, orderSeed);
      return new SimpleRequests({ request, order, values, seed, batchSize });
    };
    warmUp(createEncoder());
    const label = `${this.#context.label} ${phase.label}`;
    const operations = "operations" in phase.amount ? phase.amount.operations : 0;
    return {
      operations,
      batchSize,
      encoder: createEncoder(),
      histogram,
      createVerifier: isVerified ? () => new SimpleVerifier(values, batchSize) : null,
      onProgress: (done) => this.#context.progress.show(label, done, operations),
    };
  }
}

function connectReason(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return code === "ECONNREFUSED" ? "connection refused" : reasonOf(error);
}
