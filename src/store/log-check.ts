/**
 * What makes a record of the log believed: a checksum of all of it, mixed with its size and with
 * the number of its chunk, so that nothing that an earlier use of the chunk has left behind checks.
 *
 *     check = hash(bytes 8 to size) ^ seed(chunk number) ^ size * SIZE_FACTOR
 *
 * The hash is the faster one at each size: xxHash32 of small records (176 bytes: 40 ns), CRC-32 of
 * large ones, which the runtime computes natively (1 KiB: 94 ns, xxHash32 150 ns).
 */
import { crc32Words } from "../base/crc32.ts";
import { xxHash32Words } from "../base/xxhash32.ts";
import { LOG_UNCHECKED_WORDS } from "./log-layout.ts";

/** Records of at least so many bytes have a CRC-32; in format 1 all have. */
const CRC_SIZE_MIN = 512;

/** Two odd numbers, so that every bit of a chunk's number and of a size changes the checksum. */
const CHUNK_FACTOR = 0x9e37_79b1;
const SIZE_FACTOR = 0x85eb_ca6b;

/** What a chunk's number adds to the checksums of its records. */
export function chunkSeed(number: number): number {
  const high = Math.floor(number / 2 ** 32) | 0;
  return Math.imul((number | 0) + 1, CHUNK_FACTOR) ^ Math.imul(high, SIZE_FACTOR);
}

/** The checksum of the record of `size` bytes at word `w`. Hot: once per record. */
export function recordCheck(
  words: Int32Array,
  w: number,
  size: number,
  seed: number,
  format: number,
): number {
  const from = w + LOG_UNCHECKED_WORDS;
  const count = (size >>> 2) - LOG_UNCHECKED_WORDS;
  const hash =
    size < CRC_SIZE_MIN && format > 1
      ? xxHash32Words(words, from, count)
      : crc32Words(words, from, count);
  return hash ^ seed ^ Math.imul(size, SIZE_FACTOR);
}
