/**
 * Expiry times in arguments: from "EX 10", "PXAT 1700000000000" and their like to ms since 1970.
 *
 * Checked as Redis checks them, in 64 bits: what does not fit is "invalid expire time". Nearly
 * every time is far from that and takes number arithmetic; BigInt decides about the rest. What is
 * accepted is kept up to EXPIRY_MS_MAX.
 */
import { EXPIRY_MS_MAX } from "../base/limits.ts";
import { INT64_MAX, INT64_MIN } from "../base/number.ts";
import { invalidExpireTime } from "../resp/errors.ts";
import type { Context } from "./context.ts";

const MS_PER_SECOND = 1000;

export const enum TimeUnit {
  Seconds = 1,
  Milliseconds = 2,
  /** A flag: counted from 1970, not from now. */
  Absolute = 4,
}

/**
 * Parses argument `i` as a positive time into `c.value`: ms since 1970. False, with the error
 * written, when it is no integer, not positive, or does not fit. `unit` is a sum of TimeUnit.
 */
export function parsePositiveTime(c: Context, i: number, unit: number): boolean {
  if (!c.integer(i)) return false;
  if (c.value <= 0) return failTime(c);
  return toAbsolute(c, i, unit);
}

/** The same for EXPIRE and its kind, where a time that has passed removes the key. */
export function parseAnyTime(c: Context, i: number, unit: number): boolean {
  return c.integer(i) && toAbsolute(c, i, unit);
}

function toAbsolute(c: Context, i: number, unit: number): boolean {
  let ms = (unit & TimeUnit.Seconds) !== 0 ? c.value * MS_PER_SECOND : c.value;
  if ((unit & TimeUnit.Absolute) === 0) ms += c.nowMs;
  if (ms < -EXPIRY_MS_MAX || ms > EXPIRY_MS_MAX) return toAbsoluteExactly(c, i, unit);
  c.value = ms;
  return true;
}

/** For times so far away that a double does not hold them to the millisecond. */
function toAbsoluteExactly(c: Context, i: number, unit: number): boolean {
  let ms = c.int64(i) as bigint;
  if ((unit & TimeUnit.Seconds) !== 0) ms *= BigInt(MS_PER_SECOND);
  if (ms < INT64_MIN) return failTime(c);
  if ((unit & TimeUnit.Absolute) === 0) ms += BigInt(c.nowMs);
  if (ms > INT64_MAX) return failTime(c);
  c.value = Math.max(-EXPIRY_MS_MAX, Math.min(Number(ms), EXPIRY_MS_MAX));
  return true;
}

function failTime(c: Context): false {
  c.out.error(invalidExpireTime(c.commandName));
  return false;
}
