/**
 * The connections of one Worker, and what they share: parser, writer, dispatcher.
 *
 * The listener hands sockets to `accept`; from there on the socket's events go straight to its
 * Connection. The number of clients is one atomic word for all Workers: `maxclients` holds for the
 * process, exactly.
 */
import { assert } from "../base/assert.ts";
import { BUFFER_SIZE_MAX } from "../base/byte-buffer.ts";
import { clock } from "../base/clock.ts";
import {
  CONNECTION_CHECK_MS,
  CONNECTIONS_COLLECT_COUNT,
  SUBSCRIPTIONS_COLLECT_COUNT,
  WRITER_SIZE,
  WRITER_SLACK_SIZE,
} from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type ServerStats, Stat } from "../base/server-stats.ts";
import type { Settings } from "../base/settings.ts";
import { Dispatcher } from "../commands/dispatch.ts";
import type { ServerContext } from "../commands/server-context.ts";
import { Session } from "../commands/session.ts";
import type { PubSub } from "../pubsub/pubsub.ts";
import { Subscriber } from "../pubsub/subscriber.ts";
import { type ParseLimits, RequestParser } from "../resp/parser.ts";
import { REPLY_MAX_CLIENTS } from "../resp/replies.ts";
import { ReplyWriter } from "../resp/writer.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { type ClientSocket, Connection, type ConnectionHost } from "./connection.ts";
import { describePeer } from "./peer-address.ts";

const REPLY_PROTECTED = Buffer.from(
  "-DENIED The server runs in protected mode: it has no password, so it only takes connections " +
    "from this machine. Set a password (requirepass), or turn protected-mode off.\r\n",
);
const INLINE_SIZE_MAX = 64 * 1024;
/**
 * As in Redis 7: nothing is reserved for a count, so what bounds a request is the query buffer's
 * limit.
 */
const MULTIBULK_COUNT_MAX = 2 ** 31 - 1;

export class Connections implements ConnectionHost {
  readonly dispatcher: Dispatcher;
  readonly parser = new RequestParser();
  readonly out = new ReplyWriter(WRITER_SIZE);
  readonly limits: ParseLimits;
  readonly settings: Settings;
  readonly own: Float64Array;
  readonly log: Log;
  readonly #pubsub: PubSub;
  readonly acknowledgements: Acknowledgements | null;
  readonly #stats: ServerStats;
  /** Word 0: clients of the process. Added to and taken from by every Worker, atomically. */
  readonly #clients: Int32Array;
  readonly #descriptorsClientsMax: number;
  readonly #all = new Set<Connection>();
  readonly #bySession = new Map<Session, Connection>();
  readonly #timer: Timer;
  /** Connections closed since the last collection. */
  #closedCount = 0;

  constructor(server: ServerContext, clients: Int32Array, descriptorsClientsMax: number, log: Log) {
    this.settings = server.settings;
    this.#pubsub = server.pubsub;
    this.#stats = server.stats;
    this.own = server.stats.own;
    this.log = log;
    this.#clients = clients;
    this.#descriptorsClientsMax = descriptorsClientsMax;
    this.limits = {
      multibulkCountMax: MULTIBULK_COUNT_MAX,
      bulkSizeMax: server.settings.bulkSizeMax,
      inlineSizeMax: INLINE_SIZE_MAX,
      authenticated: true,
    };
    this.dispatcher = new Dispatcher(server, this.parser, this.out);
    const { store } = server;
    const { durability } = store;
    this.acknowledgements = durability === null ? null : new Acknowledgements(store, durability);
    this.#limitWriter();
    this.#timer = setInterval(() => this.#check(), CONNECTION_CHECK_MS);
  }

  /**
   * A new socket; null when it was refused, and is closed already. `path`: of the Unix socket it
   * came through.
   */
  accept(socket: ClientSocket, path: string): Connection | null {
    const clientsMax = Math.min(this.settings.maxclients, this.#descriptorsClientsMax);
    if (Atomics.add(this.#clients, 0, 1) >= clientsMax) {
      return this.#refuse(socket, REPLY_MAX_CLIENTS);
    }
    const peer = describePeer(socket, path);
    const { protectedMode, requirepass } = this.settings;
    if (protectedMode && requirepass === "" && !peer.isLocal) {
      return this.#refuse(socket, REPLY_PROTECTED);
    }
    clock.tick();
    const session = new Session(
      this.#stats.nextClientId(),
      peer.address,
      peer.localAddress,
      peer.isLocal,
      clock.nowMs,
    );
    session.fd = (socket as unknown as { fd?: number }).fd ?? -1;
    session.isAuthenticated = requirepass === "";
    if (path === "" && this.settings.tcpKeepaliveSeconds > 0) {
      socket.setKeepAlive(true, this.settings.tcpKeepaliveSeconds * 1000);
    }
    const connection = new Connection(this, socket, session);
    this.#all.add(connection);
    this.#bySession.set(session, connection);
    this.#count(Stat.ConnectionsReceived, 1);
    this.#count(Stat.ClientsCurrent, 1);
    return connection;
  }

  /** Called by the connection itself. */
  closed(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    this.#bySession.delete(connection.session);
    this.unsubscribe(connection.session);
    this.#closedCount++;
    this.#count(Stat.ClientsCurrent, -1);
    Atomics.sub(this.#clients, 0, 1);
  }

  /** Closes the connection of `session` at once; what it has not sent is dropped. */
  kill(session: Session): void {
    this.#bySession.get(session)?.kill();
  }

  /** The subscriber that `session` becomes; its messages go to the connection. */
  subscriberOf(session: Session): Subscriber {
    const connection = this.#bySession.get(session);
    assert(connection !== undefined, "a command runs on a connection");
    return new Subscriber(connection);
  }

  /** The client of `session` is gone, or as good as: nobody counts it as a receiver any more. */
  unsubscribe(session: Session): void {
    if (session.subscriber !== null) this.#pubsub.leave(session.subscriber);
  }

  sessions(): Iterable<Session> {
    return this.#bySession.keys();
  }

  /** Takes over what is held outside of `settings`. Called after they changed. */
  settingsChanged(): void {
    this.limits.bulkSizeMax = this.settings.bulkSizeMax;
    this.#limitWriter();
  }

  /** A reply that the output limit would cut off is not made to its end first. */
  #limitWriter(): void {
    const { hardBytes } = this.settings.outputNormal;
    const sizeMax = hardBytes > 0 ? hardBytes + WRITER_SLACK_SIZE : BUFFER_SIZE_MAX;
    this.out.sizeMax = Math.min(BUFFER_SIZE_MAX, sizeMax);
  }

  /** Closes all connections, for the end of the process. */
  stop(): void {
    clearInterval(this.#timer);
    for (const connection of [...this.#all]) connection.kill();
  }

  /** Counted as a client by `accept`: is none. */
  #refuse(socket: ClientSocket, reply: Buffer): null {
    Atomics.sub(this.#clients, 0, 1);
    this.#count(Stat.ConnectionsRejected, 1);
    socket.write(reply, 0, reply.length);
    socket.end();
    return null;
  }

  #check(): void {
    clock.resync();
    let memoryBytes = 0;
    for (const connection of this.#all) {
      connection.check(clock.nowMs);
      memoryBytes += connection.memoryBytes;
    }
    this.own[Stat.ClientsBytes] = memoryBytes;
    this.#collect();
  }

  /**
   * Frees what closed connections and subscriptions have left behind. The collector counts the
   * store's shared memory as part of a huge heap and hardly ever looks at old objects: without
   * this, 240,000 connections one after another took 330 MB.
   */
  #collect(): void {
    const pubsub = this.#pubsub;
    if (
      this.#closedCount < CONNECTIONS_COLLECT_COUNT &&
      pubsub.removedCount < SUBSCRIPTIONS_COLLECT_COUNT
    ) {
      return;
    }
    this.#closedCount = 0;
    pubsub.removedCount = 0;
    Bun.gc(true);
  }

  #count(column: Stat, n: number): void {
    this.own[column] = (this.own[column] as number) + n;
  }
}
