/**
 * When keys expire: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT, TTL, PTTL, EXPIRETIME, PEXPIRETIME,
 * PERSIST.
 *
 * A key has an absolute time, ms since 1970. Setting one that has passed removes the key at once. A
 * key whose time has come is missing for every command from then on, whether or not anything has
 * removed it yet.
 */
import { errorTexts, unsupportedOption } from "../resp/errors.ts";
import type { Cursor } from "../store/cursor.ts";
import { STATUS_OK, type Status } from "../store/status.ts";
import { arg, oneOf, token } from "./arguments.ts";
import type { CommandArgument, CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { parseAnyTime, TimeUnit } from "./expiry-time.ts";
import { failWith, peek } from "./outcomes.ts";

/** Options of EXPIRE. */
const enum When {
  Always = 0,
  /** No expiry yet. */
  Nx = 1,
  /** An expiry already. */
  Xx = 2,
  /** Later than the current one; no expiry is the latest of all. */
  Gt = 4,
  Lt = 8,
  Invalid = 16,
}

const MS_PER_SECOND = 1000;
const KEY_MISSING = -2;
const NO_EXPIRY = -1;

/** EXPIRE key seconds [NX | XX | GT | LT]. Hot. */
function expire(c: Context): void {
  expireIn(c, TimeUnit.Seconds);
}

function pexpire(c: Context): void {
  expireIn(c, TimeUnit.Milliseconds);
}

function expireat(c: Context): void {
  expireIn(c, TimeUnit.Seconds | TimeUnit.Absolute);
}

function pexpireat(c: Context): void {
  expireIn(c, TimeUnit.Milliseconds | TimeUnit.Absolute);
}

/**
 * Replies 1 when the expiry was set (or the key removed by it), 0 when the key is missing or the
 * condition fails.
 */
function expireIn(c: Context, unit: number): void {
  const when = c.count === 3 ? When.Always : parseWhen(c);
  if (when === When.Invalid || !parseAnyTime(c, 2, unit)) return;
  const expiresAtMs = c.value;
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  let status: Status = STATUS_OK;
  const isSet =
    store.lock(cursor) && (when === When.Always || isAllowed(cursor, when, expiresAtMs));
  if (isSet) {
    if (expiresAtMs <= c.nowMs) store.remove(cursor);
    else status = store.setExpiry(cursor, expiresAtMs);
  }
  store.unlock(cursor);
  if (status === STATUS_OK) c.out.integer(isSet ? 1 : 0);
  else failWith(c, status, c.out.length);
}

/** The options from argument 3 on; When.Invalid with the error written. */
function parseWhen(c: Context): number {
  let when: number = When.Always;
  for (let i = 3; i < c.count; i++) {
    if (c.is(i, "NX")) when |= When.Nx;
    else if (c.is(i, "XX")) when |= When.Xx;
    else if (c.is(i, "GT")) when |= When.Gt;
    else if (c.is(i, "LT")) when |= When.Lt;
    else return failWhen(c, unsupportedOption(c.text(i)));
  }
  if ((when & When.Nx) !== 0 && when !== When.Nx) return failWhen(c, errorTexts.expireNxConflict);
  const both = When.Gt | When.Lt;
  return (when & both) === both ? failWhen(c, errorTexts.expireGtLtConflict) : when;
}

function failWhen(c: Context, text: string): number {
  c.out.error(text);
  return When.Invalid;
}

function isAllowed(cursor: Cursor, when: number, expiresAtMs: number): boolean {
  const current = cursor.expiresAtMs;
  if ((when & When.Nx) !== 0) return current === 0;
  if ((when & When.Xx) !== 0 && current === 0) return false;
  if ((when & When.Gt) !== 0) return current !== 0 && expiresAtMs > current;
  return (when & When.Lt) === 0 || current === 0 || expiresAtMs < current;
}

/** TTL key: seconds left, rounded to the nearest. */
function ttl(c: Context): void {
  const left = timeLeft(c);
  c.out.integer(left < 0 ? left : toSeconds(left));
}

/** PTTL key: milliseconds left. */
function pttl(c: Context): void {
  c.out.integer(timeLeft(c));
}

/** EXPIRETIME key: seconds since 1970, rounded to the nearest. */
function expiretime(c: Context): void {
  const time = expiryTime(c);
  c.out.integer(time < 0 ? time : toSeconds(time));
}

/** PEXPIRETIME key: milliseconds since 1970. */
function pexpiretime(c: Context): void {
  c.out.integer(expiryTime(c));
}

function timeLeft(c: Context): number {
  const time = expiryTime(c);
  return time < 0 ? time : Math.max(0, time - c.nowMs);
}

/** When the key in argument 1 expires, NO_EXPIRY, or KEY_MISSING. */
function expiryTime(c: Context): number {
  const cursor = c.aim(c.store.cursor(0), 1);
  if (!peek(c, cursor, false)) return KEY_MISSING;
  return cursor.expiresAtMs > 0 ? cursor.expiresAtMs : NO_EXPIRY;
}

function toSeconds(ms: number): number {
  return Math.floor((ms + MS_PER_SECOND / 2) / MS_PER_SECOND);
}

/** PERSIST key: 1 when there was an expiry. */
function persist(c: Context): void {
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  let status: Status = STATUS_OK;
  const hasExpiry = store.lock(cursor) && cursor.expiresAtMs > 0;
  if (hasExpiry) status = store.setExpiry(cursor, 0);
  store.unlock(cursor);
  if (status === STATUS_OK) c.out.integer(hasExpiry ? 1 : 0);
  else failWith(c, status, c.out.length);
}

const KEY = arg("key", "key");
const FIRST_KEY = { first: 1, last: 1, step: 1 };
const CONDITION = oneOf(
  "condition",
  [token("nx", "NX"), token("xx", "XX"), token("gt", "GT"), token("lt", "LT")],
  { optional: true, since: "7.0.0" },
);

function changing(
  name: string,
  since: string,
  summary: string,
  time: CommandArgument,
  run: (c: Context) => void,
): CommandSpec {
  return {
    name,
    arity: -3,
    flags: ["write", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "update"],
    group: "generic",
    since,
    summary,
    complexity: "O(1)",
    arguments: [KEY, time, CONDITION],
    run,
  };
}

function telling(
  name: string,
  since: string,
  summary: string,
  tips: readonly string[],
  run: (c: Context) => void,
): CommandSpec {
  return {
    name,
    arity: 2,
    flags: ["readonly", "fast"],
    keys: FIRST_KEY,
    group: "generic",
    since,
    summary,
    complexity: "O(1)",
    tips,
    arguments: [KEY],
    run,
  };
}

const CHANGES = ["nondeterministic_output"];
const SECONDS = arg("seconds", "integer");
const MILLISECONDS = arg("milliseconds", "integer");
const UNIX_SECONDS = arg("unix-time-seconds", "unix-time");
const UNIX_MILLISECONDS = arg("unix-time-milliseconds", "unix-time");

export const expiryCommands: readonly CommandSpec[] = [
  changing("expire", "1.0.0", "Lets a key expire after some seconds.", SECONDS, expire),
  changing("pexpire", "2.6.0", "Lets a key expire after some ms.", MILLISECONDS, pexpire),
  changing("expireat", "1.2.0", "Lets a key expire at a second.", UNIX_SECONDS, expireat),
  changing("pexpireat", "2.6.0", "Lets a key expire at a ms.", UNIX_MILLISECONDS, pexpireat),
  telling("ttl", "1.0.0", "Tells in how many seconds a key expires.", CHANGES, ttl),
  telling("pttl", "2.6.0", "Tells in how many milliseconds a key expires.", CHANGES, pttl),
  telling("expiretime", "7.0.0", "Tells at which second a key expires.", [], expiretime),
  telling("pexpiretime", "7.0.0", "Tells at which ms a key expires.", [], pexpiretime),
  {
    name: "persist",
    arity: 2,
    flags: ["write", "fast"],
    keys: FIRST_KEY,
    keyFlags: ["RW", "update"],
    group: "generic",
    since: "2.2.0",
    summary: "Lets a key stay for ever.",
    complexity: "O(1)",
    arguments: [KEY],
    run: persist,
  },
];
