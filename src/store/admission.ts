/**
 * Admission: whether a command that may need memory can run, and making room for it.
 *
 * One for each Worker. Below the limit it is one comparison; it looks at the memory of all Workers
 * only once a batch, and again after ADMIT_RECHECK_BYTES of writing. Above the limit it frees what
 * is retired and evicts by the policy. Where a lowered limit asks for very many evictions, a call
 * does EVICTIONS_MAX of them and lets the command run, as Redis does: no client waits for all.
 */
import { advanceClock } from "./access.ts";
import { evictOne, hasKeys } from "./eviction.ts";
import { COUNT_ALLOCATED_BYTES } from "./layout.ts";
import { type Memory, memoryLimit } from "./memory.ts";
import { freeRetired } from "./retired.ts";
import { limitedBytes, sumCounter } from "./stats.ts";

/** Memory is looked at again after this many bytes were written in one batch. */
const ADMIT_RECHECK_BYTES = 64 * 1024;
/** Keys that one call evicts at the most. */
const EVICTIONS_MAX = 1024;
/** Nodes that a writer which is short of memory frees at a time. */
const RETIRED_NODES_A_STEP = 256;

export class Admission {
  /** What this Worker had allocated when it last looked; -1: not in this batch. */
  #lookedBytes = -1;
  #isAdmitted = true;

  /** A new batch has begun: look again. Hot. */
  reset(): void {
    this.#lookedBytes = -1;
  }

  /** Whether a command that may need memory can run. Hot. */
  admit(memory: Memory): boolean {
    if (memoryLimit(memory) === Number.POSITIVE_INFINITY) return true;
    const allocated = memory.counters[memory.row + COUNT_ALLOCATED_BYTES] as number;
    // A refusal is looked at again: a removal in the same batch may have made room.
    const isKnown = this.#isAdmitted && this.#lookedBytes >= 0;
    if (!isKnown || allocated - this.#lookedBytes >= ADMIT_RECHECK_BYTES) {
      this.#lookedBytes = allocated;
      this.#isAdmitted = makeRoom(memory);
    }
    return this.#isAdmitted;
  }
}

/** Frees and evicts until memory is below the limit; false when nothing more can be evicted. */
function makeRoom(memory: Memory): boolean {
  const limit = memoryLimit(memory);
  advanceClock(memory, sumCounter(memory, COUNT_ALLOCATED_BYTES), limit);
  for (let evicted = 0; evicted < EVICTIONS_MAX && limitedBytes(memory) > limit; ) {
    if (freeRetired(memory, RETIRED_NODES_A_STEP) > 0) continue;
    if (!hasKeys(memory) || !evictOne(memory)) return false;
    evicted++;
  }
  return true;
}
