/**
 * Reply scanner: finds where replies end, without making anything of them.
 *
 * The client's side: the benchmark counts replies with it (`count`), ReplyReader uses it to know
 * when a reply is whole. Bytes come in pieces cut anywhere; each byte is looked at once, and the
 * contents of bulk strings not at all.
 *
 *      element := type digits CRLF              :1  #t  _  ,1.5  +OK  -ERR ...
 *               | type length CRLF bytes CRLF   $3  =7  !5
 *               | type count CRLF element*      *2  ~2  >2  %1, |1: two for each
 *
 * State: `pending` elements of the running reply are still to come; nesting needs no stack, only
 * their number. Invariant: between replies pending === 0, and skip === 0 and type === 0. A stream
 * that is not RESP sets `isBroken` and is not read any further. Announced sizes are counted, never
 * reserved.
 */

const enum Type {
  None = 0,
  SimpleString = 43,
  Error = 45,
  Integer = 58,
  Bulk = 36,
  Array = 42,
  Null = 95,
  Boolean = 35,
  Double = 44,
  BigNumber = 40,
  BulkError = 33,
  Verbatim = 61,
  Map = 37,
  Set = 126,
  Push = 62,
  Attribute = 124,
}

const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;

export class ReplyScanner {
  /** Whole replies so far, pushes not included. */
  repliesCount = 0;
  /** Error elements so far, at any depth. */
  errorsCount = 0;
  /** Whole out-of-band messages (`>`) so far. */
  pushesCount = 0;
  /** Whether `scan` ended at the end of a reply. */
  isComplete = false;
  /** Whether the stream is no RESP; nothing is read after that. */
  isBroken = false;

  #pending = 0;
  /** Bytes of a bulk string and its line end that are still to come. */
  #skip = 0;
  /** Type byte of the header that is being read, None between headers. */
  #type: number = Type.None;
  /** Type byte of the running reply. */
  #outerType: number = Type.None;
  #value = 0;
  #isNegative = false;

  /**
   * Reads all of [start, end) and returns how many replies became whole in it (pushes not
   * included).
   */
  count(bytes: Buffer, start: number, end: number): number {
    const before = this.repliesCount;
    let at = start;
    while (at < end && !this.isBroken) at = this.scan(bytes, at, end);
    return this.repliesCount - before;
  }

  /**
   * Reads up to the end of one reply and returns the offset behind it, with `isComplete` set; or
   * reads everything and returns `end`. Hot in the benchmark.
   */
  scan(bytes: Buffer, start: number, end: number): number {
    let at = start;
    this.isComplete = false;
    while (at < end && !this.isBroken) {
      if (this.#skip > 0) {
        const taken = Math.min(this.#skip, end - at);
        at += taken;
        this.#skip -= taken;
        if (this.#skip === 0 && this.#finish()) return at;
        continue;
      }
      if (this.#type === Type.None) this.#open(bytes[at++] as number);
      at = this.#line(bytes, at, end);
      if (this.isComplete) return at;
    }
    return at;
  }

  #open(type: number): void {
    this.#type = type;
    this.#value = 0;
    this.#isNegative = false;
    if (this.#pending === 0) {
      this.#pending = 1;
      this.#outerType = type;
    }
  }

  /** Reads a header up to its line feed, or what there is of it. */
  #line(bytes: Buffer, start: number, end: number): number {
    let at = start;
    let value = this.#value;
    while (at < end) {
      const byte = bytes[at++] as number;
      if (byte === LINE_FEED) {
        this.#value = value;
        this.#act();
        return at;
      }
      const digit = byte - 48;
      // A text line gives a meaningless value, which nothing reads; it is kept small so that it
      // stays an int32.
      if (digit >= 0 && digit <= 9) value = value < 100_000_000 ? value * 10 + digit : value;
      else if (byte === Type.Error) this.#isNegative = true;
      else if (byte !== CARRIAGE_RETURN && isCounted(this.#type)) this.isBroken = true;
    }
    this.#value = value;
    return at;
  }

  /** The header is whole: what follows from it. */
  #act(): void {
    const type = this.#type;
    this.#type = Type.None;
    switch (type) {
      case Type.BulkError:
        this.errorsCount++;
        this.#skip = this.#value + 2;
        return;
      case Type.Bulk:
      case Type.Verbatim:
        if (this.#isNegative) this.#finish();
        else this.#skip = this.#value + 2;
        return;
      case Type.Array:
      case Type.Set:
      case Type.Push:
        if (!this.#isNegative) this.#pending += this.#value;
        this.#finish();
        return;
      case Type.Map:
        this.#pending += this.#value * 2;
        this.#finish();
        return;
      case Type.Attribute:
        this.#pending += this.#value * 2;
        return;
      case Type.Error:
        this.errorsCount++;
        this.#finish();
        return;
      default:
        if (isLine(type)) this.#finish();
        else this.isBroken = true;
    }
  }

  /** One element is whole. True when the reply is, too. */
  #finish(): boolean {
    this.#pending--;
    if (this.#pending > 0) return false;
    if (this.#outerType === Type.Push) this.pushesCount++;
    else this.repliesCount++;
    this.isComplete = true;
    return true;
  }
}

/** Whether the header of this type is a length or a count. */
function isCounted(type: number): boolean {
  switch (type) {
    case Type.Bulk:
    case Type.Array:
    case Type.Map:
    case Type.Set:
    case Type.Push:
    case Type.Verbatim:
    case Type.BulkError:
    case Type.Attribute:
      return true;
    default:
      return false;
  }
}

/** Whether an element of this type is one line. */
function isLine(type: number): boolean {
  switch (type) {
    case Type.SimpleString:
    case Type.Integer:
    case Type.Null:
    case Type.Boolean:
    case Type.Double:
    case Type.BigNumber:
      return true;
    default:
      return false;
  }
}
