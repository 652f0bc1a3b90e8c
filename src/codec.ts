/**
 * `kv bench codec`: command line in, table out.
 *
 *      argv ─ options ─ rounds (a process each: `kv bench codec round <plan>`) ─ result ─ report
 *
 * The table goes to standard output, progress and notices to standard error. Exit codes as those of
 * `kv bench`.
 */
import { accessSync, constants, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { FatalError, reasonOf } from "./base/errors.ts";
import {
  formatCodecCsv,
  formatCodecJson,
  formatCodecMarkdown,
  formatCodecTable,
} from "./bench/codec/codec-report.ts";
import type { CodecResult } from "./bench/codec/codec-result.ts";
import { type RoundPlan, runRound } from "./bench/codec/round.ts";
import { runCodecBench } from "./bench/codec/run-codec.ts";
import { Progress } from "./bench/progress.ts";
import { type OutKind, parseCodecOptions } from "./cli/codec-options.ts";

const FORMATTERS: Record<OutKind, (result: CodecResult) => string> = {
  json: formatCodecJson,
  csv: formatCodecCsv,
  md: formatCodecMarkdown,
};

/**
 * `argv` is what follows "codec"; `selfCommand` runs this program. Returns the exit code. Throws
 * UsageError and FatalError.
 */
export async function codec(
  argv: string[],
  selfCommand: string[],
  isCompiled: boolean,
): Promise<number> {
  // Not for users: what a round's own process is started with.
  if (argv[0] === "round") return await printRound(argv[1] ?? "");
  const flags = parseCodecOptions(argv);
  if (flags === null) return 0;
  if (flags.out !== null) checkWritable(flags.out.path);
  const isTerminal = process.stderr.isTTY === true;
  const progress = new Progress(flags.isQuiet, isTerminal, (text) => process.stderr.write(text));
  for (const notice of flags.notices) progress.say(notice);
  const roundCommand = [...selfCommand, "bench", "codec", "round"];
  const options = { ...flags.plan, roundCommand, isCompiled, argv };
  const result = await runCodecBench(options, (label, done, total) =>
    progress.show(label, done, total),
  );
  progress.clear();
  await Bun.write(Bun.stdout, formatCodecTable(result));
  if (flags.out !== null) write(flags.out.path, FORMATTERS[flags.out.kind](result));
  return 0;
}

async function printRound(plan: string): Promise<number> {
  await Bun.write(Bun.stdout, JSON.stringify(runRound(JSON.parse(plan) as RoundPlan)));
  return 0;
}

/** A result that cannot be kept is worth nothing: better to know before the run than after it. */
function checkWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw new FatalError(`Cannot write ${JSON.stringify(path)}: ${reasonOf(error)}`);
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new FatalError(`Cannot write ${JSON.stringify(path)}: ${reasonOf(error)}`);
  }
}
