/**
 * Keys that get another name or database: RENAME, RENAMENX, COPY, MOVE.
 *
 * Both keys are locked together, so no client ever sees the value under both names, or under none.
 * Values move with their expiry; the value itself stays where it is when it lies in nodes.
 */
import { errorTexts } from "../resp/errors.ts";
import { type Cursor, TYPE_LIST, TYPE_NONE } from "../store/cursor.ts";
import { STATUS_LOG_FULL, STATUS_OK, type Status } from "../store/status.ts";
import type { Store } from "../store/store.ts";
import { arg, token } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { failWith, noteLookup } from "./outcomes.ts";

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
/** Source and destination: the cursors that lockAll(2) locks. */
const SOURCE = 0;
const DESTINATION = 1;
const BOTH = 2;

/** RENAME key newkey: what newkey held goes. */
function rename(c: Context): void {
  if (isSameKey(c)) {
    if (hasFirstKey(c)) c.out.ok();
    else c.out.error(errorTexts.noSuchKey);
    return;
  }
  const store = c.store;
  const from = c.aim(store.cursor(SOURCE), 1);
  const to = c.aim(store.cursor(DESTINATION), 2);
  const mark = c.out.length;
  store.lockAll(BOTH);
  let status: Status = STATUS_OK;
  if (from.type === TYPE_NONE) c.out.error(errorTexts.noSuchKey);
  else {
    status = store.rename(from, to);
    c.out.ok();
  }
  store.unlockAll(BOTH);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** RENAMENX key newkey: only when newkey does not exist. */
function renamenx(c: Context): void {
  if (isSameKey(c)) {
    if (hasFirstKey(c)) c.out.integer(0);
    else c.out.error(errorTexts.noSuchKey);
    return;
  }
  c.aim(c.store.cursor(SOURCE), 1);
  c.aim(c.store.cursor(DESTINATION), 2);
  moveWhenMissing(c, true);
}

/** MOVE key db: only when the key does not exist there. */
function move(c: Context): void {
  const db = databaseAt(c, 2);
  if (db < 0) return;
  if (db === c.session.db) {
    c.out.error(errorTexts.sameObject);
    return;
  }
  c.aim(c.store.cursor(SOURCE), 1);
  c.aimIn(c.store.cursor(DESTINATION), 1, db);
  moveWhenMissing(c, false);
}

/** Moves the source cursor's key to the destination cursor's unless that exists; 1 or 0. */
function moveWhenMissing(c: Context, mustExist: boolean): void {
  const store = c.store;
  const from = store.cursor(SOURCE);
  const to = store.cursor(DESTINATION);
  const mark = c.out.length;
  store.lockAll(BOTH);
  let status: Status = STATUS_OK;
  if (from.type === TYPE_NONE && mustExist) c.out.error(errorTexts.noSuchKey);
  else if (from.type === TYPE_NONE || to.type !== TYPE_NONE) c.out.integer(0);
  else {
    status = store.rename(from, to);
    c.out.integer(1);
  }
  store.unlockAll(BOTH);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** COPY source destination [DB db] [REPLACE] */
function copy(c: Context): void {
  let db = c.session.db;
  let replaces = false;
  for (let i = 3; i < c.count; i++) {
    if (c.is(i, "REPLACE")) replaces = true;
    else if (c.is(i, "DB") && i + 1 < c.count) {
      db = databaseAt(c, ++i);
      if (db < 0) return;
    } else {
      c.out.error(errorTexts.syntax);
      return;
    }
  }
  if (db === c.session.db && isSameKey(c)) {
    c.out.error(errorTexts.sameObject);
    return;
  }
  c.aim(c.store.cursor(SOURCE), 1);
  c.aimIn(c.store.cursor(DESTINATION), 2, db);
  copyAimed(c, replaces);
}

/** Bytes of log that a copy of the value takes at the most; elements of a list have headers. */
function logSize(store: Store, from: Cursor): number {
  return store.memoryUsage(from) * (from.type === TYPE_LIST ? 2 : 1);
}

function copyAimed(c: Context, replaces: boolean): void {
  const store = c.store;
  const from = store.cursor(SOURCE);
  const to = store.cursor(DESTINATION);
  const mark = c.out.length;
  store.lockAll(BOTH);
  noteLookup(c, from.type !== TYPE_NONE);
  let status: Status = STATUS_OK;
  if (from.type === TYPE_NONE || (to.type !== TYPE_NONE && !replaces)) c.out.integer(0);
  else if (!store.reserve(logSize(store, from) + to.keyLength, BOTH)) status = STATUS_LOG_FULL;
  else {
    if (to.type !== TYPE_NONE) {
      store.remove(to);
      store.refresh(to);
      store.refresh(from);
    }
    status = store.copyTo(from, to);
    c.out.integer(1);
  }
  store.unlockAll(BOTH);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** The database number in argument `i`, or -1 with the error written. */
function databaseAt(c: Context, i: number): number {
  if (!c.integer(i)) return -1;
  const db = c.value;
  if (db >= 0 && db < c.settings.databases) return db;
  const isInt32 = db >= INT32_MIN && db <= INT32_MAX;
  c.out.error(isInt32 ? errorTexts.databaseOutOfRange : errorTexts.notInt32);
  return -1;
}

/** Whether arguments 1 and 2 are the same bytes. */
function isSameKey(c: Context): boolean {
  const length = c.length(1);
  if (length !== c.length(2)) return false;
  const a = c.start(1);
  const b = c.start(2);
  return c.bytes.compare(c.bytes, b, b + length, a, a + length) === 0;
}

function hasFirstKey(c: Context): boolean {
  const cursor = c.aim(c.store.cursor(0), 1);
  let isFound = c.store.beginRead(cursor);
  while (!c.store.endRead(cursor)) isFound = c.store.beginRead(cursor);
  return isFound;
}

const TWO_KEYS = { first: 1, last: 2, step: 1 };

export const moveCommands: readonly CommandSpec[] = [
  {
    name: "rename",
    arity: 3,
    flags: ["write"],
    keys: TWO_KEYS,
    keyFlags: ["RW", "access", "delete"],
    secondKeyFlags: ["OW", "update"],
    group: "generic",
    since: "1.0.0",
    summary: "Gives a key another name; a key that has that name goes.",
    complexity: "O(1)",
    arguments: [arg("key", "key"), arg("newkey", "key")],
    run: rename,
  },
  {
    name: "renamenx",
    arity: 3,
    flags: ["write", "fast"],
    keys: TWO_KEYS,
    keyFlags: ["RW", "access", "delete"],
    secondKeyFlags: ["OW", "insert"],
    group: "generic",
    since: "1.0.0",
    summary: "Gives a key another name unless there is a key of that name.",
    complexity: "O(1)",
    arguments: [arg("key", "key"), arg("newkey", "key")],
    run: renamenx,
  },
  {
    name: "copy",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: TWO_KEYS,
    keyFlags: ["RO", "access"],
    secondKeyFlags: ["OW", "update"],
    group: "generic",
    since: "6.2.0",
    summary: "Copies a key's value and expiry to another key or database.",
    complexity: "O(N) where N is the size of the value",
    arguments: [
      arg("source", "key"),
      arg("destination", "key"),
      arg("destination-db", "integer", { token: "DB", optional: true }),
      token("replace", "REPLACE", { optional: true }),
    ],
    run: copy,
  },
  {
    name: "move",
    arity: 3,
    flags: ["write", "fast"],
    keys: { first: 1, last: 1, step: 1 },
    keyFlags: ["RW", "access", "update"],
    group: "generic",
    since: "1.0.0",
    summary: "Moves a key to another database unless the key exists there.",
    complexity: "O(1)",
    arguments: [arg("key", "key"), arg("db", "integer")],
    run: move,
  },
];
