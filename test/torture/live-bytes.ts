/**
 * Which bytes of a store's directory are relied upon: found by walking its files as
 * docs/internals/durable.md draws them, not by asking recovery.
 *
 *     live: records of the log, up to the last one, in chunks that say something above the mark of
 *           the checkpoints; headers of those chunks; checkpoints; the manifest
 *     mark: the two slots of the durable mark, of which one is enough
 *     dead: everything else
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { chunkSeed, recordCheck } from "../../src/store/log-check.ts";
import { MARK_CRC, MARK_NAME, MARK_SLOT_DISTANCE, slotOfName } from "../../src/store/log-files.ts";
import {
  BLOCK_HEADER_SIZE,
  LOG_CHUNK_CRC,
  LOG_CHUNK_HEADER_SIZE,
  LOG_CHUNK_SIZE,
  LOG_CRC,
  LOG_SEGMENT_SIZE,
  SHARD_CRC,
  SHARD_HEADER_SIZE,
} from "../../src/store/log-layout.ts";
import { type Chunk, chunksOf, decode, LogRecord } from "../../src/store/log-reader.ts";
import { logMark, readManifest } from "../../src/store/manifest.ts";

/** Size of a checksum behind the bytes that it covers. */
const CRC_SIZE = 4;

export const LIVE_KINDS = [
  "chunk header",
  "record",
  "checkpoint header",
  "block header",
  "block",
  "manifest",
] as const;
export const DEAD_KINDS = [
  "unused header",
  "behind the records",
  "chunk below the mark",
  "unused chunk",
  "between the marks",
] as const;
export type ByteKind = (typeof LIVE_KINDS)[number] | "mark" | (typeof DEAD_KINDS)[number];

/** Bytes from `from` up to `to` of the file `name`. */
export interface ByteRange {
  readonly kind: ByteKind;
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** All bytes of the store, by what they are. A record, a header, a block is a range of its own. */
export function mapBytes(dir: string): ReadonlyMap<ByteKind, readonly ByteRange[]> {
  const manifest = readManifest(dir);
  const ranges = [whole(dir, "manifest", "manifest"), ...markRanges(dir)];
  for (const { file } of manifest.shards) if (file !== "") ranges.push(...shardRanges(dir, file));
  for (const name of readdirSync(dir)) {
    if (slotOfName(name) >= 0) ranges.push(...segmentRanges(dir, name, logMark(manifest)));
  }
  return Map.groupBy(ranges, (range) => range.kind);
}

function whole(dir: string, name: string, kind: ByteKind): ByteRange {
  return { kind, name, from: 0, to: statSync(join(dir, name)).size };
}

function markRanges(dir: string): ByteRange[] {
  const slotEnd = MARK_CRC + CRC_SIZE;
  const name = MARK_NAME;
  return [0, MARK_SLOT_DISTANCE].flatMap((from) => [
    { kind: "mark" as const, name, from, to: from + slotEnd },
    {
      kind: "between the marks" as const,
      name,
      from: from + slotEnd,
      to: Math.min(from + MARK_SLOT_DISTANCE, statSync(join(dir, name)).size),
    },
  ]);
}

function shardRanges(dir: string, name: string): ByteRange[] {
  const bytes = readFileSync(join(dir, name));
  const headerEnd = SHARD_CRC + CRC_SIZE;
  const ranges: ByteRange[] = [
    { kind: "checkpoint header", name, from: 0, to: headerEnd },
    { kind: "unused header", name, from: headerEnd, to: SHARD_HEADER_SIZE },
  ];
  for (let at = SHARD_HEADER_SIZE; at < bytes.length; ) {
    const [records, end] = [at + BLOCK_HEADER_SIZE, at + bytes.readInt32LE(at)];
    ranges.push({ kind: "block header", name, from: at, to: records });
    ranges.push({ kind: "block", name, from: records, to: end });
    at = end;
  }
  return ranges;
}

function segmentRanges(dir: string, name: string, mark: number): ByteRange[] {
  const ranges: ByteRange[] = [];
  const used = new Map(chunksOf(dir, slotOfName(name)).map((chunk) => [chunk.chunk, chunk]));
  for (let at = 0; at < LOG_SEGMENT_SIZE; at += LOG_CHUNK_SIZE) {
    const chunk = used.get(at / LOG_CHUNK_SIZE);
    if (chunk !== undefined) ranges.push(...chunkRanges(chunk, name, at, mark));
    else ranges.push({ kind: "unused chunk", name, from: at, to: at + LOG_CHUNK_SIZE });
  }
  return ranges;
}

function chunkRanges(chunk: Chunk, name: string, from: number, mark: number): ByteRange[] {
  const to = from + LOG_CHUNK_SIZE;
  const headerEnd = from + LOG_CHUNK_CRC + CRC_SIZE;
  const recordsFrom = from + LOG_CHUNK_HEADER_SIZE;
  const ranges: ByteRange[] = [
    { kind: "chunk header", name, from, to: headerEnd },
    { kind: "unused header", name, from: headerEnd, to: recordsFrom },
  ];
  const record = new LogRecord();
  const seed = chunkSeed(chunk.number);
  let at = recordsFrom;
  let last = 0;
  while (decode(record, chunk.file, at, to)) {
    const { words } = chunk.file;
    const { sizeBytes: size, stamp } = record;
    const check = recordCheck(words, at >>> 2, size, seed, chunk.format);
    // What an earlier use of the chunk has left checks as little as zeros do.
    if (words[(at >>> 2) + LOG_CRC] !== check || stamp <= last) break;
    ranges.push({ kind: "record", name, from: at, to: at + size });
    last = stamp;
    at += size;
  }
  if (last <= mark) return [{ kind: "chunk below the mark", name, from, to }];
  if (at < to) ranges.push({ kind: "behind the records", name, from: at, to });
  return ranges;
}
