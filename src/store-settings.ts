/**
 * From the configuration to the store: the memory limit and what to remove when it is reached.
 *
 * Records carry an access clock, not a frequency, so the LFU policies evict as the LRU ones do.
 */
import type { MaxmemoryPolicy, Settings } from "./base/settings.ts";
import {
  EVICT_ALL_LRU,
  EVICT_ALL_RANDOM,
  EVICT_NONE,
  EVICT_VOLATILE_LRU,
  EVICT_VOLATILE_RANDOM,
  EVICT_VOLATILE_TTL,
} from "./store/eviction.ts";
import type { Store } from "./store/store.ts";

const POLICIES: Readonly<Record<MaxmemoryPolicy, number>> = {
  noeviction: EVICT_NONE,
  "allkeys-lru": EVICT_ALL_LRU,
  "allkeys-lfu": EVICT_ALL_LRU,
  "allkeys-random": EVICT_ALL_RANDOM,
  "volatile-lru": EVICT_VOLATILE_LRU,
  "volatile-lfu": EVICT_VOLATILE_LRU,
  "volatile-random": EVICT_VOLATILE_RANDOM,
  "volatile-ttl": EVICT_VOLATILE_TTL,
};

/** Makes the store keep to `maxmemory` and `maxmemory-policy`, for all Workers. */
export function applyMemoryLimit(store: Store, settings: Settings): void {
  store.setLimit(settings.maxmemoryBytes, POLICIES[settings.maxmemoryPolicy]);
}
