/**
 * The text of a double as Redis writes it: the shortest digits that read back as the same number.
 *
 * Used by ReplyWriter.double. Cold.
 */

/** `inf`, `-inf` and `nan` for what has no digits. */
export function doubleText(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (x === Number.POSITIVE_INFINITY) return "inf";
  if (x === Number.NEGATIVE_INFINITY) return "-inf";
  return Object.is(x, -0) ? "-0" : String(x);
}
