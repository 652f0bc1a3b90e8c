/**
 * Servers for the conformance suites, real ones and ours, and connections that decode with
 * reply.ts.
 *
 * Processes are the harness's; a connection of this file pipelines: `ask` may be called many times
 * before the first reply is awaited.
 */
import type { Socket } from "bun";
import { hasPeer, type PeerName, type Server, startKv, startPeer } from "../harness.ts";
import { type Reply, readReply } from "./reply.ts";
import type { Connection, Peer, PeerKind } from "./transcript.ts";

export interface RunningPeer extends Peer, AsyncDisposable {
  readonly port: number;
  stop(): Promise<void>;
}

const REAL: Record<Exclude<PeerKind, "ours">, PeerName> = {
  valkey80: "valkey-server",
  redis70: "redis-server",
};

/** Starts a real server; null when it is not installed (an error where CI is set). */
export async function startReal(kind: Exclude<PeerKind, "ours">): Promise<RunningPeer | null> {
  if (!hasPeer(REAL[kind])) return null;
  return running(kind, await startPeer(REAL[kind], ["--enable-debug-command", "yes"]));
}

/** Starts ours with `threads` serving threads. */
export async function startOurs(threads: number): Promise<RunningPeer> {
  return running("ours", await startKv(["--threads", `${threads}`]));
}

/** A connection to whatever listens on `port`. */
export async function connectTo(port: number): Promise<Connection> {
  const waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  const incoming = new Incoming();
  let unsent: Buffer = Buffer.alloc(0);
  function flush(socket: Socket): void {
    if (unsent.length === 0) return;
    const taken = socket.write(unsent);
    if (taken > 0) unsent = unsent.subarray(taken);
  }
  function fail(): void {
    for (const waiter of waiting.splice(0)) waiter.reject(new Error("the connection was closed"));
  }
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_, chunk) => {
        for (const reply of incoming.add(chunk)) waiting.shift()?.resolve(reply);
      },
      drain: flush,
      close: fail,
      error: fail,
    },
  });
  return {
    ask(words) {
      const { promise, resolve, reject } = Promise.withResolvers<Reply>();
      waiting.push({ resolve, reject });
      const isWaiting = unsent.length > 0;
      unsent = isWaiting ? Buffer.concat([unsent, encode(words)]) : encode(words);
      if (!isWaiting) flush(socket);
      return promise;
    },
    close: () => socket.end(),
  };
}

/** Bytes received and not yet decoded. */
class Incoming {
  #bytes = Buffer.alloc(1 << 16);
  #length = 0;

  /** Adds what has arrived; returns the replies that are whole now. */
  add(chunk: Buffer): Reply[] {
    if (this.#length + chunk.length > this.#bytes.length) {
      const size = (this.#length + chunk.length) * 2;
      this.#bytes = Buffer.concat([this.#bytes.subarray(0, this.#length)], size);
    }
    chunk.copy(this.#bytes, this.#length);
    this.#length += chunk.length;
    const received = this.#bytes.subarray(0, this.#length);
    const replies: Reply[] = [];
    let start = 0;
    while (start < this.#length) {
      const next = readReply(received, start);
      if (next === null) break;
      start = next.end;
      replies.push(next.reply);
    }
    received.copy(this.#bytes, 0, start);
    this.#length -= start;
    return replies;
  }
}

/** A request as an array of bulks. */
export function encode(words: readonly (Buffer | string)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === "string" ? Buffer.from(word, "latin1") : word;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

function running(kind: PeerKind, server: Server): RunningPeer {
  async function stop(): Promise<void> {
    await server[Symbol.asyncDispose]();
  }
  return {
    kind,
    port: server.port,
    connect: () => connectTo(server.port),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
