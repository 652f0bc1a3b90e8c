/**
 * Litmus tests of the store in real Workers. Each promise to other threads is first broken on
 * purpose (the control leaves out the step that it rests on, and must see the damage, or the test
 * would prove nothing) and then kept.
 *
 * All runs are bounded by a number of operations. A control repeats until it has seen the damage.
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Actor } from "../../test/threads/actor.ts";
import type { JobName } from "../../test/threads/jobs.ts";
import { KEPT_KEYS } from "../../test/threads/keyspace-jobs.ts";
import { endWorkers, type JobResult, runJobs } from "../../test/threads/pool.ts";
import { checkInvariants } from "./invariants.ts";
import { RESERVE_SIZE_MIN } from "./memory.ts";
import { attachStore, createStore, type Store } from "./store.ts";
import { fuzzThreads } from "./threads.fuzz.ts";

/** Nothing here is timed; a busy machine must not fail it. */
setDefaultTimeout(120_000);

/** Rounds of a control: one is nearly always enough. */
const CONTROL_ROUNDS_MAX = 20;

interface Actors {
  readonly job: JobName;
  readonly threads: number;
  readonly parameters?: Record<string, number>;
}

interface Outcome {
  readonly store: Store;
  readonly results: JobResult[];
}

/**
 * Runs jobs together on a new store that `prepare` may fill, and checks the invariants when all are
 * done.
 */
async function play(
  cast: readonly Actors[],
  parameters: Record<string, number>,
  prepare?: (actor: Actor) => void,
): Promise<Outcome> {
  const threads = cast.reduce((sum, it) => sum + it.threads, 0);
  const handle = createStore({ reserveBytes: RESERVE_SIZE_MIN, workers: threads + 1 });
  const store = attachStore(handle, threads);
  prepare?.(new Actor(store));
  const words = new SharedArrayBuffer(64);
  const jobs = cast.flatMap((it) => new Array<Actors>(it.threads).fill(it));
  const results = await runJobs(
    jobs.map((it, worker) => ({
      handle,
      worker,
      words,
      job: it.job,
      parameters: { threads, ...parameters, ...it.parameters },
    })),
  );
  store.exclusive(() => checkInvariants(store.memory));
  return { store, results };
}

function sum(results: readonly JobResult[], field: string): number {
  return results.reduce((total, it) => total + (it[field] ?? 0), 0);
}

/** Plays the control until `isBroken`; whether it ever was. */
async function breaks(
  round: () => Promise<Outcome>,
  isBroken: (outcome: Outcome) => boolean,
): Promise<boolean> {
  for (let i = 0; i < CONTROL_ROUNDS_MAX; i++) if (isBroken(await round())) return true;
  return false;
}

afterAll(endWorkers);

describe("torn values", () => {
  const cast: Actors[] = [
    { job: "tornWriter", threads: 2 },
    { job: "tornReader", threads: 2 },
  ];

  test("control: a reader that ignores endRead() sees them", async () => {
    const control = () => play(cast, { count: 3000, writers: 2, isControl: 1 });
    expect(await breaks(control, ({ results }) => sum(results, "torn") > 0)).toBe(true);
  });

  test("a reader that endRead() has confirmed never sees one", async () => {
    const { results } = await play(cast, { count: 6000, writers: 2 });
    expect(sum(results, "torn")).toBe(0);
    expect(sum(results, "reads")).toBeGreaterThan(0);
  });
});

describe("lost updates", () => {
  const count = 20_000;
  const cast: Actors[] = [{ job: "incrementer", threads: 4 }];
  const zero = (actor: Actor) => actor.putNumber("counter", 0);
  const counted = ({ store }: Outcome) => new Actor(store).getNumber("counter");

  test("control: without the lock, additions get lost", async () => {
    const control = () => play(cast, { count, isControl: 1 }, zero);
    expect(await breaks(control, (outcome) => counted(outcome) < 4 * count)).toBe(true);
  });

  test("under lock() every addition counts", async () => {
    expect(counted(await play(cast, { count }, zero))).toBe(4 * count);
  });
});

describe("snapshots of two keys", () => {
  const cast: Actors[] = [
    { job: "pairWriter", threads: 2 },
    { job: "pairReader", threads: 2 },
  ];
  const zero = (actor: Actor) => {
    actor.putNumber("left", 0);
    actor.putNumber("right", 0);
  };

  test("control: two reads that are confirmed one by one see them differ", async () => {
    const control = () => play(cast, { count: 20_000, writers: 2, isControl: 1 }, zero);
    expect(await breaks(control, ({ results }) => sum(results, "unequal") > 0)).toBe(true);
  });

  test("endReadAll() confirms only what lockAll() wrote together", async () => {
    const { results } = await play(cast, { count: 40_000, writers: 2 }, zero);
    expect(sum(results, "unequal")).toBe(0);
    expect(sum(results, "reads")).toBeGreaterThan(0);
  });
});

describe("the exclusive section", () => {
  const cast: Actors[] = [
    { job: "batcher", threads: 3 },
    { job: "hermit", threads: 2 },
  ];

  test("control: without it, others are inside a batch", async () => {
    const control = () => play(cast, { count: 20_000, writers: 3, isControl: 1 });
    expect(await breaks(control, ({ results }) => sum(results, "disturbed") > 0)).toBe(true);
  });

  test("nobody else is inside a batch", async () => {
    const { results } = await play(cast, { count: 5000, writers: 3 });
    expect(sum(results, "disturbed")).toBe(0);
    expect(sum(results, "sections")).toBeGreaterThan(0);
  });
});

test("what one Worker writes, another one sees, in order", async () => {
  const sides: Actors[] = [0, 1].map((side) => ({
    job: "ponger",
    threads: 1,
    parameters: { side },
  }));
  const { store } = await play(sides, { count: 2000 });
  expect(new Actor(store).getNumber("pong")).toBe(1999);
});

// Its controls are in simulation.test.ts: here a split is over too soon to be met by chance.
test("while the index grows, a key that stays is always found, and by every scan", async () => {
  const cast: Actors[] = [
    { job: "churner", threads: 2 },
    { job: "finder", threads: 2 },
    { job: "scanner", threads: 1 },
  ];
  const { results } = await play(cast, { count: 40_000, writers: 2, seed: 1 }, (actor) => {
    for (let i = 0; i < KEPT_KEYS; i++) actor.putNumber(`kept${i}`, i);
  });
  expect(sum(results, "missing")).toBe(0);
  expect(sum(results, "reads")).toBeGreaterThan(0);
  expect(sum(results, "scans")).toBeGreaterThan(0);
});

test("memory stays bounded when one Worker inserts and another one deletes", async () => {
  const cast: Actors[] = [
    { job: "producer", threads: 1 },
    { job: "consumer", threads: 1 },
  ];
  const { store, results } = await play(cast, { count: 60_000, seed: 3 });
  const [{ chunksEarly, chunksLate }] = results as [JobResult];
  expect(chunksLate as number).toBeLessThanOrEqual((chunksEarly as number) * 1.3);
  expect(store.keysCount(0)).toBe(0);
});

test("eight Workers with random operations lose nothing", async () => {
  await fuzzThreads(1, 3000, 8);
});
