/**
 * A store's directory: making it, and making sure that only one process has it.
 *
 * The lock is an SQLite database in an exclusive transaction: the one lock of the operating system
 * that the runtime offers and that the kernel releases with the process, however that ends.
 */
import { Database } from "bun:sqlite";
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { FatalError, reasonOf, refusalOf } from "../base/errors.ts";
import { flushDirectory, isOurs, LOCK_NAME, MANIFEST_NAME, TEMPORARY } from "./log-files.ts";

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
/** What the names of the map's files begin with. */
const HEAP = "heap-";
/** The root of a file system has it: a directory that is nobody's. */
const ROOTS_OWN = "lost+found";

/** A directory that this process has to itself. */
export interface Directory {
  readonly dir: string;
  /** Nothing was ever stored here. */
  readonly isNew: boolean;
  /** Names of what is in it, the lock left out. */
  readonly names: readonly string[];
  release(): void;
}

/**
 * Takes the directory; unless `makes` is false it is made when it is missing, and what was being
 * written in it when its process ended is removed. Throws FatalError when another process has
 * it, it cannot be written to, or it holds something else.
 */
export function takeDirectory(dir: string, makes = true): Directory {
  if (makes) makeDirectory(dir);
  else if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new FatalError(`Cannot check ${dir}: no such directory`);
  }
  let lock: Database | undefined;
  try {
    const names = listStore(dir);
    lock = takeLock(dir);
    if (makes) removeUnfinished(dir, names);
    return directoryOf(dir, names, lock);
  } catch (error) {
    lock?.close(true);
    throw refusalOf(`Cannot use ${dir}`, error);
  }
}

function removeUnfinished(dir: string, names: readonly string[]): void {
  for (const name of names) {
    if (isUnfinished(name)) rmSync(join(dir, name), { force: true });
  }
}

/** Removes files of the map that a process has left behind, or this one. */
export function removeHeap(dir: string): void {
  for (const name of readdirSync(dir)) {
    if (name.startsWith(HEAP)) rmSync(join(dir, name), { force: true });
  }
}

/** What is worth nothing after the end of the process that wrote it. */
function isUnfinished(name: string): boolean {
  return name.endsWith(TEMPORARY) || name.startsWith(HEAP);
}

function directoryOf(dir: string, names: readonly string[], lock: Database): Directory {
  return {
    dir,
    isNew: !names.includes(MANIFEST_NAME),
    names: names.filter((name) => !isUnfinished(name)),
    release: () => lock.close(true),
  };
}

function makeDirectory(dir: string): void {
  try {
    if (statSync(dir, { throwIfNoEntry: false }) === undefined) {
      mkdirSync(dir, { recursive: true, mode: DIRECTORY_MODE });
      chmodSync(dir, DIRECTORY_MODE);
      flushDirectory(join(dir, ".."));
    }
    if (!statSync(dir).isDirectory()) throw new FatalError(`Cannot use ${dir}: it is no directory`);
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof FatalError) throw error;
    throw new FatalError(
      `Cannot use ${dir}: ${reasonOf(error)}`,
      "--dir names another one, --persist off keeps data in memory only",
    );
  }
}

/** What is in the directory, if all of it can be a store's; throws FatalError otherwise. */
export function listStore(dir: string): string[] {
  const names = readdirSync(dir).filter(
    (name) => !name.startsWith(LOCK_NAME) && name !== ROOTS_OWN,
  );
  if (names.includes(MANIFEST_NAME) || names.length === 0) return names;
  const foreign = names.find((name) => !isOurs(name));
  if (foreign !== undefined) {
    throw new FatalError(
      `Cannot use ${dir}: it holds something else (${foreign})`,
      "--dir must name a directory of its own",
    );
  }
  // A start that was killed before its first manifest leaves a mark and a segment behind.
  const data = names.find((name) => /^shard-\d-\d{6}$/.test(name) || /^log-0*[1-9]/.test(name));
  if (data !== undefined) {
    throw new FatalError(
      `Cannot use ${dir}: the manifest is missing, but there is ${data}`,
      "restore it from a copy; a new store can only begin in an empty directory",
    );
  }
  return names;
}

function takeLock(dir: string): Database {
  const path = join(dir, LOCK_NAME);
  try {
    // Made here for its mode; SQLite takes an empty file for an empty database.
    closeSync(openSync(path, "a", FILE_MODE));
    const lock = new Database(path, { readwrite: true, create: true });
    lock.exec("PRAGMA busy_timeout = 0");
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    const code = (error as { code?: string }).code ?? "";
    if (code.startsWith("SQLITE_BUSY")) {
      throw new FatalError(`Cannot use ${dir}: another process has it`, "stop it, or use --dir");
    }
    throw new FatalError(`Cannot lock ${dir}: ${reasonOf(error)}`);
  }
}
