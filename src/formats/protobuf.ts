/**
 * Protocol Buffers by @bufbuild/protobuf, from schemas/chat.proto (schemas/gen/chat_pb.ts is
 * generated). Encoding and decoding go the way that its manual shows: create() and toBinary(),
 * fromBinary(). Reading one number skips over the other fields with the library's own reader.
 *
 * Fields are `optional`, so a message that ends early lacks its id; a list that ends early between
 * two items does too, because the id is written last.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  BlobSchema,
  type Chat,
  ChatSchema,
  HistorySchema,
  SeriesSchema,
} from "../../schemas/gen/chat_pb.ts";
import { reasonOf } from "../base/errors.ts";
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

const NAME = "protobuf";
/** Numbers of fields in schemas/chat.proto. */
const CHAT_ID = 3;
const BLOB_ID = 3;
const HISTORY_ITEMS = 1;
const SERIES_VALUES = 1;
const DOUBLE_SIZE = 8;

const chat: Codec<ChatPayload> = {
  encode: (value) => {
    checkNumbers(value);
    return toBuffer(toBinary(ChatSchema, create(ChatSchema, value)));
  },
  decode: decodeChat,
  matches: (bytes, expected) => isSameChat(decodeChat(bytes), expected),
  readOne: (bytes) => reading(() => readUint32(new BinaryReader(bytes), bytes.length, CHAT_ID)),
};

const history: Codec<History> = {
  encode: (value) => {
    toUint32(NAME, "id", value.id);
    value.items.forEach(checkNumbers);
    return toBuffer(toBinary(HistorySchema, create(HistorySchema, value)));
  },
  decode: decodeHistory,
  matches: (bytes, expected) => isSameHistory(decodeHistory(bytes), expected),
  readOne: (bytes) => reading(() => readLastId(bytes)),
};

const blob: Codec<Blob> = {
  encode: (value) => {
    checkNumbers(value);
    const body = value.body as Uint8Array<ArrayBuffer>;
    return toBuffer(toBinary(BlobSchema, create(BlobSchema, { ...value, body })));
  },
  decode: decodeBlob,
  matches: (bytes, expected) => isSameBlob(decodeBlob(bytes), expected),
  readOne: (bytes) => reading(() => readUint32(new BinaryReader(bytes), bytes.length, BLOB_ID)),
};

const series: Codec<Series> = {
  encode: (value) => {
    toUint32(NAME, "id", value.id);
    for (const count of value.counts) toUint32(NAME, "counts", count);
    for (const delta of value.deltas) toInt32(NAME, "deltas", delta);
    return toBuffer(toBinary(SeriesSchema, create(SeriesSchema, value)));
  },
  decode: decodeSeries,
  matches: (bytes, expected) => isSameSeries(decodeSeries(bytes), expected),
  readOne: (bytes) => reading(() => readLastValue(bytes)),
};

export const protobufCodecs: Codecs = { chat, history, blob, series };

function checkNumbers(value: { timestamp: number; id: number }): void {
  toUint32(NAME, "timestamp", value.timestamp);
  toUint32(NAME, "id", value.id);
}

/** The same memory: the library has allocated it for this message alone. */
function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

// ---- Decoding ----

function decodeChat(bytes: Buffer): ChatPayload {
  return toChat(reading(() => fromBinary(ChatSchema, bytes)));
}

function decodeHistory(bytes: Buffer): History {
  const message = reading(() => fromBinary(HistorySchema, bytes));
  return { items: message.items.map(toChat), id: there("id", message.id) };
}

function decodeBlob(bytes: Buffer): Blob {
  const message = reading(() => fromBinary(BlobSchema, bytes));
  return {
    body: there("body", message.body),
    timestamp: there("timestamp", message.timestamp),
    id: there("id", message.id),
  };
}

function decodeSeries(bytes: Buffer): Series {
  const message = reading(() => fromBinary(SeriesSchema, bytes));
  const { values, counts, deltas } = message;
  return { values, counts, deltas, id: there("id", message.id) };
}

function toChat(message: Chat): ChatPayload {
  return {
    data: there("data", message.data),
    timestamp: there("timestamp", message.timestamp),
    id: there("id", message.id),
  };
}

function there<T>(field: string, value: T | undefined): T {
  return value === undefined ? malformed(NAME, `${field} is missing`) : value;
}

/** Whatever the library throws at malformed bytes, as RangeError. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return malformed(NAME, reasonOf(error));
  }
}

// ---- Reading one number ----

/**
 * The field `number` of the message that ends at `end`; the last one counts, as the format says.
 */
function readUint32(reader: BinaryReader, end: number, number: number): number {
  let found: number | undefined;
  while (reader.pos < end) {
    const [field, wireType] = reader.tag();
    if (field === number && wireType === WireType.Varint) found = reader.uint32();
    else reader.skip(wireType, field);
  }
  return there("id", found);
}

function readLastId(bytes: Buffer): number {
  const reader = new BinaryReader(bytes);
  let [start, end] = [-1, -1];
  while (reader.pos < bytes.length) {
    const [field, wireType] = reader.tag();
    if (field === HISTORY_ITEMS && wireType === WireType.LengthDelimited) {
      const length = reader.uint32();
      start = reader.pos;
      end = start + length;
      if (end > bytes.length) malformed(NAME, "a message ends outside");
      reader.pos = end;
    } else reader.skip(wireType, field);
  }
  if (start === -1) return 0;
  reader.pos = start;
  return readUint32(reader, end, CHAT_ID);
}

function readLastValue(bytes: Buffer): number {
  const reader = new BinaryReader(bytes);
  let last = 0;
  while (reader.pos < bytes.length) {
    const [field, wireType] = reader.tag();
    if (field !== SERIES_VALUES || wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, field);
      continue;
    }
    const end = reader.uint32() + reader.pos;
    if (end > bytes.length || (end - reader.pos) % DOUBLE_SIZE !== 0) {
      malformed(NAME, "a list of numbers ends outside");
    }
    if (end > reader.pos) last = bytes.readDoubleLE(end - DOUBLE_SIZE);
    reader.pos = end;
  }
  return last;
}
