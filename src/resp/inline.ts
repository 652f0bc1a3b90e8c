/**
 * Inline commands: a line of words, as someone types it into telnet.
 *
 * Used by RequestParser when a request does not begin with `*`. Quoting as in Redis: "..." with \n
 * \r \t \b \a \xHH and \<other>, '...' with \' only; a closing quote ends the word and must be
 * followed by space or the end. Words are copied out of the line, because unquoting changes them;
 * they land in memory of this object. Limit: a line is at most ParseLimits.inlineSizeMax long, and
 * words are never longer than the line. Not a hot path: people and health checks type inline.
 */
import { grownInt32 } from "./partial-request.ts";

const enum Char {
  Null = 0,
  Tab = 9,
  LineFeed = 10,
  CarriageReturn = 13,
  Space = 32,
  DoubleQuote = 34,
  SingleQuote = 39,
  Backslash = 92,
}

const WORDS_CAPACITY_MIN = 16;
/** Memory kept between two lines; a longer line gives its memory back. */
const BYTES_KEPT_MAX = 4096;
const NO_DIGIT = -1;

export class InlineRequest {
  /** The words, unquoted, one behind the other. */
  bytes: Buffer = Buffer.allocUnsafeSlow(256);
  wordsCount = 0;
  wordStart: Int32Array = new Int32Array(WORDS_CAPACITY_MIN);
  wordLength: Int32Array = new Int32Array(WORDS_CAPACITY_MIN);

  /** Bytes of `bytes` in use. */
  #length = 0;
  /** Where reading is in the line. */
  #at = 0;
  #end = 0;

  /**
   * Splits the line [start, end), its line end not included. False when its quotes do not match.
   */
  split(line: Buffer, start: number, end: number): boolean {
    this.#reserve(end - start);
    this.wordsCount = 0;
    this.#length = 0;
    this.#at = start;
    this.#end = end;
    for (;;) {
      while (this.#at < end && isSpace(line[this.#at] as number)) this.#at++;
      if (this.#at === end) return true;
      if (!this.#word(line)) return false;
    }
  }

  #reserve(size: number): void {
    if (size > this.bytes.length || this.bytes.length > BYTES_KEPT_MAX) {
      this.bytes = Buffer.allocUnsafeSlow(Math.max(size, 256));
    }
  }

  #word(line: Buffer): boolean {
    const start = this.#length;
    while (this.#at < this.#end) {
      const byte = line[this.#at++] as number;
      if (endsWord(byte)) break;
      if (byte === Char.DoubleQuote || byte === Char.SingleQuote) {
        const isClosed =
          byte === Char.DoubleQuote ? this.#doubleQuoted(line) : this.#singleQuoted(line);
        if (!isClosed) return false;
        break;
      }
      this.#put(byte);
    }
    this.#addWord(start);
    return true;
  }

  /**
   * Reads on from behind the opening quote. False when there is no closing one, or something stands
   * behind it.
   */
  #doubleQuoted(line: Buffer): boolean {
    while (this.#at < this.#end) {
      const byte = line[this.#at++] as number;
      if (byte === Char.DoubleQuote) return this.#isWordOver(line);
      if (byte === Char.Backslash && this.#at < this.#end) this.#put(this.#escaped(line));
      else this.#put(byte);
    }
    return false;
  }

  #singleQuoted(line: Buffer): boolean {
    while (this.#at < this.#end) {
      const byte = line[this.#at++] as number;
      if (byte === Char.SingleQuote) return this.#isWordOver(line);
      if (byte === Char.Backslash && line[this.#at] === Char.SingleQuote && this.#at < this.#end) {
        this.#at++;
        this.#put(Char.SingleQuote);
      } else {
        this.#put(byte);
      }
    }
    return false;
  }

  /** The byte that an escape stands for; reading is behind the backslash. */
  #escaped(line: Buffer): number {
    const byte = line[this.#at++] as number;
    if (byte === 120 && this.#at + 1 < this.#end) {
      const high = hexDigit(line[this.#at] as number);
      const low = hexDigit(line[this.#at + 1] as number);
      if (high !== NO_DIGIT && low !== NO_DIGIT) {
        this.#at += 2;
        return high * 16 + low;
      }
    }
    return unescaped(byte);
  }

  #isWordOver(line: Buffer): boolean {
    return this.#at === this.#end || isSpace(line[this.#at] as number);
  }

  #put(byte: number): void {
    this.bytes[this.#length++] = byte;
  }

  #addWord(start: number): void {
    if (this.wordsCount === this.wordStart.length) {
      this.wordStart = grownInt32(this.wordStart, this.wordsCount * 2);
      this.wordLength = grownInt32(this.wordLength, this.wordsCount * 2);
    }
    this.wordStart[this.wordsCount] = start;
    this.wordLength[this.wordsCount] = this.#length - start;
    this.wordsCount++;
  }
}

/**
 * Whether a command's name shows that a browser was made to talk to us: `POST`, or `Host:`, in any
 * case. Such a connection is closed without a word, so that what a web page put into the body is
 * not run (cross-protocol scripting). Redis does the same.
 */
export function isHttpName(bytes: Buffer, start: number, length: number): boolean {
  if (length === 4) return equalsLower(bytes, start, "post");
  return length === 5 && equalsLower(bytes, start, "host:");
}

function equalsLower(bytes: Buffer, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i] as number;
    const lower = byte >= 65 && byte <= 90 ? byte + 32 : byte;
    if (lower !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** Tab, line feed, vertical tab, form feed, carriage return, space. */
function isSpace(byte: number): boolean {
  return byte === Char.Space || (byte >= Char.Tab && byte <= Char.CarriageReturn);
}

/**
 * What ends a word without quotes: fewer characters than what may stand before one, as in Redis.
 */
function endsWord(byte: number): boolean {
  return (
    byte === Char.Space ||
    byte === Char.Tab ||
    byte === Char.LineFeed ||
    byte === Char.CarriageReturn ||
    byte === Char.Null
  );
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : NO_DIGIT;
}

function unescaped(byte: number): number {
  switch (byte) {
    case 110:
      return 10;
    case 114:
      return 13;
    case 116:
      return 9;
    case 98:
      return 8;
    case 97:
      return 7;
    default:
      return byte;
  }
}
