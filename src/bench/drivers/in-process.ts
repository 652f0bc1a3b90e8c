/**
 * The stores that run in this process: kv's own, as a program would use it, and the naive baseline.
 *
 * Not here: how they are driven (load/in-process-load.ts).
 */
import { totalmem } from "node:os";
import { VERSION } from "../../base/version.ts";
import { OutOfMemoryError, openStore, WrongTypeError } from "../../store/embedded.ts";
import { WrongTypeError as MapWrongTypeError, ShardedMap } from "./sharded-map.ts";

export type LocalStoreName = "inmemory" | "map";

/** What both offer; strings for keys, as most programs have them. */
export interface LocalStore {
  get(key: string): Buffer | null;
  set(key: string, value: Buffer): void;
  pushHead(key: string, item: Buffer): number;
  trim(key: string, start: number, stop: number): void;
  range(key: string, start: number, stop: number): Buffer[];
  /** Runs many calls as one batch. */
  batch<T>(run: () => T): T;
  keysCount(): number;
  close(): void;
}

/** The least that it may fill, and the share of the machine's memory otherwise. */
const MEMORY_SIZE_MIN = 1024 ** 3;
const MEMORY_SHARE = 0.5;

export function openLocalStore(name: LocalStoreName): LocalStore {
  return name === "inmemory" ? openEmbedded() : openMap();
}

/** What it is, for the report. */
export function versionOf(name: LocalStoreName): string {
  return name === "inmemory" ? VERSION : `of Bun ${Bun.version}`;
}

/** The error of a call as the first word of an error reply; null for any other error. */
export function refusalOf(error: unknown): string | null {
  if (error instanceof OutOfMemoryError) return `OOM ${error.message}`;
  const isWrongType = error instanceof WrongTypeError || error instanceof MapWrongTypeError;
  return isWrongType ? `WRONGTYPE ${error.message}` : null;
}

function openEmbedded(): LocalStore {
  const memory = Math.max(MEMORY_SIZE_MIN, totalmem() * MEMORY_SHARE);
  const store = openStore({ memory, threads: 1 });
  return {
    get: (key) => store.get(key),
    set: (key, value) => store.set(key, value),
    pushHead: (key, item) => store.pushHead(key, item),
    trim: (key, start, stop) => store.trim(key, start, stop),
    range: (key, start, stop) => store.range(key, start, stop),
    batch: (run) => store.batch(run),
    keysCount: () => store.stats().keysCount,
    close: () => store.close(),
  };
}

function openMap(): LocalStore {
  const map = new ShardedMap();
  return {
    get: (key) => map.get(key),
    set: (key, value) => map.set(key, value),
    pushHead: (key, item) => map.pushHead(key, item),
    trim: (key, start, stop) => map.trim(key, start, stop),
    range: (key, start, stop) => map.range(key, start, stop),
    batch: (run) => run(),
    keysCount: () => map.keysCount,
    close() {},
  };
}
