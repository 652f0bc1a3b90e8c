/**
 * Retired collections: nodes that nobody can reach any more and that the upkeep Worker frees.
 *
 * Removing a value of many nodes only queues {id, first node, last node}: DEL of a huge list or
 * string costs the client the same as DEL of a small one. The queue is bounded; when it is full,
 * whoever retires frees by itself. Ids are never used twice, so a half-freed collection cannot be
 * mistaken for another one.
 */
import { latch, unlatch } from "./latch.ts";
import {
  CONTROL_RETIRED,
  CONTROL_RETIRED_HEAD,
  CONTROL_RETIRED_LOCK,
  CONTROL_RETIRED_TAIL,
  RETIRED_MAX,
  RETIRED_WORDS,
} from "./layout.ts";
import type { Memory } from "./memory.ts";
import { freeNode } from "./nodes.ts";

/** Collections of at most this many nodes are freed at once: cheaper than queueing. */
const FREE_NOW_NODES_MAX = 4;
/** Nodes that are freed between two looks at the clock. */
const NODES_A_STEP = 64;

/**
 * Frees the nodes `first` to `last` of a collection, at once when they are few, else in the
 * background.
 */
export function retire(
  memory: Memory,
  idLow: number,
  idHigh: number,
  first: number,
  last: number,
): void {
  if (last - first >= FREE_NOW_NODES_MAX && enqueue(memory, idLow, idHigh, first, last)) return;
  for (let number = first; number <= last; number++) freeNode(memory, idLow, idHigh, number);
}

function enqueue(
  memory: Memory,
  idLow: number,
  idHigh: number,
  first: number,
  last: number,
): boolean {
  const control = memory.control;
  latch(control, CONTROL_RETIRED_LOCK);
  const tail = control[CONTROL_RETIRED_TAIL] as number;
  const hasRoom = ((tail - (control[CONTROL_RETIRED_HEAD] as number)) | 0) < RETIRED_MAX;
  if (hasRoom) {
    const at = CONTROL_RETIRED + ((tail >>> 0) % RETIRED_MAX) * RETIRED_WORDS;
    control[at] = idLow;
    control[at + 1] = idHigh;
    control[at + 2] = first;
    control[at + 3] = last;
    control[CONTROL_RETIRED_TAIL] = (tail + 1) | 0;
  }
  unlatch(control, CONTROL_RETIRED_LOCK);
  return hasRoom;
}

/** Collections that wait to be freed. */
export function retiredCount(memory: Memory): number {
  const control = memory.control;
  return (
    (Atomics.load(control, CONTROL_RETIRED_TAIL) - Atomics.load(control, CONTROL_RETIRED_HEAD)) | 0
  );
}

/**
 * Frees up to `nodesMax` nodes of the oldest retired collections; returns how many it freed, 0 when
 * there is nothing to do. Any Worker may call it: the upkeep Worker does so all the time, a writer
 * when memory is short.
 */
export function freeRetired(memory: Memory, nodesMax: number): number {
  let freed = 0;
  while (freed < nodesMax) {
    const step = takeStep(memory);
    if (step === undefined) break;
    for (let number = step.first; number <= step.last; number++) {
      freeNode(memory, step.idLow, step.idHigh, number);
    }
    freed += step.last - step.first + 1;
  }
  return freed;
}

/** Cuts up to NODES_A_STEP nodes off the oldest collection. */
function takeStep(
  memory: Memory,
): { idLow: number; idHigh: number; first: number; last: number } | undefined {
  const control = memory.control;
  latch(control, CONTROL_RETIRED_LOCK);
  const head = control[CONTROL_RETIRED_HEAD] as number;
  if (head === control[CONTROL_RETIRED_TAIL]) {
    unlatch(control, CONTROL_RETIRED_LOCK);
    return undefined;
  }
  const at = CONTROL_RETIRED + ((head >>> 0) % RETIRED_MAX) * RETIRED_WORDS;
  const first = control[at + 2] as number;
  const end = control[at + 3] as number;
  const last = Math.min(end, first + NODES_A_STEP - 1);
  if (last === end) control[CONTROL_RETIRED_HEAD] = (head + 1) | 0;
  else control[at + 2] = last + 1;
  const step = { idLow: control[at] as number, idHigh: control[at + 1] as number, first, last };
  unlatch(control, CONTROL_RETIRED_LOCK);
  return step;
}
