/**
 * Lists: the ends (push, pop), ranges, single elements, trimming.
 *
 * Looking for elements is lists-search.ts, moving them between lists is lists-move.ts. Reads take
 * no lock and are thrown away when they were torn; a change holds the bucket of its key from the
 * look-up to the last element, so a push or pop of many elements is one change to everybody else. A
 * list that becomes empty is gone.
 */
import { errorTexts, wrongArgumentsCount } from "../resp/errors.ts";
import { type Cursor, TYPE_LIST, TYPE_NONE } from "../store/cursor.ts";
import { STATUS_OK, type Status } from "../store/status.ts";
import { arg } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { failWith, noteLookup } from "./outcomes.ts";

/**
 * Elements from which LRANGE and LTRIM are timed by themselves. So many of the longest that a page
 * takes are 2 MB, copied in 0.5 ms; the slow log's finest threshold without timing everything is 1
 * ms.
 */
const TIMED_ITEMS_MIN = 128;

/** Replies with the element that the cursor is at. Hot. */
export function replyItem(c: Context, cursor: Cursor): void {
  if (!cursor.itemIsLarge) {
    c.out.bulk(cursor.itemBytes, cursor.itemStart, cursor.itemLength);
    return;
  }
  c.startTimer();
  c.out.bulkHeader(cursor.itemLength);
  c.store.copyItem(cursor, c.out);
  c.out.crlf();
}

/**
 * LPUSH, RPUSH, LPUSHX, RPUSHX key element [element ...]: the new length. All elements or none.
 * Hot.
 */
function push(c: Context, atHead: boolean, mustExist: boolean): void {
  const store = c.store;
  const out = c.out;
  const mark = out.length;
  const cursor = c.aim(store.cursor(0), 1);
  const isFound = store.lock(cursor);
  let status: Status = STATUS_OK;
  if (isFound && cursor.type !== TYPE_LIST) {
    out.error(errorTexts.wrongType);
  } else if (!isFound && mustExist) {
    out.integer(0);
  } else {
    status = pushAll(c, cursor, atHead);
    out.integer(cursor.itemsCount);
  }
  store.unlock(cursor);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** Pushes the arguments behind the key; takes them back when one of them is refused. */
function pushAll(c: Context, cursor: Cursor, atHead: boolean): Status {
  const store = c.store;
  if (c.count > 3) store.group();
  for (let i = 2; i < c.count; i++) {
    const status = store.pushItem(cursor, atHead, c.bytes, c.start(i), c.length(i));
    if (status === STATUS_OK) continue;
    if (i > 2) store.dropItems(cursor, atHead, i - 2);
    return status;
  }
  return STATUS_OK;
}

/**
 * LPOP, RPOP key [count]: without a count one element or null, with it an array or a null array.
 * Hot.
 */
function pop(c: Context, atHead: boolean): void {
  const hasCount = c.count > 2;
  if (hasCount && !hasPopCount(c)) return;
  const count = hasCount ? c.value : 1;
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  if (!store.lock(cursor)) {
    if (hasCount) c.out.nullArray();
    else c.out.null();
  } else if (cursor.type !== TYPE_LIST) {
    c.out.error(errorTexts.wrongType);
  } else if (hasCount) {
    popItems(c, cursor, atHead, count);
  } else {
    store.seekItem(cursor, atHead ? 0 : cursor.itemsCount - 1);
    replyItem(c, cursor);
    store.dropItems(cursor, atHead, 1);
  }
  store.unlock(cursor);
}

/** Checks the count of LPOP and RPOP and leaves it in c.value. */
function hasPopCount(c: Context): boolean {
  if (c.count > 3) c.out.error(wrongArgumentsCount(c.commandName));
  else if (!c.parseInteger(2) || c.value < 0) c.out.error(errorTexts.notPositive);
  else return true;
  return false;
}

/** Replies with up to `count` elements from one end of a locked list, and drops them. */
export function popItems(c: Context, cursor: Cursor, atHead: boolean, count: number): void {
  const store = c.store;
  const itemsCount = cursor.itemsCount;
  const popped = Math.min(count, itemsCount);
  c.out.arrayHeader(popped);
  if (popped === 0) return;
  store.seekItem(cursor, atHead ? 0 : itemsCount - 1);
  for (let i = 1; ; i++) {
    replyItem(c, cursor);
    if (i === popped) break;
    if (atHead) store.nextItem(cursor);
    else store.previousItem(cursor);
  }
  store.dropItems(cursor, atHead, popped);
}

/** LLEN key. Hot. */
function llen(c: Context): void {
  const store = c.store;
  const out = c.out;
  const cursor = c.aim(store.cursor(0), 1);
  const mark = out.length;
  for (;;) {
    const isFound = store.beginRead(cursor);
    if (isFound && cursor.type !== TYPE_LIST) out.error(errorTexts.wrongType);
    else out.integer(isFound ? cursor.itemsCount : 0);
    if (store.endRead(cursor)) {
      noteLookup(c, isFound);
      return;
    }
    out.length = mark;
  }
}

/** LRANGE key start stop. Hot. */
function lrange(c: Context): void {
  if (!c.integer(2)) return;
  const start = c.value;
  if (!c.integer(3)) return;
  const stop = c.value;
  const store = c.store;
  const out = c.out;
  const cursor = c.aim(store.cursor(0), 1);
  const mark = out.length;
  for (;;) {
    const isFound = store.beginRead(cursor);
    if (!isFound) out.arrayHeader(0);
    else if (cursor.type !== TYPE_LIST) out.error(errorTexts.wrongType);
    else replyRange(c, cursor, start, stop);
    if (store.endRead(cursor)) {
      noteLookup(c, isFound);
      return;
    }
    out.length = mark;
  }
}

/** Index of an argument: counted from the tail when negative. May lie outside the list. */
function absolute(index: number, itemsCount: number): number {
  return index < 0 ? index + itemsCount : index;
}

function replyRange(c: Context, cursor: Cursor, start: number, stop: number): void {
  const store = c.store;
  const itemsCount = cursor.itemsCount;
  const from = Math.max(0, absolute(start, itemsCount));
  const to = Math.min(itemsCount - 1, absolute(stop, itemsCount));
  if (from > to) {
    c.out.arrayHeader(0);
    return;
  }
  // An element in the middle may have to be searched for from the nearer end.
  const visited = Math.min(from, itemsCount - 1 - from) + to - from + 1;
  if (visited >= TIMED_ITEMS_MIN) c.startTimer();
  c.out.arrayHeader(to - from + 1);
  // In a torn read the list may end early; what was written so far is thrown away with the rest.
  let isThere = store.seekItem(cursor, from);
  for (let i = from; isThere; isThere = store.nextItem(cursor)) {
    const copied = store.copyFrames(cursor, c.out, to - i + 1);
    if (copied === 0) replyItem(c, cursor);
    i += Math.max(1, copied);
    if (i > to) break;
  }
}

/** LINDEX key index */
function lindex(c: Context): void {
  const store = c.store;
  const out = c.out;
  const isInteger = c.parseInteger(2);
  const index = c.value;
  const cursor = c.aim(store.cursor(0), 1);
  const mark = out.length;
  for (;;) {
    const isFound = store.beginRead(cursor);
    if (!isFound) out.null();
    else if (cursor.type !== TYPE_LIST) out.error(errorTexts.wrongType);
    else if (!isInteger) out.error(errorTexts.notInteger);
    else if (!store.seekItem(cursor, absolute(index, cursor.itemsCount))) out.null();
    else replyItem(c, cursor);
    if (store.endRead(cursor)) {
      noteLookup(c, isFound);
      return;
    }
    out.length = mark;
  }
}

/** LSET key index element */
function lset(c: Context): void {
  const store = c.store;
  const out = c.out;
  const mark = out.length;
  const isInteger = c.parseInteger(2);
  const cursor = c.aim(store.cursor(0), 1);
  let status: Status = STATUS_OK;
  if (!store.lock(cursor)) {
    out.error(errorTexts.noSuchKey);
  } else if (cursor.type !== TYPE_LIST) {
    out.error(errorTexts.wrongType);
  } else if (!isInteger) {
    out.error(errorTexts.notInteger);
  } else {
    const index = absolute(c.value, cursor.itemsCount);
    if (index < 0 || index >= cursor.itemsCount) {
      out.error(errorTexts.indexOutOfRange);
    } else {
      status = store.setItem(cursor, index, c.bytes, c.start(3), c.length(3));
      out.ok();
    }
  }
  store.unlock(cursor);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** LTRIM key start stop. Hot: most calls of a capped list drop one element or none. */
function ltrim(c: Context): void {
  if (!c.integer(2)) return;
  const start = c.value;
  if (!c.integer(3)) return;
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  store.lock(cursor);
  if (cursor.type === TYPE_LIST) trim(c, cursor, start, c.value);
  if (cursor.type === TYPE_LIST || cursor.type === TYPE_NONE) c.out.ok();
  else c.out.error(errorTexts.wrongType);
  store.unlock(cursor);
}

function trim(c: Context, cursor: Cursor, start: number, stop: number): void {
  const itemsCount = cursor.itemsCount;
  const from = Math.max(0, absolute(start, itemsCount));
  const to = Math.min(itemsCount - 1, absolute(stop, itemsCount));
  if (from > to) {
    c.store.remove(cursor);
    return;
  }
  const dropped = from + itemsCount - 1 - to;
  if (dropped === 0) return;
  if (dropped >= TIMED_ITEMS_MIN) c.startTimer();
  c.store.trimList(cursor, from, to);
}

// ---- The table ----

const KEY = arg("key", "key");
const ELEMENTS = arg("element", "string", { multiple: true });
const START_STOP = [arg("start", "integer"), arg("stop", "integer")];
const POP_COUNT = arg("count", "integer", { optional: true, since: "6.2.0" });
const FIRST_KEY = { first: 1, last: 1, step: 1 };
const PER_ELEMENT = "O(N) where N is the number of elements in the command";

export const listCommands: readonly CommandSpec[] = [
  {
    name: "lpush",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "insert"],
    group: "list",
    since: "1.0.0",
    summary: "Adds elements at the head of a list, which is created when there is none.",
    complexity: PER_ELEMENT,
    arguments: [KEY, ELEMENTS],
    run: (c) => push(c, true, false),
  },
  {
    name: "rpush",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "insert"],
    group: "list",
    since: "1.0.0",
    summary: "Adds elements at the tail of a list, which is created when there is none.",
    complexity: PER_ELEMENT,
    arguments: [KEY, ELEMENTS],
    run: (c) => push(c, false, false),
  },
  {
    name: "lpushx",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "insert"],
    group: "list",
    since: "2.2.0",
    summary: "Adds elements at the head of a list, if it exists.",
    complexity: PER_ELEMENT,
    arguments: [KEY, ELEMENTS],
    run: (c) => push(c, true, true),
  },
  {
    name: "rpushx",
    arity: -3,
    flags: ["write", "denyoom", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "insert"],
    group: "list",
    since: "2.2.0",
    summary: "Adds elements at the tail of a list, if it exists.",
    complexity: PER_ELEMENT,
    arguments: [KEY, ELEMENTS],
    run: (c) => push(c, false, true),
  },
  {
    name: "lpop",
    arity: -2,
    flags: ["write", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "access", "delete"],
    group: "list",
    since: "1.0.0",
    summary: "Takes elements off the head of a list and gives them.",
    complexity: "O(N) where N is the number of elements taken",
    arguments: [KEY, POP_COUNT],
    run: (c) => pop(c, true),
  },
  {
    name: "rpop",
    arity: -2,
    flags: ["write", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "access", "delete"],
    group: "list",
    since: "1.0.0",
    summary: "Takes elements off the tail of a list and gives them.",
    complexity: "O(N) where N is the number of elements taken",
    arguments: [KEY, POP_COUNT],
    run: (c) => pop(c, false),
  },
  {
    name: "llen",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RO"],
    group: "list",
    since: "1.0.0",
    summary: "Counts the elements of a list.",
    complexity: "O(1)",
    arguments: [KEY],
    run: llen,
  },
  {
    name: "lrange",
    arity: 4,
    flags: ["readonly"],
    timesItself: true,
    keys: FIRST_KEY,
    group: "list",
    since: "1.0.0",
    summary: "Gives a range of a list's elements.",
    complexity: "O(N + log M) where N is the number of elements given and M that of the list",
    arguments: [KEY, ...START_STOP],
    run: lrange,
  },
  {
    name: "lindex",
    arity: 3,
    flags: ["readonly"],
    keys: FIRST_KEY,
    group: "list",
    since: "1.0.0",
    summary: "Gives one element of a list by its index.",
    complexity: "O(log N) where N is the length of the list, O(1) at its ends",
    arguments: [KEY, arg("index", "integer")],
    run: lindex,
  },
  {
    name: "lset",
    arity: 4,
    flags: ["write", "denyoom"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "update"],
    group: "list",
    since: "1.0.0",
    summary: "Replaces one element of a list by its index.",
    complexity: "O(log N) where N is the length of the list, O(1) at its ends",
    arguments: [KEY, arg("index", "integer"), arg("element", "string")],
    run: lset,
  },
  {
    name: "ltrim",
    arity: 4,
    flags: ["write"],
    timesItself: true,
    keys: FIRST_KEY,
    keyFlags: ["RW", "delete"],
    group: "list",
    since: "1.0.0",
    summary: "Keeps a range of a list's elements and drops the others.",
    complexity: "O(N) where N is the number of nodes dropped, about 30 elements each or more",
    arguments: [KEY, ...START_STOP],
    run: ltrim,
  },
];
