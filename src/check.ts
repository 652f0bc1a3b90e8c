/**
 * `kv check --dir PATH`: whether a store's directory can be recovered, and what is in it. Changes
 * nothing (files of the map come and go where memory does not hold it), unless --salvage is given:
 * then everything that is whole is kept, a fresh checkpoint of it is written, and what was damaged
 * is given up.
 */
import { formatSize } from "./base/units.ts";
import { attachAny } from "./store/durable-store.ts";
import { Flusher } from "./store/flusher.ts";
import { diskRoom } from "./store/heap.ts";
import { Keeper, requestCheckpoint } from "./store/keeper.ts";
import { DATABASES_MAX } from "./store/layout.ts";
import { LogState } from "./store/log.ts";
import { LOG_CHECKPOINT_DONE, LOG_CHECKPOINT_FAILED } from "./store/log-layout.ts";
import { inspect, type RecoveryReport, recover } from "./store/recovery.ts";
import { attachStore, type Store } from "./store/store.ts";

export interface CheckOptions {
  readonly dir: string;
  readonly isSalvage: boolean;
}

/** Workers: one to read with, one that recovers. */
const WORKERS = 2;
const STEP_MS = 50;

/** Prints what it finds; returns the exit code. Throws FatalError when the store is damaged. */
export function check(options: CheckOptions): number {
  const { dir } = options;
  if (options.isSalvage) return salvage(dir);
  const { handle, report, manifest, segmentsCount, release } = inspect({
    dir,
    ...diskRoom(),
    workers: WORKERS,
  });
  const files = manifest.shards.filter((shard) => shard.file !== "");
  const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const run = manifest.runs.at(-1);
  print(`${dir}: format ${manifest.format}, ${report.hasDamagedMark ? "usable" : "sound"}`);
  print(`  segments     ${segmentsCount}`);
  print(`  checkpoints  ${files.length} of ${manifest.shards.length} shards, ${formatSize(bytes)}`);
  print(`  runs         ${run?.run ?? 0}, the last stamp is ${run?.last ?? 0}`);
  describe(attachStore(handle, 0), report);
  release();
  return 0;
}

function describe(store: Store, report: RecoveryReport): void {
  print(`  records      ${report.recordsCount} read in ${Math.round(report.tookMs)} ms`);
  if (report.hasDamagedMark)
    print("  mark         one of two is damaged: the last records may not all be there");
  if (report.skippedCount > 0) print(`  unfinished   ${report.skippedCount} records, not promised`);
  if (report.cutCount > 0)
    print(`  cut off      ${report.cutCount} records behind the last whole one`);
  for (let db = 0; db < DATABASES_MAX; db++) {
    const keys = store.keysCount(store.physical(db));
    if (keys === 0) continue;
    print(`  database ${db}   ${keys} keys, ${store.expiresCount(store.physical(db))} expire`);
  }
}

function salvage(dir: string): number {
  const recovered = recover({
    dir,
    mode: "everysec",
    ...diskRoom(),
    workers: WORKERS,
    salvages: true,
  });
  const { handle, log, report, release } = recovered;
  const store = attachAny(handle, 0);
  const flusher = new Flusher(log, handle.control);
  const keeper = new Keeper(store.memory, new LogState(log));
  const control = new Int32Array(log.control);
  const request = requestCheckpoint(control);
  while (Atomics.load(control, LOG_CHECKPOINT_DONE) < request) {
    keeper.run(STEP_MS);
    flusher.flush();
  }
  flusher.close();
  release();
  const isSaved = Atomics.load(control, LOG_CHECKPOINT_FAILED) === 0;
  print(`${dir}: ${isSaved ? "salvaged" : "could not be written"}`);
  print(`  given up     ${report.damagedCount} damaged records or checkpoints`);
  describe(store, report);
  return isSaved ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
