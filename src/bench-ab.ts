/**
 * `kv bench ab --a '…' --b '…'`: whether b is faster than a. Exit codes: 0 whatever the verdict, 1
 * when a side could not be measured or any operation failed, 64 for a wrong command line.
 */
import { runAb } from "./bench/ab.ts";
import type { AbResult } from "./bench/ab-result.ts";
import { makePlan } from "./bench/make-plan.ts";
import { type Progress, progressOn } from "./bench/progress.ts";
import { AB_EXPORTERS, formatAb } from "./bench/report/ab-report.ts";
import { withoutPasswords } from "./bench/report/command-line.ts";
import { endingOf } from "./bench/report/file-endings.ts";
import { formatJson } from "./bench/report/json.ts";
import { terminalOf } from "./bench/report/terminal.ts";
import { findWarnings } from "./bench/warnings.ts";
import { checkWritable, writeFiles } from "./bench-files.ts";
import { aroundRun } from "./bench-measure.ts";
import { type AbOptions, parseAbOptions } from "./cli/bench-ab-options.ts";
import { selfCommand } from "./self-command.ts";

/** Resolves with the exit code; `argv` is what follows "ab". Throws UsageError, FatalError. */
export async function benchAb(argv: string[]): Promise<number> {
  const options = parseAbOptions(argv);
  if (options === null) return 0;
  for (const path of options.outPaths) checkWritable(path);
  const progress = progressOn(process.stderr, options.isQuiet);
  const result = await measureAb(options, argv, progress);
  const terminal = terminalOf(process.stdout, process.env);
  const text = options.isJson ? formatJson(result) : formatAb(result, terminal);
  await Bun.write(Bun.stdout, text);
  writeFiles(
    options.outPaths.flatMap((path) => {
      const format = AB_EXPORTERS[endingOf(path, Object.keys(AB_EXPORTERS)) ?? ""];
      return format === undefined ? [] : [{ path, text: format(result) }];
    }),
  );
  return result.isFailed ? 1 : 0;
}

async function measureAb(
  { sides, sliceMs, roundsCount }: AbOptions,
  argv: string[],
  progress: Progress,
): Promise<AbResult> {
  const plans = sides.map((side) => makePlan(side.options)) as [
    ReturnType<typeof makePlan>,
    ReturnType<typeof makePlan>,
  ];
  for (const notice of sides.flatMap((side) => side.options.notices)) progress.say(notice);
  const { outcome, header } = await aroundRun(argv, () =>
    runAb({ sides: plans, sliceMs, roundsCount }, selfCommand(), progress),
  );
  const { targets, phases } = outcome;
  const sideResult = (index: 0 | 1) => {
    const { targets: _targets, phases: _phases, ...load } = plans[index];
    const argvOfSide = withoutPasswords(sides[index].argv);
    return { argv: argvOfSide, plan: load, target: targets[index] };
  };
  const noisy = phases
    .filter(({ noise }) => noise.paired.verdict !== "no difference seen")
    .map(({ label }) => `${label}: a differs from itself, the machine is too noisy to judge by it`);
  return {
    kind: "bench-ab",
    ...header,
    sliceMs,
    roundsCount,
    sides: [sideResult(0), sideResult(1)],
    phases,
    warnings: [...noisy, ...findWarnings(targets, header.environment, header.activity, "--slice")],
    isFailed: targets.some((target) =>
      target.phases.some((phase) => phase.summary.errorsTotal > 0),
    ),
  };
}
