/**
 * Counts the replies in a stream of RESP2 bytes without building any of them.
 *
 * It sits between a driver's socket and its recorder: `feed` takes what one read brought and
 * answers how many replies were completed by it. On the way it counts errors (by their code),
 * nulls, and replies that are not what the request asks for (another type, or a bulk string of
 * another length); a `ReplyVerifier` also sees every byte of the bulk strings.
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
}

/** No server sends a longer status, error or number; a stream that does is not RESP. */
const LINE_SIZE_MAX = 64 * 1024;
/** How much of an error text is kept for the report. */
const ERROR_TEXT_MAX = 200;
/** Different error codes told apart; a server has a few dozen, so that more means garbage. */
const ERROR_KINDS_MAX = 64;

/**
 * Looks at the bulk strings of the replies, piece by piece and in order. Called only with
 * `--verify`.
 */
export interface ReplyVerifier {
  /** The bytes [start, end) of a bulk string, `offset` bytes into it. */
  piece(bytes: Buffer, start: number, end: number, offset: number): void;
  /** A reply is complete, whatever it was. `isNull` and `isError` replies had no pieces. */
  replyDone(): void;
}

export class ReplyCounter {
  /** Error replies, also inside arrays. */
  errorsCount = 0;
  /** Null bulk strings and null arrays. */
  nullsCount = 0;
  /**
   * Replies of another type or length than `kind` and `bulkLength` say; errors and nulls are not
   * among them.
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

  kind: ReplyKind = ReplyKind.Status;
  /** The length that a bulk reply must have; -1 for any. */
  bulkLength = -1;
  verifier: ReplyVerifier | null = null;

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
  /** The element under way belongs to an array, so that `kind` says nothing about it. */
  #isInside = false;

  /** Forgets what was counted and says what the next replies must be. Only between replies. */
  reset(kind: ReplyKind, bulkLength: number, verifier: ReplyVerifier | null): void {
    this.errorsCount = this.nullsCount = this.unexpectedCount = this.payloadBytes = 0;
    this.errorKinds.clear();
    this.firstError = "";
    this.kind = kind;
    this.bulkLength = bulkLength;
    this.verifier = verifier;
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
      if (this.#state === State.Start && this.#itemsPending === 0) {
        const behind = this.#whole(bytes, at, end);
        if (behind > 0) {
          at = behind;
          replies++;
          continue;
        }
      }
      at = this.#step(bytes, at, end);
      if (at < 0) return -1;
      if (this.#state === State.Start && this.#itemsPending === 0) {
        replies++;
        this.verifier?.replyDone();
      }
    }
    return replies;
  }

  /**
   * Fast path: counts `+OK` or a bulk string that is whole in the piece; returns the offset behind
   * it, or 0.
   */
  #whole(bytes: Buffer, at: number, end: number): number {
    const type = bytes[at];
    if (type === Byte.Plus) {
      if (end - at < 5 || bytes[at + 1] !== Byte.O || bytes[at + 2] !== Byte.K) return 0;
      if (bytes[at + 3] !== Byte.CarriageReturn || bytes[at + 4] !== Byte.LineFeed) return 0;
      if (this.kind !== ReplyKind.Status) this.unexpectedCount++;
      if (this.verifier !== null) this.verifier.replyDone();
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
    this.#isInside = false;
    this.#countBulk(length);
    if (this.verifier !== null) {
      this.verifier.piece(bytes, bodyStart, bodyStart + length, 0);
      this.verifier.replyDone();
    }
    return bodyStart + length + 2;
  }

  #countBulk(length: number): void {
    this.payloadBytes += length;
    if (this.#isInside) return;
    if (this.kind !== ReplyKind.Bulk || (this.bulkLength >= 0 && length !== this.bulkLength)) {
      this.unexpectedCount++;
    }
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
    const isTop = !this.#isInside;
    if (this.#type === Byte.Minus) this.#countError();
    else if (this.#type === Byte.Plus || this.#type === Byte.Colon) {
      if (isTop && (this.kind !== ReplyKind.Status || this.#type === Byte.Colon)) {
        this.unexpectedCount++;
      }
    } else if (this.#isNegative) this.nullsCount++;
    else if (this.#type === Byte.Star) {
      if (isTop) this.unexpectedCount++;
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
    if (this.verifier !== null && this.#bodyLeft > 2) {
      const offset = this.#bodyLength + 2 - this.#bodyLeft;
      this.verifier.piece(bytes, at, at + Math.min(taken, this.#bodyLeft - 2), offset);
    }
    this.#bodyLeft -= taken;
    if (this.#bodyLeft === 0) {
      this.#countBulk(this.#bodyLength);
      this.#itemsPending--;
      this.#state = State.Start;
    }
    return at + taken;
  }
}
