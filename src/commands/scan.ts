/**
 * Finding keys: SCAN and KEYS.
 *
 * SCAN visits some buckets of the index for each call. A key that is there from the first call to
 * the last is returned at least once, however much the index grows in between (store/scan.ts says
 * why); a key may be returned twice. KEYS is one moment of the whole database: it runs while every
 * other Worker is between batches.
 */

import { isMatchAll, matchesGlob } from "../base/glob.ts";
import { RESULT_KEEP_SIZE_MAX, SCAN_STEPS_MIN, SCAN_STEPS_PER_KEY } from "../base/limits.ts";
import { UINT64_MAX } from "../base/number.ts";
import { errorTexts } from "../resp/errors.ts";
import { ReplyWriter } from "../resp/writer.ts";
import { TYPE_LIST, TYPE_STRING } from "../store/cursor.ts";
import { arg } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";

/** Keys asked for when SCAN says nothing else. */
const COUNT_DEFAULT = 10;
/** Scan positions are below this; a cursor that we have not given out is taken modulo it. */
const POSITIONS_COUNT = 2 ** 32;
/** A cursor as strtoul reads it: nothing is 0, and a sign is allowed. */
const CURSOR = /^(?:[+-]?\d+)?$/;
/**
 * A filter of type that no key passes: a type that Redis knows and this server has not, or no type
 * at all.
 */
const TYPE_UNKNOWN = -1;
const TYPE_ANY = 0;

/** Keys found, as replies: their number stands in front and is known last. */
const found = new ReplyWriter(4096);
let foundCount = 0;

/** What the running command filters by. */
const filter = {
  count: COUNT_DEFAULT,
  type: TYPE_ANY,
  /** Argument that holds the pattern, 0 for none. */
  patternAt: 0,
};

/** SCAN cursor [MATCH pattern] [COUNT count] [TYPE type] */
function scan(c: Context): void {
  let position = cursorAt(c, 1);
  if (position < 0) {
    c.out.error(errorTexts.cursorInvalid);
    return;
  }
  if (!parseFilter(c)) return;
  clearFound();
  const db = c.store.physical(c.session.db);
  let steps = Math.max(filter.count * SCAN_STEPS_PER_KEY, SCAN_STEPS_MIN);
  do {
    position = c.store.scanStep(db, position);
    takeMatches(c);
  } while (position !== 0 && foundCount < filter.count && --steps > 0);
  c.out.arrayHeader(2);
  c.out.bulkLatin1(String(position));
  replyFound(c);
}

/** KEYS pattern */
function keys(c: Context): void {
  filter.type = TYPE_ANY;
  filter.patternAt = isMatchAll(c.bytes, c.start(1), c.length(1)) ? 0 : 1;
  clearFound();
  c.store.exclusive(() => {
    const db = c.store.physical(c.session.db);
    let position = 0;
    do {
      position = c.store.scanStep(db, position);
      takeMatches(c);
    } while (position !== 0);
  });
  replyFound(c);
}

/** The scan position in argument `i`, -1 when it is no cursor. */
function cursorAt(c: Context, i: number): number {
  if (c.parseInteger(i) && c.value >= 0 && c.value < POSITIONS_COUNT) return c.value;
  const text = c.text(i);
  if (!CURSOR.test(text)) return -1;
  const value = BigInt(text.replace(/^[+-]/, ""));
  if (value > UINT64_MAX) return -1;
  return Number((text.startsWith("-") ? -value : value) & BigInt(POSITIONS_COUNT - 1));
}

/** Reads the options of SCAN into `filter`. False, with the error written, when they are wrong. */
function parseFilter(c: Context): boolean {
  filter.count = COUNT_DEFAULT;
  filter.type = TYPE_ANY;
  filter.patternAt = 0;
  for (let i = 2; i < c.count; i += 2) {
    const hasValue = i + 1 < c.count;
    if (hasValue && c.is(i, "COUNT")) {
      if (!c.integer(i + 1)) return false;
      if (c.value < 1) return failSyntax(c);
      filter.count = c.value;
    } else if (hasValue && c.is(i, "MATCH")) {
      filter.patternAt = isMatchAll(c.bytes, c.start(i + 1), c.length(i + 1)) ? 0 : i + 1;
    } else if (hasValue && c.is(i, "TYPE")) filter.type = typeAt(c, i + 1);
    else return failSyntax(c);
  }
  return true;
}

function failSyntax(c: Context): false {
  c.out.error(errorTexts.syntax);
  return false;
}

function typeAt(c: Context, i: number): number {
  if (c.is(i, "STRING")) return TYPE_STRING;
  return c.is(i, "LIST") ? TYPE_LIST : TYPE_UNKNOWN;
}

/** Adds the keys of the last step that pass the filter to what is found. */
function takeMatches(c: Context): void {
  const { keys, count, start, length, type } = c.store.scanned;
  const { patternAt } = filter;
  for (let i = 0; i < count; i++) {
    const keyStart = start[i] as number;
    const keyLength = length[i] as number;
    if (filter.type !== TYPE_ANY && filter.type !== type[i]) continue;
    if (patternAt > 0) {
      const from = c.start(patternAt);
      const size = c.length(patternAt);
      if (!matchesGlob(c.bytes, from, size, keys.bytes, keyStart, keyLength)) continue;
    }
    found.bulk(keys.bytes, keyStart, keyLength);
    foundCount++;
  }
}

function clearFound(): void {
  found.length = 0;
  foundCount = 0;
}

/** Replies with all that was found. */
function replyFound(c: Context): void {
  c.out.arrayHeader(foundCount);
  c.out.append(found.bytes, 0, found.length);
  found.shrink(RESULT_KEEP_SIZE_MAX);
}

export const scanCommands: readonly CommandSpec[] = [
  {
    name: "scan",
    arity: -2,
    flags: ["readonly"],
    group: "generic",
    since: "2.8.0",
    summary: "Goes through the keys of the database, some for each call.",
    complexity: "O(N) where N is the number of keys asked for; the whole database in all",
    tips: ["nondeterministic_output", "request_policy:special", "response_policy:special"],
    arguments: [
      arg("cursor", "integer"),
      arg("pattern", "pattern", { token: "MATCH", optional: true }),
      arg("count", "integer", { token: "COUNT", optional: true }),
      arg("type", "string", { token: "TYPE", optional: true, since: "6.0.0" }),
    ],
    run: scan,
  },
  {
    name: "keys",
    arity: 2,
    flags: ["readonly"],
    group: "generic",
    since: "1.0.0",
    summary: "Gives all keys that match a pattern.",
    complexity: "O(N) where N is the number of keys in the database",
    categories: ["@dangerous"],
    tips: ["request_policy:all_shards", "nondeterministic_output_order"],
    arguments: [arg("pattern", "pattern")],
    run: keys,
  },
];
