/**
 * A load of calls: operations on a store in this process, phase after phase.
 *
 * There is one thread: the `concurrency` tasks of task-loop.ts take turns on it.
 * There is no wire: bytes on it are 0.
 */
import { type LocalStore, type LocalStoreName, openLocalStore } from "../drivers/in-process.ts";
import type { OperationName, RequestPhase } from "../plan.ts";
import { clientProcessorNs } from "../processor-time.ts";
import type { Series } from "../recorder/series.ts";
import { KeySpace } from "../workloads/key-space.ts";
import type { Draw, LoadPlan } from "../workloads/make-encoder.ts";
import { KeyTexts, type OperationStream } from "../workloads/operation-stream.ts";
import { createValues, type ValueSource } from "../workloads/values.ts";
import type { Load, LoadResult, OnProgress } from "./load.ts";
import { createPhaseWork, type PhaseWork, resultOf } from "./phase-work.ts";
import { TaskLoop } from "./task-loop.ts";

/** Done on a store of its own before the clock starts, so that the code is compiled: 30 ms. */
const PRACTICE_OPERATIONS = 50_000;
const PRACTICE_KEYS = 1000;

export class InProcessLoad implements Load {
  readonly #plan: LoadPlan;
  readonly #name: LocalStoreName;
  readonly #store: LocalStore;
  readonly #values: ValueSource;
  readonly #keys: KeyTexts;
  readonly #lists: KeyTexts;
  /** By the number of keys that are filled: phases with as many share one. */
  readonly #spaces = new Map<number, KeySpace>();

  constructor(plan: LoadPlan, name: LocalStoreName) {
    this.#plan = plan;
    this.#name = name;
    this.#store = openLocalStore(name);
    this.#values = createValues(plan.values, plan.seed);
    this.#keys = new KeyTexts("simple", plan.seed);
    this.#lists = new KeyTexts("chat", plan.seed);
  }

  get keysCount(): number {
    return this.#store.keysCount();
  }

  async warmUp(phase: RequestPhase): Promise<void> {
    await this.#practise(phase);
    if (phase.warmupMs === 0) return;
    const amount = { durationMs: phase.warmupMs };
    await this.#run(this.#prepare(phase, "warm-up"), this.#store, { ...phase, amount }, null);
  }

  async run(phase: RequestPhase, onProgress: OnProgress | null): Promise<LoadResult> {
    const work = this.#prepare(phase, "measured");
    const startNs = clientProcessorNs();
    const outcome = await this.#run(work, this.#store, phase, onProgress);
    return resultOf(work, { ...outcome, clientNs: clientProcessorNs() - startNs, open: null });
  }

  async close(): Promise<void> {
    this.#store.close();
  }

  async #practise(phase: RequestPhase): Promise<void> {
    const keysCount = Math.min(phase.keysCount, PRACTICE_KEYS);
    const short = { ...phase, keysCount, amount: { operations: PRACTICE_OPERATIONS } };
    const space = new KeySpace(keysCount, 0, 1);
    const work = createPhaseWork(short, this.#plan, this.#values, space, "warm-up");
    const store = openLocalStore(this.#name);
    await this.#run(work, store, short, null);
    store.close();
  }

  #prepare(phase: RequestPhase, draw: Draw): PhaseWork {
    const space = this.#spaces.get(phase.keysCount) ?? new KeySpace(phase.keysCount, 0, 1);
    this.#spaces.set(phase.keysCount, space);
    return createPhaseWork(phase, this.#plan, this.#values, space, draw);
  }

  async #run(
    work: PhaseWork,
    store: LocalStore,
    phase: Pick<RequestPhase, "amount" | "batchSize">,
    onProgress: OnProgress | null,
  ): Promise<{ operations: number; elapsedNs: number; series: Series }> {
    const { stream } = work;
    if (stream === null) throw new RangeError("a store in process has no commands");
    const call = (name: OperationName) => this.#call(store, work, stream, name);
    const loop = new TaskLoop({ phase, work, stream, store, call, onProgress });
    return await loop.run(this.#plan.concurrency);
  }

  /** One operation: its calls, and what comes back. Hot. */
  #call(
    store: LocalStore,
    { checks, space }: PhaseWork,
    { key, argument }: OperationStream,
    name: OperationName,
  ): void {
    const { historyLength, readSize } = this.#plan.chat;
    switch (name) {
      case "set":
        store.set(this.#keys.of(key), checks.written(key));
        break;
      case "insert":
        store.set(this.#keys.of(key), checks.written(key));
        space.answered(key);
        break;
      case "get":
        checks.readsCount++;
        checks.value(key, store.get(this.#keys.of(key)));
        break;
      case "rmw": {
        const text = this.#keys.of(key);
        checks.readsCount++;
        checks.value(key, store.get(text));
        store.set(text, checks.written(key));
        break;
      }
      case "scan":
        checks.readsCount += argument;
        for (let i = 0; i < argument; i++) checks.value(key + i, store.get(this.#keys.of(key + i)));
        break;
      case "push": {
        const text = this.#lists.of(key);
        store.pushHead(text, checks.written(argument));
        store.trim(text, 0, historyLength - 1);
        break;
      }
      case "range":
        checks.readsCount++;
        checks.items(store.range(this.#lists.of(key), 0, readSize - 1));
        break;
      case "command":
        throw new RangeError("a template is no operation of a mix");
    }
  }
}
