/**
 * Large messages: too long for the ring, so that only a note of them stands there.
 *
 *      publisher's Worker        first Worker of the record          ...       last Worker
 *      body ------ transfer ---> delivers it, transfers it on -----> ... ----> frees it
 *
 * The body (topics, channel, message, as in a record) is one private ArrayBuffer that goes from
 * Worker to Worker, by way of the main thread: there is one copy of it in the process, however many
 * Workers deliver it, and whoever has it last frees it at once. Its order among all other messages
 * is that of its record: a Worker that comes to the record waits there until the body is handed to
 * it. The Workers before it in the chain never wait for it, so there is an end to that.
 *
 * Invariant: LARGE_KIB is the size of all bodies between `send` and the end of their chains. Limit:
 * PUBSUB_LARGE_SIZE_MAX; one message may always be sent, whatever its size.
 */
import { freeBytes } from "../base/free-bytes.ts";
import { LARGE_KIB, LARGE_NEXT, type PubSubHandle } from "./layout.ts";

export interface Body {
  readonly words: Int32Array;
  readonly bytes: Buffer;
}

/** Transfers `body` to `receiveBody(id, body)` of another Worker. */
export type PostBody = (worker: number, id: number, body: ArrayBuffer) => void;

const KIB = 1024;

export class LargeBodies {
  readonly #control: Int32Array;
  readonly #worker: number;
  readonly #workers: number;
  readonly #post: PostBody;
  readonly #sizeMax: number;
  /** Bodies that are here and whose record was not read yet. */
  readonly #here = new Map<number, Body>();

  constructor(handle: PubSubHandle, worker: number, post: PostBody, sizeMax: number) {
    this.#control = new Int32Array(handle.control);
    this.#worker = worker;
    this.#workers = handle.workers;
    this.#post = post;
    this.#sizeMax = sizeMax;
  }

  /** With the mutex held: whether a body of that size may be sent now. */
  admits(size: number): boolean {
    const kib = Atomics.load(this.#control, LARGE_KIB);
    return kib === 0 || kib + kibOf(size) <= this.#sizeMax / KIB;
  }

  /** With the mutex held: a number for a new body. */
  nextId(): number {
    const id = this.#control[LARGE_NEXT] as number;
    this.#control[LARGE_NEXT] = (id + 1) | 0;
    return id;
  }

  /** Memory for a body of `size` bytes. */
  allocate(size: number): Body {
    return bodyOf(new ArrayBuffer((size + 3) & ~3));
  }

  /** Begins the chain of a body: the first of `workers` gets it. */
  send(id: number, body: Body, workers: Int32Array): void {
    Atomics.add(this.#control, LARGE_KIB, kibOf(body.bytes.length));
    const first = this.#nextWorker(0, workers, 0);
    if (first === this.#worker) this.#here.set(id, body);
    else this.#post(first, id, body.bytes.buffer as ArrayBuffer);
  }

  /** From another Worker. */
  receive(id: number, body: ArrayBuffer): void {
    this.#here.set(id, bodyOf(body));
  }

  /** The body of a record, null when it is not here yet. */
  take(id: number): Body | null {
    const body = this.#here.get(id) ?? null;
    this.#here.delete(id);
    return body;
  }

  /**
   * Hands a body that was delivered here to the next Worker of its record, whose bits are at
   * words[at]; or frees it when this was the last.
   */
  pass(id: number, body: Body, words: Int32Array, at: number): void {
    const next = this.#nextWorker(this.#worker + 1, words, at);
    if (next >= 0) {
      this.#post(next, id, body.bytes.buffer as ArrayBuffer);
      return;
    }
    const kib = kibOf(body.bytes.length);
    freeBytes(body.bytes);
    Atomics.sub(this.#control, LARGE_KIB, kib);
  }

  #nextWorker(from: number, words: Int32Array, at: number): number {
    for (let worker = from; worker < this.#workers; worker++) {
      if (hasBit(words, at, worker)) return worker;
    }
    return -1;
  }
}

function hasBit(words: Int32Array, at: number, worker: number): boolean {
  return ((words[at + (worker >>> 5)] as number) & (1 << (worker & 31))) !== 0;
}

function kibOf(size: number): number {
  return Math.ceil(size / KIB);
}

function bodyOf(memory: ArrayBuffer): Body {
  return { words: new Int32Array(memory), bytes: Buffer.from(memory) };
}
