/**
 * Setting one string, with and without options: SET, SETNX, SETEX, PSETEX, and GETEX, which has
 * SET's options of time.
 *
 * SET with just a key and a value is a straight line: lock, put, unlock. Options are gathered into
 * a bit set first, so that nothing is allocated with them either.
 */
import { errorTexts } from "../resp/errors.ts";
import { type Cursor, TYPE_STRING } from "../store/cursor.ts";
import { KEEP_EXPIRY, STATUS_OK, type Status } from "../store/status.ts";
import { arg, oneOf, token } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { parsePositiveTime, TimeUnit } from "./expiry-time.ts";
import { failWith, noteLookup, replyStringOrError } from "./outcomes.ts";

/**
 * Options of SET and GETEX. The lowest three bits are a TimeUnit: which of EX, PX, EXAT, PXAT was
 * given.
 */
const enum Option {
  Time = 7,
  Nx = 8,
  Xx = 16,
  Get = 32,
  KeepTtl = 64,
  Persist = 128,
  Invalid = 256,
}

/** Left behind by parseOptions: the argument that holds the time. */
let timeAt = 0;

/** SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]. Hot. */
function set(c: Context): void {
  if (c.count > 3) {
    setWithOptions(c);
    return;
  }
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  const status = store.setString(cursor, c.bytes, c.start(2), c.length(2));
  if (status === STATUS_OK) c.out.ok();
  else failWith(c, status, c.out.length);
}

function setWithOptions(c: Context): void {
  const options = parseOptions(c, 3, Option.Nx | Option.Xx | Option.Get | Option.KeepTtl);
  if ((options & Option.Invalid) !== 0) {
    c.out.error(errorTexts.syntax);
    return;
  }
  let expiresAtMs = (options & Option.KeepTtl) !== 0 ? KEEP_EXPIRY : 0;
  if ((options & Option.Time) !== 0) {
    if (!parsePositiveTime(c, timeAt, options & Option.Time)) return;
    expiresAtMs = c.value;
  }
  const mark = c.out.length;
  const cursor = c.aim(c.store.cursor(0), 1);
  const isFound = c.store.lock(cursor);
  const status = setLocked(c, cursor, isFound, options, expiresAtMs);
  c.store.unlock(cursor);
  if ((options & Option.Get) !== 0) noteLookup(c, isFound);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** Replies, and sets when the conditions hold. */
function setLocked(
  c: Context,
  cursor: Cursor,
  isFound: boolean,
  options: number,
  expiresAtMs: number,
): Status {
  const isRefused = (options & (isFound ? Option.Nx : Option.Xx)) !== 0;
  if ((options & Option.Get) !== 0) {
    if (!isFound) c.out.null();
    else if (!replyStringOrError(c, cursor)) return STATUS_OK;
  } else if (isRefused) c.out.null();
  else c.out.ok();
  return isRefused ? STATUS_OK : put(c, cursor, isFound, 2, expiresAtMs);
}

/** Puts the value in argument `valueAt`; with a time that has passed, the key goes instead. */
function put(
  c: Context,
  cursor: Cursor,
  isFound: boolean,
  valueAt: number,
  expiresAtMs: number,
): Status {
  if (expiresAtMs > 0 && expiresAtMs <= c.nowMs) {
    if (isFound) c.store.remove(cursor);
    return STATUS_OK;
  }
  return c.store.putString(cursor, c.bytes, c.start(valueAt), c.length(valueAt), expiresAtMs);
}

/**
 * The options from argument `from` on, of which `allowed` (and those of time) may occur;
 * Option.Invalid otherwise.
 */
function parseOptions(c: Context, from: number, allowed: number): number {
  let options = 0;
  for (let i = from; i < c.count; i++) {
    const option = optionAt(c, i);
    if ((option & ~(allowed | Option.Time)) !== 0 || conflicts(options, option)) {
      return Option.Invalid;
    }
    options |= option;
    if ((option & Option.Time) === 0) continue;
    timeAt = ++i;
    if (i === c.count) return Option.Invalid;
  }
  return options;
}

function optionAt(c: Context, i: number): number {
  if (c.is(i, "EX")) return TimeUnit.Seconds;
  if (c.is(i, "PX")) return TimeUnit.Milliseconds;
  if (c.is(i, "NX")) return Option.Nx;
  if (c.is(i, "XX")) return Option.Xx;
  if (c.is(i, "GET")) return Option.Get;
  if (c.is(i, "EXAT")) return TimeUnit.Seconds | TimeUnit.Absolute;
  if (c.is(i, "PXAT")) return TimeUnit.Milliseconds | TimeUnit.Absolute;
  if (c.is(i, "KEEPTTL")) return Option.KeepTtl;
  if (c.is(i, "PERSIST")) return Option.Persist;
  return Option.Invalid;
}

/**
 * An option may be repeated, but not joined by one that says otherwise; the same unit of time may,
 * the last counts.
 */
function conflicts(before: number, option: number): boolean {
  const lifetime = Option.Time | Option.KeepTtl | Option.Persist;
  if ((option & lifetime) !== 0) {
    const other = before & lifetime;
    return other !== 0 && other !== (option & lifetime);
  }
  if (option === Option.Nx) return (before & Option.Xx) !== 0;
  return option === Option.Xx && (before & Option.Nx) !== 0;
}

/** SETNX key value */
function setnx(c: Context): void {
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  let status: Status = STATUS_OK;
  const isFound = store.lock(cursor);
  if (!isFound) status = store.putString(cursor, c.bytes, c.start(2), c.length(2), 0);
  store.unlock(cursor);
  if (status === STATUS_OK) c.out.integer(isFound ? 0 : 1);
  else failWith(c, status, c.out.length);
}

/** SETEX key seconds value */
function setex(c: Context): void {
  setFor(c, TimeUnit.Seconds);
}

/** PSETEX key milliseconds value */
function psetex(c: Context): void {
  setFor(c, TimeUnit.Milliseconds);
}

function setFor(c: Context, unit: number): void {
  if (!parsePositiveTime(c, 2, unit)) return;
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  store.lock(cursor);
  const status = store.putString(cursor, c.bytes, c.start(3), c.length(3), c.value);
  store.unlock(cursor);
  if (status === STATUS_OK) c.out.ok();
  else failWith(c, status, c.out.length);
}

/** GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST] */
function getex(c: Context): void {
  const options = parseOptions(c, 2, Option.Persist);
  if ((options & Option.Invalid) !== 0) {
    c.out.error(errorTexts.syntax);
    return;
  }
  const store = c.store;
  const mark = c.out.length;
  const cursor = c.aim(store.cursor(0), 1);
  const isFound = store.lock(cursor);
  let status: Status = STATUS_OK;
  if (!isFound) c.out.null();
  else if (cursor.type !== TYPE_STRING) c.out.error(errorTexts.wrongType);
  else status = replyAndKeepFor(c, cursor, options);
  store.unlock(cursor);
  noteLookup(c, isFound);
  if (status !== STATUS_OK) failWith(c, status, mark);
}

/** A time that is none is only noticed when the key is there, as in Redis. */
function replyAndKeepFor(c: Context, cursor: Cursor, options: number): Status {
  if ((options & Option.Time) !== 0) {
    if (!parsePositiveTime(c, timeAt, options & Option.Time)) return STATUS_OK;
    replyStringOrError(c, cursor);
    if (c.value > c.nowMs) return c.store.setExpiry(cursor, c.value);
    c.store.remove(cursor);
    return STATUS_OK;
  }
  replyStringOrError(c, cursor);
  return (options & Option.Persist) !== 0 ? c.store.setExpiry(cursor, 0) : STATUS_OK;
}

const KEY = arg("key", "key");
const VALUE = arg("value", "string");
const FIRST_KEY = { first: 1, last: 1, step: 1 };

export const setCommands: readonly CommandSpec[] = [
  {
    name: "set",
    arity: -3,
    flags: ["write", "denyoom"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "access", "update", "variable_flags"],
    group: "string",
    since: "1.0.0",
    summary: "Sets a key to a string, whatever it held; options set conditions and an expiry.",
    complexity: "O(1)",
    arguments: [
      KEY,
      VALUE,
      oneOf("condition", [token("nx", "NX"), token("xx", "XX")], {
        optional: true,
        since: "2.6.12",
      }),
      token("get", "GET", { optional: true, since: "6.2.0" }),
      oneOf(
        "expiration",
        [
          arg("seconds", "integer", { token: "EX", since: "2.6.12" }),
          arg("milliseconds", "integer", { token: "PX", since: "2.6.12" }),
          arg("unix-time-seconds", "unix-time", { token: "EXAT", since: "6.2.0" }),
          arg("unix-time-milliseconds", "unix-time", { token: "PXAT", since: "6.2.0" }),
          token("keepttl", "KEEPTTL", { since: "6.0.0" }),
        ],
        { optional: true },
      ),
    ],
    run: set,
  },
  {
    name: "setnx",
    arity: 3,
    flags: ["write", "denyoom", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["OW", "insert"],
    group: "string",
    since: "1.0.0",
    summary: "Sets a key to a string if the key does not exist.",
    complexity: "O(1)",
    arguments: [KEY, VALUE],
    run: setnx,
  },
  {
    name: "setex",
    arity: 4,
    flags: ["write", "denyoom"],
    keys: FIRST_KEY,
    keyFlags: ["OW", "update"],
    group: "string",
    since: "2.0.0",
    summary: "Sets a key to a string that expires after some seconds.",
    complexity: "O(1)",
    arguments: [KEY, arg("seconds", "integer"), VALUE],
    run: setex,
  },
  {
    name: "psetex",
    arity: 4,
    flags: ["write", "denyoom"],
    keys: FIRST_KEY,
    keyFlags: ["OW", "update"],
    group: "string",
    since: "2.6.0",
    summary: "Sets a key to a string that expires after some milliseconds.",
    complexity: "O(1)",
    arguments: [KEY, arg("milliseconds", "integer"), VALUE],
    run: psetex,
  },
  {
    name: "getex",
    arity: -2,
    flags: ["write", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "access", "update"],
    group: "string",
    since: "6.2.0",
    summary: "Gives the string that a key holds and changes its expiry.",
    complexity: "O(1)",
    arguments: [
      KEY,
      oneOf(
        "expiration",
        [
          arg("seconds", "integer", { token: "EX" }),
          arg("milliseconds", "integer", { token: "PX" }),
          arg("unix-time-seconds", "unix-time", { token: "EXAT" }),
          arg("unix-time-milliseconds", "unix-time", { token: "PXAT" }),
          token("persist", "PERSIST"),
        ],
        { optional: true },
      ),
    ],
    run: getex,
  },
];
