/**
 * The values of a run: which bytes belong to which key, how long they are, and whether bytes that
 * came back are those.
 *
 *      write phase   key ──> write(key) ──> request          read phase   reply ──> check(key)
 *
 * A value is a function of its key and the seed, so that nobody has to remember what was written.
 * Plain text (format `string`, not compressed) is a window of a pool of random letters and digits,
 * at an offset that depends on the key: one copy to write, hardly compressible, different for
 * neighbouring keys, and of TEXT_MARK_SIZE bytes and more it begins with a mark made of the key's
 * bits, so that two keys never share a value. Everything else comes from a pool of payloads that
 * are encoded (and compressed) before the clock starts; several keys share one.
 * Limits: PAYLOADS_COUNT_MAX payloads of together PAYLOADS_SIZE_MAX, at least one.
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import { compress, decompress } from "../../formats/compression.ts";
import type { ChatPayload, Format } from "../../formats/format.ts";
import { findFormat } from "../../formats/formats.ts";
import { PayloadGenerator } from "../../formats/payload.ts";
import type { ValuePlan } from "../plan.ts";
import { parseValueSizes, ValueSizer } from "./value-sizes.ts";

/** Windows into the text: 2^16, so that the pool of a usual run stays in the second-level cache. */
const TEXT_WINDOWS_BITS = 16;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Characters of a mark: enough for the 31 bits of a key at six bits each. */
const TEXT_MARK_SIZE = 6;
const MARK_ALPHABET = Buffer.from(`${ALPHABET}+/`);
/** What each byte stands for in a mark; 255: nothing. */
const MARK_VALUES = new Uint8Array(256).fill(255);
for (const [value, character] of MARK_ALPHABET.entries()) MARK_VALUES[character] = value;
/** zstd's highest level takes 0.1 ms for 128 B, so that this many take 0.2 s. */
const PAYLOADS_COUNT_MAX = 2048;
const PAYLOADS_SIZE_MAX = 64 * 1024 * 1024;

export interface ValueSource {
  /** The longest encoded value, and the mean over all keys, in bytes. */
  readonly sizeMax: number;
  readonly sizeMean: number;
  /** The encoded size of the value of `key`. */
  sizeOf(key: number): number;
  /** Writes the value of `key` at `at`; returns its size. Hot: once per write. */
  write(key: number, target: Buffer, at: number): number;
  /** The value of `key` as a Buffer that nobody changes. */
  bytesOf(key: number): Buffer;
  /**
   * Whether `bytes` is the value of `key`: decompressed, decoded (in place where the format can)
   * and compared. What is malformed is not.
   */
  check(key: number, bytes: Buffer): boolean;
  /**
   * The number of the value that `bytes` is, whatever its key; -1 when it is none of this run. The
   * number is the key when `isNumbered`, else that of the payload that keys share.
   */
  identify(bytes: Buffer): number;
  /** A value tells its key. */
  readonly isNumbered: boolean;
  /** Reading means decoding: anything but plain text. */
  readonly isDecoded: boolean;
}

/** The same seed gives the same values. Throws RangeError for a plan that nobody checked. */
export function createValues(plan: ValuePlan, seed: number): ValueSource {
  const sizer = new ValueSizer(parseValueSizes(plan.size), seed);
  const isText = plan.format === "string" && plan.zstdLevel === null && plan.compressibility === 0;
  return isText ? new TextValues(sizer, seed) : new PayloadValues(plan, sizer, seed);
}

/** Letters and digits in private memory; the same seed gives the same text. */
export function randomText(length: number, seed: number): Buffer {
  const text = Buffer.allocUnsafeSlow(length);
  const random = new Prng(seed);
  for (let i = 0; i < length; i++) text[i] = ALPHABET.charCodeAt(random.below(ALPHABET.length));
  return text;
}

class TextValues implements ValueSource {
  readonly isDecoded = false;
  readonly isNumbered: boolean;
  readonly sizeMax: number;
  readonly sizeMean: number;
  readonly #sizer: ValueSizer;
  readonly #text: Buffer;

  constructor(sizer: ValueSizer, seed: number) {
    this.sizeMax = sizer.sizeMax;
    this.sizeMean = sizer.sizeMean;
    this.isNumbered = sizer.sizeMin >= TEXT_MARK_SIZE;
    this.#sizer = sizer;
    this.#text = randomText((1 << TEXT_WINDOWS_BITS) + sizer.sizeMax, seed);
  }

  sizeOf(key: number): number {
    return this.#sizer.sizeOf(key);
  }

  write(key: number, target: Buffer, at: number): number {
    const size = this.#sizer.sizeOf(key);
    const start = windowOf(key, TEXT_WINDOWS_BITS);
    this.#text.copy(target, at, start, start + size);
    if (size < TEXT_MARK_SIZE) return size;
    for (let i = 0; i < TEXT_MARK_SIZE; i++) target[at + i] = markAt(key, i);
    return size;
  }

  bytesOf(key: number): Buffer {
    const bytes = Buffer.allocUnsafe(this.sizeOf(key));
    this.write(key, bytes, 0);
    return bytes;
  }

  check(key: number, bytes: Buffer): boolean {
    const size = this.#sizer.sizeOf(key);
    if (bytes.length !== size) return false;
    let marked = 0;
    if (size >= TEXT_MARK_SIZE) {
      for (; marked < TEXT_MARK_SIZE; marked++) {
        if (bytes[marked] !== markAt(key, marked)) return false;
      }
    }
    const start = windowOf(key, TEXT_WINDOWS_BITS);
    return this.#text.compare(bytes, marked, size, start + marked, start + size) === 0;
  }

  identify(bytes: Buffer): number {
    if (bytes.length >= TEXT_MARK_SIZE) {
      const key = markedKey(bytes);
      return key >= 0 && this.check(key, bytes) ? key : -1;
    }
    // Too short for a mark: letters and digits at least.
    for (const byte of bytes) if (MARK_VALUES[byte]! >= ALPHABET.length) return -1;
    return bytes.length === 0 ? -1 : 0;
  }
}

/** Payloads encoded ahead; a key gets one of them by its hash. */
class PayloadValues implements ValueSource {
  readonly isDecoded = true;
  readonly isNumbered = false;
  readonly sizeMax: number;
  readonly sizeMean: number;
  readonly #format: Format;
  readonly #isCompressed: boolean;
  readonly #payloads: ChatPayload[];
  /** For `string`, which carries no id. */
  readonly #idOf = new Map<string, number>();
  readonly #encoded: Buffer[];
  /** What decompressing may give at the most. */
  readonly #contentSizeMax: number;
  readonly #countBits: number;

  constructor(plan: ValuePlan, sizer: ValueSizer, seed: number) {
    const found = findFormat(plan.format);
    assert(found !== undefined, `unknown format ${plan.format}`);
    this.#format = found.format;
    this.#isCompressed = plan.zstdLevel !== null;
    const fitting = Math.floor(PAYLOADS_SIZE_MAX / sizer.sizeMean);
    this.#countBits = Math.floor(Math.log2(Math.max(1, Math.min(fitting, PAYLOADS_COUNT_MAX))));
    this.#payloads = makePayloads(2 ** this.#countBits, sizer, plan.compressibility, seed);
    for (const { id, data } of this.#payloads) this.#idOf.set(data, id);
    const contents = this.#payloads.map((payload) => this.#format.encode(payload));
    const { zstdLevel } = plan;
    this.#encoded =
      zstdLevel === null ? contents : contents.map((content) => compress(content, zstdLevel));
    this.#contentSizeMax = longest(contents);
    this.sizeMax = longest(this.#encoded);
    this.sizeMean =
      this.#encoded.reduce((sum, { length }) => sum + length, 0) / this.#encoded.length;
  }

  sizeOf(key: number): number {
    return this.bytesOf(key).length;
  }

  write(key: number, target: Buffer, at: number): number {
    return this.bytesOf(key).copy(target, at);
  }

  bytesOf(key: number): Buffer {
    return this.#encoded[windowOf(key, this.#countBits)]!;
  }

  check(key: number, bytes: Buffer): boolean {
    const id = windowOf(key, this.#countBits);
    // What is read in place need not reach to the end.
    if (bytes.length !== this.#encoded[id]!.length) return false;
    try {
      return this.#format.matches(this.#content(bytes), this.#payloads[id]!);
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  identify(bytes: Buffer): number {
    try {
      const content = this.#content(bytes);
      const id =
        this.#format.name === "string"
          ? (this.#idOf.get(content.toString("latin1")) ?? -1)
          : this.#format.readId(content);
      const payload = this.#payloads[id];
      return payload !== undefined && this.#format.matches(content, payload) ? id : -1;
    } catch (error) {
      if (error instanceof RangeError) return -1;
      throw error;
    }
  }

  #content(bytes: Buffer): Buffer {
    return this.#isCompressed ? decompress(bytes, this.#contentSizeMax) : bytes;
  }
}

/** `count` payloads, ids from 0 on, their sizes those that the sizer gives to the first keys. */
function makePayloads(
  count: number,
  sizer: ValueSizer,
  compressibility: number,
  seed: number,
): ChatPayload[] {
  return Array.from({ length: count }, (_, id) => {
    const generator = new PayloadGenerator(seed ^ (id << 8), sizer.sizeOf(id), compressibility);
    return { ...generator.next(), id };
  });
}

function longest(buffers: Buffer[]): number {
  return buffers.reduce((max, { length }) => Math.max(max, length), 0);
}

/** The key in the mark that `bytes` begins with; -1 when there is none. */
function markedKey(bytes: Buffer): number {
  let key = 0;
  for (let i = 0; i < TEXT_MARK_SIZE; i++) {
    const bits = MARK_VALUES[bytes[i]!]!;
    if (bits > 63) return -1;
    key |= bits << (6 * i);
  }
  return key;
}

/** Multiplicative hashing (Knuth, volume 3, 6.4): neighbouring keys get windows far apart. */
function windowOf(key: number, bits: number): number {
  // A shift by 32 would be one by 0.
  return bits === 0 ? 0 : Math.imul(key, 0x9e3779b1) >>> (32 - bits);
}

/**
 * Byte `index` (< TEXT_MARK_SIZE) of the mark that begins the text of `key`: six bits of it as a
 * printable character.
 */
function markAt(key: number, index: number): number {
  return MARK_ALPHABET[(key >>> (6 * index)) & 63]!;
}
