/**
 * A connection for bytes that need not be requests: sends what it is given, keeps what it gets.
 *
 * For the protocol suites, which look at bytes and at who closes. Built on node:net, whose sockets
 * tell the other side's end apart from their own. Nothing here waits for time: what never
 * comes ends with the test's own limit.
 */
import { connect as connectSocket, type Socket } from "node:net";

export class RawConnection implements Disposable {
  readonly #socket: Socket;
  #received: Buffer[] = [];
  #waiters: (() => void)[] = [];
  /** Whether the server has closed, or reset, the connection. */
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#received.push(Buffer.from(chunk));
      this.#wake();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.isClosed = true;
        this.#wake();
      });
    }
  }

  /** Connects to a loopback port. */
  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket({ host: "127.0.0.1", port, allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawConnection(socket)));
    });
  }

  /** Sends text as latin1, or bytes; resolves when the kernel has them, or the server is gone. */
  send(bytes: Buffer | string): Promise<void> {
    const all = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    return new Promise((resolve) => {
      this.#socket.write(all, () => resolve());
    });
  }

  /** Says that nothing more will come. Replies still can. */
  endSending(): void {
    this.#socket.end();
  }

  /** Everything received so far, latin1. */
  get received(): string {
    const all = Buffer.concat(this.#received);
    this.#received = [all];
    return all.toString("latin1");
  }

  /** Waits until the server has closed the connection. */
  closed(): Promise<void> {
    return this.#until(() => this.isClosed);
  }

  /** Waits until `text` is what came last. Rejects when the server closes instead. */
  async endsWith(text: string): Promise<void> {
    await this.#until(() => this.isClosed || this.received.endsWith(text));
    if (!this.received.endsWith(text)) throw new Error(`closed after ${this.#shown()}`);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiters.push(resolve);
      await promise;
    }
  }

  #shown(): string {
    return JSON.stringify(this.received.slice(-300));
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
