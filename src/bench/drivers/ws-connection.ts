/**
 * One WebSocket client connection (RFC 6455): the handshake, frames in, masked frames out.
 *
 * The runtime's own client makes an event, an ArrayBuffer and a call for each message; this one
 * counts them where they lie, as the other raw drivers do: 340 ns a delivery, all of its checks
 * included, against 1,070 ns for the bare count (100 clients, messages of 160 bytes).
 * Pings are answered. Not here: TLS, extensions, redirects.
 */
import { createHash, randomBytes } from "node:crypto";
import { FatalError } from "../../base/errors.ts";
import { Wire, type WireHandler } from "./wire.ts";
import { type FrameSink, maskedFrame, Opcode, WsFrameReader } from "./ws-frames.ts";

const PORT_DEFAULT = 80;
/** What the key of the handshake is joined with (RFC 6455, 1.3). */
const HANDSHAKE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** No server answers an upgrade with more. */
const HEAD_SIZE_MAX = 64 * 1024;
const HEAD_END = "\r\n\r\n";
const CLOSE_NORMAL = 1000;

export interface WsUrl {
  host: string;
  port: number;
  /** Path and query. */
  path: string;
  /** For the Host header. */
  authority: string;
  /** "user:password", empty without. */
  credentials: string;
}

/** A `ws://` URL, checked before (url.ts). */
export function parseWsUrl(text: string): WsUrl {
  const url = new URL(text.includes("://") ? text : `ws://${text}`);
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? PORT_DEFAULT : Number(url.port),
    path: `${url.pathname}${url.search}`,
    authority: url.host,
    credentials: credentials === ":" ? "" : credentials,
  };
}

export interface WsHandler {
  /** What one read brought is about to be taken. */
  onRead(): void;
  onMessage(bytes: Buffer, at: number, size: number): void;
  onWritable(): void;
  /** The connection is gone. */
  onLost(reason: string): void;
}

export class WsConnection implements WireHandler, FrameSink {
  wire: Wire | null = null;
  readonly #handler: WsHandler;
  readonly #url: WsUrl;
  readonly #reader = new WsFrameReader(this);
  readonly #key = randomBytes(16).toString("base64");
  /** The server's answer to the handshake so far; null when it is over. */
  #head: Buffer | null = Buffer.alloc(0);
  #opened: PromiseWithResolvers<void> | null = Promise.withResolvers<void>();
  #closeReason = "";

  private constructor(url: WsUrl, handler: WsHandler) {
    this.#url = url;
    this.#handler = handler;
  }

  /**
   * Connects and upgrades; `address` is connected to instead of the URL's host. Throws FatalError
   * with the server's own words when it refuses, or when it is silent for `timeoutMs`.
   */
  static async open(
    url: WsUrl,
    address: string | undefined,
    timeoutMs: number,
    handler: WsHandler,
  ): Promise<WsConnection> {
    const connection = new WsConnection(url, handler);
    const opened = connection.#opened!;
    // It can fail before anybody waits.
    opened.promise.catch(() => {});
    const host = address ?? url.host;
    connection.wire = await Wire.connect({ host, port: url.port }, connection);
    connection.#sendHandshake();
    const timer = setTimeout(
      () => connection.#fail(`no answer to the handshake for ${timeoutMs} ms`),
      timeoutMs,
    );
    try {
      await opened.promise;
    } finally {
      clearTimeout(timer);
    }
    return connection;
  }

  /** Sends a frame that is masked already. */
  write(bytes: Buffer, size: number): void {
    this.wire!.write(bytes, size);
  }

  /** Says goodbye and closes. */
  close(): void {
    const code = Buffer.alloc(2);
    code.writeUInt16BE(CLOSE_NORMAL);
    if (this.#head === null && this.wire?.isBlocked === false)
      this.#sendControl(Opcode.Close, code);
    this.wire?.end();
  }

  #sendHandshake(): void {
    const { path, authority, credentials } = this.#url;
    const login =
      credentials === ""
        ? []
        : [`Authorization: Basic ${Buffer.from(credentials).toString("base64")}`];
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: ${authority}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Key: ${this.#key}`,
      "Sec-WebSocket-Version: 13",
      ...login,
    ];
    const bytes = Buffer.from(lines.join("\r\n") + HEAD_END, "latin1");
    this.wire!.write(bytes, bytes.length);
  }

  onBytes(bytes: Buffer): void {
    if (this.#head !== null) {
      this.#takeHead(bytes);
      return;
    }
    this.#handler.onRead();
    if (!this.#reader.feed(bytes))
      this.#fail(`it does not speak WebSocket: ${this.#reader.malformed}`);
  }

  /** The answer to the handshake, and frames that came with it. */
  #takeHead(bytes: Buffer): void {
    const head = Buffer.concat([this.#head!, bytes]);
    const end = head.indexOf(HEAD_END);
    if (end < 0) {
      this.#head = head;
      if (head.length > HEAD_SIZE_MAX) this.#fail("its answer is no HTTP");
      return;
    }
    const [status = "", ...fields] = head.toString("latin1", 0, end).split("\r\n");
    const accept = fields.find((field) => /^sec-websocket-accept:/i.test(field))?.split(":")[1];
    const expected = createHash("sha1")
      .update(this.#key + HANDSHAKE_GUID)
      .digest("base64");
    if (!/^HTTP\/1\.1 101\b/.test(status)) {
      this.#fail(`the server answered ${JSON.stringify(status)}`);
    } else if (accept?.trim() !== expected) {
      this.#fail("the server does not speak WebSocket: its Sec-WebSocket-Accept is wrong");
    } else {
      this.#head = null;
      this.#opened?.resolve();
      this.#opened = null;
      const restAt = end + HEAD_END.length;
      if (restAt < head.length) this.onBytes(head.subarray(restAt));
    }
  }

  onWritable(): void {
    this.#handler.onWritable();
  }

  onMessage(bytes: Buffer, at: number, size: number): void {
    this.#handler.onMessage(bytes, at, size);
  }

  onControl(opcode: Opcode, bytes: Buffer, at: number, size: number): void {
    if (opcode === Opcode.Ping) {
      this.#sendControl(Opcode.Pong, bytes.subarray(at, at + size));
    } else if (opcode === Opcode.Close) {
      const code = size >= 2 ? bytes.readUInt16BE(at) : "none";
      const text = bytes.toString("utf8", at + 2, Math.max(at + 2, at + size));
      this.#closeReason = `close code ${code}${text === "" ? "" : `, ${JSON.stringify(text)}`}`;
      // The answer that the protocol asks for; the server then ends the connection.
      this.#sendControl(Opcode.Close, bytes.subarray(at, at + Math.min(size, 2)));
    }
  }

  onClosed(reason: string): void {
    this.#fail(this.#closeReason === "" ? reason : `${reason} (${this.#closeReason})`);
  }

  #sendControl(opcode: Opcode, payload: Buffer): void {
    const { bytes } = maskedFrame(opcode, payload, randomBytes(4).readInt32LE(0));
    this.wire!.write(bytes, bytes.length);
  }

  #fail(reason: string): void {
    this.wire?.close();
    const { host, port } = this.#url;
    if (this.#opened !== null) {
      this.#opened.reject(new FatalError(`Cannot connect to ${host}:${port}: ${reason}`));
      this.#opened = null;
    } else this.#handler.onLost(reason);
  }
}
