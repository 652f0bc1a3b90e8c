/**
 * One round of `kv bench codec`: one format on some shapes, in this process, which does nothing
 * else.
 *
 * Before anything is timed, every value makes the round trip: encoded, decoded, compared, its one
 * field read. Then, for each shape and operation: WARM_UP_SLICES, then SLICES_COUNT slices of about
 * SLICE_NS, of which the median counts, so that a slice with a garbage collection or a visit
 * of the scheduler in it does not. Garbage of the operation's own making is collected within the
 * slices, and counts.
 *
 * Each operation has a loop of its own: a call that always goes the same way is compiled as such.
 * What the loops add up is checked against the round trip, so no call can be left out.
 */
import { assert } from "../../base/assert.ts";
import { nanoseconds } from "../../base/clock.ts";
import { compress } from "../../formats/compression.ts";
import type { FormatName } from "../../formats/format.ts";
import { codecOf } from "../../formats/formats.ts";
import { type Codec, isSameNumber, type ShapeKind, type ShapeTypes } from "../../formats/shapes.ts";
import { SHAPES, type Shape, type ShapeName, valuesOf } from "./cases.ts";
import { makeTiming, type RoundRow } from "./codec-result.ts";

/** Of each slice: long enough for a clock of 40 ns and some collections of garbage. */
export const SLICE_NS = 4e6;
const SLICES_COUNT = 7;
/** Slices that are run before any counts; after so long the top tier has compiled what it will. */
const WARM_UP_SLICES = 8;
const DIGEST_LENGTH = 16;

export interface RoundPlan {
  format: FormatName;
  shapes: ShapeName[];
  seed: number;
  zstdLevel: number;
  sliceNs: number;
}

type Value = ShapeTypes[ShapeKind];
type AnyCodec = Codec<Value>;

/** The shapes among `names` that `format` carries. */
export function shapesOf(format: FormatName, names: readonly ShapeName[]): Shape[] {
  return SHAPES.filter(
    ({ name, kind }) => names.includes(name) && codecOf(format, kind) !== undefined,
  );
}

export function runRound(plan: RoundPlan): RoundRow[] {
  return shapesOf(plan.format, plan.shapes).map((shape) => runShape(plan, shape));
}

function runShape(plan: RoundPlan, shape: Shape): RoundRow {
  const { format, seed, zstdLevel, sliceNs } = plan;
  const codec = codecOf(format, shape.kind) as AnyCodec;
  const values = valuesOf(shape, seed);
  const encoded = values.map((value) => codec.encode(value));
  checkRoundTrip(format, shape, codec, values, encoded);
  const zstd = encoded.map((bytes) => compress(bytes, zstdLevel));
  const place = `${format} ${shape.name}`;
  // A whole number of turns through the values adds up to a multiple of what one turn does.
  const measured = (operation: string, loop: Loop, turnSum: number) => {
    const run = (turns: number) => loop(codec, values, encoded, turns);
    return measure(`${place} ${operation}`, run, turnSum, sliceNs) / values.length;
  };
  return {
    shape: shape.name,
    bytes: average(encoded),
    zstdBytes: average(zstd),
    digest: digestOf(encoded),
    timesNs: {
      encode: measured("encode", encodeLoop, sizeOf(encoded)),
      decode: measured("decode", decodeLoop, sumIds(encoded.map((bytes) => codec.decode(bytes)))),
      check: measured("check", checkLoop, values.length),
      readOne: measured("readOne", readOneLoop, readOneLoop(codec, values, encoded, 1)),
    },
  };
}

/** Throws when a value does not come back. */
function checkRoundTrip(
  format: FormatName,
  shape: Shape,
  codec: AnyCodec,
  values: Value[],
  encoded: Buffer[],
): void {
  for (const [i, value] of values.entries()) {
    const bytes = encoded[i] as Buffer;
    const decoded = codec.decode(bytes);
    const isThere = format === "string" || decoded.id === value.id;
    const isSame = isThere && codec.matches(bytes, value) && codec.matches(bytes, decoded);
    const wanted = format === "string" ? 0 : oneOf(shape.kind, value);
    const isOneSame = isSameNumber(codec.readOne(bytes), wanted);
    assert(isSame && isOneSame, `${format} ${shape.name}: value ${i} does not come back`);
  }
}

/** What readOne reads, taken from the value itself. */
function oneOf(kind: ShapeKind, value: Value): number {
  if (kind === "history") return (value as ShapeTypes["history"]).items.at(-1)?.id ?? 0;
  if (kind === "series") return (value as ShapeTypes["series"]).values.at(-1) ?? 0;
  return value.id;
}

// ---- Timing ----

/** Runs an operation on every value, `turns` times; returns a sum of what it gave. */
type Loop = (codec: AnyCodec, values: Value[], encoded: Buffer[], turns: number) => number;

function encodeLoop(codec: AnyCodec, values: Value[], _: Buffer[], turns: number): number {
  let sum = 0;
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < values.length; i++) sum += codec.encode(values[i] as Value).length;
  }
  return sum;
}

function decodeLoop(codec: AnyCodec, _: Value[], encoded: Buffer[], turns: number): number {
  let sum = 0;
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < encoded.length; i++) sum += codec.decode(encoded[i] as Buffer).id;
  }
  return sum;
}

function checkLoop(codec: AnyCodec, values: Value[], encoded: Buffer[], turns: number): number {
  let sum = 0;
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < encoded.length; i++) {
      if (codec.matches(encoded[i] as Buffer, values[i] as Value)) sum++;
    }
  }
  return sum;
}

function readOneLoop(codec: AnyCodec, _: Value[], encoded: Buffer[], turns: number): number {
  let sum = 0;
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < encoded.length; i++) sum += codec.readOne(encoded[i] as Buffer);
  }
  return sum;
}

/** Nanoseconds of one turn. `turnSum` is what one turn adds up to. */
function measure(
  place: string,
  run: (turns: number) => number,
  turnSum: number,
  sliceNs: number,
): number {
  const turns = warmUp(run, sliceNs);
  const slicesNs: number[] = [];
  for (let slice = 0; slice < SLICES_COUNT; slice++) {
    const startNs = nanoseconds();
    const sum = run(turns);
    slicesNs.push((nanoseconds() - startNs) / turns);
    // Sums of doubles depend on where they start.
    const isRight = Math.abs(sum - turnSum * turns) <= 1e-6 * Math.abs(turnSum * turns);
    assert(isRight, `${place}: adds up to ${sum}, not to ${turnSum * turns}`);
  }
  return makeTiming(slicesNs).medianNs;
}

/** Runs for WARM_UP_SLICES in growing steps; returns the turns that take about `sliceNs`. */
function warmUp(run: (turns: number) => number, sliceNs: number): number {
  const endNs = nanoseconds() + WARM_UP_SLICES * sliceNs;
  let turns = 1;
  for (;;) {
    const startNs = nanoseconds();
    run(turns);
    const endedNs = nanoseconds();
    const elapsedNs = endedNs - startNs;
    if (endedNs >= endNs && (turns === 1 || elapsedNs >= sliceNs / 2)) return turns;
    if (elapsedNs < sliceNs) turns = Math.ceil(turns * 1.5);
    else if (elapsedNs > sliceNs * 2) turns = Math.ceil(turns / 2);
  }
}

function digestOf(encoded: Buffer[]): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const bytes of encoded) hash.update(bytes);
  return hash.digest("hex").slice(0, DIGEST_LENGTH);
}

function sizeOf(encoded: Buffer[]): number {
  return encoded.reduce((sum, bytes) => sum + bytes.length, 0);
}

function sumIds(values: Value[]): number {
  return values.reduce((sum, { id }) => sum + id, 0);
}

function average(encoded: Buffer[]): number {
  return sizeOf(encoded) / encoded.length;
}
