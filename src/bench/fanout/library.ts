/**
 * Fan-out through libraries: what an application would see that uses them. They frame, queue and
 * call back by themselves; here is only what all of them share.
 *
 * A publish is acknowledged when its promise resolves. Bytes on the wire are not known: those of
 * the messages are counted.
 */
import { nanoseconds } from "../../base/clock.ts";
import { reasonOf } from "../../base/errors.ts";
import type { FanoutDriver, FanoutOwner, Publisher } from "./driver.ts";
import type { MessageSource } from "./source.ts";

/** Bytes of messages that went through a library. */
export interface LibraryTraffic {
  out: number;
  in: number;
}

export class LibraryPublisher implements Publisher {
  readonly #owner: FanoutOwner;
  readonly #index: number;
  readonly #source: MessageSource;
  readonly #traffic: LibraryTraffic;
  readonly #publish: (message: Buffer) => unknown;
  readonly #settle: (published: unknown[]) => Promise<unknown>;

  /**
   * `publish` hands one message to the library; `settle` resolves when the server has all of a
   * batch (given what `publish` returned), or rejects with why not.
   */
  constructor(
    owner: FanoutOwner,
    index: number,
    source: MessageSource,
    traffic: LibraryTraffic,
    publish: (message: Buffer) => unknown,
    settle: (published: unknown[]) => Promise<unknown>,
  ) {
    this.#owner = owner;
    this.#index = index;
    this.#source = source;
    this.#traffic = traffic;
    this.#publish = publish;
    this.#settle = settle;
  }

  send(count: number): void {
    void this.#send(count);
  }

  sendDue(): void {
    void this.#send(1);
  }

  async #send(count: number): Promise<void> {
    const startNs = nanoseconds();
    try {
      const published: unknown[] = [];
      for (let i = 0; i < count; i++) {
        const message = this.#source.next(this.#index);
        this.#traffic.out += message.length;
        published.push(this.#publish(message));
      }
      await this.#settle(published);
    } catch (error) {
      this.#owner.onFailure(reasonOf(error));
      return;
    }
    this.#owner.publishHistogram?.record(nanoseconds() - startNs, count);
    this.#owner.onAcknowledged(this.#index, count);
  }
}

/** PUBLISH answers how many got the message: each must be the number of subscribers. */
export function checkReceivers(
  owner: FanoutOwner,
  receivers: unknown[],
  subscribersCount: number,
): void {
  for (const count of receivers) {
    if (Number(count) === subscribersCount) continue;
    const expected = `there are ${subscribersCount} subscribers`;
    owner.onUnexpected(`PUBLISH reached ${count} clients, ${expected}`);
  }
}

/** A driver of publishers and whatever subscribers a library has. */
export function libraryDriver(
  source: MessageSource,
  publishers: readonly Publisher[],
  traffic: LibraryTraffic,
  close: () => void,
): FanoutDriver {
  return {
    source,
    publishers,
    isAckedByEcho: false,
    bytesOut: () => traffic.out,
    bytesIn: () => traffic.in,
    close,
  };
}
