/**
 * kv, Redis and Valkey through a client library: what an application would see of them. Everything
 * but the client is as in the raw session: the phases, the keys, the values, the checks.
 *
 * Libraries count no bytes on the wire: those are 0 in the result.
 */
import { FatalError, reasonOf } from "../../base/errors.ts";
import { ClientLoop, type ClientPhase } from "../client-loop.ts";
import type { ClientLibrary, LibraryConnection } from "../drivers/client-library.ts";
import { bracket } from "../measure.ts";
import {
  createPhase,
  createSpace,
  type Draw,
  makeOperationRun,
  progressOf,
} from "../operation-phase.ts";
import type { Amount, ClientName, PhasePlan, RequestPhase } from "../plan.ts";
import type { PhaseRun } from "../result.ts";
import type { Session, SessionContext } from "../session.ts";
import type { TargetFacts } from "../target-facts.ts";
import type { KeySpace } from "../workloads/key-space.ts";
import { KeyTexts } from "../workloads/operation-stream.ts";
import { createValues, type ValueSource } from "../workloads/values.ts";
import { RespTarget } from "./resp-target.ts";

/** Connections opened at the same time: below the usual accept queue of 511. */
const CONNECTING_MAX = 128;
/** PINGs before the clock starts, so that a library's own code is compiled: 0.2 s. */
const WARM_UP_PINGS = 20_000;
const WARM_UP_BATCH = 100;
const PING = Buffer.from("PING");

/** Loads a library, only when it is measured: nothing else pays for it. */
async function loadLibrary(client: ClientName): Promise<ClientLibrary> {
  if (client === "node-redis") return (await import("../drivers/node-redis.ts")).nodeRedis;
  if (client === "bun") return (await import("../drivers/bun-redis.ts")).bunRedis;
  throw new RangeError(`no library is called ${client}`);
}

/** Throws FatalError when the server cannot be reached, with a hint how to start it. */
export async function openClientSession(context: SessionContext): Promise<Session> {
  const target = await RespTarget.open(context);
  let session: ClientSession | null = null;
  try {
    session = new ClientSession(context, target, await loadLibrary(context.target.client));
    await session.connect();
    return session;
  } catch (error) {
    if (session !== null) await session.close();
    else await target.close();
    throw error;
  }
}

class ClientSession implements Session {
  readonly endpoint: string;
  readonly isStartedHere: boolean;
  readonly facts: TargetFacts;
  readonly clientVersion: string;
  readonly #context: SessionContext;
  readonly #target: RespTarget;
  readonly #library: ClientLibrary;
  readonly #loop: ClientLoop;
  readonly #values: ValueSource;
  readonly #space: KeySpace;

  constructor(context: SessionContext, target: RespTarget, library: ClientLibrary) {
    this.#context = context;
    this.#target = target;
    this.#library = library;
    this.endpoint = target.endpoint;
    this.isStartedHere = target.isStartedHere;
    this.facts = target.facts;
    this.clientVersion = library.version;
    const { values, seed, chat, timeoutMs, phases } = context.plan;
    this.#values = createValues(values, seed);
    this.#space = createSpace(phases);
    const keys = new KeyTexts("simple", seed);
    const lists = new KeyTexts("chat", seed);
    this.#loop = new ClientLoop({ library, keys, lists, space: this.#space, chat, timeoutMs });
  }

  async connect(): Promise<void> {
    const { concurrency } = this.#context.plan;
    for (let opened = 0; opened < concurrency; opened += CONNECTING_MAX) {
      const count = Math.min(CONNECTING_MAX, concurrency - opened);
      const opening = Array.from({ length: count }, () => this.#connectOne());
      const results = await Promise.allSettled(opening);
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    }
  }

  async #connectOne(): Promise<void> {
    const { host, port } = this.#target.url;
    let connection: LibraryConnection;
    try {
      connection = await this.#library.connect(this.#target.url, (reason) =>
        this.#loop.fail(reason),
      );
    } catch (error) {
      const hint = "a lower --concurrency, a higher maxclients of the server, or ulimit -n";
      const what = `Cannot connect ${this.#library.name} to ${host}:${port}`;
      throw new FatalError(`${what}: ${reasonOf(error)}`, hint);
    }
    this.#loop.add(connection);
    const batches = WARM_UP_PINGS / WARM_UP_BATCH / this.#context.plan.concurrency;
    for (let i = 0; i < batches; i++) {
      const pings = Array.from({ length: WARM_UP_BATCH }, () => connection.send([PING]));
      await Promise.all(pings);
    }
  }

  async run(phase: PhasePlan): Promise<PhaseRun> {
    if (phase.kind !== "requests") throw new RangeError(`not for ${phase.kind} phases`);
    if (phase.warmupMs > 0) {
      await this.#loop.run(this.#prepare(phase, "warm-up", { durationMs: phase.warmupMs }));
    }
    const work = this.#prepare(phase, "measured", phase.amount);
    const startedAt = new Date().toISOString();
    const { result, processorTime } = await bracket(this.#target.serverClock(), () =>
      this.#loop.run(work),
    );
    return makeOperationRun(work, { startedAt, processorTime, ...result });
  }

  async close(): Promise<void> {
    this.#loop.close();
    await this.#target.close();
  }

  #prepare(phase: RequestPhase, draw: Draw, amount: Amount): ClientPhase {
    const { plan, progress, label } = this.#context;
    return {
      ...createPhase(phase, plan, this.#space, this.#values, draw),
      amount,
      batchSize: phase.batchSize,
      nextCommand: null,
      onProgress: progressOf(progress, `${label} ${phase.label}`, { amount }),
    };
  }
}
