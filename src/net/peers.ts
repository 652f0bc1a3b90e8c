/**
 * How Workers ask each other: named handlers, run on every Worker, answers collected.
 *
 *      Worker 1 -- ask --> main thread -- run --> Workers 2...n
 *               <- answers --          <- answer --
 *
 * The main thread relays, so that Workers need no channels between them. For control only (CLIENT
 * LIST, CONFIG SET): an ask takes two messages in each direction, 50 to 100 µs. The asking Worker
 * runs its own part at once, before the others; one Worker alone sends nothing. Not here: the
 * handlers (commands/peer-handlers.ts).
 */
import { assert } from "../base/assert.ts";
import type { Peers } from "../commands/server-context.ts";

/** From a Worker to the main thread. */
export type PeerRequest =
  | { readonly type: "ask"; readonly id: number; readonly kind: string; readonly payload: unknown }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown };

/** From the main thread to a Worker. */
export type PeerMessage =
  | { readonly type: "run"; readonly id: number; readonly kind: string; readonly payload: unknown }
  | { readonly type: "answers"; readonly id: number; readonly values: unknown[] };

/** Runs the handler `kind` on this Worker. */
export type RunHandler = (kind: string, payload: unknown) => unknown;

/** The Worker's end. */
export class WorkerPeers implements Peers {
  readonly #worker: number;
  readonly #count: number;
  readonly #post: (request: PeerRequest) => void;
  readonly #run: RunHandler;
  readonly #waiting = new Map<number, (values: unknown[]) => void>();
  #nextId = 0;

  /** Worker `worker` of `count`; `post` sends to the main thread. */
  constructor(
    worker: number,
    count: number,
    post: (request: PeerRequest) => void,
    run: RunHandler,
  ) {
    this.#worker = worker;
    this.#count = count;
    this.#post = post;
    this.#run = run;
  }

  ask(kind: string, payload: unknown): Promise<unknown[]> {
    const own = this.#run(kind, structuredClone(payload));
    if (this.#count === 1) return Promise.resolve([own]);
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<unknown[]>();
    this.#waiting.set(id, (values) => {
      values[this.#worker] = own;
      resolve(values);
    });
    this.#post({ type: "ask", id, kind, payload });
    return promise;
  }

  /** What the main thread has sent. */
  receive(message: PeerMessage): void {
    if (message.type === "run") {
      const value = this.#run(message.kind, message.payload);
      this.#post({ type: "answer", id: message.id, value });
      return;
    }
    const resolve = this.#waiting.get(message.id);
    assert(resolve !== undefined, `ask ${message.id} is waiting`);
    this.#waiting.delete(message.id);
    resolve(message.values);
  }
}

/** An ask on its way. */
interface Relayed {
  readonly from: number;
  /** The asking Worker's own number for it. */
  readonly id: number;
  readonly values: unknown[];
  missing: number;
}

/** The main thread's end. */
export class PeerRelay {
  readonly #count: number;
  readonly #post: (worker: number, message: PeerMessage) => void;
  readonly #relayed = new Map<number, Relayed>();
  #nextId = 0;

  /** Between `count` Workers; `post` sends to one of them. */
  constructor(count: number, post: (worker: number, message: PeerMessage) => void) {
    this.#count = count;
    this.#post = post;
  }

  /** What Worker `from` has sent. */
  receive(from: number, request: PeerRequest): void {
    if (request.type === "ask") this.#ask(from, request);
    else this.#answer(from, request.id, request.value);
  }

  #ask(from: number, request: PeerRequest & { type: "ask" }): void {
    const id = this.#nextId++;
    const values = new Array<unknown>(this.#count).fill(null);
    this.#relayed.set(id, { from, id: request.id, values, missing: this.#count - 1 });
    for (let worker = 0; worker < this.#count; worker++) {
      if (worker === from) continue;
      this.#post(worker, { type: "run", id, kind: request.kind, payload: request.payload });
    }
  }

  #answer(from: number, id: number, value: unknown): void {
    const relayed = this.#relayed.get(id);
    assert(relayed !== undefined, `ask ${id} is relayed`);
    relayed.values[from] = value;
    relayed.missing--;
    if (relayed.missing > 0) return;
    this.#relayed.delete(id);
    this.#post(relayed.from, { type: "answers", id: relayed.id, values: relayed.values });
  }
}
