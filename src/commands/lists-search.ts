/**
 * Lists: looking for elements by their bytes: LPOS, LINSERT, LREM.
 *
 * All three go along the list element by element. LPOS does so without a lock and begins again when
 * it was torn; LINSERT and LREM hold the bucket of the key meanwhile.
 */
import { errorTexts } from "../resp/errors.ts";
import { type Cursor, TYPE_LIST } from "../store/cursor.ts";
import { STATUS_OK, type Status } from "../store/status.ts";
import { arg, oneOf, token } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { failWith, noteLookup } from "./outcomes.ts";

/** The options of the running LPOS. */
const lposOptions = {
  /** Which match is the first to be given; counted from the tail when negative. */
  rank: 1,
  /** Matches to give; 0 for all. Means nothing without hasCount. */
  count: 0,
  hasCount: false,
  /** Elements to compare at the most; 0 for all. */
  compareMax: 0,
};

/** Indices of the matches of the running LPOS: an array's length stands before its elements. */
const matches: number[] = [];

/** LPOS key element [RANK rank] [COUNT count] [MAXLEN len] */
function lpos(c: Context): void {
  if (!readLposOptions(c)) return;
  const store = c.store;
  const out = c.out;
  const cursor = c.aim(store.cursor(0), 1);
  const mark = out.length;
  for (;;) {
    const isFound = store.beginRead(cursor);
    matches.length = 0;
    if (isFound && cursor.type !== TYPE_LIST) {
      out.error(errorTexts.wrongType);
    } else {
      if (isFound) findMatches(c, cursor);
      replyMatches(c);
    }
    if (store.endRead(cursor)) {
      noteLookup(c, isFound);
      return;
    }
    out.length = mark;
  }
}

function readLposOptions(c: Context): boolean {
  const options = lposOptions;
  options.rank = 1;
  options.count = 0;
  options.hasCount = false;
  options.compareMax = 0;
  for (let i = 3; i < c.count; i += 2) {
    if (i + 1 >= c.count) return refuse(c, errorTexts.syntax);
    if (c.is(i, "RANK")) {
      if (!readRank(c, i + 1)) return false;
      options.rank = c.value;
    } else if (c.is(i, "COUNT")) {
      if (!c.parseInteger(i + 1) || c.value < 0) return refuse(c, errorTexts.lposCountNegative);
      options.count = c.value;
      options.hasCount = true;
    } else if (c.is(i, "MAXLEN")) {
      if (!c.parseInteger(i + 1) || c.value < 0) return refuse(c, errorTexts.lposMaxlenNegative);
      options.compareMax = c.value;
    } else {
      return refuse(c, errorTexts.syntax);
    }
  }
  return true;
}

function readRank(c: Context, i: number): boolean {
  if (!c.integer(i)) return false;
  if (c.value === 0) return refuse(c, errorTexts.lposRankZero);
  // The one 64-bit integer whose negative is none.
  if (c.value < Number.MIN_SAFE_INTEGER && c.int64(i) === -(2n ** 63n)) {
    return refuse(c, errorTexts.lposRankOutOfRange);
  }
  return true;
}

function refuse(c: Context, text: string): false {
  c.out.error(text);
  return false;
}

/** Puts the indices of the matches into `matches`, in the order of searching. */
function findMatches(c: Context, cursor: Cursor): void {
  const { rank, count, hasCount, compareMax } = lposOptions;
  const store = c.store;
  const isForward = rank > 0;
  const wanted = hasCount ? count : 1;
  let skipped = Math.abs(rank) - 1;
  let isThere = store.seekItem(cursor, isForward ? 0 : cursor.itemsCount - 1);
  for (let compared = 1; isThere; compared++) {
    if (store.isItemEqual(cursor, c.bytes, c.start(2), c.length(2))) {
      if (skipped > 0) skipped--;
      else if (matches.push(cursor.itemIndex) === wanted) return;
    }
    if (compared === compareMax) return;
    isThere = isForward ? store.nextItem(cursor) : store.previousItem(cursor);
  }
}

function replyMatches(c: Context): void {
  if (!lposOptions.hasCount) {
    const first = matches[0];
    if (first === undefined) c.out.null();
    else c.out.integer(first);
    return;
  }
  c.out.arrayHeader(matches.length);
  for (let i = 0; i < matches.length; i++) c.out.integer(matches[i] as number);
}

/**
 * LINSERT key BEFORE|AFTER pivot element: the new length, -1 without the pivot, 0 without the list.
 */
function linsert(c: Context): void {
  const isAfter = c.is(2, "AFTER");
  if (!isAfter && !c.is(2, "BEFORE")) {
    c.out.error(errorTexts.syntax);
    return;
  }
  const store = c.store;
  const mark = c.out.length;
  const cursor = c.aim(store.cursor(0), 1);
  let status: Status = STATUS_OK;
  if (!store.lock(cursor)) c.out.integer(0);
  else if (cursor.type !== TYPE_LIST) c.out.error(errorTexts.wrongType);
  else status = insertBeside(c, cursor, isAfter);
  store.unlock(cursor);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

function insertBeside(c: Context, cursor: Cursor, isAfter: boolean): Status {
  const store = c.store;
  let isThere = store.seekItem(cursor, 0);
  while (isThere && !store.isItemEqual(cursor, c.bytes, c.start(3), c.length(3))) {
    isThere = store.nextItem(cursor);
  }
  if (!isThere) {
    c.out.integer(-1);
    return STATUS_OK;
  }
  const index = cursor.itemIndex + (isAfter ? 1 : 0);
  const status = store.insertItem(cursor, index, c.bytes, c.start(4), c.length(4));
  c.out.integer(cursor.itemsCount);
  return status;
}

/**
 * LREM key count element: how many were removed; from the tail when count is negative, all when it
 * is 0.
 */
function lrem(c: Context): void {
  if (!c.integer(2)) return;
  const count = c.value;
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  if (!store.lock(cursor)) c.out.integer(0);
  else if (cursor.type !== TYPE_LIST) c.out.error(errorTexts.wrongType);
  else c.out.integer(removeEqual(c, cursor, count));
  store.unlock(cursor);
}

function removeEqual(c: Context, cursor: Cursor, count: number): number {
  const store = c.store;
  const isForward = count >= 0;
  const most = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
  store.group();
  let removed = 0;
  let index = isForward ? 0 : cursor.itemsCount - 1;
  while (removed < most && cursor.type === TYPE_LIST && store.seekItem(cursor, index)) {
    const isEqual = store.isItemEqual(cursor, c.bytes, c.start(3), c.length(3));
    if (isEqual) {
      store.removeItem(cursor, index);
      removed++;
    }
    // What followed a removed element has taken its index.
    if (!isForward) index--;
    else if (!isEqual) index++;
  }
  return removed;
}

// ---- The table ----

const KEY = arg("key", "key");
const FIRST_KEY = { first: 1, last: 1, step: 1 };

export const listSearchCommands: readonly CommandSpec[] = [
  {
    name: "lpos",
    arity: -3,
    flags: ["readonly"],
    keys: FIRST_KEY,
    group: "list",
    since: "6.0.6",
    summary: "Gives the index of an element, or of several that are equal.",
    complexity: "O(N) where N is the number of elements that are compared",
    arguments: [
      KEY,
      arg("element", "string"),
      arg("rank", "integer", { token: "RANK", optional: true }),
      arg("num-matches", "integer", { token: "COUNT", optional: true }),
      arg("len", "integer", { token: "MAXLEN", optional: true }),
    ],
    run: lpos,
  },
  {
    name: "linsert",
    arity: 5,
    flags: ["write", "denyoom"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "insert"],
    group: "list",
    since: "2.2.0",
    summary: "Inserts an element before or after another one.",
    complexity: "O(N) where N is the number of elements before the other one",
    arguments: [
      KEY,
      oneOf("where", [token("before", "BEFORE"), token("after", "AFTER")]),
      arg("pivot", "string"),
      arg("element", "string"),
    ],
    run: linsert,
  },
  {
    name: "lrem",
    arity: 4,
    flags: ["write"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "delete"],
    group: "list",
    since: "1.0.0",
    summary: "Removes elements that are equal to the one given.",
    complexity: "O(N) where N is the number of elements that are compared",
    arguments: [KEY, arg("count", "integer"), arg("element", "string")],
    run: lrem,
  },
];
