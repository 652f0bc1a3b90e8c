/**
 * Decimal digits into the bytes of a request, as many as asked for: keys have leading zeros.
 *
 * Two digits at a time from a table, last ones first. Nothing is allocated.
 */

const DIGIT_0 = 48;
const INT32_MAX = 2 ** 31 - 1;
/** "00" to "99". */
const DIGIT_PAIRS = Buffer.from(
  Array.from({ length: 100 }, (_, pair) => String(pair).padStart(2, "0")).join(""),
);

/** Digits of `value`, a whole number >= 0. */
export function digitsCount(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count++;
  return count;
}

/**
 * Writes the last `count` digits of `value`, a whole number from 0 to 2^53 - 1, at `at`, with
 * leading zeros where it has fewer; returns the end.
 */
export function writeDigits(target: Buffer, at: number, value: number, count: number): number {
  let rest = value;
  let i = at + count;
  for (; rest > INT32_MAX && i - 2 >= at; i -= 2) {
    const next = Math.floor(rest / 100);
    writePair(target, i - 2, rest - next * 100);
    rest = next;
  }
  for (; i - 2 >= at; i -= 2) {
    const next = (rest / 100) | 0;
    writePair(target, i - 2, rest - next * 100);
    rest = next;
  }
  if (i > at) target[at] = DIGIT_0 + (rest % 10);
  return at + count;
}

function writePair(target: Buffer, at: number, pair: number): void {
  target[at] = DIGIT_PAIRS[pair << 1]!;
  target[at + 1] = DIGIT_PAIRS[(pair << 1) + 1]!;
}
