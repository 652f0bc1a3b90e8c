/**
 * Strings as a whole: GET and its kind, and the commands on several keys.
 *
 * Setting one string with options is strings-set.ts; parts of strings are strings-range.ts;
 * counters are increment.ts. GET is the hottest command of all: a read without a lock, straight
 * into the reply, thrown away when it was torn. MGET is one snapshot of all its keys and MSET one
 * change of all of them, whatever other clients do meanwhile.
 */
import { errorTexts, wrongArgumentsCount } from "../resp/errors.ts";
import { TYPE_NONE, TYPE_STRING } from "../store/cursor.ts";
import { STATUS_KEY_TOO_LONG, STATUS_LOG_FULL, STATUS_OK, type Status } from "../store/status.ts";
import { KEY_SIZE_MAX } from "../store/store.ts";
import { arg, block } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import {
  aimAll,
  beginReadAll,
  failWith,
  isAtOnce,
  noteLookup,
  replyString,
  replyStringOrError,
} from "./outcomes.ts";

/** GET key. Hot. */
function get(c: Context): void {
  const store = c.store;
  const out = c.out;
  const cursor = c.aim(store.cursor(0), 1);
  const mark = out.length;
  for (;;) {
    const isFound = store.beginRead(cursor);
    if (!isFound) out.null();
    else if (cursor.type === TYPE_STRING) replyString(c, cursor);
    else out.error(errorTexts.wrongType);
    if (store.endRead(cursor)) {
      noteLookup(c, isFound);
      return;
    }
    out.length = mark;
  }
}

/** GETSET key value */
function getset(c: Context): void {
  const store = c.store;
  const mark = c.out.length;
  const cursor = c.aim(store.cursor(0), 1);
  const isFound = store.lock(cursor);
  let status: Status = STATUS_OK;
  if (!isFound) c.out.null();
  if (!isFound || replyStringOrError(c, cursor)) {
    status = store.putString(cursor, c.bytes, c.start(2), c.length(2), 0);
  }
  store.unlock(cursor);
  noteLookup(c, isFound);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** GETDEL key */
function getdel(c: Context): void {
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  const isFound = store.lock(cursor);
  if (!isFound) c.out.null();
  else if (replyStringOrError(c, cursor)) store.remove(cursor);
  store.unlock(cursor);
  noteLookup(c, isFound);
}

/** MGET key [key ...]: what is no string is null. */
function mget(c: Context): void {
  const count = c.count - 1;
  if (!isAtOnce(count)) {
    c.store.exclusive(() => mgetMany(c, count));
    return;
  }
  const out = c.out;
  const mark = out.length;
  aimAll(c, 1, 1, count);
  for (let attempt = 0; ; attempt++) {
    beginReadAll(c, count, attempt);
    out.arrayHeader(count);
    for (let i = 0; i < count; i++) {
      const cursor = c.store.cursor(i);
      if (cursor.type === TYPE_STRING) replyString(c, cursor);
      else out.null();
    }
    if (c.store.endReadAll(count)) break;
    out.length = mark;
  }
  for (let i = 0; i < count; i++) noteLookup(c, c.store.cursor(i).type !== TYPE_NONE);
}

/** Inside the exclusive section: nobody changes anything between the keys. */
function mgetMany(c: Context, count: number): void {
  const store = c.store;
  const cursor = store.cursor(0);
  c.out.arrayHeader(count);
  for (let i = 1; i <= count; i++) {
    const isFound = store.lock(c.aim(cursor, i));
    if (cursor.type === TYPE_STRING) replyString(c, cursor);
    else c.out.null();
    store.unlock(cursor);
    noteLookup(c, isFound);
  }
}

/**
 * MSET key value [key value ...]. Of a key that is named twice, the last value stays. Hot for one
 * pair.
 */
function mset(c: Context): void {
  if ((c.count & 1) === 0) {
    c.out.error(wrongArgumentsCount("mset"));
    return;
  }
  const mark = c.out.length;
  const status = putPairs(c, (c.count - 1) >> 1, false);
  if (status === STATUS_OK) c.out.ok();
  else failWith(c, status, mark);
}

/** MSETNX key value [key value ...]: all or none. */
function msetnx(c: Context): void {
  if ((c.count & 1) === 0) {
    c.out.error(wrongArgumentsCount("msetnx"));
    return;
  }
  const mark = c.out.length;
  const status = putPairs(c, (c.count - 1) >> 1, true);
  if (status === STATUS_OK || status === SOME_EXIST) c.out.integer(status === STATUS_OK ? 1 : 0);
  else failWith(c, status, mark);
}

/** MSETNX: a key was there, so nothing was set. */
const SOME_EXIST: Status = -1;

/**
 * Sets the pairs behind the name, all at once for every other client; with `isNew` only when no key
 * exists.
 */
function putPairs(c: Context, count: number, isNew: boolean): Status {
  const store = c.store;
  if (hasLongKey(c, count)) return STATUS_KEY_TOO_LONG;
  if (!isAtOnce(count)) return store.exclusive(() => putManyPairs(c, count, isNew));
  aimAll(c, 1, 2, count);
  store.lockAll(count);
  let status: Status = STATUS_OK;
  if (isNew) {
    for (let i = 0; i < count; i++) {
      if (store.cursor(i).type !== TYPE_NONE) status = SOME_EXIST;
    }
  }
  if (status === STATUS_OK && !reservePairs(c, count)) status = STATUS_LOG_FULL;
  for (let i = 0; i < count && status === STATUS_OK; i++) {
    const value = i * 2 + 2;
    status = store.putString(store.cursor(i), c.bytes, c.start(value), c.length(value), 0);
  }
  store.unlockAll(count);
  return status;
}

/** Whether one of the keys is refused: known before the first one is set. */
function hasLongKey(c: Context, count: number): boolean {
  for (let i = 0; i < count; i++) if (c.length(i * 2 + 1) > KEY_SIZE_MAX) return true;
  return false;
}

/** Whether the log has room for all pairs: they are one group, by lockAll or exclusive. */
function reservePairs(c: Context, count: number): boolean {
  let size = 0;
  for (let i = 1; i <= count * 2; i++) size += c.length(i);
  return c.store.reserve(size, count);
}

/** Inside the exclusive section: one pair after the other. */
function putManyPairs(c: Context, count: number, isNew: boolean): Status {
  const store = c.store;
  const cursor = store.cursor(0);
  for (let i = 0; i < count && isNew; i++) {
    const isFound = store.lock(c.aim(cursor, i * 2 + 1));
    store.unlock(cursor);
    if (isFound) return SOME_EXIST;
  }
  if (!reservePairs(c, count)) return STATUS_LOG_FULL;
  for (let i = 0; i < count; i++) {
    const value = i * 2 + 2;
    store.lock(c.aim(cursor, value - 1));
    const status = store.putString(cursor, c.bytes, c.start(value), c.length(value), 0);
    store.unlock(cursor);
    if (status !== STATUS_OK) return status;
  }
  return STATUS_OK;
}

const KEY = arg("key", "key");
const KEYS = arg("key", "key", { multiple: true });
const VALUE = arg("value", "string");
const PAIRS = block("data", [KEY, VALUE], { multiple: true });
const FIRST_KEY = { first: 1, last: 1, step: 1 };
const EVERY_OTHER = { first: 1, last: -1, step: 2 };

export const stringCommands: readonly CommandSpec[] = [
  {
    name: "get",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: FIRST_KEY,
    group: "string",
    since: "1.0.0",
    summary: "Gives the string that a key holds.",
    complexity: "O(1)",
    arguments: [KEY],
    run: get,
  },
  {
    name: "getset",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "access", "update"],
    group: "string",
    since: "1.0.0",
    summary: "Sets a string and gives the one that was there.",
    complexity: "O(1)",
    arguments: [KEY, VALUE],
    run: getset,
  },
  {
    name: "getdel",
    arity: 2,
    flags: ["write", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "access", "delete"],
    group: "string",
    since: "6.2.0",
    summary: "Gives the string that a key holds and removes the key.",
    complexity: "O(1)",
    arguments: [KEY],
    run: getdel,
  },
  {
    name: "mget",
    arity: -2,
    flags: ["readonly", "fast"],
    keys: { first: 1, last: -1, step: 1 },
    group: "string",
    since: "1.0.0",
    summary: "Gives the strings of several keys as they are at one moment.",
    complexity: "O(N) where N is the number of keys",
    tips: ["request_policy:multi_shard"],
    arguments: [KEYS],
    run: mget,
  },
  {
    name: "mset",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: EVERY_OTHER,
    keyFlags: ["OW", "update"],
    group: "string",
    since: "1.0.1",
    summary: "Sets several keys to strings, all at once.",
    complexity: "O(N) where N is the number of keys",
    tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
    arguments: [PAIRS],
    run: mset,
  },
  {
    name: "msetnx",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: EVERY_OTHER,
    keyFlags: ["OW", "insert"],
    group: "string",
    since: "1.0.1",
    summary: "Sets several keys to strings, all at once, unless one of them exists.",
    complexity: "O(N) where N is the number of keys",
    arguments: [PAIRS],
    run: msetnx,
  },
];
