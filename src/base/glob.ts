/**
 * Glob patterns over bytes, as KEYS, SCAN MATCH and PSUBSCRIBE take them.
 *
 *   *   any bytes, also none      [abc]    one of these
 *   ?   any one byte              [^a-z]   one byte outside the range
 *   \x  x itself
 *
 * Iterative: only the last star is ever returned to, because what stands before it has matched the
 * shortest text that it can, and a longer one leaves less for the rest. So a match costs pattern
 * times text at the most, where a recursive matcher takes exponential time on "a*a*a*...b" and its
 * stack grows with the pattern.
 *
 * The corners are Redis': a class that is never closed ends with the pattern, a reversed range is
 * turned round, a backslash at the very end stands for itself, and no pattern with a byte in it
 * matches the empty text.
 */

const STAR = 0x2a;
const QUESTION = 0x3f;
const CLASS_OPEN = 0x5b;
const CLASS_CLOSE = 0x5d;
const BACKSLASH = 0x5c;
const CARET = 0x5e;
const DASH = 0x2d;

/**
 * Where the pattern continues after the element that matchesElement looked at: its second result.
 */
let elementEnd = 0;

/**
 * Whether `text[textStart, textStart + textLength)` matches the pattern in the same notation.
 * Case-sensitive. Allocates nothing.
 */
export function matchesGlob(
  pattern: Buffer,
  patternStart: number,
  patternLength: number,
  text: Buffer,
  textStart: number,
  textLength: number,
): boolean {
  if (textLength === 0) return patternLength === 0;
  const patternEnd = patternStart + patternLength;
  const textEnd = textStart + textLength;
  let p = patternStart;
  let t = textStart;
  // What follows the last star, and the first byte of the text that the star does not cover. -1: no
  // star yet.
  let starNext = -1;
  let starText = 0;
  while (t < textEnd) {
    if (p < patternEnd && pattern[p] === STAR) {
      starNext = ++p;
      starText = t;
      if (p === patternEnd) return true;
    } else if (p < patternEnd && matchesElement(pattern, p, patternEnd, text[t]!)) {
      p = elementEnd;
      t++;
    } else {
      if (starNext === -1) return false;
      p = starNext;
      t = ++starText;
    }
  }
  while (p < patternEnd && pattern[p] === STAR) p++;
  return p === patternEnd;
}

/** Whether the pattern is a single star, which matches every key, the empty one too. */
export function isMatchAll(pattern: Buffer, start: number, length: number): boolean {
  return length === 1 && pattern[start] === STAR;
}

/**
 * Matches one byte with the element at `p` (anything but a star), and leaves the next element in
 * `elementEnd`.
 */
function matchesElement(pattern: Buffer, p: number, patternEnd: number, byte: number): boolean {
  const first = pattern[p]!;
  elementEnd = p + 1;
  if (first === QUESTION) return true;
  if (first === CLASS_OPEN) return matchesClass(pattern, p + 1, patternEnd, byte);
  if (first === BACKSLASH && p + 1 < patternEnd) {
    elementEnd = p + 2;
    return pattern[p + 1] === byte;
  }
  return first === byte;
}

function matchesClass(pattern: Buffer, start: number, patternEnd: number, byte: number): boolean {
  let p = start;
  const isNegated = p < patternEnd && pattern[p] === CARET;
  if (isNegated) p++;
  let isMember = false;
  while (p < patternEnd && pattern[p] !== CLASS_CLOSE) {
    const left = patternEnd - p;
    if (left >= 2 && pattern[p] === BACKSLASH) {
      if (pattern[p + 1] === byte) isMember = true;
      p += 2;
    } else if (left >= 3 && pattern[p + 1] === DASH) {
      if (isWithin(byte, pattern[p]!, pattern[p + 2]!)) isMember = true;
      p += 3;
    } else {
      if (pattern[p] === byte) isMember = true;
      p++;
    }
  }
  // Behind the bracket, or at the end of a pattern that lacks it.
  elementEnd = p < patternEnd ? p + 1 : patternEnd;
  return isMember !== isNegated;
}

function isWithin(byte: number, a: number, b: number): boolean {
  return a <= b ? byte >= a && byte <= b : byte >= b && byte <= a;
}
