/**
 * zstd (RFC 8878) around the bytes of any format, by the runtime's own.
 *
 * Decompressing is bounded before it begins: the runtime takes the size of what it allocates from
 * the frame, goes on with the next frame behind it, and has no limit of its own. So exactly one
 * frame is accepted, which must declare its content's size:
 *
 *   magic FD2FB528 | descriptor | [window] | [dictionary id] | content size of 1, 2, 4 or 8 bytes |
 *   blocks: 3 bytes (last: 1 bit, type: 2, size: 21), then their bytes | [checksum of 4 bytes]
 *
 * compress() writes such frames. A frame whose content is larger than declared fails in zstd
 * itself.
 */
import { malformed } from "./shapes.ts";

export const ZSTD_LEVEL_MIN = 1;
export const ZSTD_LEVEL_MAX = 22;
export const ZSTD_LEVEL_DEFAULT = 3;

const NAME = "zstd";
const MAGIC = 0xfd2fb528;
const HEAD_SIZE_MIN = 6;
const BLOCK_HEAD_SIZE = 3;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;
const CHECKSUM_SIZE = 4;
const DICTIONARY_ID_SIZES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_SIZES = [0, 2, 4, 8] as const;

/** Throws RangeError for a level that zstd does not have. */
export function compress(bytes: Buffer, level: number): Buffer {
  if (!Number.isInteger(level) || level < ZSTD_LEVEL_MIN || level > ZSTD_LEVEL_MAX) {
    const bounds = `${ZSTD_LEVEL_MIN} to ${ZSTD_LEVEL_MAX}`;
    throw new RangeError(`${NAME}: level ${level} is not one of ${bounds}`);
  }
  return Bun.zstdCompressSync(bytes, { level });
}

/** Throws RangeError when `bytes` is malformed, or its content larger than `sizeMax` bytes. */
export function decompress(bytes: Buffer, sizeMax: number): Buffer {
  const size = contentSize(bytes);
  if (size > sizeMax) malformed(NAME, `content of ${size} bytes, at most ${sizeMax} are taken`);
  let content: Buffer;
  try {
    content = Bun.zstdDecompressSync(bytes);
  } catch {
    return malformed(NAME, "the frame is damaged");
  }
  return content.length === size ? content : malformed(NAME, "the content is not of its size");
}

/** The declared size of the content of the one frame that `bytes` must be. */
function contentSize(bytes: Buffer): number {
  if (bytes.length < HEAD_SIZE_MIN) malformed(NAME, "it ends early");
  if (bytes.readUInt32LE(0) !== MAGIC) malformed(NAME, "it is not a zstd frame");
  const descriptor = bytes[4] as number;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryIdSize = DICTIONARY_ID_SIZES[(descriptor & 3) as 0 | 1 | 2 | 3];
  const sizeFlag = (descriptor >>> 6) as 0 | 1 | 2 | 3;
  const sizeSize = sizeFlag === 0 && isSingleSegment ? 1 : CONTENT_SIZE_SIZES[sizeFlag];
  if (sizeSize === 0) malformed(NAME, "the frame does not declare the size of its content");
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + dictionaryIdSize;
  const blocksAt = sizeAt + sizeSize;
  if (blocksAt > bytes.length) malformed(NAME, "it ends early");
  const checksumSize = (descriptor & 0x04) !== 0 ? CHECKSUM_SIZE : 0;
  if (blocksEnd(bytes, blocksAt) + checksumSize !== bytes.length) {
    malformed(NAME, "bytes behind the frame");
  }
  switch (sizeSize) {
    case 1:
      return bytes[sizeAt] as number;
    case 2:
      return bytes.readUInt16LE(sizeAt) + 256;
    case 4:
      return bytes.readUInt32LE(sizeAt);
    default:
      return Number(bytes.readBigUInt64LE(sizeAt));
  }
}

/** Where the last of the blocks from `start` on ends. */
function blocksEnd(bytes: Buffer, start: number): number {
  let at = start;
  for (;;) {
    if (at + BLOCK_HEAD_SIZE > bytes.length) malformed(NAME, "it ends early");
    const head = bytes.readUIntLE(at, BLOCK_HEAD_SIZE);
    const type = (head >>> 1) & 3;
    if (type === BLOCK_RESERVED) malformed(NAME, "a block of a type that zstd does not have");
    at += BLOCK_HEAD_SIZE + (type === BLOCK_RLE ? 1 : head >>> 3);
    if (at > bytes.length) malformed(NAME, "it ends early");
    if ((head & 1) !== 0) return at;
  }
}
