/**
 * The workload `simple`: SET of keys with values of one size, then GET of the same keys.
 *
 * Key i is `simple:<i, ten digits>:<ten letters and digits drawn from the seed>`, 28 bytes for
 * every i. Its value is a window of a pool of random letters and digits, at an offset that depends
 * on i: cheap to write (one copy), different for neighbouring keys, hardly compressible, and known
 * again when the reply comes. One request in the scratch buffer:
 *
 *      *3 $3 SET $28 simple:0000000042:k3Jx09aPqz $128 <value>      a slot; all are alike
 *                           |patched |                 |patched|
 *
 * Values of six bytes and more begin with a mark made of the key's bits, so that two keys never
 * share a value.
 * Limits: KEYS_COUNT_MAX keys. The scratch buffer holds as many requests as fit in
 * SCRATCH_SIZE_MAX, at least one.
 */
import { assert } from "../../base/assert.ts";
import { ReplyKind } from "../drivers/reply-counter.ts";
import type { KeyOrder } from "./key-order.ts";
import type { RequestEncoder, RequestVerifier } from "./requests.ts";
import { randomText } from "./values.ts";

export const DIGITS_COUNT = 10;
const KEY_PREFIX = "simple:";
const SUFFIX_SIZE = 10;
/** Keys are numbered by int32, so that patching stays integer arithmetic. */
export const KEYS_COUNT_MAX = 2 ** 31 - 1;
/**
 * Small enough for the second-level cache next to the kernel's own copy, large enough for any usual
 * batch in one write.
 */
const SCRATCH_SIZE_MAX = 256 * 1024;
/** Windows into the pool: 2^16, so that the pool of a usual run stays in the second-level cache. */
const POOL_WINDOWS_BITS = 16;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Characters of a mark: enough for the 31 bits of a key at six bits each. */
const MARK_SIZE = 6;
const MARK_ALPHABET = Buffer.from(`${ALPHABET}+/`);
/** "00" to "99". */
const DIGIT_PAIRS = Buffer.from(
  Array.from({ length: 100 }, (_, pair) => String(pair).padStart(2, "0")).join(""),
);

/** Key 0 of a workload; other keys have other digits. */
export function keyText(prefix: "simple" | "chat", seed: number): string {
  const suffix = randomText(SUFFIX_SIZE, seed ^ 0x6b657973).toString("latin1");
  return `${prefix}:${"0".repeat(DIGITS_COUNT)}:${suffix}`;
}

/** The values of a run: which bytes belong to which key. */
export class ValuePool {
  readonly size: number;
  readonly #bytes: Buffer;

  /** Values of `size` bytes, drawn from `seed`. */
  constructor(size: number, seed: number) {
    assert(size >= 1, `value size (${size}) must be >= 1`);
    this.size = size;
    this.#bytes = randomText((1 << POOL_WINDOWS_BITS) + size, seed);
  }

  /** Writes the value of `key` at `at` of `target`. Hot: once per SET. */
  write(key: number, target: Buffer, at: number): void {
    const start = windowOf(key);
    this.#bytes.copy(target, at, start, start + this.size);
    if (this.size < MARK_SIZE) return;
    for (let i = 0; i < MARK_SIZE; i++) target[at + i] = markAt(key, i);
  }

  /** True when bytes [start, end) of a reply are what the value of `key` has from `offset` on. */
  matches(key: number, offset: number, bytes: Buffer, start: number, end: number): boolean {
    if (offset + end - start > this.size) return false;
    let from = start;
    let at = offset;
    if (this.size >= MARK_SIZE) {
      for (; at < MARK_SIZE && from < end; at++, from++) {
        if (bytes[from] !== markAt(key, at)) return false;
      }
    }
    const window = windowOf(key) + at;
    return this.#bytes.compare(bytes, from, end, window, window + end - from) === 0;
  }
}

/** Multiplicative hashing (Knuth, volume 3, 6.4): neighbouring keys get windows far apart. */
function windowOf(key: number): number {
  return Math.imul(key, 0x9e3779b1) >>> (32 - POOL_WINDOWS_BITS);
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

/**
 * Byte `index` (< MARK_SIZE) of the mark that begins the value of `key`: six bits of it as a
 * printable character.
 */
function markAt(key: number, index: number): number {
  return MARK_ALPHABET[(key >>> (6 * index)) & 63]!;
}

export interface SimpleRequestsOptions {
  request: "set" | "get";
  order: KeyOrder;
  values: ValuePool;
  seed: number;
  /** The largest batch that a connection sends. */
  batchSize: number;
}

export class SimpleRequests implements RequestEncoder {
  readonly bytes: Buffer;
  readonly countMax: number;
  readonly payloadSize: number;
  readonly replyKind: ReplyKind;
  readonly replyLength: number;
  readonly #order: KeyOrder;
  readonly #values: ValuePool;
  readonly #hasValue: boolean;
  readonly #slotSize: number;
  readonly #digitsAt: number;
  readonly #valueAt: number;

  constructor(options: SimpleRequestsOptions) {
    const { values } = options;
    const suffix = randomText(SUFFIX_SIZE, options.seed ^ 0x6b657973).toString("latin1");
    const key = `${KEY_PREFIX}${"0".repeat(DIGITS_COUNT)}:${suffix}`;
    this.#hasValue = options.request === "set";
    const head = this.#hasValue ? "*3\r\n$3\r\nSET" : "*2\r\n$3\r\nGET";
    const framed = `${head}\r\n$${key.length}\r\n${key}\r\n`;
    const valueHead = this.#hasValue ? `$${values.size}\r\n` : "";
    this.#digitsAt = framed.indexOf(KEY_PREFIX) + KEY_PREFIX.length;
    this.#valueAt = framed.length + valueHead.length;
    this.#slotSize = this.#valueAt + (this.#hasValue ? values.size + 2 : 0);
    this.payloadSize = this.#hasValue ? values.size : 0;
    this.replyKind = this.#hasValue ? ReplyKind.Status : ReplyKind.Bulk;
    this.replyLength = this.#hasValue ? -1 : values.size;
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

  encode(count: number, verifier: RequestVerifier | null): number {
    const { bytes } = this;
    const slotSize = this.#slotSize;
    let at = 0;
    for (let i = 0; i < count; i++, at += slotSize) {
      const key = this.#order.next();
      patchDigits(bytes, at + this.#digitsAt, key);
      if (this.#hasValue) this.#values.write(key, bytes, at + this.#valueAt);
      if (verifier !== null) verifier.sent(key);
    }
    return at;
  }
}

/**
 * Checks that GET returns what SET wrote. One per connection; at most `requestsMax` requests are
 * open.
 */
export class SimpleVerifier implements RequestVerifier {
  wrongCount = 0;
  readonly #values: ValuePool;
  readonly #keys: Int32Array;
  #head = 0;
  #tail = 0;
  #isRight = true;

  constructor(values: ValuePool, requestsMax: number) {
    this.#values = values;
    this.#keys = new Int32Array(requestsMax);
  }

  sent(key: number): void {
    this.#keys[this.#tail++ % this.#keys.length] = key;
  }

  piece(bytes: Buffer, start: number, end: number, offset: number): void {
    const key = this.#keys[this.#head % this.#keys.length]!;
    if (!this.#values.matches(key, offset, bytes, start, end)) this.#isRight = false;
  }

  replyDone(): void {
    assert(this.#head < this.#tail, "a reply without a request");
    if (!this.#isRight) this.wrongCount++;
    this.#isRight = true;
    this.#head++;
  }
}
