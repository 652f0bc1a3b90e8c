/**
 * Frames: list elements stored as the bytes that LRANGE sends, `$length\r\n` in front and `\r\n`
 * behind, so that a run of them is one copy.
 *
 * Used by list-node.ts in pages that begin with an element of FRAMED_SIZE_MIN bytes; it makes and
 * measures frames, and knows nothing of pages. (LRANGE of 50 × 128 B at depth 16: 3.5 µs with the
 * socket instead of 6.8; a frame costs 8 bytes there.)
 *
 * Limits: elements of at most 99,999 bytes. Safe on garbage: every size has some length in bounds.
 */

/**
 * A page whose first element is at least so long has frames: they are then at most an eighth of it.
 * Short elements would pay up to three times their size.
 */
export const FRAMED_SIZE_MIN = 64;
/** The smallest frame: `$0\r\n\r\n`. */
export const FRAME_SIZE_MIN = 6;
/** What a frame has beside the bytes and their number. */
const FRAME_MARKS_SIZE = 5;
const LINE_END_SIZE = 2;

/** Bytes of the frame of an element of `length` bytes. Hot. */
export function frameSize(length: number): number {
  let digits = 1;
  if (length >= 100) digits = length < 1000 ? 3 : length < 10_000 ? 4 : 5;
  else if (length >= 10) digits = 2;
  return length + FRAME_MARKS_SIZE + digits;
}

/** Bytes in front of the element in a frame of `size` bytes. Hot. */
export function frameHeaderSize(size: number): number {
  let digits = 1;
  if (size >= 108) digits = size < 1009 ? 3 : size < 10_010 ? 4 : 5;
  else if (size >= 17) digits = 2;
  return FRAME_MARKS_SIZE - LINE_END_SIZE + digits;
}

/** Length of the element in a frame of `size` bytes, at least FRAME_SIZE_MIN. Hot. */
export function framedLength(size: number): number {
  return size - frameHeaderSize(size) - LINE_END_SIZE;
}

/**
 * Writes what is around an element of `length` bytes in its frame at `at`; returns where the
 * element goes. Hot: once per push.
 */
export function writeFrame(bytes: Buffer, at: number, length: number): number {
  bytes[at] = 36;
  let digit = at + 1;
  if (length >= 100) {
    if (length >= 1000) {
      if (length >= 10_000) bytes[digit++] = 48 + (((length / 10_000) | 0) % 10);
      bytes[digit++] = 48 + (((length / 1000) | 0) % 10);
    }
    bytes[digit++] = 48 + (((length / 100) | 0) % 10);
  }
  if (length >= 10) bytes[digit++] = 48 + (((length / 10) | 0) % 10);
  bytes[digit++] = 48 + (length % 10);
  bytes[digit] = 13;
  bytes[digit + 1] = 10;
  const start = digit + 2;
  bytes[start + length] = 13;
  bytes[start + length + 1] = 10;
  return start;
}
