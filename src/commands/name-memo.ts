/**
 * The memo of command names: the look-up of the names that clients really send, in a few
 * nanoseconds.
 *
 * Up to eight letters, folded to lower case, make two int32; they index a small direct-mapped table
 * whose entries were filled from the command table. A miss goes there and fills the entry. Folding
 * is setting bit 0x20 in every byte: the result can only be a letter when the byte was that letter
 * in either case, and every name in the memo is all letters, so an entry is never hit by another
 * name.
 *
 * Measured (dispatch.bench.ts): 9 ns a name against 12 to 16 ns through the table.
 */
import type { Command, CommandLookup } from "./registry.ts";

/** A power of two; a few times the names in use at a time. */
const SLOTS_COUNT = 128;
const LENGTH_MAX = 8;
const FOLD_WORD = 0x20202020;
const FOLD_BYTE = 0x20;

export class NameMemo {
  readonly #lookup: CommandLookup;
  /** Folded bytes 0 to 3, and 4 to 7, of the name in each slot. */
  readonly #low = new Int32Array(SLOTS_COUNT);
  readonly #high = new Int32Array(SLOTS_COUNT);
  readonly #commands: (Command | null)[] = new Array(SLOTS_COUNT).fill(null);

  constructor(lookup: CommandLookup) {
    this.#lookup = lookup;
  }

  /**
   * The command named by `length` bytes from `start`, in any case; null when there is none. Hot.
   */
  find(bytes: Buffer, start: number, length: number): Command | null {
    if (length > LENGTH_MAX || length === 0) return this.#lookup.find(bytes, start, length);
    let low = 0;
    let high = 0;
    let at = start;
    if (length >= 4) {
      low =
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24) |
        FOLD_WORD;
      at += 4;
      for (const end = start + length; at < end; at++) {
        high = (high << 8) | (bytes[at] as number) | FOLD_BYTE;
      }
    } else {
      for (const end = start + length; at < end; at++) {
        low = (low << 8) | (bytes[at] as number) | FOLD_BYTE;
      }
    }
    const slot = slotOf(low, high);
    const command = this.#commands[slot] as Command | null;
    if (command !== null && this.#low[slot] === low && this.#high[slot] === high) return command;
    return this.#fill(bytes, start, length, slot, low, high);
  }

  #fill(
    bytes: Buffer,
    start: number,
    length: number,
    slot: number,
    low: number,
    high: number,
  ): Command | null {
    const found = this.#lookup.find(bytes, start, length);
    // A name with anything but letters is left to the table: folding is not exact for it.
    if (found === null || !/^[a-z]+$/.test(found.name)) return found;
    this.#low[slot] = low;
    this.#high[slot] = high;
    this.#commands[slot] = found;
    return found;
  }
}

function slotOf(low: number, high: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x2c1b3c6d), 0x297a2d39);
  return (mixed >>> 17) & (SLOTS_COUNT - 1);
}
