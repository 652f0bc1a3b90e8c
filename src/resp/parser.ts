/**
 * Request parser: the bytes that a read brought, as offsets of commands and arguments.
 *
 * Sits between net/connection (bytes in) and commands/dispatch (a batch of commands). One per
 * Worker, reused for every connection; what must outlast a call is in the connection's
 * PartialRequest.
 *
 *      start                           consumed                end
 *      | command | command |  *0  | command | unfinished command |
 *          commandEnd[0]        commandEnd[2]
 *
 *      argument a of command i:  argStart[commandFirst[i] + a], argLength[...], in `bytes`
 *
 * Two paths. The fast one (#fast) knows whole multibulk requests in canonical form and nothing
 * else; whatever it does not know, it leaves to the careful one, which goes step by step through
 * the PartialRequest and has all the rules. Cost per request, in batches of 16 and of 50
 * (parser.bench.ts, AMD EPYC, all shapes mixed): GET 19 to 20 ns, SET of 128 B 25, PING 15, MSET of
 * 10 pairs 107. Reading words of four bytes through a DataView gives 9, 13 and 5, but making the
 * view costs 300 ns for every buffer that a socket hands over: more than it saves below 30
 * commands.
 *
 * Invariant: start <= consumed <= end, and everything before `consumed` is settled.
 * Limits: ParseLimits. Nothing is reserved for what a header announces.
 *
 * The rules are those of Redis 7.2 and Valkey 8.0 as seen on the wire: counts from -2^63 to 2^31-1
 * (a count below 1 is an ignored request), a NUL in a header or an inline line stops the search for
 * its end, a line longer than 64 KiB is an error (always, where Redis lets one pass that comes in
 * one read). One rule is stricter, as in Valkey 9: CR LF must stand where it belongs. Redis skips
 * two bytes there, whatever they are, and a client whose lengths are wrong has its data run as
 * commands.
 *
 * Not here: what commands mean, POST inside a multibulk request (dispatch), the socket.
 */
import { freeArray } from "../base/free-bytes.ts";
import { digitsCount } from "./decimal.ts";
import { errorTexts, protocolExpectedDollar } from "./errors.ts";
import { headerNumber } from "./header-number.ts";
import { InlineRequest, isHttpName } from "./inline.ts";
import { grownInt32, type PartialRequest } from "./partial-request.ts";

/** How a call of `parse` ended. The commands found before that are valid in every case. */
export const enum ParseStatus {
  /** Everything is consumed. */
  Complete = 0,
  /** [consumed, end) is the beginning of a request: keep it, and call again with more behind it. */
  Incomplete = 1,
  /** More may follow at `consumed`: run these, and call again. */
  Full = 2,
  /**
   * `errorText` is to be replied behind the replies of these commands, and the connection to be
   * closed.
   */
  Error = 3,
  /** An HTTP request: close the connection without a reply. */
  SecurityClose = 4,
}

export interface ParseLimits {
  /** Largest count of arguments in one request, at least 99. */
  multibulkCountMax: number;
  /** Largest argument in bytes (proto-max-bulk-len), at least 999. */
  bulkSizeMax: number;
  /** Longest inline request, and longest header, in bytes. */
  inlineSizeMax: number;
  /**
   * False before a required password was given: small requests only, one per batch, so that AUTH
   * takes effect.
   */
  authenticated: boolean;
}

/** Arguments and bytes of one argument that a client may send before the password, as in Redis. */
const UNAUTHENTICATED_ARGS_MAX = 10;
const UNAUTHENTICATED_BULK_SIZE_MAX = 16_384;

/** Arguments that fit without growing: 64 commands of 16. */
const ARGS_CAPACITY = 1024;
/** Above this the arrays are given back at the next batch. */
const ARGS_CAPACITY_KEPT_MAX = 65_536;
const COMMANDS_CAPACITY = 64;
/**
 * Bytes of the shortest bulk string, `$0 CRLF CRLF`: so many can be read before the length is
 * known.
 */
const BULK_SIZE_MIN = 6;

const CR = 13;
const LF = 10;
const ASTERISK = 42;
const DOLLAR = 36;
const DIGIT_0 = 48;

/** What one step of the careful path came to. */
const enum Step {
  /** Something was consumed: go on. */
  Next = 0,
  Incomplete = 1,
  Error = 2,
  /** An inline command was found: it ends the batch. */
  Inline = 3,
  SecurityClose = 4,
}

export class RequestParser {
  // ---- The batch: valid from parse() to the next parse() ----
  commandsCount = 0;
  /** Index of argument 0 of each command in argStart and argLength. */
  commandFirst: Int32Array = new Int32Array(COMMANDS_CAPACITY);
  /** Arguments of each command, at least 1. */
  commandArgs: Int32Array = new Int32Array(COMMANDS_CAPACITY);
  /** Offset in the input behind each command. */
  commandEnd: Int32Array = new Int32Array(COMMANDS_CAPACITY);
  argsCount = 0;
  /** Replaced when they grow. */
  argStart: Int32Array = new Int32Array(ARGS_CAPACITY);
  argLength: Int32Array = new Int32Array(ARGS_CAPACITY);
  /**
   * What argStart refers to: the input, or memory of the parser when the batch is one inline
   * command.
   */
  bytes: Buffer;
  /** Offset behind the last thing that is settled. */
  consumed = 0;
  /** Set with ParseStatus.Error. */
  errorText = "";

  readonly #inline = new InlineRequest();

  constructor() {
    this.bytes = this.#inline.bytes;
  }

  /**
   * Parses [start, end) of `bytes`, which must begin where the last call said `consumed` when
   * `partial` is active. A batch is up to `commandsMax` multibulk commands, or exactly one inline
   * command.
   */
  parse(
    bytes: Buffer,
    start: number,
    end: number,
    limits: ParseLimits,
    partial: PartialRequest,
    commandsMax: number,
  ): ParseStatus {
    const max = limits.authenticated ? commandsMax : 1;
    this.#begin(bytes, start, max);
    for (;;) {
      // The rules before the password are the careful path's.
      if (!partial.isActive && limits.authenticated)
        this.#fast(bytes, end, max, limits.bulkSizeMax);
      if (this.consumed === end) return ParseStatus.Complete;
      if (this.commandsCount === max) return ParseStatus.Full;
      const isMultibulk = bytes[this.consumed] === ASTERISK;
      if (!isMultibulk && this.commandsCount > 0) return ParseStatus.Full;
      const step = isMultibulk
        ? this.#multibulk(bytes, end, limits, partial)
        : this.#inlineLine(bytes, end, limits, partial);
      if (step !== Step.Next) return this.#status(step, end);
    }
  }

  #begin(bytes: Buffer, start: number, max: number): void {
    this.bytes = bytes;
    this.consumed = start;
    this.commandsCount = 0;
    this.argsCount = 0;
    if (max > this.commandEnd.length) {
      this.commandFirst = new Int32Array(max);
      this.commandArgs = new Int32Array(max);
      this.commandEnd = new Int32Array(max);
    }
    if (this.argStart.length > ARGS_CAPACITY_KEPT_MAX) {
      freeArray(this.argStart);
      freeArray(this.argLength);
      this.argStart = new Int32Array(ARGS_CAPACITY);
      this.argLength = new Int32Array(ARGS_CAPACITY);
    }
  }

  #status(step: Step, end: number): ParseStatus {
    if (step === Step.Incomplete) return ParseStatus.Incomplete;
    if (step === Step.Inline)
      return this.consumed === end ? ParseStatus.Complete : ParseStatus.Full;
    return step === Step.Error ? ParseStatus.Error : ParseStatus.SecurityClose;
  }

  // ---- The fast path ----

  /**
   * Takes whole requests in canonical form from `consumed` on; stops in front of anything else.
   * Hot: no call except for lengths of four digits and more, no check that the careful path does as
   * well.
   */
  #fast(bytes: Buffer, end: number, max: number, bulkSizeMax: number): void {
    let at = this.consumed;
    let commands = this.commandsCount;
    let arg = this.argsCount;
    while (commands < max && at + 4 + BULK_SIZE_MIN <= end && bytes[at] === ASTERISK) {
      let count = (bytes[at + 1] as number) - DIGIT_0;
      let next = at + 4;
      if (count < 1 || count > 9) break;
      if (bytes[at + 2] !== CR) {
        const ones = (bytes[at + 2] as number) - DIGIT_0;
        if (ones < 0 || ones > 9 || bytes[at + 3] !== CR) break;
        count = count * 10 + ones;
        next = at + 5;
      }
      if (bytes[next - 1] !== LF) break;
      if (arg + count > this.argStart.length) this.#growArgs(arg + count);
      const argEnd = fastArguments(
        bytes,
        next,
        end,
        this.argStart,
        this.argLength,
        arg,
        count,
        bulkSizeMax,
      );
      if (argEnd < 0) break;
      this.commandFirst[commands] = arg;
      this.commandArgs[commands] = count;
      this.commandEnd[commands] = argEnd;
      commands++;
      arg += count;
      at = argEnd;
    }
    this.consumed = at;
    this.commandsCount = commands;
    this.argsCount = arg;
  }

  #growArgs(needed: number): void {
    const capacity = Math.max(needed, this.argStart.length * 2);
    this.argStart = grownInt32(this.argStart, capacity);
    this.argLength = grownInt32(this.argLength, capacity);
  }

  // ---- The careful path: multibulk ----

  #multibulk(bytes: Buffer, end: number, limits: ParseLimits, partial: PartialRequest): Step {
    const start = this.consumed;
    partial.isActive = true;
    if (end - start < partial.neededSize) return Step.Incomplete;
    if (partial.argsExpected < 0) {
      const step = this.#count(bytes, end, limits, partial);
      if (step !== Step.Next) return step;
      if (partial.argsExpected <= 0) return this.#ignored(start + partial.position, partial);
    }
    while (partial.argsCount < partial.argsExpected) {
      if (partial.bulkLength < 0) {
        const step = this.#bulkHeader(bytes, end, limits, partial);
        if (step !== Step.Next) return step;
      }
      const bodyEnd = start + partial.position + partial.bulkLength;
      if (bodyEnd + 2 > end) {
        partial.neededSize = bodyEnd + 2 - start;
        return Step.Incomplete;
      }
      if (bytes[bodyEnd] !== CR || bytes[bodyEnd + 1] !== LF) {
        return this.#error(errorTexts.protocolLineEnd);
      }
      partial.addArgument(partial.position, partial.bulkLength);
      this.#moveTo(bodyEnd + 2 - start, partial);
    }
    this.#takeCommand(start, partial);
    return Step.Next;
  }

  /** Reads `*count`. */
  #count(bytes: Buffer, end: number, limits: ParseLimits, partial: PartialRequest): Step {
    const start = this.consumed;
    const lineEnd = this.#findLineEnd(bytes, end, CR, partial);
    if ((lineEnd < 0 ? end : lineEnd) - start > limits.inlineSizeMax) {
      return this.#error(errorTexts.protocolMultibulkTooLong);
    }
    if (lineEnd < 0 || lineEnd + 1 >= end) return Step.Incomplete;
    const count = headerNumber(bytes, start + 1, lineEnd);
    if (!(count <= limits.multibulkCountMax)) {
      return this.#error(errorTexts.protocolMultibulkLength);
    }
    if (!limits.authenticated && count > UNAUTHENTICATED_ARGS_MAX) {
      return this.#error(errorTexts.protocolMultibulkLengthNoAuth);
    }
    if (bytes[lineEnd + 1] !== LF) return this.#error(errorTexts.protocolLineEnd);
    partial.argsExpected = Math.max(count, 0);
    this.#moveTo(lineEnd + 2 - start, partial);
    return Step.Next;
  }

  /** Reads `$length`. */
  #bulkHeader(bytes: Buffer, end: number, limits: ParseLimits, partial: PartialRequest): Step {
    const start = this.consumed;
    const at = start + partial.position;
    const lineEnd = this.#findLineEnd(bytes, end, CR, partial);
    if ((lineEnd < 0 ? end : lineEnd) - at > limits.inlineSizeMax) {
      return this.#error(errorTexts.protocolBulkTooLong);
    }
    if (lineEnd < 0 || lineEnd + 1 >= end) return Step.Incomplete;
    if (bytes[at] !== DOLLAR) return this.#error(protocolExpectedDollar(bytes[at] as number));
    const length = headerNumber(bytes, at + 1, lineEnd);
    if (!(length >= 0 && length <= limits.bulkSizeMax)) {
      return this.#error(errorTexts.protocolBulkLength);
    }
    if (!limits.authenticated && length > UNAUTHENTICATED_BULK_SIZE_MAX) {
      return this.#error(errorTexts.protocolBulkLengthNoAuth);
    }
    if (bytes[lineEnd + 1] !== LF) return this.#error(errorTexts.protocolLineEnd);
    this.#moveTo(lineEnd + 2 - start, partial);
    partial.bulkLength = length;
    return Step.Next;
  }

  #moveTo(position: number, partial: PartialRequest): void {
    partial.position = position;
    partial.scanned = position;
    partial.bulkLength = -1;
  }

  #takeCommand(start: number, partial: PartialRequest): void {
    const count = partial.argsCount;
    const first = this.argsCount;
    if (first + count > this.argStart.length) this.#growArgs(first + count);
    for (let i = 0; i < count; i++) {
      this.argStart[first + i] = start + (partial.argStart[i] as number);
      this.argLength[first + i] = partial.argLength[i] as number;
    }
    this.#addCommand(count, start + partial.position);
    partial.reset();
  }

  #addCommand(count: number, end: number): void {
    const index = this.commandsCount;
    this.commandFirst[index] = this.argsCount;
    this.commandArgs[index] = count;
    this.commandEnd[index] = end;
    this.commandsCount = index + 1;
    this.argsCount += count;
    this.consumed = end;
  }

  // ---- The careful path: inline ----

  #inlineLine(bytes: Buffer, end: number, limits: ParseLimits, partial: PartialRequest): Step {
    const start = this.consumed;
    partial.isActive = true;
    const lineFeed = this.#findLineEnd(bytes, end, LF, partial);
    const lineSize = (lineFeed < 0 ? end : lineFeed) - start;
    if (lineSize > limits.inlineSizeMax) return this.#error(errorTexts.protocolInlineTooLong);
    if (lineFeed < 0) return Step.Incomplete;
    const inline = this.#inline;
    const hasCarriageReturn = lineFeed > start && bytes[lineFeed - 1] === CR;
    if (!inline.split(bytes, start, hasCarriageReturn ? lineFeed - 1 : lineFeed)) {
      return this.#error(errorTexts.protocolUnbalancedQuotes);
    }
    if (inline.wordsCount === 0) return this.#ignored(lineFeed + 1, partial);
    partial.reset();
    if (isHttpName(inline.bytes, inline.wordStart[0] as number, inline.wordLength[0] as number)) {
      return Step.SecurityClose;
    }
    const count = inline.wordsCount;
    if (count > this.argStart.length) this.#growArgs(count);
    for (let i = 0; i < count; i++) {
      this.argStart[i] = inline.wordStart[i] as number;
      this.argLength[i] = inline.wordLength[i] as number;
    }
    this.bytes = inline.bytes;
    this.#addCommand(count, lineFeed + 1);
    return Step.Inline;
  }

  // ---- The careful path: both ----

  /** An empty line, `*0` or `*-1`: no command and no reply. */
  #ignored(end: number, partial: PartialRequest): Step {
    partial.reset();
    this.consumed = end;
    return Step.Next;
  }

  #error(text: string): Step {
    this.errorText = text;
    return Step.Error;
  }

  /**
   * Offset of the first `wanted` byte of the line at partial.position, or -1; remembers how far it
   * looked. A NUL ends the search for good, as the C string functions in Redis do: the line is too
   * long one day.
   */
  #findLineEnd(bytes: Buffer, end: number, wanted: number, partial: PartialRequest): number {
    const start = this.consumed;
    let at = start + partial.scanned;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === wanted) break;
      if (byte === 0) {
        partial.scanned = at - start;
        return -1;
      }
      at++;
    }
    partial.scanned = at - start;
    return at < end ? at : -1;
  }
}

/**
 * Reads `count` bulk strings from `start` into argStart and argLength from `first` on. Returns the
 * offset behind them, or -1 when they are not all there or one is not in canonical form. Hot.
 * BULK_SIZE_MIN bytes are known to be there when a bulk begins, so up to three digits need no
 * further check.
 */
function fastArguments(
  bytes: Buffer,
  start: number,
  end: number,
  argStart: Int32Array,
  argLength: Int32Array,
  first: number,
  count: number,
  bulkSizeMax: number,
): number {
  let at = start;
  for (let arg = first; arg < first + count; arg++) {
    if (at + BULK_SIZE_MIN > end || bytes[at] !== DOLLAR) return -1;
    let length = (bytes[at + 1] as number) - DIGIT_0;
    let body = at + 4;
    if (length < 0 || length > 9) return -1;
    if (bytes[at + 2] !== CR) {
      const second = (bytes[at + 2] as number) - DIGIT_0;
      if (length === 0 || second < 0 || second > 9) return -1;
      length = length * 10 + second;
      body = at + 5;
      if (bytes[at + 3] !== CR) {
        const third = (bytes[at + 3] as number) - DIGIT_0;
        if (third < 0 || third > 9) return -1;
        length = length * 10 + third;
        body = at + 6;
        if (bytes[at + 4] !== CR) {
          length = longLength(bytes, at + 4, end, length, bulkSizeMax);
          if (length < 0) return -1;
          body = at + 3 + digitsCount(length);
        }
      }
    }
    const bodyEnd = body + length;
    if (bodyEnd + 2 > end) return -1;
    if (bytes[body - 1] !== LF || bytes[bodyEnd] !== CR || bytes[bodyEnd + 1] !== LF) return -1;
    argStart[arg] = body;
    argLength[arg] = length;
    at = bodyEnd + 2;
  }
  return at;
}

/** The rest of a length of which three digits made `head`; -1 when it is unusual or too large. */
function longLength(
  bytes: Buffer,
  start: number,
  end: number,
  head: number,
  bulkSizeMax: number,
): number {
  let length = head;
  let at = start;
  while (at < end && length <= bulkSizeMax) {
    const digit = (bytes[at] as number) - DIGIT_0;
    if (digit < 0 || digit > 9) break;
    length = length * 10 + digit;
    at++;
  }
  const isWhole = at < end && bytes[at] === CR && length <= bulkSizeMax;
  return isWhole ? length : -1;
}
