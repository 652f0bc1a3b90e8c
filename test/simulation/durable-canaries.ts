/**
 * Bugs that the simulation of the durable store must catch: each one is what a reviewer could let
 * through.
 */
import type { Mutation } from "./program.ts";

export interface Canary {
  /** Whether it needs switches at plain accesses to show. */
  readonly fine: boolean;
  /** Where the search for a seed begins: not far from one that shows it, to save time. */
  readonly from?: number;
  readonly mutations: readonly Mutation[];
}

export const CANARIES: Readonly<Record<string, Canary>> = {
  "a segment whose name is not flushed": {
    fine: false,
    from: 16,
    mutations: [
      {
        file: "log-files.ts",
        find: `failPoint("segment-filled");
  flushDirectory(dir);`,
        replace: "",
      },
    ],
  },
  "a mark that is written before the log is flushed": {
    fine: false,
    mutations: [
      {
        file: "flusher.ts",
        find: `this.#flushSegments();
      this.#writeMark(stamp, beganMs);
      times[TIME_DURABLE] = stamp;`,
        replace: `this.#writeMark(stamp, beganMs);
      times[TIME_DURABLE] = stamp;
      this.#flushSegments();`,
      },
    ],
  },
  "a flush that does not wait for batches": {
    fine: true,
    mutations: [
      {
        file: "flusher.ts",
        find: "waitForBatches(this.#control, () => Atomics.load(control, LOG_READING));",
        replace: "",
      },
    ],
  },
  "a segment that is recycled before the manifest is there": {
    fine: false,
    mutations: [
      {
        file: "keeper.ts",
        find: "this.#written.push({ shard: job.shard, file, upTo, databases });",
        replace: `this.#written.push({ shard: job.shard, file, upTo, databases });
        this.#state.times[TIME_MARK] = Math.min(...this.#marks());`,
      },
    ],
  },
  "a checkpoint that is named before the log is flushed": {
    fine: false,
    mutations: [
      {
        file: "keeper.ts",
        find: "this.#written.filter(({ upTo }) => upTo <= durable);",
        replace: "[...this.#written];",
      },
    ],
  },
  "a checkpoint whose name is not flushed": {
    fine: false,
    from: 50,
    mutations: [{ file: "checkpoint.ts", find: "flushDirectory(dir);", replace: "" }],
  },
  "a bucket whose stamp is older than its copy": {
    fine: true,
    from: 38,
    mutations: [
      {
        file: "checkpoint.ts",
        find: `const version = waitUntilEven(view, first + BUCKET_VERSION);
      const stamp = this.#log.lastStamp();`,
        replace: `const stamp = this.#log.lastStamp();
      const version = waitUntilEven(view, first + BUCKET_VERSION);`,
      },
    ],
  },
  "a bucket whose copy nobody confirms": {
    fine: true,
    from: 18,
    mutations: [
      {
        file: "checkpoint.ts",
        find: "const isSame = Atomics.load(view, first + BUCKET_VERSION) === version;",
        replace: "const isSame = true;",
      },
    ],
  },
  "a shard that is split while it is written": {
    fine: false,
    mutations: [
      {
        file: "checkpoint.ts",
        find: "const isFree = tryLatch(memory.keys.shards[shard] as Int32Array, SHARD_SPLIT_LOCK);",
        replace: "const isFree = true;",
      },
    ],
  },
  // It needs everything to be flushed at one very place: so it waits there.
  "a split latch that everyone's flush has freed": {
    fine: false,
    from: 88,
    mutations: [
      {
        file: "checkpoint.ts",
        find: "leaveEpoch(memory); if (!isFree) return null;",
        replace: `leaveEpoch(memory);
    if (!isFree) return null;
    for (let i = 0; i < 300 && memory.control[CONTROL_GENERATION] === generation; i++) {
      Atomics.wait(memory.control, CONTROL_GENERATION, generation, 1);
    }`,
      },
      {
        file: "checkpoint.ts",
        find: "this.#generation = generation;",
        replace: "this.#generation = memory.control[CONTROL_GENERATION];",
      },
    ],
  },
  "a manifest that is renamed before it is flushed": {
    fine: false,
    mutations: [
      {
        file: "log-files.ts",
        find: `writeAll(descriptor, content, content.length, 0);
    fdatasyncSync(descriptor);`,
        replace: "writeAll(descriptor, content, content.length, 0);",
      },
    ],
  },
  "a replay of what the checkpoint has already": {
    fine: false,
    mutations: [
      {
        file: "replay.ts",
        find: "if (record.stamp !== 0 && record.stamp <= this.#stampOf(cursor.hash)) return;",
        replace: "",
      },
    ],
  },
  "a gap after a loss of power that does not end the log": {
    fine: false,
    mutations: [
      {
        file: "recovery.ts",
        find: `if (run.boot !== this.#boot || this.#boot === "") return true;`,
        replace: "",
      },
    ],
  },
  "groups that are applied record by record": {
    fine: false,
    mutations: [
      {
        file: "replay.ts",
        find: "const isGrouped = (record.flags & LOG_GROUPED) !== 0;",
        replace: "const isGrouped = false;",
      },
    ],
  },
  "a chunk that is taken for what an earlier run has left": {
    fine: false,
    from: 62,
    mutations: [
      {
        file: "log-check.ts",
        find: "return Math.imul((number | 0) + 1, CHUNK_FACTOR) ^ Math.imul(high, SIZE_FACTOR);",
        replace: "return high * 0;",
      },
    ],
  },
};
