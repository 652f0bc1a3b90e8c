/**
 * The background thread of an embedded store with a directory: what the flush Worker and the upkeep
 * Worker do for a server. Blocks for most of its life; ends when LOG_STOP is set, after a last
 * flush.
 */
import { clock } from "../base/clock.ts";
import { Flusher } from "./flusher.ts";
import { Keeper } from "./keeper.ts";
import { FULL_IO_ERROR, LogState } from "./log.ts";
import {
  LOG_FLUSH_DONE,
  LOG_FLUSH_REQUEST,
  LOG_FULL,
  LOG_STOP,
  STOP_DONE,
  STOP_FAILED,
} from "./log-layout.ts";
import { Memory, type StoreHandle } from "./memory.ts";

declare const self: Worker;

const KEEPER_BUDGET_MS = 5;
const PERIOD_MS = 50;
/** At the end, so much time is for a log that is too long. */
const CLOSING_MS = 1000;
/** A flush begins at the latest so long after the last one. */
const FLUSH_PERIOD_MS = 200;

self.onmessage = (event: MessageEvent<{ handle: StoreHandle; worker: number }>) => {
  const { handle, worker } = event.data;
  const { log } = handle;
  if (log === undefined) throw new Error("the background thread is for a store with a log");
  const state = new LogState(log);
  const { control } = state;
  try {
    run(new Flusher(log, handle.control), new Keeper(new Memory(handle, worker), state), control);
    Atomics.store(control, LOG_STOP, STOP_DONE);
  } catch (error) {
    // Nothing is acknowledged any more: calls that change something throw.
    Atomics.store(control, LOG_FULL, FULL_IO_ERROR);
    Atomics.store(control, LOG_STOP, STOP_FAILED);
    throw error;
  } finally {
    Atomics.notify(control, LOG_STOP);
    Atomics.notify(control, LOG_FLUSH_DONE);
  }
  process.exit();
};

function run(flusher: Flusher, keeper: Keeper, control: Int32Array): void {
  let seen = -1;
  let flushedMs = 0;
  for (;;) {
    const request = Atomics.load(control, LOG_FLUSH_REQUEST);
    const isStopping = Atomics.load(control, LOG_STOP) !== 0;
    clock.tick();
    if (isStopping || request !== seen || clock.nowMs - flushedMs >= FLUSH_PERIOD_MS) {
      flusher.flush();
      seen = request;
      flushedMs = clock.nowMs;
    }
    if (isStopping) break;
    const hasMore = keeper.run(KEEPER_BUDGET_MS);
    if (!hasMore) Atomics.wait(control, LOG_FLUSH_REQUEST, request, PERIOD_MS);
  }
  // A program that is over soon each time would never shorten it.
  const endMs = clock.nowMs + CLOSING_MS;
  while (keeper.run(KEEPER_BUDGET_MS) && keeper.isTooLong && clock.nowMs < endMs) flusher.flush();
  flusher.close();
}
