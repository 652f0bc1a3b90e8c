/**
 * Requests from a command template, as the bytes that go to the server.
 *
 * The template is taken apart once, into steps. A word whose length never changes has its whole
 * framing among the static bytes; only a word with a value of varying size or a number gets its
 * length written for each request:
 *
 *      SET {key} {value 64}     "*3 $3 SET $14 key:"  <10 digits>  "$64"  <64 bytes>  ""
 *      SET {key} {value 1-9}    "*3 $3 SET $14 key:"  <10 digits>  length  <1 to 9 bytes>  ""
 *                                static                draw         computed
 *
 * First every place draws its number, then the steps write: so a length is known before what it
 * measures. Nothing is allocated per request. One renderer serves all connections of a phase.
 */
import { Prng } from "../../base/prng.ts";
import type { CommandTemplate, TemplatePart } from "./command-template.ts";
import { digitsCount, writeDigits } from "./digits.ts";
import { formatKeyDistribution, type KeyDistribution } from "./distributions.ts";
import { createKeyOrder, type KeyOrder } from "./key-order.ts";
import type { ValueSizes } from "./value-sizes.ts";
import type { ValueSource } from "./values.ts";

/** Key i is this and i in TEMPLATE_KEY_DIGITS digits. */
export const TEMPLATE_KEY_PREFIX = "key:";
export const TEMPLATE_KEY_DIGITS = 10;
/** Digits of 2^53 - 1: the most that {seq} can come to. */
const SEQUENCE_DIGITS_MAX = 16;
/** "$", the digits of a length, CR, LF. */
const LENGTH_SIZE_MAX = 1 + SEQUENCE_DIGITS_MAX + 2;

/** Up to here a loop over the bytes is faster than a copy, which costs 15 ns at any size. */
const SHORT_SIZE_MAX = 16;

export interface TemplateRendererOptions {
  /** For {key} without a distribution, or without a count. */
  readonly keys: KeyDistribution;
  readonly keysCount: number;
  /** The values of {value} with sizes, and without (null). */
  readonly valuesOf: (sizes: ValueSizes | null) => ValueSource;
  readonly seed: number;
}

/** A place in the template that differs from request to request. */
interface Slot {
  readonly kind: "key" | "value" | "random" | "sequence";
  readonly order: KeyOrder | null;
  readonly values: ValueSource | null;
  readonly bound: number;
  /** Of a value: the slot of the key that it belongs to; -1 for the request's number. */
  keySlot: number;
  readonly sizeMax: number;
  /** Always `sizeMax` bytes long. */
  readonly isFixed: boolean;
}

const Op = { Static: 0, Length: 1, Digits: 2, Value: 3 } as const;

interface Step {
  readonly op: (typeof Op)[keyof typeof Op];
  readonly bytes: Buffer;
  /** Of Digits and Value: what to write. Of Length: the first slot of the word. */
  readonly slot: number;
  /** Of Length: behind the last slot of the word, and the bytes of the word's static parts. */
  readonly slotsEnd: number;
  readonly staticSize: number;
}

export class TemplateRenderer {
  /** A buffer needs this much room for any one request. */
  readonly sizeMax: number;
  /** Mean bytes of values in one request, without keys and framing. */
  readonly payloadSizeMean: number;
  /** The same so far. */
  payloadBytes = 0;
  readonly #slots: readonly Slot[];
  readonly #steps: readonly Step[];
  readonly #random: Prng;
  /** What each slot has drawn for the request at hand, and how long that is. */
  readonly #drawn: Float64Array;
  readonly #sizes: Float64Array;
  #requestsCount = 0;

  constructor(template: CommandTemplate, options: TemplateRendererOptions) {
    const compiled = new TemplateCompiler(template, options);
    this.#slots = compiled.slots;
    this.#steps = compiled.steps;
    this.sizeMax = compiled.sizeMax;
    this.payloadSizeMean = compiled.slots.reduce((sum, it) => sum + (it.values?.sizeMean ?? 0), 0);
    this.#random = new Prng(options.seed ^ 0x72616e64);
    this.#drawn = new Float64Array(compiled.slots.length);
    this.#sizes = Float64Array.from(compiled.slots, ({ sizeMax }) => sizeMax);
  }

  /**
   * Writes the next request at `at` of `target`, which has `sizeMax` bytes of room there; returns
   * its end. Hot: once per request.
   */
  write(target: Buffer, at: number): number {
    this.#draw();
    const steps = this.#steps;
    let end = at;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      const { slot } = step;
      if (step.op === Op.Static) {
        end = writeStatic(step.bytes, target, end);
      } else if (step.op === Op.Digits) {
        end = writeDigits(target, end, this.#drawn[slot]!, this.#sizes[slot]!);
      } else if (step.op === Op.Value) {
        end += this.#slots[slot]!.values!.write(this.#drawn[slot]!, target, end);
        this.payloadBytes += this.#sizes[slot]!;
      } else {
        end = this.#writeLength(step, target, end);
      }
    }
    return end;
  }

  /** Keys and numbers first: a value belongs to a key, which may come after it. */
  #draw(): void {
    const slots = this.#slots;
    let hasValue = false;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if (slot.kind === "key") this.#drawn[i] = slot.order!.next();
      else if (slot.kind === "value") hasValue = true;
      else {
        const isRandom = slot.kind === "random";
        const drawn = isRandom ? this.#random.below(slot.bound) : this.#requestsCount;
        this.#drawn[i] = drawn;
        this.#sizes[i] = digitsCount(drawn);
      }
    }
    if (hasValue) this.#drawValues();
    this.#requestsCount++;
  }

  #drawValues(): void {
    const slots = this.#slots;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if (slot.kind !== "value") continue;
      const key = slot.keySlot === -1 ? this.#requestsCount | 0 : this.#drawn[slot.keySlot]!;
      this.#drawn[i] = key;
      this.#sizes[i] = slot.values!.sizeOf(key);
    }
  }

  #writeLength(step: Step, target: Buffer, at: number): number {
    let size = step.staticSize;
    for (let i = step.slot; i < step.slotsEnd; i++) size += this.#sizes[i]!;
    target[at] = 36;
    const end = writeDigits(target, at + 1, size, digitsCount(size));
    target[end] = 13;
    target[end + 1] = 10;
    return end + 2;
  }
}

function writeStatic(bytes: Buffer, target: Buffer, at: number): number {
  const size = bytes.length;
  if (size > SHORT_SIZE_MAX) bytes.copy(target, at);
  else for (let i = 0; i < size; i++) target[at + i] = bytes[i]!;
  return at + size;
}

/** Takes a template apart into slots and steps; static bytes are gathered until a step comes. */
class TemplateCompiler {
  readonly slots: Slot[] = [];
  readonly steps: Step[] = [];
  sizeMax = 0;
  readonly #options: TemplateRendererOptions;
  readonly #orders = new Map<string, KeyOrder>();
  #gathered = "";

  constructor(template: CommandTemplate, options: TemplateRendererOptions) {
    this.#options = options;
    this.#gathered = `*${template.words.length}\r\n`;
    for (const word of template.words) this.#word(word);
    this.#flush();
    this.#bindValues();
  }

  #word(parts: readonly TemplatePart[]): void {
    const firstSlot = this.slots.length;
    const texts = parts.flatMap((part) => this.#declare(part));
    const staticSize = texts.reduce((sum, text) => sum + text.length, 0);
    const slots = this.slots.slice(firstSlot);
    if (slots.every(({ isFixed }) => isFixed)) {
      const size = slots.reduce((sum, { sizeMax }) => sum + sizeMax, staticSize);
      this.#gathered += `$${size}\r\n`;
    } else {
      this.#step(Op.Length, firstSlot, LENGTH_SIZE_MAX, staticSize);
    }
    let next = firstSlot;
    for (const part of parts) {
      if (part.kind === "text") this.#gathered += part.latin1;
      else this.#place(next++);
    }
    this.#gathered += "\r\n";
  }

  /** Adds the slot of a part; returns the texts that the part writes by itself. */
  #declare(part: TemplatePart): string[] {
    if (part.kind === "text") return [part.latin1];
    this.slots.push(this.#slotOf(part));
    return part.kind === "key" ? [TEMPLATE_KEY_PREFIX] : [];
  }

  #place(slot: number): void {
    const { kind, sizeMax } = this.slots[slot] as Slot;
    if (kind === "key") this.#gathered += TEMPLATE_KEY_PREFIX;
    this.#step(kind === "value" ? Op.Value : Op.Digits, slot, sizeMax);
  }

  #step(op: Step["op"], slot: number, sizeMax: number, staticSize = 0): void {
    this.#flush();
    const bytes = Buffer.alloc(0);
    this.steps.push({ op, bytes, slot, slotsEnd: this.slots.length, staticSize });
    this.sizeMax += sizeMax;
  }

  #flush(): void {
    if (this.#gathered === "") return;
    const bytes = Buffer.from(this.#gathered, "latin1");
    this.steps.push({ op: Op.Static, bytes, slot: -1, slotsEnd: -1, staticSize: 0 });
    this.sizeMax += bytes.length;
    this.#gathered = "";
  }

  #slotOf(part: Exclude<TemplatePart, { kind: "text" }>): Slot {
    const slot = { order: null, values: null, bound: 0, keySlot: -1 };
    switch (part.kind) {
      case "key": {
        const order = this.#orderOf(part.distribution, part.keysCount);
        return { ...slot, kind: "key", order, sizeMax: TEMPLATE_KEY_DIGITS, isFixed: true };
      }
      case "value": {
        const values = this.#options.valuesOf(part.sizes);
        const { sizeMax, sizeMean } = values;
        return { ...slot, kind: "value", values, sizeMax, isFixed: sizeMax === sizeMean };
      }
      case "random": {
        const sizeMax = digitsCount(part.bound - 1);
        return { ...slot, kind: "random", bound: part.bound, sizeMax, isFixed: sizeMax === 1 };
      }
      case "sequence":
        return { ...slot, kind: "sequence", sizeMax: SEQUENCE_DIGITS_MAX, isFixed: false };
    }
  }

  /**
   * Keys drawn alike share an order: two of one request then differ as two requests do, and the
   * popular ones are the same.
   */
  #orderOf(ownDistribution: KeyDistribution | null, ownCount: number | null): KeyOrder {
    const { keys, keysCount, seed } = this.#options;
    const distribution = ownDistribution ?? keys;
    const count = ownCount ?? keysCount;
    const name = `${formatKeyDistribution(distribution)} ${count}`;
    const order =
      this.#orders.get(name) ?? createKeyOrder(distribution, count, seed + this.#orders.size);
    this.#orders.set(name, order);
    return order;
  }

  /** A value belongs to the last key before it, else to the first one after it. */
  #bindValues(): void {
    let keySlot = this.slots.findIndex(({ kind }) => kind === "key");
    this.slots.forEach((slot, index) => {
      if (slot.kind === "key") keySlot = index;
      else if (slot.kind === "value") slot.keySlot = keySlot;
    });
  }
}
