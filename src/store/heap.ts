/**
 * Data larger than memory: segments of the map that are files of the store's directory, mapped by
 * everyone. The kernel writes them out and evicts them as it needs; nothing in them is trusted
 * after the process has ended.
 *
 *     a file of zeros is made -> CONTROL_SEGMENTS says that it exists -> every Worker maps it when
 * it
 *     begins a batch -> when all have, CONTROL_SEGMENTS_USABLE lets records go there
 *
 * The keeper does this ahead of need. Who begins a batch waits a little while hardly any space is
 * left, so writers go as fast as files can be made.
 */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { bumpEpoch, safeEpoch } from "./epoch.ts";
import {
  CONTROL_SEGMENT_OPEN,
  CONTROL_SEGMENTS,
  CONTROL_SEGMENTS_REFUSED,
  CONTROL_SEGMENTS_USABLE,
  SEGMENT_SIZE,
  SEGMENTS_MAX,
} from "./layout.ts";
import { makeZeroed, PIECE_RANDOM } from "./log-files.ts";
import { heapName, type Memory, RESERVE_SIZE_MIN } from "./memory.ts";

/** Usable segments beyond the open one that are kept ready. */
const AHEAD = 4;
/** With fewer than this left, a batch waits for the next one. */
const LOW = 3;
/** It waits so often and so long, then it tries its luck: the disk may be full. */
const WAITS_MAX = 50;
const WAIT_MS = 10;
/** What the runtime, its threads and their heaps take, about. */
const BASE_BYTES = 192 * 1024 * 1024;
/** Data may be so many times larger than the machine's memory: the rest of it is in files. */
const DISK_FACTOR = 16;
/** Of the rest, what the map takes before it goes to files; index and page cache need theirs. */
const MEMORY_PART = 0.5;

/**
 * Address space for records: as much as the machine has memory, whatever `maxmemory` is at the
 * start. It can be raised later, and blocks of one size class are not another's: what is reserved
 * must not be the limit that is met first. Space that is not used costs nothing.
 */
export function memoryRoom(): number {
  return Math.ceil(Math.max(totalmem(), RESERVE_SIZE_MIN) / RESERVE_SIZE_MIN) * RESERVE_SIZE_MIN;
}

/** Room for a store that goes on in files where memory ends: options of a recovery. */
export function diskRoom(): { readonly reserveBytes: number; readonly memoryBytes: number } {
  return { reserveBytes: memoryRoom() * DISK_FACTOR, memoryBytes: mapMemoryBytes() };
}

/**
 * Bytes of memory that the map may take, by what the machine, or the cgroup, allows. In tests
 * KV_MEMORY_LIMIT (bytes) is one limit more: that of a cgroup that cannot be made everywhere.
 */
function mapMemoryBytes(): number {
  const said = Number(process.env.KV_MEMORY_LIMIT || Number.POSITIVE_INFINITY);
  const limits = [totalmem(), said, ...CGROUP_FILES.map(limitIn)];
  const rest = (Math.min(...limits) - BASE_BYTES) * MEMORY_PART;
  return Math.max(1, Math.floor(rest / SEGMENT_SIZE)) * SEGMENT_SIZE;
}

const CGROUP_FILES = [
  "/sys/fs/cgroup/memory.max",
  "/sys/fs/cgroup/memory/memory.limit_in_bytes",
  ...ownCgroups(),
];

/**
 * The limits of the cgroup that this process is in, and of those around it, where the root ones are
 * not its own: all of them count.
 */
function ownCgroups(): string[] {
  try {
    const lines = readFileSync("/proc/self/cgroup", "latin1").trim().split("\n");
    return lines.flatMap((line) => {
      const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      if (controllers === "") return groupsUpTo(path, "/sys/fs/cgroup", "memory.max");
      if (!controllers.split(",").includes("memory")) return [];
      return groupsUpTo(path, "/sys/fs/cgroup/memory", "memory.limit_in_bytes");
    });
  } catch {
    return [];
  }
}

/** The file `name` of the group at `path` and of each one around it. */
function groupsUpTo(path: string, root: string, name: string): string[] {
  const names = path.split("/").filter(Boolean);
  return names.map((_, i) => `${root}/${names.slice(0, i + 1).join("/")}/${name}`);
}

function limitIn(path: string): number {
  try {
    const limit = Number(readFileSync(path, "latin1").trim());
    return Number.isFinite(limit) && limit > 0 ? limit : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Bytes of the files that hold something, the open one included, and of those made ahead. */
export function heapBytes(memory: Memory): { readonly used: number; readonly spare: number } {
  const { control, memorySegments } = memory;
  const open = Atomics.load(control, CONTROL_SEGMENT_OPEN) as number;
  const used = Math.max(0, open + 1 - memorySegments);
  const made = (Atomics.load(control, CONTROL_SEGMENTS) as number) - memorySegments;
  return { used: used * SEGMENT_SIZE, spare: (made - used) * SEGMENT_SIZE };
}

/** Segments that can still be opened. */
function left(memory: Memory): number {
  const { control } = memory;
  return (
    (Atomics.load(control, CONTROL_SEGMENTS_USABLE) as number) -
    1 -
    (Atomics.load(control, CONTROL_SEGMENT_OPEN) as number)
  );
}

/** Makes segments ahead of need, for the keeper: one file a call, at most. */
export class HeapKeeper {
  readonly #memory: Memory;
  readonly #dir: string;
  /** Epoch in which the segments that are not usable yet were made; -1 when all are. */
  #madeAt = -1;

  constructor(memory: Memory, dir: string) {
    this.#memory = memory;
    this.#dir = dir;
    memory.makesSegments = true;
  }

  /** True: there is more to do right away. Throws what making a file throws. */
  run(): boolean {
    const memory = this.#memory;
    const { control } = memory;
    if (this.#madeAt >= 0) {
      if (safeEpoch(memory) - this.#madeAt <= 0) return true;
      this.#madeAt = -1;
      Atomics.store(control, CONTROL_SEGMENTS_USABLE, Atomics.load(control, CONTROL_SEGMENTS));
      Atomics.notify(control, CONTROL_SEGMENTS_USABLE);
    }
    if (left(memory) >= AHEAD) return false;
    let isMade = false;
    try {
      isMade = makeHeapSegment(memory, this.#dir);
    } finally {
      // Nobody shall wait for what does not come.
      Atomics.store(control, CONTROL_SEGMENTS_REFUSED, isMade ? 0 : 1);
    }
    if (!isMade) return false;
    this.#madeAt = bumpEpoch(memory);
    return true;
  }
}

/** Makes the next segment; false when there are as many as an entry can name. */
function makeHeapSegment(memory: Memory, dir: string): boolean {
  const slot = Atomics.load(memory.control, CONTROL_SEGMENTS);
  if (slot >= SEGMENTS_MAX) return false;
  makeZeroed(dir, heapName(slot), SEGMENT_SIZE, PIECE_RANDOM);
  Atomics.store(memory.control, CONTROL_SEGMENTS, slot + 1);
  memory.mapSegments();
  return true;
}

/**
 * Before a batch begins: waits while hardly any space is left and more is being made. Not the
 * thread that makes it, and not while the disk refuses: reads go on, changes are refused.
 */
export function awaitSpace(memory: Memory): void {
  if (left(memory) >= LOW || memory.makesSegments) return;
  const { control } = memory;
  for (let waits = 0; waits < WAITS_MAX && left(memory) < LOW; waits++) {
    if (Atomics.load(control, CONTROL_SEGMENTS_REFUSED) !== 0) return;
    const usable = Atomics.load(control, CONTROL_SEGMENTS_USABLE);
    Atomics.wait(control, CONTROL_SEGMENTS_USABLE, usable, WAIT_MS);
  }
}

/** In a recovery, where nobody else is there: makes sure that `bytes` more can be stored. */
export function ensureSpace(memory: Memory, dir: string, bytes: number): void {
  const needed = LOW + Math.ceil((2 * bytes) / SEGMENT_SIZE);
  while (left(memory) < needed && makeHeapSegment(memory, dir)) {
    const { control } = memory;
    Atomics.store(control, CONTROL_SEGMENTS_USABLE, Atomics.load(control, CONTROL_SEGMENTS));
  }
}
