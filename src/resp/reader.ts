/**
 * Reply reader: bytes from a server, as JavaScript values.
 *
 * For the tests and the control connections of the benchmark. `feed` takes pieces cut anywhere,
 * `next` gives the replies that are whole, in order:
 *
 *      while ((reply = reader.next()) !== undefined) ...
 *
 * A reply is decoded once, when it is whole (ReplyScanner finds its end), so pieces cost O(n) in
 * total. Bulk strings are Buffers of their own (or latin1 strings, if asked for); nothing refers to
 * what was fed. Not here: counting without decoding (reply-scanner.ts).
 */
import { assert } from "../base/assert.ts";
import { ByteBuffer } from "../base/byte-buffer.ts";
import { ReplyScanner } from "./reply-scanner.ts";

/** An error reply. A value, not thrown: a pipeline may have some. */
export class ReplyError {
  /** `text` is latin1, without the dash and the line end. */
  constructor(readonly text: string) {}

  /** The first word: ERR, WRONGTYPE, NOAUTH ... */
  get code(): string {
    return this.text.split(" ", 1)[0] as string;
  }
}

/** An out-of-band message of RESP3. */
export class ReplyPush {
  constructor(readonly items: Reply[]) {}
}

/** A RESP3 double, apart from integers, which are plain numbers. */
export class ReplyDouble {
  constructor(readonly value: number) {}
}

/**
 * Simple strings are strings; integers beyond 2^53 are bigints; bulk strings are Buffers, or
 * strings if asked for.
 */
export type Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | Buffer
  | ReplyError
  | ReplyPush
  | ReplyDouble
  | Map<Reply, Reply>
  | Set<Reply>
  | Reply[];

export class ReplyReader {
  readonly #scanner = new ReplyScanner();
  readonly #input = new ByteBuffer(4096);
  readonly #isText: boolean;
  /** Start of the first reply that was not given out. */
  #head = 0;
  /** Up to where the scanner has read. */
  #scanned = 0;
  /** Offset of the decoder. */
  #at = 0;

  /** `bulksAsText`: bulk strings become latin1 strings, which compare more easily. */
  constructor(options: { bulksAsText?: boolean } = {}) {
    this.#isText = options.bulksAsText ?? false;
  }

  /** Takes bytes from the server; they may be reused by the caller afterwards. */
  feed(bytes: Uint8Array): void {
    const input = this.#input;
    // What was given out is dropped once it is more than half of the buffer, so each byte moves
    // once on average.
    if (this.#head * 2 > input.length) {
      input.bytes.copyWithin(0, this.#head, input.length);
      input.length -= this.#head;
      this.#scanned -= this.#head;
      this.#head = 0;
    }
    input.append(bytes as Buffer, 0, bytes.length);
  }

  /**
   * The next whole reply, or undefined when there is none yet. Throws when the stream is no RESP.
   */
  next(): Reply | undefined {
    if (!this.#advance()) return undefined;
    this.#at = this.#head;
    const reply = this.#decode();
    assert(this.#at === this.#scanned, `decoder at ${this.#at}, scanner at ${this.#scanned}`);
    this.#head = this.#scanned;
    return reply;
  }

  /** The bytes of the next whole reply, undecoded; undefined when there is none yet. */
  nextRaw(): Buffer | undefined {
    if (!this.#advance()) return undefined;
    const raw = Buffer.from(this.#input.bytes.subarray(this.#head, this.#scanned));
    this.#head = this.#scanned;
    return raw;
  }

  /** Bytes fed and not given out yet. */
  get pendingSize(): number {
    return this.#input.length - this.#head;
  }

  #advance(): boolean {
    const { bytes, length } = this.#input;
    if (this.#scanned === length) return false;
    this.#scanned = this.#scanner.scan(bytes, this.#scanned, length);
    assert(!this.#scanner.isBroken, `not a RESP reply: ${this.#excerpt()}`);
    return this.#scanner.isComplete;
  }

  #excerpt(): string {
    const { bytes, length } = this.#input;
    return JSON.stringify(bytes.toString("latin1", this.#head, Math.min(length, this.#head + 80)));
  }

  /** One element at #at; it is known to be whole. */
  #decode(): Reply {
    const bytes = this.#input.bytes;
    const type = String.fromCharCode(bytes[this.#at] as number);
    const lineEnd = bytes.indexOf("\r\n", this.#at, "latin1");
    const line = bytes.toString("latin1", this.#at + 1, lineEnd);
    this.#at = lineEnd + 2;
    switch (type) {
      case "+":
        return line;
      case "-":
        return new ReplyError(line);
      case ":":
        return integer(line);
      case "(":
        return BigInt(line);
      case "_":
        return null;
      case "#":
        return line === "t";
      case ",":
        return new ReplyDouble(Number(line.replace("inf", "Infinity")));
      default:
        return this.#decodeSized(type, Number(line));
    }
  }

  #decodeSized(type: string, count: number): Reply {
    if (count < 0) return null;
    switch (type) {
      case "$":
        return this.#isText ? this.#take(count).toString("latin1") : this.#take(count);
      case "!":
        return new ReplyError(this.#take(count).toString("latin1"));
      case "=":
        return this.#take(count).toString("utf8", 4);
      case "*":
        return this.#items(count);
      case "~":
        return new Set(this.#items(count));
      case ">":
        return new ReplyPush(this.#items(count));
      case "%":
        return this.#map(count);
      default:
        // An attribute: read and dropped, what it stands before is the reply.
        this.#map(count);
        return this.#decode();
    }
  }

  #take(length: number): Buffer {
    const taken = Buffer.from(this.#input.bytes.subarray(this.#at, this.#at + length));
    this.#at += length + 2;
    return taken;
  }

  #items(count: number): Reply[] {
    const items: Reply[] = [];
    for (let i = 0; i < count; i++) items.push(this.#decode());
    return items;
  }

  #map(pairsCount: number): Map<Reply, Reply> {
    const map = new Map<Reply, Reply>();
    for (let i = 0; i < pairsCount; i++) {
      const key = this.#decode();
      map.set(key, this.#decode());
    }
    return map;
  }
}

function integer(line: string): number | bigint {
  const value = Number(line);
  return Number.isSafeInteger(value) ? value : BigInt(line);
}

/** Every whole reply in `bytes`, which must end with one. */
export function decodeReplies(bytes: Uint8Array, options: { bulksAsText?: boolean } = {}): Reply[] {
  const reader = new ReplyReader(options);
  reader.feed(bytes);
  const replies: Reply[] = [];
  for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
  assert(reader.pendingSize === 0, `${reader.pendingSize} bytes of an unfinished reply are left`);
  return replies;
}
