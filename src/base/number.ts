/**
 * Decimal integers as bytes: parsing without strings.
 *
 * Arguments and stored values are bytes, and most of them are small integers. So the common
 * functions here work in number arithmetic up to 2^53 - 1 and allocate nothing; the 64-bit ones use
 * BigInt and are for the rare rest.
 *
 * "Canonical" is what Redis takes as an integer: an optional minus, no plus, no leading zero, no
 * "-0", no blanks. Whether a value is canonical decides whether INCR works on it, so parsing is
 * strict everywhere.
 *
 * Not here: writing them (resp/decimal.ts), floating point (extended-float.ts), sizes and durations
 * with units (units.ts).
 */

const DIGIT_ZERO = 0x30;
const MINUS = 0x2d;

/** A minus and 16 digits: nothing longer is within ±(2^53 - 1). */
const SAFE_INTEGER_LENGTH_MAX = 17;
/** A minus and 19 digits. */
export const INT64_LENGTH_MAX = 20;

export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;
export const UINT64_MAX = 2n ** 64n - 1n;

/** A 64-bit integer is parsed as two numbers: its low digits, and at most 11 before them. */
const INT64_LOW_DIGITS = 9;

/**
 * The canonical integer in `bytes[start, start + length)`, or NaN when it is not canonical or
 * beyond ±(2^53 - 1).
 * Hot: called for every INCR and every numeric argument. A caller that must tell the two apart
 * tries parseInt64.
 */
export function parseSafeInteger(bytes: Buffer, start: number, length: number): number {
  if (length === 0 || length > SAFE_INTEGER_LENGTH_MAX) return NaN;
  const end = start + length;
  let at = start;
  const isNegative = bytes[at] === MINUS;
  if (isNegative && ++at === end) return NaN;
  let value = bytes[at]! - DIGIT_ZERO;
  if (value === 0) return length === 1 ? 0 : NaN;
  if (value < 0 || value > 9) return NaN;
  while (++at < end) {
    const digit = bytes[at]! - DIGIT_ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) return NaN;
  return isNegative ? -value : value;
}

/**
 * The canonical signed 64-bit integer in the range, or null. Allocates: for what parseSafeInteger
 * refuses.
 */
export function parseInt64(bytes: Buffer, start: number, length: number): bigint | null {
  if (length > INT64_LENGTH_MAX) return null;
  const small = parseSafeInteger(bytes, start, length);
  if (!Number.isNaN(small)) return BigInt(small);
  const isNegative = length > 0 && bytes[start] === MINUS;
  const from = isNegative ? start + 1 : start;
  const count = start + length - from;
  if (count <= INT64_LOW_DIGITS || bytes[from] === DIGIT_ZERO) return null;
  const high = parseDigits(bytes, from, count - INT64_LOW_DIGITS);
  const low = parseDigits(bytes, start + length - INT64_LOW_DIGITS, INT64_LOW_DIGITS);
  if (high < 0 || low < 0) return null;
  const magnitude = BigInt(high) * 10n ** BigInt(INT64_LOW_DIGITS) + BigInt(low);
  const value = isNegative ? -magnitude : magnitude;
  return value >= INT64_MIN && value <= INT64_MAX ? value : null;
}

/** The value of at most 15 digits, leading zeros allowed, or -1. */
function parseDigits(bytes: Buffer, start: number, count: number): number {
  let value = 0;
  for (let i = start; i < start + count; i++) {
    const digit = bytes[i]! - DIGIT_ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
