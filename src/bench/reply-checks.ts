/**
 * What came back of each operation, judged and counted, for clients that give whole values: the
 * same rules as for the replies of the raw client.
 *
 * A value is looked into (decompressed, decoded, compared) when reading it means decoding, and with
 * --verify; else only its length is compared.
 */
import { emptyCounts, type PhaseCounts } from "./measure.ts";
import type { LoadPlan } from "./workloads/make-encoder.ts";
import type { ValueSource } from "./workloads/values.ts";

/** A value as a client gives it; some give text for bytes. */
export type ReadValue = Buffer | string | null;

export class ReplyChecks {
  /** Whether values are looked into. */
  readonly isChecking: boolean;
  /** Values that were asked for; whoever asks counts, since the answer may be an error. */
  readsCount = 0;
  readonly counts: PhaseCounts = emptyCounts();
  readonly #values: ValueSource;
  /** The most elements that a range may give. */
  readonly #itemsMax: number;
  /** Only one connection writes, so that lists have an order that is known. */
  readonly #isOrdered: boolean;
  /** -1: values are of several sizes. */
  readonly #itemSize: number;

  constructor(values: ValueSource, plan: Pick<LoadPlan, "isVerifying" | "chat" | "concurrency">) {
    this.#values = values;
    this.isChecking = values.isDecoded || plan.isVerifying;
    this.#itemsMax = Math.min(plan.chat.readSize, plan.chat.historyLength);
    this.#isOrdered = plan.isVerifying && plan.concurrency === 1 && values.isNumbered;
    this.#itemSize = values.sizeMax === values.sizeMean ? values.sizeMax : -1;
  }

  /** A value is going to be written; returns it. */
  written(number: number): Buffer {
    const bytes = this.#values.bytesOf(number);
    this.counts.payloadBytesOut += bytes.length;
    return bytes;
  }

  /** A read of `key` gave `value`. */
  value(key: number, value: ReadValue): void {
    this.#one(key, value);
  }

  /** A read of the keys from `key` on gave `values`, one for each of `count`. */
  values(key: number, count: number, values: unknown): void {
    if (!Array.isArray(values) || values.length !== count) {
      this.counts.unexpected++;
      return;
    }
    for (let i = 0; i < count; i++) this.#one(key + i, values[i]);
  }

  /** A read of a list gave `items`, which must be values of this run. */
  items(items: readonly ReadValue[]): void {
    const { counts } = this;
    if (items.length === 0) counts.nulls++;
    else if (items.length > this.#itemsMax) counts.unexpected++;
    let before = Number.POSITIVE_INFINITY;
    for (const item of items) {
      // No list holds a null; a reply may.
      const length = item?.length ?? -1;
      if (item === null || (this.#itemSize >= 0 && length !== this.#itemSize)) counts.unexpected++;
      if (item === null) continue;
      counts.payloadBytesIn += length;
      if (!this.isChecking) continue;
      const number = this.#values.identify(bytesOf(item));
      if (number < 0 || (this.#isOrdered && number >= before)) counts.wrongValues++;
      before = number;
    }
  }

  /** What answers a write. */
  ok(reply: unknown): void {
    if (String(reply) !== "OK") this.counts.unexpected++;
  }

  /** What answers a push. */
  count(reply: unknown): void {
    if (typeof reply !== "number") this.counts.unexpected++;
  }

  /** What answers any command; `isRead`: it reads one value, so that null is a miss. */
  anything(reply: unknown, isRead: boolean): void {
    if (reply === null && isRead) this.counts.nulls++;
    this.counts.payloadBytesIn += sizeOf(reply);
  }

  /** An error in place of a reply; its first word is its kind. */
  refused(text: string): void {
    const { errorKinds } = this.counts;
    const kind = text.split(" ", 1)[0] ?? "";
    errorKinds[kind] = (errorKinds[kind] ?? 0) + 1;
    if (this.counts.errorFirst === "") this.counts.errorFirst = text;
  }

  #one(key: number, value: ReadValue): void {
    const { counts } = this;
    if (value === null) {
      counts.nulls++;
      return;
    }
    counts.payloadBytesIn += value.length;
    if (this.isChecking) {
      if (!this.#values.check(key, bytesOf(value))) counts.wrongValues++;
    } else if (value.length !== this.#values.sizeOf(key)) counts.unexpected++;
  }
}

/** Bytes of all strings in a reply. */
function sizeOf(reply: unknown): number {
  if (typeof reply === "string" || Buffer.isBuffer(reply)) return reply.length;
  return Array.isArray(reply) ? reply.reduce((sum, item) => sum + sizeOf(item), 0) : 0;
}

/** Only text comes as strings, and all of it is ASCII: one byte for each character. */
function bytesOf(value: Buffer | string): Buffer {
  return typeof value === "string" ? Buffer.from(value, "utf8") : value;
}
