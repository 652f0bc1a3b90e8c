/**
 * An encoded request back to its words, for libraries that encode by themselves.
 *
 * The bytes are our own encoder's: `*2 $3 GET $5 key:1`, nothing is checked.
 */
const LF = 10;
const DIGIT_0 = 48;

/** The words of the one request in bytes [0, end), each in a Buffer of its own. */
export function requestWords(bytes: Buffer, end: number): Buffer[] {
  const words: Buffer[] = [];
  let at = bytes.indexOf(LF) + 1;
  while (at < end) {
    let length = 0;
    for (at++; bytes[at]! >= DIGIT_0; at++) length = length * 10 + bytes[at]! - DIGIT_0;
    const start = at + 2;
    words.push(Buffer.from(bytes.subarray(start, start + length)));
    at = start + length + 2;
  }
  return words;
}
