/**
 * What tests of `kv ws-server` are built from: the server as a process, a WebSocket client that
 * keeps what it got, a client of raw bytes, and HTTP.
 *
 *   await using server = await startChat(["--threads", "2"]);
 *   await using ann = await ChatClient.join(server, { room: "a", name: "ann" });
 */
import type { Socket } from "bun";
import { eventually, kvCommand, type ProcessOptions, readyPort, Server } from "./harness.ts";

/** Starts `kv ws-server` on a free loopback port. Throws with its output when it ends instead. */
export async function startChat(
  args: readonly string[] = [],
  options: ProcessOptions = {},
): Promise<Server> {
  const fixed = ["ws-server", "--host", "127.0.0.1", "--port", "0"];
  const server = new Server([...kvCommand(), ...fixed, ...args], options);
  await eventually(() => !server.isRunning || readyPort(server.stdout) !== 0, "it is ready");
  server.port = readyPort(server.stdout);
  if (server.port === 0) {
    const { exitCode, stdout, stderr } = await server.finished();
    throw new Error(`Cannot start kv ws-server: it ended with ${exitCode}\n${stdout}${stderr}`);
  }
  return server;
}

export function httpUrl({ port }: Server, path: string): string {
  return `http://127.0.0.1:${port}${path}`;
}

/** One number of /metrics. */
export async function metric(
  server: Server,
  name: string,
  headers: Record<string, string> = {},
): Promise<number> {
  const text = await (await fetch(httpUrl(server, "/metrics"), { headers })).text();
  const line = text.split("\n").find((it) => it.startsWith(`kv_ws_${name} `));
  if (line === undefined) throw new Error(`there is no metric ${name} in\n${text}`);
  return Number(line.split(" ")[1]);
}

export interface JoinOptions {
  readonly room?: string;
  readonly name?: string;
  readonly history?: number;
  /** Speaks kv.chat.v1. */
  readonly isChat?: boolean;
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** A message of kv.chat.v1, as a test looks at it. */
export interface Envelope {
  readonly type: string;
  readonly text?: string;
  readonly sizeBytes?: number;
  readonly isConnected?: boolean;
  readonly from?: { readonly id: string; readonly name: string };
  readonly you?: { readonly id: string; readonly name: string };
  readonly history?: readonly Envelope[];
  readonly count?: number;
  readonly members?: readonly { readonly id: string; readonly name: string }[];
  readonly bridge?: { readonly isConnected: boolean; readonly text: string } | null;
}

export type Frame = string | Buffer;

/** A client that has joined, and everything that it got. */
export class ChatClient implements AsyncDisposable {
  readonly frames: Frame[] = [];
  /** Set when it is closed. */
  closeCode = 0;
  closeReason = "";
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "nodebuffer";
    socket.onmessage = (event) => this.frames.push(event.data as Frame);
    socket.onclose = (event) => {
      this.closeCode = event.code;
      this.closeReason = event.reason;
    };
  }

  /** Resolves when the server has let it in; rejects when it has not. */
  static async join(server: Server, options: JoinOptions = {}): Promise<ChatClient> {
    const query = new URLSearchParams();
    if (options.room !== undefined) query.set("room", options.room);
    if (options.name !== undefined) query.set("name", options.name);
    if (options.history !== undefined) query.set("history", `${options.history}`);
    const protocols = [...(options.isChat ? ["kv.chat.v1"] : []), ...(options.protocols ?? [])];
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws?${query}`, {
      headers: options.headers ?? {},
      ...(protocols.length > 0 ? { protocols } : {}),
    });
    const client = new ChatClient(socket);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("cannot join"));
    await promise;
    socket.onerror = null;
    return client;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get isClosed(): boolean {
    return this.closeCode !== 0;
  }

  /** What it got as kv.chat.v1. */
  get envelopes(): Envelope[] {
    return this.frames.map((it) => JSON.parse(String(it)) as Envelope);
  }

  /** The messages that it got, those of the history first. */
  get messages(): Envelope[] {
    return this.envelopes
      .flatMap((it) => (it.type === "welcome" ? (it.history ?? []) : [it]))
      .filter((it) => it.type === "message");
  }

  get texts(): (string | undefined)[] {
    return this.messages.map((it) => it.text);
  }

  send(frame: Frame): void {
    this.#socket.send(frame);
  }

  /** Says a text as kv.chat.v1 does. */
  say(text: string): void {
    this.#socket.send(JSON.stringify({ type: "message", text }));
  }

  ping(): void {
    this.#socket.ping();
  }

  async until(count: number): Promise<Frame[]> {
    await eventually(() => this.frames.length >= count, `${count} frames, ${this.frames.length}`);
    return this.frames;
  }

  async untilClosed(): Promise<number> {
    await eventually(() => this.isClosed, "it is closed");
    return this.closeCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
  }
}

/** A WebSocket in bytes: frames as a test makes them, and a client that can stop reading. */
export class RawWebSocket implements AsyncDisposable {
  received: Buffer = Buffer.alloc(0);
  isClosed = false;
  #socket: Socket | null = null;
  #unsent: Buffer = Buffer.alloc(0);

  static async join(server: Server, query = ""): Promise<RawWebSocket> {
    const client = new RawWebSocket();
    client.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.port,
      socket: {
        data: (_, chunk) => {
          client.received = Buffer.concat([client.received, chunk]);
        },
        drain: () => client.#flush(),
        close: () => {
          client.isClosed = true;
        },
      },
    });
    client.send(
      `GET /ws${query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n` +
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await eventually(() => client.received.includes("\r\n\r\n"), "it is upgraded");
    client.received = Buffer.alloc(0);
    return client;
  }

  send(bytes: Buffer | string): void {
    this.#unsent = Buffer.concat([this.#unsent, Buffer.from(bytes as string)]);
    this.#flush();
  }

  /** Bytes that the other side's window did not take yet. */
  get unsentBytes(): number {
    return this.#unsent.length;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** The code of the Close frame that came last; 0 when none did. */
  get closeCode(): number {
    let at = 0;
    let code = 0;
    while (at + 2 <= this.received.length) {
      const short = (this.received[at + 1] as number) & 127;
      const headerSize = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (at + headerSize > this.received.length) break;
      const size =
        short === 127
          ? Number(this.received.readBigUInt64BE(at + 2))
          : short === 126
            ? this.received.readUInt16BE(at + 2)
            : short;
      const end = at + headerSize + size;
      if (this.received[at] === 0x88 && end <= this.received.length) {
        code = this.received.readUInt16BE(at + headerSize);
      }
      at = end;
    }
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.terminate();
  }

  #flush(): void {
    while (this.#unsent.length > 0) {
      const taken = this.#socket?.write(this.#unsent) ?? 0;
      if (taken <= 0) return;
      this.#unsent = this.#unsent.subarray(taken);
    }
  }
}

/** A frame of a client: opcode 1 text, 2 binary, 0 continuation, 9 ping; the mask is zero. */
export function frameOf(opcode: number, payload: Buffer, isLast = true): Buffer {
  const first = (isLast ? 0x80 : 0) | opcode;
  const size = payload.length;
  if (size < 126) {
    return Buffer.concat([Buffer.from([first, 0x80 | size, 0, 0, 0, 0]), payload]);
  }
  const header = Buffer.alloc(size < 65_536 ? 8 : 14);
  header[0] = first;
  header[1] = 0x80 | (size < 65_536 ? 126 : 127);
  if (size < 65_536) header.writeUInt16BE(size, 2);
  else header.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([header, payload]);
}
