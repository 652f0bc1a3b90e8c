/**
 * `kv serve`: reserves the store, starts the Workers, and stops them again.
 *
 *      plan -> Workers listen -> ready line -> (relays asks) -> stop asked -> Workers stop -> exit
 *
 * The main thread serves nobody. It holds the shared memory, passes messages between Workers
 * (net/peers.ts), and waits for SIGTERM, SIGINT or SHUTDOWN; a second signal ends the process at
 * once. A Worker that ends by itself is a bug, and what it held can no longer be trusted: the
 * process ends with exit code 1 and says why.
 *
 * Measured on 2 cores, compiled: a Worker starts in 3 ms and takes 1.5 MB (with and without
 * `smol`).
 */
import { rmSync, statSync } from "node:fs";
import { clock } from "./base/clock.ts";
import { FatalError } from "./base/errors.ts";
import { STOP_TIMEOUT_MS } from "./base/limits.ts";
import { Log } from "./base/log.ts";
import { createServerStatsMemory } from "./base/server-stats.ts";
import type { Settings } from "./base/settings.ts";
import type { ServeOptions } from "./cli/serve-options.ts";
import { clientsMaxFor, descriptorsMax } from "./net/descriptors.ts";
import { probe } from "./net/listener.ts";
import { joinPort } from "./net/peer-address.ts";
import { PeerRelay } from "./net/peers.ts";
import { createPubSubMemory } from "./pubsub/layout.ts";
import { settingsFrom } from "./serve-settings.ts";
import { requestFlush } from "./store/flusher.ts";
import { diskRoom, memoryRoom } from "./store/heap.ts";
import { LOG_STOP } from "./store/log-layout.ts";
import type { StoreHandle } from "./store/memory.ts";
import { recover } from "./store/recovery.ts";
import { createStore } from "./store/store.ts";
import type { FromWorker, ServerPlan, ToWorker } from "./worker-messages.ts";
import { workerUrl } from "./worker-url.ts";

/**
 * Files made by this process are for its user only, the Unix socket above all: it has its mode when
 * it appears.
 */
const UMASK = 0o177;
const RUN_ID_BYTES = 20;

/**
 * Serves until it is stopped. Throws UsageError for settings that do not fit, FatalError when it
 * cannot run.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const log = new Log("main");
  const settings = settingsFrom(options);
  if (settings.port !== 0) probe(settings.bind, settings.port);
  if (settings.unixsocket !== "") await claimUnixSocket(settings.unixsocket);
  const { plan, release } = planFor(settings, log);
  const server = new Server(plan, settings);
  try {
    await server.start();
    const address = joinPort(settings.bind, server.port);
    const durability =
      settings.persist === "off" ? "memory" : `${settings.persist} in ${settings.dir}`;
    const facts = `threads: ${settings.threads}, durability: ${durability}, pid: ${process.pid}`;
    process.stdout.write(`kv ready on ${address} (${facts})\n`);
    await server.stopped;
    release();
  } finally {
    if (settings.unixsocket !== "") rmSync(settings.unixsocket, { force: true });
  }
}

function planFor(settings: Settings, log: Log): { plan: ServerPlan; release: () => void } {
  const descriptorsClientsMax = clientsMaxFor(descriptorsMax());
  if (settings.maxclients > descriptorsClientsMax) {
    const { maxclients } = settings;
    log.warn(`maxclients is ${descriptorsClientsMax} instead of ${maxclients}: see ulimit -n`);
    settings.maxclients = descriptorsClientsMax;
  }
  const workers = settings.threads + 1;
  const { handle, release } = openStore(settings, workers, log);
  const plan: ServerPlan = {
    store: handle,
    pubsub: createPubSubMemory(settings.threads),
    stats: createServerStatsMemory(workers),
    clients: new SharedArrayBuffer(64),
    settings: settings.toPlain(),
    threads: settings.threads,
    descriptorsClientsMax,
    startedMs: clock.nowMs,
    runId: Buffer.from(crypto.getRandomValues(new Uint8Array(RUN_ID_BYTES))).toString("hex"),
    executable: process.execPath,
  };
  return { plan, release };
}

/** The store in memory, or recovered from its directory. */
function openStore(
  settings: Settings,
  workers: number,
  log: Log,
): { handle: StoreHandle; release: () => void } {
  const { persist: mode, dir } = settings;
  if (mode === "off") {
    return { handle: createStore({ reserveBytes: memoryRoom(), workers }), release: () => {} };
  }
  const { handle, report, release } = recover({
    dir,
    mode,
    ...diskRoom(),
    workers,
    onProgress: (count) => log.info(`recovering ${dir}: ${count} records so far`),
  });
  const { recordsCount, tookMs, skippedCount, cutCount, misfitsCount, hasDamagedMark } = report;
  if (recordsCount > 0) log.info(`recovered ${recordsCount} records in ${Math.round(tookMs)} ms`);
  if (skippedCount > 0) log.warn(`${skippedCount} records were being written when it ended`);
  if (cutCount > 0) log.warn(`${cutCount} records behind the first one that power loss has taken`);
  if (hasDamagedMark)
    log.warn("one of the two durable marks was damaged: the last records may not all be there");
  if (misfitsCount > 0) log.warn(`${misfitsCount} records did not fit: please report this`);
  return { handle, release };
}

/**
 * Removes the socket file that a server left behind. Throws FatalError when one still listens, or
 * it is no socket.
 */
async function claimUnixSocket(path: string): Promise<void> {
  process.umask(UMASK);
  const existing = statSync(path, { throwIfNoEntry: false });
  if (existing === undefined) return;
  if (!existing.isSocket()) {
    throw new FatalError(`Cannot listen on ${path}: a file that is no socket is there`);
  }
  if (await answersOn(path)) {
    throw new FatalError(`Cannot listen on ${path}: socket in use`, "another server listens on it");
  }
  rmSync(path, { force: true });
}

async function answersOn(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}

class Server {
  /** The port that all Workers listen on, known after `start`. */
  port: number;
  /** Resolves when the server was asked to stop and has; rejects when a Worker has died. */
  readonly stopped: Promise<void>;
  readonly #plan: ServerPlan;
  readonly #workers: Worker[] = [];
  readonly #relay: PeerRelay;
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  /** Told when the Worker that is being started listens, or cannot. */
  #started: ((message: FromWorker) => void) | null = null;
  #isStopping = false;
  #runningCount = 0;

  constructor(plan: ServerPlan, settings: Settings) {
    this.#plan = plan;
    this.port = settings.port;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.stopped = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#relay = new PeerRelay(plan.threads, (worker, message) => this.#post(worker, message));
  }

  /** Starts all Workers; resolves when every one of them listens. */
  async start(): Promise<void> {
    process.on("SIGTERM", () => this.#signalled());
    process.on("SIGINT", () => this.#signalled());
    // As Redis does: a server in the background outlives the terminal that it was started from.
    process.on("SIGHUP", () => {});
    const { threads } = this.#plan;
    // The first one finds the port; the others come up meanwhile and join it.
    for (let worker = 0; worker <= threads; worker++) this.#create(worker);
    for (let worker = 0; worker < threads; worker++) await this.#startServing(worker);
    this.#post(threads, { type: "start", plan: this.#plan, worker: threads, port: 0 });
    if (this.#plan.store.log === undefined) return;
    const flusher = this.#workers.length;
    this.#create(flusher);
    this.#runningCount--;
    this.#post(flusher, { type: "start", plan: this.#plan, worker: flusher, port: 0 });
  }

  /** All that change anything have stopped: lets the flush Worker end with a last flush. */
  #flushAndEnd(): void {
    const { log } = this.#plan.store;
    if (log === undefined) {
      this.#resolve();
      return;
    }
    const control = new Int32Array(log.control);
    Atomics.store(control, LOG_STOP, 1);
    requestFlush(control);
  }

  async #startServing(worker: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<FromWorker>();
    this.#started = resolve;
    this.#post(worker, { type: "start", plan: this.#plan, worker, port: this.port });
    const message = await Promise.race([promise, this.stopped]);
    if (message?.type === "failed") throw new FatalError(message.message, message.hint);
    if (message?.type === "listening") this.port = message.port;
  }

  #create(index: number): void {
    const { threads } = this.#plan;
    const background = index === threads ? "upkeep-worker" : "flush-worker";
    const name = index < threads ? "server-worker" : background;
    const worker = new Worker(workerUrl(name), { name: `${name} ${index}` });
    worker.onmessage = (event: MessageEvent<FromWorker>) => this.#receive(index, event.data);
    worker.onerror = (event: ErrorEvent) => {
      this.#reject(new Error(`${name} ${index} died: ${withoutExcerpt(event.message)}`));
    };
    worker.addEventListener("close", () => this.#ended(index, name));
    this.#workers.push(worker);
    this.#runningCount++;
  }

  #post(worker: number, message: ToWorker): void {
    (this.#workers[worker] as Worker).postMessage(message);
  }

  #receive(from: number, message: FromWorker): void {
    switch (message.type) {
      case "listening":
        this.#started?.(message);
        return;
      case "failed":
        // Of a serving Worker that cannot listen, or of the flush Worker: nothing is durable then.
        if (from < this.#plan.threads) this.#started?.(message);
        else this.#reject(new FatalError(message.message, message.hint));
        return;
      case "stop-requested":
        this.#stop();
        return;
      case "active-expire":
        this.#post(this.#plan.threads, message);
        return;
      case "pubsub-body":
        (this.#workers[message.to] as Worker).postMessage(message, [message.body]);
        return;
      case "stopped":
        this.#runningCount--;
        if (this.#runningCount === 0) this.#flushAndEnd();
        return;
      case "flushed":
        this.#resolve();
        return;
      default:
        this.#relay.receive(from, message);
    }
  }

  #ended(index: number, name: string): void {
    if (!this.#isStopping) this.#reject(new Error(`${name} ${index} ended by itself`));
  }

  #signalled(): void {
    if (this.#isStopping) process.exit(1);
    this.#stop();
  }

  /**
   * Lets every Worker finish its batch and close its connections; ends without one that does not
   * answer in time.
   */
  #stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (let worker = 0; worker <= this.#plan.threads; worker++) {
      this.#post(worker, { type: "stop" });
    }
    setTimeout(() => this.#resolve(), STOP_TIMEOUT_MS);
  }
}

/** The message of a Worker's error, without the source lines that Bun puts in front. */
function withoutExcerpt(message: string): string {
  const start = message.lastIndexOf("\nerror: ");
  return start < 0 ? message : message.slice(start + "\nerror: ".length).trimEnd();
}
