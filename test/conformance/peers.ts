/**
 * Servers for the conformance suites: real ones from the system's packages, and ours.
 *
 * Each is a process of its own on a free loopback port, stopped by `stop()`. A real server that is not installed is
 * missing from `startPeer` (null), which is an error where CI is set.
 */
import type { Socket, Subprocess } from "bun";
import { type Reply, readReply } from "./reply.ts";
import type { Connection, Peer, PeerKind } from "./transcript.ts";

export interface RunningPeer extends Peer {
  readonly port: number;
  stop(): Promise<void>;
}

const REAL: Record<Exclude<PeerKind, "ours">, string> = {
  valkey80: "valkey-server",
  redis70: "redis-server",
};
const REPOSITORY = `${import.meta.dir}/../..`;
/** A limit for a server that does not start, not a wait. */
const START_MS_MAX = 10_000;

/** Starts a real server; null when it is not installed (and CI does not insist). */
export async function startReal(kind: Exclude<PeerKind, "ours">): Promise<RunningPeer | null> {
  const executable = Bun.which(REAL[kind]);
  if (executable === null) {
    if (process.env.CI) throw new Error(`Cannot find ${REAL[kind]}: run scripts/install-peers`);
    console.warn(`${REAL[kind]} is not installed: skipped`);
    return null;
  }
  const port = freePort();
  const options = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const child = Bun.spawn([executable, ...options, "--enable-debug-command", "yes"], {
    stdout: "ignore",
    stderr: "ignore",
  });
  await untilAnswers(port);
  return running(kind, port, child);
}

/** Starts ours with `threads` serving threads. */
export async function startOurs(threads: number): Promise<RunningPeer> {
  const child = Bun.spawn(
    [
      process.execPath,
      "src/main.ts",
      "serve",
      "--port",
      "0",
      "--threads",
      `${threads}`,
      "--persist",
      "off",
    ],
    { cwd: REPOSITORY, stdout: "pipe", stderr: "inherit" },
  );
  let output = "";
  const decoder = new TextDecoder();
  // Not `for await`: leaving that would close the server's output.
  const reader = child.stdout.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    output += decoder.decode(value, { stream: true });
    const port = /ready.*?:(\d+)/.exec(output)?.[1];
    if (port === undefined) continue;
    reader.releaseLock();
    return running("ours", Number(port), child);
  }
  throw new Error(`Cannot start kv serve: it ended with ${await child.exited} after: ${output}`);
}

/** A connection to whatever listens on `port`. */
export async function connectTo(port: number): Promise<Connection> {
  const waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  let received = Buffer.alloc(1 << 16);
  let length = 0;
  let unsent: Buffer = Buffer.alloc(0);
  function flush(socket: Socket): void {
    if (unsent.length === 0) return;
    const taken = socket.write(unsent);
    if (taken > 0) unsent = unsent.subarray(taken);
  }
  function take(chunk: Buffer): void {
    if (length + chunk.length > received.length) {
      received = Buffer.concat([received.subarray(0, length)], (length + chunk.length) * 2);
    }
    chunk.copy(received, length);
    length += chunk.length;
    let start = 0;
    for (;;) {
      const next = start < length ? readReply(received.subarray(0, length), start) : null;
      if (next === null) break;
      start = next.end;
      waiting.shift()?.resolve(next.reply);
    }
    received.copy(received, 0, start, length);
    length -= start;
  }
  function fail(): void {
    for (const waiter of waiting.splice(0)) waiter.reject(new Error("the connection was closed"));
  }
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data: (_, chunk) => take(chunk), drain: flush, close: fail, error: fail },
  });
  return {
    ask(words) {
      const { promise, resolve, reject } = Promise.withResolvers<Reply>();
      waiting.push({ resolve, reject });
      unsent = Buffer.concat([unsent, encode(words)]);
      flush(socket);
      return promise;
    },
    close: () => socket.end(),
  };
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

function running(kind: PeerKind, port: number, child: Subprocess): RunningPeer {
  return {
    kind,
    port,
    connect: () => connectTo(port),
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const port = listener.port;
  listener.stop(true);
  return port;
}

async function untilAnswers(port: number): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  for (;;) {
    try {
      const connection = await connectTo(port);
      await connection.ask(["PING"]);
      connection.close();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(10);
    }
  }
}
