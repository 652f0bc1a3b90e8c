/** The command line of `kv bench calibrate` → its options. Throws UsageError. */
import { Command, CommanderError } from "commander";
import type { CalibrateOptions } from "../bench/calibrate.ts";
import { countOf, durationMsOf } from "./flag-values.ts";
import { usageErrorFrom } from "./program.ts";

const CONCURRENCY_MAX = 10_000;
const VALUE_SIZE_MAX = 1024 * 1024;
const DURATION_MS_MIN = 100;
const DURATION_MS_MAX = 600_000;

interface RawFlags {
  concurrency: string;
  valueSize: string;
  duration: string;
  json?: true;
}

/** Null when the command line asked for help, which has been printed. */
export function parseCalibrateOptions(
  argv: string[],
): (CalibrateOptions & { isJson: boolean }) | null {
  const command = new Command("kv bench calibrate")
    .description("How fast the client is against a server that takes no time")
    .option("-c, --concurrency <count>", "connections", "50")
    .option("--value-size <bytes>", "size of the values", "128")
    .option("--duration <time>", "of each of the six measurements", "2s")
    .option("--json", "print the result as JSON")
    .helpOption("-h, --help", "print this help")
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride();
  try {
    command.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    throw usageErrorFrom(error, "kv bench calibrate");
  }
  const flags = command.opts<RawFlags>();
  return {
    concurrency: countOf("--concurrency", flags.concurrency, 1, CONCURRENCY_MAX),
    valueSize: countOf("--value-size", flags.valueSize, 1, VALUE_SIZE_MAX),
    durationMs: durationMsOf("--duration", flags.duration, DURATION_MS_MIN, DURATION_MS_MAX),
    isJson: flags.json === true,
  };
}
