/**
 * Decimal digits, written into bytes: the number after `:`, `$` and `*` in everything that is sent.
 *
 * Used by writer.ts (replies) and encoder.ts (requests). No string is made. The caller has ensured
 * DIGITS_MAX bytes. Not here: negative numbers beyond the sign (the caller writes it), floats,
 * 64-bit integers (bigint, cold).
 */
import { debugAssert } from "../base/assert.ts";

/** Digits of Number.MAX_SAFE_INTEGER, the largest number written here. */
export const DIGITS_MAX = 16;

const DIGIT_0 = 48;
/** Above this an int32 division would not do. */
const INT32_MAX = 0x7fffffff;
/** A power of ten below 2^31: what splits a larger number into two int32 halves. */
const HALF = 1e9;

/**
 * For 0 to 999: up to three digits in the low bytes, first digit lowest, and their number in the
 * top byte.
 */
const SHORT = new Int32Array(1000);
for (let n = 0; n < 1000; n++) {
  const text = String(n);
  for (let i = 0; i < text.length; i++)
    SHORT[n] = (SHORT[n] as number) | (text.charCodeAt(i) << (i * 8));
  SHORT[n] = (SHORT[n] as number) | (text.length << 24);
}

/**
 * Writes the digits of `n` (an integer, 0 <= n <= 2^53-1) at `at` and returns the offset behind
 * them. May write up to two bytes more than that: DIGITS_MAX bytes must be there in any case. Hot:
 * called for every header and integer. One load and three stores below 1000: half the time of
 * multiplications per digit (3 against 8 ns for a whole header, writer.bench.ts).
 */
export function writeDecimal(bytes: Buffer, at: number, n: number): number {
  if (n < 1000) {
    const digits = SHORT[n] as number;
    bytes[at] = digits;
    bytes[at + 1] = digits >> 8;
    bytes[at + 2] = digits >> 16;
    return at + (digits >>> 24);
  }
  return writeLong(bytes, at, n);
}

function writeLong(bytes: Buffer, at: number, n: number): number {
  debugAssert(Number.isSafeInteger(n) && n >= 0, `n (${n}) must be a safe integer >= 0`);
  if (n <= INT32_MAX) {
    const end = at + digitsCount(n);
    fillDigits(bytes, at, end, n);
    return end;
  }
  const high = Math.floor(n / HALF);
  const middle = writeDecimal(bytes, at, high);
  fillDigits(bytes, middle, middle + 9, n - high * HALF);
  return middle + 9;
}

/** Fills [at, end) with the low digits of `n` (int32), zeros in front. */
function fillDigits(bytes: Buffer, at: number, end: number, n: number): void {
  let rest = n | 0;
  for (let i = end - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    bytes[i] = DIGIT_0 + rest - tenth * 10;
    rest = tenth;
  }
}

/** Decimal digits of an int32 >= 0. */
export function digitsCount(n: number): number {
  if (n < 10) return 1;
  if (n < 100) return 2;
  if (n < 1000) return 3;
  if (n < 10_000) return 4;
  if (n < 100_000) return 5;
  if (n < 1_000_000) return 6;
  if (n < 10_000_000) return 7;
  if (n < 100_000_000) return 8;
  return n < 1_000_000_000 ? 9 : 10;
}
