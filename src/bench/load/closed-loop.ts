/**
 * The closed loop: each connection has one batch under way; when it is answered the next one goes
 * out.
 *
 * All connections draw from one count, so that the work ends everywhere at about the same time and
 * the number of operations is exact. A phase that lasts for a time sends until then and ends with
 * the last reply.
 * A closed loop waits for the server, so its latencies are those at saturation: a pause delays the
 * requests behind it without being counted for each of them ("coordinated omission", G. Tene).
 */
import type { Amount } from "../plan.ts";
import { type PacedConnection, Pacer } from "./pacer.ts";

export class ClosedLoop extends Pacer {
  readonly #connections: readonly PacedConnection[];
  readonly #batchSize: number;
  readonly #durationMs: number | null;
  #left: number;
  #timer: Timer | null = null;

  constructor(connections: readonly PacedConnection[], batchSize: number, amount: Amount) {
    super();
    this.#connections = connections;
    this.#batchSize = batchSize;
    this.#left = "operations" in amount ? amount.operations : Number.POSITIVE_INFINITY;
    this.#durationMs = "durationMs" in amount ? amount.durationMs : null;
  }

  start(): void {
    if (this.#durationMs !== null) {
      this.#timer = setTimeout(() => this.#endSending(), this.#durationMs);
    }
    for (const connection of this.#connections) this.#sendNext(connection);
    // A process of several may have no share in a small amount.
    if (this.sent === 0) this.finish();
  }

  onReplies(connection: PacedConnection, count: number): void {
    this.done += count;
    if (this.#left === 0 && this.done === this.sent) this.finish();
    else if (connection.operationsOpen === 0) this.#sendNext(connection);
  }

  override stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #endSending(): void {
    this.#left = 0;
    if (this.done === this.sent) this.finish();
  }

  #sendNext(connection: PacedConnection): void {
    const count = Math.min(this.#left, this.#batchSize);
    if (count === 0) return;
    this.#left -= count;
    this.sent += count;
    connection.send(count);
  }
}
