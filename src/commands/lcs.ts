/**
 * LCS: the longest common subsequence of two strings.
 *
 *   length(i, j) = length(i - 1, j - 1) + 1                       when a[i - 1] = b[j - 1]
 *                = max(length(i - 1, j), length(i, j - 1))        otherwise
 *
 * Redis keeps all lengths, 4 bytes a cell. Here one row of lengths is enough, and of each cell one
 * bit: whether the way back goes up (length(i - 1, j) is the greater) or left. So it takes a 32nd
 * of the memory; the way back, and so the subsequence of several equally long ones, is the same.
 * Strings whose table would exceed proto-max-bulk-len in Redis are refused all the same: they would
 * hold up the thread for seconds.
 *
 * Both strings are copied out first, so nothing is locked while this computes.
 */
import { ByteBuffer } from "../base/byte-buffer.ts";
import { freeArray } from "../base/free-bytes.ts";
import { RESULT_KEEP_SIZE_MAX } from "../base/limits.ts";
import { errorTexts } from "../resp/errors.ts";
import { TYPE_LIST, TYPE_NONE } from "../store/cursor.ts";
import { arg, token } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";
import { aimAll, beginReadAll, noteLookup } from "./outcomes.ts";

/** Bytes of a cell in Redis, for the limit. */
const CELL_SIZE = 4;
const BOTH = 2;

const first = new ByteBuffer(64);
const second = new ByteBuffer(64);

interface Options {
  readonly isLengthOnly: boolean;
  readonly hasIndexes: boolean;
  readonly hasMatchLengths: boolean;
  readonly matchLengthMin: number;
}

/** A run of equal bytes: where it begins in each string. */
interface Match {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

/** LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN] */
function lcs(c: Context): void {
  compare(c);
  first.shrink(RESULT_KEEP_SIZE_MAX);
  second.shrink(RESULT_KEEP_SIZE_MAX);
}

function compare(c: Context): void {
  if (!readBoth(c)) {
    c.out.error(errorTexts.lcsNotStrings);
    return;
  }
  const options = parseOptions(c);
  if (options === null) return;
  const cells = (first.length + 1) * (second.length + 1);
  if (cells * CELL_SIZE > c.settings.bulkSizeMax) {
    c.out.error(errorTexts.lcsTooLong);
    return;
  }
  const ups = options.isLengthOnly ? null : new Uint8Array(Math.ceil(cells / 8));
  const length = fillTable(ups);
  if (ups === null) c.out.integer(length);
  else if (options.hasIndexes) replyMatches(c, matchesOf(ups), length, options);
  else replySubsequence(c, ups, length);
  if (ups !== null) freeArray(ups);
}

/**
 * Copies both strings, as they are at one moment; a missing key is empty. False when one is no
 * string.
 */
function readBoth(c: Context): boolean {
  const store = c.store;
  aimAll(c, 1, 1, BOTH);
  const a = store.cursor(0);
  const b = store.cursor(1);
  for (let attempt = 0; ; attempt++) {
    first.length = 0;
    second.length = 0;
    beginReadAll(c, BOTH, attempt);
    if (a.type !== TYPE_LIST && b.type !== TYPE_LIST) {
      store.copyValue(a, first, 0, a.valueLength);
      store.copyValue(b, second, 0, b.valueLength);
    }
    if (store.endReadAll(BOTH)) break;
  }
  noteLookup(c, a.type !== TYPE_NONE);
  noteLookup(c, b.type !== TYPE_NONE);
  return a.type !== TYPE_LIST && b.type !== TYPE_LIST;
}

/** The options, or null with the error written. */
function parseOptions(c: Context): Options | null {
  let isLengthOnly = false;
  let hasIndexes = false;
  let hasMatchLengths = false;
  let matchLengthMin = 0;
  for (let i = 3; i < c.count; i++) {
    if (c.is(i, "LEN")) isLengthOnly = true;
    else if (c.is(i, "IDX")) hasIndexes = true;
    else if (c.is(i, "WITHMATCHLEN")) hasMatchLengths = true;
    else if (c.is(i, "MINMATCHLEN") && i + 1 < c.count) {
      if (!c.integer(++i)) return null;
      matchLengthMin = Math.max(0, c.value);
    } else {
      c.out.error(errorTexts.syntax);
      return null;
    }
  }
  if (isLengthOnly && hasIndexes) {
    c.out.error(errorTexts.lcsBothLengthAndIndexes);
    return null;
  }
  return { isLengthOnly, hasIndexes, hasMatchLengths, matchLengthMin };
}

/**
 * Computes the length, and into `ups` (cell i, j is bit i * (length of b + 1) + j) where the way
 * back goes up.
 */
function fillTable(ups: Uint8Array | null): number {
  const a = first.bytes;
  const b = second.bytes;
  const columns = second.length;
  // row[j]: length(i - 1, j) until it is overwritten by length(i, j).
  const row = new Uint32Array(columns + 1);
  for (let i = 1; i <= first.length; i++) {
    const byte = a[i - 1];
    const base = i * (columns + 1);
    let diagonal = 0;
    for (let j = 1; j <= columns; j++) {
      const above = row[j] as number;
      const left = row[j - 1] as number;
      if (byte === b[j - 1]) row[j] = diagonal + 1;
      else if (above > left) {
        if (ups !== null) ups[(base + j) >>> 3]! |= 1 << ((base + j) & 7);
      } else row[j] = left;
      diagonal = above;
    }
  }
  return row[columns] as number;
}

function goesUp(ups: Uint8Array, i: number, j: number): boolean {
  const bit = i * (second.length + 1) + j;
  return ((ups[bit >>> 3] as number) & (1 << (bit & 7))) !== 0;
}

/** Goes back from the end and fills the subsequence from its last byte to its first. */
function replySubsequence(c: Context, ups: Uint8Array, length: number): void {
  const result = Buffer.allocUnsafe(length);
  let at = length;
  let i = first.length;
  let j = second.length;
  while (i > 0 && j > 0) {
    if (first.bytes[i - 1] === second.bytes[j - 1]) {
      result[--at] = first.bytes[i - 1] as number;
      i--;
      j--;
    } else if (goesUp(ups, i, j)) i--;
    else j--;
  }
  c.out.bulk(result, 0, length);
}

/** Goes back from the end and gathers the runs, the last one first. */
function matchesOf(ups: Uint8Array): Match[] {
  const matches: Match[] = [];
  let run = 0;
  let i = first.length;
  let j = second.length;
  while (i > 0 && j > 0) {
    if (first.bytes[i - 1] === second.bytes[j - 1]) {
      run++;
      i--;
      j--;
      continue;
    }
    if (run > 0) matches.push({ a: i, b: j, length: run });
    run = 0;
    if (goesUp(ups, i, j)) i--;
    else j--;
  }
  if (run > 0) matches.push({ a: i, b: j, length: run });
  return matches;
}

/**
 * A map of the matches and the length: [[a first, a last], [b first, b last], length?] for each
 * match.
 */
function replyMatches(c: Context, matches: Match[], length: number, options: Options): void {
  const out = c.out;
  const shown = matches.filter((match) => match.length >= options.matchLengthMin);
  out.mapHeader(2);
  out.bulkLatin1("matches");
  out.arrayHeader(shown.length);
  for (const match of shown) {
    out.arrayHeader(options.hasMatchLengths ? 3 : 2);
    replyRange(c, match.a, match.length);
    replyRange(c, match.b, match.length);
    if (options.hasMatchLengths) out.integer(match.length);
  }
  out.bulkLatin1("len");
  out.integer(length);
}

function replyRange(c: Context, start: number, length: number): void {
  c.out.arrayHeader(2);
  c.out.integer(start);
  c.out.integer(start + length - 1);
}

export const lcsCommands: readonly CommandSpec[] = [
  {
    name: "lcs",
    arity: -3,
    flags: ["readonly"],
    keys: { first: 1, last: 2, step: 1 },
    group: "string",
    since: "7.0.0",
    summary: "Finds the longest common subsequence of two strings.",
    complexity: "O(N*M) where N and M are the lengths of the strings",
    arguments: [
      arg("key1", "key"),
      arg("key2", "key"),
      token("len", "LEN", { optional: true }),
      token("idx", "IDX", { optional: true }),
      arg("min-match-len", "integer", { token: "MINMATCHLEN", optional: true }),
      token("withmatchlen", "WITHMATCHLEN", { optional: true }),
    ],
    run: lcs,
  },
];
