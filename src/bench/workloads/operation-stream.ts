/**
 * Which operation comes next on which key, for clients that take keys and values and not encoded
 * requests: the same operations on the same keys as operations.ts gives to the raw client.
 *
 * `next` draws; what it drew is in fields until the next call, so that whoever starts an operation
 * copies what it needs before it waits for anything. Keys are made as a program would make them,
 * one string per call (45 ns).
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import type { OperationName, OperationShare } from "../plan.ts";
import { type KeyOrder, LatestKeys } from "./key-order.ts";
import type { KeySpace } from "./key-space.ts";
import { OperationMix, YCSB_SCAN_LENGTH_MAX } from "./operation-mix.ts";
import { DIGITS_COUNT, keyText } from "./simple.ts";

const SCAN_SEED = 0x7363616e;
/** A key's digits come from two halves: strings made once. */
const HALF_DIGITS = DIGITS_COUNT / 2;
const HALF = 10 ** HALF_DIGITS;

export interface OperationStreamOptions {
  operations: readonly OperationShare[];
  order: KeyOrder;
  space: KeySpace;
  /** Of the order of the operations. */
  mixSeed: number;
}

export class OperationStream {
  readonly names: readonly OperationName[];
  /** What `next` drew: the index of the operation, and its key or list. */
  operation = 0;
  key = 0;
  /** Of a push: the number of the value. Of a scan: how many keys from `key` on. Else 0. */
  argument = 0;
  readonly #order: KeyOrder;
  readonly #space: KeySpace;
  readonly #mix: OperationMix;
  readonly #scanLengths: Prng;

  constructor(options: OperationStreamOptions) {
    const { operations, mixSeed } = options;
    this.names = operations.map(({ operation }) => operation);
    assert(!this.names.includes("command"), "a template is no operation of a mix");
    this.#order = options.order;
    this.#space = options.space;
    if (this.#order instanceof LatestKeys) this.#order.grow(this.#space.count);
    this.#mix = new OperationMix(
      operations.map(({ weight }) => weight),
      mixSeed,
    );
    this.#scanLengths = new Prng(mixSeed ^ SCAN_SEED);
  }

  next(): void {
    this.operation = this.names.length === 1 ? 0 : this.#mix.next();
    this.argument = 0;
    const name = this.names[this.operation];
    if (name === "insert") {
      if (this.#order instanceof LatestKeys) this.#order.grow(this.#space.count);
      this.key = this.#space.insert();
      return;
    }
    const index = this.#order.next();
    this.key = this.#order instanceof LatestKeys ? this.#space.keyAt(index) : index;
    if (name === "push") this.argument = this.#space.push();
    else if (name === "scan") {
      const drawn = 1 + this.#scanLengths.below(YCSB_SCAN_LENGTH_MAX);
      this.argument = Math.min(drawn, this.#space.filledCount - this.key);
    }
  }
}

/** Keys of a run as strings. */
export class KeyTexts {
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #halves: string[];

  constructor(prefix: "simple" | "chat", seed: number) {
    const [head = "", , tail = ""] = keyText(prefix, seed).split(":");
    this.#prefix = `${head}:`;
    this.#suffix = `:${tail}`;
    this.#halves = Array.from({ length: HALF }, (_, half) =>
      String(half).padStart(HALF_DIGITS, "0"),
    );
  }

  of(key: number): string {
    const high = (key / HALF) | 0;
    return `${this.#prefix}${this.#halves[high]}${this.#halves[key - high * HALF]}${this.#suffix}`;
  }
}
