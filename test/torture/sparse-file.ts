/**
 * A file's contents, page by page, without the pages that are all zeros: what a fresh log segment
 * is mostly made of. A content is never changed, so pages are shared between those that have them
 * in common.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writevSync } from "node:fs";
import type { Prng } from "../../src/base/prng.ts";

const PAGE = 4096;
const SECTOR = 512;
const ZEROS = Buffer.alloc(PAGE);
/** Pages that one call can write. */
const RUN_PAGES_MAX = 1024;
const FILE_MODE = 0o600;

export interface SparseFile {
  readonly size: number;
  /** Pages that are not all zeros, by their offset. The last one may be short. */
  readonly pages: ReadonlyMap<number, Buffer>;
}

export const EMPTY_FILE: SparseFile = { size: 0, pages: new Map() };

/** Reads a file; pages that `like` has as well are taken from it. */
export function readSparse(path: string, like: SparseFile = EMPTY_FILE): SparseFile {
  const bytes = readFileSync(path);
  const pages = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; at += PAGE) {
    const end = Math.min(at + PAGE, bytes.length);
    if (bytes.compare(ZEROS, 0, end - at, at, end) === 0) continue;
    const known = like.pages.get(at);
    const isKnown = known !== undefined && bytes.compare(known, 0, known.length, at, end) === 0;
    pages.set(at, isKnown ? known : Buffer.from(bytes.subarray(at, end)));
  }
  return { size: bytes.length, pages };
}

export function writeSparse(path: string, file: SparseFile): void {
  const descriptor = openSync(path, "w", FILE_MODE);
  let run: Buffer[] = [];
  let start = 0;
  let end = 0;
  for (const [at, page] of file.pages) {
    if (at !== end || run.length === RUN_PAGES_MAX) {
      if (run.length > 0) writevSync(descriptor, run, start);
      run = [];
      start = at;
    }
    run.push(page);
    end = at + page.length;
  }
  if (run.length > 0) writevSync(descriptor, run, start);
  // Pages behind the end of a file that was cut off go, holes come.
  ftruncateSync(descriptor, file.size);
  closeSync(descriptor);
}

/** How many pages differ between two contents. */
export function countChanged(before: SparseFile, now: SparseFile): number {
  return changedPages(before, now).length;
}

/**
 * What power loss can leave of a file that was `before` when it was flushed last and is `now`:
 * each page that differs is the old one with probability `oldPart`, and now and then torn, old and
 * new by sectors.
 */
export function mixPages(
  before: SparseFile,
  now: SparseFile,
  oldPart: number,
  prng: Prng,
): SparseFile {
  const pages = new Map(now.pages);
  for (const at of changedPages(before, now)) {
    const [old, fresh] = [before.pages.get(at) ?? ZEROS, now.pages.get(at) ?? ZEROS];
    if (prng.chance(8)) pages.set(at, tear(old, fresh, prng));
    else if (prng.fraction() < oldPart) pages.set(at, old);
  }
  return { size: now.size, pages };
}

function changedPages(before: SparseFile, now: SparseFile): number[] {
  const offsets = new Set([...before.pages.keys(), ...now.pages.keys()]);
  return [...offsets].filter((at) => {
    if (at >= now.size) return false;
    const [old, fresh] = [before.pages.get(at) ?? ZEROS, now.pages.get(at) ?? ZEROS];
    return old !== fresh && !old.equals(fresh);
  });
}

function tear(old: Buffer, fresh: Buffer, prng: Prng): Buffer {
  const torn = Buffer.from(fresh);
  for (let at = 0; at < torn.length; at += SECTOR) {
    if (prng.chance(2)) old.copy(torn, at, at, at + SECTOR);
  }
  return torn;
}
