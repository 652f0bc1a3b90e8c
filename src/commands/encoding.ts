/**
 * What OBJECT and DEBUG OBJECT say about a value: the name that Redis has for its representation.
 *
 * The store has one form for all strings. Tools and tests expect Redis' names, so they are derived
 * from the value: what INCR would accept is "int", up to 44 bytes is "embstr". A string that was
 * built by APPEND is "raw" in Redis whatever its size; here it is named after its size alone.
 */
import { INT64_LENGTH_MAX, parseInt64 } from "../base/number.ts";
import { type Cursor, TYPE_LIST } from "../store/cursor.ts";
import type { Store } from "../store/store.ts";

const EMBEDDED_SIZE_MAX = 44;
/** Redis turns a list into a quicklist above this size (list-max-listpack-size -2). */
const LISTPACK_SIZE_MAX = 8 * 1024;

/** The encoding of the key under a read or locked cursor. */
export function encodingOf(store: Store, cursor: Cursor): string {
  if (cursor.type === TYPE_LIST) {
    return store.memoryUsage(cursor) <= LISTPACK_SIZE_MAX ? "listpack" : "quicklist";
  }
  if (isInteger(cursor)) return "int";
  return cursor.valueLength <= EMBEDDED_SIZE_MAX ? "embstr" : "raw";
}

function isInteger(cursor: Cursor): boolean {
  if (cursor.isLarge || cursor.valueLength > INT64_LENGTH_MAX) return false;
  return parseInt64(cursor.valueBytes, cursor.valueStart, cursor.valueLength) !== null;
}
