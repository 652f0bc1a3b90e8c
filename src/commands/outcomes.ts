/**
 * What commands on data have in common: replies with a string, errors of the store, hits and
 * misses, several keys.
 *
 * Used by the families strings, keys and expiry. Hot functions first; they allocate nothing.
 * Not here: anything that belongs to one command.
 */
import { KEYS_AT_ONCE_MAX, SNAPSHOT_ATTEMPTS_MAX } from "../base/limits.ts";
import { Stat } from "../base/server-stats.ts";
import { errorTexts, logFull } from "../resp/errors.ts";
import { type Cursor, TYPE_STRING } from "../store/cursor.ts";
import {
  STATUS_KEY_TOO_LONG,
  STATUS_LOG_FULL,
  STATUS_OUT_OF_MEMORY,
  STATUS_TOO_LARGE,
  type Status,
} from "../store/status.ts";
import type { Context } from "./context.ts";

/** Replies with the string under a read or locked cursor. Hot. */
export function replyString(c: Context, cursor: Cursor): void {
  if (!cursor.isLarge) {
    c.out.bulk(cursor.valueBytes, cursor.valueStart, cursor.valueLength);
    return;
  }
  c.out.bulkHeader(cursor.valueLength);
  c.store.copyValue(cursor, c.out, 0, cursor.valueLength);
  c.out.crlf();
}

/**
 * Replies with the string under a found cursor, or with WRONGTYPE. Returns whether it was a string.
 * Hot.
 */
export function replyStringOrError(c: Context, cursor: Cursor): boolean {
  if (cursor.type === TYPE_STRING) {
    replyString(c, cursor);
    return true;
  }
  c.out.error(errorTexts.wrongType);
  return false;
}

/** Counts a look-up in keyspace_hits or keyspace_misses. Hot: once per key that a command reads. */
export function noteLookup(c: Context, isFound: boolean): void {
  const own = c.server.stats.own;
  if (isFound) own[Stat.Hits] = (own[Stat.Hits] as number) + 1;
  else own[Stat.Misses] = (own[Stat.Misses] as number) + 1;
}

/**
 * Finds the aimed key, without its value, and says whether it exists; the cursor's type and expiry
 * are right afterwards. The key does not count as used, for eviction and OBJECT IDLETIME, unless
 * `isUse` says so. Hot.
 */
export function peek(c: Context, cursor: Cursor, isUse: boolean): boolean {
  const store = c.store;
  const leftAccess = store.leavesAccess;
  store.leavesAccess = !isUse;
  let isFound = store.beginRead(cursor);
  while (!store.endRead(cursor)) isFound = store.beginRead(cursor);
  store.leavesAccess = leftAccess;
  noteLookup(c, isFound);
  return isFound;
}

/**
 * The error for a change that the store refused; `mark` is where the reply began: what was written
 * since goes.
 */
export function failWith(c: Context, status: Status, mark: number): void {
  c.out.length = mark;
  if (status === STATUS_OUT_OF_MEMORY) c.out.error(errorTexts.outOfMemory);
  else if (status === STATUS_TOO_LARGE) c.out.error(errorTexts.stringTooLong);
  else if (status === STATUS_KEY_TOO_LONG) c.out.error(errorTexts.keyTooLong);
  else if (status === STATUS_LOG_FULL) c.out.error(logFull(c.store.durability?.fullReason() ?? ""));
}

/**
 * Whether so many keys are locked, or read as a snapshot; for more, the caller takes the exclusive
 * section.
 */
export function isAtOnce(keysCount: number): boolean {
  return keysCount <= KEYS_AT_ONCE_MAX;
}

/** Aims cursors 0 to count - 1 at the keys in arguments first, first + step, ... */
export function aimAll(c: Context, first: number, step: number, count: number): void {
  for (let i = 0; i < count; i++) c.aim(c.store.cursor(i), first + i * step);
}

/**
 * Finds the keys of cursors 0 to count - 1 for reading; `store.endReadAll(count)` says whether they
 * are one snapshot, and if not the caller takes back what it wrote and calls this again with the
 * next `attempt` (from 0). It ends: the last attempt locks all of them.
 */
export function beginReadAll(c: Context, count: number, attempt: number): void {
  const store = c.store;
  if (attempt >= SNAPSHOT_ATTEMPTS_MAX) {
    store.lockAll(count);
    return;
  }
  for (let i = 0; i < count; i++) store.beginRead(store.cursor(i));
}
