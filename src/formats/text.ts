/**
 * UTF-8 in both directions, strict: bytes that are no UTF-8 are malformed, not replaced.
 *
 * Bun replaces them by U+FFFD. Looking for that character in the decoded text finds them: in a
 * string of Latin letters, which JavaScriptCore keeps in bytes, the search ends before it starts,
 * and only a text that has the character pays for the check of its bytes.
 */
import { isUtf8 } from "node:buffer";
import { malformed } from "./shapes.ts";

const REPLACEMENT = "\uFFFD";

/**
 * Methods of Node's Buffer that its types leave out: `write` looks at the name of the encoding
 * first, and takes 53 ns for 128 bytes where `utf8Write` takes 34.
 */
interface Utf8Buffer {
  utf8Slice(start: number, end: number): string;
  utf8Write(text: string, at: number, sizeMax: number): number;
}

/**
 * The text in `bytes[start, end)`, which must lie inside. Throws RangeError when it is no UTF-8.
 */
export function readText(format: string, bytes: Buffer, start: number, end: number): string {
  const text = (bytes as unknown as Utf8Buffer).utf8Slice(start, end);
  if (text.includes(REPLACEMENT) && !isUtf8(bytes.subarray(start, end))) {
    malformed(format, "text is not UTF-8");
  }
  return text;
}

/** Writes `text` to `bytes[at, at + size)`; `size` is what Buffer.byteLength says or more. */
export function writeText(bytes: Buffer, text: string, at: number, size: number): number {
  return (bytes as unknown as Utf8Buffer).utf8Write(text, at, size);
}

/**
 * Throws RangeError when `text`, which a library has decoded out of `bytes`, was no UTF-8 there.
 * What was valid lies in `bytes` as it is written again.
 */
export function checkText(format: string, bytes: Buffer, text: string): void {
  if (text.includes(REPLACEMENT) && !bytes.includes(text)) malformed(format, "text is not UTF-8");
}
