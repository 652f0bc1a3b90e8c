/**
 * The manifest: what belongs to a store's directory. Replaced as a whole, by rename.
 *
 *     {"format":1,"secret":[..],"runs":[..],"shards":[..],"databases":[..],...}\n
 *     1a2b3c4d\n        CRC-32 of the first line, with its newline
 *
 * docs/internals/durable.md says what the fields are for.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "../base/crc32.ts";
import { FatalError, reasonOf } from "../base/errors.ts";
import { MANIFEST_NAME, replaceFile } from "./log-files.ts";
import { FORMAT } from "./log-layout.ts";

/** One life of a process. Its records have stamps from `first` to `last`. */
export interface Run {
  readonly run: number;
  readonly first: number;
  /** 0 while it is running, or when it ended without saying so. */
  readonly last: number;
  /** Stamps up to `last` that no record has. */
  readonly missing: readonly number[];
  /** The kernel's boot id. */
  readonly boot: string;
}

/** A shard's checkpoint. */
export interface ShardFile {
  /** "" for none: the shard is in the log from its beginning. */
  readonly file: string;
  readonly mark: number;
  readonly sizeBytes: number;
}

export interface Manifest {
  readonly format: number;
  readonly secret: readonly number[];
  readonly runs: readonly Run[];
  readonly shards: readonly ShardFile[];
  /** Physical number of each logical database, when the last checkpoint began. */
  readonly databases: readonly number[];
  /** The stamp up to which `databases` is right. */
  readonly databasesMark: number;
  /** Number of the next checkpoint file. */
  readonly serial: number;
  readonly savedMs: number;
}

export function writeManifest(dir: string, manifest: Manifest): void {
  const line = Buffer.from(`${JSON.stringify(manifest)}\n`);
  const check = (crc32(line, 0, line.length) >>> 0).toString(16).padStart(8, "0");
  replaceFile(dir, MANIFEST_NAME, Buffer.concat([line, Buffer.from(`${check}\n`)]));
}

/** Throws FatalError when it cannot be read, is damaged, or is from a newer program. */
export function readManifest(dir: string): Manifest {
  const path = join(dir, MANIFEST_NAME);
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new FatalError(`Cannot read ${path}: ${reasonOf(error)}`);
  }
  const end = bytes.indexOf(10) + 1;
  const check = (crc32(bytes, 0, end) >>> 0).toString(16).padStart(8, "0");
  if (end === 0 || bytes.toString("latin1", end) !== `${check}\n`) {
    throw new FatalError(
      `Cannot read ${path}: it is damaged`,
      "kv check --dir shows what is there",
    );
  }
  const manifest = JSON.parse(bytes.toString("utf8", 0, end)) as Manifest;
  if (manifest.format > FORMAT) {
    throw new FatalError(
      `Cannot read ${path}: it has format ${manifest.format}, this program knows up to ${FORMAT}`,
      "use the version of kv that wrote it, or a later one",
    );
  }
  return manifest;
}

/** The stamp above which the log is needed. */
export function logMark(manifest: Manifest): number {
  return manifest.shards.reduce(
    (least, shard) => Math.min(least, shard.mark),
    manifest.databasesMark,
  );
}
