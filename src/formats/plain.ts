/**
 * Codecs out of a library that turns any JavaScript value into bytes and back (JSON, CBOR,
 * MessagePack): what comes back can be anything, so every field is checked here.
 *
 * Fields that no shape has are kept and not looked at, as readers of these formats do.
 */
import { reasonOf } from "../base/errors.ts";
import type { ChatPayload } from "./format.ts";
import {
  type Blob,
  type Codec,
  type Codecs,
  type History,
  isInt32,
  isSameBlob,
  isSameChat,
  isSameHistory,
  isSameSeries,
  isUint32,
  malformed,
  type Series,
} from "./shapes.ts";
import { checkText } from "./text.ts";

export interface PlainLibrary {
  readonly name: string;
  pack(value: unknown): Buffer;
  /** May throw anything. */
  unpack(bytes: Buffer): unknown;
  /**
   * Whether its texts have been checked by the time that `unpack` returns. Where not, the library
   * replaces what is no UTF-8, and loses a byte order mark at the head of a text.
   */
  readonly isTextChecked: boolean;
  /**
   * Whether it is a number that the format can carry: JSON has no infinity and reads 1e999 as one.
   */
  isNumber(value: unknown): boolean;
  /** How a byte array is given to `pack`: JSON has none and takes text. */
  packBytes(body: Uint8Array): unknown;
  /** Null when it is none. */
  unpackBytes(value: unknown): Uint8Array | null;
}

export function plainCodecs(library: PlainLibrary): Codecs {
  const { name } = library;
  function unpack(bytes: Buffer): unknown {
    try {
      return library.unpack(bytes);
    } catch (error) {
      return malformed(name, reasonOf(error));
    }
  }
  return { chat: chat(), history: history(), blob: blob(), series: series() };

  function chat(): Codec<ChatPayload> {
    const decode = (bytes: Buffer) => checkedChat(library, bytes, unpack(bytes));
    return {
      encode: (value) => {
        refuseMark(library, value.data);
        return library.pack(value);
      },
      decode,
      matches: (bytes, expected) => isSameChat(decode(bytes), expected),
      readOne: (bytes) => decode(bytes).id,
    };
  }

  function history(): Codec<History> {
    const decode = (bytes: Buffer) => checkedHistory(library, bytes, unpack(bytes));
    return {
      encode: (value) => {
        for (const { data } of value.items) refuseMark(library, data);
        return library.pack(value);
      },
      decode,
      matches: (bytes, expected) => isSameHistory(decode(bytes), expected),
      readOne: (bytes) => decode(bytes).items.at(-1)?.id ?? 0,
    };
  }

  function blob(): Codec<Blob> {
    const decode = (bytes: Buffer) => {
      const value = objectOf(name, unpack(bytes));
      const body = library.unpackBytes(value.body);
      if (body === null) return malformed(name, "body is not a byte array");
      return {
        body,
        timestamp: uint32Of(name, value, "timestamp"),
        id: uint32Of(name, value, "id"),
      };
    };
    return {
      encode: ({ body, timestamp, id }) =>
        library.pack({ body: library.packBytes(body), timestamp, id }),
      decode,
      matches: (bytes, expected) => isSameBlob(decode(bytes), expected),
      readOne: (bytes) => decode(bytes).id,
    };
  }

  function series(): Codec<Series> {
    const decode = (bytes: Buffer) => checkedSeries(library, unpack(bytes));
    return {
      encode: (value) => library.pack(value),
      decode,
      matches: (bytes, expected) => isSameSeries(decode(bytes), expected),
      readOne: (bytes) => decode(bytes).values.at(-1) ?? 0,
    };
  }
}

const BYTE_ORDER_MARK = 0xfeff;

/** What would come back without its first character is not written. */
function refuseMark({ name, isTextChecked }: PlainLibrary, data: string): void {
  if (data.charCodeAt(0) !== BYTE_ORDER_MARK || isTextChecked) return;
  throw new RangeError(`${name}: data begins with a byte order mark, which its reader would lose`);
}

function checkedChat(library: PlainLibrary, bytes: Buffer, value: unknown): ChatPayload {
  const { name } = library;
  const chat = objectOf(name, value);
  if (typeof chat.data !== "string") malformed(name, "data is not text");
  if (!library.isTextChecked) checkText(name, bytes, chat.data as string);
  uint32Of(name, chat, "timestamp");
  uint32Of(name, chat, "id");
  return value as ChatPayload;
}

function checkedHistory(library: PlainLibrary, bytes: Buffer, value: unknown): History {
  const { name } = library;
  const history = objectOf(name, value);
  uint32Of(name, history, "id");
  if (!Array.isArray(history.items)) return malformed(name, "items is not a list");
  for (const item of history.items) checkedChat(library, bytes, item);
  return value as History;
}

function checkedSeries({ name, isNumber }: PlainLibrary, value: unknown): Series {
  const series = objectOf(name, value);
  uint32Of(name, series, "id");
  checkNumbers(name, "values", series.values, isNumber);
  checkNumbers(name, "counts", series.counts, isUint32);
  checkNumbers(name, "deltas", series.deltas, isInt32);
  return value as Series;
}

function checkNumbers(
  name: string,
  field: string,
  list: unknown,
  isRight: (value: unknown) => boolean,
): void {
  if (!Array.isArray(list)) malformed(name, `${field} is not a list`);
  const items = list as unknown[];
  for (let i = 0; i < items.length; i++) {
    if (!isRight(items[i])) malformed(name, `${field} has something else than its numbers`);
  }
}

function objectOf(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  return malformed(name, "not a map of fields");
}

function uint32Of(name: string, value: Record<string, unknown>, field: string): number {
  const number = value[field];
  return isUint32(number) ? number : malformed(name, `${field} is not an unsigned 32-bit number`);
}
