/**
 * `kv bench codec`: command line in, table out.
 *
 *      argv ─ options ─ rounds (a process each: `kv bench codec round <plan>`) ─ result ─ report
 *
 * The table goes to standard output, progress and notices to standard error. Exit codes as those of
 * `kv bench`.
 */
import {
  formatCodecCsv,
  formatCodecJson,
  formatCodecMarkdown,
  formatCodecTable,
} from "./bench/codec/codec-report.ts";
import type { CodecResult } from "./bench/codec/codec-result.ts";
import { type RoundPlan, runRound } from "./bench/codec/round.ts";
import { runCodecBench } from "./bench/codec/run-codec.ts";
import { progressOn } from "./bench/progress.ts";
import { terminalOf } from "./bench/report/terminal.ts";
import { checkWritable, writeFiles } from "./bench-files.ts";
import { type OutKind, parseCodecOptions } from "./cli/codec-options.ts";
import { isCompiled, selfCommand } from "./self-command.ts";

const FORMATTERS: Record<OutKind, (result: CodecResult) => string> = {
  json: formatCodecJson,
  csv: formatCodecCsv,
  md: formatCodecMarkdown,
};

/** Resolves with the exit code; `argv` is what follows "codec". Throws UsageError, FatalError. */
export async function benchCodec(argv: string[]): Promise<number> {
  // Not for users: what a round's own process is started with.
  if (argv[0] === "round") return await printRound(argv[1] ?? "");
  const flags = parseCodecOptions(argv);
  if (flags === null) return 0;
  if (flags.out !== null) checkWritable(flags.out.path);
  const progress = progressOn(process.stderr, flags.isQuiet);
  for (const notice of flags.notices) progress.say(notice);
  const roundCommand = [...selfCommand(), "bench", "codec", "round"];
  const options = { ...flags.plan, roundCommand, isCompiled: isCompiled(), argv };
  const result = await runCodecBench(options, (label, done, total) =>
    progress.show(label, done, total),
  );
  progress.clear();
  await Bun.write(Bun.stdout, formatCodecTable(result, terminalOf(process.stdout, process.env)));
  if (flags.out !== null) {
    writeFiles([{ path: flags.out.path, text: FORMATTERS[flags.out.kind](result) }]);
  }
  return 0;
}

async function printRound(plan: string): Promise<number> {
  await Bun.write(Bun.stdout, JSON.stringify(runRound(JSON.parse(plan) as RoundPlan)));
  return 0;
}
