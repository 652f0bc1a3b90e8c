/**
 * The simulation of simulation.fuzz.ts with a few seeds, and with bugs put into the store that it
 * must catch: a bug that a reviewer could let through, each caught within a bounded number of
 * seeds.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Mutation } from "../../test/simulation/program.ts";
import { fuzzSimulation, Simulation } from "./simulation.fuzz.ts";

/** Nothing here is timed; a busy machine must not fail it. */
setDefaultTimeout(120_000);

/** Seeds that a bug is given to show itself; each of those below needs fewer than half of them. */
const SEEDS_MAX = 500;

/** The message of the first seed that fails, undefined when none does. */
async function firstFailure(
  fine: boolean,
  mutations: readonly Mutation[],
): Promise<string | undefined> {
  const simulation = await Simulation.load(fine, mutations);
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    try {
      simulation.run(seed);
    } catch (error) {
      return `seed ${seed}: ${(error as Error).message}`;
    }
  }
  return undefined;
}

const CANARIES: Record<string, readonly Mutation[]> = {
  "a reader that believes every version": [
    {
      file: "index.ts",
      find: "return Atomics.load(view, cursor.bucket + BUCKET_VERSION) === cursor.version;",
      replace: "return true;",
    },
  ],
  "a writer that unlocks before it writes": [
    {
      file: "index.ts",
      find: `cursor.bucket = bucket;
      return search(memory, view, bucket, cursor);`,
      replace: `cursor.bucket = bucket;
      const isFound = search(memory, view, bucket, cursor);
      unlockBucket(view, bucket);
      return isFound;`,
    },
    {
      file: "index.ts",
      find: "unlockBucket(view, cursor.bucket);",
      replace: "Atomics.add(view, cursor.bucket, 2);",
    },
  ],
  "a lock that does not exclude": [
    {
      file: "latch.ts",
      find: `Atomics.compareExchange(view, bucket + BUCKET_VERSION,
      version, version + 1) === version`,
      replace: "Atomics.exchange(view, bucket + BUCKET_VERSION, version + 1) !== -1",
    },
  ],
  "a look-up that does not notice a split": [
    {
      file: "index.ts",
      find: `if (bucketOf(hash, index.shardBits, Atomics.load(view, SHARD_BUCKETS)) === bucket)
      return false;`,
      replace: "return false;",
    },
  ],
  "a snapshot that confirms no version": [
    {
      file: "multi.ts",
      find: "if (!isUnchanged(memory.keys, cursors[i] as Cursor)) return false;",
      replace: "",
    },
  ],
  "locks that are taken in any order": [
    {
      file: "multi.ts",
      find: "    sortPlaces(count);",
      replace: "",
    },
  ],
  "a batch that does not look at the exclusive flag": [
    {
      file: "epoch.ts",
      find: "if (Atomics.load(control, CONTROL_EXCLUSIVE) !== 0) waitForExclusive(memory);",
      replace: "",
    },
  ],
  "a scan that does not notice a split": [
    {
      file: "scan.ts",
      find: "Atomics.load(view, SHARD_BUCKETS) === buckets",
      replace: "true",
    },
  ],
};

describe("simulation", () => {
  for (const [name, mutations] of Object.entries(CANARIES)) {
    test(`catches ${name}`, async () => {
      expect(await firstFailure(true, mutations)).toBeDefined();
    });
  }

  test("catches torn reads when it switches at atomic operations only", async () => {
    const mutations = CANARIES["a reader that believes every version"] ?? [];
    expect(await firstFailure(false, mutations)).toBeDefined();
  });

  test("a seed repeats its run exactly", async () => {
    const [first, second] = [await Simulation.load(true), await Simulation.load(true)];
    for (let seed = 100; seed < 105; seed++) first.run(seed);
    for (const seed of [104, 102, 100, 101, 103]) second.run(seed);
    expect(second.totals).toEqual(first.totals);
  });

  test("every thread sees what a linearizable store would show", async () => {
    const totals = await fuzzSimulation(1, 40);
    for (const { runs, switches } of totals) {
      expect(runs).toBe(40);
      expect(switches).toBeGreaterThan(runs * 10);
    }
  });
});
