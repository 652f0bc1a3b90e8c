/**
 * What a serving Worker offers to the commands it runs: its settings, counters and sessions, the
 * other Workers, and the few things that only the process can do. Implemented by
 * src/server-worker.ts.
 *
 * Commands that concern more than this Worker (CLIENT LIST, CONFIG SET, SLOWLOG) ask all Workers
 * through `peers` and reply when the answers are in (`Context.defer`). Requests on data never go
 * that way.
 */
import type { ServerStats } from "../base/server-stats.ts";
import type { Settings } from "../base/settings.ts";
import type { PubSub } from "../pubsub/pubsub.ts";
import type { Subscriber } from "../pubsub/subscriber.ts";
import type { Store } from "../store/store.ts";
import type { Session } from "./session.ts";
import type { SlowLog } from "./slow-log.ts";

export interface Peers {
  /**
   * Runs the handler `kind` of peer-handlers.ts on every Worker, this one included, with a clone of
   * `payload`. Resolves with one answer per Worker, in the order of the Workers. Never rejects: a
   * Worker that cannot answer has taken the process down.
   */
  ask(kind: string, payload: unknown): Promise<unknown[]>;
}

/** What SHUTDOWN asks for. */
export interface ShutdownOptions {
  /** null: save when there are save points. Memory mode has none. */
  readonly save: boolean | null;
  readonly now: boolean;
  readonly force: boolean;
}

export interface ServerContext {
  readonly settings: Settings;
  readonly stats: ServerStats;
  readonly slowlog: SlowLog;
  readonly store: Store;
  readonly pubsub: PubSub;
  readonly peers: Peers;
  readonly workerIndex: number;
  /** Serving Workers. */
  readonly threads: number;
  /** The port that is listened on, 0 when there is only a Unix socket. */
  readonly port: number;
  readonly startedMs: number;
  /** 40 hexadecimal digits, drawn at start. */
  readonly runId: string;
  /** Path of the running program, for INFO. */
  readonly executable: string;

  /** The sessions of this Worker. */
  sessions(): Iterable<Session>;
  /** The subscriber that a session of this Worker becomes with its first subscription. */
  subscriberOf(session: Session): Subscriber;
  /** Closes a connection of this Worker at once; what it has not sent yet is dropped. */
  closeSession(session: Session): void;
  /**
   * Called on every Worker after CONFIG SET has changed fields of `settings`: pushes what is held
   * elsewhere (maxmemory).
   */
  settingsChanged(): void;
  /** Begins a clean stop of the whole process; the reply to SHUTDOWN is the closed connection. */
  shutdown(options: ShutdownOptions): void;
}
