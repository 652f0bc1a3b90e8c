/**
 * `kv ws-server`: opens the store of the history, starts the Workers, and stops them again.
 *
 *      plan -> Workers listen -> ready line -> SIGTERM or SIGINT -> clients closed -> exit
 *
 * The main thread serves nobody; with --bridge it is what connects this server to others. A second
 * signal ends the process at once. A Worker that ends by itself is a bug, and ends the process.
 */

import { FatalError } from "./base/errors.ts";
import { CHAT_HISTORY_MEMORY_BYTES, STOP_TIMEOUT_MS } from "./base/limits.ts";
import { Log } from "./base/log.ts";
import { Bridge } from "./chat/bridge/bridge.ts";
import type { BridgeTransport } from "./chat/bridge/transport.ts";
import { Bus, type BusPeer } from "./chat/bus.ts";
import { History } from "./chat/history.ts";
import { type ChatPlan, type ChatSettings, SharedWord } from "./chat/settings.ts";
import { ChatStats, createChatStatsMemory } from "./chat/stats.ts";
import { clientsMaxFor, descriptorsMax } from "./net/descriptors.ts";
import { probe, SPREADS_CONNECTIONS } from "./net/listener.ts";
import { joinPort } from "./net/peer-address.ts";
import { type EmbeddedStore, openStore } from "./store/embedded.ts";
import { workerUrl } from "./worker-url.ts";
import type { FromChatWorker, PeerEnd, ToChatWorker } from "./ws-messages.ts";

/** What clients have to take their Close frame before they are cut off. */
const CLOSE_GRACE_MS = 500;

/**
 * Serves until it is stopped. Throws UsageError for a bridge that makes no sense, FatalError when
 * it cannot run.
 */
export async function serveChat(given: ChatSettings): Promise<void> {
  const log = new Log("main");
  if (given.port !== 0) probe(given.host, given.port);
  const settings = withinDescriptors(given, log);
  const { threads, dir } = settings;
  const store = openStore({
    memory: CHAT_HISTORY_MEMORY_BYTES,
    policy: "allkeys-lru",
    threads: threads + 1,
    ...(dir === "" ? {} : { dir }),
  });
  const plan = planFor(settings, store);
  const server = new WsServer(plan);
  await server.start();
  const bridge = settings.bridge === "" ? null : await startBridge(plan, store, server.peers);
  const address = `http://${joinPort(settings.host, server.port)}/`;
  const facts = `threads: ${threads}, history: ${dir === "" ? "memory" : dir}, pid: ${process.pid}`;
  process.stdout.write(`kv ws-server ready on ${address} (${facts})\n`);
  await server.stopped;
  await bridge?.stop();
  store.close();
}

/** Joins the other chat servers; their messages go to the Workers over the bus. */
async function startBridge(
  plan: ChatPlan,
  store: EmbeddedStore,
  peers: readonly BusPeer[],
): Promise<Bridge> {
  const { settings, run } = plan;
  const bridge = new Bridge({
    run,
    origin: settings.threads,
    payloadSizeMax: settings.payloadSizeMax,
    history: new History(store, settings.historyCount),
    stats: new ChatStats(plan.stats, settings.threads),
    log: new Log("main"),
    transport: await transportFor(settings.bridge),
    connectBus: (receive) => new Bus(peers, receive),
  });
  bridge.start();
  return bridge;
}

/** Client libraries are loaded only by servers that have a bridge. */
async function transportFor(url: string): Promise<BridgeTransport> {
  if (/^rediss?:/i.test(url)) {
    return new (await import("./chat/bridge/redis.ts")).RedisTransport(url);
  }
  return new (await import("./chat/bridge/nats.ts")).NatsTransport(url);
}

function withinDescriptors(settings: ChatSettings, log: Log): ChatSettings {
  const clientsMax = clientsMaxFor(descriptorsMax());
  if (settings.clientsMax <= clientsMax) return settings;
  log.warn(`max-clients is ${clientsMax} instead of ${settings.clientsMax}: see ulimit -n`);
  return { ...settings, clientsMax };
}

function planFor(settings: ChatSettings, store: EmbeddedStore): ChatPlan {
  const random = crypto.getRandomValues(new Uint32Array(2)) as Uint32Array;
  return {
    settings,
    store: store.handle,
    stats: createChatStatsMemory(settings.threads + 1),
    words: new SharedArrayBuffer(SharedWord.Count * 4),
    run: (random[0] as number) * 2 ** 20 + ((random[1] as number) >>> 12),
    isSpread: SPREADS_CONNECTIONS,
  };
}

class WsServer {
  /** The port that all Workers listen on, known after `start`. */
  port: number;
  /** Resolves when the server was asked to stop and has; rejects when a Worker has died. */
  readonly stopped: Promise<void>;
  /** The main thread's ends of the bus; none without a bridge. */
  peers: readonly BusPeer[] = [];
  readonly #plan: ChatPlan;
  readonly #workers: Worker[] = [];
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  #started: ((message: FromChatWorker) => void) | null = null;
  #isStopping = false;
  #runningCount = 0;

  constructor(plan: ChatPlan) {
    this.#plan = plan;
    this.port = plan.settings.port;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.stopped = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Starts all Workers; resolves when every one of them listens. */
  async start(): Promise<void> {
    process.on("SIGTERM", () => this.#signalled());
    process.on("SIGINT", () => this.#signalled());
    process.on("SIGHUP", () => {});
    const { threads, bridge } = this.#plan.settings;
    const ends = connectPairs(bridge === "" ? threads : threads + 1);
    this.peers = (ends[threads] ?? []).map((end) => ({
      ...end,
      taken: new Int32Array(end.taken),
    }));
    for (let worker = 0; worker < threads; worker++) this.#create(worker);
    // The first one finds the port; the others join it.
    for (let worker = 0; worker < threads; worker++) {
      await this.#startServing(worker, ends[worker] as PeerEnd[]);
    }
  }

  async #startServing(worker: number, peers: PeerEnd[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<FromChatWorker>();
    this.#started = resolve;
    const start: ToChatWorker = { type: "start", plan: this.#plan, worker, port: this.port, peers };
    (this.#workers[worker] as Worker).postMessage(
      start,
      peers.map((end) => end.port),
    );
    const message = await Promise.race([promise, this.stopped]);
    if (message?.type === "failed") throw new FatalError(message.message, message.hint);
    if (message?.type === "listening" && worker === 0) this.port = message.port;
  }

  #create(index: number): void {
    const worker = new Worker(workerUrl("ws-server-worker"), { name: `ws-server-worker ${index}` });
    worker.onmessage = (event: MessageEvent<FromChatWorker>) => this.#receive(event.data);
    worker.onerror = (event: ErrorEvent) => {
      // The store throws it when the disk has refused to flush the history.
      const refusal = /^FatalError: (.*)$/m.exec(event.message)?.[1];
      if (refusal !== undefined) this.#reject(new FatalError(refusal));
      else this.#reject(new Error(`ws-server-worker ${index} died: ${event.message}`));
    };
    worker.addEventListener("close", () => {
      if (!this.#isStopping) this.#reject(new Error(`ws-server-worker ${index} ended by itself`));
    });
    this.#workers.push(worker);
    this.#runningCount++;
  }

  #receive(message: FromChatWorker): void {
    if (message.type !== "stopped") {
      this.#started?.(message);
      return;
    }
    this.#runningCount--;
    if (this.#runningCount === 0) this.#resolve();
  }

  #signalled(): void {
    if (this.#isStopping) process.exit(1);
    this.#isStopping = true;
    const stop: ToChatWorker = { type: "stop", graceMs: CLOSE_GRACE_MS };
    for (const worker of this.#workers) worker.postMessage(stop);
    setTimeout(() => this.#resolve(), STOP_TIMEOUT_MS);
  }
}

/** A connection between every two of `count` threads: for each thread, its ends. */
function connectPairs(count: number): PeerEnd[][] {
  const ends: PeerEnd[][] = Array.from({ length: count }, () => []);
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      const { port1, port2 } = new MessageChannel();
      const taken = new SharedArrayBuffer(8);
      ends[a]?.push({ port: port1, taken, ours: 0 });
      ends[b]?.push({ port: port2, taken, ours: 1 });
    }
  }
  return ends;
}
