/**
 * Durability of the embedded store: the calling threads' part. Flushing, checkpoints and recycling
 * are done by a thread of their own (embedded-worker.ts), so that a program whose event loop
 * never turns is served as well.
 *
 * With "always" a call waits until what it has changed is durable; with "everysec" only while the
 * last flush is too long ago. Every thread that has attached waits for itself.
 */
import { clock, nanoseconds } from "../base/clock.ts";
import { FatalError } from "../base/errors.ts";
import type { Durability } from "./durability.ts";
import { requestFlush } from "./flusher.ts";
import { requestCheckpoint } from "./keeper.ts";
import { CONTROL_ATTACHED } from "./layout.ts";
import { LogState } from "./log.ts";
import {
  LOG_CHECKPOINT_DONE,
  LOG_FLUSH_DONE,
  LOG_MODE,
  LOG_MODE_ALWAYS,
  LOG_STOP,
  STOP_ASKED,
  STOP_DONE,
  STOP_FAILED,
} from "./log-layout.ts";
import type { StoreHandle } from "./memory.ts";
import type { Store } from "./store.ts";

/** Calls between two looks at the clock, with "everysec". */
const CALLS_A_LOOK = 64;
/** Who waits looks again so often. */
const WAIT_MS = 10;
/** The background thread's first flush comes within this. */
const START_WAIT_MS = 30_000;
const NS_PER_MS = 1e6;
/** Its last flush may take so long. */
const STOP_WAIT_MS = 30_000;

/** One thread's part. */
export class EmbeddedLog {
  readonly #store: Store;
  readonly #state: LogState;
  readonly #durability: Durability;
  readonly #isAlways: boolean;
  readonly #attachedNs = nanoseconds();
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
      this.#wantAnswer();
      if (this.#durability.isFlushDue()) requestFlush(control);
      Atomics.wait(control, LOG_FLUSH_DONE, seen, WAIT_MS);
      // The flusher follows the system's clock: a thread that does not would find it late for ever.
      clock.resync();
    }
  }

  /** Waits until everything that was written so far is durable. Throws when the disk refuses. */
  flush(): void {
    const { control } = this.#state;
    const stamp = this.#durability.lastStamp();
    while (!this.#durability.isDurable(stamp)) {
      const seen = Atomics.load(control, LOG_FLUSH_DONE);
      this.#wantAnswer();
      requestFlush(control);
      Atomics.wait(control, LOG_FLUSH_DONE, seen, WAIT_MS);
    }
  }

  /**
   * Throws when the background thread has ended: nothing would be durable any more, what is waited
   * for would never come, and after close() the directory may be another's. Hot.
   */
  wantKeeper(): void {
    const control = this.#state.control;
    const stop = control[LOG_STOP] as number;
    if (stop >= STOP_DONE) throw stop === STOP_DONE ? closed() : refused();
  }

  /** For who waits: throws as wantKeeper does, and when the background thread never came up. */
  #wantAnswer(): void {
    this.wantKeeper();
    const { control, dir } = this.#state;
    if (Atomics.load(control, LOG_FLUSH_DONE) !== 0) return;
    if (nanoseconds() - this.#attachedNs < START_WAIT_MS * NS_PER_MS) return;
    throw new FatalError(`Cannot flush ${dir}: the background thread has not started`);
  }

  /** Writes a checkpoint of everything. Throws FatalError when the disk refuses. */
  checkpoint(): void {
    const { control } = this.#state;
    const request = requestCheckpoint(control);
    for (;;) {
      const done = Atomics.load(control, LOG_CHECKPOINT_DONE);
      if (done - request >= 0) break;
      this.#wantAnswer();
      requestFlush(control);
      Atomics.wait(control, LOG_CHECKPOINT_DONE, done, WAIT_MS);
    }
    const failure = this.#durability.checkpointError();
    if (failure === "") return;
    throw new FatalError(`Cannot write a checkpoint in ${this.#state.dir}: ${failure}`);
  }

  /**
   * Ends the background thread after a last flush, and gives the directory up. Throws when that
   * flush has failed, or does not end: then the directory stays this process's.
   */
  end(release: () => void): void {
    const { control, dir } = this.#state;
    Atomics.compareExchange(control, LOG_STOP, 0, STOP_ASKED);
    requestFlush(control);
    Atomics.wait(control, LOG_STOP, STOP_ASKED, STOP_WAIT_MS);
    const stop = Atomics.load(control, LOG_STOP);
    if (stop === STOP_ASKED) throw new FatalError(`Cannot close ${dir}: its last flush goes on`);
    release();
    if (stop === STOP_FAILED) throw refused();
  }
}

function closed(): FatalError {
  return new FatalError("Cannot change the store: it is closed");
}

function refused(): FatalError {
  return new FatalError("Cannot flush the log: the disk refuses", "nothing is durable now");
}
