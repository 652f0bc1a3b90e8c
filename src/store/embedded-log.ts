/**
 * Durability of the embedded store: what the flush Worker and the upkeep Worker do in the server,
 * done by the thread that opened the store, between its calls.
 *
 * A program that never lets its event loop turn is served as well: every so many calls, and by a
 * timer, it is looked whether a flush is due. Threads that have attached rely on the opening
 * thread; with "always" their calls wait until it has flushed.
 */
import { clock } from "../base/clock.ts";
import { FatalError } from "../base/errors.ts";
import type { Durability } from "./durability.ts";
import { Flusher, requestFlush } from "./flusher.ts";
import { Keeper, requestCheckpoint } from "./keeper.ts";
import { LogState } from "./log.ts";
import {
  LOG_CHECKPOINT_DONE,
  LOG_CHECKPOINT_FAILED,
  LOG_FLUSH_DONE,
  LOG_MODE,
  LOG_MODE_ALWAYS,
} from "./log-layout.ts";
import type { StoreHandle } from "./memory.ts";
import type { Store } from "./store.ts";

/** Calls between two looks at the clock. */
const CALLS_A_LOOK = 64;
const FLUSH_PERIOD_MS = 250;
const KEEPER_PERIOD_MS = 50;
const KEEPER_BUDGET_MS = 2;
const CHECKPOINT_STEP_MS = 1000;
/** An attached thread looks again so often whether it was flushed. */
const WAIT_MS = 10;

/** The opening thread's part. */
export class EmbeddedLog {
  readonly #flusher: Flusher;
  readonly #keeper: Keeper;
  readonly #state: LogState;
  readonly #release: () => void;
  readonly #isAlways: boolean;
  readonly #durability: Durability;
  #callsUntilLook = CALLS_A_LOOK;
  #flushedMs = 0;
  #keptMs = 0;

  constructor(store: Store, handle: StoreHandle, release: () => void) {
    const { log } = handle;
    const { durability } = store;
    if (log === undefined || durability === null) throw new FatalError("Cannot open: no log");
    this.#durability = durability;
    this.#state = new LogState(log);
    this.#flusher = new Flusher(log, handle.control);
    this.#keeper = new Keeper(store.memory, this.#state);
    this.#isAlways = this.#state.control[LOG_MODE] === LOG_MODE_ALWAYS;
    this.#release = release;
  }

  /** After a call that may have changed something, between batches. Hot. */
  afterCall(): void {
    if (this.#isAlways) {
      if (!this.#durability.isDurable(this.#durability.lastStamp())) this.#flusher.flush();
    }
    if (--this.#callsUntilLook > 0) return;
    this.#callsUntilLook = CALLS_A_LOOK;
    clock.tick();
    this.look();
  }

  /** Flushes and keeps the directory when it is time to. */
  look(): void {
    const { nowMs } = clock;
    if (nowMs - this.#flushedMs >= FLUSH_PERIOD_MS) {
      this.#flusher.flush();
      this.#flushedMs = clock.nowMs;
    }
    if (nowMs - this.#keptMs >= KEEPER_PERIOD_MS) {
      this.#keptMs = nowMs;
      this.#keeper.run(KEEPER_BUDGET_MS);
    }
  }

  flush(): void {
    this.#flusher.flush();
    this.#flushedMs = clock.nowMs;
  }

  /** Writes a checkpoint of everything. Throws FatalError when the disk refuses. */
  checkpoint(): void {
    const { control } = this.#state;
    const failed = Atomics.load(control, LOG_CHECKPOINT_FAILED);
    const request = requestCheckpoint(control);
    while (Atomics.load(control, LOG_CHECKPOINT_DONE) - request < 0) {
      this.#keeper.run(CHECKPOINT_STEP_MS);
      this.flush();
    }
    while (this.#keeper.run(KEEPER_BUDGET_MS));
    if (Atomics.load(control, LOG_CHECKPOINT_FAILED) === failed) return;
    throw new FatalError(`Cannot write a checkpoint in ${this.#state.dir}`, "is the disk full?");
  }

  close(): void {
    this.flush();
    this.#flusher.close();
    this.#release();
  }
}

/** Waits until what an attached thread has written is as durable as "always" promises. */
export function waitUntilDurable(state: LogState, stamp: number, durability: Durability): void {
  const { control } = state;
  while (durability.mustHold(stamp)) {
    const seen = Atomics.load(control, LOG_FLUSH_DONE);
    requestFlush(control);
    Atomics.wait(control, LOG_FLUSH_DONE, seen, WAIT_MS);
    clock.tick();
  }
}
