/**
 * Reading the log: from segment files to records in the order of their stamps.
 *
 *     segments -> chunks with a valid header -> streams (run, Worker) -> records, merged by stamp
 *
 * Nothing is believed without its checksum. A record that does not check ends its chunk; whether
 * something is missing then is seen from the stamps, which have no gaps (recovery.ts decides what a
 * gap means).
 */
import { crc32Words } from "../base/crc32.ts";
import { chunkSeed, recordCheck } from "./log-check.ts";
import { type MappedFile, mapFile, segmentName } from "./log-files.ts";
import {
  CHUNK_FORMAT_WORD,
  CHUNK_NUMBER_WORD,
  CHUNK_RUN_WORD,
  CHUNK_WORKER_WORD,
  FORMAT,
  LOG_CHUNK_CRC,
  LOG_CHUNK_HEADER_SIZE,
  LOG_CHUNK_MAGIC,
  LOG_CHUNK_SIZE,
  LOG_CHUNKS,
  LOG_CRC,
  LOG_DB_SHIFT,
  LOG_FLAGS_SHIFT,
  LOG_HAS_NUMBER,
  LOG_HEADER_SIZE,
  LOG_KEY,
  LOG_KEY_MASK,
  LOG_KIND,
  LOG_OP_SHIFT,
  LOG_SEGMENT_SIZE,
  LOG_SIZE,
  LOG_STAMP,
  LOG_VALUE_LENGTH,
  OP_MAX,
} from "./log-layout.ts";

/** A record: where its parts are. Filled by `decode`; the fields of one reader are used again. */
export class LogRecord {
  bytes: Buffer = Buffer.alloc(0);
  op = 0;
  flags = 0;
  db = 0;
  stamp = 0;
  number = 0;
  keyStart = 0;
  keyLength = 0;
  valueStart = 0;
  valueLength = 0;
  sizeBytes = 0;

  copy(): LogRecord {
    return Object.assign(new LogRecord(), this);
  }
}

/**
 * Fills `record` from byte `at`; the record must end at `end` at the latest. False when it cannot
 * be one. The checksum is the caller's to look at.
 */
export function decode(record: LogRecord, file: MappedFile, at: number, end: number): boolean {
  const { words } = file;
  const w = at >>> 2;
  if (at + LOG_HEADER_SIZE > end) return false;
  const size = words[w + LOG_SIZE] as number;
  if (size < LOG_HEADER_SIZE || (size & 7) !== 0 || at + size > end) return false;
  const kind = words[w + LOG_KIND] as number;
  record.op = (kind >>> LOG_OP_SHIFT) & 0xff;
  if (record.op === 0 || record.op > OP_MAX) return false;
  record.flags = kind >>> LOG_FLAGS_SHIFT;
  record.stamp = (kind & 0xffff) * 2 ** 32 + ((words[w + LOG_STAMP] as number) >>> 0);
  const key = words[w + LOG_KEY] as number;
  record.db = key >>> LOG_DB_SHIFT;
  record.keyLength = key & LOG_KEY_MASK;
  record.valueLength = words[w + LOG_VALUE_LENGTH] as number;
  const hasNumber = (record.flags & LOG_HAS_NUMBER) !== 0;
  record.number = hasNumber ? (file.doubles[(at + LOG_HEADER_SIZE) >>> 3] as number) : 0;
  record.keyStart = at + LOG_HEADER_SIZE + (hasNumber ? 8 : 0);
  record.valueStart = record.keyStart + record.keyLength;
  record.sizeBytes = size;
  record.bytes = file.bytes;
  const used = record.valueStart - at + record.valueLength;
  return record.valueLength >= 0 && used <= size && size - used < 8;
}

/** A chunk that a run has written to. */
export interface Chunk {
  readonly slot: number;
  readonly chunk: number;
  readonly number: number;
  readonly run: number;
  readonly worker: number;
  readonly format: number;
  readonly file: MappedFile;
}

/** The chunks of one segment that have a valid header. */
export function chunksOf(dir: string, slot: number): Chunk[] {
  const file = mapFile(dir, segmentName(slot));
  const found: Chunk[] = [];
  const whole = Math.min(LOG_CHUNKS, Math.floor(file.bytes.length / LOG_CHUNK_SIZE));
  for (let chunk = 0; chunk < whole; chunk++) {
    const { words, doubles } = file;
    const w = (chunk * LOG_CHUNK_SIZE) >>> 2;
    const format = words[w + CHUNK_FORMAT_WORD] as number;
    if (words[w] !== LOG_CHUNK_MAGIC || format < 1 || format > FORMAT) continue;
    if (words[w + LOG_CHUNK_CRC / 4] !== crc32Words(words, w, LOG_CHUNK_CRC / 4)) continue;
    found.push({
      slot,
      chunk,
      number: doubles[(w + CHUNK_NUMBER_WORD) >>> 1] as number,
      run: words[w + CHUNK_RUN_WORD] as number,
      worker: words[w + CHUNK_WORKER_WORD] as number,
      format,
      file,
    });
  }
  return found;
}

/** Whether a file has a segment's length; any other is damaged. */
export function isWholeSegment(sizeBytes: number): boolean {
  return sizeBytes === LOG_SEGMENT_SIZE;
}

/** The records of one Worker in one run, in the order in which it wrote them. */
class Stream {
  readonly record = new LogRecord();
  readonly #chunks: readonly Chunk[];
  /** The last stamp seen in each chunk goes here. */
  readonly #noteLast: (slot: number, stamp: number) => void;
  #index: number;
  #at = 0;
  #end = 0;
  #seed = 0;
  #lastStamp = 0;
  /** Where the stream broke off last: slot and byte. */
  brokenSlot = 0;
  brokenAt = 0;

  constructor(
    chunks: readonly Chunk[],
    mark: number,
    noteLast: (slot: number, stamp: number) => void,
  ) {
    this.#chunks = chunks;
    this.#noteLast = noteLast;
    this.#index = firstNeeded(chunks, mark);
    this.#enter();
  }

  /** Moves to the next record; false at the end. */
  next(): boolean {
    while (this.#index < this.#chunks.length) {
      const chunk = this.#chunks[this.#index] as Chunk;
      if (this.#read(chunk)) return true;
      this.brokenSlot = chunk.slot;
      this.brokenAt = this.#at;
      this.#noteLast(chunk.slot, this.#lastStamp);
      this.#index++;
      this.#enter();
    }
    return false;
  }

  #enter(): void {
    const chunk = this.#chunks[this.#index];
    if (chunk === undefined) return;
    this.#at = chunk.chunk * LOG_CHUNK_SIZE + LOG_CHUNK_HEADER_SIZE;
    this.#end = (chunk.chunk + 1) * LOG_CHUNK_SIZE;
    this.#seed = chunkSeed(chunk.number);
  }

  #read(chunk: Chunk): boolean {
    const record = this.record;
    if (!decode(record, chunk.file, this.#at, this.#end)) return false;
    if (!isIntact(chunk, this.#at, record.sizeBytes, this.#seed)) return false;
    if (record.stamp <= this.#lastStamp) return false;
    this.#lastStamp = record.stamp;
    this.#at += record.sizeBytes;
    return true;
  }
}

function isIntact({ file, format }: Chunk, at: number, size: number, seed: number): boolean {
  const w = at >>> 2;
  return file.words[w + LOG_CRC] === recordCheck(file.words, w, size, seed, format);
}

/** The first chunk that can hold a record above the mark. */
function firstNeeded(chunks: readonly Chunk[], mark: number): number {
  const record = new LogRecord();
  for (let i = chunks.length - 1; i > 0; i--) {
    const chunk = chunks[i] as Chunk;
    const at = chunk.chunk * LOG_CHUNK_SIZE + LOG_CHUNK_HEADER_SIZE;
    if (!decode(record, chunk.file, at, at + LOG_CHUNK_SIZE - LOG_CHUNK_HEADER_SIZE)) continue;
    if (!isIntact(chunk, at, record.sizeBytes, chunkSeed(chunk.number))) continue;
    if (record.stamp <= mark) return i;
  }
  return 0;
}

/** The records of one run, all Workers', by rising stamp. */
export class RunReader {
  readonly #streams: Stream[] = [];
  readonly #ended: Stream[] = [];
  #current = -1;
  /** Workers that have written in this run. */
  readonly streamsCount: number;

  constructor(
    chunks: readonly Chunk[],
    mark: number,
    noteLast: (slot: number, stamp: number) => void,
  ) {
    const byWorker = Map.groupBy(chunks, (chunk) => chunk.worker);
    for (const own of byWorker.values()) {
      own.sort((a, b) => a.number - b.number);
      const stream = new Stream(own, mark, noteLast);
      if (stream.next()) this.#streams.push(stream);
      else this.#ended.push(stream);
    }
    this.streamsCount = byWorker.size;
  }

  /** The record with the next higher stamp, null at the end. Valid until the next call. */
  next(): LogRecord | null {
    const streams = this.#streams;
    if (this.#current >= 0) {
      const current = streams[this.#current] as Stream;
      if (!current.next()) {
        this.#ended.push(current);
        streams.splice(this.#current, 1);
      }
    }
    let least = -1;
    for (let i = 0; i < streams.length; i++) {
      const stamp = (streams[i] as Stream).record.stamp;
      if (least < 0 || stamp < (streams[least] as Stream).record.stamp) least = i;
    }
    this.#current = least;
    return least < 0 ? null : (streams[least] as Stream).record;
  }

  /** The stream of the record that `next` has returned; its groups are its own. */
  currentStream(): object {
    return this.#streams[this.#current] as Stream;
  }

  /** Where streams break off, for messages: "log-000003 at byte 1234". */
  broken(): string {
    const places = [...this.#ended, ...this.#streams]
      .filter((stream) => stream.brokenAt > 0)
      .map((stream) => `${segmentName(stream.brokenSlot)} at byte ${stream.brokenAt}`);
    return places.length === 0 ? "no segment" : places.join(", ");
  }
}
