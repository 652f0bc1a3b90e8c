/**
 * Keys of any type: DEL, UNLINK, EXISTS, TOUCH, TYPE, RANDOMKEY.
 *
 * Of several keys, DEL removes all at one moment and EXISTS counts at one moment, whatever other
 * clients do. DEL and UNLINK are the same here: large values are always freed in the background.
 * Not here: finding keys (scan.ts), moving and copying them (keys-move.ts), expiry (expiry.ts).
 */
import { TYPE_LIST, TYPE_NONE, TYPE_STRING } from "../store/cursor.ts";
import { arg } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { aimAll, beginReadAll, isAtOnce, noteLookup, peek } from "./outcomes.ts";

/** DEL key [key ...]: how many there were. Hot for one key. */
function del(c: Context): void {
  if (c.count > 2) {
    c.out.integer(removeAll(c, c.count - 1));
    return;
  }
  const store = c.store;
  const cursor = c.aim(store.cursor(0), 1);
  const isFound = store.lock(cursor);
  if (isFound) store.remove(cursor);
  store.unlock(cursor);
  c.out.integer(isFound ? 1 : 0);
}

function removeAll(c: Context, count: number): number {
  const store = c.store;
  if (!isAtOnce(count)) return store.exclusive(() => removeMany(c, count));
  let removed = 0;
  aimAll(c, 1, 1, count);
  store.lockAll(count);
  for (let i = 0; i < count; i++) {
    const cursor = store.cursor(i);
    // Found again: a key that is named twice is gone the second time.
    if (!store.refresh(cursor)) continue;
    store.remove(cursor);
    removed++;
  }
  store.unlockAll(count);
  return removed;
}

/** Inside the exclusive section: one key after the other. */
function removeMany(c: Context, count: number): number {
  const store = c.store;
  const cursor = store.cursor(0);
  let removed = 0;
  for (let i = 1; i <= count; i++) {
    if (store.lock(c.aim(cursor, i))) {
      store.remove(cursor);
      removed++;
    }
    store.unlock(cursor);
  }
  return removed;
}

/** EXISTS key [key ...]: how many there are; a key counts as often as it is named. Hot. */
function exists(c: Context): void {
  countKeys(c, false);
}

/** TOUCH key [key ...]: the same, and they are used now, also for a client with NO-TOUCH. */
function touch(c: Context): void {
  countKeys(c, true);
}

function countKeys(c: Context, isUse: boolean): void {
  if (c.count > 2) c.out.integer(countAll(c, c.count - 1, isUse));
  else c.out.integer(peek(c, c.aim(c.store.cursor(0), 1), isUse) ? 1 : 0);
}

function countAll(c: Context, count: number, isUse: boolean): number {
  const store = c.store;
  if (!isAtOnce(count)) return store.exclusive(() => countMany(c, count, isUse));
  const leftAccess = store.leavesAccess;
  store.leavesAccess = !isUse;
  aimAll(c, 1, 1, count);
  for (let attempt = 0; ; attempt++) {
    beginReadAll(c, count, attempt);
    if (store.endReadAll(count)) break;
  }
  store.leavesAccess = leftAccess;
  let found = 0;
  for (let i = 0; i < count; i++) {
    const isFound = store.cursor(i).type !== TYPE_NONE;
    noteLookup(c, isFound);
    if (isFound) found++;
  }
  return found;
}

/** Inside the exclusive section: one key after the other. */
function countMany(c: Context, count: number, isUse: boolean): number {
  const cursor = c.store.cursor(0);
  let found = 0;
  for (let i = 1; i <= count; i++) if (peek(c, c.aim(cursor, i), isUse)) found++;
  return found;
}

/** TYPE key */
function type(c: Context): void {
  const cursor = c.aim(c.store.cursor(0), 1);
  peek(c, cursor, false);
  c.out.simple(typeName(cursor.type));
}

/** The name of a TYPE_* on the wire. */
export function typeName(type: number): string {
  if (type === TYPE_STRING) return "string";
  return type === TYPE_LIST ? "list" : "none";
}

/** RANDOMKEY */
function randomkey(c: Context): void {
  const { store, out } = c;
  const index = store.randomKey(store.physical(c.session.db));
  if (index < 0) {
    out.null();
    return;
  }
  const { keys, start, length } = store.scanned;
  out.bulk(keys.bytes, start[index] as number, length[index] as number);
}

const ALL_KEYS = { first: 1, last: -1, step: 1 };
const KEYS = [arg("key", "key", { multiple: true })];
const SUM_TIPS = ["request_policy:multi_shard", "response_policy:agg_sum"];

export const keyCommands: readonly CommandSpec[] = [
  {
    name: "del",
    arity: -2,
    flags: ["write"],
    keys: ALL_KEYS,
    keyFlags: ["RM", "delete"],
    group: "generic",
    since: "1.0.0",
    summary: "Removes keys.",
    complexity: "O(1) for each key; a large value is freed in the background",
    tips: SUM_TIPS,
    arguments: KEYS,
    run: del,
  },
  {
    name: "unlink",
    arity: -2,
    flags: ["write", "fast"],
    keys: ALL_KEYS,
    keyFlags: ["RM", "delete"],
    group: "generic",
    since: "4.0.0",
    summary: "Removes keys: the same as DEL.",
    complexity: "O(1) for each key; a large value is freed in the background",
    tips: SUM_TIPS,
    arguments: KEYS,
    run: del,
  },
  {
    name: "exists",
    arity: -2,
    flags: ["readonly", "fast"],
    keys: ALL_KEYS,
    keyFlags: ["RO"],
    group: "generic",
    since: "1.0.0",
    summary: "Counts how many of the named keys exist.",
    complexity: "O(N) where N is the number of keys",
    tips: SUM_TIPS,
    arguments: KEYS,
    run: exists,
  },
  {
    name: "touch",
    arity: -2,
    flags: ["readonly", "fast"],
    keys: ALL_KEYS,
    keyFlags: ["RO"],
    group: "generic",
    since: "3.2.1",
    summary: "Marks keys as used now and counts how many of them exist.",
    complexity: "O(N) where N is the number of keys",
    tips: SUM_TIPS,
    arguments: KEYS,
    run: touch,
  },
  {
    name: "type",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: { first: 1, last: 1, step: 1 },
    keyFlags: ["RO"],
    group: "generic",
    since: "1.0.0",
    summary: "Tells what kind of value a key holds.",
    complexity: "O(1)",
    arguments: [arg("key", "key")],
    run: type,
  },
  {
    name: "randomkey",
    arity: 1,
    flags: ["readonly"],
    group: "generic",
    since: "1.0.0",
    summary: "Gives some key of the database, at random.",
    complexity: "O(1)",
    tips: ["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    run: randomkey,
  },
];
