/**
 * The unanswered requests of one connection, in order: what each reply has to be, which key it is
 * about, and when its operation was due and sent.
 *
 *      head                          tail
 *      | GET 7 | GET 9 | SET 4 | GET 2 |  free  |        one entry per request
 *
 * Replies come in order, so that each belongs to the oldest entry. The ring follows the reply
 * counter (it is its observer): it tells it what comes next, has values looked into, and records an
 * operation when the last of its requests is answered. Where every request is alike and nobody
 * looks into the values, a connection needs no ring (send-times.ts does).
 * An entry may ask for a follow-up (the SET of a read-modify-write): it is collected here and sent
 * by the connection after the read.
 * Nothing is allocated per request; the ring doubles when it is full.
 * Not here: what a request looks like (workloads/), when it is sent (load/).
 */
import { assert } from "../../base/assert.ts";
import type { PhaseRecorder } from "../recorder/phase-recorder.ts";
import type { ReplyCounter, ReplyObserver, ReplyShape } from "./reply-counter.ts";

/** One kind of request of a phase. */
export interface RequestShape extends ReplyShape {
  /** `bulkLength` is that of the value of the request's key. */
  readonly isSizedByKey: boolean;
  /** The index of its operation in the phase. */
  readonly operation: number;
  /** Its reply ends the operation. */
  readonly isLast: boolean;
  /** The shape of the request that its reply asks for; -1 for none. */
  readonly followUp: number;
}

/** What a workload wants to know about replies. */
export interface ReplyListener {
  /** The size of the value of `key`. */
  sizeOf(key: number): number;
  /**
   * Whether the whole value `bytes`, element `index` of a reply to a request for `key`, is right.
   * Null when nobody looks into values.
   */
  checkValue: ((shape: number, key: number, index: number, bytes: Buffer) => boolean) | null;
  /** A reply to a request for `key` is complete. Null when nobody asks. */
  answered: ((shape: number, key: number) => void) | null;
}

const CAPACITY_MIN = 64;

export class RequestRing implements ReplyObserver {
  /** Values that are not what was written. */
  wrongCount = 0;
  /** Operations whose last reply is in. */
  operationsDone = 0;
  /** When what is answered now was read; set before each read while latencies are taken. */
  nowNs = 0;
  /** When the operation that is encoded next was due. */
  intendedNs = 0;
  readonly #counter: ReplyCounter;
  readonly #shapes: readonly RequestShape[];
  readonly #listener: ReplyListener;
  readonly #recorder: PhaseRecorder;
  #shapeOf = new Uint8Array(CAPACITY_MIN);
  #keyOf = new Int32Array(CAPACITY_MIN);
  #itemsOf = new Int32Array(CAPACITY_MIN);
  #intendedNsOf = new Float64Array(CAPACITY_MIN);
  #sentNsOf = new Float64Array(CAPACITY_MIN);
  #mask = CAPACITY_MIN - 1;
  #head = 0;
  #tail = 0;
  /** Behind the last entry that was sent. */
  #stamped = 0;
  /** Bulk strings of the reply under way that are complete. */
  #item = 0;
  /** A value that came in several pieces. */
  #gathered: Buffer | null = null;
  readonly #followUps: FollowUps = { shapes: [], keys: [], intendedNs: [], sentNs: [] };

  constructor(
    counter: ReplyCounter,
    shapes: readonly RequestShape[],
    listener: ReplyListener,
    recorder: PhaseRecorder,
  ) {
    assert(shapes.length >= 1 && shapes.length <= 256, "shapes are numbered by a byte");
    this.#counter = counter;
    this.#shapes = shapes;
    this.#listener = listener;
    this.#recorder = recorder;
  }

  /** Requests that are not answered. */
  get length(): number {
    return this.#tail - this.#head;
  }

  /** The `index`-th oldest of them. */
  entry(index: number): { shape: number; key: number; items: number } {
    const at = (this.#head + index) & this.#mask;
    return { shape: this.#shapeOf[at]!, key: this.#keyOf[at]!, items: this.#itemsOf[at]! };
  }

  get followUpsCount(): number {
    return this.#followUps.shapes.length;
  }

  /**
   * A request is encoded; `items` is how many elements its reply must have, 0 where the shape says
   * it. Hot: once per request.
   */
  add(shape: number, key: number, items: number): void {
    if (this.#tail - this.#head > this.#mask) this.#grow();
    const at = this.#tail++ & this.#mask;
    this.#shapeOf[at] = shape;
    this.#keyOf[at] = key;
    this.#itemsOf[at] = items;
    this.#intendedNsOf[at] = this.intendedNs;
    if (this.#tail - this.#head === 1) this.#expectNext();
  }

  /** What was added since is written at `nowNs`. */
  sent(nowNs: number): void {
    for (; this.#stamped < this.#tail; this.#stamped++) {
      this.#sentNsOf[this.#stamped & this.#mask] = nowNs;
    }
  }

  /**
   * Adds the requests that replies have asked for by `encode`, which writes one and returns its
   * end. They belong to operations that were sent before, and keep their times. Returns the size.
   */
  addFollowUps(encode: (shape: number, key: number, at: number) => number, max: number): number {
    const { shapes, keys, intendedNs, sentNs } = this.#followUps;
    const count = Math.min(max, shapes.length);
    let size = 0;
    for (let i = 0; i < count; i++) {
      size = encode(shapes[i]!, keys[i]!, size);
      this.intendedNs = intendedNs[i]!;
      this.add(shapes[i]!, keys[i]!, 0);
      this.sent(sentNs[i]!);
    }
    for (const list of [shapes, keys, intendedNs, sentNs]) list.splice(0, count);
    return size;
  }

  piece(bytes: Buffer, start: number, end: number, offset: number, length: number): void {
    const { checkValue } = this.#listener;
    if (checkValue !== null) {
      if (end - start === length) this.#check(bytes.subarray(start, end));
      else {
        if (offset === 0) this.#gathered = Buffer.allocUnsafe(length);
        bytes.copy(this.#gathered!, offset, start, end);
        if (offset + end - start === length) this.#check(this.#gathered!);
      }
    }
    if (offset + end - start === length) this.#item++;
  }

  #check(value: Buffer): void {
    const at = this.#head & this.#mask;
    const { checkValue } = this.#listener;
    if (!checkValue!(this.#shapeOf[at]!, this.#keyOf[at]!, this.#item, value)) this.wrongCount++;
    this.#gathered = null;
  }

  replyDone(): void {
    // More replies than requests are noticed by the connection after the read.
    if (this.#head === this.#tail) return;
    const at = this.#head & this.#mask;
    const number = this.#shapeOf[at]!;
    const shape = this.#shapes[number]!;
    const key = this.#keyOf[at]!;
    const { answered } = this.#listener;
    if (answered !== null) answered(number, key);
    if (shape.isLast) {
      this.operationsDone++;
      this.#recorder.done(
        shape.operation,
        this.#intendedNsOf[at]!,
        this.#sentNsOf[at]!,
        this.nowNs,
      );
    } else if (shape.followUp >= 0) this.#follow(shape.followUp, key, at);
    this.#head++;
    this.#item = 0;
    if (this.#head < this.#tail) this.#expectNext();
  }

  #follow(shape: number, key: number, at: number): void {
    this.#followUps.shapes.push(shape);
    this.#followUps.keys.push(key);
    this.#followUps.intendedNs.push(this.#intendedNsOf[at]!);
    this.#followUps.sentNs.push(this.#sentNsOf[at]!);
  }

  #expectNext(): void {
    const at = this.#head & this.#mask;
    const shape = this.#shapes[this.#shapeOf[at]!]!;
    const length = shape.isSizedByKey ? this.#listener.sizeOf(this.#keyOf[at]!) : shape.bulkLength;
    this.#counter.expect(shape, length);
    const items = this.#itemsOf[at]!;
    if (items > 0) this.#counter.itemsMin = this.#counter.itemsMax = items;
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2;
    this.#shapeOf = this.#moved(this.#shapeOf, new Uint8Array(capacity));
    this.#keyOf = this.#moved(this.#keyOf, new Int32Array(capacity));
    this.#itemsOf = this.#moved(this.#itemsOf, new Int32Array(capacity));
    this.#intendedNsOf = this.#moved(this.#intendedNsOf, new Float64Array(capacity));
    this.#sentNsOf = this.#moved(this.#sentNsOf, new Float64Array(capacity));
    this.#mask = capacity - 1;
  }

  /** The entries at their places in a larger array. */
  #moved<T extends Uint8Array | Int32Array | Float64Array>(from: T, to: T): T {
    for (let i = this.#head; i < this.#tail; i++) to[i & (to.length - 1)] = from[i & this.#mask]!;
    return to;
  }
}

/** One entry each per follow-up. */
interface FollowUps {
  shapes: number[];
  keys: number[];
  intendedNs: number[];
  sentNs: number[];
}
