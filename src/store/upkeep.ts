/**
 * Upkeep: what one Worker does in the background, a budget at a time. Frees retired collections,
 * removes expired keys, ticks the access clock, gives empty chunks back.
 */
import { nanoseconds } from "../base/clock.ts";
import { advanceClock } from "./access.ts";
import { ExpiryCycle } from "./expiry.ts";
import { COUNT_ALLOCATED_BYTES } from "./layout.ts";
import { type Memory, memoryLimit } from "./memory.ts";
import { reclaim } from "./reclaim.ts";
import { freeRetired, retiredCount } from "./retired.ts";
import { sumCounter } from "./stats.ts";

/** Nodes freed between two looks at the clock. */
const RETIRED_NODES_A_STEP = 256;
const NS_PER_MS = 1e6;

export class Upkeep {
  readonly #expiry = new ExpiryCycle();

  /**
   * Runs for at most about `budgetMs`; without `expires`, expired keys stay. True: there is more to
   * do right away. Inside a batch of the Worker's own.
   */
  run(memory: Memory, budgetMs: number, expires: boolean): boolean {
    advanceClock(memory, sumCounter(memory, COUNT_ALLOCATED_BYTES), memoryLimit(memory));
    const endNs = nanoseconds() + budgetMs * NS_PER_MS;
    while (freeRetired(memory, RETIRED_NODES_A_STEP) > 0) {
      if (nanoseconds() >= endNs) return true;
    }
    if (expires && this.#expiry.run(memory, budgetMs)) return true;
    reclaim(memory);
    return retiredCount(memory) > 0;
  }
}
