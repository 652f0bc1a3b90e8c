/**
 * Durability of the embedded store: the calling threads' part. Flushing, checkpoints and recycling
 * are done by a thread of their own (embedded-worker.ts), so that a program whose event loop
 * never turns is served as well.
 *
 * With "always" a call waits until what it has changed is durable; with "everysec" only while the
 * last flush is too long ago. Every thread that has attached waits for itself.
 */
import { clock } from "../base/clock.ts";
import { FatalError } from "../base/errors.ts";
import type { Durability } from "./durability.ts";
import { requestFlush } from "./flusher.ts";
import { requestCheckpoint } from "./keeper.ts";
import { CONTROL_ATTACHED } from "./layout.ts";
import { LogState } from "./log.ts";
import {
  LOG_CHECKPOINT_DONE,
  LOG_CHECKPOINT_FAILED,
  LOG_FLUSH_DONE,
  LOG_MODE,
  LOG_MODE_ALWAYS,
  LOG_STOP,
  STOP_ASKED,
  STOP_FAILED,
} from "./log-layout.ts";
import type { StoreHandle } from "./memory.ts";
import type { Store } from "./store.ts";

/** Calls between two looks at the clock, with "everysec". */
const CALLS_A_LOOK = 64;
/** Who waits looks again so often. */
const WAIT_MS = 10;
/** The background thread's last flush may take so long. */
const STOP_WAIT_MS = 30_000;

/** One thread's part. */
export class EmbeddedLog {
  readonly #store: Store;
  readonly #state: LogState;
  readonly #durability: Durability;
  readonly #isAlways: boolean;
  #callsUntilLook = CALLS_A_LOOK;

  constructor(store: Store, log: NonNullable<StoreHandle["log"]>) {
    const { durability } = store;
    if (durability === null) throw new FatalError("Cannot open the store: it has no log");
    this.#store = store;
    this.#durability = durability;
    this.#state = new LogState(log);
    this.#isAlways = this.#state.control[LOG_MODE] === LOG_MODE_ALWAYS;
  }

  /** Starts the background thread. Of the thread that opened the store. */
  begin(handle: StoreHandle): void {
    const worker = new Worker(new URL("./embedded-worker.ts", import.meta.url));
    worker.unref();
    const index = Atomics.add(new Int32Array(handle.control), CONTROL_ATTACHED, 1);
    worker.postMessage({ handle, worker: index });
  }

  /** After a call, between batches. Hot. */
  afterCall(): void {
    if (!this.#isAlways) {
      if (--this.#callsUntilLook > 0) return;
      this.#callsUntilLook = CALLS_A_LOOK;
      clock.tick();
    }
    const stamp = this.#store.writtenStamp();
    if (stamp !== 0 && this.#durability.mustHold(stamp)) this.#await(stamp);
  }

  #await(stamp: number): void {
    const { control } = this.#state;
    while (this.#durability.mustHold(stamp)) {
      const seen = Atomics.load(control, LOG_FLUSH_DONE);
      this.#wantKeeper();
      if (this.#durability.isFlushDue()) requestFlush(control);
      Atomics.wait(control, LOG_FLUSH_DONE, seen, WAIT_MS);
      clock.tick();
    }
  }

  /** Waits until everything that was written so far is durable. Throws when the disk refuses. */
  flush(): void {
    const { control } = this.#state;
    const stamp = this.#durability.lastStamp();
    while (!this.#durability.isDurable(stamp)) {
      const seen = Atomics.load(control, LOG_FLUSH_DONE);
      requestFlush(control);
      Atomics.wait(control, LOG_FLUSH_DONE, seen, WAIT_MS);
      this.#wantKeeper();
    }
  }

  /** Throws when the background thread has ended: what is waited for would never come. */
  #wantKeeper(): void {
    if (Atomics.load(this.#state.control, LOG_STOP) !== STOP_FAILED) return;
    throw new FatalError("Cannot flush the log: the disk refuses", "nothing is durable now");
  }

  /** Writes a checkpoint of everything. Throws FatalError when the disk refuses. */
  checkpoint(): void {
    const { control } = this.#state;
    const failed = Atomics.load(control, LOG_CHECKPOINT_FAILED);
    const request = requestCheckpoint(control);
    for (;;) {
      const done = Atomics.load(control, LOG_CHECKPOINT_DONE);
      if (done - request >= 0) break;
      this.#wantKeeper();
      requestFlush(control);
      Atomics.wait(control, LOG_CHECKPOINT_DONE, done, WAIT_MS);
    }
    if (Atomics.load(control, LOG_CHECKPOINT_FAILED) === failed) return;
    throw new FatalError(`Cannot write a checkpoint in ${this.#state.dir}`, "is the disk full?");
  }

  /** Ends the background thread after a last flush. */
  end(): void {
    const { control } = this.#state;
    Atomics.store(control, LOG_STOP, STOP_ASKED);
    requestFlush(control);
    Atomics.wait(control, LOG_STOP, STOP_ASKED, STOP_WAIT_MS);
  }
}
