/**
 * Acknowledgements that wait: replies to changes that are not as durable yet as the reply promises.
 *
 * A connection asks `mustHold` before it sends what a batch has written, and if so keeps the bytes
 * and comes here; other connections go on. All that wait are released together by the flush that
 * covers them: that is group commit.
 */
import type { Durability } from "../store/durability.ts";
import type { Store } from "../store/store.ts";

/** Who waits. */
export interface Held {
  /** What was held may be sent now. */
  release(): void;
}

export class Acknowledgements {
  readonly #store: Store;
  readonly #durability: Durability;
  #held: { readonly connection: Held; readonly stamp: number }[] = [];
  #isWaiting = false;

  constructor(store: Store, durability: Durability) {
    this.#store = store;
    this.#durability = durability;
  }

  /** Stamp of what the last batch has changed, 0 for nothing. Hot: once per batch. */
  writtenStamp(): number {
    return this.#store.writtenStamp();
  }

  mustHold(stamp: number): boolean {
    return this.#durability.mustHold(stamp);
  }

  /** Calls `connection.release()` as soon as changes up to `stamp` may be acknowledged. */
  hold(connection: Held, stamp: number): void {
    this.#held.push({ connection, stamp });
    if (!this.#isWaiting) void this.#wait();
  }

  async #wait(): Promise<void> {
    this.#isWaiting = true;
    while (this.#held.length > 0) {
      await this.#durability.nextFlush();
      const held = this.#held;
      this.#held = held.filter(({ stamp }) => this.#durability.mustHold(stamp));
      for (const { connection, stamp } of held) {
        if (!this.#durability.mustHold(stamp)) connection.release();
      }
    }
    this.#isWaiting = false;
  }
}
