/**
 * Removing a record and what belongs to it. The cursor's bucket is locked and its entry found.
 */
import { release } from "./blocks.ts";
import { type Cursor, TYPE_LIST } from "./cursor.ts";
import { entryExpires, removeEntry } from "./index.ts";
import { COUNT_EXPIRING, COUNT_KEYS, FLAG_NODES, KEY_LENGTH_MASK } from "./layout.ts";
import { freeLargeInNodes } from "./list-large.ts";
import { LIST_LARGE } from "./list-page.ts";
import type { Memory } from "./memory.ts";
import {
  DESCRIPTOR_FIRST,
  DESCRIPTOR_ID_HIGH,
  DESCRIPTOR_ID_LOW,
  DESCRIPTOR_LAST,
  describeMissing,
} from "./read.ts";
import { recordType, valueOffset } from "./record.ts";
import { retire } from "./retired.ts";

/** Removes the cursor's key: its nodes are freed in the background, its block at once. */
export function removeKey(memory: Memory, cursor: Cursor): void {
  retireNodes(memory, cursor);
  forgetKey(memory, cursor);
}

/** Removes the cursor's key but leaves its nodes to whoever took over its descriptor. */
export function forgetKey(memory: Memory, cursor: Cursor): void {
  const counters = memory.counters;
  (counters[memory.row + COUNT_KEYS + cursor.db] as number) -= 1;
  if (entryExpires(memory.keys, cursor)) {
    (counters[memory.row + COUNT_EXPIRING + cursor.db] as number) -= 1;
  }
  release(memory, cursor.slot, cursor.offset);
  removeEntry(memory.keys, cursor);
  describeMissing(cursor);
}

/** Retires the nodes of the record at the cursor, if it has any. */
export function retireNodes(memory: Memory, cursor: Cursor): void {
  const words = memory.words[cursor.slot] as Int32Array;
  const at = cursor.offset >>> 2;
  const header = words[at] as number;
  if ((header & FLAG_NODES) === 0) return;
  const value = at + (valueOffset(header, (words[at + 1] as number) & KEY_LENGTH_MASK) >>> 2);
  const idLow = words[value + DESCRIPTOR_ID_LOW] as number;
  const idHigh = words[value + DESCRIPTOR_ID_HIGH] as number;
  const first = words[value + DESCRIPTOR_FIRST] as number;
  const last = words[value + DESCRIPTOR_LAST] as number;
  if (recordType(header) === TYPE_LIST && (words[value + LIST_LARGE] as number) > 0) {
    freeLargeInNodes(memory, idLow, idHigh, first, last);
  }
  retire(memory, idLow, idHigh, first, last);
}
