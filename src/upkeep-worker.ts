/**
 * The upkeep Worker: what the store does in the background, so that serving Workers do not have to.
 *
 * `hz` times a second it gives the store a budget of time: freeing retired collections, removing
 * expired keys, handing empty chunks back. When the store says that there is more to do it gets the
 * next budget at once, after messages. It also takes the samples behind the rates and the memory
 * peak of INFO. What is done, and how, is the store's (Store.upkeep).
 */
import { clock } from "./base/clock.ts";
import { FatalError, refusalOf } from "./base/errors.ts";
import { Log } from "./base/log.ts";
import { ServerStats } from "./base/server-stats.ts";
import { Settings } from "./base/settings.ts";
import { attachAny } from "./store/durable-store.ts";
import { Keeper } from "./store/keeper.ts";
import { LogState } from "./store/log.ts";
import type { Store } from "./store/store.ts";
import type { FromWorker, ServerPlan, ToWorker } from "./worker-messages.ts";

declare const self: Worker & { postMessage(message: FromWorker): void };

/** A quarter of a core at the most while expired keys come in masses, as in Redis. */
const BUDGET_SHARE = 0.25;
const MS_PER_S = 1000;
/** A step of a checkpoint. It keeps exclusive sections (FLUSHALL, KEYS) waiting so long. */
const KEEPER_BUDGET_MS = 3;
/** Between two steps: a checkpoint takes a sixth of a core from those who serve. */
const KEEPER_PAUSE_MS = 15;
/** Between two budgets that follow each other: messages get in, serving Workers get the buckets. */
const PAUSE_MS = 1;

class Upkeep {
  readonly #store: Store;
  /** Looks after the log and its checkpoints; null in memory mode. */
  readonly #keeper: Keeper | null;
  readonly #dir: string;
  readonly #stats: ServerStats;
  readonly #periodMs: number;
  isActiveExpireOn = true;
  /** Why checkpoints fail, and changes are refused; "" when they are not: as it was said last. */
  #checkpointError = "";
  #fullReason = "";
  readonly #log = new Log("upkeep");
  #timer: Timer | null = null;
  #lastRoundMs = 0;

  constructor(plan: ServerPlan, worker: number) {
    this.#store = attachAny(plan.store, worker);
    const { log } = plan.store;
    this.#dir = log?.dir ?? "";
    this.#keeper = log === undefined ? null : new Keeper(this.#store.memory, new LogState(log));
    this.#stats = new ServerStats(plan.stats, worker, plan.threads + 1);
    this.#periodMs = MS_PER_S / Settings.from(plan.settings).hz;
  }

  /** One round, and those after it. A refusal of the disk that ends them ends the server. */
  run(): void {
    try {
      this.#round();
    } catch (thrown) {
      const error = refusalOf(`Cannot look after ${this.#dir}`, thrown);
      if (!(error instanceof FatalError)) throw error;
      self.postMessage({ type: "failed", message: error.message, hint: error.hint });
    }
  }

  #round(): void {
    clock.resync();
    if (clock.nowMs - this.#lastRoundMs >= this.#periodMs) {
      this.#lastRoundMs = clock.nowMs;
      this.#stats.sample(clock.nowMs);
      this.#stats.notePeak(this.#store.usedMemory());
    }
    const hasMore = this.#store.upkeep(this.#periodMs * BUDGET_SHARE, this.isActiveExpireOn);
    const keepsMore = this.#keeper?.run(KEEPER_BUDGET_MS) === true;
    if (this.#keeper !== null) this.#tellRefusals();
    const keeperPauseMs = this.#keeper?.isBehind === true ? 0 : KEEPER_PAUSE_MS;
    const pauseMs = keepsMore ? keeperPauseMs : this.#periodMs;
    this.#timer = setTimeout(() => this.run(), hasMore ? Math.min(PAUSE_MS, pauseMs) : pauseMs);
  }

  /** Says what the disk has refused, once each time that it begins and ends. */
  #tellRefusals(): void {
    const { durability } = this.#store;
    if (durability === null) return;
    const checkpointError = durability.checkpointError();
    if (checkpointError !== this.#checkpointError) {
      this.#checkpointError = checkpointError;
      if (checkpointError === "") this.#log.info("checkpoints succeed again");
      else this.#log.warn(`a checkpoint has failed: ${checkpointError}`);
    }
    const fullReason = durability.fullReason();
    if (fullReason !== this.#fullReason) {
      this.#fullReason = fullReason;
      if (fullReason === "") this.#log.info("changes are accepted again");
      else this.#log.warn(`changes are refused, the log cannot grow: ${fullReason}`);
    }
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

let upkeep: Upkeep | null = null;

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  if (message.type === "start") {
    upkeep = new Upkeep(message.plan, message.worker);
    upkeep.run();
  } else if (message.type === "active-expire" && upkeep !== null) {
    upkeep.isActiveExpireOn = message.isOn;
  } else if (message.type === "stop") {
    upkeep?.stop();
    self.postMessage({ type: "stopped" });
  }
};
