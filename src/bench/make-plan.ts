/**
 * Options → plan: a pure function of plain data.
 *
 *      simple   WRITE, READ         each key once (the default): WRITE writes what READ reads
 *               FILL, READ          with --read-only: the keys are written first, unmeasured
 *               WRITE, FILL, READ   with --keys: WRITE draws keys and so leaves some out
 *      chat     WRITE, FILL, READ   every list is filled before it is read, as in the original
 *      mix      FILL, MIX           --ratio, --ycsb
 *               COMMAND             --command
 *      pub/sub  PUBSUB
 *      ws       WS Chat, WS Conn
 */
import { backendOf } from "./backends.ts";
import type { BenchOptions, TargetOption } from "./options.ts";
import type {
  Amount,
  FanoutPhase,
  OperationShare,
  PhasePlan,
  Plan,
  RequestPhase,
  Schedule,
  TargetPlan,
} from "./plan.ts";

/** What is not measured need not take long. */
const FILL_BATCH_SIZE = 200;
/** Keys of a mix or a timed phase when --keys does not say how many. */
const KEYS_COUNT_DEFAULT = 100_000;

/** The plan of a run; with a sweep, each phase once per rate. */
export function makePlan(options: BenchOptions): Plan {
  const { workload, runsCount, concurrency, workersCount, values, chat, seed } = options;
  const { isTimingLatency, isVerifying, timeoutMs } = options;
  return {
    workload,
    targets: options.targets.map((target) => targetPlan(target, options.threads)),
    phases: makePhases(options),
    runsCount,
    concurrency,
    workersCount,
    values,
    chat,
    search: searchOf(options),
    seed,
    isTimingLatency,
    isVerifying,
    timeoutMs,
  };
}

function searchOf({ rate, arrival, inflightMax }: BenchOptions): Plan["search"] {
  if (rate?.kind !== "find-max") return null;
  const { percentile, latencyNsMax } = rate;
  return { percentile, latencyNsMax, arrival, inflightMax };
}

function targetPlan({ backend, client, url }: TargetOption, threads: number | null): TargetPlan {
  const where = url ?? backendOf(backend).urlDefault;
  return { backend, client, url: where, threads: where === null ? threads : null };
}

function makePhases(options: BenchOptions): PhasePlan[] {
  const { mode } = options;
  switch (mode.kind) {
    case "phases":
      return writeReadPhases(options, mode);
    case "mix": {
      const fill = fillPhase(options, keysCountOf(options));
      return [fill, ...atEachRate(options, mixPhase(options, mode.label, mode.operations))];
    }
    case "command":
      return atEachRate(options, commandPhase(options, mode.template));
    case "pubsub":
    case "ws-chat":
      return atEachRate(options, fanoutPhase(options));
    case "ws-connect":
      return [
        {
          kind: "connect",
          name: "ws-connect",
          label: `WS Conn (${operationsOf(options)} Target)`,
          isMeasured: true,
          warmupMs: 0,
          connectionsCount: operationsOf(options),
          connectorsCount: options.concurrency,
          holdMs: mode.holdMs,
          localAddresses: mode.localAddresses,
        },
      ];
  }
}

function writeReadPhases(
  options: BenchOptions,
  { isWriting, isReading }: { isWriting: boolean; isReading: boolean },
): PhasePlan[] {
  const isChat = options.workload === "chat";
  const phases: PhasePlan[] = [];
  if (isWriting) {
    const label = isChat ? "WRITE (Chat)" : "WRITE (Simple)";
    const operation = isChat ? "push" : "set";
    phases.push(...atEachRate(options, requestPhase(options, "write", label, operation)));
  }
  if (!isReading) return phases;
  const isWrittenWhole = isWriting && options.keysCount === null && "operations" in options.amount;
  if (isChat || !isWrittenWhole || options.rate !== null) {
    phases.push(fillPhase(options, keysCountOf(options)));
  }
  const { format, zstdLevel } = options.values;
  // What was compressed is decompressed into another buffer first.
  const isReadInPlace = ["flatbuffers", "view"].includes(format) && zstdLevel === null;
  const inPlace = isReadInPlace ? " (Zero-Copy)" : "";
  const label = `${isChat ? "READ (Chat)" : "READ (Simple)"}${inPlace}`;
  const operation = isChat ? "range" : "get";
  phases.push(...atEachRate(options, requestPhase(options, "read", label, operation)));
  return phases;
}

function requestPhase(
  options: BenchOptions,
  name: RequestPhase["name"],
  label: string,
  operation: OperationShare["operation"],
): RequestPhase {
  return {
    kind: "requests",
    name,
    label,
    isMeasured: true,
    warmupMs: options.warmupMs,
    amount: options.amount,
    batchSize: options.batchSize,
    schedule: null,
    operations: [{ operation, weight: 1 }],
    keyDistribution: options.keyDistribution ?? distributionDefault(options),
    keysCount: keysCountOf(options),
    command: null,
  };
}

/** Each key once, unless keys are drawn from a space: then uniformly. Chats are always drawn. */
function distributionDefault(options: BenchOptions): string {
  const isDrawn = options.workload === "chat" || options.keysCount !== null;
  return isDrawn || options.mode.kind !== "phases" ? "uniform" : "sequential";
}

function mixPhase(options: BenchOptions, label: string, operations: OperationShare[]) {
  return { ...requestPhase(options, "mix", label, "get"), operations };
}

function commandPhase(options: BenchOptions, template: string): RequestPhase {
  const name = template.trim().split(/\s+/, 1)[0]?.toUpperCase() ?? "";
  const phase = requestPhase(options, "command", `COMMAND (${name})`, "command");
  return { ...phase, command: template };
}

/** Writes every key once, or fills every list as far as a read reaches, in order. */
function fillPhase(options: BenchOptions, keysCount: number): RequestPhase {
  const isChat = options.workload === "chat";
  const { historyLength, readSize } = options.chat;
  const operations = isChat
    ? Math.max(keysCount * Math.min(historyLength, readSize), operationsOf(options))
    : keysCount;
  const phase = requestPhase(options, "fill", "FILL", isChat ? "push" : "set");
  return {
    ...phase,
    isMeasured: false,
    warmupMs: 0,
    amount: { operations },
    batchSize: Math.max(options.batchSize, FILL_BATCH_SIZE),
    keyDistribution: "sequential",
    keysCount,
  };
}

function fanoutPhase(options: BenchOptions): FanoutPhase {
  const { mode, concurrency, amount, batchSize, warmupMs } = options;
  const isChat = mode.kind === "ws-chat";
  const publishersCount = mode.kind === "pubsub" ? mode.publishersCount : concurrency;
  const subscribersCount = isChat ? concurrency : concurrency - publishersCount;
  return {
    kind: "fanout",
    name: isChat ? "ws-chat" : "pubsub",
    label: isChat
      ? `WS Chat (${concurrency} Clients)`
      : `PUBSUB (${publishersCount}P/${subscribersCount}S)`,
    isMeasured: true,
    warmupMs,
    amount,
    publishersCount,
    subscribersCount,
    schedule: null,
    batchSize,
    localAddresses: mode.kind === "ws-chat" ? mode.localAddresses : [],
  };
}

/** The phase itself in a closed loop, else once for every rate. */
function atEachRate<P extends RequestPhase | FanoutPhase>(options: BenchOptions, phase: P): P[] {
  const { rate, arrival, inflightMax } = options;
  // The search for the highest rate sets the schedule of each step itself.
  if (rate === null || rate.kind === "find-max") return [phase];
  const rates = rate.kind === "fixed" ? [rate.ratePerSecond] : rate.ratesPerSecond;
  return rates.map((ratePerSecond) => {
    const schedule: Schedule = { ratePerSecond, arrival, inflightMax };
    return { ...phase, schedule };
  });
}

function keysCountOf(options: BenchOptions): number {
  if (options.workload === "chat") return options.chat.chatsCount;
  if (options.keysCount !== null) return options.keysCount;
  const isEachOnce = options.mode.kind === "phases" && "operations" in options.amount;
  return isEachOnce ? operationsOf(options) : KEYS_COUNT_DEFAULT;
}

function operationsOf({ amount }: { amount: Amount }): number {
  return "operations" in amount ? amount.operations : KEYS_COUNT_DEFAULT;
}
