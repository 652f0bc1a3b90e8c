/**
 * Fuzzing of the store in real Workers, more of them than processors: random operations on keys of
 * their own, checked against a Map, and on shared ones whose end state tells whether anything was
 * lost. `bun src/store/threads.fuzz.ts --seed=N --steps=N --threads=N`. The seed fixes what each
 * Worker does, not in which order: a failure that does not come again is one for
 * simulation.fuzz.ts.
 */

import { Actor } from "../../test/threads/actor.ts";
import { checkSequences, SHARED_KEYS } from "../../test/threads/fuzz-jobs.ts";
import { endWorkers, type JobResult, runJobs } from "../../test/threads/pool.ts";
import { assert } from "../base/assert.ts";
import { freshSeed } from "../base/prng.ts";
import { checkInvariants } from "./invariants.ts";
import { SEGMENT_SIZE } from "./layout.ts";
import { attachStore, createStore } from "./store.ts";

/** Runs `steps` operations in each of `threads` Workers, then checks what they have left. */
export async function fuzzThreads(seed: number, steps: number, threads: number): Promise<void> {
  const handle = createStore({ reserveBytes: 16 * SEGMENT_SIZE, workers: threads + 1 });
  const words = new SharedArrayBuffer(64);
  const parameters = { seed, count: steps, threads };
  const results = await runJobs(
    Array.from({ length: threads }, (_, worker) => {
      return { handle, worker, words, job: "fuzzer" as const, parameters };
    }),
  );
  const store = attachStore(handle, threads);
  const actor = new Actor(store);
  store.exclusive(() => checkInvariants(store.memory));
  for (let n = 0; n < SHARED_KEYS; n++) checkShared(actor, results, n);
  const shared = countShared(actor);
  const owned = results.reduce((sum, it) => sum + (it.owned as number), 0);
  const keys = store.keysCount(0);
  assert(keys === owned + shared, `${keys} keys, ${owned} owned and ${shared} shared`);
}

function checkShared(actor: Actor, results: readonly JobResult[], n: number): void {
  const wanted = results.reduce((sum, it) => sum + (it[`count:${n}`] as number), 0);
  const counted = Math.max(0, actor.getNumber(`count:${n}`));
  assert(counted === wanted, `count:${n} is ${counted} after ${wanted} additions`);
  if (!actor.get(`log:${n}`)) actor.out.length = 0;
  const last = checkSequences(actor.out.bytes, actor.out.length, true, `log:${n}`);
  results.forEach((it, worker) => {
    const appended = (last.get(worker) ?? -1) + 1;
    assert(appended === it[`log:${n}`], `log:${n} has ${appended} stamps of Worker ${worker}`);
  });
}

function countShared(actor: Actor): number {
  let count = 0;
  for (const kind of ["count", "log", "queue", "free"]) {
    for (let n = 0; n < SHARED_KEYS; n++) {
      const c = actor.aim(`${kind}:${n}`);
      if (actor.store.lock(c)) count++;
      actor.store.unlock(c);
    }
  }
  return count;
}

if (import.meta.main) {
  const option = (name: string, or: number) =>
    Number(process.argv.find((word) => word.startsWith(`--${name}=`))?.split("=")[1] ?? or);
  const seed = option("seed", freshSeed());
  const steps = option("steps", 100_000);
  const threads = option("threads", 8);
  console.log(`threads.fuzz: --seed=${seed} --steps=${steps} --threads=${threads}`);
  const startMs = performance.now();
  await fuzzThreads(seed, steps, threads);
  const seconds = (performance.now() - startMs) / 1000;
  console.log(`${Math.round((steps * threads) / seconds)} operations/s`);
  endWorkers();
}
