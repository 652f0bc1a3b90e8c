/**
 * Lists: commands on several of them: LMOVE, RPOPLPUSH, LMPOP.
 *
 * Each is one change to everybody else: the buckets of all its keys are locked together, or the
 * exclusive section is taken when there are too many.
 */
import { ByteBuffer } from "../base/byte-buffer.ts";
import { errorTexts } from "../resp/errors.ts";
import { type Cursor, TYPE_LIST, TYPE_NONE } from "../store/cursor.ts";
import { STATUS_OK, type Status } from "../store/status.ts";
import { arg, oneOf, token } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { popItems } from "./lists.ts";
import { aimAll, failWith, isAtOnce } from "./outcomes.ts";

/** The element on its way from one list to the other; the reply is written from it. */
const moved = new ByteBuffer(1024);
/** After a larger element the memory is given back. */
const MOVED_SIZE_KEPT = 64 * 1024;

/** LMOVE source destination LEFT|RIGHT LEFT|RIGHT */
function lmove(c: Context): void {
  const from = readEnd(c, 3);
  const to = readEnd(c, 4);
  if (from < 0 || to < 0) c.out.error(errorTexts.syntax);
  else move(c, from === END_HEAD, to === END_HEAD);
}

const END_NONE = -1;
const END_TAIL = 0;
const END_HEAD = 1;

/** LEFT is END_HEAD, RIGHT is END_TAIL, anything else END_NONE. */
function readEnd(c: Context, i: number): number {
  if (c.is(i, "LEFT")) return END_HEAD;
  return c.is(i, "RIGHT") ? END_TAIL : END_NONE;
}

/** Moves an element between the lists in arguments 1 and 2, which may be the same. */
function move(c: Context, fromHead: boolean, toHead: boolean): void {
  const store = c.store;
  const mark = c.out.length;
  let status: Status;
  if (isSameKey(c)) {
    const cursor = c.aim(store.cursor(0), 1);
    store.lock(cursor);
    status = moveLocked(c, cursor, cursor, fromHead, toHead);
    store.unlock(cursor);
  } else {
    aimAll(c, 1, 1, 2);
    store.lockAll(2);
    status = moveLocked(c, store.cursor(0), store.cursor(1), fromHead, toHead);
    store.unlockAll(2);
  }
  if (status !== STATUS_OK) failWith(c, status, mark);
  if (moved.bytes.length > MOVED_SIZE_KEPT) moved.shrink(MOVED_SIZE_KEPT);
}

function isSameKey(c: Context): boolean {
  const length = c.length(1);
  if (c.length(2) !== length) return false;
  for (let i = 0; i < length; i++) {
    if (c.bytes[c.start(1) + i] !== c.bytes[c.start(2) + i]) return false;
  }
  return true;
}

function moveLocked(
  c: Context,
  from: Cursor,
  to: Cursor,
  fromHead: boolean,
  toHead: boolean,
): Status {
  const store = c.store;
  if (from.type === TYPE_NONE) {
    c.out.null();
    return STATUS_OK;
  }
  if (from.type !== TYPE_LIST || (to.type !== TYPE_LIST && to.type !== TYPE_NONE)) {
    c.out.error(errorTexts.wrongType);
    return STATUS_OK;
  }
  moved.length = 0;
  store.seekItem(from, fromHead ? 0 : from.itemsCount - 1);
  store.copyItem(from, moved);
  // Pushed before it is dropped: when there is no memory nothing is lost, and a list of one element
  // that is moved onto itself keeps its expiry. Where both ends are the same, the one that is
  // dropped equals the one that was pushed.
  const status = store.pushItem(to, toHead, moved.bytes, 0, moved.length);
  if (status !== STATUS_OK) return status;
  store.dropItems(from, fromHead, 1);
  c.out.bulk(moved.bytes, 0, moved.length);
  return STATUS_OK;
}

/** LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]: from the first list that exists. */
function lmpop(c: Context): void {
  if (!c.parseInteger(1) || c.value < 1) {
    c.out.error(errorTexts.numkeysNotPositive);
    return;
  }
  const keysCount = c.value;
  const endAt = keysCount + 2;
  const end = endAt < c.count ? readEnd(c, endAt) : END_NONE;
  if (end === END_NONE) {
    c.out.error(errorTexts.syntax);
    return;
  }
  if (!readPopCount(c, endAt + 1)) return;
  const count = c.value;
  if (isAtOnce(keysCount)) {
    aimAll(c, 2, 1, keysCount);
    c.store.lockAll(keysCount);
    popFirst(c, keysCount, end === END_HEAD, count, false);
    c.store.unlockAll(keysCount);
  } else {
    c.store.exclusive(() => popFirst(c, keysCount, end === END_HEAD, count, true));
  }
}

/** Reads [COUNT count] from argument `i` to the end into c.value; 1 when it is missing. */
function readPopCount(c: Context, i: number): boolean {
  if (i === c.count) {
    c.value = 1;
    return true;
  }
  if (i + 2 > c.count || !c.is(i, "COUNT")) {
    c.out.error(errorTexts.syntax);
    return false;
  }
  if (!c.parseInteger(i + 1) || c.value < 1) {
    c.out.error(errorTexts.countNotPositive);
    return false;
  }
  if (i + 2 === c.count) return true;
  c.out.error(errorTexts.syntax);
  return false;
}

/**
 * Pops from the first key that exists. `isExclusive`: the keys are not locked, but nobody else
 * runs.
 */
function popFirst(
  c: Context,
  keysCount: number,
  atHead: boolean,
  count: number,
  isExclusive: boolean,
): void {
  const store = c.store;
  for (let i = 0; i < keysCount; i++) {
    const cursor = store.cursor(isExclusive ? 0 : i);
    if (isExclusive) store.lock(c.aim(cursor, i + 2));
    const isFound = cursor.type !== TYPE_NONE;
    if (isFound) popFound(c, cursor, i + 2, atHead, count);
    if (isExclusive) store.unlock(cursor);
    if (isFound) return;
  }
  c.out.nullArray();
}

function popFound(c: Context, cursor: Cursor, key: number, atHead: boolean, count: number): void {
  if (cursor.type !== TYPE_LIST) {
    c.out.error(errorTexts.wrongType);
    return;
  }
  c.out.arrayHeader(2);
  c.out.bulk(c.bytes, c.start(key), c.length(key));
  popItems(c, cursor, atHead, count);
}

// ---- The table ----

const TWO_KEYS = { first: 1, last: 2, step: 1 };
const SOURCE_DESTINATION = [arg("source", "key"), arg("destination", "key")];
const LEFT_RIGHT = [token("left", "LEFT"), token("right", "RIGHT")];

export const listMoveCommands: readonly CommandSpec[] = [
  {
    name: "lmove",
    arity: 5,
    flags: ["write", "denyoom"],
    keys: TWO_KEYS,
    keyFlags: ["RW", "access", "delete"],
    secondKeyFlags: ["RW", "insert"],
    group: "list",
    since: "6.2.0",
    summary: "Takes an element off one end of a list, adds it at one end of another and gives it.",
    complexity: "O(1)",
    arguments: [
      ...SOURCE_DESTINATION,
      oneOf("wherefrom", LEFT_RIGHT),
      oneOf("whereto", LEFT_RIGHT),
    ],
    run: lmove,
  },
  {
    name: "rpoplpush",
    arity: 3,
    flags: ["write", "denyoom"],
    keys: TWO_KEYS,
    keyFlags: ["RW", "access", "delete"],
    secondKeyFlags: ["RW", "insert"],
    group: "list",
    since: "1.2.0",
    summary: "Takes the last element off a list, adds it at the head of another and gives it.",
    complexity: "O(1)",
    arguments: SOURCE_DESTINATION,
    run: (c) => move(c, false, true),
  },
  {
    name: "lmpop",
    arity: -4,
    flags: ["write", "movablekeys"],
    keysCountAt: 1,
    keyFlags: ["RW", "access", "delete"],
    group: "list",
    since: "7.0.0",
    summary: "Takes elements off the first list that exists and gives them with its name.",
    complexity: "O(N + M) where N is the number of keys and M that of the elements taken",
    arguments: [
      arg("numkeys", "integer"),
      arg("key", "key", { multiple: true }),
      oneOf("where", LEFT_RIGHT),
      arg("count", "integer", { token: "COUNT", optional: true }),
    ],
    run: lmpop,
  },
];
