/**
 * What `kv bench codec` encodes: the shapes by name, and their values out of a seed.
 *
 * Several values of each shape are used in turn, so that no codec meets the same text twice in a
 * row. Half of each text and blob repeats (see formats/payload.ts), as the column of zstd says
 * something only together with that.
 */
import { Prng } from "../../base/prng.ts";
import type { ChatPayload } from "../../formats/format.ts";
import { PayloadGenerator } from "../../formats/payload.ts";
import type { Blob, History, Series, ShapeKind, ShapeTypes } from "../../formats/shapes.ts";

export type ShapeName =
  | "tiny"
  | "chat"
  | "history"
  | "blob-1k"
  | "blob-16k"
  | "blob-64k"
  | "numbers"
  | "utf8";

export interface Shape {
  readonly name: ShapeName;
  readonly kind: ShapeKind;
  /** For the head of its table. */
  readonly title: string;
  /** A power of two. */
  readonly valuesCount: number;
  readonly make: (seed: number) => () => ShapeTypes[ShapeKind];
}

export const COMPRESSIBILITY = 0.5;
const KIBIBYTE = 1024;
const ITEMS_COUNT = 100;
const NUMBERS_COUNT = 64;
/** As of a run that has been going for a while: an id of 0 has one byte where others have three. */
const FIRST_ID = 100_000;
const TIMESTAMP = 1_767_225_600;

export const SHAPES: readonly Shape[] = [
  chat("tiny", 8, "a message of 8 letters and digits"),
  chat("chat", 128, "a message of 128 letters and digits"),
  {
    name: "history",
    kind: "history",
    title: `${ITEMS_COUNT} messages of 64 letters and digits`,
    valuesCount: 16,
    make: makeHistory,
  },
  blob("blob-1k", 1, 64),
  blob("blob-16k", 16, 16),
  blob("blob-64k", 64, 8),
  {
    name: "numbers",
    kind: "series",
    title: `${NUMBERS_COUNT} measurements of three decimals, as many counts and differences`,
    valuesCount: 16,
    make: makeSeries,
  },
  {
    name: "utf8",
    kind: "chat",
    title: "a message of 128 characters in six scripts and emoji",
    valuesCount: 64,
    make: makeMultilingual,
  },
];

/** The values of a shape, the same for every format. */
export function valuesOf(shape: Shape, seed: number): ShapeTypes[ShapeKind][] {
  return Array.from({ length: shape.valuesCount }, shape.make(seed));
}

function chat(name: ShapeName, size: number, title: string): Shape {
  const make = (seed: number) => {
    const generator = new PayloadGenerator(seed, size, COMPRESSIBILITY);
    return () => {
      const payload = generator.next();
      return { ...payload, id: FIRST_ID + payload.id };
    };
  };
  return { name, kind: "chat", title, valuesCount: 64, make };
}

function blob(name: ShapeName, sizeKib: number, valuesCount: number): Shape {
  return {
    name,
    kind: "blob",
    title: `${sizeKib} KiB of bytes`,
    valuesCount,
    make: (seed) => {
      const prng = new Prng(seed);
      return (): Blob => {
        const body = new Uint8Array(sizeKib * KIBIBYTE);
        prng.fill(body, 0, body.length * (1 - COMPRESSIBILITY));
        return { body, timestamp: TIMESTAMP, id: prng.below(1_000_000) };
      };
    },
  };
}

function makeHistory(seed: number): () => History {
  const generator = new PayloadGenerator(seed, 64, COMPRESSIBILITY);
  return () => ({
    items: Array.from({ length: ITEMS_COUNT }, () => generator.next()),
    id: generator.next().id,
  });
}

/** A sensor: values that wander, counts of which most are small, differences of either sign. */
function makeSeries(seed: number): () => Series {
  const prng = new Prng(seed);
  let value = 20;
  const nextValue = () => {
    value += prng.fraction() - 0.5;
    return Math.round(value * 1000) / 1000;
  };
  return () => ({
    values: Array.from({ length: NUMBERS_COUNT }, nextValue),
    counts: Array.from({ length: NUMBERS_COUNT }, () => prng.below(1 << prng.between(1, 20))),
    deltas: Array.from({ length: NUMBERS_COUNT }, () => prng.between(-500, 500)),
    id: prng.below(1_000_000),
  });
}

/** First and last code point of scripts with letters of one to four bytes. */
const SCRIPTS: readonly (readonly [number, number])[] = [
  [0x61, 0x7a],
  [0x03b1, 0x03c9],
  [0x0430, 0x044f],
  [0x0905, 0x0939],
  [0x4e00, 0x9fa5],
  [0xac00, 0xd7a3],
  [0x1f600, 0x1f64f],
];

function makeMultilingual(seed: number): () => ChatPayload {
  const prng = new Prng(seed);
  return () => {
    // A script for a word of eight characters, as text has it.
    const words = Array.from({ length: 16 }, () => {
      const [first, last] = prng.pick(SCRIPTS);
      const points = Array.from({ length: 8 }, () => prng.between(first, last));
      return String.fromCodePoint(...points);
    });
    return { data: words.join(""), timestamp: TIMESTAMP, id: prng.below(1_000_000) };
  };
}
