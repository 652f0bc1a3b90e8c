/**
 * Payloads as the original makes them: `data` of random letters and digits, unix seconds, the
 * number of the operation. Seeded: the same numbers give the same payloads everywhere.
 *
 * `compressibility` is the share of `data` that repeats: 0 is random throughout (six bits of chance
 * in eight, so zstd still saves a quarter of long texts), 1 repeats one block of 16 characters.
 * What zstd saves says something only together with it.
 */
import { assert } from "../base/assert.ts";
import { Prng } from "../base/prng.ts";
import type { ChatPayload } from "./format.ts";

const ALPHABET = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
/** Characters that the repeating part repeats. */
const BLOCK_SIZE = 16;
/** 2026-01-01: fixed, since a payload that depends on the day cannot be repeated. */
const TIMESTAMP_START = 1_767_225_600;
const OPERATIONS_A_SECOND = 1000;

export class PayloadGenerator {
  readonly #prng: Prng;
  readonly #bytes: Buffer;
  readonly #randomSize: number;
  #id = 0;

  /** Payloads of `dataSize` characters each. `compressibility` from 0 to 1. */
  constructor(seed: number, dataSize: number, compressibility: number) {
    assert(Number.isInteger(dataSize) && dataSize >= 0, `dataSize (${dataSize}) must be a count`);
    assert(compressibility >= 0 && compressibility <= 1, "compressibility must be from 0 to 1");
    this.#prng = new Prng(seed);
    this.#bytes = Buffer.alloc(dataSize);
    this.#randomSize = Math.round(dataSize * (1 - compressibility));
    const block = Buffer.alloc(BLOCK_SIZE);
    this.#fill(block, BLOCK_SIZE);
    for (let at = this.#randomSize; at < dataSize; at += BLOCK_SIZE) block.copy(this.#bytes, at);
  }

  /** The payload of the next operation: ids count from 0, a thousand to a second. */
  next(): ChatPayload {
    const id = this.#id++;
    this.#fill(this.#bytes, this.#randomSize);
    const data = this.#bytes.toString("latin1");
    return { data, timestamp: TIMESTAMP_START + Math.floor(id / OPERATIONS_A_SECOND), id };
  }

  /** Two characters a draw; 62 of 65,536 values: no letter is a thousandth more likely. */
  #fill(target: Buffer, size: number): void {
    const letters = ALPHABET.length;
    for (let at = 0; at < size; at += 2) {
      const draw = this.#prng.int32();
      target[at] = ALPHABET[((draw & 0xffff) * letters) >>> 16] as number;
      if (at + 1 < size) target[at + 1] = ALPHABET[((draw >>> 16) * letters) >>> 16] as number;
    }
  }
}
