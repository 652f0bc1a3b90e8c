/**
 * The hash of keys: 32 bits, keyed with secrets that each process draws at random.
 *
 * The mixing steps are those of MurmurHash3's 32-bit variant, but both multipliers and the seed are
 * secret. With the published constants an attacker can compute, without knowing the seed, keys that
 * collide under every seed; with secret multipliers the differences that this needs cannot be
 * chosen. docs/decisions/0005 has the measurements against HalfSipHash.
 */

/** Secrets of one process: a seed and two odd multipliers. */
export interface HashSecret {
  readonly seed: number;
  readonly multiplierA: number;
  readonly multiplierB: number;
}

/**
 * Turns random words into secrets: multipliers are made odd, and their high bits set so that no
 * product is short.
 */
export function makeSecret(random: Uint32Array): HashSecret {
  return {
    seed: (random[0] as number) | 0,
    multiplierA: (random[1] as number) | 0x8000_0001 | 0,
    multiplierB: (random[2] as number) | 0x8000_0001 | 0,
  };
}

/**
 * Hash of `length` bytes from `start`, an int32. Hot: once per key.
 * Bytes are read one by one: keys stand unaligned in requests, and a DataView would have to be made
 * for each.
 */
export function hashBytes(
  bytes: Uint8Array,
  start: number,
  length: number,
  secret: HashSecret,
): number {
  const a = secret.multiplierA;
  const b = secret.multiplierB;
  let h = secret.seed ^ length;
  let i = start;
  const wordsEnd = start + (length & ~3);
  while (i < wordsEnd) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    i += 4;
    let k = Math.imul(word, a);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, b);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + a) | 0;
  }
  if (i < start + length) h = mixTail(bytes, i, start + length, h, a, b);
  h ^= h >>> 16;
  h = Math.imul(h, b);
  h ^= h >>> 13;
  h = Math.imul(h, a);
  return h ^ (h >>> 16);
}

function mixTail(
  bytes: Uint8Array,
  from: number,
  end: number,
  h: number,
  a: number,
  b: number,
): number {
  let word = 0;
  for (let i = end - 1; i >= from; i--) word = (word << 8) | (bytes[i] as number);
  let k = Math.imul(word, a);
  k = (k << 15) | (k >>> 17);
  return h ^ Math.imul(k, b);
}
