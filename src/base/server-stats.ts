/**
 * The server's counters: one row of doubles per Worker in shared memory, summed by INFO.
 *
 *      | shared words | row of Worker 0 | row of Worker 1 | ...
 *      row:  | Stat.* | errors by prefix | per command: calls, µs, rejected, failed |
 *
 * Every Worker adds to its own row with plain stores and reads the others' without locks: a sum can
 * lag by what is being counted at this moment, never lose a count. Hot code does
 * `stats.own[Stat.Hits]++`. The shared words in front are atomic: the next client id and the next
 * slow log id.
 * Not here: what the store counts by itself (keys, memory, expired, evicted).
 */
import { assert } from "./assert.ts";

/** Columns of a row. Everything from `Stat.ResetFrom` on is zeroed by CONFIG RESETSTAT. */
export const enum Stat {
  /** Clients connected now: a gauge, never reset. */
  ClientsCurrent = 0,
  ClientsBlocked = 1,
  /** Memory held for clients (buffers), bytes: a gauge. */
  ClientsBytes = 2,
  /** Clients that are subscribed to something: a gauge. */
  ClientsSubscribed = 3,
  ResetFrom = 8,
  ConnectionsReceived = 8,
  ConnectionsRejected = 9,
  CommandsProcessed = 10,
  BytesIn = 11,
  BytesOut = 12,
  Hits = 13,
  Misses = 14,
  ErrorReplies = 17,
  AuthDenied = 18,
  /** Clients closed at their query buffer or output limit. */
  QueryLimitDisconnections = 19,
  OutputLimitDisconnections = 20,
  /** Reads and writes of sockets. */
  ReadsProcessed = 21,
  WritesProcessed = 22,
  UnexpectedErrors = 23,
  Count = 32,
}

/** Columns of one command behind `commandBase(index)`. */
export const enum CommandStat {
  Calls = 0,
  Microseconds = 1,
  /** Refused before it ran: arity, NOAUTH, OOM. */
  Rejected = 2,
  /** Ran and replied with an error. */
  Failed = 3,
  Count = 4,
}

/** Error codes that are counted one by one; any other counts as the last. */
export const ERROR_PREFIXES = [
  "ERR",
  "WRONGTYPE",
  "OOM",
  "NOAUTH",
  "WRONGPASS",
  "NOPROTO",
  "NOPERM",
  "DENIED",
  "NOSCRIPT",
  "BUSY",
  "EXECABORT",
  "MISCONF",
  "READONLY",
  "LOADING",
  "OTHER",
] as const;

const ERRORS_AT: number = Stat.Count;
const COMMANDS_AT = ERRORS_AT + 16;
/** Commands and subcommands that have columns of their own. */
export const COMMANDS_COUNT_MAX = 256;
const ROW_SIZE = COMMANDS_AT + COMMANDS_COUNT_MAX * CommandStat.Count;
/** Doubles in front of the first row. */
const SHARED_SIZE = 32;

// Shared words, as int32 indices.
const NEXT_CLIENT_ID = 0;
const NEXT_SLOWLOG_ID = 1;
// Shared doubles, written by the Worker that samples (or answers INFO), read by all.
const MEMORY_PEAK = 8;
const RATE_OPS = 9;
const RATE_IN = 10;
const RATE_OUT = 11;
const OUTSIDE_BASE = 12;
const SAMPLES_COUNT = 16;

/** The shared memory for `workersCount` rows, to be passed to every Worker. */
export function createServerStatsMemory(workersCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer((SHARED_SIZE + ROW_SIZE * workersCount) * 8);
}

export class ServerStats {
  /** This Worker's row. Hot code adds to it directly. */
  readonly own: Float64Array;
  readonly #rows: Float64Array[] = [];
  readonly #shared: Float64Array;
  readonly #words: Int32Array;
  // Rate sampling: only used on the Worker that samples.
  readonly #samples = new Float64Array(SAMPLES_COUNT * 3);
  readonly #last = new Float64Array(3);
  #samplesCount = 0;
  #sampledMs = 0;

  constructor(memory: SharedArrayBuffer, workerIndex: number, workersCount: number) {
    assert(workerIndex < workersCount, `worker (${workerIndex}) must be < ${workersCount}`);
    for (let i = 0; i < workersCount; i++) {
      this.#rows.push(new Float64Array(memory, (SHARED_SIZE + i * ROW_SIZE) * 8, ROW_SIZE));
    }
    const own = this.#rows[workerIndex];
    assert(own !== undefined, "own row exists");
    this.own = own;
    this.#shared = new Float64Array(memory, 0, SHARED_SIZE);
    this.#words = new Int32Array(memory, 0, MEMORY_PEAK * 2);
  }

  /** One column summed over all Workers. */
  sum(column: number): number {
    let total = 0;
    for (const row of this.#rows) total += row[column] ?? 0;
    return total;
  }

  /** First column of the command whose index in the table is `index`. */
  commandBase(index: number): number {
    return COMMANDS_AT + index * CommandStat.Count;
  }

  /** Column of the errors with the prefix ERROR_PREFIXES[index]. */
  errorColumn(index: number): number {
    return ERRORS_AT + index;
  }

  /** Counts an error reply whose "-" is at `bytes[at]`. Cold: errors are not the hot path. */
  noteError(bytes: Buffer, at: number): void {
    let end = at + 1;
    while (end < bytes.length && isUpperCase(bytes[end] ?? 0)) end++;
    const prefix = bytes.toString("latin1", at + 1, end);
    let index = (ERROR_PREFIXES as readonly string[]).indexOf(prefix);
    if (index < 0) index = ERROR_PREFIXES.length - 1;
    this.own[ERRORS_AT + index] = (this.own[ERRORS_AT + index] ?? 0) + 1;
    this.own[Stat.ErrorReplies] = (this.own[Stat.ErrorReplies] ?? 0) + 1;
  }

  /** The id of a new client, from 1. */
  nextClientId(): number {
    return (Atomics.add(this.#words, NEXT_CLIENT_ID, 1) >>> 0) + 1;
  }

  /** The id of a new slow log entry, from 0. */
  nextSlowlogId(): number {
    return Atomics.add(this.#words, NEXT_SLOWLOG_ID, 1) >>> 0;
  }

  /** CONFIG RESETSTAT on this Worker: zeroes everything of its row that is not a gauge. */
  resetOwn(): void {
    this.own.fill(0, Stat.ResetFrom);
  }

  /** Notes the memory in use now; returns the highest that was noted. */
  notePeak(usedBytes: number): number {
    if (usedBytes > (this.#shared[MEMORY_PEAK] ?? 0)) this.#shared[MEMORY_PEAK] = usedBytes;
    return this.#shared[MEMORY_PEAK] ?? 0;
  }

  /**
   * CONFIG RESETSTAT, the part that is done once for all Workers: the memory peak starts again from
   * `usedBytes`, and counters that live elsewhere (`outside`) count from what they are now.
   */
  resetShared(usedBytes: number, outside: readonly number[] = []): void {
    this.#shared[MEMORY_PEAK] = usedBytes;
    for (let i = 0; i < outside.length; i++) this.#shared[OUTSIDE_BASE + i] = outside[i] as number;
  }

  /** What the `i`-th outside counter stood at when the statistics were last reset. */
  outsideBase(i: number): number {
    return this.#shared[OUTSIDE_BASE + i] ?? 0;
  }

  /** Takes a rate sample. Called about ten times a second, on one Worker only. */
  sample(nowMs: number): void {
    const elapsedMs = nowMs - this.#sampledMs;
    if (this.#sampledMs > 0 && elapsedMs > 0) {
      this.#sampleOne(0, Stat.CommandsProcessed, elapsedMs, RATE_OPS);
      this.#sampleOne(1, Stat.BytesIn, elapsedMs, RATE_IN);
      this.#sampleOne(2, Stat.BytesOut, elapsedMs, RATE_OUT);
      this.#samplesCount++;
    } else {
      this.#last[0] = this.sum(Stat.CommandsProcessed);
      this.#last[1] = this.sum(Stat.BytesIn);
      this.#last[2] = this.sum(Stat.BytesOut);
    }
    this.#sampledMs = nowMs;
  }

  /** Commands, and bytes in and out, per second over about the last 1.6 s. */
  rates(): { commands: number; bytesIn: number; bytesOut: number } {
    const shared = this.#shared;
    return {
      commands: shared[RATE_OPS] ?? 0,
      bytesIn: shared[RATE_IN] ?? 0,
      bytesOut: shared[RATE_OUT] ?? 0,
    };
  }

  #sampleOne(which: number, column: number, elapsedMs: number, into: number): void {
    const now = this.sum(column);
    // RESETSTAT makes the sum smaller than it was.
    const gained = Math.max(0, now - (this.#last[which] ?? 0));
    this.#last[which] = now;
    const base = which * SAMPLES_COUNT;
    this.#samples[base + (this.#samplesCount % SAMPLES_COUNT)] = (gained * 1000) / elapsedMs;
    const count = Math.min(this.#samplesCount + 1, SAMPLES_COUNT);
    let total = 0;
    for (let i = 0; i < count; i++) total += this.#samples[base + i] ?? 0;
    this.#shared[into] = total / count;
  }
}

function isUpperCase(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}
