/**
 * Fuzzer of the formats: values of every shape are encoded, damaged, and read again. A reader must
 * return or throw RangeError, in time; what it returns must be a value of its shape, which comes
 * back when it is written again.
 *
 * Run: bun src/formats/formats.fuzz.ts [--seed N] [--rounds N]; a small run is part of the tests.
 * The seed of a round is in the message. `canary` reads with a codec that believes a length.
 */
import { assert } from "../base/assert.ts";
import { nanoseconds } from "../base/clock.ts";
import { freshSeed, Prng } from "../base/prng.ts";
import type { ChatPayload } from "./format.ts";
import { codecOf, FORMATS } from "./formats.ts";
import { type Codec, isInt32, isUint32, type ShapeKind, type ShapeTypes } from "./shapes.ts";

export interface FuzzOptions {
  seed: number;
  rounds: number;
  canary?: boolean;
}

const KINDS: readonly ShapeKind[] = ["chat", "history", "blob", "series"];
/** Values are at most a few kilobytes: what takes longer than this follows a length it has read. */
const READ_NS_MAX = 2e9;
const LETTERS = ["", "a", "Z", "9", " ", "\0", "é", "ß", "日", "本", "🌍", "\uFFFD", '"', "\\"];

type AnyCodec = Codec<ShapeTypes[ShapeKind]>;

/** Returns how many damaged inputs were read. Throws at the first that shows a fault. */
export function fuzzFormats(options: FuzzOptions): number {
  let readsCount = 0;
  for (let round = 0; round < options.rounds; round++) {
    const seed = (options.seed + round) | 0;
    try {
      readsCount += runRound(new Prng(seed), options.canary ?? false);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return readsCount;
}

function runRound(prng: Prng, isCanary: boolean): number {
  const { name } = prng.pick(FORMATS);
  const kind = prng.pick(KINDS);
  const found = codecOf(name, kind) as AnyCodec | undefined;
  if (found === undefined) return 0;
  const codec = isCanary ? credulous(found) : found;
  const bytes = codec.encode(randomValue(kind, prng));
  const other = codec.encode(randomValue(kind, prng));
  for (let i = 0; i < 10; i++) {
    const damaged = damage(bytes, other, prng);
    const startNs = nanoseconds();
    readAll(codec, kind, damaged, name);
    const elapsedNs = nanoseconds() - startNs;
    assert(elapsedNs < READ_NS_MAX, `${name} ${kind}: ${elapsedNs} ns for ${hex(damaged)}`);
  }
  return 10;
}

function readAll(codec: AnyCodec, kind: ShapeKind, bytes: Buffer, name: string): void {
  const place = `${name} ${kind} ${hex(bytes)}`;
  const before = Buffer.from(bytes);
  const one = expectRangeError(place, () => codec.readOne(bytes));
  assert(one === undefined || typeof one === "number", `${place}: readOne gives no number`);
  const value = expectRangeError(place, () => codec.decode(bytes));
  if (value !== undefined) {
    assert(isValue(kind, value), `${place}: no value of its shape`);
    const again = codec.encode(value);
    assert(codec.matches(again, value), `${place}: a value that does not come back`);
    if (name !== "string") assert(codec.matches(bytes, value), `${place}: does not match itself`);
  }
  assert(bytes.equals(before), `${place}: the input has changed`);
}

/** What `read` returns, undefined when it throws RangeError. Any other error is a fault. */
function expectRangeError<T>(place: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert(error instanceof RangeError, `${place}: ${error} is no RangeError`);
    return undefined;
  }
}

function isValue(kind: ShapeKind, value: ShapeTypes[ShapeKind]): boolean {
  if (!isUint32(value.id)) return false;
  switch (kind) {
    case "chat":
      return isChat(value as ChatPayload);
    case "history":
      return (value as ShapeTypes["history"]).items.every(isChat);
    case "blob": {
      const { body, timestamp } = value as ShapeTypes["blob"];
      return body instanceof Uint8Array && isUint32(timestamp);
    }
    default: {
      const { values, counts, deltas } = value as ShapeTypes["series"];
      const areNumbers = values.every((each) => typeof each === "number");
      return areNumbers && counts.every(isUint32) && deltas.every(isInt32);
    }
  }
}

function isChat({ data, timestamp, id }: ChatPayload): boolean {
  return typeof data === "string" && isUint32(timestamp) && isUint32(id);
}

// ---- Values and damage ----

export function randomValue(kind: ShapeKind, prng: Prng): ShapeTypes[ShapeKind] {
  switch (kind) {
    case "chat":
      return randomChat(prng);
    case "history":
      return { items: randomList(prng, 12, () => randomChat(prng)), id: randomUint32(prng) };
    case "blob": {
      const body = Buffer.alloc(prng.below(prng.pick([1, 4, 300])));
      prng.fill(body);
      return { body: new Uint8Array(body), timestamp: randomUint32(prng), id: randomUint32(prng) };
    }
    default:
      return {
        values: randomList(prng, 20, () => randomDouble(prng)),
        counts: randomList(prng, 20, () => randomUint32(prng)),
        deltas: randomList(prng, 20, () => prng.int32() >> prng.below(32)),
        id: randomUint32(prng),
      };
  }
}

function randomChat(prng: Prng): ChatPayload {
  const data = randomList(prng, prng.pick([2, 20, 200]), () => prng.pick(LETTERS)).join("");
  return { data, timestamp: randomUint32(prng), id: randomUint32(prng) };
}

function randomList<T>(prng: Prng, countMax: number, make: () => T): T[] {
  return Array.from({ length: prng.below(countMax) }, make);
}

/** All lengths alike, from one bit to 32. */
function randomUint32(prng: Prng): number {
  return prng.int32() >>> prng.below(32);
}

/** None that JSON has no words for: NaN, the infinities, the negative zero. */
function randomDouble(prng: Prng): number {
  const value = prng.int32() * 10 ** prng.between(-12, 12);
  return prng.chance(4) ? prng.below(1000) : value + 0;
}

function damage(bytes: Buffer, other: Buffer, prng: Prng): Buffer {
  const damaged = Buffer.from(bytes);
  const at = prng.below(damaged.length + 1);
  switch (prng.below(6)) {
    case 0:
      return damaged.subarray(0, at);
    case 1:
      return Buffer.concat([damaged.subarray(0, at), other.subarray(prng.below(other.length + 1))]);
    case 2:
      prng.fill(damaged, at, Math.min(damaged.length, at + prng.between(1, 8)));
      return damaged;
    case 3:
      // Lengths and offsets that are as large as they can be.
      return damaged.fill(0xff, at, Math.min(damaged.length, at + prng.between(1, 5)));
    case 4:
      return Buffer.concat([
        damaged.subarray(0, at),
        Buffer.from([prng.below(256)]),
        damaged.subarray(at),
      ]);
    default:
      for (let i = prng.between(1, 4); i > 0 && damaged.length > 0; i--) {
        const place = prng.below(damaged.length);
        damaged[place] = (damaged[place] as number) ^ (1 << prng.below(8));
      }
      return damaged;
  }
}

/** Copies what the first byte says is there, as a parser in C would. */
function credulous(codec: AnyCodec): AnyCodec {
  return {
    ...codec,
    readOne: (bytes) => {
      if ((bytes[0] ?? 0) > bytes.length) throw new Error("read outside");
      return 0;
    },
  };
}

function hex(bytes: Buffer): string {
  return bytes.length > 200 ? `${bytes.toString("hex", 0, 200)}…` : bytes.toString("hex");
}

if (import.meta.main) {
  const option = (name: string): number | undefined => {
    const found = process.argv.find((argument) => argument.startsWith(`--${name}=`));
    return found === undefined ? undefined : Number(found.slice(name.length + 3));
  };
  const seed = option("seed") ?? freshSeed() % 1_000_000_000;
  console.log(`formats.fuzz: --seed=${seed}`);
  const readsCount = fuzzFormats({ seed, rounds: option("rounds") ?? 50_000 });
  console.log(`formats.fuzz: ${readsCount} damaged inputs read, nothing found`);
}
