/**
 * The number in a `*` or `$` header, with the strictness of Redis: an optional minus, no plus, no
 * space, no leading zero, no "-0", and it must fit into 64 bits.
 *
 * Used by the careful path of RequestParser; its fast path reads one to three digits by itself.
 */

/** Digits that are surely below 2^53, so that a double holds them exactly. */
const EXACT_DIGITS_MAX = 15;
const INT64_DIGITS = "9223372036854775807";
const INT64_DIGITS_NEGATIVE = "9223372036854775808";

/**
 * The number in [start, end), NaN when it is malformed. Beyond 15 digits it is only roughly right:
 * any limit is below.
 */
export function headerNumber(bytes: Buffer, start: number, end: number): number {
  const isNegative = start < end && bytes[start] === 45;
  const first = isNegative ? start + 1 : start;
  const digitsCount = end - first;
  if (digitsCount < 1 || digitsCount > INT64_DIGITS.length) return Number.NaN;
  if (bytes[first] === 48) return digitsCount === 1 && !isNegative ? 0 : Number.NaN;
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = (bytes[i] as number) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  if (digitsCount > EXACT_DIGITS_MAX && !fitsInt64(bytes, first, end, isNegative))
    return Number.NaN;
  return isNegative ? -value : value;
}

function fitsInt64(bytes: Buffer, first: number, end: number, isNegative: boolean): boolean {
  if (end - first < INT64_DIGITS.length) return true;
  const digits = bytes.toString("latin1", first, end);
  return digits <= (isNegative ? INT64_DIGITS_NEGATIVE : INT64_DIGITS);
}
