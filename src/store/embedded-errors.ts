/** What the embedded store throws when a call cannot be carried out. */
import { UsageError } from "../base/errors.ts";
import { type Cursor, TYPE_NONE, TYPE_STRING } from "./cursor.ts";
import type { Durability } from "./durability.ts";
import { STATUS_LOG_FULL, STATUS_OK, type Status } from "./status.ts";

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

/** A flush waits for the batches that have begun: nobody may wait for one inside. */
export function wantNoBatch(isInBatch: boolean, call: string): void {
  if (isInBatch) throw new UsageError(`${call}: cannot be called inside a batch`);
}

/** Throws OutOfMemoryError when a change was refused: there is no room in memory or on the disk. */
export function wantRoom(status: Status, cursor: Cursor, durability: Durability | null): void {
  if (status === STATUS_OK) return;
  if (status === STATUS_LOG_FULL) {
    const reason = durability?.fullReason() || "there was no room a moment ago";
    throw new OutOfMemoryError(`Cannot write to the log: ${reason}`);
  }
  const what = `${cursor.keyLength} bytes of key and its value`;
  throw new OutOfMemoryError(`Cannot store ${what}: the store is full`);
}
