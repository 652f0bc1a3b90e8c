/**
 * Giving the space of a file back while it is still mapped: a mapping keeps the blocks of a removed
 * file until the collector drops it, which may be never.
 */
import { FFIType } from "bun:ffi";
import { closeSync, fstatSync, openSync } from "node:fs";
import { fromLibc } from "./libc.ts";

/** FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE of fallocate(2), Linux. */
const PUNCH_HOLE = 1 | 2;

type Fallocate = (descriptor: number, mode: number, offset: number, length: number) => number;

let fallocate: Fallocate | undefined;

function load(): Fallocate {
  const { i32, i64 } = FFIType;
  return fromLibc("fallocate", { args: [i32, i32, i64, i64], returns: i32 }) ?? (() => -1);
}

/** The space of a file, to be given back when its name is gone. */
export class FileSpace {
  #descriptor: number | undefined;

  constructor(path: string) {
    try {
      this.#descriptor = openSync(path, "r+");
    } catch {
      // Removed already, or not to be written: the space comes back with the last mapping.
    }
  }

  /**
   * Makes the whole file a hole. Its size stays, so that touching a mapping of it is not an error.
   * Does nothing where the file system, or the system, cannot do that.
   */
  release(): void {
    if (this.#descriptor === undefined) return;
    fallocate ??= load();
    fallocate(this.#descriptor, PUNCH_HOLE, 0, fstatSync(this.#descriptor).size);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
