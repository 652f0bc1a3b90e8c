/**
 * `compact`: positional, schema-driven, small; the part that bitcode plays in Rust. Ours, made for
 * this benchmark: both sides know the shape, so no byte names or types a field.
 *
 *   chat      id: varint | timestamp: varint | length: varint | data: UTF-8
 *   history   id: varint | items: varint | for each item:
 *               id - id before: zigzag | timestamp - timestamp before: zigzag |
 *               length: varint | data: UTF-8
 *   blob      id: varint | timestamp: varint | length: varint | body
 *   series    id: varint | values: varint | counts: varint | deltas: varint |
 *               each value: 8 bytes IEEE 754, little-endian |
 *               each count: varint | each delta: zigzag
 *
 * varint: an unsigned 32-bit integer in 1 to 5 bytes, 7 bits each, the low ones first, the top bit
 * set in all but the last. zigzag: a signed one as varint, 0 -1 1 -2 … as 0 1 2 3 …. Differences
 * are taken modulo 2^32, from 0 for the first item.
 *
 * There is one encoding of a value: a varint that is longer than it needs to be is malformed, and
 * so are bytes behind the last field. Sizes are known before anything is written, so the result is
 * written once, into a Buffer of its size.
 */
import type { ChatPayload } from "./format.ts";
import {
  type Blob,
  type Codec,
  type Codecs,
  type History,
  isSameBlob,
  isSameChat,
  isSameHistory,
  isSameSeries,
  malformed,
  type Series,
  toInt32,
  toUint32,
} from "./shapes.ts";
import { readText, writeText } from "./text.ts";

const NAME = "compact";
const DOUBLE_SIZE = 8;
/** Two differences and a length. */
const ITEM_SIZE_MIN = 3;

const chat: Codec<ChatPayload> = {
  encode: encodeChat,
  decode: decodeChat,
  matches: (bytes, expected) => isSameChat(decodeChat(bytes), expected),
  readOne: readFirst,
};

const history: Codec<History> = {
  encode: encodeHistory,
  decode: decodeHistory,
  matches: (bytes, expected) => isSameHistory(decodeHistory(bytes), expected),
  readOne: readLastId,
};

const blob: Codec<Blob> = {
  encode: encodeBlob,
  decode: decodeBlob,
  matches: (bytes, expected) => isSameBlob(decodeBlob(bytes), expected),
  readOne: readFirst,
};

const series: Codec<Series> = {
  encode: encodeSeries,
  decode: decodeSeries,
  matches: (bytes, expected) => isSameSeries(decodeSeries(bytes), expected),
  readOne: readLastValue,
};

export const compactCodecs: Codecs = { chat, history, blob, series };

/** Where the next byte is written or read. One for all: nothing here runs while another does. */
let at = 0;

// ---- Writing ----

function encodeChat({ data, timestamp, id }: ChatPayload): Buffer {
  const length = Buffer.byteLength(data);
  const head = sizeOf(uint(id, "id")) + sizeOf(uint(timestamp, "timestamp")) + sizeOf(length);
  const bytes = Buffer.allocUnsafe(head + length);
  at = 0;
  write(bytes, id);
  write(bytes, timestamp);
  write(bytes, length);
  writeText(bytes, data, at, length);
  return bytes;
}

function encodeHistory({ items, id }: History): Buffer {
  const bytes = Buffer.allocUnsafe(sizeOfHistory(items, id));
  at = 0;
  write(bytes, id);
  write(bytes, items.length);
  let [idBefore, timestampBefore] = [0, 0];
  for (const item of items) {
    write(bytes, zigzag(item.id - idBefore));
    write(bytes, zigzag(item.timestamp - timestampBefore));
    const length = Buffer.byteLength(item.data);
    write(bytes, length);
    at += writeText(bytes, item.data, at, length);
    idBefore = item.id;
    timestampBefore = item.timestamp;
  }
  return bytes;
}

function sizeOfHistory(items: ChatPayload[], id: number): number {
  let size = sizeOf(uint(id, "id")) + sizeOf(items.length);
  let [idBefore, timestampBefore] = [0, 0];
  for (const item of items) {
    const length = Buffer.byteLength(item.data);
    size += sizeOf(zigzag(uint(item.id, "id") - idBefore));
    size += sizeOf(zigzag(uint(item.timestamp, "timestamp") - timestampBefore));
    size += sizeOf(length) + length;
    idBefore = item.id;
    timestampBefore = item.timestamp;
  }
  return size;
}

function encodeBlob({ body, timestamp, id }: Blob): Buffer {
  const head = sizeOf(uint(id, "id")) + sizeOf(uint(timestamp, "timestamp")) + sizeOf(body.length);
  const bytes = Buffer.allocUnsafe(head + body.length);
  at = 0;
  write(bytes, id);
  write(bytes, timestamp);
  write(bytes, body.length);
  bytes.set(body, at);
  return bytes;
}

function encodeSeries({ values, counts, deltas, id }: Series): Buffer {
  let size = sizeOf(uint(id, "id")) + sizeOf(values.length) + sizeOf(counts.length);
  size += sizeOf(deltas.length) + values.length * DOUBLE_SIZE;
  for (const count of counts) size += sizeOf(uint(count, "counts"));
  for (const delta of deltas) size += sizeOf(zigzag(toInt32(NAME, "deltas", delta)));
  const bytes = Buffer.allocUnsafe(size);
  at = 0;
  write(bytes, id);
  write(bytes, values.length);
  write(bytes, counts.length);
  write(bytes, deltas.length);
  for (const value of values) at = bytes.writeDoubleLE(value, at);
  for (const count of counts) write(bytes, count);
  for (const delta of deltas) write(bytes, zigzag(delta));
  return bytes;
}

function uint(value: number, field: string): number {
  return toUint32(NAME, field, value);
}

/** Bytes of an unsigned 32-bit `value` as varint. */
function sizeOf(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** A difference of two 32-bit integers, modulo 2^32 → the unsigned integer that is written. */
function zigzag(difference: number): number {
  const signed = difference | 0;
  return ((signed << 1) ^ (signed >> 31)) >>> 0;
}

function write(bytes: Buffer, value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
}

// ---- Reading ----

function decodeChat(bytes: Buffer): ChatPayload {
  at = 0;
  const id = read(bytes);
  const timestamp = read(bytes);
  const data = readData(bytes);
  expectEnd(bytes);
  return { data, timestamp, id };
}

function decodeHistory(bytes: Buffer): History {
  at = 0;
  const id = read(bytes);
  const count = readLength(bytes, ITEM_SIZE_MIN);
  const items: ChatPayload[] = [];
  let [itemId, timestamp] = [0, 0];
  for (let i = 0; i < count; i++) {
    itemId = (itemId + unzigzag(read(bytes))) >>> 0;
    timestamp = (timestamp + unzigzag(read(bytes))) >>> 0;
    items.push({ data: readData(bytes), timestamp, id: itemId });
  }
  expectEnd(bytes);
  return { items, id };
}

function decodeBlob(bytes: Buffer): Blob {
  at = 0;
  const id = read(bytes);
  const timestamp = read(bytes);
  const length = readLength(bytes, 1);
  const body = bytes.subarray(at, at + length);
  at += length;
  expectEnd(bytes);
  return { body, timestamp, id };
}

function decodeSeries(bytes: Buffer): Series {
  at = 0;
  const id = read(bytes);
  const valuesCount = readLength(bytes, DOUBLE_SIZE);
  const countsCount = readLength(bytes, 1);
  const deltasCount = readLength(bytes, 1);
  if (bytes.length - at < valuesCount * DOUBLE_SIZE) malformed(NAME, "it ends early");
  const values = new Array<number>(valuesCount);
  for (let i = 0; i < valuesCount; i++, at += DOUBLE_SIZE) values[i] = bytes.readDoubleLE(at);
  const counts = new Array<number>(countsCount);
  for (let i = 0; i < countsCount; i++) counts[i] = read(bytes);
  const deltas = new Array<number>(deltasCount);
  for (let i = 0; i < deltasCount; i++) deltas[i] = unzigzag(read(bytes));
  expectEnd(bytes);
  return { values, counts, deltas, id };
}

/** The id comes first in a chat message and a blob. */
function readFirst(bytes: Buffer): number {
  at = 0;
  return read(bytes);
}

/** Every id has to be added up; texts are passed over. */
function readLastId(bytes: Buffer): number {
  at = 0;
  read(bytes);
  const count = readLength(bytes, ITEM_SIZE_MIN);
  let id = 0;
  for (let i = 0; i < count; i++) {
    id = (id + unzigzag(read(bytes))) >>> 0;
    read(bytes);
    const length = readLength(bytes, 1);
    at += length;
  }
  return id;
}

function readLastValue(bytes: Buffer): number {
  at = 0;
  read(bytes);
  const count = readLength(bytes, DOUBLE_SIZE);
  read(bytes);
  read(bytes);
  const last = at + (count - 1) * DOUBLE_SIZE;
  if (last + DOUBLE_SIZE > bytes.length) malformed(NAME, "it ends early");
  return count === 0 ? 0 : bytes.readDoubleLE(last);
}

function read(bytes: Buffer): number {
  const first = byteAt(bytes);
  return first < 0x80 ? first : readLong(bytes, first & 0x7f);
}

/** The second to fifth byte of a varint. */
function readLong(bytes: Buffer, low: number): number {
  let value = low;
  for (let shift = 7; shift <= 28; shift += 7) {
    const byte = byteAt(bytes);
    if (shift === 28 && byte > 0x0f) break;
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    if (byte === 0) malformed(NAME, "a number is longer than it needs to be");
    return value >>> 0;
  }
  return malformed(NAME, "a number is above 32 bits");
}

function byteAt(bytes: Buffer): number {
  if (at >= bytes.length) malformed(NAME, "it ends early");
  return bytes[at++] as number;
}

function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

/** A number of things of at least `sizeMin` bytes each, which the rest of the bytes can hold. */
function readLength(bytes: Buffer, sizeMin: number): number {
  const length = read(bytes);
  if (length > (bytes.length - at) / sizeMin) malformed(NAME, "a length is beyond the end");
  return length;
}

function readData(bytes: Buffer): string {
  const length = readLength(bytes, 1);
  at += length;
  return readText(NAME, bytes, at - length, at);
}

function expectEnd(bytes: Buffer): void {
  if (at !== bytes.length) malformed(NAME, "bytes behind the last field");
}
