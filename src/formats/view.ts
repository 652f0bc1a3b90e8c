/**
 * `view`: fields at fixed offsets, read where they lie; the part that rkyv plays in Rust. Ours,
 * made for this benchmark. Little-endian; nothing needs to be aligned.
 *
 *   chat, blob     0 id u32 | 4 timestamp u32 | 8 offset u32 | 12 length u32 | 16 data or body
 *   history        0 id u32 | 4 items u32 | 8 one record of 16 bytes for each item:
 *                    0 id u32 | 4 timestamp u32 | 8 offset u32 | 12 length u32
 *                  behind the records: their texts, UTF-8
 *   series         0 id u32 | 4 values u32 | 8 counts u32 | 12 deltas u32 |
 *                    16 values f64 each | counts u32 each | deltas i32 each
 *
 * An offset is from the first byte of all. Texts lie one behind the other, in the order of their
 * records, up to the last byte: a reader of everything checks that, so that there is one encoding
 * of a value and none that shares or hides bytes. A reader of one field checks that field only.
 *
 * A number is read without decoding anything; a text has to be made into a string, as any text in
 * JavaScript.
 */
import type { ChatPayload } from "./format.ts";
import {
  type Blob,
  type Codec,
  type Codecs,
  type History,
  isSameNumber,
  malformed,
  type Series,
  toInt32,
  toUint32,
} from "./shapes.ts";
import { readText, writeText } from "./text.ts";

const NAME = "view";
const RECORD_SIZE = 16;
const HISTORY_HEAD_SIZE = 8;
const SERIES_HEAD_SIZE = 16;
const DOUBLE_SIZE = 8;
const WORD_SIZE = 4;

const chat: Codec<ChatPayload> = {
  encode: encodeChat,
  decode: (bytes) => {
    const end = tailEnd(bytes, 0, RECORD_SIZE);
    expectEnd(bytes, end);
    return chatAt(bytes, 0, end);
  },
  matches: (bytes, expected) => {
    const end = tailEnd(bytes, 0, RECORD_SIZE);
    expectEnd(bytes, end);
    return isSameAt(bytes, 0, end, expected);
  },
  readOne: readFirst,
};

const history: Codec<History> = {
  encode: encodeHistory,
  decode: decodeHistory,
  matches: matchesHistory,
  readOne: readLastId,
};

const blob: Codec<Blob> = {
  encode: encodeBlob,
  decode: (bytes) => {
    const end = tailEnd(bytes, 0, RECORD_SIZE);
    expectEnd(bytes, end);
    const body = bytes.subarray(RECORD_SIZE, end);
    return { body, timestamp: u32(bytes, WORD_SIZE), id: u32(bytes, 0) };
  },
  matches: (bytes, { body, timestamp, id }) => {
    const end = tailEnd(bytes, 0, RECORD_SIZE);
    expectEnd(bytes, end);
    if (u32(bytes, 0) !== id || u32(bytes, WORD_SIZE) !== timestamp) return false;
    return bytes.compare(body, 0, body.length, RECORD_SIZE, end) === 0;
  },
  readOne: readFirst,
};

const series: Codec<Series> = {
  encode: encodeSeries,
  decode: decodeSeries,
  matches: matchesSeries,
  readOne: readLastValue,
};

export const viewCodecs: Codecs = { chat, history, blob, series };

// ---- Writing ----

function encodeChat(value: ChatPayload): Buffer {
  const length = Buffer.byteLength(value.data);
  const bytes = Buffer.allocUnsafe(RECORD_SIZE + length);
  writeRecord(bytes, 0, value, RECORD_SIZE, length);
  writeText(bytes, value.data, RECORD_SIZE, length);
  return bytes;
}

function encodeHistory({ items, id }: History): Buffer {
  let textsSize = 0;
  for (const item of items) textsSize += Buffer.byteLength(item.data);
  const textsStart = HISTORY_HEAD_SIZE + items.length * RECORD_SIZE;
  const bytes = Buffer.allocUnsafe(textsStart + textsSize);
  write(bytes, 0, toUint32(NAME, "id", id));
  write(bytes, WORD_SIZE, items.length);
  let [at, textAt] = [HISTORY_HEAD_SIZE, textsStart];
  for (const item of items) {
    const length = writeText(bytes, item.data, textAt, bytes.length - textAt);
    writeRecord(bytes, at, item, textAt, length);
    at += RECORD_SIZE;
    textAt += length;
  }
  return bytes;
}

function encodeBlob(value: Blob): Buffer {
  const bytes = Buffer.allocUnsafe(RECORD_SIZE + value.body.length);
  writeRecord(bytes, 0, value, RECORD_SIZE, value.body.length);
  bytes.set(value.body, RECORD_SIZE);
  return bytes;
}

function encodeSeries({ values, counts, deltas, id }: Series): Buffer {
  const numbersSize = values.length * DOUBLE_SIZE + (counts.length + deltas.length) * WORD_SIZE;
  const bytes = Buffer.allocUnsafe(SERIES_HEAD_SIZE + numbersSize);
  write(bytes, 0, toUint32(NAME, "id", id));
  write(bytes, 4, values.length);
  write(bytes, 8, counts.length);
  write(bytes, 12, deltas.length);
  let at = SERIES_HEAD_SIZE;
  for (const value of values) at = bytes.writeDoubleLE(value, at);
  for (const count of counts) {
    write(bytes, at, toUint32(NAME, "counts", count));
    at += WORD_SIZE;
  }
  for (const delta of deltas) {
    write(bytes, at, toInt32(NAME, "deltas", delta));
    at += WORD_SIZE;
  }
  return bytes;
}

function writeRecord(
  bytes: Buffer,
  at: number,
  value: { id: number; timestamp: number },
  offset: number,
  length: number,
): void {
  write(bytes, at, toUint32(NAME, "id", value.id));
  write(bytes, at + 4, toUint32(NAME, "timestamp", value.timestamp));
  write(bytes, at + 8, offset);
  write(bytes, at + 12, length);
}

function write(bytes: Buffer, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

// ---- Reading ----

/** A word that must have been checked to lie inside. */
function u32(bytes: Buffer, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

/**
 * The end of what the record at `at` points to, which must begin at `start` and end inside. The
 * record is checked to lie inside as well.
 */
function tailEnd(bytes: Buffer, at: number, start: number): number {
  if (at + RECORD_SIZE > bytes.length) malformed(NAME, "it ends early");
  if (u32(bytes, at + 8) !== start) malformed(NAME, "an offset is not where it has to be");
  const end = start + u32(bytes, at + 12);
  if (end > bytes.length) malformed(NAME, "a length is beyond the end");
  return end;
}

function expectEnd(bytes: Buffer, end: number): void {
  if (end !== bytes.length) malformed(NAME, "bytes behind the last field");
}

/** The message whose record at `at` and whose text up to `end` have been checked. */
function chatAt(bytes: Buffer, at: number, end: number): ChatPayload {
  const data = readText(NAME, bytes, u32(bytes, at + 8), end);
  return { data, timestamp: u32(bytes, at + WORD_SIZE), id: u32(bytes, at) };
}

function isSameAt(bytes: Buffer, at: number, end: number, expected: ChatPayload): boolean {
  const data = readText(NAME, bytes, u32(bytes, at + 8), end);
  return (
    u32(bytes, at) === expected.id &&
    u32(bytes, at + WORD_SIZE) === expected.timestamp &&
    data === expected.data
  );
}

/** The number of items, whose records are checked to lie inside. */
function itemsCount(bytes: Buffer): number {
  if (bytes.length < HISTORY_HEAD_SIZE) malformed(NAME, "it ends early");
  const count = u32(bytes, WORD_SIZE);
  const countMax = (bytes.length - HISTORY_HEAD_SIZE) / RECORD_SIZE;
  return count > countMax ? malformed(NAME, "a length is beyond the end") : count;
}

function decodeHistory(bytes: Buffer): History {
  const items: ChatPayload[] = [];
  const recordsEnd = HISTORY_HEAD_SIZE + itemsCount(bytes) * RECORD_SIZE;
  let textAt = recordsEnd;
  for (let at = HISTORY_HEAD_SIZE; at < recordsEnd; at += RECORD_SIZE) {
    const end = tailEnd(bytes, at, textAt);
    items.push(chatAt(bytes, at, end));
    textAt = end;
  }
  expectEnd(bytes, textAt);
  return { items, id: u32(bytes, 0) };
}

function matchesHistory(bytes: Buffer, { items, id }: History): boolean {
  const count = itemsCount(bytes);
  let isSame = count === items.length && u32(bytes, 0) === id;
  let textAt = HISTORY_HEAD_SIZE + count * RECORD_SIZE;
  for (let i = 0; i < count; i++) {
    const at = HISTORY_HEAD_SIZE + i * RECORD_SIZE;
    const end = tailEnd(bytes, at, textAt);
    const expected = items[i];
    isSame = expected !== undefined && isSameAt(bytes, at, end, expected) && isSame;
    textAt = end;
  }
  expectEnd(bytes, textAt);
  return isSame;
}

function seriesEnds(bytes: Buffer): [number, number, number] {
  if (bytes.length < SERIES_HEAD_SIZE) malformed(NAME, "it ends early");
  const valuesEnd = SERIES_HEAD_SIZE + u32(bytes, 4) * DOUBLE_SIZE;
  const countsEnd = valuesEnd + u32(bytes, 8) * WORD_SIZE;
  const deltasEnd = countsEnd + u32(bytes, 12) * WORD_SIZE;
  if (deltasEnd !== bytes.length) malformed(NAME, "its lists do not end where it ends");
  return [valuesEnd, countsEnd, deltasEnd];
}

function decodeSeries(bytes: Buffer): Series {
  const [valuesEnd, countsEnd, deltasEnd] = seriesEnds(bytes);
  const values: number[] = [];
  const counts: number[] = [];
  const deltas: number[] = [];
  let at = SERIES_HEAD_SIZE;
  for (; at < valuesEnd; at += DOUBLE_SIZE) values.push(bytes.readDoubleLE(at));
  for (; at < countsEnd; at += WORD_SIZE) counts.push(u32(bytes, at));
  for (; at < deltasEnd; at += WORD_SIZE) deltas.push(u32(bytes, at) | 0);
  return { values, counts, deltas, id: u32(bytes, 0) };
}

function matchesSeries(bytes: Buffer, expected: Series): boolean {
  const { values, counts, deltas } = expected;
  const [valuesEnd, countsEnd, deltasEnd] = seriesEnds(bytes);
  if (valuesEnd !== SERIES_HEAD_SIZE + values.length * DOUBLE_SIZE) return false;
  if (countsEnd !== valuesEnd + counts.length * WORD_SIZE) return false;
  if (deltasEnd !== countsEnd + deltas.length * WORD_SIZE) return false;
  let at = SERIES_HEAD_SIZE;
  for (const value of values) {
    if (!isSameNumber(bytes.readDoubleLE(at), value)) return false;
    at += DOUBLE_SIZE;
  }
  for (const count of counts) {
    if (u32(bytes, at) !== count) return false;
    at += WORD_SIZE;
  }
  for (const delta of deltas) {
    if ((u32(bytes, at) | 0) !== delta) return false;
    at += WORD_SIZE;
  }
  return u32(bytes, 0) === expected.id;
}

/** The id is the first word of a chat message and a blob. */
function readFirst(bytes: Buffer): number {
  if (bytes.length < RECORD_SIZE) malformed(NAME, "it ends early");
  return u32(bytes, 0);
}

function readLastId(bytes: Buffer): number {
  const count = itemsCount(bytes);
  return count === 0 ? 0 : u32(bytes, HISTORY_HEAD_SIZE + (count - 1) * RECORD_SIZE);
}

function readLastValue(bytes: Buffer): number {
  const [valuesEnd] = seriesEnds(bytes);
  return valuesEnd === SERIES_HEAD_SIZE ? 0 : bytes.readDoubleLE(valuesEnd - DOUBLE_SIZE);
}
