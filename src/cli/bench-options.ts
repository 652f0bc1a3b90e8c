/**
 * The command line of `kv bench` → BenchOptions.
 *
 *      argv ─ bench-flags ─┬─ bench-targets   what is measured
 *                          ├─ bench-modes     what is done with it
 *                          └─ here            how much, how fast, and the rules between them
 *
 * Every value and every combination is checked, so that nothing behind these files meets an
 * impossible plan; a flag that would do nothing is refused as well.
 * Errors are UsageError, one line, `--flag: what is wrong (the value), the bound or the fix`.
 * When adding a flag: bench-flags.ts, its check here, docs, and the test that no flag is accepted
 * without effect.
 */
import { UsageError } from "../base/errors.ts";
import type { Backend } from "../bench/backends.ts";
import { parseConditions } from "../bench/conditions.ts";
import type { BenchOptions, Mode, RateOption } from "../bench/options.ts";
import type { Amount, ChatPlan, ValuePlan, WorkloadName } from "../bench/plan.ts";
import { EXPORTERS } from "../bench/report/exporters.ts";
import { parseCommandTemplate } from "../bench/workloads/command-template.ts";
import { formatKeyDistribution, parseKeyDistribution } from "../bench/workloads/distributions.ts";
import { KEYS_COUNT_MAX } from "../bench/workloads/simple.ts";
import { formatValueSizes, parseValueSizes } from "../bench/workloads/value-sizes.ts";
import { ZSTD_LEVEL_DEFAULT, ZSTD_LEVEL_MAX, ZSTD_LEVEL_MIN } from "../formats/compression.ts";
import { FORMATS, findFormat } from "../formats/formats.ts";
import { checkClients } from "./bench-clients.ts";
import { FORMAT_DEFAULT, parseFlags, type RawFlags, VALUE_SIZE_DEFAULT } from "./bench-flags.ts";
import { flagOf, modeOf, ycsbDistribution } from "./bench-modes.ts";
import { targetsOf } from "./bench-targets.ts";
import {
  checkedEnding,
  choiceOf,
  countOf,
  durationMsOf,
  fractionOf,
  parsedBy,
  rateOf,
} from "./flag-values.ts";

/**
 * One client process with one descriptor per connection; far below that the client is what is
 * measured.
 */
const CONCURRENCY_MAX = 10_000;
/** More requests at once than any server answers before the next batch could go out. */
const BATCH_SIZE_MAX = 100_000;
const THREADS_MAX = 1024;
const WORKERS_MAX = 256;
const RUNS_MAX = 1000;
const OPERATIONS_MAX = KEYS_COUNT_MAX;
const SEED_MAX = 2 ** 32 - 1;
const RATE_MAX = 100_000_000;
const SWEEP_STEPS_MAX = 1000;
const INFLIGHT_MAX = 1_000_000;
const DURATION_MS_MAX = 24 * 3_600_000;
const CHAT_COUNT_MAX = 10_000_000;

const BATCH_SIZE_DEFAULT = "50";
const OPERATIONS_DEFAULT = "100000";
const INFLIGHT_DEFAULT = "10000";
/** With --duration; a run of a number of operations does exactly those. */
const WARMUP_DEFAULT = "2s";

/** Null when the command line asked for help, which has been printed. Throws UsageError. */
export function parseBenchOptions(argv: string[]): BenchOptions | null {
  const flags = parseFlags(argv);
  return flags === null ? null : checkFlags(flags);
}

function checkFlags(flags: RawFlags): BenchOptions {
  if (flags.runWsServer) throw new UsageError("--run-ws-server: runs a server, measures nothing");
  const { backends, targets } = targetsOf(flags);
  const workload: WorkloadName = choiceOf("--workload", flags.workload ?? workloadDefault(flags), [
    "chat",
    "simple",
  ]);
  const mode = modeOf(flags, backends, workload);
  const rate = rateOption(flags, mode);
  const { values, notices } = valuesOf(flags);
  checkValueFlags(flags, mode);
  checkCombinations(flags, mode, backends, rate);
  checkClients(targets, mode, values);
  return {
    targets,
    workload,
    mode,
    amount: amountOf(flags),
    warmupMs: warmupMsOf(flags),
    runsCount: countOf("--runs", flags.runs, 1, RUNS_MAX),
    concurrency: countOf("--concurrency", flags.concurrency, 1, CONCURRENCY_MAX),
    workersCount: workersOf(flags, mode, backends),
    values,
    chat: chatOf(flags, workload, mode),
    keysCount: keysCountOf(flags, workload, mode),
    keyDistribution: keyDistributionOf(flags, mode),
    batchSize: batchSizeOf(flags, mode, rate),
    rate,
    arrival: choiceOf("--arrival", flags.arrival ?? "const", ["const", "poisson"]),
    inflightMax: countOf("--max-inflight", flags.maxInflight ?? INFLIGHT_DEFAULT, 1, INFLIGHT_MAX),
    isTimingLatency: flags.latency,
    isVerifying: flags.verify === true,
    seed: countOf("--seed", flags.seed, 0, SEED_MAX),
    timeoutMs: durationMsOf("--timeout", flags.timeout, 100, DURATION_MS_MAX),
    threads: threadsOf(flags, targets),
    ...gateOf(flags),
    isQuiet: flags.quiet === true,
    isJson: flags.json === true,
    outPaths: outPathsOf(flags),
    notices,
  };
}

/** That of the original, where nothing else can be meant. */
function workloadDefault(flags: RawFlags): WorkloadName {
  return flags.ycsb === undefined && flags.command === undefined ? "chat" : "simple";
}

/** Rules between flags that no single value breaks. */
function checkCombinations(
  flags: RawFlags,
  mode: Mode,
  backends: Backend[],
  rate: RateOption | null,
): void {
  if (flags.verify && (flags.writeOnly || mode.kind === "command" || mode.kind === "ws-connect")) {
    const other = flags.writeOnly ? "contradicts --write-only, which" : "has no effect,";
    throw new UsageError(`--verify: ${other} reads nothing that is known`);
  }
  if (rate === null) {
    for (const name of ["arrival", "maxInflight"] as const) {
      if (flags[name] !== undefined) {
        throw new UsageError(`${flagOf(name)}: has no effect without --rate, add it`);
      }
    }
  } else if (!flags.latency) {
    throw new UsageError("--no-latency: contradicts an open loop, which is there for latencies");
  }
  const isLocal = backends.some((backend) => backend.kind === "in-process");
  if (isLocal && rate !== null) {
    throw new UsageError("--rate: has no effect in process, where nothing waits");
  }
}

function amountOf(flags: RawFlags): Amount {
  if (flags.duration === undefined) {
    const text = flags.numOps ?? OPERATIONS_DEFAULT;
    return { operations: countOf("--num-ops", text, 1, OPERATIONS_MAX) };
  }
  if (flags.numOps !== undefined) {
    throw new UsageError("--duration: contradicts --num-ops, give one of them");
  }
  return { durationMs: durationMsOf("--duration", flags.duration, 100, DURATION_MS_MAX) };
}

function warmupMsOf(flags: RawFlags): number {
  const text = flags.warmup ?? (flags.duration === undefined ? null : WARMUP_DEFAULT);
  return text === null ? 0 : durationMsOf("--warmup", text, 0, DURATION_MS_MAX);
}

function workersOf(flags: RawFlags, mode: Mode, backends: Backend[]): number {
  const count = countOf("--workers", flags.workers, 1, WORKERS_MAX);
  if (count === 1) return 1;
  if (mode.kind === "pubsub" || mode.kind === "ws-chat" || mode.kind === "ws-connect") {
    throw new UsageError(
      `--workers: ${count} processes have no common clock for deliveries, use 1`,
    );
  }
  const local = backends.find((backend) => backend.kind === "in-process");
  if (local !== undefined) throw new UsageError(`--workers: ${local.name} runs in this process`);
  const connections = countOf("--concurrency", flags.concurrency, 1, CONCURRENCY_MAX);
  if (count > connections) {
    throw new UsageError(`--workers: ${count} is above the maximum: --concurrency ${connections}`);
  }
  return count;
}

function valuesOf(flags: RawFlags): { values: ValuePlan; notices: string[] } {
  if (flags.zstdLevel !== undefined && !flags.compressZstd) {
    throw new UsageError("--zstd-level: has no effect without --compress-zstd, add it");
  }
  const zstdLevel = flags.compressZstd
    ? countOf(
        "--zstd-level",
        flags.zstdLevel ?? String(ZSTD_LEVEL_DEFAULT),
        ZSTD_LEVEL_MIN,
        ZSTD_LEVEL_MAX,
      )
    : null;
  const sizes = parsedBy("--value-size", () => parseValueSizes(flags.valueSize));
  const compressibility = fractionOf("--compressibility", flags.compressibility ?? "0", 0, 1);
  const found = findFormat(flags.format);
  if (found === undefined) {
    const known = FORMATS.map(({ name }) => name).join(", ");
    throw new UsageError(`--format: unknown (${flags.format}), known are ${known}`);
  }
  const { format, notice } = found;
  const values = { size: formatValueSizes(sizes), format: format.name, zstdLevel, compressibility };
  return { values, notices: notice === null ? [] : [notice] };
}

function chatOf(flags: RawFlags, workload: WorkloadName, mode: Mode): ChatPlan {
  const isChat = workload === "chat" && (mode.kind === "phases" || mode.kind === "mix");
  for (const name of ["numChats", "historyLen", "readSize"] as const) {
    if (flags[name] !== undefined && !isChat) {
      throw new UsageError(`${flagOf(name)}: has no effect, it is for --workload chat`);
    }
  }
  if (flags.readSize !== undefined && flags.writeOnly) {
    throw new UsageError("--read-size: has no effect on --write-only, leave it out");
  }
  return {
    chatsCount: countOf("--num-chats", flags.numChats ?? "1000", 1, CHAT_COUNT_MAX),
    historyLength: countOf("--history-len", flags.historyLen ?? "100", 1, CHAT_COUNT_MAX),
    readSize: countOf("--read-size", flags.readSize ?? "50", 1, CHAT_COUNT_MAX),
  };
}

/** A key of --command can have a count and a distribution of its own. */
function hasKeys(mode: Mode, aspect: "keysCount" | "distribution"): boolean {
  if (mode.kind !== "command") return mode.kind === "phases" || mode.kind === "mix";
  return partsOf(mode.template).some((part) => part.kind === "key" && part[aspect] === null);
}

function partsOf(template: string) {
  return parseCommandTemplate(template).words.flat();
}

function checkValueFlags(flags: RawFlags, mode: Mode): void {
  const values =
    mode.kind === "command"
      ? partsOf(mode.template).flatMap((part) => (part.kind === "value" ? [part.sizes] : []))
      : mode.kind === "ws-connect"
        ? []
        : [null];
  const given = {
    "--value-size": flags.valueSize !== VALUE_SIZE_DEFAULT && !values.includes(null),
    "--format": flags.format !== FORMAT_DEFAULT && values.length === 0,
    "--compress-zstd": flags.compressZstd === true && values.length === 0,
    "--compressibility": flags.compressibility !== undefined && values.length === 0,
  };
  const idle = Object.entries(given).find(([, isIdle]) => isIdle)?.[0];
  if (idle !== undefined) {
    throw new UsageError(`${idle}: has no effect, there are no values that it is for`);
  }
}

function keysCountOf(flags: RawFlags, workload: WorkloadName, mode: Mode): number | null {
  if (flags.keys === undefined) return null;
  if (!hasKeys(mode, "keysCount")) {
    throw new UsageError("--keys: has no effect, there are no keys that it is for");
  }
  if (workload === "chat") {
    throw new UsageError("--keys: has no effect on --workload chat, use --num-chats or simple");
  }
  return countOf("--keys", flags.keys, 1, KEYS_COUNT_MAX);
}

function keyDistributionOf(flags: RawFlags, mode: Mode): string | null {
  if (flags.keyDist === undefined) return ycsbDistribution(flags.ycsb ?? "");
  if (!hasKeys(mode, "distribution")) {
    throw new UsageError("--key-dist: has no effect, there are no keys that it is for");
  }
  if (flags.ycsb !== undefined) {
    throw new UsageError("--key-dist: contradicts --ycsb, which has its own");
  }
  const text = flags.keyDist;
  return formatKeyDistribution(parsedBy("--key-dist", () => parseKeyDistribution(text)));
}

function batchSizeOf(flags: RawFlags, mode: Mode, rate: RateOption | null): number {
  if (flags.batchSize !== undefined && !flags.pipeline) {
    throw new UsageError("--batch-size: has no effect without --pipeline, add it");
  }
  if (!flags.pipeline) return 1;
  if (rate !== null) {
    throw new UsageError(
      "--pipeline: contradicts an open loop, where a connection has one operation",
    );
  }
  if (mode.kind === "ws-connect")
    throw new UsageError("--pipeline: has no effect, nothing is sent");
  return countOf("--batch-size", flags.batchSize ?? BATCH_SIZE_DEFAULT, 1, BATCH_SIZE_MAX);
}

function rateOption(flags: RawFlags, mode: Mode): RateOption | null {
  const given = (["rate", "sweep", "findMax"] as const).filter((name) => flags[name] !== undefined);
  if (given[0] !== undefined && given[1] !== undefined) {
    throw new UsageError(`${flagOf(given[0])}: contradicts ${flagOf(given[1])}, give one of them`);
  }
  if (given[0] !== undefined && mode.kind === "ws-connect") {
    throw new UsageError(`${flagOf(given[0])}: has no effect, nothing is sent`);
  }
  if (flags.rate !== undefined) {
    return { kind: "fixed", ratePerSecond: rateOf("--rate", flags.rate, 1, RATE_MAX) };
  }
  if (flags.sweep !== undefined) return sweepOf(flags.sweep);
  return flags.findMax === undefined ? null : findMaxOf(flags.findMax);
}

/** "1k,5k,20k", or "1k..200k/10": ten rates at equal ratios. */
function sweepOf(text: string): RateOption {
  const range = /^([\d.km]+)\.\.([\d.km]+)\/(\d+)$/i.exec(text);
  if (range === null) {
    if (text.includes("..")) {
      throw new UsageError(
        `--sweep: a range needs a number of steps (${text}), such as 1k..200k/10`,
      );
    }
    const rates = text.split(",").map((part) => rateOf("--sweep", part.trim(), 1, RATE_MAX));
    return { kind: "sweep", ratesPerSecond: rates };
  }
  const [, lowText = "", highText = "", stepsText = ""] = range;
  const low = rateOf("--sweep", lowText, 1, RATE_MAX);
  const high = rateOf("--sweep", highText, 1, RATE_MAX);
  const steps = countOf("--sweep", stepsText, 2, SWEEP_STEPS_MAX);
  if (high <= low) throw new UsageError(`--sweep: ends before it starts (${text})`);
  const ratio = (high / low) ** (1 / (steps - 1));
  const ratesPerSecond = Array.from({ length: steps }, (_, i) => Math.round(low * ratio ** i));
  return { kind: "sweep", ratesPerSecond };
}

/** "p99<2ms" */
function findMaxOf(text: string): RateOption {
  const match = /^p(50|90|99|99\.9)<([\d.]+)(us|µs|ms|s)$/.exec(text.replaceAll(" ", ""));
  if (match === null) {
    throw new UsageError(`--find-max: not a bound (${text}), such as p99<2ms`);
  }
  const unit = { us: 1e3, µs: 1e3, ms: 1e6, s: 1e9 }[match[3] ?? ""] ?? 1;
  const percentile = ({ "50": 0.5, "90": 0.9, "99": 0.99, "99.9": 0.999 } as const)[
    match[1] as "50" | "90" | "99" | "99.9"
  ];
  return { kind: "find-max", percentile, latencyNsMax: Number(match[2]) * unit };
}

function threadsOf(flags: RawFlags, targets: BenchOptions["targets"]): number | null {
  if (flags.threads === undefined) return null;
  if (!targets.some(({ backend, url }) => backend === "kv" && url === null)) {
    throw new UsageError("--threads: has no effect, it is for the kv server that is started here");
  }
  return countOf("--threads", flags.threads, 1, THREADS_MAX);
}

/** What the result is held against. */
function gateOf(flags: RawFlags): Pick<BenchOptions, "baselinePath" | "conditions"> {
  const { failIf } = flags;
  const conditions =
    failIf === undefined ? [] : parsedBy("--fail-if", () => parseConditions(failIf));
  const relative = conditions.find((condition) => condition.isRelative);
  if (relative !== undefined && flags.baseline === undefined) {
    throw new UsageError(`--fail-if: ${relative.text} is a change, it needs --baseline`);
  }
  return { baselinePath: flags.baseline ?? null, conditions };
}

function outPathsOf(flags: RawFlags): string[] {
  const paths = flags.out ?? [];
  for (const path of paths) {
    const ending = checkedEnding("--out", path, Object.keys(EXPORTERS));
    if (ending === ".hgrm" && !flags.latency) {
      throw new UsageError(`--out: ${path} has latencies, which --no-latency leaves out`);
    }
  }
  return paths;
}
