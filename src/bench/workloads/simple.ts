/**
 * SET or GET alone, with values of one size that nobody looks into: the hottest path there is.
 *
 * Key i is `simple:<i, ten digits>:<ten letters and digits drawn from the seed>`, 28 bytes for
 * every i. Requests are encoded once, before the clock starts; for each batch only what differs is
 * patched, so that any number of requests costs the same memory. One request in the scratch buffer:
 *
 *      *3 $3 SET $28 simple:0000000042:k3Jx09aPqz $128 <value>      a slot; all are alike
 *                           |patched |                 |patched|
 *
 * Limits: KEYS_COUNT_MAX keys. The scratch buffer holds as many requests as fit in
 * SCRATCH_SIZE_MAX, at least one.
 * Not here: everything else that is done with keys and values (operations.ts).
 */
import { assert } from "../../base/assert.ts";
import { ReplyKind } from "../drivers/reply-counter.ts";
import type { RequestRing, RequestShape } from "../drivers/request-ring.ts";
import type { OperationName } from "../plan.ts";
import type { KeyOrder } from "./key-order.ts";
import { NO_LISTENER, type RequestEncoder, shapeOf } from "./requests.ts";
import { randomText, type ValueSource } from "./values.ts";

export const DIGITS_COUNT = 10;
const SUFFIX_SIZE = 10;
const SUFFIX_SEED = 0x6b657973;
/** Keys are numbered by int32, so that patching stays integer arithmetic. */
export const KEYS_COUNT_MAX = 2 ** 31 - 1;
/**
 * Small enough for the second-level cache next to the kernel's own copy, large enough for any usual
 * batch in one write.
 */
export const SCRATCH_SIZE_MAX = 256 * 1024;
/** "00" to "99". */
const DIGIT_PAIRS = Buffer.from(
  Array.from({ length: 100 }, (_, pair) => String(pair).padStart(2, "0")).join(""),
);

/** Key 0 of a workload; other keys have other digits. */
export function keyText(prefix: "simple" | "chat", seed: number): string {
  const suffix = randomText(SUFFIX_SIZE, seed ^ SUFFIX_SEED).toString("latin1");
  return `${prefix}:${"0".repeat(DIGITS_COUNT)}:${suffix}`;
}

/**
 * Writes `key` in decimal, DIGITS_COUNT digits with leading zeros, at `at`. Hot: 11 ns; digit by
 * digit it is 16.
 */
function patchDigits(target: Buffer, at: number, key: number): void {
  let rest = key;
  for (let i = at + DIGITS_COUNT - 2; i >= at; i -= 2) {
    const next = (rest / 100) | 0;
    const pair = (rest - next * 100) << 1;
    target[i] = DIGIT_PAIRS[pair]!;
    target[i + 1] = DIGIT_PAIRS[pair + 1]!;
    rest = next;
  }
}

export interface SimpleRequestsOptions {
  request: "set" | "get";
  order: KeyOrder;
  /** All of one size. */
  values: ValueSource;
  seed: number;
  /** The largest batch that a connection sends. */
  batchSize: number;
}

export class SimpleRequests implements RequestEncoder {
  readonly bytes: Buffer;
  readonly countMax: number;
  readonly operations: readonly OperationName[];
  readonly shapes: readonly RequestShape[];
  readonly listener = NO_LISTENER;
  readonly isUniform = true;
  payloadBytes = 0;
  readsCount = 0;
  readonly #order: KeyOrder;
  readonly #values: ValueSource;
  readonly #hasValue: boolean;
  readonly #valueSize: number;
  readonly #slotSize: number;
  readonly #digitsAt: number;
  readonly #valueAt: number;

  constructor(options: SimpleRequestsOptions) {
    const { values, request } = options;
    const valueSize = values.sizeMax;
    assert(values.sizeMean === valueSize, "values of several sizes do not fit into slots");
    const key = keyText("simple", options.seed);
    this.operations = [request];
    this.#hasValue = request === "set";
    const head = this.#hasValue ? "*3\r\n$3\r\nSET" : "*2\r\n$3\r\nGET";
    const framed = `${head}\r\n$${key.length}\r\n${key}\r\n`;
    const valueHead = this.#hasValue ? `$${valueSize}\r\n` : "";
    this.#digitsAt = framed.indexOf(key) + key.indexOf(":") + 1;
    this.#valueAt = framed.length + valueHead.length;
    this.#valueSize = this.#hasValue ? valueSize : 0;
    this.#slotSize = this.#valueAt + (this.#hasValue ? valueSize + 2 : 0);
    const bulk = shapeOf(ReplyKind.Bulk, { bulkLength: valueSize });
    this.shapes = [this.#hasValue ? shapeOf(ReplyKind.Status) : bulk];
    this.#order = options.order;
    this.#values = values;
    const fitting = Math.floor(SCRATCH_SIZE_MAX / this.#slotSize);
    this.countMax = Math.max(1, Math.min(options.batchSize, fitting));
    this.bytes = Buffer.allocUnsafeSlow(this.#slotSize * this.countMax);
    for (let slot = 0; slot < this.countMax; slot++) {
      const at = slot * this.#slotSize;
      this.bytes.write(framed + valueHead, at, "latin1");
      if (this.#hasValue) this.bytes.write("\r\n", at + this.#slotSize - 2, "latin1");
    }
  }

  encode(count: number, ring: RequestRing | null): number {
    const { bytes } = this;
    const slotSize = this.#slotSize;
    let at = 0;
    for (let i = 0; i < count; i++, at += slotSize) {
      const key = this.#order.next();
      patchDigits(bytes, at + this.#digitsAt, key);
      if (this.#hasValue) this.#values.write(key, bytes, at + this.#valueAt);
      if (ring !== null) ring.add(0, key, 0);
    }
    this.payloadBytes += count * this.#valueSize;
    if (!this.#hasValue) this.readsCount += count;
    return at;
  }

  encodeFollowUp(): number {
    throw new RangeError("no follow-ups here");
  }
}
