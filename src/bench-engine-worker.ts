/**
 * A Worker of the engine's own suite (`kv bench engine`): attaches to the store once, then does its
 * part of one case after the other.
 *
 * Messages in: the store's handle, then jobs. Messages out: the counts of each job. All Workers of
 * a case start together: each warms up, counts itself ready and sleeps until the gate opens.
 */

import { type EngineMessage, GATE_OPEN, GATE_READY } from "./bench/engine/messages.ts";
import { EngineWork } from "./bench/engine/work.ts";
import { attach, type EmbeddedStore } from "./store/embedded.ts";

/** Enough for the compiler's top tier on the operations of one case. */
const WARM_UP_MS = 150;

let store: EmbeddedStore | null = null;

async function onMessage(message: EngineMessage): Promise<void> {
  if (message.kind === "attach") {
    store = attach(message.handle);
    return;
  }
  if (store === null) throw new Error("a job came before the store");
  const work = new EngineWork(store, message.job);
  await work.run(WARM_UP_MS);
  Atomics.add(message.gate, GATE_READY, 1);
  Atomics.notify(message.gate, GATE_READY);
  Atomics.wait(message.gate, GATE_OPEN, 0);
  postMessage(await work.run());
}

addEventListener("message", (event: MessageEvent<EngineMessage>) => void onMessage(event.data));
