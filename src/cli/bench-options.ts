/**
 * The command line of `kv bench` → BenchOptions.
 *
 * Every value and every combination is checked here, so that nothing behind this file meets an
 * impossible plan; a flag that would do nothing is refused as well, since figures of a run that was
 * not meant look like those of one that was.
 * Errors are UsageError, one line, `--flag: what is wrong (the value), the bound or the fix`.
 * When adding a flag: here, in docs, and in the test that no flag is accepted without effect.
 */
import { Command, CommanderError } from "commander";
import { UsageError } from "../base/errors.ts";
import { parseCount, parseSize } from "../base/units.ts";
import { BACKENDS, type Backend, type BackendName, findBackend } from "../bench/backends.ts";
import type { BenchOptions } from "../bench/plan.ts";
import { parseServerUrl } from "../bench/url.ts";
import { KEYS_COUNT_MAX } from "../bench/workloads/simple.ts";

/**
 * One client process with one descriptor per connection; far below that the client is what is
 * measured.
 */
const CONCURRENCY_MAX = 10_000;
/** More requests at once than any server answers before the next batch could go out. */
const BATCH_SIZE_MAX = 100_000;
/** The limit of the protocol (proto-max-bulk-len of Redis). */
const VALUE_SIZE_MAX = 512 * 1024 * 1024;
const THREADS_MAX = 1024;
const OPERATIONS_MAX = KEYS_COUNT_MAX;
const SEED_MAX = 2 ** 32 - 1;
const BATCH_SIZE_DEFAULT = 50;

/** Flags as commander gives them: text where there is a value, checked below. */
interface RawFlags {
  db: string;
  workload: string;
  url?: string;
  redisUrl?: string;
  valkeyUrl?: string;
  rustdbUrl?: string;
  numOps: string;
  concurrency: string;
  valueSize: string;
  keys?: string;
  pipeline?: true;
  batchSize?: string;
  writeOnly?: true;
  readOnly?: true;
  latency: boolean;
  verify?: true;
  threads?: string;
  seed: string;
  out?: string;
  quiet?: true;
}

/** Null when the command line asked for help, which has been printed. Throws UsageError. */
export function parseBenchOptions(argv: string[]): BenchOptions | null {
  const command = makeCommand();
  try {
    command.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return null;
    throw new UsageError(usageMessage(error), "kv bench --help lists all flags");
  }
  return checkFlags(command.opts<RawFlags>());
}

function makeCommand(): Command {
  return new Command("kv bench")
    .description("Measure servers that speak the Redis protocol")
    .option("--db <names>", "kv, redis or valkey; several with commas give a comparison", "kv")
    .option("--workload <name>", "simple: SET of every key, then GET of every key", "simple")
    .option(
      "--url <url>",
      "where the server is (redis://host:port); kv is started here without one",
    )
    .option("-r, --redis-url <url>", "the same for redis (default: 127.0.0.1:6379)")
    .option("-v, --valkey-url <url>", "the same for valkey (default: 127.0.0.1:6380)")
    .option("--rustdb-url <url>", "the same for kv")
    .option("-o, --num-ops <count>", "operations in each phase", "100000")
    .option("-c, --concurrency <count>", "connections", "50")
    .option("--value-size <size>", "bytes of a value (128, 4kb)", "128")
    .option("--keys <count>", "draw keys at random out of so many (default: each key once)")
    .option("--pipeline", "send batches of requests without waiting in between")
    .option("--batch-size <count>", "requests in a batch of --pipeline (default: 50)")
    .option("--write-only", "only the SET phase")
    .option("--read-only", "only the GET phase; keys are written before, unmeasured")
    .option("--no-latency", "measure rates only")
    .option("--verify", "compare every value read with what was written")
    .option("--threads <count>", "threads of the kv server that is started here")
    .option("--seed <number>", "of keys, values and draws", "1")
    .option("--out <file>", "write the result to a .json file")
    .option("--quiet", "no progress and no notices, only the result")
    .helpOption("-h, --help", "print this help")
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
}

/**
 * commander: "error: unknown option '--x'\n(Did you mean --y?)" → "--x: unknown option (did you
 * mean --y?)".
 */
function usageMessage(error: CommanderError): string {
  const text = error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  const unknown = /^unknown option '([^']+)'(?: \(Did you mean (.+)\?\))?/.exec(text);
  if (unknown !== null) {
    return `${unknown[1]}: unknown option${unknown[2] ? ` (did you mean ${unknown[2]}?)` : ""}`;
  }
  const missing = /^option '(?:-\w, )?(--[\w-]+) .*' argument missing/.exec(text);
  if (missing !== null) return `${missing[1]}: value is missing`;
  return text;
}

function checkFlags(flags: RawFlags): BenchOptions {
  if (flags.writeOnly && flags.readOnly) {
    throw new UsageError("--write-only: contradicts --read-only, give one of them");
  }
  if (flags.verify && flags.writeOnly) {
    throw new UsageError("--verify: contradicts --write-only, which reads nothing");
  }
  if (flags.batchSize !== undefined && !flags.pipeline) {
    throw new UsageError("--batch-size: has no effect without --pipeline, add it");
  }
  const backends = backendsOf(flags.db);
  const urls = urlsOf(flags, backends);
  const batchSize = flags.batchSize ?? String(BATCH_SIZE_DEFAULT);
  return {
    backends: backends.map((backend) => backend.name),
    urls,
    workload: workloadOf(flags.workload),
    operations: count("--num-ops", flags.numOps, 1, OPERATIONS_MAX),
    keysCount: flags.keys === undefined ? null : count("--keys", flags.keys, 1, KEYS_COUNT_MAX),
    concurrency: count("--concurrency", flags.concurrency, 1, CONCURRENCY_MAX),
    valueSize: valueSizeOf(flags.valueSize),
    batchSize: flags.pipeline ? count("--batch-size", batchSize, 1, BATCH_SIZE_MAX) : 1,
    isWriting: !flags.readOnly,
    isReading: !flags.writeOnly,
    isTimingLatency: flags.latency,
    isVerifying: flags.verify === true,
    seed: count("--seed", flags.seed, 0, SEED_MAX),
    threads: threadsOf(flags, backends, urls),
    isQuiet: flags.quiet === true,
    outPath: outPathOf(flags.out),
  };
}

function backendsOf(text: string): Backend[] {
  const backends: Backend[] = [];
  for (const name of text.split(",").map((part) => part.trim())) {
    const backend = findBackend(name);
    if (backend === undefined) {
      const known = BACKENDS.map((each) => each.name).join(", ");
      throw new UsageError(`--db: unknown database (${name}), known are ${known}`);
    }
    if (backends.includes(backend)) throw new UsageError(`--db: ${backend.name} is there twice`);
    backends.push(backend);
  }
  return backends;
}

function workloadOf(text: string): "simple" {
  if (text.toLowerCase().replaceAll("-", "") === "simple") return "simple";
  throw new UsageError(`--workload: unknown workload (${text}), known is simple`);
}

function urlsOf(flags: RawFlags, backends: Backend[]): Partial<Record<BackendName, string>> {
  const urls: Partial<Record<BackendName, string>> = {};
  const named: [BackendName, string | undefined][] = [
    ["redis", flags.redisUrl],
    ["valkey", flags.valkeyUrl],
    ["kv", flags.rustdbUrl],
  ];
  for (const [name, url] of named) {
    if (url === undefined) continue;
    const flag = name === "kv" ? "--rustdb-url" : `--${name}-url`;
    if (!backends.some((backend) => backend.name === name)) {
      throw new UsageError(`${flag}: has no effect, ${name} is not in --db`);
    }
    urls[name] = checkedUrl(flag, url);
  }
  if (flags.url === undefined) return urls;
  const [first, second] = backends;
  if (first === undefined || second !== undefined) {
    const each = backends.map((backend) => backend.urlFlag).join(", ");
    throw new UsageError(`--url: says nothing about which of several databases, use ${each}`);
  }
  if (urls[first.name] !== undefined) {
    throw new UsageError(`--url: contradicts ${first.urlFlag}, give one of them`);
  }
  urls[first.name] = checkedUrl("--url", flags.url);
  return urls;
}

function checkedUrl(flag: string, url: string): string {
  try {
    parseServerUrl(url);
    return url;
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${flag}: ${error.message}`);
    throw error;
  }
}

function threadsOf(
  flags: RawFlags,
  backends: Backend[],
  urls: Partial<Record<BackendName, string>>,
): number | null {
  if (flags.threads === undefined) return null;
  const isStarting = backends.some((each) => each.urlDefault === null && !(each.name in urls));
  if (!isStarting) {
    throw new UsageError("--threads: has no effect, it is for the kv server that is started here");
  }
  return count("--threads", flags.threads, 1, THREADS_MAX);
}

function valueSizeOf(text: string): number {
  const size = parseSize(text);
  if (size === null) throw new UsageError(`--value-size: not a size (${text})`);
  return inRange("--value-size", size, 1, VALUE_SIZE_MAX);
}

function outPathOf(path: string | undefined): string | null {
  if (path === undefined) return null;
  if (!path.toLowerCase().endsWith(".json")) {
    throw new UsageError(`--out: unknown kind of file (${path}), its name must end with .json`);
  }
  return path;
}

function count(flag: string, text: string, min: number, max: number): number {
  const value = parseCount(text);
  if (value === null) throw new UsageError(`${flag}: not a whole number (${text})`);
  return inRange(flag, value, min, max);
}

function inRange(flag: string, value: number, min: number, max: number): number {
  if (value < min) throw new UsageError(`${flag}: ${value} is below the minimum: ${min}`);
  if (value > max) throw new UsageError(`${flag}: ${value} is above the maximum: ${max}`);
  return value;
}
