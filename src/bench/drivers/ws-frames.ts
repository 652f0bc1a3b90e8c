/**
 * WebSocket frames (RFC 6455, 5.2), the client's side: reads what a server sends without building
 * any object, and makes masked frames.
 *
 *      | FIN rsv opcode | MASK length 7 | length 16 or 64 | mask 32, client only | payload |
 *
 * A message that is whole in one frame and one read is handed on where it lies. A fragmented one is
 * put together first; control frames may come between its fragments.
 * Limits: MESSAGE_SIZE_MAX. Not here: extensions (none is ever asked for), UTF-8 of text frames.
 */
import { ByteBuffer } from "../../base/byte-buffer.ts";
import { StreamReader } from "./stream-reader.ts";

export const enum Opcode {
  Continuation = 0,
  Text = 1,
  Binary = 2,
  Close = 8,
  Ping = 9,
  Pong = 10,
}

const MESSAGE_SIZE_MAX = 1024 * 1024 * 1024;
const CONTROL_SIZE_MAX = 125;
const FRAGMENTS_SIZE_START = 4096;
const FIN = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;

export interface FrameSink {
  /** The message [at, at + size), binary or text. The bytes are not kept. */
  onMessage(bytes: Buffer, at: number, size: number): void;
  /** A ping, pong or close frame with its payload. */
  onControl(opcode: Opcode, bytes: Buffer, at: number, size: number): void;
}

export class WsFrameReader extends StreamReader {
  readonly #sink: FrameSink;
  /** The fragments so far of a message that is not whole; null between messages. */
  #fragments: ByteBuffer | null = null;

  constructor(sink: FrameSink) {
    super();
    this.#sink = sink;
  }

  protected take(bytes: Buffer, at: number, end: number): number {
    if (end - at < 2) return this.#lacks(2, at);
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    if ((first & RESERVED) !== 0) return this.#fail("a frame with reserved bits");
    if ((second & MASKED) !== 0) return this.#fail("a masked frame from a server");
    let headSize = 2;
    let size = second & 0x7f;
    if (size === 126) {
      headSize = 4;
      if (end - at < headSize) return this.#lacks(headSize, at);
      size = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    } else if (size === 127) {
      headSize = 10;
      if (end - at < headSize) return this.#lacks(headSize, at);
      size = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
      if (size > MESSAGE_SIZE_MAX) return this.#fail(`a frame of ${size} bytes`);
    }
    if (end - at < headSize + size) return this.#lacks(headSize + size, at);
    const isTaken = this.#takeFrame(first, bytes, at + headSize, size);
    return isTaken ? at + headSize + size : -1;
  }

  #takeFrame(first: number, bytes: Buffer, at: number, size: number): boolean {
    const opcode = first & 0x0f;
    const isFinal = (first & FIN) !== 0;
    if (opcode >= Opcode.Close) {
      if (!isFinal || size > CONTROL_SIZE_MAX || opcode > Opcode.Pong) {
        return this.#fail("a malformed control frame") > 0;
      }
      this.#sink.onControl(opcode, bytes, at, size);
      return true;
    }
    const isContinued = opcode === Opcode.Continuation;
    if (opcode > Opcode.Binary || isContinued !== (this.#fragments !== null)) {
      return this.#fail(`a frame of kind ${opcode} out of turn`) > 0;
    }
    if (isFinal && !isContinued) {
      this.#sink.onMessage(bytes, at, size);
      return true;
    }
    return this.#addFragment(isFinal, bytes, at, size);
  }

  #addFragment(isFinal: boolean, bytes: Buffer, at: number, size: number): boolean {
    this.#fragments ??= new ByteBuffer(FRAGMENTS_SIZE_START);
    if (this.#fragments.length + size > MESSAGE_SIZE_MAX) {
      return this.#fail(`a message of more than ${MESSAGE_SIZE_MAX} bytes`) > 0;
    }
    this.#fragments.append(bytes, at, size);
    if (!isFinal) return true;
    const whole = this.#fragments;
    this.#fragments = null;
    this.#sink.onMessage(whole.bytes, 0, whole.length);
    return true;
  }

  #lacks(size: number, at: number): number {
    this.needed = size;
    return at;
  }

  #fail(what: string): number {
    this.malformed = what;
    return -1;
  }
}

/** A whole frame, masked with `key` (32 bits, the first byte of the payload with the lowest). */
export function maskedFrame(
  opcode: Opcode,
  payload: Buffer,
  key: number,
): { bytes: Buffer; payloadAt: number } {
  const { length } = payload;
  const lengthSize = length < 126 ? 0 : length < 2 ** 16 ? 2 : 8;
  const payloadAt = 2 + lengthSize + 4;
  const bytes = Buffer.alloc(payloadAt + length);
  bytes[0] = FIN | opcode;
  bytes[1] = MASKED | (lengthSize === 0 ? length : lengthSize === 2 ? 126 : 127);
  if (lengthSize === 2) bytes.writeUInt16BE(length, 2);
  else if (lengthSize === 8) bytes.writeBigUInt64BE(BigInt(length), 2);
  bytes.writeInt32LE(key | 0, payloadAt - 4);
  for (let i = 0; i < length; i++) {
    bytes[payloadAt + i] = payload[i]! ^ ((key >>> (8 * (i & 3))) & 0xff);
  }
  return { bytes, payloadAt };
}
