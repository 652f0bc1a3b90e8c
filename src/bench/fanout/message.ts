/**
 * What every message of the fan-out workloads begins with, so that each delivery can be told from
 * all others and timed:
 *
 *      0        4      8            12          16               24                32
 *      | magic  | tag  | publisher  | sequence  | due, f64 ns    | sent, f64 ns    | payload …
 *
 * Integers are 32 bits, all is little-endian. `tag` is drawn for each phase: what is still under
 * way from an earlier one, or comes from somebody else, is not counted. `sequence` counts the
 * messages of one publisher from 0. Both times are of this process's monotonic clock, which
 * publishers and subscribers share; they differ only in an open loop, where a message can leave
 * later than it was due. A WebSocket client masks what it sends (RFC 6455, 5.3): `key` is that mask
 * for each word.
 */

export const HEADER_SIZE = 32;
/** Of so many deliveries one is decoded and compared, with --verify each. */
export const PAYLOAD_SAMPLE_EVERY = 64;
/** "kvf1" */
const MAGIC = 0x3166766b;

const float = new Float64Array(2);
const words = new Int32Array(float.buffer);

/** The header that was last read by `readHeader`. One for all: reading allocates nothing. */
export const header = { publisher: 0, sequence: 0, dueNs: 0, sentNs: 0 };

/** Writes a header at `at`, each word of it masked with `key` (0 for none). */
export function writeHeader(
  target: DataView,
  at: number,
  key: number,
  tag: number,
  publisher: number,
  sequence: number,
  dueNs: number,
  sentNs: number,
): void {
  float[0] = dueNs;
  float[1] = sentNs;
  target.setInt32(at, MAGIC ^ key, true);
  target.setInt32(at + 4, tag ^ key, true);
  target.setInt32(at + 8, publisher ^ key, true);
  target.setInt32(at + 12, sequence ^ key, true);
  target.setInt32(at + 16, words[0]! ^ key, true);
  target.setInt32(at + 20, words[1]! ^ key, true);
  target.setInt32(at + 24, words[2]! ^ key, true);
  target.setInt32(at + 28, words[3]! ^ key, true);
}

/**
 * Reads the header of the message [at, at + size) into `header`; false when it is no message of the
 * phase `tag`. Hot: once per delivery, 15 ns of the 45 that a delivery costs beside the kernel.
 */
export function readHeader(bytes: Buffer, at: number, size: number, tag: number): boolean {
  if (size < HEADER_SIZE || wordAt(bytes, at) !== MAGIC || wordAt(bytes, at + 4) !== tag) {
    return false;
  }
  header.publisher = wordAt(bytes, at + 8);
  header.sequence = wordAt(bytes, at + 12);
  words[0] = wordAt(bytes, at + 16);
  words[1] = wordAt(bytes, at + 20);
  words[2] = wordAt(bytes, at + 24);
  words[3] = wordAt(bytes, at + 28);
  header.dueNs = float[0]!;
  header.sentNs = float[1]!;
  return true;
}

function wordAt(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
