/**
 * A whole value as records: for RENAME and COPY, whose log must not refer to another key, and for
 * checkpoints.
 *
 * A string is a SET, a long one after FRAGMENTs; a list is PUSH_ITEMS of some 60 KB each. The
 * cursor is found, and locked or in an optimistic read, where what was written counts only when the
 * read is confirmed.
 */
import { ByteBuffer } from "../base/byte-buffer.ts";
import { type Cursor, TYPE_STRING } from "./cursor.ts";
import { copyLarge } from "./list-large.ts";
import { describeList, nextItem, seekItem } from "./list-page.ts";
import {
  LOG_CHUNK_SIZE,
  LOG_CREATES,
  LOG_EXPIRES,
  LOG_HAS_NUMBER,
  OP_EXPIRE,
  OP_FRAGMENT,
  OP_PUSH_ITEMS,
  OP_PUSH_TAIL,
  OP_SET,
} from "./log-layout.ts";
import type { Memory } from "./memory.ts";
import { copyValue } from "./strings.ts";

/** Where records go: the log, or a checkpoint. */
export interface RecordSink {
  append(
    cursor: Cursor,
    op: number,
    flags: number,
    number: number,
    value: Buffer,
    start: number,
    length: number,
  ): void;
}

/**
 * Bytes of a long string that are handed on at a time: more than any record holds, so that the log
 * cuts them to what its chunks have room for. Of half as much, each chunk would hold one piece.
 */
const PIECE_SIZE = LOG_CHUNK_SIZE;
/** Elements are collected up to this. */
const ITEMS_SIZE_MAX = 60 * 1024;
const ITEM_HEADER_SIZE = 4;

const items = Buffer.allocUnsafeSlow(ITEMS_SIZE_MAX + ITEM_HEADER_SIZE);
const scratch = new ByteBuffer(4096);

/** Writes the value under the cursor and its expiry, so that it replaces whatever is there. */
export function writeValue(memory: Memory, cursor: Cursor, sink: RecordSink): void {
  if (cursor.type === TYPE_STRING) writeString(memory, cursor, sink);
  else {
    writeList(memory, cursor, sink);
    if (cursor.expiresAtMs > 0) {
      sink.append(cursor, OP_EXPIRE, LOG_HAS_NUMBER, cursor.expiresAtMs, items, 0, 0);
    }
  }
}

function writeString(memory: Memory, cursor: Cursor, sink: RecordSink): void {
  const { expiresAtMs, valueLength } = cursor;
  const flags = expiresAtMs > 0 ? LOG_HAS_NUMBER | LOG_EXPIRES : 0;
  if (!cursor.isLarge) {
    sink.append(
      cursor,
      OP_SET,
      flags,
      expiresAtMs,
      cursor.valueBytes,
      cursor.valueStart,
      valueLength,
    );
    return;
  }
  let from = 0;
  for (; valueLength - from > PIECE_SIZE; from += PIECE_SIZE) {
    scratch.length = 0;
    copyValue(memory, cursor, scratch, from, PIECE_SIZE);
    sink.append(nobody, OP_FRAGMENT, 0, 0, scratch.bytes, 0, scratch.length);
  }
  scratch.length = 0;
  copyValue(memory, cursor, scratch, from, valueLength - from);
  sink.append(cursor, OP_SET, flags, expiresAtMs, scratch.bytes, 0, scratch.length);
}

const nobody = { keyLength: 0, keyStart: 0, bytes: items, db: 0 } as unknown as Cursor;

function writeList(memory: Memory, cursor: Cursor, sink: RecordSink): void {
  let flags = LOG_CREATES;
  let length = 0;
  describeList(memory, cursor);
  let isThere = seekItem(memory, cursor, 0);
  for (; isThere; isThere = nextItem(memory, cursor)) {
    const size = cursor.itemLength;
    const isAlone = cursor.itemIsLarge || size + ITEM_HEADER_SIZE > ITEMS_SIZE_MAX;
    if (length > 0 && (isAlone || length + ITEM_HEADER_SIZE + size > ITEMS_SIZE_MAX)) {
      sink.append(cursor, OP_PUSH_ITEMS, flags, 0, items, 0, length);
      flags = 0;
      length = 0;
    }
    if (isAlone) {
      scratch.length = 0;
      if (cursor.itemIsLarge) copyLarge(memory, cursor, scratch);
      else scratch.append(cursor.itemBytes, cursor.itemStart, size);
      sink.append(cursor, OP_PUSH_TAIL, flags, 0, scratch.bytes, 0, scratch.length);
      flags = 0;
      continue;
    }
    items.writeUInt32LE(size, length);
    cursor.itemBytes.copy(
      items,
      length + ITEM_HEADER_SIZE,
      cursor.itemStart,
      cursor.itemStart + size,
    );
    length += ITEM_HEADER_SIZE + size;
  }
  if (length > 0) sink.append(cursor, OP_PUSH_ITEMS, flags, 0, items, 0, length);
}
