/**
 * Jobs about many keys: the index grows and records come and go, while others look up, scan and
 * delete.
 *
 * Word 0 counts the writers that are done, as in litmus-jobs.ts.
 */
import { assert } from "../../src/base/assert.ts";
import { Prng } from "../../src/base/prng.ts";
import { CONTROL_CHUNKS_USED } from "../../src/store/layout.ts";
import type { Store } from "../../src/store/store.ts";
import { Actor } from "./actor.ts";
import { meet } from "./litmus-jobs.ts";

/** Keys that are there all the time, "kept0" and on. */
export const KEPT_KEYS = 500;
/** Keys between the producer and the consumer. */
const RING_MAX = 2000;

type Parameters = Readonly<Record<string, number>>;

/** Inserts `count` keys, and deletes one of two again, so that buckets fill, empty and split. */
function churner(store: Store, words: Int32Array, { count, threads, seed }: Parameters) {
  const actor = new Actor(store);
  const prng = new Prng((seed as number) + store.memory.worker);
  meet(words, 1, threads as number);
  for (let i = 0; i < (count as number); i++) {
    store.enterBatch();
    actor.putNumber(`churn${store.memory.worker}:${i}`, i);
    if (prng.chance(2)) actor.remove(`churn${store.memory.worker}:${prng.below(i + 1)}`);
    store.leaveBatch();
  }
  Atomics.add(words, 0, 1);
  return {};
}

/** Looks up keys that are always there; `missing` says how often one was not. */
function finder(store: Store, words: Int32Array, { threads, writers }: Parameters) {
  const actor = new Actor(store);
  let reads = 0;
  let missing = 0;
  meet(words, 1, threads as number);
  while (Atomics.load(words, 0) < (writers as number)) {
    const wanted = reads++ % KEPT_KEYS;
    store.enterBatch();
    if (actor.getNumber(`kept${wanted}`) !== wanted) missing++;
    store.leaveBatch();
  }
  return { reads, missing };
}

/**
 * Scans the whole key space again and again; `missing` counts the kept keys that a scan did not
 * find.
 */
function scanner(store: Store, words: Int32Array, { threads, writers }: Parameters) {
  let scans = 0;
  let missing = 0;
  meet(words, 1, threads as number);
  do {
    const seen = scanKept(store);
    for (let i = 0; i < KEPT_KEYS; i++) if (!seen.has(`kept${i}`)) missing++;
    scans++;
  } while (Atomics.load(words, 0) < (writers as number));
  return { scans, missing };
}

function scanKept(store: Store): Set<string> {
  const seen = new Set<string>();
  let position = 0;
  do {
    store.enterBatch();
    position = store.scanStep(0, position);
    store.leaveBatch();
    const { scanned } = store;
    for (let i = 0; i < scanned.count; i++) {
      const at = scanned.start[i] as number;
      seen.add(scanned.keys.bytes.toString("latin1", at, at + (scanned.length[i] as number)));
    }
  } while (position !== 0);
  return seen;
}

/**
 * Inserts keys in order, at most RING_MAX ahead of the consumer (word 2: produced, word 3:
 * consumed).
 */
function producer(store: Store, words: Int32Array, { count, threads, seed }: Parameters) {
  const actor = new Actor(store);
  const prng = new Prng(seed as number);
  const value = Buffer.alloc(40_000, 7);
  const { control } = store.memory;
  let chunksEarly = 0;
  meet(words, 1, threads as number);
  for (let i = 0; i < (count as number); i++) {
    for (;;) {
      const consumed = Atomics.load(words, 3);
      if (i - consumed < RING_MAX) break;
      Atomics.wait(words, 3, consumed, 1);
    }
    store.enterBatch();
    actor.put(`ring${i}`, value, prng.chance(200) ? prng.below(40_000) : prng.below(800));
    store.leaveBatch();
    Atomics.store(words, 2, i + 1);
    if (i === (count as number) >>> 2) chunksEarly = control[CONTROL_CHUNKS_USED] as number;
  }
  return { chunksEarly, chunksLate: control[CONTROL_CHUNKS_USED] as number };
}

/**
 * Deletes what the producer inserts; nobody else frees, so every block goes back through the shared
 * lists.
 */
function consumer(store: Store, words: Int32Array, { count, threads }: Parameters) {
  const actor = new Actor(store);
  meet(words, 1, threads as number);
  for (let i = 0; i < (count as number); i++) {
    for (;;) {
      const produced = Atomics.load(words, 2);
      if (i < produced) break;
      Atomics.wait(words, 2, produced, 1);
    }
    store.enterBatch();
    assert(actor.remove(`ring${i}`), `ring${i} is there`);
    store.leaveBatch();
    if (i % 256 === 0) store.upkeep(1);
    Atomics.store(words, 3, i + 1);
  }
  return {};
}

export const keyspaceJobs = { churner, finder, scanner, producer, consumer };
