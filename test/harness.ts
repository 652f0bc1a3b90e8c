/**
 * What process tests are built from: our server and real ones as child processes, a raw client,
 * folders, waiting.
 *
 *   await using server = await startKv(["--threads", "1"]);
 *   await using client = await Client.connect(server);
 *   expect(await client.command("PING")).toBe("PONG");
 *
 * Our server is the built ./kv, or src/main.ts when KV_FROM_SOURCE is set or nothing was built.
 * Every server takes a free loopback port, and every child is killed when its scope ends, at the
 * latest when the test process exits. Nothing waits for time: `eventually` and the client await
 * conditions, with a limit that only a failure reaches.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Socket, Subprocess } from "bun";
import { encodeRequest, type RequestArgument } from "../src/resp/encoder.ts";
import { type Reply, ReplyReader } from "../src/resp/reader.ts";

export const REPOSITORY = resolve(import.meta.dir, "..");

/**
 * How long a condition may take before the test is called failed. Not a wait: what is true at once
 * returns at once.
 */
const PATIENCE_MS = 10_000;
const POLL_MS = 5;

// ---- Processes ----

const children = new Set<Subprocess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A child process whose output is collected. Killed at the end of its scope. */
export class ChildProcess implements AsyncDisposable {
  readonly #child: Subprocess<"ignore", "pipe", "pipe">;
  readonly #outputEnded: Promise<unknown>;
  /** What it has written so far. */
  stdout = "";
  stderr = "";

  constructor(command: readonly string[], options: ProcessOptions = {}) {
    this.#child = Bun.spawn([...command], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      cwd: options.cwd ?? REPOSITORY,
      env: { ...process.env, ...options.env },
    });
    children.add(this.#child);
    this.#outputEnded = Promise.all([
      collect(this.#child.stdout, (text) => {
        this.stdout += text;
      }),
      collect(this.#child.stderr, (text) => {
        this.stderr += text;
      }),
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** Waits until it has ended. `exitCode` is null when a signal killed it. */
  async finished(): Promise<Finished> {
    await this.#child.exited;
    await this.#outputEnded;
    children.delete(this.#child);
    return { exitCode: this.#child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  /** SIGTERM, and wait. */
  stop(): Promise<Finished> {
    this.kill();
    return this.finished();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) this.kill("SIGKILL");
    await this.finished();
  }
}

/** Runs a command to its end. */
export async function run(
  command: readonly string[],
  options: ProcessOptions = {},
): Promise<Finished> {
  await using child = new ChildProcess(command, options);
  return await child.finished();
}

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void) {
  const decoder = new TextDecoder();
  for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
}

// ---- Servers ----

/** A server that answers on a loopback port. */
export class Server extends ChildProcess {
  port = 0;
}

/** The command line of kv, to be followed by a subcommand. */
export function kvCommand(): string[] {
  const binary = join(REPOSITORY, process.platform === "win32" ? "kv.exe" : "kv");
  const isSource = Boolean(process.env.KV_FROM_SOURCE) || !existsSync(binary);
  return isSource ? [process.execPath, join(REPOSITORY, "src/main.ts")] : [binary];
}

/**
 * Starts `kv serve` on a free port, in memory unless `args` say otherwise, and waits for its ready
 * line. Throws with its output when it ends instead.
 */
export async function startKv(
  args: readonly string[] = [],
  options: ProcessOptions = {},
): Promise<Server> {
  const isPlaced = args.some((arg) => /^--(?:dir|persist|config)\b/.test(arg));
  const mode = isPlaced ? [] : ["--persist", "off"];
  const command = [...kvCommand(), "serve", "--port", "0", ...mode, ...args];
  const server = new Server(command, options);
  await eventually(() => !server.isRunning || readyPort(server.stdout) !== 0, "kv serve is ready");
  server.port = readyPort(server.stdout);
  if (server.port === 0) {
    const { exitCode, stdout, stderr } = await server.finished();
    throw new Error(`Cannot start kv serve: it ended with ${exitCode}\n${stdout}${stderr}`);
  }
  return server;
}

/** The TCP port in the ready line, 0 when the line is not there yet. */
export function readyPort(output: string): number {
  const line = /^.*\bready\b.*\n/m.exec(output)?.[0] ?? "";
  return Number(/[\w.\]]:(\d+)\b/.exec(line)?.[1] ?? 0);
}

export type PeerName = "valkey-server" | "redis-server";

/**
 * Whether a real server (or a tool of one) is installed. When not: false and a word about it, so
 * that the caller can skip; an error where CI is set, because there nothing may be skipped.
 */
export function hasPeer(name: string): boolean {
  if (Bun.which(name) !== null) return true;
  if (process.env.CI) throw new Error(`Cannot find ${name}: run scripts/install-peers`);
  process.stderr.write(`skipped: ${name} is not installed, scripts/install-peers installs it\n`);
  return false;
}

/** Starts a real server without persistence on a free port. Check `hasPeer` first. */
export async function startPeer(name: PeerName, args: readonly string[] = []): Promise<Server> {
  // Another process can take the port between here and there: then the server ends, and another
  // port is tried.
  for (let attempt = 1; ; attempt++) {
    const port = freePort();
    const fixed = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const server = new Server([name, ...fixed, ...args], { cwd: tmpdir() });
    server.port = port;
    await eventually(async () => !server.isRunning || (await answers(port)), `${name} answers`);
    if (server.isRunning) return server;
    const { stdout } = await server.finished();
    if (attempt === 3) throw new Error(`Cannot start ${name}: ${stdout}`);
  }
}

/** A NATS server, and where it speaks WebSocket. */
export class NatsServer extends Server {
  webSocketPort = 0;
}

/**
 * Starts nats-server on free ports, with a WebSocket listener and the configuration `lines` (such
 * as "max_pending: 65536"). Check `hasPeer` first.
 */
export async function startNats(lines: readonly string[] = []): Promise<NatsServer> {
  const folder = temporaryFolder();
  const path = join(folder.path, "nats.conf");
  for (let attempt = 1; ; attempt++) {
    const [port, webSocketPort] = [freePort(), freePort()];
    const listener = `websocket { host: "127.0.0.1", port: ${webSocketPort}, no_tls: true }`;
    await Bun.write(path, [listener, ...lines, ""].join("\n"));
    const command = ["nats-server", "-a", "127.0.0.1", "-p", `${port}`, "-c", path];
    const server = new NatsServer(command, { cwd: tmpdir() });
    server.port = port;
    server.webSocketPort = webSocketPort;
    // Its log goes to standard error; this line comes last.
    const isReady = () => server.stderr.includes("Server is ready");
    await eventually(() => !server.isRunning || isReady(), "nats-server is ready");
    const isRunning = server.isRunning;
    folder[Symbol.dispose]();
    if (isRunning) return server;
    const { stderr } = await server.finished();
    if (attempt === 3) throw new Error(`Cannot start nats-server: ${stderr}`);
  }
}

/** A port that was free a moment ago. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const port = listener.port;
  listener.stop(true);
  return port;
}

async function answers(port: number): Promise<boolean> {
  try {
    await using client = await Client.connect({ port });
    return (await client.command("PING")) === "PONG";
  } catch {
    return false;
  }
}

// ---- A client ----

/** Where a client connects to. */
export type Endpoint =
  | { readonly port: number; readonly host?: string }
  | { readonly unix: string };

/** A connection that sends what it is given, byte for byte, and decodes what comes back. */
export class Client implements AsyncDisposable {
  #socket: Socket | null = null;
  readonly #reader: ReplyReader;
  readonly #raw: Buffer[] = [];
  #unsent: Buffer = Buffer.alloc(0);
  readonly #waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
  /** Replies that came before they were asked for. */
  readonly #early: Reply[] = [];
  readonly #closed = Promise.withResolvers<void>();
  /** Whether the other side has closed the connection, or reset it. */
  isClosed = false;

  private constructor(bulksAsText: boolean) {
    this.#reader = new ReplyReader({ bulksAsText });
  }

  /** Connects. Bulk strings in replies are latin1 strings, or Buffers with `bulksAsText: false`. */
  static async connect(
    endpoint: Endpoint,
    options: { bulksAsText?: boolean } = {},
  ): Promise<Client> {
    const client = new Client(options.bulksAsText ?? true);
    const socket = {
      data: (_: Socket, chunk: Buffer) => client.#receive(chunk),
      drain: () => client.#flush(),
      close: () => client.#close(),
      error: () => client.#close(),
    };
    client.#socket =
      "unix" in endpoint
        ? await Bun.connect({ unix: endpoint.unix, socket })
        : await Bun.connect({
            hostname: endpoint.host ?? "127.0.0.1",
            port: endpoint.port,
            socket,
            allowHalfOpen: true,
          });
    return client;
  }

  /** Sends one command and waits for its reply. */
  command(...args: RequestArgument[]): Promise<Reply> {
    this.send(encodeRequest(...args));
    return this.next();
  }

  /** Sends one command given as words: `text("SET a 1")`. */
  text(line: string): Promise<Reply> {
    return this.command(...line.split(" "));
  }

  /** Sends bytes as they are (text as latin1). Nothing is awaited. */
  send(bytes: Uint8Array | string): void {
    const added = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    this.#unsent = Buffer.concat([this.#unsent, added]);
    this.#flush();
  }

  /** The next reply. Rejects when the connection is closed before it is whole. */
  next(): Promise<Reply> {
    const early = this.#early.shift();
    if (early !== undefined) return Promise.resolve(early);
    if (this.isClosed) return Promise.reject(new Error("the connection is closed"));
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#waiting.push({ resolve, reject });
    return promise;
  }

  /** The next `count` replies. */
  async nextMany(count: number): Promise<Reply[]> {
    const replies: Reply[] = [];
    while (replies.length < count) replies.push(await this.next());
    return replies;
  }

  /** Resolves when the other side has closed the connection. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Every byte received so far. */
  get received(): Buffer {
    return Buffer.concat(this.#raw);
  }

  /** Stops reading, so that the other side's buffers fill up. */
  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Says that nothing more will be sent; replies can still come. */
  endSending(): void {
    this.#socket?.shutdown();
  }

  /** Closes the connection from this side. */
  close(): void {
    this.#socket?.terminate();
    this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #flush(): void {
    while (this.#unsent.length > 0) {
      const taken = this.#socket?.write(this.#unsent) ?? 0;
      if (taken <= 0) return;
      this.#unsent = this.#unsent.subarray(taken);
    }
  }

  #receive(chunk: Buffer): void {
    this.#raw.push(Buffer.from(chunk));
    this.#reader.feed(chunk);
    for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next()) {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#early.push(reply);
      else waiter.resolve(reply);
    }
  }

  #close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const waiter of this.#waiting.splice(0)) {
      waiter.reject(new Error("the connection is closed"));
    }
    this.#closed.resolve();
  }
}

// ---- Waiting, folders ----

/**
 * Waits until `condition` holds. Throws, naming `what`, when it still does not after `patienceMs`.
 */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await Bun.sleep(POLL_MS);
  }
}

/** An empty folder that is removed at the end of the scope: `using folder = temporaryFolder()`. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "kv-test-"));
  return {
    path,
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
