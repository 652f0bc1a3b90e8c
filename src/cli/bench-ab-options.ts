/**
 * The command line of `kv bench ab` → its options. Each side is a command line of `kv bench` in one
 * argument; what would make slices something else is refused in it. Throws UsageError.
 */
import { UsageError } from "../base/errors.ts";
import type { BenchOptions } from "../bench/options.ts";
import { AB_EXPORTERS } from "../bench/report/ab-report.ts";
import { parseBenchOptions } from "./bench-options.ts";
import { collect, newCommand, parseWith } from "./commander.ts";
import { checkedEnding, countOf, durationMsOf } from "./flag-values.ts";
import { splitWords } from "./words.ts";

const ROUNDS_DEFAULT = "8";
/** Two pairs give an interval, if a wide one. */
const ROUNDS_MIN = 2;
const ROUNDS_MAX = 1000;
const SLICE_DEFAULT = "3s";
/** Shorter slices are mostly their own beginning and end. */
const SLICE_MS_MIN = 100;
const SLICE_MS_MAX = 600_000;

export interface AbOptions {
  sides: [a: AbSideOptions, b: AbSideOptions];
  sliceMs: number;
  roundsCount: number;
  outPaths: string[];
  isJson: boolean;
  isQuiet: boolean;
}

export interface AbSideOptions {
  argv: string[];
  options: BenchOptions;
}

/** Flags that a side must not have: slices decide how much is done, and one result comes out. */
const REFUSED = [
  ...["--num-ops", "-o", "--duration", "--warmup", "--runs", "--rate", "--sweep", "--find-max"],
  ...["--out", "--json", "--quiet", "--baseline", "--fail-if", "--help", "-h"],
];

const EXAMPLES = `
a is compared with itself first, which shows what chance alone does on this machine. Then slices of
a and b alternate (a b, b a, …), and each is compared with its neighbour only. The interval, and the
smallest effect that the session could have seen, come with the verdict.

Examples:
  kv bench ab --a '--db kv --workload simple' --b '--db valkey --workload simple'
  kv bench ab --a '--db kv --url localhost:7001 --pipeline' \\
              --b '--db kv --url localhost:7002 --pipeline' --rounds 16 --out ab.html
`;

/** Null when the command line asked for help, which has been printed. */
export function parseAbOptions(argv: string[]): AbOptions | null {
  const command = newCommand("kv bench ab", "Tell whether b is faster than a")
    .requiredOption("--a <flags>", "flags of kv bench: target and workload")
    .requiredOption("--b <flags>", "the same for the other side")
    .option("--slice <time>", "how long a slice takes", SLICE_DEFAULT)
    .option("--rounds <count>", "pairs of slices", ROUNDS_DEFAULT)
    .option("--out <file>", "write the result to .json, .md or .html; may be repeated", collect)
    .option("--json", "print the result as JSON")
    .option("--quiet", "no progress and no notices, only the result")
    .addHelpText("after", EXAMPLES);
  if (!parseWith(command, argv)) return null;
  const flags = command.opts<{
    a: string;
    b: string;
    slice: string;
    rounds: string;
    out?: string[];
    json?: true;
    quiet?: true;
  }>();
  const outPaths = flags.out ?? [];
  for (const path of outPaths) checkedEnding("--out", path, Object.keys(AB_EXPORTERS));
  const sliceMs = durationMsOf("--slice", flags.slice, SLICE_MS_MIN, SLICE_MS_MAX);
  return {
    sides: [sideOf("--a", flags.a, sliceMs), sideOf("--b", flags.b, sliceMs)],
    sliceMs,
    roundsCount: countOf("--rounds", flags.rounds, ROUNDS_MIN, ROUNDS_MAX),
    outPaths,
    isJson: flags.json === true,
    isQuiet: flags.quiet === true,
  };
}

function sideOf(flag: string, text: string, sliceMs: number): AbSideOptions {
  const argv = splitWords(text);
  if (argv === null) throw new UsageError(`${flag}: a quote is not closed (${text})`);
  const refused = argv.find((word) => REFUSED.includes(word.replace(/=.*/, "")));
  if (refused !== undefined) throw new UsageError(`${flag}: ${refused} has no place in a side`);
  const options = optionsOf(flag, argv);
  if (options.targets.length !== 1) {
    throw new UsageError(`${flag}: has ${options.targets.length} targets, a side has 1 (${text})`);
  }
  if (options.mode.kind === "ws-connect") {
    throw new UsageError(`${flag}: opening connections has no rate to compare (${text})`);
  }
  // As for a run of some time, so that what is read was written whatever a slice has room for.
  return { argv, options: { ...options, amount: { durationMs: sliceMs }, warmupMs: 0 } };
}

function optionsOf(flag: string, argv: string[]): BenchOptions {
  try {
    const options = parseBenchOptions(argv);
    if (options !== null) return options;
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${flag}: ${error.message}`, error.hint);
    throw error;
  }
  throw new UsageError(`${flag}: asks for help`);
}
