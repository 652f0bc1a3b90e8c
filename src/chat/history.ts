/**
 * The last messages of each room, in the store: a list under the room's name, newest first, that
 * LPUSH fills and LTRIM keeps short.
 *
 * The store is all that is known about the past: a store that is durable gives a history that is
 * there after a restart, with no change here.
 *
 * Who joins on one thread while others send on other threads must get each message once: from the
 * history, or live. What another thread has stored but this one has not yet received will come
 * live, and is left out of the history: its `seq` is above the last one received from its thread.
 */
import { CHAT_HISTORY_SEND_SIZE_MAX } from "../base/limits.ts";
import { type EmbeddedStore, OutOfMemoryError } from "../store/embedded.ts";
import { type Entry, readEntry } from "./entry.ts";

const KEY_PREFIX = "room:";

export class History {
  readonly #store: EmbeddedStore;
  readonly #countMax: number;

  /** `countMax` messages of each room are kept; with 0, nothing is. */
  constructor(store: EmbeddedStore, countMax: number) {
    this.#store = store;
    this.#countMax = countMax;
  }

  /** Adds an entry, `bytes` 0 to `length`. Returns whether there was room for it. */
  add(room: string, bytes: Buffer, length: number): boolean {
    if (this.#countMax === 0) return true;
    const key = KEY_PREFIX + room;
    try {
      const count = this.#store.pushHead(key, bytes.subarray(0, length));
      if (count > this.#countMax) this.#store.trim(key, 0, this.#countMax - 1);
      return true;
    } catch (error) {
      if (error instanceof OutOfMemoryError) return false;
      throw error;
    }
  }

  /**
   * The last messages of a room, oldest first: at most `countMax` of them, and of
   * CHAT_HISTORY_SEND_SIZE_MAX bytes. `isKnown` tells whether a message has been received here
   * already, or comes live.
   */
  read(room: string, countMax: number, isKnown: (entry: Entry) => boolean): Entry[] {
    const count = Math.min(countMax, this.#countMax);
    if (count === 0) return [];
    const entries: Entry[] = [];
    let sizeBytes = 0;
    for (const item of this.#store.range(KEY_PREFIX + room, 0, count - 1)) {
      sizeBytes += item.length;
      if (sizeBytes > CHAT_HISTORY_SEND_SIZE_MAX) break;
      const entry = readEntry(item, 0);
      if (entry !== null && isKnown(entry)) entries.push(entry);
    }
    return entries.reverse();
  }
}
