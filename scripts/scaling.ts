/**
 * How the store scales with Workers, in process: `bun scripts/scaling.ts [--rounds 3]`.
 *
 * 1, 2, 4 and 8 Workers run a mix of half reads and half overwrites of 128 B over 1 M keys, in
 * batches of 50 with prefetch, for the same time, started together. Prints operations per second,
 * the ratio to one Worker, and the slowest batch of any Worker: with more Workers than cores nobody
 * may be stalled for long by another one's lock.
 */
import { Prng } from "../src/base/prng.ts";
import type { StoreHandle } from "../src/store/memory.ts";
import { attachStore, createStore, type Store } from "../src/store/store.ts";
import { median, option } from "./options.ts";

const KEYS_COUNT = 1_000_000;
const BATCH = 50;
const RUN_MS = 3000;
const WARM_UP_MS = 4000;
const KEY_SIZE = 16;
const VALUE_SIZE = 128;

interface Start {
  readonly handle: StoreHandle;
  readonly worker: number;
  readonly startAt: number;
}

interface Result {
  readonly operations: number;
  readonly slowestMs: number;
}

class Load {
  readonly #store: Store;
  readonly #prng: Prng;
  readonly #keys = Buffer.alloc(BATCH * KEY_SIZE, "k");
  readonly #value = Buffer.alloc(VALUE_SIZE, "v");
  readonly #out = Buffer.alloc(VALUE_SIZE);
  readonly #hashes = new Int32Array(BATCH);
  readonly #scratch = new Int32Array(BATCH);

  constructor(store: Store, seed: number) {
    this.#store = store;
    this.#prng = new Prng(seed);
  }

  /** One batch; `first`: the first of consecutive keys to set, -1 for the random mix. */
  batch(first: number): void {
    const store = this.#store;
    const keys = this.#keys;
    store.enterBatch();
    for (let i = 0; i < BATCH; i++) {
      const id = first < 0 ? this.#prng.below(KEYS_COUNT) : first + i;
      keys.writeInt32LE(id, i * KEY_SIZE);
      this.#hashes[i] = store.hash(keys, i * KEY_SIZE, KEY_SIZE);
    }
    store.prefetch(this.#hashes, this.#scratch, BATCH);
    const cursor = store.cursor(0);
    for (let i = 0; i < BATCH; i++) {
      cursor.bytes = keys;
      cursor.keyStart = i * KEY_SIZE;
      cursor.keyLength = KEY_SIZE;
      cursor.hash = this.#hashes[i] as number;
      if (first >= 0 || (i & 1) === 0) store.setString(cursor, this.#value, 0, VALUE_SIZE);
      else {
        do {
          if (!store.beginRead(cursor)) continue;
          const start = cursor.valueStart;
          cursor.valueBytes.copy(this.#out, 0, start, start + cursor.valueLength);
        } while (!store.endRead(cursor));
      }
    }
    store.leaveBatch();
  }
}

function work(start: Start): Result {
  const load = new Load(attachStore(start.handle, start.worker), start.worker + 1);
  // Every Worker compiles its own code: until all have, the fastest would wait for the slowest.
  while (Date.now() < start.startAt) load.batch(-1);
  let operations = 0;
  let slowestMs = 0;
  const endMs = performance.now() + RUN_MS;
  for (let now = performance.now(); now < endMs; ) {
    load.batch(-1);
    operations += BATCH;
    const after = performance.now();
    slowestMs = Math.max(slowestMs, after - now);
    now = after;
  }
  return { operations, slowestMs };
}

async function run(workersCount: number): Promise<Result> {
  const handle = createStore({ reserveBytes: 2 * 1024 ** 3, workers: workersCount + 1 });
  const filler = new Load(attachStore(handle, workersCount), 99);
  for (let id = 0; id < KEYS_COUNT; id += BATCH) filler.batch(id);
  const startAt = Date.now() + WARM_UP_MS;
  const results = await Promise.all(
    Array.from({ length: workersCount }, (_, worker) => {
      const thread = new Worker(import.meta.url);
      const result = new Promise<Result>((resolve) => {
        thread.onmessage = (event) => resolve(event.data);
      });
      thread.postMessage({ handle, worker, startAt } satisfies Start);
      return result;
    }),
  );
  return {
    operations: results.reduce((sum, { operations }) => sum + operations, 0),
    slowestMs: Math.max(...results.map(({ slowestMs }) => slowestMs)),
  };
}

async function main(): Promise<void> {
  const rounds = Number(option("rounds", "3"));
  const counts = [1, 2, 4, 8];
  const rates = new Map(counts.map((count) => [count, [] as number[]]));
  const slowest = new Map(counts.map((count) => [count, 0]));
  for (let round = 0; round < rounds; round++) {
    for (const count of counts) {
      const { operations, slowestMs } = await run(count);
      rates.get(count)?.push((operations / RUN_MS) * 1000);
      slowest.set(count, Math.max(slowest.get(count) ?? 0, slowestMs));
    }
  }
  const one = median(rates.get(1) ?? []);
  process.stdout.write(
    "| Workers | operations/s | of one | slowest batch of 50 |\n|---|---|---|---|\n",
  );
  for (const count of counts) {
    const rate = median(rates.get(count) ?? []);
    const cells = [
      count,
      `${(rate / 1e6).toFixed(2)} M`,
      (rate / one).toFixed(2),
      `${slowest.get(count)?.toFixed(1)} ms`,
    ];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
  process.exit(0);
}

if (Bun.isMainThread) await main();
else {
  addEventListener("message", (event: MessageEvent<Start>) => postMessage(work(event.data)));
}
