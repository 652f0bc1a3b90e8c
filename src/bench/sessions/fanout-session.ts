/**
 * Fan-out: publishers, subscribers, and every message to every subscriber, over pub/sub (kv, Redis,
 * Valkey, NATS) or a WebSocket chat.
 *
 * The ways of reaching a server are drivers (fanout/driver.ts); what is counted is the same for all
 * of them, so that they stand in one table. Connections are opened when the phase begins and closed
 * at its end; the clock starts when every subscriber is confirmed.
 */
import { FatalError } from "../../base/errors.ts";
import { checkDescriptors } from "../descriptors.ts";
import type { ConnectFanout, FanoutDriver } from "../fanout/driver.ts";
import { FanoutLoop } from "../fanout/loop.ts";
import { measureFanout } from "../fanout/measure-fanout.ts";
import { HEADER_SIZE } from "../fanout/message.ts";
import { PayloadPool } from "../fanout/payloads.ts";
import { openServer, type Server } from "../fanout/server.ts";
import { warmUpFanout } from "../fanout/warm-up.ts";
import type { FanoutPhase, PhasePlan } from "../plan.ts";
import type { PhaseRun } from "../result.ts";
import type { Session, SessionContext } from "../session.ts";
import type { TargetFacts } from "../target-facts.ts";

/** Throws FatalError when the server cannot be reached, with a hint how to start it. */
export async function openFanoutSession(context: SessionContext): Promise<Session> {
  return new FanoutSession(context, await openServer(context));
}

class FanoutSession implements Session {
  readonly endpoint: string;
  readonly isStartedHere: boolean;
  readonly facts: TargetFacts;
  readonly #context: SessionContext;
  readonly #server: Server;

  constructor(context: SessionContext, server: Server) {
    // The server may have been started here: then this is where it is.
    const target = { ...context.target, url: server.url };
    this.#context = { ...context, target };
    this.#server = server;
    this.endpoint = server.endpoint;
    this.isStartedHere = server.isStartedHere;
    this.facts = server.facts;
  }

  async run(phase: PhasePlan): Promise<PhaseRun> {
    if (phase.kind !== "fanout") throw new RangeError(`not for ${phase.kind} phases`);
    const { plan } = this.#context;
    const isChat = phase.name === "ws-chat";
    checkDescriptors(phase.subscribersCount + (isChat ? 0 : phase.publishersCount));
    const pool = new PayloadPool(plan.values, plan.seed, plan.isVerifying);
    this.#checkMessageSize(pool.sizeMax + HEADER_SIZE);
    warmUpFanout(pool, isChat);
    const { publishersCount, subscribersCount } = phase;
    const loop = new FanoutLoop(pool, publishersCount, subscribersCount, plan.timeoutMs);
    const driver = await this.#connect(phase, pool, loop);
    loop.attach(driver);
    try {
      return await measureFanout(this.#context, phase, loop, driver, this.#server.clock);
    } finally {
      driver.close();
    }
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  async #connect(phase: FanoutPhase, pool: PayloadPool, loop: FanoutLoop): Promise<FanoutDriver> {
    const connect = await connectOf(this.#context, phase);
    const random = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    const setup = {
      context: this.#context,
      publishersCount: phase.publishersCount,
      subscribersCount: phase.subscribersCount,
      pool,
      addresses: phase.localAddresses,
      name: `fanout-${random.toString(36)}`,
    };
    return connect(setup, loop);
  }

  #checkMessageSize(sizeMax: number): void {
    const { messageSizeMax, name } = this.#server;
    if (messageSizeMax === null || sizeMax <= messageSizeMax) return;
    throw new FatalError(
      `Cannot publish messages of ${sizeMax} bytes: ${name} takes at most ${messageSizeMax}`,
      "a smaller --value-size, or a higher max_payload of the server",
    );
  }
}

/** The driver of a target. Libraries are loaded only when they are asked for. */
async function connectOf({ target }: SessionContext, phase: FanoutPhase): Promise<ConnectFanout> {
  if (phase.name === "ws-chat") return (await import("../drivers/ws-fanout.ts")).connectWsFanout;
  switch (target.client) {
    case "node-redis":
      return (await import("../drivers/node-redis-fanout.ts")).connectNodeRedisFanout;
    case "bun":
      return (await import("../drivers/bun-redis-fanout.ts")).connectBunRedisFanout;
    case "nats":
      return (await import("../drivers/nats-library-fanout.ts")).connectNatsFanout;
    case "nats-ws":
      return (await import("../drivers/nats-library-fanout.ts")).connectNatsWsFanout;
    default:
      return target.backend === "nats"
        ? (await import("../drivers/nats-fanout.ts")).connectNatsFanout
        : (await import("../drivers/resp-fanout.ts")).connectRespFanout;
  }
}
