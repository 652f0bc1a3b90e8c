/**
 * Any mix of the operations of `simple`, `chat` and YCSB, with values of any format and size.
 *
 *      set, insert   SET key value                 a key that is drawn, or a new one
 *      get           GET key
 *      rmw           GET key, and after its reply SET key value
 *      scan          MGET of up to SCAN_LENGTH_MAX neighbouring keys: these servers keep no order
 *                    of keys to scan along, and this reads as many records
 *      push          LPUSH list value, LTRIM list 0 history-1: one operation
 *      range         LRANGE list 0 read-1
 *
 * Which one comes next is decided by operation-mix.ts in exact proportions, on which key by
 * key-order.ts. Requests are put together from heads that are encoded once: copy the head, write
 * the key's digits, copy the value.
 * Values are looked into when reading them means decoding, and with --verify. An element of a list
 * is right when it is a value of this run; where one connection writes and values tell their
 * number, also when it is older than the element before it.
 * Not here: SET or GET alone with values of one size (simple.ts), templates (command.ts).
 */
import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import { ReplyKind } from "../drivers/reply-counter.ts";
import type { ReplyListener, RequestRing, RequestShape } from "../drivers/request-ring.ts";
import type { ChatPlan, OperationName, OperationShare } from "../plan.ts";
import { digitsCount, writeDigits } from "./digits.ts";
import { type KeyOrder, LatestKeys } from "./key-order.ts";
import type { KeySpace } from "./key-space.ts";
import { OperationMix, YCSB_SCAN_LENGTH_MAX } from "./operation-mix.ts";
import { type RequestEncoder, shapeOf } from "./requests.ts";
import { DIGITS_COUNT, KEYS_COUNT_MAX, keyText, SCRATCH_SIZE_MAX } from "./simple.ts";
import type { ValueSource } from "./values.ts";

export const SCAN_LENGTH_MAX = YCSB_SCAN_LENGTH_MAX;
/** "$", digits, CRLF around a value, and CRLF behind it. */
const VALUE_FRAME_SIZE = 16;
const SCAN_SEED = 0x7363616e;

export interface OperationRequestsOptions {
  operations: readonly OperationShare[];
  order: KeyOrder;
  space: KeySpace;
  values: ValueSource;
  chat: ChatPlan;
  /** Of the run: it decides the names of the keys. */
  seed: number;
  /** Of the order of the operations. */
  mixSeed: number;
  /** Operations that a connection sends at once. */
  batchSize: number;
  isVerifying: boolean;
  /** Only one connection writes, so that lists have an order that is known. */
  isOrdered: boolean;
}

export class OperationRequests implements RequestEncoder {
  readonly bytes: Buffer;
  readonly countMax: number;
  readonly operations: readonly OperationName[];
  readonly shapes: RequestShape[] = [];
  readonly listener: ReplyListener;
  readonly isUniform: boolean;
  payloadBytes = 0;
  readsCount = 0;
  readonly #options: OperationRequestsOptions;
  readonly #mix: OperationMix;
  readonly #writers: OperationWriter[];
  readonly #followUps: (OperationWriter | undefined)[] = [];
  /** The number of the element before, in the reply under way. */
  #numberBefore = 0;

  constructor(options: OperationRequestsOptions) {
    this.#options = options;
    const { order, space } = options;
    if (order instanceof LatestKeys) order.grow(space.count);
    this.operations = options.operations.map(({ operation }) => operation);
    this.#mix = new OperationMix(
      options.operations.map(({ weight }) => weight),
      options.mixSeed,
    );
    this.#writers = this.operations.map((name, index) => this.#writerOf(name, index));
    const sizeMax = Math.max(...this.#writers.map((writer) => writer.sizeMax));
    const fitting = Math.floor(SCRATCH_SIZE_MAX / sizeMax);
    this.countMax = Math.max(1, Math.min(options.batchSize, fitting));
    this.bytes = Buffer.allocUnsafeSlow(sizeMax * this.countMax);
    this.isUniform = this.operations.length === 1 && this.operations[0] === "set";
    this.listener = this.#listenerOf();
  }

  encode(count: number, ring: RequestRing | null): number {
    let at = 0;
    for (let i = 0; i < count; i++) {
      const writer = this.#writers[this.#writers.length === 1 ? 0 : this.#mix.next()]!;
      at = writer.write(this.bytes, at, ring);
    }
    return at;
  }

  encodeFollowUp(shape: number, key: number, at: number): number {
    const writer = this.#followUps[shape];
    assert(writer !== undefined, "a follow-up that nobody asked for");
    return writer.writeKey(this.bytes, at, key);
  }

  #listenerOf(): ReplyListener {
    const { values, isVerifying, space } = this.#options;
    const names = this.operations;
    const isReading = names.some((name) => !["set", "insert", "push"].includes(name));
    const isChecked = isReading && (values.isDecoded || isVerifying);
    return {
      sizeOf: (key) => values.sizeOf(key),
      checkValue: isChecked
        ? (shape, key, index, bytes) => this.#check(shape, key, index, bytes)
        : null,
      answered: names.includes("insert")
        ? (shape, key) => {
            if (names[this.shapes[shape]!.operation] === "insert") space.answered(key);
          }
        : null,
    };
  }

  #check(shape: number, key: number, index: number, bytes: Buffer): boolean {
    const { values, isOrdered } = this.#options;
    const name = this.operations[this.shapes[shape]!.operation];
    if (name !== "range") return values.check(name === "scan" ? key + index : key, bytes);
    const number = values.identify(bytes);
    if (!isOrdered || !values.isNumbered || number < 0) return number >= 0;
    const isOlder = index === 0 || number < this.#numberBefore;
    this.#numberBefore = number;
    return isOlder;
  }

  #addShape(kind: ReplyKind, changes: Partial<RequestShape>): number {
    return this.shapes.push(shapeOf(kind, changes)) - 1;
  }

  #nextKey(): number {
    const { order, space } = this.#options;
    const index = order.next();
    return order instanceof LatestKeys ? space.keyAt(index) : index;
  }

  #writerOf(name: OperationName, operation: number): OperationWriter {
    switch (name) {
      case "set":
        return this.#setter(() => this.#nextKey(), operation);
      case "insert":
        return this.#setter(() => this.#insert(), operation);
      case "get":
        return this.#getter(this.#addShape(ReplyKind.Bulk, { ...this.#valueLength(), operation }));
      case "rmw": {
        const setter = this.#setter(() => 0, operation);
        const followUp = this.shapes.length - 1;
        this.#followUps[followUp] = setter;
        const changes = { ...this.#valueLength(), operation, isLast: false, followUp };
        const getter = this.#getter(this.#addShape(ReplyKind.Bulk, changes));
        // Follow-ups are written into the same buffer.
        return { ...getter, sizeMax: Math.max(getter.sizeMax, setter.sizeMax) };
      }
      case "scan":
        return this.#scanner(operation);
      case "push":
        return this.#pusher(operation);
      case "range":
        return this.#ranger(operation);
      case "command":
        throw new RangeError("a template is no operation of a mix");
    }
  }

  #insert(): number {
    const { order, space } = this.#options;
    if (order instanceof LatestKeys) order.grow(space.count);
    return space.insert();
  }

  /** A fixed length is cheaper than one by key. */
  #valueLength(): Pick<RequestShape, "bulkLength" | "isSizedByKey"> {
    const { sizeMax, sizeMean } = this.#options.values;
    const isFixed = sizeMax === sizeMean;
    return { bulkLength: isFixed ? sizeMax : -1, isSizedByKey: !isFixed };
  }

  #setter(nextKey: () => number, operation: number): OperationWriter {
    const shape = this.#addShape(ReplyKind.Status, { operation });
    const head = new Head(["SET", keyText("simple", this.#options.seed)], 1);
    const writeKey = (target: Buffer, at: number, key: number) =>
      this.#writeValue(target, head.write(target, at, key), key);
    return {
      sizeMax: head.size + VALUE_FRAME_SIZE + this.#options.values.sizeMax,
      writeKey,
      write: (target, at, ring) => {
        const key = nextKey();
        ring?.add(shape, key, 0);
        return writeKey(target, at, key);
      },
    };
  }

  #getter(shape: number): OperationWriter {
    const head = new Head(["GET", keyText("simple", this.#options.seed)]);
    const writeKey = (target: Buffer, at: number, key: number) => head.write(target, at, key);
    return {
      sizeMax: head.size,
      writeKey,
      write: (target, at, ring) => {
        const key = this.#nextKey();
        this.readsCount++;
        ring?.add(shape, key, 0);
        return writeKey(target, at, key);
      },
    };
  }

  #scanner(operation: number): OperationWriter {
    const { bulkLength } = this.#valueLength();
    const shape = this.#addShape(ReplyKind.BulkArray, { bulkLength, operation });
    const { space, seed, mixSeed } = this.#options;
    const random = new Prng(mixSeed ^ SCAN_SEED);
    const heads = Array.from({ length: SCAN_LENGTH_MAX + 1 }, (_, count) =>
      Buffer.from(`*${count + 1}\r\n$4\r\nMGET\r\n`),
    );
    const keyHead = new Head([keyText("simple", seed)], 0, false);
    return {
      sizeMax: heads[SCAN_LENGTH_MAX]!.length + SCAN_LENGTH_MAX * keyHead.size,
      writeKey: (_, at) => at,
      write: (target, at, ring) => {
        const key = this.#nextKey();
        const count = Math.min(1 + random.below(SCAN_LENGTH_MAX), space.filledCount - key);
        this.readsCount += count;
        ring?.add(shape, key, count);
        let end = at + heads[count]!.copy(target, at);
        for (let i = 0; i < count; i++) end = keyHead.write(target, end, key + i);
        return end;
      },
    };
  }

  #pusher(operation: number): OperationWriter {
    const { seed, chat, space, values } = this.#options;
    const pushed = this.#addShape(ReplyKind.Integer, { operation, isLast: false });
    const trimmed = this.#addShape(ReplyKind.Status, { operation });
    const list = keyText("chat", seed);
    const push = new Head(["LPUSH", list], 1);
    const trim = new Head(["LTRIM", list, "0", String(chat.historyLength - 1)]);
    return {
      sizeMax: push.size + VALUE_FRAME_SIZE + values.sizeMax + trim.size,
      writeKey: (_, at) => at,
      write: (target, at, ring) => {
        const key = this.#nextKey();
        ring?.add(pushed, key, 0);
        ring?.add(trimmed, key, 0);
        const end = this.#writeValue(target, push.write(target, at, key), space.push());
        return trim.write(target, end, key);
      },
    };
  }

  #ranger(operation: number): OperationWriter {
    const { seed, chat, values } = this.#options;
    const { readSize, historyLength } = chat;
    const { sizeMax, sizeMean } = values;
    const shape = this.#addShape(ReplyKind.BulkArray, {
      operation,
      bulkLength: sizeMax === sizeMean ? sizeMax : -1,
      itemsMin: 1,
      itemsMax: Math.min(readSize, historyLength),
    });
    const head = new Head(["LRANGE", keyText("chat", seed), "0", String(readSize - 1)]);
    return {
      sizeMax: head.size,
      writeKey: (_, at) => at,
      write: (target, at, ring) => {
        const key = this.#nextKey();
        this.readsCount++;
        ring?.add(shape, key, 0);
        return head.write(target, at, key);
      },
    };
  }

  /** The value of `key` as the last argument of a request; returns its end. */
  #writeValue(target: Buffer, at: number, key: number): number {
    const { values } = this.#options;
    const size = values.sizeOf(key);
    target[at] = 36;
    let end = writeDigits(target, at + 1, size, digitsCount(size));
    target[end] = 13;
    target[end + 1] = 10;
    end = end + 2 + values.write(key, target, end + 2);
    target[end] = 13;
    target[end + 1] = 10;
    this.payloadBytes += size;
    return end + 2;
  }
}

/** One operation of the mix. */
interface OperationWriter {
  /** Bytes that one operation takes at the most. */
  readonly sizeMax: number;
  /** Writes the next operation at `at`; returns its end. */
  write(target: Buffer, at: number, ring: RequestRing | null): number;
  /** The same for a given key, and without the ring. */
  writeKey(target: Buffer, at: number, key: number): number;
}

/** The part of a request up to its value; all of it but the digits of the key is encoded once. */
class Head {
  readonly size: number;
  readonly #bytes: Buffer;
  readonly #digitsAt: number;

  /**
   * `args`, of which one is a key, and how many more follow; `isWhole`: with the head of the array.
   */
  constructor(args: readonly string[], moreArgs = 0, isWhole = true) {
    const framed = args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("");
    const text = isWhole ? `*${args.length + moreArgs}\r\n${framed}` : framed;
    this.#bytes = Buffer.from(text, "latin1");
    this.size = this.#bytes.length;
    const match = /:0{10}:/.exec(text);
    assert(match !== null, "a request without a key");
    this.#digitsAt = match.index + 1;
  }

  write(target: Buffer, at: number, key: number): number {
    this.#bytes.copy(target, at);
    writeDigits(target, at + this.#digitsAt, key, DIGITS_COUNT);
    return at + this.size;
  }
}

assert(String(KEYS_COUNT_MAX).length <= DIGITS_COUNT, "keys that do not fit into their digits");
