/**
 * The chat server on one thread: Bun.serve, its routes and its WebSockets.
 *
 *      GET /ws         the chat: ?room=…&name=…&history=…  (admission.ts, protocol.ts)
 *      POST /publish   { "message": …, "room": … }: its bytes go to the room as one binary message
 *      GET /healthz    "ok"
 *      GET /metrics    Prometheus text
 *      GET /           the chat page
 *
 * Handlers are synchronous: the runtime runs asynchronous ones side by side and would buffer what
 * they have not come to. One that throws has found a bug of ours, and ends the thread and with it
 * the process.
 */
import { clock } from "../base/clock.ts";
import {
  CHAT_BACKLOG_SLACK_SIZE,
  CHAT_HTTP_IDLE_SECONDS,
  CHAT_IDLE_SECONDS,
  CHAT_ROSTER_INTERVAL_MS,
  CHAT_SWEEP_MS,
} from "../base/limits.ts";
import { attach } from "../store/embedded.ts";
import {
  CHAT_PROTOCOL,
  digestOfToken,
  type JoinRequest,
  type Refused,
  readJoin,
  refuseOrigin,
  refuseToken,
} from "./admission.ts";
import { Bus, type BusPeer } from "./bus.ts";
import { type ChatClient, type ChatSocket, Clients } from "./clients.ts";
import { EntryKind } from "./entry.ts";
import { History } from "./history.ts";
import { pageResponse } from "./page.ts";
import { formatRoster, formatWelcome, memberId, parseSaid } from "./protocol.ts";
import { Publisher, type PublishTarget, publishBodySizeMax } from "./publish.ts";
import { type Rate, RateLimit, rateOf } from "./rate-limit.ts";
import { Relay } from "./relay.ts";
import { Rooms } from "./rooms.ts";
import { type ChatPlan, type ChatSettings, SharedWord } from "./settings.ts";
import { ChatStat, ChatStats } from "./stats.ts";

type Server = Bun.Server<ChatClient>;

/** The author of what comes by POST /publish. */
const NOBODY = { id: 0, name: "" };

export class ChatServer implements PublishTarget {
  /** The port that is listened on; 0 when this thread does not. */
  port = 0;
  readonly rate: Rate;
  readonly stats: ChatStats;
  readonly settings: ChatSettings;
  readonly #plan: ChatPlan;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #tokenDigest: Buffer | null;
  readonly #rooms: Rooms;
  readonly #clients: Clients;
  readonly #relay: Relay;
  readonly #publisher: Publisher;
  readonly #timers: Timer[] = [];
  #server: Server | null = null;
  #isStopping = false;

  constructor(plan: ChatPlan, worker: number, peers: readonly BusPeer[]) {
    const { settings } = plan;
    this.#plan = plan;
    this.settings = settings;
    this.rate = rateOf(settings.rateMax, settings.payloadSizeMax);
    this.stats = new ChatStats(plan.stats, worker);
    this.#words = new Int32Array(plan.words);
    this.#tokenDigest = digestOfToken(settings.token);
    this.#rooms = new Rooms(plan.run);
    this.#clients = new Clients(this.stats, settings.backlogSizeMax, settings.threads);
    this.#publisher = new Publisher(this);
    this.#relay = new Relay({
      worker,
      run: plan.run,
      rooms: this.#rooms,
      history: new History(attach(plan.store), settings.historyCount),
      stats: this.stats,
      outlet: {
        publish: (topic, data) => void this.#server?.publish(topic, data),
        noteSent: (sizeBytes) => this.#clients.noteSent(sizeBytes),
      },
      connectBus: (receive) => new Bus(peers, receive),
    });
  }

  /** Listens; throws what Bun.serve throws. */
  listen(port: number): void {
    this.#server = Bun.serve<ChatClient>({
      hostname: this.settings.host,
      port,
      reusePort: this.#plan.isSpread,
      development: false,
      idleTimeout: CHAT_HTTP_IDLE_SECONDS,
      maxRequestBodySize: publishBodySizeMax(this.settings.payloadSizeMax),
      fetch: (request, server) => this.#fetch(request, server),
      error: rethrow,
      websocket: {
        maxPayloadLength: this.settings.payloadSizeMax,
        backpressureLimit: this.settings.backlogSizeMax + CHAT_BACKLOG_SLACK_SIZE,
        closeOnBackpressureLimit: true,
        idleTimeout: CHAT_IDLE_SECONDS,
        sendPings: true,
        perMessageDeflate: false,
        open: (socket) => this.#open(socket),
        message: (socket, said) => this.#message(socket, said),
        ping: (socket) => void this.#mayGoOn(socket, 0),
        close: (socket, code, words) => this.#close(socket, code, words),
      },
    });
    this.port = this.#server.port ?? 0;
    this.#timers.push(setInterval(() => this.#clients.sweep(), CHAT_SWEEP_MS));
    this.#timers.push(setInterval(() => this.#sendRosters(), CHAT_ROSTER_INTERVAL_MS));
    this.#timers.push(setInterval(() => clock.resync(), 1000));
  }

  /** Closes all clients with 1001; resolves when they are gone, or after `graceMs` without them. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    void this.#server?.stop(false);
    for (const timer of this.#timers) clearInterval(timer);
    this.#clients.closeAll("shutdown");
    await Bun.sleep(graceMs);
    this.#clients.terminateAll();
  }

  // ---- HTTP -------------------------------------------------------------------------------------

  #fetch(request: Request, server: Server): Response | Promise<Response> | undefined {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/ws":
        return this.#join(request, url.searchParams, server);
      case "/publish":
        return this.#publish(request);
      case "/healthz":
        return this.#isStopping ? plain(503, "stopping\n") : plain(200, "ok\n");
      case "/metrics":
        return this.#metrics(request);
      case "/":
      case "/favicon.ico":
        return pageResponse(request, url.pathname);
      default:
        return plain(404, "there is /, /ws, /publish, /healthz and /metrics\n");
    }
  }

  #refuse(refused: Refused): Response {
    this.stats.noteRefusal(refused.reason);
    const response = plain(refused.status, `${refused.text}\n`);
    if (refused.status === 401) response.headers.set("www-authenticate", "Bearer");
    if (refused.status === 503) response.headers.set("retry-after", "5");
    return response;
  }

  #refuseStranger(request: Request): Refused | null {
    return refuseOrigin(request, this.settings.origins) ?? refuseToken(request, this.#tokenDigest);
  }

  #publish(request: Request): Response | Promise<Response> {
    if (request.method !== "POST") return plain(405, "use POST\n", { allow: "POST" });
    const refused = this.#refuseStranger(request);
    return refused === null
      ? this.#publisher.handle(request, (it) => this.#refuse(it))
      : this.#refuse(refused);
  }

  #metrics(request: Request): Response {
    const refused = this.#refuseStranger(request);
    if (refused !== null) return this.#refuse(refused);
    const clients = Atomics.load(this.#words, SharedWord.Clients);
    const gauges = { clients, rooms: this.#rooms.count, threads: this.settings.threads };
    const text = this.stats.format(gauges, this.settings.bridge !== "");
    return plain(200, text, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  }

  /** For POST /publish: whether anybody can hear it. */
  say(room: string, said: Buffer): boolean {
    const isHeard =
      this.#rooms.find(room) !== undefined || this.#relay.bridge?.isConnected === true;
    if (!isHeard || !this.#relay.hasRoom()) return false;
    clock.tick();
    this.#relay.say(EntryKind.Published, room, NOBODY, said);
    return true;
  }

  // ---- WebSockets -------------------------------------------------------------------------------

  #join(request: Request, query: URLSearchParams, server: Server): Response | undefined {
    const stranger = this.#refuseStranger(request);
    if (stranger !== null) return this.#refuse(stranger);
    const join = readJoin(request, query);
    if ("status" in join) return this.#refuse(join);
    const full = this.#refuseFull(join);
    if (full !== null) return this.#refuse(full);
    const headers: Record<string, string> =
      join.protocol === null ? {} : { "Sec-WebSocket-Protocol": join.protocol };
    const data = this.#newClient(join);
    if (server.upgrade(request, { data, headers })) return undefined;
    Atomics.sub(this.#words, SharedWord.Clients, 1);
    return plain(426, "this is a WebSocket\n", { upgrade: "websocket", connection: "upgrade" });
  }

  /** Counts the client in; null when there is a place for it. */
  #refuseFull(join: JoinRequest): Refused | null {
    if (this.#isStopping) {
      return { status: 503, reason: "clients", text: "the server is stopping" };
    }
    const isNew = this.#rooms.find(join.room) === undefined;
    if (isNew && this.#rooms.count >= this.settings.roomsMax) {
      return { status: 503, reason: "rooms", text: "too many rooms (--max-rooms)" };
    }
    if (Atomics.add(this.#words, SharedWord.Clients, 1) < this.settings.clientsMax) return null;
    Atomics.sub(this.#words, SharedWord.Clients, 1);
    return { status: 503, reason: "clients", text: "too many clients (--max-clients)" };
  }

  #newClient(join: JoinRequest): ChatClient {
    return {
      id: (Atomics.add(this.#words, SharedWord.ClientId, 1) >>> 0) + 1,
      roomName: join.room,
      name: join.name,
      isChat: join.protocol === CHAT_PROTOCOL,
      historyCount: join.historyCount,
      rate: new RateLimit(this.rate, clock.tick()),
      room: null,
      closing: null,
      backlogBytes: 0,
    };
  }

  #open(socket: ChatSocket): void {
    const client = socket.data;
    this.#clients.add(socket);
    clock.tick();
    const room = this.#relay.join(client.roomName, client);
    client.room = room;
    if (client.isChat) room.chatCount++;
    else room.rawCount++;
    socket.cork(() => {
      socket.subscribe(client.isChat ? room.chatTopic : room.rawTopic);
      if (client.isChat) this.#welcome(socket);
      else this.#replay(socket);
    });
  }

  #welcome(socket: ChatSocket): void {
    const { id, name, roomName, historyCount } = socket.data;
    const history = this.#relay.historyOf(roomName, historyCount);
    const you = { id: memberId(this.#plan.run, id), name };
    const { bridge } = this.#relay;
    socket.sendText(formatWelcome(you, roomName, this.settings.payloadSizeMax, history, bridge));
  }

  #replay(socket: ChatSocket): void {
    const { roomName, historyCount } = socket.data;
    for (const { kind, payload } of this.#relay.historyOf(roomName, historyCount)) {
      if (kind === EntryKind.Text) socket.sendText(payload.toString("utf8"));
      else socket.sendBinary(payload);
    }
  }

  #message(socket: ChatSocket, said: string | Buffer): void {
    const client = socket.data;
    if (client.closing !== null) return;
    const size = typeof said === "string" ? Buffer.byteLength(said) : said.length;
    if (!this.#mayGoOn(socket, size)) return;
    if (!this.#relay.hasRoom()) {
      this.#clients.close(socket, "overload");
      return;
    }
    const message = client.isChat ? (typeof said === "string" ? parseSaid(said) : null) : said;
    if (message === null) {
      this.#clients.close(socket, "protocol");
      return;
    }
    this.stats.add(ChatStat.MessagesIn, 1);
    this.stats.add(ChatStat.BytesIn, size);
    const kind = typeof message === "string" ? EntryKind.Text : EntryKind.Binary;
    this.#relay.say(kind, client.roomName, client, message);
  }

  /** Takes `sizeBytes` from what the client may send; closes it when there is nothing left. */
  #mayGoOn(socket: ChatSocket, sizeBytes: number): boolean {
    if (socket.data.rate.take(this.rate, sizeBytes, clock.tick())) return true;
    this.#clients.close(socket, "rate");
    return false;
  }

  #close(socket: ChatSocket, code: number, words: string): void {
    const client = socket.data;
    this.#clients.remove(socket, code, words);
    if (client.room === null) return;
    if (client.isChat) client.room.chatCount--;
    else client.room.rawCount--;
    client.room = null;
    clock.tick();
    this.#relay.leave(client.roomName, client);
    Atomics.sub(this.#words, SharedWord.Clients, 1);
  }

  /** Tells rooms that have changed who is there; a large room less often. */
  #sendRosters(): void {
    clock.tick();
    for (const room of this.#rooms.all) {
      if (!room.isChanged || room.chatCount === 0) continue;
      const intervalMs = Math.max(CHAT_ROSTER_INTERVAL_MS, room.members.size);
      if (clock.nowMs - room.rosterMs < intervalMs - 1) continue;
      room.isChanged = false;
      room.rosterMs = clock.nowMs;
      this.#server?.publish(room.chatTopic, formatRoster(this.#rooms.rosterOf(room)));
    }
  }
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(text, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}

/** Out of the request, so that it is uncaught. */
function rethrow(error: Error): Response {
  queueMicrotask(() => {
    throw error;
  });
  return plain(500, "internal error\n");
}
