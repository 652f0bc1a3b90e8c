/**
 * Plan → result: for each target, connect, ask what it is, run the phases, bracket each with
 * processor time.
 *
 * Targets run one after the other, and a server that is started here runs only while it is
 * measured, so that no other server of the comparison takes its processors. The connections are the
 * same in all phases of a target.
 */
import { FatalError, reasonOf } from "../base/errors.ts";
import { encodeRequest } from "../resp/encoder.ts";
import { backendOf } from "./backends.ts";
import { ControlConnection } from "./drivers/control.ts";
import { ClosedLoop, type LoopPhase } from "./loop.ts";
import { type OwnServer, startOwnServer } from "./own-server.ts";
import type { PhasePlan, Plan, TargetPlan } from "./plan.ts";
import {
  clientProcessorNs,
  findBottleneck,
  localProcessOf,
  localProcessorNs,
} from "./processor-time.ts";
import type { Progress } from "./progress.ts";
import { Histogram } from "./recorder/histogram.ts";
import { makePhaseResult, type PhaseResult, type TargetResult } from "./result.ts";
import { readTargetFacts, readUsedProcessorNs, type TargetFacts } from "./target-facts.ts";
import { parseServerUrl, type ServerUrl } from "./url.ts";
import { warmUp } from "./warm-up.ts";
import { createKeyOrder } from "./workloads/key-order.ts";
import { SimpleRequests, SimpleVerifier, ValuePool } from "./workloads/simple.ts";

/**
 * Runs all phases against one target; `selfCommand` runs this program. Throws FatalError when it
 * cannot be reached or breaks off.
 */
export async function runTarget(
  plan: Plan,
  target: TargetPlan,
  selfCommand: string[],
  progress: Progress,
): Promise<TargetResult> {
  const own = target.url === null ? await startOwnServer(selfCommand, target.threads) : null;
  if (own !== null) progress.say(`Started ${own.command} (${endpointText(own)}), in memory only`);
  try {
    const url: ServerUrl =
      own === null ? parseServerUrl(target.url ?? "") : { ...own.endpoint, setup: [] };
    return await new TargetRun(plan, target, url, progress).run(own !== null);
  } finally {
    await own?.stop();
  }
}

function endpointText(own: OwnServer): string {
  return `${own.endpoint.host}:${own.endpoint.port}`;
}

class TargetRun {
  readonly #plan: Plan;
  readonly #target: TargetPlan;
  readonly #url: ServerUrl;
  readonly #progress: Progress;
  readonly #values: ValuePool;

  constructor(plan: Plan, target: TargetPlan, url: ServerUrl, progress: Progress) {
    this.#plan = plan;
    this.#target = target;
    this.#url = url;
    this.#progress = progress;
    this.#values = new ValuePool(plan.valueSize, plan.seed);
  }

  async run(isStartedHere: boolean): Promise<TargetResult> {
    const control = await this.#connectControl();
    let loop: ClosedLoop | null = null;
    try {
      const facts = await readTargetFacts(control);
      const { concurrency } = this.#plan;
      const batchSizeMax = Math.max(...this.#plan.phases.map((phase) => phase.batchSize));
      const setup = this.#url.setup.map((args) => encodeRequest(...args));
      loop = await ClosedLoop.connect(this.#url, concurrency, batchSizeMax, setup);
      const phases: PhaseResult[] = [];
      for (const phase of this.#plan.phases) {
        phases.push(await this.#runPhase(loop, control, facts, phase));
      }
      const endpoint = `${this.#url.host}:${this.#url.port}`;
      return { backend: this.#target.backend, endpoint, isStartedHere, facts, phases };
    } finally {
      loop?.close();
      control.close();
      this.#progress.clear();
    }
  }

  async #connectControl(): Promise<ControlConnection> {
    const { host, port, setup } = this.#url;
    const backend = backendOf(this.#target.backend);
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

  async #runPhase(
    loop: ClosedLoop,
    control: ControlConnection,
    facts: TargetFacts,
    phase: PhasePlan,
  ): Promise<PhaseResult> {
    const histogram = this.#plan.isTimingLatency && phase.isMeasured ? new Histogram() : null;
    const isVerified = this.#plan.isVerifying && phase.request === "get";
    const processId = localProcessOf(facts, this.#url.host);
    const readServerNs = () =>
      processId === null ? readUsedProcessorNs(control) : localProcessorNs(processId);
    const work = this.#prepare(phase, histogram, isVerified);
    const serverStartNs = await readServerNs();
    const clientStartNs = clientProcessorNs();
    const counts = await loop.run(work);
    const clientNs = clientProcessorNs() - clientStartNs;
    const serverEndNs = await readServerNs();
    const serverNs =
      serverStartNs === null || serverEndNs === null ? null : serverEndNs - serverStartNs;
    return makePhaseResult({
      phase,
      counts,
      histogram,
      isVerified,
      processorTime: {
        clientNs,
        serverNs,
        serverSource: serverNs === null ? "none" : processId === null ? "server" : "kernel",
        bottleneck: findBottleneck(counts.elapsedNs, clientNs, serverNs, facts.threads),
      },
    });
  }

  /** Everything that is done before the clock starts: buffers, verifiers, a warm client. */
  #prepare(phase: PhasePlan, histogram: Histogram | null, isVerified: boolean): LoopPhase {
    const { keysCount, seed } = this.#plan;
    const values = this.#values;
    const { request, batchSize } = phase;
    // Another draw for reading than for writing: random reads in the order of the writes would
    // flatter a log.
    const orderSeed = request === "get" ? seed + 1 : seed;
    const createEncoder = () => {
      const order = createKeyOrder(phase.keyOrder, keysCount, orderSeed);
      return new SimpleRequests({ request, order, values, seed, batchSize });
    };
    warmUp(createEncoder());
    const encoder = createEncoder();
    const label = `${this.#target.backend} ${phase.name}`;
    const { operations } = phase;
    return {
      operations,
      batchSize,
      encoder,
      histogram,
      createVerifier: isVerified ? () => new SimpleVerifier(values, batchSize) : null,
      onProgress: (done) => this.#progress.show(label, done, operations),
    };
  }
}

function connectReason(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return code === "ECONNREFUSED" ? "connection refused" : reasonOf(error);
}
