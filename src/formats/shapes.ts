/**
 * The shapes that formats carry, and what a codec of one shape is.
 *
 *   chat      the benchmark's payload
 *   history   many of them, as LRANGE of a chat room returns
 *   blob      bytes that are no text
 *   series    numbers: measurements, counts, differences
 *
 * Each format has one codec for each shape (Codecs), except `string`, which carries the text of a
 * chat message and nothing else. schemas/chat.proto and schemas/chat.fbs describe the same shapes.
 * When adding a shape: here, in both schemas (make generate), in each format's file, in SHAPES of
 * bench/codec/cases.ts, and in docs/internals/formats.md.
 */
import type { ChatPayload } from "./format.ts";

export interface History {
  items: ChatPayload[];
  id: number;
}

export interface Blob {
  body: Uint8Array;
  timestamp: number;
  id: number;
}

/** `values` are any doubles, `counts` unsigned and `deltas` signed 32-bit integers. */
export interface Series {
  values: number[];
  counts: number[];
  deltas: number[];
  id: number;
}

export interface ShapeTypes {
  chat: ChatPayload;
  history: History;
  blob: Blob;
  series: Series;
}

export type ShapeKind = keyof ShapeTypes;

/**
 * Encodes and decodes one shape. Everything that reads throws RangeError with a reason when the
 * bytes are malformed. Decoded byte arrays may lie in the memory of the input.
 */
export interface Codec<T> {
  encode(value: T): Buffer;
  decode(bytes: Buffer): T;
  /** Reads every field, in place where the format can, and compares. */
  matches(bytes: Buffer, expected: T): boolean;
  /**
   * Reads one number and as little else as the format allows: the id of a chat message or a blob,
   * the id of the last message of a history, the last value of a series. 0 when the list is empty.
   */
  readOne(bytes: Buffer): number;
}

export type Codecs = { readonly [Kind in ShapeKind]: Codec<ShapeTypes[Kind]> };

export const UINT32_MAX = 2 ** 32 - 1;

export function isUint32(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

export function isInt32(value: unknown): value is number {
  return typeof value === "number" && (value | 0) === value;
}

/** Throws: the bytes are not what `format` writes. */
export function malformed(format: string, reason: string): never {
  throw new RangeError(`${format}: ${reason}`);
}

/** `value`, when a format's 32 bits hold it. */
export function toUint32(format: string, field: string, value: number): number {
  if (isUint32(value)) return value;
  throw new RangeError(`${format}: ${field} is not a whole number to ${UINT32_MAX} (${value})`);
}

export function toInt32(format: string, field: string, value: number): number {
  if (isInt32(value)) return value;
  throw new RangeError(`${format}: ${field} is not a signed 32-bit number (${value})`);
}

// ---- Comparing ----

export function isSameChat(a: ChatPayload, b: ChatPayload): boolean {
  return a.id === b.id && a.timestamp === b.timestamp && a.data === b.data;
}

export function isSameHistory(a: History, b: History): boolean {
  if (a.id !== b.id || a.items.length !== b.items.length) return false;
  return a.items.every((item, i) => isSameChat(item, b.items[i] as ChatPayload));
}

export function isSameBlob(a: Blob, b: Blob): boolean {
  return a.id === b.id && a.timestamp === b.timestamp && Buffer.compare(a.body, b.body) === 0;
}

export function isSameSeries(a: Series, b: Series): boolean {
  return (
    a.id === b.id &&
    isSameNumbers(a.values, b.values) &&
    isSameNumbers(a.counts, b.counts) &&
    isSameNumbers(a.deltas, b.deltas)
  );
}

/** NaN is the same as NaN: what was written must come back. */
function isSameNumbers(a: number[], b: number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++)
    if (!isSameNumber(a[i] as number, b[i] as number)) return false;
  return true;
}

export function isSameNumber(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}
