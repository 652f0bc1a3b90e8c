/**
 * A map that two Workers fill and the main thread reads: `bun examples/shared-map.ts`.
 *
 * Each Worker counts words into the same keys; `update` is atomic, so no count is lost. Prints the
 * counts, sorted.
 */
import { attach, openStore, type StoreHandle } from "kv";

const WORDS = ["log", "bucket", "record", "log", "epoch", "log", "record"];
const ROUNDS = 1000;

function countWords(handle: StoreHandle): void {
  const store = attach(handle);
  for (let round = 0; round < ROUNDS; round++) {
    for (const word of WORDS) {
      store.update(word, (count) => String(Number(count ?? 0) + 1));
    }
    store.pushTail("rounds", String(round));
  }
}

async function main(): Promise<void> {
  const store = openStore({ memory: 64 * 1024 * 1024 });
  const workers = [new Worker(import.meta.url), new Worker(import.meta.url)];
  const ended = workers.map(
    (worker) =>
      new Promise<void>((resolve, reject) => {
        worker.onmessage = () => resolve();
        worker.onerror = reject;
        worker.postMessage(store.handle);
      }),
  );
  await Promise.all(ended);
  for (const key of [...store.scan()].map(String).sort()) {
    if (key === "rounds") console.log(`${key}: a list of ${store.listLength(key)}`);
    else console.log(`${key}: ${store.getText(key)}`);
  }
  store.close();
  process.exit(0);
}

if (Bun.isMainThread) await main();
else {
  addEventListener("message", (event: MessageEvent<StoreHandle>) => {
    countWords(event.data);
    postMessage("done");
  });
}
