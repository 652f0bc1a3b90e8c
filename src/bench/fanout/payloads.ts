/**
 * The payloads of fan-out messages: made, encoded and compressed before the clock starts, and
 * checked where they arrive.
 *
 * A message carries one of a pool, chosen by its publisher and sequence number, so that a
 * subscriber knows which it must be. Its size is checked at every delivery. Decoding all of them
 * would make the client the bottleneck (125 to 1,400 ns each, against 100 ns for the rest): one in
 * PAYLOAD_SAMPLE_EVERY is decoded with the format and compared, with --verify every one.
 */
import { assert } from "../../base/assert.ts";
import { compress, decompress } from "../../formats/compression.ts";
import type { ChatPayload, Format } from "../../formats/format.ts";
import { FORMATS } from "../../formats/formats.ts";
import { PayloadGenerator } from "../../formats/payload.ts";
import type { ValuePlan } from "../plan.ts";
import { parseValueSizes, ValueSizer } from "../workloads/value-sizes.ts";
import { PAYLOAD_SAMPLE_EVERY } from "./message.ts";

/** Different payloads at the most; a power of two. */
const POOL_COUNT_MAX = 256;
/** The pool stays within the caches and, with large values, within memory. */
const POOL_SIZE_MAX = 8 * 1024 * 1024;
/** Spreads publishers over the pool. */
const STRIDE = 37;

export class PayloadPool {
  /** Encoded and, when the plan says so, compressed. */
  readonly encoded: readonly Buffer[];
  readonly sizeMax: number;
  readonly format: Format;
  readonly #expected: readonly ChatPayload[];
  readonly #isCompressed: boolean;
  readonly #contentSizeMax: number;
  readonly #sampleEvery: number;
  readonly #mask: number;
  #untilSample = 1;

  /** `isVerifying`: every payload that arrives is decoded, not one in SAMPLE_EVERY. */
  constructor(values: ValuePlan, seed: number, isVerifying: boolean) {
    const format = FORMATS.find(({ name }) => name === values.format);
    assert(format !== undefined, `unknown format ${values.format}`);
    this.format = format;
    const sizer = new ValueSizer(parseValueSizes(values.size), seed);
    const fitting = Math.max(1, Math.min(POOL_COUNT_MAX, POOL_SIZE_MAX / sizer.sizeMax));
    const count = 2 ** Math.floor(Math.log2(fitting));
    this.#expected = Array.from({ length: count }, (_, index) => {
      const generator = new PayloadGenerator(
        seed + index,
        sizer.sizeOf(index),
        values.compressibility,
      );
      return { ...generator.next(), id: index };
    });
    const contents = this.#expected.map((payload) => format.encode(payload));
    const { zstdLevel } = values;
    this.encoded =
      zstdLevel === null ? contents : contents.map((content) => compress(content, zstdLevel));
    this.sizeMax = Math.max(...this.encoded.map(({ length }) => length));
    this.#contentSizeMax = Math.max(...contents.map(({ length }) => length));
    this.#isCompressed = zstdLevel !== null;
    this.#sampleEvery = isVerifying ? 1 : PAYLOAD_SAMPLE_EVERY;
    this.#mask = count - 1;
  }

  /** Which payload message `sequence` of `publisher` carries. */
  indexOf(publisher: number, sequence: number): number {
    return (publisher * STRIDE + sequence) & this.#mask;
  }

  /** False when bytes [start, start + size) are not payload `index`. Hot: once per delivery. */
  isRight(index: number, bytes: Buffer, start: number, size: number): boolean {
    if (size !== this.encoded[index]!.length) return false;
    if (--this.#untilSample > 0) return true;
    this.#untilSample = this.#sampleEvery;
    return this.#decodes(index, bytes.subarray(start, start + size));
  }

  #decodes(index: number, bytes: Buffer): boolean {
    try {
      const content = this.#isCompressed ? decompress(bytes, this.#contentSizeMax) : bytes;
      return this.format.matches(content, this.#expected[index]!);
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}
