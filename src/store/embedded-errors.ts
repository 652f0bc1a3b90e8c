/** What the embedded store throws when a call cannot be carried out. */
import { type Cursor, TYPE_NONE, TYPE_STRING } from "./cursor.ts";

/**
 * The store has no room for what was to be written; nothing has changed. Removing keys, or expiry,
 * makes room.
 */
export class OutOfMemoryError extends Error {
  override name = "OutOfMemoryError";
}

/** The key holds a list where a string is wanted, or the other way round. */
export class WrongTypeError extends Error {
  override name = "WrongTypeError";
}

/** Throws WrongTypeError when the cursor's key exists and is something else. */
export function wantType(cursor: Cursor, type: number): void {
  if (cursor.type === TYPE_NONE || cursor.type === type) return;
  const [held, wanted] = type === TYPE_STRING ? ["a list", "a string"] : ["a string", "a list"];
  throw new WrongTypeError(`Cannot use the key as ${wanted}: it holds ${held}`);
}

export function outOfMemory({ keyLength }: Cursor): OutOfMemoryError {
  const what = `${keyLength} bytes of key and its value`;
  return new OutOfMemoryError(`Cannot store ${what}: the store is full`);
}
