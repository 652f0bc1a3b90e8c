/**
 * Expiry times in arguments: from "EX 10", "PXAT 1700000000000" and their like to ms since 1970.
 *
 * Checked as Redis checks them, in 64-bit arithmetic: what does not fit is "invalid expire time". Here it is done in
 * doubles, whose error near 2^63 is below a second, and what is accepted is kept up to 2^53 - 1 ms (the year 287396).
 */
import { EXPIRY_MS_MAX } from "../base/limits.ts";
import { invalidExpireTime } from "../resp/errors.ts";
import type { Context } from "./context.ts";

const INT64_MAX = 2 ** 63;
const MS_PER_SECOND = 1000;

export const enum TimeUnit {
  Seconds = 1,
  Milliseconds = 2,
  /** A flag: counted from 1970, not from now. */
  Absolute = 4,
}

/**
 * Parses argument `i` as a positive time into `c.value`: ms since 1970. False, with the error written, when it is no
 * integer, not positive, or does not fit. `unit` is a sum of TimeUnit.
 */
export function parsePositiveTime(c: Context, i: number, unit: number): boolean {
  if (!c.integer(i)) return false;
  if (c.value <= 0) return failTime(c);
  return toAbsolute(c, unit);
}

/** The same for EXPIRE and its kind, where a time that has passed removes the key. */
export function parseAnyTime(c: Context, i: number, unit: number): boolean {
  return c.integer(i) && toAbsolute(c, unit);
}

function toAbsolute(c: Context, unit: number): boolean {
  let ms = c.value;
  if ((unit & TimeUnit.Seconds) !== 0) {
    ms *= MS_PER_SECOND;
    if (ms >= INT64_MAX || ms <= -INT64_MAX) return failTime(c);
  }
  if ((unit & TimeUnit.Absolute) === 0) {
    ms += c.nowMs;
    if (ms >= INT64_MAX) return failTime(c);
  }
  c.value = Math.min(ms, EXPIRY_MS_MAX);
  return true;
}

function failTime(c: Context): false {
  c.out.error(invalidExpireTime(c.commandName));
  return false;
}
