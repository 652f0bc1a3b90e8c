/**
 * The access clock: a byte in every record that says when it was last used, for LRU eviction and
 * OBJECT IDLETIME.
 *
 * The clock counts ticks, 0 to 255 and round again. It ticks when 1/64 of the memory limit has been
 * written since the last tick, so that the 256 values span four turnovers of the data however fast
 * they come, and at least every TICK_MS_MAX. So an age is exact to one tick, and what has been idle
 * for more than 255 ticks looks younger: under a limit it has long been evicted.
 *
 * Who may write: the access byte, the holder of the record's bucket; CONTROL_ACCESS_TICK, the
 * upkeep Worker or whoever evicts, both through `advanceClock`.
 */
import { CONTROL_ACCESS_TICK, RECORD_ACCESS_BYTE } from "./layout.ts";
import { type Memory, SETTINGS_ROW } from "./memory.ts";

/** Longest tick: without a memory limit, a record's idle time is known to about this. */
const TICK_MS_MAX = 16_000;
const TICKS_FOR_LIMIT = 64;

/**
 * Words of the settings row, behind the memory limit: bytes written and time at the last tick,
 * start of each tick.
 */
const TICK_BYTES = SETTINGS_ROW + 8;
const TICK_MS = SETTINGS_ROW + 9;
const TICK_STARTS = SETTINGS_ROW + 16;

/**
 * Ticks when it is time to. `allocated`: bytes allocated by all Workers so far; `limit`: the memory
 * limit.
 */
export function advanceClock(memory: Memory, allocated: number, limit: number): void {
  const counters = memory.counters;
  const written = allocated - (counters[TICK_BYTES] as number);
  const elapsed = memory.nowMs - (counters[TICK_MS] as number);
  if (written < limit / TICKS_FOR_LIMIT && elapsed < TICK_MS_MAX) return;
  counters[TICK_BYTES] = allocated;
  counters[TICK_MS] = memory.nowMs;
  const tick = ((memory.control[CONTROL_ACCESS_TICK] as number) + 1) & 255;
  counters[TICK_STARTS + tick] = memory.nowMs;
  Atomics.store(memory.control, CONTROL_ACCESS_TICK, tick);
}

/** Ticks since the record was used, 0 to 255. */
export function accessAge(memory: Memory, slot: number, offset: number): number {
  const byte = (memory.bytes[slot] as Buffer)[offset + RECORD_ACCESS_BYTE] as number;
  return ((memory.control[CONTROL_ACCESS_TICK] as number) - byte) & 255;
}

/** Marks the record as used now. The bucket must be locked. */
export function markAccess(memory: Memory, slot: number, offset: number): void {
  (memory.bytes[slot] as Buffer)[offset + RECORD_ACCESS_BYTE] = memory.control[
    CONTROL_ACCESS_TICK
  ] as number;
}

/**
 * Milliseconds since the end of the tick in which the record was used: at most a tick less than it
 * has been idle, never more, and 0 right after an access.
 */
export function idleMs(memory: Memory, slot: number, offset: number): number {
  const tick = memory.control[CONTROL_ACCESS_TICK] as number;
  const byte = (memory.bytes[slot] as Buffer)[offset + RECORD_ACCESS_BYTE] as number;
  if (byte === tick) return 0;
  const ended = memory.counters[TICK_STARTS + ((byte + 1) & 255)] as number;
  return ended === 0 ? 0 : Math.max(0, memory.nowMs - ended);
}
