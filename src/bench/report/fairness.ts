/**
 * The fairness sheet: what a reader has to know before comparing. One line for each aspect, one
 * column for each target, and a mark where they differ. Then what was the same for all: the load,
 * and the machine.
 *
 * Pure. "unknown" means that nobody said, never that it does not matter.
 */
import { formatSize } from "../../base/units.ts";
import { backendOf } from "../backends.ts";
import type { Environment } from "../environment.ts";
import { PAYLOAD_SAMPLE_EVERY } from "../fanout/message.ts";
import type { MachineActivity } from "../machine-activity.ts";
import type { BenchResult, TargetResult } from "../result.ts";
import { NONE, percentText, type Table, toned } from "./cells.ts";
import { sumOf } from "./rows.ts";

const UNKNOWN = "unknown";
/** Shown in lines of their own, or beside others. */
const SETTINGS_SHOWN = [
  "save",
  "appendonly",
  "maxmemory",
  "maxmemory-policy",
  "io-threads",
  "threads",
];

interface Aspect {
  name: string;
  of: (target: TargetResult) => string;
  /** It differs between any two targets, which says nothing about fairness. */
  isIdentity?: true;
}

const ASPECTS: Aspect[] = [
  {
    name: "Server",
    of: ({ facts, backend }) =>
      `${facts.serverName ?? backend} ${facts.version ?? "of unknown version"}`,
    isIdentity: true,
  },
  {
    name: "Address",
    of: ({ endpoint, isStartedHere }) => (isStartedHere ? `${endpoint}, started here` : endpoint),
    isIdentity: true,
  },
  { name: "Mode", of: ({ facts }) => facts.mode ?? NONE },
  { name: "Threads", of: threadsOf },
  { name: "Persistence", of: persistenceOf },
  { name: "Memory limit", of: memoryLimitOf },
  { name: "Other settings", of: otherSettingsOf },
  { name: "Client", of: clientOf },
  { name: "Protocol", of: protocolOf },
  { name: "Acknowledged", of: acknowledgementOf },
  { name: "Depth", of: depthOf },
  { name: "Payload per operation", of: payloadOf },
];

/** Aspects as rows, targets as columns. */
export function fairnessTable(targets: TargetResult[]): Table {
  const isComparison = targets.length > 1;
  const rows = ASPECTS.map(({ name, of, isIdentity }) => {
    const values = targets.map(of);
    const isDifferent = new Set(values).size > 1 && !isIdentity;
    const mark = isDifferent ? toned("differs", "doubtful") : "";
    return [name, ...values, ...(isComparison ? [mark] : [])];
  });
  return {
    title: "Fairness sheet",
    head: ["", ...targets.map(({ label }) => label), ...(isComparison ? [""] : [])],
    rows: rows.filter((row) => row.slice(1).some((cell) => cell !== "" && cell !== NONE)),
    leftCount: targets.length + 2,
  };
}

function threadsOf({ facts, backend }: TargetResult): string {
  if (backendOf(backend).kind === "in-process") return "the client's own";
  const ioThreads = facts.settings["io-threads"];
  const io = ioThreads === undefined ? "" : `, io-threads ${ioThreads}`;
  return `${facts.threads ?? UNKNOWN}${io}`;
}

function persistenceOf({ facts, backend }: TargetResult): string {
  if (backendOf(backend).kind === "in-process") return "none";
  const { save, appendonly } = facts.settings;
  const parts: string[] = [];
  if (save !== undefined) parts.push(`save ${save === "" ? "off" : save}`);
  if (appendonly !== undefined) parts.push(`appendonly ${appendonly}`);
  return parts.join(", ") || UNKNOWN;
}

function memoryLimitOf({ facts }: TargetResult): string {
  const { maxmemory } = facts.settings;
  if (maxmemory === undefined) return NONE;
  if (Number(maxmemory) === 0) return "none";
  return `${formatSize(Number(maxmemory))}, ${facts.settings["maxmemory-policy"] ?? "?"}`;
}

function otherSettingsOf({ facts }: TargetResult): string {
  const others = Object.entries(facts.settings).filter(([name]) => !SETTINGS_SHOWN.includes(name));
  return others.map(([name, value]) => `${name} ${value}`).join(", ") || NONE;
}

function clientOf({ client, clientVersion }: TargetResult): string {
  if (client === "raw") return "raw (own driver)";
  return `${client} ${clientVersion ?? "of unknown version"}`;
}

function protocolOf({ backend, client }: TargetResult): string {
  switch (backendOf(backend).kind) {
    case "resp":
      return client === "bun" ? "RESP3 over TCP" : "RESP2 over TCP";
    case "nats":
      return client === "nats-ws" ? "NATS over WebSocket" : "NATS over TCP";
    case "websocket":
      return "WebSocket over TCP";
    case "in-process":
      return "calls within the process";
  }
}

function acknowledgementOf({ backend, phases }: TargetResult): string {
  switch (backendOf(backend).kind) {
    case "resp":
      return "each request";
    case "nats":
      return "none (publishing is not answered)";
    case "websocket":
      return phases.some((phase) => phase.kind === "fanout")
        ? "none (a message comes back to its sender)"
        : "none";
    case "in-process":
      return "each call";
  }
}

function depthOf({ phases }: TargetResult): string {
  const depths = phases.flatMap((phase) => (phase.isMeasured ? (phase.batchSize ?? []) : []));
  return [...new Set(depths)].join(", ") || NONE;
}

/**
 * Bytes of values or messages, as they were sent: after encoding and compression. A message counts
 * when it is published and whenever it is delivered.
 */
function payloadOf({ phases }: TargetResult): string {
  const sizes = phases.flatMap(({ isMeasured, kind, runs }) => {
    const operations = sumOf(runs, (run) => run.operations + (run.fanout?.delivered ?? 0));
    const bytes = sumOf(runs, (run) => run.payloadBytes);
    return isMeasured && kind !== "connect" && operations > 0 && bytes > 0
      ? [`${Number((bytes / operations).toPrecision(4))} B`]
      : [];
  });
  return [...new Set(sizes)].join(", ") || NONE;
}

/** What was asked for, the same for all targets. */
export function loadLines({ plan, targets }: BenchResult): string[] {
  const { concurrency, workersCount, values, seed, runsCount, workload } = plan;
  const processes = workersCount === 1 ? "one load process" : `${workersCount} load processes`;
  const zstd = values.zstdLevel === null ? "not compressed" : `zstd level ${values.zstdLevel}`;
  const repeating =
    values.compressibility === 0 ? "" : `, ${percentText(values.compressibility)} of it repeats`;
  const formats = `values: ${values.format}, data of ${values.size} B${repeating}, ${zstd}`;
  const isConnecting = targets.some(({ phases }) => phases.some(({ kind }) => kind === "connect"));
  const runs = runsCount === 1 ? "one run" : `${runsCount} runs, targets interleaved`;
  if (workload === "engine") {
    return [`load: as each operation says, ${runs}, seed ${seed}, hits and misses counted`];
  }
  const isLocal = targets.every(({ backend }) => backendOf(backend).kind === "in-process");
  const clients = `${concurrency} ${isLocal ? "tasks" : "connections"}`;
  const parts = isConnecting
    ? [`${concurrency} connections opened at a time`, processes, runs]
    : [clients, processes, runs, `seed ${seed}`, checksOf(plan, targets)];
  return [`load: ${parts.join(", ")}`, ...(isConnecting ? [] : [formats])];
}

/** What was looked at of what came back. */
function checksOf({ isVerifying }: BenchResult["plan"], targets: TargetResult[]): string {
  const phases = targets.flatMap((target) => target.phases);
  if (phases.some(({ kind }) => kind === "fanout")) {
    const decoded = isVerifying ? "each" : `one in ${PAYLOAD_SAMPLE_EVERY}`;
    return `order and size of every message checked, ${decoded} decoded and compared`;
  }
  if (isVerifying) return "every value compared";
  // Plain text has nothing to decode; what has is compared as part of reading it.
  const isDecoding = phases.some(({ runs }) => runs.some((run) => run.errors.wrongValues !== null));
  return isDecoding
    ? "every value that is read is decoded and compared"
    : "lengths and types of replies checked";
}

/** Name and value of everything about the machine that is known. */
export function environmentPairs(
  environment: Environment,
  activity: MachineActivity,
): [name: string, value: string][] {
  const { processorQuota, governor, turbo, executableSha256, nativeAddons } = environment;
  const pairs: [string, string | null][] = [
    ["Processor", environment.processor],
    ["Cores", `${environment.cores}${processorQuota === null ? "" : `, quota ${processorQuota}`}`],
    ["Governor", governor],
    ["Turbo", turbo],
    ["Memory", formatSize(environment.memoryBytes)],
    ["System", `${environment.system} ${environment.kernel} ${environment.architecture}`],
    ["Bun", `${environment.bunVersion} ${environment.bunRevision.slice(0, 12)}`],
    ["Program", environment.isCompiled ? "the executable" : "from source"],
    ["SHA-256", executableSha256],
    ["Native add-ons", nativeAddons === null ? null : nativeAddons.join(", ") || "none"],
    [
      "Load average",
      `${environment.loadAverage.toFixed(2)} before, ${activity.loadAverageAfter.toFixed(2)} after`,
    ],
    ["Waiting for a processor", waitingText(activity)],
    [
      "Stolen by the host",
      activity.stolenShare === null ? null : percentText(activity.stolenShare),
    ],
  ];
  return pairs.filter((pair): pair is [string, string] => pair[1] !== null);
}

function waitingText({ waitingShareBefore, waitingShareDuring }: MachineActivity): string | null {
  if (waitingShareBefore === null || waitingShareDuring === null) return null;
  return `${percentText(waitingShareBefore)} before, ${percentText(waitingShareDuring)} during`;
}
