/**
 * `kv bench codec`: rounds of processes, each of which measures one format, into one result.
 *
 * A process of its own for each format and round, since formats that share one change each other's
 * figures: they share compiled code, its guesses about types, and a heap. In one process with all
 * eight, protobuf-es encodes 20 to 30 % slower than alone, `string` 50 %, `view` 15 % (chat, 2
 * cores of an AMD EPYC); and a fresh process gives a fresh draw of what differs from one to the
 * next.
 *
 * Rounds are interleaved and start with another format each, so that a machine that gets slower
 * meets all formats alike.
 */
import { assert } from "../../base/assert.ts";
import { FatalError } from "../../base/errors.ts";
import { COMMIT, VERSION } from "../../base/version.ts";
import type { FormatName } from "../../formats/format.ts";
import { findFormat } from "../../formats/formats.ts";
import { readEnvironment } from "../environment.ts";
import { COMPRESSIBILITY, SHAPES, type ShapeName } from "./cases.ts";
import {
  CODEC_SCHEMA_VERSION,
  type CodecPlan,
  type CodecResult,
  type CodecRow,
  makeTiming,
  OPERATIONS,
  type Operation,
  type RoundRow,
  spreadOf,
  type Timing,
} from "./codec-result.ts";
import { type RoundPlan, SLICE_NS, shapesOf } from "./round.ts";

/** Above it, a difference of two formats may be chance. */
const SPREAD_DOUBTFUL = 0.25;

export interface CodecOptions extends CodecPlan {
  /** Runs one round in a process of its own: a command to be followed by the round's plan. */
  roundCommand: string[];
  isCompiled: boolean;
  argv: string[];
}

/** Called before each round of each format: `done` of `total` processes have ended. */
export type OnProgress = (label: string, done: number, total: number) => void;

/** Throws FatalError when a process of a round fails. */
export async function runCodecBench(
  options: CodecOptions,
  onProgress: OnProgress,
): Promise<CodecResult> {
  const { formats, shapes, rounds, seed, zstdLevel } = options;
  const environment = readEnvironment(options.isCompiled);
  const startedAt = new Date().toISOString();
  const found = new Map<FormatName, RoundRow[][]>(formats.map((format) => [format, []]));
  for (let turn = 0; turn < rounds * formats.length; turn++) {
    const round = Math.floor(turn / formats.length);
    const format = formats[(turn + round) % formats.length] as FormatName;
    onProgress(`round ${round + 1} of ${rounds}, ${format}`, turn, rounds * formats.length);
    const plan: RoundPlan = { format, shapes, seed, zstdLevel, sliceNs: SLICE_NS };
    found.get(format)?.push(await runProcess(options.roundCommand, plan));
  }
  const rows = formats.flatMap((format) => rowsOf(format, shapes, found.get(format) ?? []));
  return {
    kind: "codec",
    schemaVersion: CODEC_SCHEMA_VERSION,
    tool: { name: "kv bench codec", version: VERSION, commit: COMMIT },
    startedAt,
    argv: options.argv,
    environment,
    plan: { formats, shapes, rounds, seed, zstdLevel },
    compressibility: COMPRESSIBILITY,
    shapes: SHAPES.filter(({ name }) => shapes.includes(name)).map(
      ({ name, title, valuesCount }) => ({ name, title, valuesCount }),
    ),
    rows,
    warnings: findWarnings(rows, environment.loadAverage, environment.cores),
  };
}

async function runProcess(command: string[], plan: RoundPlan): Promise<RoundRow[]> {
  const child = Bun.spawn([...command, JSON.stringify(plan)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) {
    throw new FatalError(`Cannot measure ${plan.format}: ${stderr.trim().split("\n", 1)[0]}`);
  }
  return JSON.parse(stdout) as RoundRow[];
}

/** One row for each shape that the format carries, out of what its rounds found. */
function rowsOf(format: FormatName, shapes: ShapeName[], rounds: RoundRow[][]): CodecRow[] {
  return shapesOf(format, shapes).map(({ name }) => {
    const found = rounds.flatMap((rows) => rows.filter(({ shape }) => shape === name));
    const first = found[0];
    assert(first !== undefined && found.length === rounds.length, `${format} ${name} is missing`);
    const { bytes, zstdBytes, digest } = first;
    const isSame = found.every((row) => row.zstdBytes === zstdBytes && row.digest === digest);
    assert(isSame, `${format} ${name}: rounds differ in what they encode`);
    const times = Object.fromEntries(
      OPERATIONS.map((each) => [each, makeTiming(found.map(({ timesNs }) => timesNs[each]))]),
    ) as Record<Operation, Timing>;
    const isReadInPlace = findFormat(format)?.format.isReadInPlace === true;
    return { format, shape: name, isReadInPlace, bytes, zstdBytes, digest, times };
  });
}

function findWarnings(rows: CodecRow[], loadAverage: number, cores: number): string[] {
  const warnings: string[] = [];
  if (loadAverage > cores) {
    warnings.push(`the machine was busy before the run (load ${loadAverage.toFixed(1)})`);
  }
  if (rows.some(({ times }) => times.encode.roundsNs.length === 1)) {
    warnings.push("one round says nothing about the spread, raise --rounds");
  }
  const wide = rows.filter(({ times }) =>
    OPERATIONS.some((each) => spreadOf(times[each]) > SPREAD_DOUBTFUL),
  );
  if (wide.length > 0) {
    const names = wide.map(({ format, shape }) => `${format} ${shape}`).join(", ");
    warnings.push(`rounds differ by more than ±${SPREAD_DOUBTFUL * 100} %: ${names}`);
  }
  return warnings;
}
