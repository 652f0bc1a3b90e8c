/**
 * What a program does without a store: `Map`s from strings to Buffers and arrays of Buffers, in the
 * heap. The naive baseline of `--db map`, with the calls and the results of the embedded store.
 *
 * It is spread over SHARDS_COUNT Maps: one Map holds 2^24 keys at the most, and a large one stops
 * the program while it grows.
 * What is set is copied, since a value belongs to who stores it; what is read is the value itself,
 * which is cheaper and lets every reader change it. Not here: expiry, limits, other threads.
 */

const SHARDS_COUNT = 64;

/** The key holds a list where a string is wanted, or the other way round. */
export class WrongTypeError extends Error {
  override name = "WrongTypeError";
}

export class ShardedMap {
  readonly #shards = Array.from(
    { length: SHARDS_COUNT },
    () => new Map<string, Buffer | Buffer[]>(),
  );

  get keysCount(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, 0);
  }

  /** The value, null when there is no such key. Throws WrongTypeError for a list. */
  get(key: string): Buffer | null {
    const value = this.#shardOf(key).get(key);
    if (value === undefined) return null;
    if (Array.isArray(value)) throw new WrongTypeError("Cannot read a string: it is a list");
    return value;
  }

  /** Sets the key, whatever was there. */
  set(key: string, value: Buffer): void {
    this.#shardOf(key).set(key, copyOf(value));
  }

  /** Removes the key; whether it was there. */
  delete(key: string): boolean {
    return this.#shardOf(key).delete(key);
  }

  /** Adds an element before the first (making the list if need be); the new number of elements. */
  pushHead(key: string, item: Buffer): number {
    const list = this.#list(key);
    if (list !== undefined) return list.unshift(copyOf(item));
    this.#shardOf(key).set(key, [copyOf(item)]);
    return 1;
  }

  /** Keeps elements `start` to `stop` (as in `range`); an empty list is no list. */
  trim(key: string, start: number, stop: number): void {
    const list = this.#list(key);
    if (list === undefined) return;
    const first = start < 0 ? Math.max(0, start + list.length) : start;
    const end = stop < 0 ? stop + list.length + 1 : stop + 1;
    list.splice(Math.max(0, end));
    list.splice(0, first);
    if (list.length === 0) this.delete(key);
  }

  /** Elements `start` to `stop`, both included; negative numbers count from the end. */
  range(key: string, start: number, stop: number): Buffer[] {
    const list = this.#list(key);
    if (list === undefined) return [];
    const first = start < 0 ? Math.max(0, start + list.length) : start;
    return list.slice(first, Math.max(0, stop < 0 ? stop + list.length + 1 : stop + 1));
  }

  #list(key: string): Buffer[] | undefined {
    const value = this.#shardOf(key).get(key);
    if (value === undefined || Array.isArray(value)) return value;
    throw new WrongTypeError("Cannot use as a list: it is a string");
  }

  /** By FNV-1a (Fowler, Noll, Vo) over the characters. */
  #shardOf(key: string): Map<string, Buffer | Buffer[]> {
    let hash = 0x811c9dc5;
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
    // The low bits mix the least of a short key's first characters.
    return this.#shards[(hash ^ (hash >>> 16)) & (SHARDS_COUNT - 1)]!;
  }
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
