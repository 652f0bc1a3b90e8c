/**
 * Reading the checkpoint of a shard: every block is checked before anything of it is used, and a
 * file that is not whole is refused.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "../base/crc32.ts";
import { FatalError, reasonOf } from "../base/errors.ts";
import type { MappedFile } from "./log-files.ts";
import {
  BLOCK_HEADER_SIZE,
  BLOCK_SIZE_MAX_BYTES,
  FORMAT,
  OP_BUCKET,
  SHARD_CRC,
  SHARD_HEADER_SIZE,
  SHARD_MAGIC,
} from "./log-layout.ts";
import { decode, LogRecord } from "./log-reader.ts";
import type { ShardFile } from "./manifest.ts";
import type { ShardStamps } from "./replay.ts";

const block: MappedFile = makeBlock();

function makeBlock(): MappedFile {
  const buffer = new ArrayBuffer(BLOCK_SIZE_MAX_BYTES);
  return {
    bytes: Buffer.from(buffer),
    words: new Int32Array(buffer),
    doubles: new Float64Array(buffer),
  };
}

/**
 * Reads a checkpoint: the stamps of its buckets, which are filled in as they are read, are handed
 * to `begin`, then each record to `take`. Throws FatalError when the file is missing or damaged,
 * with the place; what came before it has been handed out then.
 */
export function readShard(
  dir: string,
  shard: number,
  expected: ShardFile,
  begin: (stamps: ShardStamps) => void,
  take: (record: LogRecord) => void,
): void {
  const path = join(dir, expected.file);
  let descriptor = -1;
  try {
    descriptor = openSync(path, "r");
    new ShardReader(path, descriptor, shard, expected, take).read(begin);
  } catch (error) {
    if (error instanceof FatalError || (error as NodeJS.ErrnoException).code === undefined) {
      throw error;
    }
    throw new FatalError(`Cannot read ${path}: ${reasonOf(error)}`);
  } finally {
    if (descriptor >= 0) closeSync(descriptor);
  }
}

class ShardReader {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #shard: number;
  readonly #expected: ShardFile;
  readonly #take: (record: LogRecord) => void;
  readonly #record = new LogRecord();
  #at = SHARD_HEADER_SIZE;
  #bucket = 0;

  constructor(
    path: string,
    descriptor: number,
    shard: number,
    expected: ShardFile,
    take: (record: LogRecord) => void,
  ) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#shard = shard;
    this.#expected = expected;
    this.#take = take;
  }

  read(begin: (stamps: ShardStamps) => void): void {
    const size = fstatSync(this.#descriptor).size;
    if (size !== this.#expected.sizeBytes) {
      this.#refuse(`it has ${size} bytes instead of ${this.#expected.sizeBytes}`);
    }
    const buckets = this.#readHeader();
    const stamps = new Float64Array(buckets);
    begin({ buckets, stamps });
    for (let number = 0; this.#at < size; number++) this.#readBlock(size, number, stamps);
    if (this.#bucket !== buckets) {
      this.#refuse(`it ends after ${this.#bucket} of ${buckets} buckets`);
    }
  }

  #readHeader(): number {
    const header = Buffer.alloc(SHARD_HEADER_SIZE);
    this.#fill(header, SHARD_HEADER_SIZE, 0);
    const isIntact =
      header.readInt32LE(0) === SHARD_MAGIC &&
      header.readInt32LE(SHARD_CRC) === crc32(header, 0, SHARD_CRC);
    if (!isIntact) this.#refuse("its header is damaged");
    if (header.readInt32LE(4) > FORMAT) this.#refuse("it has a newer format");
    const isExpected =
      header.readInt32LE(8) === this.#shard && header.readDoubleLE(16) === this.#expected.mark;
    if (!isExpected) this.#refuse("it is another checkpoint than the manifest says");
    return header.readInt32LE(12);
  }

  #readBlock(fileSize: number, number: number, stamps: Float64Array): void {
    const { bytes } = block;
    this.#fill(bytes, BLOCK_HEADER_SIZE, this.#at);
    const size = bytes.readInt32LE(0);
    const isPossible =
      size >= BLOCK_HEADER_SIZE && size <= BLOCK_SIZE_MAX_BYTES && this.#at + size <= fileSize;
    if (!isPossible || bytes.readInt32LE(8) !== number) this.#refuseBlock();
    const rest = size - BLOCK_HEADER_SIZE;
    if (
      readSync(this.#descriptor, bytes, BLOCK_HEADER_SIZE, rest, this.#at + BLOCK_HEADER_SIZE) !==
      rest
    ) {
      this.#refuseBlock();
    }
    if (bytes.readInt32LE(4) !== crc32(bytes, 8, size)) this.#refuseBlock();
    const record = this.#record;
    for (let at = BLOCK_HEADER_SIZE; at < size; at += record.sizeBytes) {
      if (!decode(record, block, at, size)) this.#refuseBlock();
      if (record.op === OP_BUCKET) stamps[this.#bucket++] = record.number;
      else this.#take(record);
    }
    this.#at += size;
  }

  #fill(into: Buffer, length: number, at: number): void {
    if (readSync(this.#descriptor, into, 0, length, at) !== length) this.#refuse("it is cut off");
  }

  #refuseBlock(): never {
    this.#refuse(`the block at byte ${this.#at} is damaged`);
  }

  #refuse(why: string): never {
    throw new FatalError(
      `Cannot read ${this.#path}: ${why}`,
      "kv check --dir --salvage keeps the rest",
    );
  }
}
