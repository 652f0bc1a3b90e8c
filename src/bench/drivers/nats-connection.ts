/**
 * One raw connection to a NATS server (the client protocol in text, docs.nats.io/reference):
 *
 *      <──  INFO {…}            what the server is, its limits
 *       ──> CONNECT {…} PING    options and credentials; verbose off: nothing is acknowledged
 *      <──  PONG                logged in   (-ERR '…' otherwise)
 *       ──> SUB <subject> 1     <──  MSG <subject> 1 <size> ⏎ <message> ⏎
 *       ──> PUB <subject> <size> ⏎ <message> ⏎
 *       ──> PING                <──  PONG   everything before it has been taken by the server
 *
 * The server's own PING is answered here. Not here: TLS, headers, queue groups, clusters.
 */
import { FatalError } from "../../base/errors.ts";
import { VERSION } from "../../base/version.ts";
import { PushReader, type PushSink } from "./push-reader.ts";
import { Wire, type WireHandler } from "./wire.ts";

const PORT_DEFAULT = 4222;
/** A server that does not say INFO and PONG within this is not one that can be measured. */
const ANSWER_MS = 10_000;
const PONG = Buffer.from("PONG\r\n");
const LETTER_P = 80;
const LETTER_O = 79;
const LETTER_I = 73;
const MINUS = 45;

export interface NatsUrl {
  host: string;
  port: number;
  user: string;
  password: string;
}

/** `nats://[user:password@ or token@]host[:port]`, checked before (url.ts). */
export function parseNatsUrl(text: string): NatsUrl {
  const url = new URL(text.includes("://") ? text : `nats://${text}`);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? PORT_DEFAULT : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

/** What the server says of itself, as far as it matters here. */
export interface NatsInfo {
  version: string;
  messageSizeMax: number;
}

/** What happens on a connection after it is set up. */
export interface NatsHandler {
  /** What one read brought is about to be taken. */
  onRead(): void;
  onMessage(bytes: Buffer, at: number, size: number): void;
  /** The server has taken everything that was sent before a PING. */
  onPong(): void;
  onWritable(): void;
  onErrorReply(text: string): void;
  /** The connection is gone; `reason` has the server's last words. */
  onLost(reason: string): void;
}

export class NatsConnection implements WireHandler, PushSink {
  info: NatsInfo = { version: "", messageSizeMax: 0 };
  wire: Wire | null = null;
  readonly #url: NatsUrl;
  readonly #handler: NatsHandler;
  readonly #reader: PushReader;
  #hasLoggedIn = false;
  #firstError = "";
  /** The set-up, and later each `flush`. */
  #waiting: PromiseWithResolvers<void> | null = null;

  private constructor(url: NatsUrl, subject: string | null, handler: NatsHandler) {
    this.#url = url;
    this.#handler = handler;
    this.#reader = new PushReader(subject === null ? null : `MSG ${subject} 1 `, this);
  }

  /** Connects and logs in; `subject` is what it will subscribe to, if anything. */
  static async connect(
    url: NatsUrl,
    subject: string | null,
    handler: NatsHandler,
  ): Promise<NatsConnection> {
    const connection = new NatsConnection(url, subject, handler);
    const waiting = Promise.withResolvers<void>();
    connection.#waiting = waiting;
    // It can fail before anybody waits.
    waiting.promise.catch(() => {});
    connection.wire = await Wire.connect(url, connection);
    await connection.#wait(waiting.promise);
    if (subject !== null) {
      connection.write(`SUB ${subject} 1\r\n`);
      await connection.flush();
    }
    return connection;
  }

  /** Resolves when the server has taken everything that was sent. Before the clock starts. */
  async flush(): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.#waiting = waiting;
    this.write("PING\r\n");
    await this.#wait(waiting.promise);
  }

  write(text: string): void {
    const bytes = Buffer.from(text, "latin1");
    this.wire?.write(bytes, bytes.length);
  }

  close(): void {
    this.wire?.close();
  }

  async #wait(promise: Promise<void>): Promise<void> {
    const timer = setTimeout(
      () => this.#waiting?.reject(new FatalError(`Cannot set up nats: silent for ${ANSWER_MS} ms`)),
      ANSWER_MS,
    );
    try {
      await promise;
    } catch (error) {
      this.close();
      throw error;
    } finally {
      clearTimeout(timer);
      this.#waiting = null;
    }
  }

  onBytes(bytes: Buffer): void {
    this.#handler.onRead();
    if (!this.#reader.feed(bytes)) {
      this.close();
      this.onClosed(`the server does not speak NATS: ${this.#reader.malformed}`);
    }
  }

  onWritable(): void {
    this.#handler.onWritable();
  }

  onClosed(reason: string): void {
    const text = this.#firstError === "" ? reason : `${reason} (${this.#firstError})`;
    if (this.#waiting !== null) {
      this.#waiting.reject(new FatalError(`Cannot set up a connection to nats: ${text}`));
    } else this.#handler.onLost(text);
  }

  onMessage(bytes: Buffer, at: number, size: number): void {
    this.#handler.onMessage(bytes, at, size);
  }

  /** PING, PONG, +OK, INFO or -ERR. */
  onLine(bytes: Buffer, start: number, end: number): void {
    const first = bytes[start];
    if (first === LETTER_P && bytes[start + 1] === LETTER_O) this.#onPong();
    else if (first === LETTER_P) this.wire?.write(PONG, PONG.length);
    else if (first === MINUS) this.#onError(bytes.toString("latin1", start, end));
    else if (first === LETTER_I) this.#onInfo(bytes.toString("utf8", start, end));
  }

  #onPong(): void {
    if (this.#waiting === null) this.#handler.onPong();
    else this.#waiting.resolve();
  }

  /** -ERR 'Slow Consumer': what follows is mostly the end of the connection. */
  #onError(line: string): void {
    const text = line.replace(/^-ERR\s*/, "").replace(/^'|'$/g, "");
    if (this.#firstError === "") this.#firstError = text;
    if (this.#waiting === null) this.#handler.onErrorReply(text);
    else this.#waiting.reject(new FatalError(`Cannot set up a connection to nats: ${text}`));
  }

  /** The first INFO asks for CONNECT; later ones are news about the cluster. */
  #onInfo(line: string): void {
    if (this.#hasLoggedIn) return;
    const info = parseInfo(line);
    if (info === null || info.isTlsRequired) {
      const what =
        info === null ? "it does not speak NATS" : "it wants TLS, which is not supported";
      this.#waiting?.reject(new FatalError(`Cannot set up a connection to nats: ${what}`));
      return;
    }
    this.info = info;
    this.#hasLoggedIn = true;
    const { user, password } = this.#url;
    const credentials =
      user === "" ? {} : password === "" ? { auth_token: user } : { user, pass: password };
    const options = {
      verbose: false,
      pedantic: false,
      protocol: 1,
      lang: "typescript",
      name: "kv bench",
      version: VERSION,
      ...credentials,
    };
    this.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`);
  }
}

function parseInfo(line: string): (NatsInfo & { isTlsRequired: boolean }) | null {
  try {
    const info = JSON.parse(line.replace(/^INFO\s+/, "")) as Record<string, unknown>;
    return {
      version: String(info.version),
      messageSizeMax: Number(info.max_payload),
      isTlsRequired: info.tls_required === true,
    };
  } catch {
    return null;
  }
}
