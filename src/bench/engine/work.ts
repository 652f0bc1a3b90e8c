/**
 * The work of one Worker in one case, through the same calls that a program would make.
 *
 *      warm-up ─ ready ─ (all wait for the start) ─ loop until the time is over ─ counts
 *
 * Keys and values are made before the clock starts; what a read copies out is what a program would
 * get. Each operation is timed by one reading of the clock (40 ns, part of the figure): the end of
 * one operation is the beginning of the next.
 */
import { nanoseconds } from "../../base/clock.ts";
import { Prng } from "../../base/prng.ts";
import type { EmbeddedStore } from "../../store/embedded.ts";
import { Histogram, type HistogramData } from "../recorder/histogram.ts";
import type { EngineCase } from "./cases.ts";

/** What a Worker is told. */
export interface EngineJob {
  engineCase: EngineCase;
  durationMs: number;
  seed: number;
  isTimingLatency: boolean;
}

/** What one Worker did; plain data, for postMessage. */
export interface WorkCounts {
  operations: number;
  elapsedNs: number;
  hits: number;
  misses: number;
  /** Bytes of values written and read. */
  bytesOut: number;
  bytesIn: number;
  histogram: HistogramData | null;
}

/** Operations between two looks at the time, when latencies are not taken. */
const ROUND_SIZE = 64;
const PREFIX_DIGITS = 5;
const KEY_DIGITS = 8;

/** "p00042:00000123": the prefix repeats every `prefixesCount` keys. */
export function keyOf(index: number, prefixesCount: number): Buffer {
  const key = String(index).padStart(KEY_DIGITS, "0");
  return Buffer.from(`${prefixOf(index % prefixesCount, prefixesCount)}${key}`);
}

/** Empty when all keys are meant. */
function prefixOf(prefix: number, prefixesCount: number): string {
  return prefixesCount === 1 ? "" : `p${String(prefix).padStart(PREFIX_DIGITS, "0")}:`;
}

/** Writes every key once, unmeasured. */
export function fill(store: EmbeddedStore, engineCase: EngineCase): void {
  const value = Buffer.alloc(engineCase.valueSize, "v");
  for (let index = 0; index < engineCase.keysCount; index++) {
    store.set(keyOf(index, engineCase.prefixesCount), value);
  }
}

/** One Worker's part of a case. */
export class EngineWork {
  readonly #store: EmbeddedStore;
  readonly #job: EngineJob;
  readonly #random: Prng;
  readonly #keys: Buffer[];
  readonly #absent: Buffer[];
  readonly #value: Buffer;
  #hits = 0;
  #misses = 0;
  #bytesOut = 0;
  #bytesIn = 0;

  constructor(store: EmbeddedStore, job: EngineJob) {
    this.#store = store;
    this.#job = job;
    this.#random = new Prng(job.seed);
    const { keysCount, prefixesCount, valueSize } = job.engineCase;
    this.#keys = Array.from({ length: keysCount }, (_, index) => keyOf(index, prefixesCount));
    this.#absent = this.#keys.map((key) => Buffer.concat([key, Buffer.from("!")]));
    this.#value = Buffer.alloc(valueSize, "v");
  }

  /** Runs for `durationMs`, or for the duration of the job; counts from zero. */
  async run(durationMs = this.#job.durationMs): Promise<WorkCounts> {
    this.#hits = this.#misses = this.#bytesOut = this.#bytesIn = 0;
    const histogram = this.#job.isTimingLatency ? new Histogram() : null;
    const startNs = nanoseconds();
    const endNs = startNs + durationMs * 1e6;
    const { tasksCount } = this.#job.engineCase;
    const operations =
      tasksCount === 1
        ? this.#loop(endNs, histogram)
        : await this.#tasks(tasksCount, endNs, histogram);
    return {
      operations,
      elapsedNs: nanoseconds() - startNs,
      hits: this.#hits,
      misses: this.#misses,
      bytesOut: this.#bytesOut,
      bytesIn: this.#bytesIn,
      histogram: histogram?.toData() ?? null,
    };
  }

  #loop(endNs: number, histogram: Histogram | null): number {
    let operations = 0;
    let beforeNs = nanoseconds();
    while (beforeNs < endNs) {
      operations += this.#round(histogram === null ? ROUND_SIZE : 1);
      const nowNs = nanoseconds();
      histogram?.record(nowNs - beforeNs, 1);
      beforeNs = nowNs;
    }
    return operations;
  }

  /** Tasks that each wait for their turn after every round, as tasks of a program would. */
  async #tasks(count: number, endNs: number, histogram: Histogram | null): Promise<number> {
    let operations = 0;
    const task = async () => {
      for (let beforeNs = nanoseconds(); beforeNs < endNs; beforeNs = nanoseconds()) {
        operations += this.#round(1);
        histogram?.record(nanoseconds() - beforeNs, 1);
        await null;
      }
    };
    await Promise.all(Array.from({ length: count }, task));
    return operations;
  }

  /** `count` operations, or batches; returns the operations in them. */
  #round(count: number): number {
    const { batchSize, name } = this.#job.engineCase;
    if (name === "scan") return this.#scan();
    if (batchSize === 1) {
      for (let i = 0; i < count; i++) this.#operation();
      return count;
    }
    for (let i = 0; i < count; i++) this.#store.batch(() => this.#operations(batchSize));
    return count * batchSize;
  }

  #operations(count: number): void {
    for (let i = 0; i < count; i++) this.#operation();
  }

  #operation(): void {
    const { readShare, hitShare } = this.#job.engineCase;
    const random = this.#random;
    const index = (random.fraction() * this.#keys.length) | 0;
    if (readShare < 1 && (readShare === 0 || random.fraction() >= readShare)) {
      this.#store.set(this.#keys[index]!, this.#value);
      this.#bytesOut += this.#value.length;
      return;
    }
    const isThere = hitShare === 1 || random.fraction() < hitShare;
    const value = this.#store.get((isThere ? this.#keys : this.#absent)[index]!);
    if (value === null) this.#misses++;
    else {
      this.#hits++;
      this.#bytesIn += value.length;
    }
  }

  /** All keys of one prefix; each is an operation. */
  #scan(): number {
    const { prefixesCount } = this.#job.engineCase;
    const prefix = prefixOf(this.#random.below(prefixesCount), prefixesCount);
    let found = 0;
    for (const key of this.#store.scan(prefix)) {
      found++;
      this.#bytesIn += key.length;
    }
    this.#hits += found;
    return found;
  }
}
