/**
 * Servers that a fan-out test controls: a RESP one and a WebSocket relay that hand on messages with
 * faults, in the test's own process.
 */
import type { ServerWebSocket, Socket } from "bun";
import { type Reply, ReplyReader } from "../src/resp/reader.ts";

/** What becomes of a message, by its number among all that were published. */
export type Fault = "none" | "lost" | "doubled" | "swapped";

/** Hands messages on to `send`, with faults; a swapped one goes out behind the next. */
class FaultyRelay {
  #published = 0;
  #held: Buffer | null = null;
  readonly #faultOf: (message: number) => Fault;

  constructor(faultOf: (message: number) => Fault) {
    this.#faultOf = faultOf;
  }

  relay(message: Buffer, send: (message: Buffer) => void): void {
    const fault = this.#faultOf(this.#published++);
    if (fault === "swapped") {
      this.#held = message;
      return;
    }
    if (fault !== "lost") send(message);
    if (fault === "doubled") send(message);
    if (this.#held !== null) send(this.#held);
    this.#held = null;
  }
}

export interface FakeServer extends Disposable {
  readonly port: number;
}

/** SUBSCRIBE and PUBLISH of one channel; everything else is an unknown command. */
export function startFaultyResp(faultOf: (message: number) => Fault): FakeServer {
  const relay = new FaultyRelay(faultOf);
  const subscribers: Outgoing[] = [];
  const listener = Bun.listen<{ reader: ReplyReader; out: Outgoing }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = {
          reader: new ReplyReader({ bulksAsText: false }),
          out: new Outgoing(socket as unknown as Socket),
        };
      },
      data({ data: { reader, out } }, bytes) {
        reader.feed(bytes);
        for (let it = reader.next(); it !== undefined; it = reader.next()) answer(it, out);
      },
      drain: ({ data }) => data.out.flush(),
    },
  });
  function answer(request: Reply, out: Outgoing): void {
    const [name, channel, message] = request as [Buffer, Buffer, Buffer];
    const head = `$${channel?.length}\r\n${channel}\r\n`;
    if (name.toString() === "SUBSCRIBE") {
      subscribers.push(out);
      out.send(Buffer.from(`*3\r\n$9\r\nsubscribe\r\n${head}:1\r\n`));
    } else if (name.toString() === "PUBLISH") {
      relay.relay(message, (sent) => {
        const push = `*3\r\n$7\r\nmessage\r\n${head}$${sent.length}\r\n`;
        const bytes = Buffer.concat([Buffer.from(push), sent, Buffer.from("\r\n")]);
        for (const subscriber of subscribers) subscriber.send(bytes);
      });
      out.send(Buffer.from(`:${subscribers.length}\r\n`));
    } else out.send(Buffer.from("-ERR unknown command\r\n"));
  }
  return { port: listener.port, [Symbol.dispose]: () => listener.stop(true) };
}

/** Bytes on their way out, as fast as the kernel takes them. */
class Outgoing {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    this.flush();
  }

  flush(): void {
    const written = this.#rest.length === 0 ? 0 : this.#socket.write(this.#rest);
    this.#rest = this.#rest.subarray(Math.max(0, written));
  }
}

export interface RelayOptions {
  faultOf?: (message: number) => Fault;
  /** Clients beyond these are refused. */
  clientsMax?: number;
  /** Each client is cut off when it has published so many. */
  messagesMax?: number;
}

/** Everybody hears everything: the plainest chat server. */
export function startRelay(options: RelayOptions = {}): FakeServer & { clients(): number } {
  const { faultOf = () => "none", clientsMax = 100_000, messagesMax = 1e9 } = options;
  const relay = new FaultyRelay(faultOf);
  const clients = new Map<ServerWebSocket<unknown>, number>();
  const server = Bun.serve({
    port: 0,
    // All of 127.0.0.0/8, for --ws-multi-ip.
    hostname: "0.0.0.0",
    fetch(request, server) {
      if (clients.size >= clientsMax) return new Response("full", { status: 503 });
      return server.upgrade(request) ? undefined : new Response("", { status: 426 });
    },
    websocket: {
      perMessageDeflate: false,
      open: (socket) => void clients.set(socket, 0),
      message(socket, message) {
        const count = (clients.get(socket) ?? 0) + 1;
        clients.set(socket, count);
        if (count > messagesMax) socket.close(1013, "enough");
        relay.relay(message as Buffer, (sent) => {
          for (const client of clients.keys()) client.send(sent);
        });
      },
      close: (socket) => void clients.delete(socket),
    },
  });
  return {
    port: server.port ?? 0,
    clients: () => clients.size,
    [Symbol.dispose]: () => void server.stop(true),
  };
}
