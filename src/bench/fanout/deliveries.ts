/**
 * What happens to each delivery: told apart, counted, timed and, one in some, looked into.
 *
 * Hot: this runs once per subscriber for every message, so that in most runs it is the client's
 * largest part.
 */
import type { Histogram } from "../recorder/histogram.ts";
import { HEADER_SIZE, header, readHeader } from "./message.ts";
import type { PayloadPool } from "./payloads.ts";
import type { DeliveryTally } from "./tally.ts";

export class Deliveries {
  /** From when a message was due, and from when it left; null when latencies are not wanted. */
  latency: Histogram | null = null;
  service: Histogram | null = null;
  /** Bytes of payloads. */
  payloadBytes = 0;
  /** Payloads that are not what was published. */
  wrongValues = 0;
  readonly tally: DeliveryTally;
  readonly #pool: PayloadPool;
  readonly #publishersCount: number;
  #tag = 0;

  constructor(tally: DeliveryTally, pool: PayloadPool, publishersCount: number) {
    this.tally = tally;
    this.#pool = pool;
    this.#publishersCount = publishersCount;
  }

  start(tag: number, latency: Histogram | null, service: Histogram | null): void {
    this.tally.reset();
    this.#tag = tag;
    this.latency = latency;
    this.service = service;
    this.payloadBytes = this.wrongValues = 0;
  }

  /** The publisher of a message that is new to the subscriber; -1 for everything else. */
  take(subscriber: number, bytes: Buffer, at: number, size: number, nowNs: number): number {
    if (!readHeader(bytes, at, size, this.#tag)) return -1;
    const { publisher, sequence, dueNs, sentNs } = header;
    // A damaged header must not reach the arrays; its message counts as missing.
    if (publisher < 0 || publisher >= this.#publishersCount || sequence < 0) return -1;
    if (!this.tally.count(subscriber, publisher, sequence)) return -1;
    const payloadSize = size - HEADER_SIZE;
    this.payloadBytes += payloadSize;
    if (this.latency !== null) this.latency.record(nowNs - dueNs, 1);
    if (this.service !== null) this.service.record(nowNs - sentNs, 1);
    const index = this.#pool.indexOf(publisher, sequence);
    if (!this.#pool.isRight(index, bytes, at + HEADER_SIZE, payloadSize)) this.wrongValues++;
    return publisher;
  }
}
