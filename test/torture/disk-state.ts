/**
 * What a loss of power can leave of a directory: from what was read of its files at several
 * moments, and from what the kernel was asked to flush, to images of the directory.
 *
 * Of a file, the pages are durable that a flush has found, if it began after they were read and
 * ended; each page that has changed since may have reached the disk or not. Of the names, what was
 * done before the last flush of the directory is durable; each later change may be lost.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Prng } from "../../src/base/prng.ts";
import {
  countChanged,
  EMPTY_FILE,
  mixPages,
  readSparse,
  type SparseFile,
  writeSparse,
} from "./sparse-file.ts";
import { apply, type Call, durableEntries, type Entries, entriesAt, flushTimes } from "./trace.ts";

/** Files that are written to in place; all others are written once, flushed, and then named. */
const IN_PLACE = /^(?:log-\d{6}|mark)$/;
/** How much of what was not flushed an image has lost. */
const OLD_PARTS = [0, 0.1, 0.5, 0.9, 1];

/** The contents of a directory at a moment at which nobody wrote to it. */
export interface Snapshot {
  readonly timeMs: number;
  readonly files: ReadonlyMap<string, SparseFile>;
}

export function takeSnapshot(dir: string, timeMs: number, like?: Snapshot): Snapshot {
  const names = readdirSync(dir).filter((name) => !name.startsWith("lock"));
  const files = names.map((name) => [name, readSparse(join(dir, name), like?.files.get(name))]);
  return { timeMs, files: new Map(files as [string, SparseFile][]) };
}

/** What is known of one file. */
interface FileState {
  readonly durable: SparseFile;
  readonly last: SparseFile;
  readonly isFlushed: boolean;
}

export class DiskState {
  readonly #entries: Entries;
  /** Changes of names that are not flushed, in order. */
  readonly #pending: readonly Call[];
  readonly #files = new Map<string, FileState>();

  /**
   * `snapshots`: the first from before the process began, the second from the first look, the last
   * from after the end. `readyMs` is when the process was ready to change something.
   *
   * What was flushed between `readyMs` and the first look, and not again after that, is taken for
   * durable as it was then: nobody has seen with which content. Where the first look is at the
   * first flush there is no such file.
   */
  constructor(
    start: Entries,
    calls: readonly Call[],
    snapshots: readonly Snapshot[],
    readyMs: number,
  ) {
    const firstLookMs = snapshots[1]?.timeMs ?? 0;
    [this.#entries, this.#pending] = durableEntries(start, calls);
    const flushes = flushTimes(start, calls);
    // By file, newest content first.
    const contents = new Map<string, { content: SparseFile; timeMs: number; name: string }[]>();
    for (const { timeMs, files } of snapshots) {
      for (const [name, id] of entriesAt(start, calls, timeMs)) {
        const content = files.get(name);
        if (content === undefined) continue;
        contents.set(id, [{ content, timeMs, name }, ...(contents.get(id) ?? [])]);
      }
    }
    for (const [id, known] of contents) {
      const last = known[0] as (typeof known)[0];
      const times = flushes.get(id) ?? [];
      const wasFlushed = times.some((flushMs) => flushMs > readyMs && flushMs < firstLookMs);
      const flushed = known.find(
        ({ timeMs }) =>
          times.some((flushMs) => flushMs >= timeMs) || (wasFlushed && timeMs === firstLookMs),
      );
      const isOnce = !IN_PLACE.test(last.name);
      const isFlushed = flushed !== undefined || (isOnce && (times.length > 0 || isOld(id)));
      const durable = isOnce && isFlushed ? last.content : flushed?.content;
      this.#files.set(id, { durable: durable ?? EMPTY_FILE, last: last.content, isFlushed });
    }
  }

  /** Pages that were written and not flushed. */
  get unflushedPages(): number {
    let count = 0;
    for (const { durable, last } of this.#files.values()) count += countChanged(durable, last);
    return count;
  }

  get unflushedNames(): number {
    return this.#pending.length;
  }

  /** Writes one of the directories that can be left, to an empty one. */
  writeImage(dir: string, prng: Prng): void {
    const entries = new Map(this.#entries);
    const lostNames = prng.below(3);
    for (const call of this.#pending) {
      if (lostNames === 0 || (lostNames === 1 && prng.chance(2))) apply(entries, call);
    }
    const oldPart = prng.pick(OLD_PARTS);
    for (const [name, id] of entries) {
      const file = this.#files.get(id);
      // Of a lock, and of what came and went between two looks, nothing is known or needed.
      if (file === undefined) continue;
      writeSparse(join(dir, name), contentAfter(file, oldPart, prng));
    }
  }
}

function isOld(id: string): boolean {
  return id.startsWith("old ");
}

function contentAfter(file: FileState, oldPart: number, prng: Prng): SparseFile {
  const content = mixPages(file.durable, file.last, oldPart, prng);
  // Not even the length of a file that was never flushed is sure.
  if (file.isFlushed || prng.chance(2)) return content;
  return { ...content, size: prng.below(content.size + 1) };
}
