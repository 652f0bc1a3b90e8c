/**
 * What is measured of each target (`Mode`), and the rules by which flags exclude or need each
 * other.
 *
 * A flag that would do nothing is refused: figures of a run that was not meant look like those of
 * one that was.
 */
import { UsageError } from "../base/errors.ts";
import type { Backend } from "../bench/backends.ts";
import type { Mode } from "../bench/options.ts";
import type { OperationShare, WorkloadName } from "../bench/plan.ts";
import { parseCommandTemplate } from "../bench/workloads/command-template.ts";
import type { RawFlags } from "./bench-flags.ts";
import { countOf, durationMsOf, parsedBy } from "./flag-values.ts";

const HOLD_MS_DEFAULT = "30s";
const HOLD_MS_MAX = 24 * 3_600_000;
const RATIO_MAX = 1000;
const MULTI_IP_BASE_DEFAULT = "127.0.0.2";
const MULTI_IP_COUNT_DEFAULT = "200";
/** Addresses in 127.0.0.0/16 behind the first. */
const MULTI_IP_COUNT_MAX = 65_000;

/** Core workloads of YCSB (Cooper et al., SoCC 2010), by their letter. */
const YCSB: Record<string, { operations: OperationShare[]; keyDistribution: string }> = {
  a: mixOf("zipf", ["get", 50], ["set", 50]),
  b: mixOf("zipf", ["get", 95], ["set", 5]),
  c: mixOf("zipf", ["get", 100]),
  d: mixOf("latest", ["get", 95], ["insert", 5]),
  e: mixOf("zipf", ["scan", 95], ["insert", 5]),
  f: mixOf("zipf", ["get", 50], ["rmw", 50]),
};

function mixOf(keyDistribution: string, ...shares: [OperationShare["operation"], number][]) {
  return {
    operations: shares.map(([operation, weight]) => ({ operation, weight })),
    keyDistribution,
  };
}

/** The distribution of `--ycsb`, where --key-dist says nothing. */
export function ycsbDistribution(letter: string): string | null {
  return YCSB[letter.toLowerCase()]?.keyDistribution ?? null;
}

/** Flags that choose a mode, in the order in which an error names them. */
const MODE_FLAGS = [
  "writeOnly",
  "readOnly",
  "pubsubOnly",
  "ratio",
  "ycsb",
  "command",
] as const satisfies readonly (keyof RawFlags)[];

/** Throws UsageError. */
export function modeOf(flags: RawFlags, backends: Backend[], workload: WorkloadName): Mode {
  const given = MODE_FLAGS.filter((name) => flags[name] !== undefined);
  if (given[0] !== undefined && given[1] !== undefined) {
    throw new UsageError(`${flagOf(given[0])}: contradicts ${flagOf(given[1])}, give one of them`);
  }
  const webSocket = backends.find((backend) => backend.kind === "websocket");
  if (webSocket !== undefined) return webSocketMode(flags, backends, webSocket, given[0]);
  for (const name of ["wsMultiIp", "wsMultiIpBase", "wsMultiIpCount", "hold"] as const) {
    if (flags[name] !== undefined) {
      throw new UsageError(`${flagOf(name)}: has no effect, it is for --db websocket`);
    }
  }
  const isBroker = backends.every((backend) => backend.kind === "nats");
  if (flags.pubsubOnly || (isBroker && given.length === 0)) return pubSubMode(flags, backends);
  const nats = backends.find((backend) => backend.kind === "nats");
  if (nats !== undefined) {
    const flag = given[0] === undefined ? "--db" : flagOf(given[0]);
    throw new UsageError(`${flag}: nats has no keys and values, only --pubsub-only`);
  }
  if (flags.numPublishers !== undefined) {
    throw new UsageError("--num-publishers: has no effect without --pubsub-only, add it");
  }
  return requestMode(flags, workload);
}

function requestMode(flags: RawFlags, workload: WorkloadName): Mode {
  if (flags.ratio !== undefined) return ratioMode(flags.ratio, workload);
  if (flags.ycsb !== undefined) {
    needSimple("--ycsb", workload);
    const letter = flags.ycsb.toLowerCase();
    const mix = YCSB[letter];
    if (mix === undefined)
      throw new UsageError(`--ycsb: unknown (${flags.ycsb}), known are a to f`);
    return { kind: "mix", label: `YCSB ${letter.toUpperCase()}`, operations: mix.operations };
  }
  if (flags.command !== undefined) {
    needSimple("--command", workload);
    const template = flags.command;
    parsedBy("--command", () => parseCommandTemplate(template));
    return { kind: "command", template };
  }
  return { kind: "phases", isWriting: !flags.readOnly, isReading: !flags.writeOnly };
}

function ratioMode(text: string, workload: WorkloadName): Mode {
  const match = /^(\d+):(\d+)$/.exec(text);
  if (match === null) throw new UsageError(`--ratio: not writes:reads (${text}), such as 1:10`);
  const write = countOf("--ratio", match[1] ?? "", 0, RATIO_MAX);
  const read = countOf("--ratio", match[2] ?? "", 0, RATIO_MAX);
  if (write + read === 0) throw new UsageError(`--ratio: both are 0 (${text})`);
  const isChat = workload === "chat";
  const operations: OperationShare[] = [];
  if (write > 0) operations.push({ operation: isChat ? "push" : "set", weight: write });
  if (read > 0) operations.push({ operation: isChat ? "range" : "get", weight: read });
  const label = isChat ? `MIX ${text} (Chat)` : `MIX ${text}`;
  return { kind: "mix", label, operations };
}

function needSimple(flag: string, workload: WorkloadName): void {
  if (workload !== "simple") {
    throw new UsageError(`${flag}: contradicts --workload ${workload}, it needs simple`);
  }
}

function pubSubMode(flags: RawFlags, backends: Backend[]): Mode {
  const silent = backends.find((backend) => backend.kind === "in-process");
  if (silent !== undefined) {
    throw new UsageError(`--pubsub-only: ${silent.name} has no publishing and subscribing`);
  }
  if (flags.workload !== undefined) {
    const what = flags.pubsubOnly ? "--pubsub-only" : "--db nats, which publishes and subscribes";
    throw new UsageError(`--workload: has no effect on ${what}; leave it out`);
  }
  const concurrency = countOf("--concurrency", flags.concurrency, 2, Number.MAX_SAFE_INTEGER);
  const text = flags.numPublishers ?? "1";
  return {
    kind: "pubsub",
    publishersCount: countOf("--num-publishers", text, 1, concurrency - 1),
  };
}

function webSocketMode(
  flags: RawFlags,
  backends: Backend[],
  backend: Backend,
  given: (typeof MODE_FLAGS)[number] | undefined,
): Mode {
  if (backends.length > 1) {
    throw new UsageError(`--db: ${backend.name} cannot be compared with others (${flags.db})`);
  }
  if (given !== undefined) {
    throw new UsageError(`${flagOf(given)}: has no effect on --db ${backend.name}`);
  }
  if (flags.workload !== undefined && flags.workload.toLowerCase() !== "chat") {
    throw new UsageError(`--workload: has no effect on --db ${backend.name}, leave it out`);
  }
  if (backend.name === "websocketchat") {
    if (flags.hold !== undefined) {
      throw new UsageError("--hold: has no effect, it is for --db websocket");
    }
    return { kind: "ws-chat", localAddresses: localAddressesOf(flags) };
  }
  const holdMs = durationMsOf("--hold", flags.hold ?? HOLD_MS_DEFAULT, 0, HOLD_MS_MAX);
  return { kind: "ws-connect", holdMs, localAddresses: localAddressesOf(flags) };
}

/** Consecutive loopback addresses; none without --ws-multi-ip. */
function localAddressesOf(flags: RawFlags): string[] {
  if (!flags.wsMultiIp) {
    for (const name of ["wsMultiIpBase", "wsMultiIpCount"] as const) {
      if (flags[name] !== undefined) {
        throw new UsageError(`${flagOf(name)}: has no effect without --ws-multi-ip, add it`);
      }
    }
    return [];
  }
  const base = flags.wsMultiIpBase ?? MULTI_IP_BASE_DEFAULT;
  const parts = base.split(".").map(Number);
  const isLoopback = /^127(\.\d{1,3}){3}$/.test(base) && parts.every((part) => part <= 255);
  if (!isLoopback) {
    throw new UsageError(`--ws-multi-ip-base: not a loopback address (${base}), 127.0.0.0/8`);
  }
  const text = flags.wsMultiIpCount ?? MULTI_IP_COUNT_DEFAULT;
  const count = countOf("--ws-multi-ip-count", text, 1, MULTI_IP_COUNT_MAX);
  const [, a = 0, b = 0, c = 0] = parts;
  const first = (a << 16) | (b << 8) | c;
  if (first + count > 2 ** 24) {
    throw new UsageError(`--ws-multi-ip-count: ${count} addresses from ${base} leave 127.0.0.0/8`);
  }
  return Array.from({ length: count }, (_, i) => {
    const address = first + i;
    return `127.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}`;
  });
}

/** writeOnly → --write-only */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
