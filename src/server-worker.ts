/**
 * A serving Worker: attaches the store, listens, runs its connections until it is told to stop.
 *
 * Each has everything of its own (parser, writer, dispatcher, settings) except what is shared
 * memory: the store, the counters, the number of clients. An exception that nobody catches ends the
 * Worker and, by server.ts, the process. All Workers are created at start-up and none is terminated
 * while the server runs.
 */
import { FatalError } from "./base/errors.ts";
import { Log } from "./base/log.ts";
import { ServerStats, Stat } from "./base/server-stats.ts";
import { Settings } from "./base/settings.ts";
import { peerHandlers } from "./commands/peer-handlers.ts";
import type { Peers, ServerContext } from "./commands/server-context.ts";
import type { Session } from "./commands/session.ts";
import { SlowLog } from "./commands/slow-log.ts";
import { Connections } from "./net/connections.ts";
import { type Listener, listenTcp, listenUnix, SPREADS_CONNECTIONS } from "./net/listener.ts";
import { WorkerPeers } from "./net/peers.ts";
import { PubSub } from "./pubsub/pubsub.ts";
import type { Subscriber } from "./pubsub/subscriber.ts";
import { attachAny } from "./store/durable-store.ts";
import type { Store } from "./store/store.ts";
import { applyMemoryLimit } from "./store-settings.ts";
import type { FromWorker, ServerPlan, ToWorker } from "./worker-messages.ts";

declare const self: Worker & { postMessage(message: FromWorker, transfer?: ArrayBuffer[]): void };

class ServerWorker implements ServerContext {
  readonly settings: Settings;
  readonly stats: ServerStats;
  readonly slowlog: SlowLog;
  readonly store: Store;
  readonly pubsub: PubSub;
  readonly peers: Peers;
  readonly workerIndex: number;
  readonly threads: number;
  readonly startedMs: number;
  readonly runId: string;
  readonly executable: string;
  port = 0;
  readonly workerPeers: WorkerPeers;
  readonly #connections: Connections;
  readonly #listeners: Listener[] = [];
  #isActiveExpireOn = true;

  constructor(plan: ServerPlan, worker: number) {
    this.settings = Settings.from(plan.settings);
    this.stats = new ServerStats(plan.stats, worker, plan.threads + 1);
    this.slowlog = new SlowLog(this.settings, this.stats);
    this.store = attachAny(plan.store, worker);
    if (worker === 0) applyMemoryLimit(this.store, this.settings);
    this.pubsub = new PubSub(plan.pubsub, worker, {
      postBody: (to, id, body) => self.postMessage({ type: "pubsub-body", to, id, body }, [body]),
      schedule: setImmediate,
      noteSubscriber: (n) => {
        const own = this.stats.own;
        own[Stat.ClientsSubscribed] = (own[Stat.ClientsSubscribed] as number) + n;
      },
    });
    this.workerIndex = worker;
    this.threads = plan.threads;
    this.startedMs = plan.startedMs;
    this.runId = plan.runId;
    this.executable = plan.executable;
    this.workerPeers = new WorkerPeers(
      worker,
      plan.threads,
      (request) => self.postMessage(request),
      (kind, payload) => this.#runHandler(kind, payload),
    );
    this.peers = this.workerPeers;
    this.#connections = new Connections(
      this,
      new Int32Array(plan.clients),
      plan.descriptorsClientsMax,
      new Log(`worker ${worker}`),
    );
  }

  /**
   * Listens on every address; where the kernel does not spread connections, only the first Worker
   * does. Port 0 takes a free one, which the second address then shares.
   */
  listen(port: number): void {
    this.pubsub.listen();
    this.port = port;
    this.settings.port = port;
    if (this.workerIndex > 0 && !SPREADS_CONNECTIONS) return;
    for (const hostname of this.settings.bind.split(" ")) {
      const listener = listenTcp(this.#connections, hostname, this.port);
      this.port = listener.port;
      this.#listeners.push(listener);
    }
    this.settings.port = this.port;
    const path = this.settings.unixsocket;
    // Unix sockets cannot be shared: the first Worker accepts for all.
    if (path !== "" && this.workerIndex === 0) {
      this.#listeners.push(listenUnix(this.#connections, path));
    }
  }

  stop(): void {
    for (const listener of this.#listeners) listener.stop(false);
    this.#connections.stop();
  }

  sessions(): Iterable<Session> {
    return this.#connections.sessions();
  }

  subscriberOf(session: Session): Subscriber {
    return this.#connections.subscriberOf(session);
  }

  closeSession(session: Session): void {
    this.#connections.kill(session);
  }

  settingsChanged(): void {
    this.#connections.settingsChanged();
    // Shared by all Workers, and told to each: one of them is enough.
    if (this.workerIndex === 0) applyMemoryLimit(this.store, this.settings);
  }

  shutdown(): void {
    self.postMessage({ type: "stop-requested" });
  }

  #runHandler(kind: string, payload: unknown): unknown {
    const handler = peerHandlers[kind];
    if (handler === undefined) throw new Error(`no handler for "${kind}"`);
    const answer = handler(this, payload);
    const isOn = this.settings.isActiveExpireOn;
    if (this.workerIndex === 0 && isOn !== this.#isActiveExpireOn) {
      this.#isActiveExpireOn = isOn;
      self.postMessage({ type: "active-expire", isOn });
    }
    return answer;
  }
}

let server: ServerWorker | null = null;

// Bun lets a Worker live on after one; here it is as much a bug as an exception.
process.on("unhandledRejection", (reason) => {
  throw reason;
});

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  switch (message.type) {
    case "start":
      start(message.plan, message.worker, message.port);
      return;
    case "stop":
      server?.stop();
      self.postMessage({ type: "stopped" });
      return;
    case "run":
    case "answers":
      server?.workerPeers.receive(message);
      return;
    case "pubsub-body":
      server?.pubsub.receiveBody(message.id, message.body);
      return;
    case "active-expire":
      return;
  }
};

function start(plan: ServerPlan, worker: number, port: number): void {
  try {
    server = new ServerWorker(plan, worker);
    server.listen(port);
    self.postMessage({ type: "listening", port: server.port });
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    self.postMessage({ type: "failed", message: error.message, hint: error.hint });
  }
}
