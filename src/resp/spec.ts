/**
 * The request protocol as a specification that runs: slow, obvious, and written without a look at
 * parser.ts.
 *
 * The tests and the fuzzer give it a whole stream and compare what RequestParser made of the same
 * stream in pieces. Works on latin1 strings and regular expressions. Not for servers.
 */
import { errorTexts, protocolExpectedDollar } from "./errors.ts";

export interface SpecLimits {
  multibulkCountMax: number;
  bulkSizeMax: number;
  inlineSizeMax: number;
  authenticated: boolean;
}

/**
 * How the stream ends: everything consumed, in the middle of a request, with an error, as an HTTP
 * request.
 */
export type SpecEnd = "complete" | "incomplete" | "security" | `error: ${string}`;

export interface SpecResult {
  /** Each command as its arguments, latin1. */
  commands: string[][];
  end: SpecEnd;
}

/** What one attempt to read something gave: a value and the rest of the stream, or an end. */
type Read<T> = { value: T; rest: string } | { end: SpecEnd };

/** Splits `stream` into commands. */
export function parseAsSpecified(stream: string, limits: SpecLimits): SpecResult {
  const commands: string[][] = [];
  let rest = stream;
  while (rest !== "") {
    const read = rest.startsWith("*") ? readMultibulk(rest, limits) : readInline(rest, limits);
    if ("end" in read) return { commands, end: read.end };
    if (read.value.length > 0) commands.push(read.value);
    rest = read.rest;
  }
  return { commands, end: "complete" };
}

function readMultibulk(stream: string, limits: SpecLimits): Read<string[]> {
  const header = readHeader(stream, errorTexts.protocolMultibulkTooLong, limits);
  if ("end" in header) return header;
  const count = readNumber(header.value.slice(1));
  if (count === undefined || count > BigInt(limits.multibulkCountMax)) {
    return failure(errorTexts.protocolMultibulkLength);
  }
  if (!limits.authenticated && count > 10n)
    return failure(errorTexts.protocolMultibulkLengthNoAuth);
  if (header.lineEnd !== "\r\n") return failure(errorTexts.protocolLineEnd);
  const args: string[] = [];
  let rest = header.rest;
  for (let i = 0n; i < count; i++) {
    const read = readBulk(rest, limits);
    if ("end" in read) return read;
    args.push(read.value);
    rest = read.rest;
  }
  return { value: args, rest };
}

function readBulk(stream: string, limits: SpecLimits): Read<string> {
  const header = readHeader(stream, errorTexts.protocolBulkTooLong, limits);
  if ("end" in header) return header;
  if (!stream.startsWith("$")) return failure(protocolExpectedDollar(stream.charCodeAt(0)));
  const length = readNumber(header.value.slice(1));
  if (length === undefined || length < 0n || length > BigInt(limits.bulkSizeMax)) {
    return failure(errorTexts.protocolBulkLength);
  }
  if (!limits.authenticated && length > 16384n) return failure(errorTexts.protocolBulkLengthNoAuth);
  if (header.lineEnd !== "\r\n") return failure(errorTexts.protocolLineEnd);
  const size = Number(length);
  if (header.rest.length < size + 2) return { end: "incomplete" };
  if (header.rest.slice(size, size + 2) !== "\r\n") return failure(errorTexts.protocolLineEnd);
  return { value: header.rest.slice(0, size), rest: header.rest.slice(size + 2) };
}

/**
 * A header line: all up to the first CR, unless a NUL comes first, and the two bytes from that CR
 * on.
 */
function readHeader(
  stream: string,
  tooLong: string,
  limits: SpecLimits,
): { value: string; lineEnd: string; rest: string } | { end: SpecEnd } {
  const line = /^[^\0\r]*(?=\r)/.exec(stream)?.[0];
  const length = line === undefined ? stream.length : line.length;
  if (length > limits.inlineSizeMax) return failure(tooLong);
  if (line === undefined) return { end: "incomplete" };
  const lineEnd = stream.slice(line.length, line.length + 2);
  if (lineEnd.length < 2) return { end: "incomplete" };
  return { value: line, lineEnd, rest: stream.slice(line.length + 2) };
}

/** A 64-bit integer in its only spelling. */
function readNumber(text: string): bigint | undefined {
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

function readInline(stream: string, limits: SpecLimits): Read<string[]> {
  const line = /^[^\0\n]*(?=\n)/.exec(stream)?.[0];
  const length = line === undefined ? stream.length : line.length;
  if (length > limits.inlineSizeMax) return failure(errorTexts.protocolInlineTooLong);
  if (line === undefined) return { end: "incomplete" };
  const words = splitWords(line.replace(/\r$/, ""));
  if (words === undefined) return failure(errorTexts.protocolUnbalancedQuotes);
  if (/^(post|host:)$/i.test(words[0] ?? "")) return { end: "security" };
  return { value: words, rest: stream.slice(line.length + 1) };
}

const SPACES = /^[ \t\n\v\f\r]+/;

/**
 * Plain characters, then perhaps a quoted part, which ends the word; behind the word comes a space
 * or nothing.
 */
const WORD = new RegExp(
  [
    "^([^ \\t\\n\\r\"']*)",
    '(?:"((?:[^"\\\\]|\\\\[\\s\\S])*)"(?=[ \\t\\n\\v\\f\\r]|$)',
    "|'((?:[^'\\\\]|\\\\'|\\\\(?!'))*)'(?=[ \\t\\n\\v\\f\\r]|$)",
    "|(?=[ \\t\\n\\r]|$))",
  ].join(""),
);

function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let rest = line.replace(SPACES, "");
  while (rest !== "") {
    const match = WORD.exec(rest);
    if (match === null) return undefined;
    const [word, plain = "", double, single] = match;
    words.push(plain + unescapeDouble(double ?? "") + (single ?? "").replaceAll("\\'", "'"));
    rest = rest.slice(word.length).replace(SPACES, "");
  }
  return words;
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", a: "\x07" };

function unescapeDouble(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|([\s\S]))/g, (_, hex: string, other: string) =>
    hex === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function failure(text: string): { end: SpecEnd } {
  return { end: `error: ${text}` };
}
