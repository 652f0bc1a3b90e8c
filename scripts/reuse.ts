/**
 * Whether space is reused: `bun scripts/reuse.ts [--millions 100]`.
 *
 * A fixed live set of 200,000 keys is overwritten, deleted and inserted again with values of mixed
 * sizes (1 B to 4 KiB, and now and then 40 KiB, which live in nodes). Prints resident memory after
 * the first pass and along the way; the last line is the ratio. Run it alone: it takes a minute or
 * two.
 */
import { clock } from "../src/base/clock.ts";
import { Prng } from "../src/base/prng.ts";
import { attachStore, createStore } from "../src/store/store.ts";
import { option } from "./options.ts";

const KEYS_COUNT = 200_000;
const REPORTS_COUNT = 10;

function sizeOf(prng: Prng): number {
  const kind = prng.below(1000);
  if (kind === 0) return 40_000;
  return kind < 600 ? 1 + prng.below(200) : 1 + prng.below(4096);
}

function main(): void {
  const total = Number(option("millions", "100")) * 1e6;
  const store = attachStore(createStore({ reserveBytes: 8 * 1024 ** 3, workers: 1 }), 0);
  const prng = new Prng(1);
  const key = Buffer.alloc(8, "k");
  const value = Buffer.alloc(40_000, "v");
  const cursor = store.cursor(0);
  const overwrite = (id: number) => {
    key.writeInt32LE(id, 0);
    cursor.bytes = key;
    cursor.keyStart = 0;
    cursor.keyLength = key.length;
    cursor.hash = store.hash(key, 0, key.length);
    store.lock(cursor);
    if (cursor.type !== 0 && prng.below(4) === 0) {
      store.remove(cursor);
      store.unlock(cursor);
      store.lock(cursor);
    }
    store.putString(cursor, value, 0, sizeOf(prng), 0);
    store.unlock(cursor);
  };
  for (let id = 0; id < KEYS_COUNT; id++) overwrite(id);
  const first = process.memoryUsage().rss;
  process.stdout.write(
    `first pass: ${(first / 2 ** 20).toFixed(0)} MiB, live ${store.usedMemory() >> 20} MiB\n`,
  );
  for (let done = 0, report = 1; done < total; done += 1000) {
    for (let i = 0; i < 1000; i++) overwrite(prng.below(KEYS_COUNT));
    clock.tick();
    if (done % 100_000 === 0) {
      store.upkeep(2);
      // The collector counts the store's memory as its own and would leave this script's litter
      // lying.
      Bun.gc(false);
    }
    if (done >= (total / REPORTS_COUNT) * report) {
      const rss = process.memoryUsage().rss / 2 ** 20;
      process.stdout.write(
        `${done / 1e6} M: ${rss.toFixed(0)} MiB, live ${store.usedMemory() >> 20} MiB\n`,
      );
      report++;
    }
  }
  process.stdout.write(`ratio ${(process.memoryUsage().rss / first).toFixed(2)}\n`);
}

main();
