/**
 * The command line of `kv bench codec` → CodecFlags. As in bench-options.ts: every value is checked
 * here, errors are UsageError of one line, and no flag is accepted without effect.
 */
import type { Command } from "commander";
import { UsageError } from "../base/errors.ts";
import { SHAPES, type ShapeName } from "../bench/codec/cases.ts";
import type { CodecPlan } from "../bench/codec/codec-result.ts";
import { shapesOf as shapesCarried } from "../bench/codec/round.ts";
import { ZSTD_LEVEL_DEFAULT, ZSTD_LEVEL_MAX, ZSTD_LEVEL_MIN } from "../formats/compression.ts";
import type { FormatName } from "../formats/format.ts";
import { FORMATS, findFormat } from "../formats/formats.ts";
import { newCommand, parseWith } from "./commander.ts";
import { countOf } from "./flag-values.ts";

/** More rounds than anyone waits for. */
const ROUNDS_MAX = 1000;
const SEED_MAX = 2 ** 32 - 1;
const OUT_KINDS = ["json", "csv", "md"] as const;
export type OutKind = (typeof OUT_KINDS)[number];

export interface CodecFlags {
  plan: CodecPlan;
  out: { path: string; kind: OutKind } | null;
  isQuiet: boolean;
  /** What to tell the user about names that stand for others. */
  notices: string[];
}

interface RawFlags {
  format?: string;
  shape?: string;
  rounds: string;
  seed: string;
  zstdLevel: string;
  out?: string;
  quiet?: true;
}

/** Null when the command line asked for help, which has been printed. Throws UsageError. */
export function parseCodecOptions(argv: string[]): CodecFlags | null {
  const command = makeCommand();
  if (!parseWith(command, argv)) return null;
  return checkFlags(command.opts<RawFlags>());
}

function makeCommand(): Command {
  const formats = FORMATS.map(({ name }) => name).join(", ");
  const shapes = SHAPES.map(({ name }) => name).join(", ");
  return newCommand(
    "kv bench codec",
    "Measure formats: bytes, and the time to encode, decode, check and read one field",
  )
    .option("--format <names>", `${formats}; several with commas (default: all)`)
    .option("--shape <names>", `${shapes}; several with commas (default: all)`)
    .option("--rounds <count>", "processes for each format, of which the median counts", "5")
    .option("--seed <number>", "of the values", "1")
    .option(
      "--zstd-level <number>",
      `of the zstd column, ${ZSTD_LEVEL_MIN} to ${ZSTD_LEVEL_MAX}`,
      `${ZSTD_LEVEL_DEFAULT}`,
    )
    .option("--out <file>", "write the result to a .json, .csv or .md file as well")
    .option("--quiet", "no progress and no notices, only the result");
}

function checkFlags(flags: RawFlags): CodecFlags {
  const { formats, notices } = formatsOf(flags.format);
  const shapes = shapesOf(flags.shape);
  const idle = formats.find((format) => shapesCarried(format, shapes).length === 0);
  if (idle !== undefined) {
    const names = shapes.join(", ");
    throw new UsageError(`--shape: ${idle} carries none of them (${names}), add another`);
  }
  return {
    plan: {
      formats,
      shapes,
      rounds: countOf("--rounds", flags.rounds, 1, ROUNDS_MAX),
      seed: countOf("--seed", flags.seed, 0, SEED_MAX),
      zstdLevel: countOf("--zstd-level", flags.zstdLevel, ZSTD_LEVEL_MIN, ZSTD_LEVEL_MAX),
    },
    out: outOf(flags.out),
    isQuiet: flags.quiet === true,
    notices,
  };
}

function formatsOf(text: string | undefined): { formats: FormatName[]; notices: string[] } {
  const known = FORMATS.map(({ name }) => name);
  const formats: FormatName[] = [];
  const notices: string[] = [];
  for (const name of namesIn(text, known)) {
    const found = findFormat(name);
    if (found === undefined) {
      throw new UsageError(`--format: unknown format (${name}), known are ${known.join(", ")}`);
    }
    if (formats.includes(found.format.name)) {
      throw new UsageError(`--format: ${found.format.name} is there twice`);
    }
    formats.push(found.format.name);
    if (found.notice !== null) notices.push(found.notice);
  }
  return { formats, notices };
}

function shapesOf(text: string | undefined): ShapeName[] {
  const known = SHAPES.map(({ name }) => name);
  const shapes: ShapeName[] = [];
  for (const name of namesIn(text, known)) {
    const plain = name.toLowerCase().replaceAll("-", "");
    const found = known.find((each) => each.replaceAll("-", "") === plain);
    if (found === undefined) {
      throw new UsageError(`--shape: unknown shape (${name}), known are ${known.join(", ")}`);
    }
    if (shapes.includes(found)) throw new UsageError(`--shape: ${found} is there twice`);
    shapes.push(found);
  }
  return shapes;
}

function namesIn(text: string | undefined, all: readonly string[]): readonly string[] {
  return text === undefined ? all : text.split(",").map((part) => part.trim());
}

function outOf(path: string | undefined): CodecFlags["out"] {
  if (path === undefined) return null;
  const kind = OUT_KINDS.find((each) => path.toLowerCase().endsWith(`.${each}`));
  if (kind !== undefined) return { path, kind };
  const endings = OUT_KINDS.map((each) => `.${each}`).join(", ");
  throw new UsageError(
    `--out: unknown kind of file (${path}), its name must end with one of ${endings}`,
  );
}
