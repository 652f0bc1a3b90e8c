/**
 * Counts the replies in a stream of RESP2 bytes without building any of them.
 *
 * It sits between a driver's socket and its recorder: `feed` takes what one read brought and
 * answers how many replies were completed by it. On the way it counts errors (by their code),
 * nulls, and replies that are not what the request asks for (another type, a bulk string of another
 * length, an array of too many elements); a `ReplyObserver` also sees every byte of the bulk
 * strings, and says before each reply what it has to be.
 *
 *      Start --'+OK' or '$n' whole in the piece--> Start     the fast path, no state kept
 *      Start --type byte--> Line --CRLF--> Start | Body      '$n' has a body, the others have none
 *      Body --n + 2 bytes--> Start
 *
 * Arrays are counted flat: `itemsPending` is how many elements the reply under way still lacks,
 * nested ones included, so depth costs nothing. Pieces may be split at any byte.
 * Limits: a line is LINE_SIZE_MAX bytes at the most.
 * Not here: RESP3 (the driver never sends HELLO), values (resp/reader.ts decodes).
 */

const enum State {
  Start,
  Line,
  Body,
}

const enum Byte {
  LineFeed = 10,
  CarriageReturn = 13,
  Dollar = 36,
  Star = 42,
  Plus = 43,
  Minus = 45,
  Zero = 48,
  Colon = 58,
  K = 75,
  O = 79,
}

/** What a request's reply has to be. */
export const enum ReplyKind {
  Status,
  Bulk,
  Integer,
  /** An array of bulk strings, `itemsMin` to `itemsMax` of them; an empty one counts as a null. */
  BulkArray,
  /** Whatever is no error. */
  Any,
}

/** The lengths that a reply may have. */
export interface ReplyShape {
  readonly kind: ReplyKind;
  /** Of a bulk string, or of each in an array; -1 for any. */
  readonly bulkLength: number;
  /** Elements of an array. */
  readonly itemsMin: number;
  readonly itemsMax: number;
}

/** No server sends a longer status, error or number; a stream that does is not RESP. */
const LINE_SIZE_MAX = 64 * 1024;
/** How much of an error text is kept for the report. */
const ERROR_TEXT_MAX = 200;
/** Different error codes told apart; a server has a few dozen, so that more means garbage. */
const ERROR_KINDS_MAX = 64;

/**
 * Follows the replies one by one: looks at their bulk strings, piece by piece and in order, and
 * says by `expect` what the next one has to be.
 */
export interface ReplyObserver {
  /** The bytes [start, end) of a bulk string of `length` bytes, `offset` bytes into it. */
  piece(bytes: Buffer, start: number, end: number, offset: number, length: number): void;
  /** A reply is complete, whatever it was. Nulls and errors had no pieces. */
  replyDone(): void;
}

export class ReplyCounter {
  /** Error replies, also inside arrays. */
  errorsCount = 0;
  /** Null bulk strings and null arrays. */
  nullsCount = 0;
  /**
   * Replies (of an array: elements) of another type or length than is expected; errors and nulls
   * are not among them.
   */
  unexpectedCount = 0;
  /** Bytes inside bulk strings, without their framing. */
  payloadBytes = 0;
  /** Error replies by their first word. */
  readonly errorKinds = new Map<string, number>();
  /** The first error reply, for the report. */
  firstError = "";
  /**
   * What stands in the stream instead of RESP2; empty while it is well formed. Then `feed` has
   * returned -1.
   */
  malformed = "";

  /** What the reply that comes next has to be. */
  kind: ReplyKind = ReplyKind.Status;
  bulkLength = -1;
  itemsMin = 0;
  itemsMax = 0;
  observer: ReplyObserver | null = null;

  #state: State = State.Start;
  #type = 0;
  #number = 0;
  #isNegative = false;
  #lineLength = 0;
  #errorText = "";
  /** Bytes of the body and its CRLF that are still to come. */
  #bodyLeft = 0;
  #bodyLength = 0;
  #itemsPending = 0;
  /** The element under way belongs to an array. */
  #isInside = false;

  /**
   * Forgets what was counted, and expects `shape` of all replies, or of the next one when there is
   * an observer to change that. Only between replies.
   */
  reset(shape: ReplyShape, observer: ReplyObserver | null): void {
    this.errorsCount = this.nullsCount = this.unexpectedCount = this.payloadBytes = 0;
    this.errorKinds.clear();
    this.firstError = "";
    this.observer = observer;
    this.expect(shape, shape.bulkLength);
  }

  /** What the next replies have to be; `bulkLength` stands for that of the shape. */
  expect(shape: ReplyShape, bulkLength: number): void {
    this.kind = shape.kind;
    this.bulkLength = bulkLength;
    this.itemsMin = shape.itemsMin;
    this.itemsMax = shape.itemsMax;
  }

  /**
   * Takes the bytes [start, end) and returns how many replies they completed, or -1 when they are
   * not RESP2.
   * Hot: called once per read. No allocation on the fast path.
   */
  feed(bytes: Buffer, start: number, end: number): number {
    let at = start;
    let replies = 0;
    while (at < end) {
      if (this.#state === State.Start) {
        const behind = this.#whole(bytes, at, end);
        if (behind > 0) {
          at = behind;
          if (this.#itemsPending > 1) {
            this.#itemsPending--;
            continue;
          }
          this.#itemsPending = 0;
          replies++;
          if (this.observer !== null) this.observer.replyDone();
          continue;
        }
      }
      at = this.#step(bytes, at, end);
      if (at < 0) return -1;
      if (this.#state === State.Start && this.#itemsPending === 0) {
        replies++;
        if (this.observer !== null) this.observer.replyDone();
      }
    }
    return replies;
  }

  /**
   * Fast path: counts `+OK`, or a bulk string that is whole in the piece, also as an element of an
   * array; returns the offset behind it, or 0.
   */
  #whole(bytes: Buffer, at: number, end: number): number {
    const type = bytes[at];
    if (type === Byte.Plus) {
      if (end - at < 5 || bytes[at + 1] !== Byte.O || bytes[at + 2] !== Byte.K) return 0;
      if (bytes[at + 3] !== Byte.CarriageReturn || bytes[at + 4] !== Byte.LineFeed) return 0;
      if (this.#itemsPending > 0) return 0;
      if (this.kind !== ReplyKind.Status && this.kind !== ReplyKind.Any) this.unexpectedCount++;
      return at + 5;
    }
    if (type !== Byte.Dollar) return 0;
    let length = 0;
    let cursor = at + 1;
    let digit = cursor < end ? bytes[cursor]! - Byte.Zero : -1;
    while (digit >= 0 && digit <= 9) {
      length = length * 10 + digit;
      cursor++;
      digit = cursor < end ? bytes[cursor]! - Byte.Zero : -1;
    }
    const bodyStart = cursor + 2;
    if (cursor === at + 1 || bodyStart + length + 2 > end) return 0;
    if (bytes[cursor] !== Byte.CarriageReturn || bytes[cursor + 1] !== Byte.LineFeed) return 0;
    if (bytes[bodyStart + length] !== Byte.CarriageReturn) return 0;
    this.#isInside = this.#itemsPending > 0;
    this.#countBulk(length);
    if (this.observer !== null) {
      this.observer.piece(bytes, bodyStart, bodyStart + length, 0, length);
    }
    return bodyStart + length + 2;
  }

  #countBulk(length: number): void {
    this.payloadBytes += length;
    const { kind } = this;
    const due = this.#isInside ? ReplyKind.BulkArray : ReplyKind.Bulk;
    if (kind === due) {
      if (this.bulkLength >= 0 && length !== this.bulkLength) this.unexpectedCount++;
    } else if (!this.#isInside && kind !== ReplyKind.Any) this.unexpectedCount++;
  }

  /**
   * Slow path: takes the next part of an element; returns the offset behind it, or -1 when it is
   * malformed.
   */
  #step(bytes: Buffer, at: number, end: number): number {
    if (this.#state === State.Body) return this.#takeBody(bytes, at, end);
    if (this.#state === State.Line) return this.#takeLine(bytes, at, end);
    const type = bytes[at]!;
    if (
      type !== Byte.Plus &&
      type !== Byte.Minus &&
      type !== Byte.Colon &&
      type !== Byte.Dollar &&
      type !== Byte.Star
    ) {
      this.malformed = `byte 0x${type.toString(16)} where a reply starts`;
      return -1;
    }
    this.#isInside = this.#itemsPending > 0;
    if (!this.#isInside) this.#itemsPending = 1;
    this.#type = type;
    this.#number = 0;
    this.#isNegative = false;
    this.#lineLength = 0;
    this.#errorText = "";
    this.#state = State.Line;
    return at + 1;
  }

  #takeLine(bytes: Buffer, start: number, end: number): number {
    const isNumber = this.#type === Byte.Dollar || this.#type === Byte.Star;
    const lineStart = start;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === Byte.LineFeed) {
        this.#keepError(bytes, lineStart, at);
        return this.#lineDone() ? at + 1 : -1;
      }
      if (++this.#lineLength > LINE_SIZE_MAX) {
        this.malformed = `a line of more than ${LINE_SIZE_MAX} bytes`;
        return -1;
      }
      if (!isNumber || byte === Byte.CarriageReturn) continue;
      if (byte === Byte.Minus && this.#lineLength === 1) this.#isNegative = true;
      else if (byte >= Byte.Zero && byte <= Byte.Zero + 9) {
        this.#number = this.#number * 10 + byte - Byte.Zero;
      } else {
        this.malformed = `byte 0x${byte.toString(16)} in a length`;
        return -1;
      }
    }
    this.#keepError(bytes, lineStart, end);
    return end;
  }

  /** Keeps the text of an error; a line that is no error leaves nothing. */
  #keepError(bytes: Buffer, start: number, end: number): void {
    if (this.#type !== Byte.Minus || this.#errorText.length >= ERROR_TEXT_MAX) return;
    const part = bytes.toString("latin1", start, Math.min(end, start + ERROR_TEXT_MAX));
    this.#errorText = (this.#errorText + part).slice(0, ERROR_TEXT_MAX);
  }

  /** A line is complete: an element of its own, or the header of a body or of more elements. */
  #lineDone(): boolean {
    this.#state = State.Start;
    if (this.#type === Byte.Minus) this.#countError();
    else if (this.#type === Byte.Plus) this.#countScalar(ReplyKind.Status);
    else if (this.#type === Byte.Colon) this.#countScalar(ReplyKind.Integer);
    else if (this.#isNegative) this.nullsCount++;
    else if (this.#type === Byte.Star) {
      this.#countArray(this.#number);
      this.#itemsPending += this.#number;
    } else {
      this.#bodyLength = this.#number;
      this.#bodyLeft = this.#number + 2;
      this.#state = State.Body;
      return true;
    }
    this.#itemsPending--;
    return true;
  }

  /** A status or a number; inside an array of bulk strings neither belongs. */
  #countScalar(is: ReplyKind): void {
    const { kind } = this;
    const isDue = this.#isInside ? kind !== ReplyKind.BulkArray : kind === is;
    if (!isDue && kind !== ReplyKind.Any) this.unexpectedCount++;
  }

  #countArray(count: number): void {
    const { kind } = this;
    if (kind === ReplyKind.BulkArray && !this.#isInside) {
      if (count === 0) this.nullsCount++;
      else if (count < this.itemsMin || count > this.itemsMax) this.unexpectedCount++;
      return;
    }
    const isDue = kind === ReplyKind.Any || (this.#isInside && kind !== ReplyKind.BulkArray);
    if (!isDue) this.unexpectedCount++;
  }

  #countError(): void {
    this.errorsCount++;
    const text = this.#errorText.trimEnd();
    if (this.firstError === "") this.firstError = text;
    const code = text.split(" ", 1)[0] || "(empty)";
    const count = this.errorKinds.get(code) ?? 0;
    if (count > 0 || this.errorKinds.size < ERROR_KINDS_MAX) this.errorKinds.set(code, count + 1);
  }

  #takeBody(bytes: Buffer, at: number, end: number): number {
    const taken = Math.min(this.#bodyLeft, end - at);
    const length = this.#bodyLength;
    const isEmpty = length === 0 && this.#bodyLeft === 2;
    if (this.observer !== null && (this.#bodyLeft > 2 || isEmpty)) {
      const offset = length + 2 - this.#bodyLeft;
      const end = at + Math.min(taken, this.#bodyLeft - 2);
      this.observer.piece(bytes, at, end, offset, length);
    }
    this.#bodyLeft -= taken;
    if (this.#bodyLeft === 0) {
      this.#countBulk(length);
      this.#itemsPending--;
      this.#state = State.Start;
    }
    return at + taken;
  }
}
