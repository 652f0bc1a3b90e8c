/**
 * kv, Redis and Valkey through the raw RESP driver or a client library: connections that are the
 * same in all phases, and a control connection that asks the server what it is and how much
 * processor time it used.
 */
import { FatalError, reasonOf } from "../../base/errors.ts";
import { backendOf } from "../backends.ts";
import { ControlConnection } from "../drivers/control.ts";
import type { Load } from "../load/load.ts";
import { openLoad } from "../load/open-load.ts";
import { WorkerLoad } from "../load/worker-load.ts";
import type { ServerClock } from "../measure.ts";
import { type OwnServer, startOwnServer } from "../own-server.ts";
import type { PhasePlan } from "../plan.ts";
import { localProcessOf, localProcessorNs } from "../processor-time.ts";
import type { PhaseRun } from "../result.ts";
import type { Session, SessionContext } from "../session.ts";
import { readTargetFacts, readUsedProcessorNs, type TargetFacts } from "../target-facts.ts";
import { parseServerUrl, type ServerUrl } from "../url.ts";
import { runLoad } from "./run-load.ts";

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

function connectLoad({ plan, selfCommand, target }: SessionContext, url: ServerUrl): Promise<Load> {
  const { concurrency, workersCount, values, chat, seed } = plan;
  const { isVerifying, isTimingLatency, timeoutMs } = plan;
  const options = {
    client: target.client,
    endpoint: { host: url.host, port: url.port },
    setup: url.setup,
    plan: {
      ...{ concurrency, workersCount, values, chat, seed, isVerifying, isTimingLatency, timeoutMs },
      worker: 0,
    },
    phases: plan.phases.filter((phase) => phase.kind === "requests"),
  };
  return workersCount === 1 ? openLoad(options) : WorkerLoad.connect(options, selfCommand);
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
  try {
    await control.setUp(setup);
  } catch (error) {
    control.close();
    throw error;
  }
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
    return await runLoad(phase, {
      load,
      server: this.#serverClock(),
      clientThreads: plan.workersCount,
      label,
      progress,
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

function connectReason(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return code === "ECONNREFUSED" ? "connection refused" : reasonOf(error);
}
