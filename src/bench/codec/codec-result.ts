/**
 * The result of `kv bench codec` as plain data: what its table shows and what `--out` writes.
 *
 * schemas/codec-result.schema.json describes the same; a test checks that an actual result fits it.
 * When adding a field, also add it there; when changing one, raise CODEC_SCHEMA_VERSION.
 */
import type { FormatName } from "../../formats/format.ts";
import type { Environment } from "../environment.ts";
import type { ShapeName } from "./cases.ts";

export const CODEC_SCHEMA_VERSION = 1;

/** What is measured of a codec, in the order of the table's columns. */
export const OPERATIONS = ["encode", "decode", "check", "readOne"] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface CodecPlan {
  formats: FormatName[];
  shapes: ShapeName[];
  rounds: number;
  seed: number;
  zstdLevel: number;
}

export interface CodecResult {
  kind: "codec";
  schemaVersion: number;
  tool: { name: string; version: string; commit: string };
  startedAt: string;
  argv: string[];
  environment: Environment;
  plan: CodecPlan;
  /** The share of texts and blobs that repeats. */
  compressibility: number;
  shapes: { name: ShapeName; title: string; valuesCount: number }[];
  rows: CodecRow[];
  /** What makes a figure doubtful. */
  warnings: string[];
}

/** One format on one shape. */
export interface CodecRow {
  format: FormatName;
  shape: ShapeName;
  isReadInPlace: boolean;
  /** Averages over the values, as they are and each compressed by itself. */
  bytes: number;
  zstdBytes: number;
  /** The start of SHA-256 over all encoded values: the same on every machine. */
  digest: string;
  times: Record<Operation, Timing>;
}

/** Nanoseconds of one call; each round is a process of its own and gives one number. */
export interface Timing {
  medianNs: number;
  minNs: number;
  maxNs: number;
  roundsNs: number[];
}

/** What one process measures: one format on all shapes, once. */
export interface RoundRow {
  shape: ShapeName;
  bytes: number;
  zstdBytes: number;
  digest: string;
  timesNs: Record<Operation, number>;
}

export function makeTiming(roundsNs: number[]): Timing {
  const sorted = [...roundsNs].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  const medianNs = sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
  return { medianNs, minNs: sorted[0] as number, maxNs: sorted.at(-1) as number, roundsNs };
}

/** Half of the distance between the extremes, as a share of the median: 0.05 is ±5 %. */
export function spreadOf({ medianNs, minNs, maxNs }: Timing): number {
  return medianNs === 0 ? 0 : (maxNs - minNs) / 2 / medianNs;
}
