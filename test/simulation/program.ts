/**
 * Loads the store's real modules for the simulation: changed by transform.ts, and instantiated once
 * for each logical thread, as each Worker has module state of its own. Only the SharedArrayBuffers
 * are common to all threads.
 *
 * Modules without state and without shared memory (layouts, size classes, what is outside of the
 * store) are used as they are; the clock is a simulated one. Locks spin twice instead of 200 times
 * before they give way.
 *
 * A `mutation` replaces one piece of the store's source: with it, a test shows that a bug would be
 * found.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { assert } from "../../src/base/assert.ts";
import { Prng } from "../../src/base/prng.ts";
import {
  BUCKET_WORDS,
  CONTROL_CHUNK_NEXT,
  CONTROL_SECRET,
  CONTROL_SEGMENT_OPEN,
  COUNT_MEMORY_LIMIT,
  COUNTERS_ROW,
  SHARD_BUCKETS,
  SHARD_OVERFLOW_LOW,
} from "../../src/store/layout.ts";
import {
  type HashIndex,
  Memory,
  RESERVE_SIZE_MIN,
  reserveMemory,
  resetShard,
  SETTINGS_ROW,
} from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import type { Scheduler } from "./scheduler.ts";
import { type SourceModule, Transformer } from "./transform.ts";

const STORE = resolve(import.meta.dir, "../../src/store");
/** Neither state of their own nor shared memory: the threads share them. */
const NATIVE = new Set(
  "layout.ts status.ts cursor.ts size-class.ts memory.ts record.ts invariants.ts".split(" "),
);

/** Bytes of a shard of the simulated index: one shard, so that threads meet and buckets split. */
const SHARD_SIZE = 256 * 1024;
/** Logical threads that can attach. */
const THREADS_MAX = 16;

/** Replaces `find`, which must occur exactly once in `file`, however it is wrapped there. */
export interface Mutation {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/**
 * A module as a function. `privateBuffer` stands for SharedArrayBuffer: modules make none but the
 * word of `fence`, and a real one is a mapping of its own (1 ms).
 */
type Factory = (
  scheduler: Scheduler,
  load: (path: string) => object,
  privateBuffer: typeof ArrayBuffer,
) => object;

/** Time of the simulation, for base/clock.ts: whoever moves it moves it for all. */
export class SimulatedClock {
  nowMs = 1_000_000;
  #ns = 0;

  tick(): void {}

  resync(): void {}

  /** Every look at the clock takes a microsecond. */
  nanoseconds(): number {
    this.#ns += 1000;
    return this.#ns;
  }
}

/** The store's modules, ready to be instantiated for any number of threads. */
export class Program {
  readonly #factories = new Map<string, Factory>();
  readonly #native = new Map<string, object>();

  static async load(fine: boolean, mutations: readonly Mutation[] = []): Promise<Program> {
    const program = new Program();
    const sources = reachable(["store.ts"], NATIVE, mutations, {});
    const transformer = new Transformer(sources, () => fine);
    for (const { path } of sources) {
      const code = transformer.print(path);
      program.#factories.set(
        path,
        new Function("$", "$import", "SharedArrayBuffer", code) as Factory,
      );
    }
    for (const name of NATIVE) program.#native.set(`./${name}`, await import(join(STORE, name)));
    for (const [path, module] of await loadBase()) program.#native.set(path, module);
    return program;
  }

  /** The modules of one logical thread, and its face of the store. */
  attach(scheduler: Scheduler, memory: Memory, clock: SimulatedClock): Store {
    const loaded = new Map<string, object>(this.#native);
    loaded.set("../base/clock.ts", { clock, nanoseconds: () => clock.nanoseconds() });
    const load = (path: string): object => {
      const known = loaded.get(path);
      if (known !== undefined) return known;
      const factory = this.#factories.get(path);
      assert(factory !== undefined, `${path} is a module of the store`);
      const made = factory(scheduler, load, ArrayBuffer);
      loaded.set(path, made);
      return made;
    };
    const { Store: StoreClass } = load("./store.ts") as { Store: new (memory: Memory) => Store };
    return new StoreClass(memory);
  }
}

/** The modules of base, by the paths that the store imports them by. */
export async function loadBase(): Promise<Map<string, object>> {
  const modules = new Map<string, object>();
  for (const name of readdirSync(join(STORE, "../base"))) {
    if (!/^[a-z0-9-]+\.ts$/.test(name)) continue;
    modules.set(`../base/${name}`, await import(join(STORE, "../base", name)));
  }
  return modules;
}

/** Other values of constants, by file and name: `export const NAME = ...;` at its top. */
export type Constants = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The modules that `names` need, themselves included, but for the native ones. */
export function reachable(
  names: readonly string[],
  native: ReadonlySet<string>,
  mutations: readonly Mutation[],
  constants: Constants,
): SourceModule[] {
  const found = new Map<string, SourceModule>();
  const visit = (file: string): void => {
    const path = `./${file}`;
    if (native.has(file) || found.has(path)) return;
    const source = sourceOf(file, mutations, constants[file] ?? {});
    found.set(path, { path, source });
    // Types are gone when it runs, and so is what they are imported from.
    const values = source.replace(/^import type [^;]*;/gm, "");
    for (const match of values.matchAll(/\bfrom "\.\/([a-z-]+\.ts)";/g)) visit(match[1] as string);
  };
  for (const name of names) visit(name);
  return [...found.values()];
}

function sourceOf(
  name: string,
  mutations: readonly Mutation[],
  constants: Readonly<Record<string, number>>,
): string {
  let source = readFileSync(join(STORE, name), "utf8");
  for (const { file, find, replace } of mutations) {
    if (file !== name) continue;
    const pattern = asPattern(find);
    assert(
      source.match(new RegExp(pattern, "g"))?.length === 1,
      `"${find}" stands once in ${file}`,
    );
    source = source.replace(new RegExp(pattern), () => replace);
  }
  for (const [constant, value] of Object.entries(constants)) {
    const pattern = new RegExp(`^((?:export )?const ${constant} =)[^;]*;`, "m");
    assert(pattern.test(source), `${name} has a constant ${constant}`);
    source = source.replace(pattern, `$1 ${value};`);
  }
  return source.replace(/^const SPINS_MAX = \d+;/m, "const SPINS_MAX = 2;");
}

/** The memory that all threads share, made once and emptied for every seed. */
export class SimulatedMemory {
  readonly #handle = reserveMemory(RESERVE_SIZE_MIN, THREADS_MAX);
  readonly #control = new Int32Array(this.#handle.control);
  readonly #initial = this.#control.slice();
  readonly #keys = oneShard(true);
  readonly #nodes = oneShard(false);

  /** Makes everything as in a new store whose hash secrets come from `seed`. */
  reset(seed: number): void {
    this.#clearSegments();
    this.#control.set(this.#initial);
    const prng = new Prng(seed);
    for (let i = 0; i < 3; i++) this.#control[CONTROL_SECRET + i] = prng.int32();
    const counters = new Float64Array(this.#handle.counters);
    counters.fill(0, 0, THREADS_MAX * COUNTERS_ROW);
    counters.fill(0, SETTINGS_ROW);
    counters[SETTINGS_ROW + COUNT_MEMORY_LIMIT] = Number.POSITIVE_INFINITY;
    for (const index of [this.#keys, this.#nodes]) clearShard(index.shards[0] as Int32Array);
  }

  /**
   * What a segment held could steer a reader of stale addresses: a seed must find it as it was the
   * first time.
   */
  #clearSegments(): void {
    const open = this.#control[CONTROL_SEGMENT_OPEN] as number;
    for (let slot = 0; slot <= open; slot++) {
      const words = new Int32Array(this.#handle.segments[slot] as SharedArrayBuffer);
      const used = slot < open ? words.length : (this.#control[CONTROL_CHUNK_NEXT] as number) / 4;
      words.fill(0, 0, used);
    }
  }

  /** Views for the logical thread `worker`. */
  attach(worker: number): Memory {
    const memory = new Memory(this.#handle, worker);
    const open = memory as { -readonly [Field in keyof Memory]: Memory[Field] };
    open.keys = this.#keys;
    open.nodes = this.#nodes;
    return memory;
  }
}

function oneShard(isKeys: boolean): HashIndex {
  const view = new Int32Array(new SharedArrayBuffer(SHARD_SIZE));
  resetShard(view);
  return { shards: [view], shardBits: 0, shardMask: 0, isKeys };
}

/** Clears the words that buckets have used. */
function clearShard(view: Int32Array): void {
  const end = ((view[SHARD_BUCKETS] as number) + 2) * BUCKET_WORDS;
  view.fill(0, view[SHARD_OVERFLOW_LOW] as number);
  view.fill(0, 0, end);
  resetShard(view);
}

/**
 * A pattern for the code however it is wrapped: any space between the words, a comma before a
 * closing bracket.
 */
function asPattern(code: string): string {
  const words = code.match(/\w+|[^\w\s]/g) as string[];
  return words
    .map((word) => (word === ")" ? ",?\\s*\\)" : word.replace(/\W/, "\\$&")))
    .join("\\s*");
}
