/**
 * Parts of strings: APPEND, STRLEN, GETRANGE, SUBSTR, SETRANGE.
 *
 * They cost what they touch, not what the value weighs: a value of 100 MB lies in nodes, and the
 * store copies or changes only those that the range covers.
 */
import { errorTexts } from "../resp/errors.ts";
import { type Cursor, TYPE_STRING } from "../store/cursor.ts";
import { STATUS_OK, STATUS_TOO_LARGE, type Status } from "../store/status.ts";
import { arg } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { failWith, noteLookup } from "./outcomes.ts";

/** APPEND key value: the new length. */
function append(c: Context): void {
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  const start = c.start(2);
  const length = c.length(2);
  const mark = c.out.length;
  let status: Status = STATUS_OK;
  if (!store.lock(cursor)) {
    status = store.putString(cursor, c.bytes, start, length, 0);
    c.out.integer(length);
  } else if (cursor.type !== TYPE_STRING) c.out.error(errorTexts.wrongType);
  else {
    const total = cursor.valueLength + length;
    if (total > c.settings.bulkSizeMax) status = STATUS_TOO_LARGE;
    else status = store.appendString(cursor, c.bytes, start, length);
    c.out.integer(total);
  }
  store.unlock(cursor);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** STRLEN key */
function strlen(c: Context): void {
  const store = c.store;
  const out = c.out;
  const cursor = c.aim(store.cursor(0), 1);
  const mark = out.length;
  for (;;) {
    const isFound = store.beginRead(cursor);
    if (!isFound) out.integer(0);
    else if (cursor.type === TYPE_STRING) out.integer(cursor.valueLength);
    else out.error(errorTexts.wrongType);
    if (store.endRead(cursor)) {
      noteLookup(c, isFound);
      return;
    }
    out.length = mark;
  }
}

/** GETRANGE key start end: both ends included, negative from the end. */
function getrange(c: Context): void {
  if (!c.integer(2)) return;
  const first = c.value;
  if (!c.integer(3)) return;
  const last = c.value;
  const store = c.store;
  const out = c.out;
  const cursor = c.aim(store.cursor(0), 1);
  const mark = out.length;
  for (;;) {
    const isFound = store.beginRead(cursor);
    if (isFound && cursor.type !== TYPE_STRING) out.error(errorTexts.wrongType);
    else replyRange(c, cursor, first, last);
    if (store.endRead(cursor)) {
      noteLookup(c, isFound);
      return;
    }
    out.length = mark;
  }
}

/** Of a missing key the length is 0, so the range is empty. */
function replyRange(c: Context, cursor: Cursor, first: number, last: number): void {
  const length = cursor.valueLength;
  const start = first < 0 ? Math.max(0, first + length) : first;
  const end = Math.min(last < 0 ? Math.max(0, last + length) : last, length - 1);
  const isReversed = first < 0 && last < 0 && first > last;
  const count = isReversed ? 0 : Math.max(0, end - start + 1);
  if (count === 0) c.out.bulk(c.bytes, 0, 0);
  else if (!cursor.isLarge) c.out.bulk(cursor.valueBytes, cursor.valueStart + start, count);
  else {
    c.out.bulkHeader(count);
    c.store.copyValue(cursor, c.out, start, count);
    c.out.crlf();
  }
}

/** SETRANGE key offset value: the new length. Bytes that nobody has written are zero. */
function setrange(c: Context): void {
  if (!c.integer(2)) return;
  const offset = c.value;
  if (offset < 0) {
    c.out.error(errorTexts.offsetOutOfRange);
    return;
  }
  const store = c.store;
  const mark = c.out.length;
  const cursor = c.aim(store.cursor(0), 1);
  let status: Status = STATUS_OK;
  if (store.lock(cursor) && cursor.type !== TYPE_STRING) c.out.error(errorTexts.wrongType);
  else status = writeAt(c, cursor, offset);
  store.unlock(cursor);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** Writes the value at `offset` of a string or a missing key, and replies with the length. */
function writeAt(c: Context, cursor: Cursor, offset: number): Status {
  const store = c.store;
  const length = c.length(3);
  const before = cursor.valueLength;
  if (length === 0) {
    c.out.integer(before);
    return STATUS_OK;
  }
  if (offset + length > c.settings.bulkSizeMax) return STATUS_TOO_LARGE;
  const isNew = cursor.type !== TYPE_STRING;
  if (isNew) store.group();
  let status = isNew ? store.putString(cursor, c.bytes, 0, 0, 0) : STATUS_OK;
  if (status !== STATUS_OK) return status;
  status = store.writeRange(cursor, offset, c.bytes, c.start(3), length);
  if (status !== STATUS_OK && isNew) store.remove(cursor);
  c.out.integer(Math.max(before, offset + length));
  return status;
}

const KEY = arg("key", "key");
const RANGE = [KEY, arg("start", "integer"), arg("end", "integer")];
const FIRST_KEY = { first: 1, last: 1, step: 1 };

export const rangeCommands: readonly CommandSpec[] = [
  {
    name: "append",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "insert"],
    group: "string",
    since: "2.0.0",
    summary: "Adds bytes at the end of a string, which is created when it does not exist.",
    complexity: "O(N) where N is the length of what is added",
    arguments: [KEY, arg("value", "string")],
    run: append,
  },
  {
    name: "strlen",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RO"],
    group: "string",
    since: "2.2.0",
    summary: "Gives the length of a string in bytes.",
    complexity: "O(1)",
    arguments: [KEY],
    run: strlen,
  },
  {
    name: "getrange",
    arity: 4,
    flags: ["readonly"],
    keys: FIRST_KEY,
    group: "string",
    since: "2.4.0",
    summary: "Gives a part of a string.",
    complexity: "O(N) where N is the length of the part",
    arguments: RANGE,
    run: getrange,
  },
  {
    name: "substr",
    arity: 4,
    flags: ["readonly"],
    keys: FIRST_KEY,
    group: "string",
    since: "1.0.0",
    summary: "Gives a part of a string: an old name of GETRANGE.",
    complexity: "O(N) where N is the length of the part",
    arguments: RANGE,
    run: getrange,
  },
  {
    name: "setrange",
    arity: 4,
    flags: ["write", "denyoom"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "update"],
    group: "string",
    since: "2.2.0",
    summary: "Overwrites a part of a string, which grows as far as needed.",
    complexity: "O(N) where N is the length of what is written",
    arguments: [KEY, arg("offset", "integer"), arg("value", "string")],
    run: setrange,
  },
];
