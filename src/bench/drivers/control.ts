/**
 * A control connection: one request at a time, replies as values. For INFO and CONFIG GET around
 * the phases.
 *
 * Never used while the clock runs. Not here: load (resp-connection.ts).
 * Limits: ANSWER_MS for one reply.
 */
import { FatalError, reasonOf } from "../../base/errors.ts";
import { encodeRequest } from "../../resp/encoder.ts";
import { type Reply, ReplyError, ReplyReader } from "../../resp/reader.ts";
import type { Endpoint } from "./resp-connection.ts";

/** A server that does not answer INFO within this is not one that can be measured. */
const ANSWER_MS = 10_000;

interface Waiting {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

const LOGIN_HINT = "user and password stand in the URL: redis://user:password@host:port";

/** Throws FatalError for an error reply to a connection's first requests. */
export function refuseError(reply: Reply): Reply {
  if (!(reply instanceof ReplyError)) return reply;
  if (/^(NOAUTH|WRONGPASS|NOPERM)/.test(reply.text)) {
    throw new FatalError(`Cannot log in: ${reply.text}`, LOGIN_HINT);
  }
  throw new FatalError(`Cannot set up a connection: ${reply.text}`);
}

export class ControlConnection {
  readonly #reader = new ReplyReader({ bulksAsText: true });
  #socket: Bun.Socket<ControlConnection> | null = null;
  #waiting: Waiting | null = null;

  /** Throws FatalError when nobody listens at the endpoint. */
  static async connect(endpoint: Endpoint): Promise<ControlConnection> {
    const control = new ControlConnection();
    control.#socket = await Bun.connect<ControlConnection>({
      hostname: endpoint.host,
      port: endpoint.port,
      data: control,
      socket: {
        data: (socket, bytes) => socket.data.#onData(bytes),
        close: (socket) => socket.data.#onFailure("the server closed the connection"),
        error: (socket, error) => socket.data.#onFailure(reasonOf(error)),
      },
    });
    return control;
  }

  /**
   * Sends one request (shorter than a socket buffer) and returns its reply; an error reply is a
   * value.
   */
  async request(...args: string[]): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#waiting = { resolve, reject };
    const timer = setTimeout(() => this.#onFailure(`no reply for ${ANSWER_MS} ms`), ANSWER_MS);
    try {
      this.#socket?.write(encodeRequest(...args));
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The reply as text; an empty one when the server refuses or does not know the request. */
  async text(...args: string[]): Promise<string> {
    const reply = await this.request(...args);
    return reply === null || reply instanceof ReplyError ? "" : String(reply);
  }

  /** The requests that a connection begins with. Throws FatalError when one is refused. */
  async setUp(requests: string[][]): Promise<void> {
    for (const args of requests) refuseError(await this.request(...args));
  }

  close(): void {
    this.#waiting = null;
    this.#socket?.terminate();
  }

  #onData(bytes: Buffer): void {
    this.#reader.feed(bytes);
    try {
      const reply = this.#reader.next();
      if (reply === undefined) return;
      const waiting = this.#waiting;
      this.#waiting = null;
      waiting?.resolve(reply);
    } catch (error) {
      this.#onFailure(`it does not speak RESP (${reasonOf(error)})`);
    }
  }

  #onFailure(text: string): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(new FatalError(`Cannot talk to the server: ${text}`));
  }
}
