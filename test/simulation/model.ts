/**
 * What the simulated store must agree with: for every key the sequence of its versions, in the
 * order in which their writers held the key's lock.
 *
 * A read is right when it saw a version that was the newest one at some moment between its
 * beginning and its end: not older than what had been unlocked, or read by anyone, before it began.
 * For a register whose writes are ordered by a lock, that is linearizability. Values are unique
 * (each starts with a stamp of its own) and compared whole, so a mixture of two is none of them.
 */
import { AssertionError, assert } from "../../src/base/assert.ts";

export interface Version {
  /** null: the key is missing. A list is its elements, each with its length in front. */
  readonly value: Buffer | null;
  readonly expiresAtMs: number;
}

export class KeyHistory {
  readonly name: string;
  readonly versions: Version[] = [{ value: null, expiresAtMs: 0 }];
  /** Index of the newest version that somebody who begins now must see, or a newer one. */
  floor = 0;
  /** Thread inside the key's lock, -1 for none. */
  holder = -1;
  /** The elements of the newest version, when the key is one for lists. */
  items: Buffer[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get newest(): Version {
    return this.versions[this.versions.length - 1] as Version;
  }

  /** The thread has got the lock. */
  enter(thread: number): void {
    assert(
      this.holder === -1,
      `${this.name}: threads ${this.holder} and ${thread} are both inside`,
    );
    this.holder = thread;
  }

  /** The thread is about to unlock; returns the version that must be visible once it has. */
  leave(): number {
    this.holder = -1;
    return this.versions.length - 1;
  }

  /** The holder changes the key. */
  push(value: Buffer | null, expiresAtMs: number): void {
    this.versions.push({ value, expiresAtMs: value === null ? 0 : expiresAtMs });
    if (value === null) this.items = [];
  }

  confirm(version: number): void {
    this.floor = Math.max(this.floor, version);
  }

  /**
   * Checks a read that began when `floor` was this.floor. `value`: null for missing. `threadMs`:
   * the reader's clock, `nowMs`: the clock that no thread is ahead of.
   */
  checkRead(
    floor: number,
    value: Buffer | null,
    expiresAtMs: number,
    threadMs: number,
    nowMs: number,
  ): void {
    for (let i = floor; i < this.versions.length; i++) {
      const version = this.versions[i] as Version;
      const { expiresAtMs: expiry } = version;
      if (value === null) {
        if (version.value !== null && !(expiry > 0 && expiry <= nowMs)) continue;
      } else {
        if (version.value === null || (expiry > 0 && expiry <= threadMs)) continue;
        if (expiry !== expiresAtMs || !version.value.equals(value)) continue;
      }
      this.confirm(i);
      return;
    }
    this.#fail(floor, value, expiresAtMs);
  }

  #fail(floor: number, value: Buffer | null, expiresAtMs: number): never {
    const known = this.versions.findIndex((it) => it.value !== null && value?.equals(it.value));
    const what =
      value === null
        ? "nothing"
        : known >= 0
          ? `version ${known}, expiry ${expiresAtMs}`
          : `${value.length} bytes that nobody wrote (${value.toString("hex", 0, 16)}...)`;
    throw new AssertionError(
      `${this.name}: read ${what}; right were versions ${floor} to ${this.versions.length - 1}`,
    );
  }
}

/** A list as one value. */
export function joinItems(items: readonly Buffer[]): Buffer | null {
  if (items.length === 0) return null;
  const parts: Buffer[] = [];
  for (const item of items) {
    const length = Buffer.alloc(4);
    length.writeInt32LE(item.length);
    parts.push(length, item);
  }
  return Buffer.concat(parts);
}
