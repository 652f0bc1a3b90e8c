/**
 * Moving and copying values between keys: RENAME, MOVE, COPY. Both cursors are locked.
 *
 * A value in nodes moves by its descriptor alone; only what is inside the record is copied.
 */
import { ByteBuffer } from "../base/byte-buffer.ts";
import { type Cursor, TYPE_LIST } from "./cursor.ts";
import { FLAG_NODES, RECORD_TYPE_MASK, RECORD_TYPE_SHIFT } from "./layout.ts";
import { copyList } from "./list-copy.ts";
import type { Memory } from "./memory.ts";
import { findLocked } from "./multi.ts";
import { describeRecord } from "./read.ts";
import { valueLengthOf } from "./record.ts";
import { forgetKey } from "./remove.ts";
import { STATUS_OK, type Status } from "./status.ts";
import { copyValue, putString } from "./strings.ts";
import { currentExpiry, rewrite } from "./upsert.ts";

/** Moves `from`'s value and expiry to `to`, disposing of what is there; then `from` is missing. */
export function renameKey(memory: Memory, from: Cursor, to: Cursor): Status {
  findLocked(memory, to);
  findLocked(memory, from);
  const words = memory.words[from.slot] as Int32Array;
  const header = words[from.offset >>> 2] as number;
  const lengths = words[(from.offset >>> 2) + 1] as number;
  const kind = header & ((RECORD_TYPE_MASK << RECORD_TYPE_SHIFT) | FLAG_NODES);
  const length = valueLengthOf(lengths);
  describeRecord(memory, from);
  const { valueBytes, valueStart } = from;
  const status = rewrite(memory, to, kind, length, currentExpiry(memory, from));
  if (status !== STATUS_OK) return status;
  valueBytes.copy(to.valueBytes, to.valueStart, valueStart, valueStart + length);
  describeRecord(memory, to);
  findLocked(memory, from);
  forgetKey(memory, from);
  return STATUS_OK;
}

/** Copies `from`'s value and expiry to `to`, which must be missing. */
export function copyKey(memory: Memory, from: Cursor, to: Cursor): Status {
  findLocked(memory, to);
  findLocked(memory, from);
  describeRecord(memory, from);
  if (from.type === TYPE_LIST) return copyList(memory, from, to);
  const value = new ByteBuffer(Math.max(1, from.valueLength));
  copyValue(memory, from, value, 0, from.valueLength);
  const expiry = currentExpiry(memory, from);
  const status = putString(memory, to, value.bytes, 0, value.length, expiry);
  // Not left to the collector: see free-bytes.ts.
  value.shrink(1);
  return status;
}
