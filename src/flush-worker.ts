/**
 * The flush Worker: makes the log durable, when it is asked to and often enough.
 *
 * It does nothing else and blocks for most of its life, in waiting or in fdatasync: nothing that
 * takes long may come between a write and its flush. It ends when LOG_STOP is set, after a last
 * flush. An error of the disk ends it, and with it the process.
 */
import { FatalError, refusalOf } from "./base/errors.ts";
import { Flusher } from "./store/flusher.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

declare const self: Worker & { postMessage(message: FromWorker): void };

self.onmessage = (event: MessageEvent<ToWorker>) => {
  const message = event.data;
  if (message.type !== "start") return;
  const { log, control } = message.plan.store;
  if (log === undefined) throw new Error("the flush Worker is for a store with a log");
  try {
    const flusher = new Flusher(log, control);
    flusher.runUntilStopped();
    flusher.close();
    self.postMessage({ type: "flushed" });
  } catch (thrown) {
    const error = refusalOf(`Cannot flush the log in ${log.dir}`, thrown);
    if (!(error instanceof FatalError)) throw error;
    self.postMessage({ type: "failed", message: error.message, hint: error.hint });
  }
};
