/**
 * Loads the durable store's real modules for the simulation, twice:
 *
 *   threads    as generators that a scheduler switches (transform.ts): the clients' stores, the
 *              flusher, the keeper; instantiated once for each logical thread
 *   recovery   as plain functions: nobody else runs meanwhile, and it can only end in the middle of
 *              an operation on files, where the disk ends it
 *
 * Both see a fake disk instead of files. Segments, chunks and blocks are some thousand times as
 * small as in production, so that a short run fills, recycles and recovers many of them; the map
 * has two shards of few buckets. What is in a record is nobody's business here.
 */
import { join } from "node:path";
import { assert } from "../../src/base/assert.ts";
import type { Prng } from "../../src/base/prng.ts";
import type { DurableStore } from "../../src/store/durable-store.ts";
import type { Flusher } from "../../src/store/flusher.ts";
import type { Keeper } from "../../src/store/keeper.ts";
import type { LogState } from "../../src/store/log.ts";
import type { LogHandle } from "../../src/store/log-layout.ts";
import type { Memory, StoreHandle } from "../../src/store/memory.ts";
import type { Recovered, RecoveryOptions } from "../../src/store/recovery.ts";
import type { Store } from "../../src/store/store.ts";
import type { FakeDisk } from "./fake-disk.ts";
import {
  type Constants,
  loadBase,
  type Mutation,
  reachable,
  type SimulatedClock,
} from "./program.ts";
import type { Scheduler } from "./scheduler.ts";
import { Transformer } from "./transform.ts";

const KIB = 1024;
const CONSTANTS: Constants = {
  "layout.ts": {
    SEGMENT_SIZE: 4096 * KIB,
    KEY_SHARD_BITS: 1,
    NODE_SHARD_BITS: 1,
    SHARD_BUCKETS_MIN: 2,
    WORKERS_MAX: 8,
  },
  "memory.ts": { SHARD_SIZE_MAX: 64 * KIB, SHARD_SIZE_MIN: 64 * KIB },
  "log-layout.ts": {
    LOG_SEGMENT_SIZE: 16 * KIB,
    LOG_CHUNK_SIZE: 4 * KIB,
    LOG_SLOTS_MAX: 256,
    BLOCK_SIZE_MAX_BYTES: 4 * KIB,
  },
  "log-files.ts": { PIECE_ALWAYS: 16 * KIB, PIECE_EVERYSEC: 16 * KIB, PIECE_RANDOM: 16 * KIB },
  "log.ts": { ESSENTIAL_CHUNKS: 1, FRAGMENT_SIZE_MIN: 128 },
  "log-values.ts": { PIECE_SIZE: KIB, ITEMS_SIZE_MAX: 600 },
  "keeper.ts": { LOG_SIZE_MIN: 48 * KIB, RETRY_MS: 20 },
  "checkpoint.ts": {
    BUCKETS_A_STEP: 1,
    FLUSH_EVERY_BYTES: 16 * KIB,
    BLOCK_FULL_SIZE: 3 * KIB,
    FRAGMENT_SIZE: KIB,
  },
};
/** Bytes of the map: enough that every thread has a chunk of each size class. */
export const RESERVE_SIZE = 8 * 4096 * KIB;

/** Where threads may switch at plain accesses too: the log's own code, not the map's. */
const FINE = new Set(["./log.ts", "./checkpoint.ts", "./keeper.ts", "./flusher.ts"]);

/** Neither state of their own nor shared memory: all threads have the same ones. */
const STATELESS = "layout log-layout status cursor size-class record".split(" ");

type Steps<T> = Generator<unknown, T>;
type Load = (path: string) => object;
/** What a module sees instead of the runtime's own: see `environment`. */
type Factory = (load: Load, ...environment: readonly unknown[]) => object;

/** What all modules of a run share. */
export interface Environment {
  readonly disk: FakeDisk;
  readonly clock: SimulatedClock;
  readonly prng: Prng;
}

/** One logical thread's modules. Whatever they export may be, or return, generators. */
export class DurableThread {
  readonly #load: Load;
  readonly #scheduler: Scheduler;

  constructor(load: Load, scheduler: Scheduler) {
    this.#load = load;
    this.#scheduler = scheduler;
  }

  *memory(handle: StoreHandle, worker: number): Steps<Memory> {
    return yield* this.#make<Memory>("./memory.ts", "Memory", [handle, worker]);
  }

  *store(handle: StoreHandle, log: LogHandle, worker: number): Steps<DurableStore> {
    const attach = this.#get<(handle: StoreHandle, worker: number) => Store>(
      "./durable-store.ts",
      "attachAny",
    );
    return (yield* this.#scheduler.run(attach({ ...handle, log }, worker))) as DurableStore;
  }

  *state(log: LogHandle): Steps<LogState> {
    return yield* this.#make<LogState>("./log.ts", "LogState", [log]);
  }

  *flusher(handle: StoreHandle, log: LogHandle): Steps<Flusher> {
    return yield* this.#make<Flusher>("./flusher.ts", "Flusher", [log, handle.control]);
  }

  *keeper(memory: Memory, state: LogState): Steps<Keeper> {
    return yield* this.#make<Keeper>("./keeper.ts", "Keeper", [memory, state]);
  }

  *#make<T>(path: string, name: string, given: readonly unknown[]): Steps<T> {
    const made = this.#get<new (...given: readonly unknown[]) => T>(path, name);
    return yield* this.#scheduler.construct(made, given);
  }

  #get<T>(path: string, name: string): T {
    return (this.#load(path) as Record<string, T>)[name] as T;
  }
}

/** The recovering process. */
export interface RecoveryModules {
  recover(options: RecoveryOptions): Recovered;
  attachStore(handle: StoreHandle, worker: number): Store;
  checkInvariants(memory: Memory): void;
  /** The last stamp that `run` is said to have, 0 when it is no longer named. */
  lastOf(run: number): number;
  /** The stamp above which the log is needed. */
  logMark(): number;
}

export class DurableProgram {
  readonly #threads = new Map<string, Factory>();
  readonly #plain = new Map<string, Factory>();
  readonly #shared: Map<string, object>;

  private constructor(native: Map<string, object>) {
    this.#shared = native;
  }

  /** `fine`: threads switch at plain accesses of the log's code too, not only at atomic ones. */
  static async load(fine: boolean, mutations: readonly Mutation[] = []): Promise<DurableProgram> {
    const native = await loadBase();
    native.set("node:path", { join });
    native.set("node:os", { totalmem: () => 2 ** 33 });
    native.set("bun:sqlite", { Database: NoLock });
    const program = new DurableProgram(native);
    const threads = ["durable-store.ts", "flusher.ts", "keeper.ts"];
    const isFine = (path: string): boolean => fine && FINE.has(path);
    compile(threads, mutations, isFine, true, program.#threads);
    const recovery = ["recovery.ts", "invariants.ts"];
    compile(recovery, mutations, () => false, false, program.#plain);
    for (const name of STATELESS) loadInto(program.#shared, program.#plain, [null], `./${name}.ts`);
    return program;
  }

  thread(environment: Environment, scheduler: Scheduler): DurableThread {
    return new DurableThread(this.#loader(this.#threads, environment, scheduler), scheduler);
  }

  recovery(environment: Environment): RecoveryModules {
    const load = this.#loader(this.#plain, environment, null);
    const from = <T>(path: string): T => load(path) as T;
    const { readManifest, logMark } =
      from<typeof import("../../src/store/manifest.ts")>("./manifest.ts");
    const { dir } = environment.disk;
    return {
      ...from<typeof import("../../src/store/recovery.ts")>("./recovery.ts"),
      ...from<typeof import("../../src/store/store.ts")>("./store.ts"),
      ...from<typeof import("../../src/store/invariants.ts")>("./invariants.ts"),
      lastOf: (run) => readManifest(dir).runs.find((it) => it.run === run)?.last ?? 0,
      logMark: () => logMark(readManifest(dir)),
    };
  }

  #loader(
    factories: ReadonlyMap<string, Factory>,
    { disk, clock, prng }: Environment,
    scheduler: Scheduler | null,
  ): Load {
    const loaded = new Map<string, object>(this.#shared);
    loaded.set("../base/clock.ts", { clock, nanoseconds: () => clock.nanoseconds() });
    loaded.set("node:fs", disk.fs);
    // What it maps is no file.
    loaded.set("../base/memory-advice.ts", { adviseWritten: () => {}, adviseRandom: () => {} });
    loaded.set("../base/file-space.ts", { FileSpace: NoSpace });
    const bun = { mmap: (path: string) => disk.mmap(path), gc: () => {}, hash: Bun.hash };
    const random = { getRandomValues: (words: Uint32Array) => words.map(() => prng.int32()) };
    const globals = [ArrayBuffer, bun, random];
    return (path) => loadInto(loaded, factories, [scheduler, ...globals], path);
  }
}

/** Nobody counts the fake disk's blocks. */
class NoSpace {
  release(): void {}
  close(): void {}
}

/** The lock of the directory: there is one process at a time here. */
class NoLock {
  exec(): void {}
  close(): void {}
}

function compile(
  names: readonly string[],
  mutations: readonly Mutation[],
  isFine: (path: string) => boolean,
  switches: boolean,
  factories: Map<string, Factory>,
): void {
  const sources = reachable(names, new Set(), mutations, CONSTANTS);
  const transformer = new Transformer(sources, isFine, switches);
  for (const { path } of sources) {
    const code = transformer.print(path);
    factories.set(
      path,
      new Function("$import", "$", "SharedArrayBuffer", "Bun", "crypto", code) as Factory,
    );
  }
}

/** A module, made when it is asked for first. */
function loadInto(
  loaded: Map<string, object>,
  factories: ReadonlyMap<string, Factory>,
  environment: readonly unknown[],
  path: string,
): object {
  const known = loaded.get(path);
  if (known !== undefined) return known;
  const factory = factories.get(path);
  assert(factory !== undefined, `${path} is a module of the store`);
  const made = factory((it) => loadInto(loaded, factories, environment, it), ...environment);
  loaded.set(path, made);
  return made;
}
