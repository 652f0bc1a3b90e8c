/**
 * What exactly will run, against what, in which order: the plan as plain data.
 *
 * Made from the options by make-plan.ts, carried out by run.ts; everything but the targets and the
 * phases is also part of the result.
 */
import type { FormatName } from "../formats/format.ts";
import type { BackendName } from "./backends.ts";

export type WorkloadName = "simple" | "chat";

/** Who speaks to the backend: our own drivers (raw), or a library that applications use. */
export type ClientName = "raw" | "node-redis" | "bun" | "nats" | "nats-ws";

export interface TargetPlan {
  backend: BackendName;
  client: ClientName;
  /** Null: it is started here, or it runs in this process. */
  url: string | null;
  /** Threads of a server that is started here; null leaves it to the server. */
  threads: number | null;
}

/** What the values are made of. */
export interface ValuePlan {
  /** Sizes of the payload's `data` in bytes, as given: "128", "64-1024", "64:50,1024:50". */
  size: string;
  format: FormatName;
  /** Null: not compressed. */
  zstdLevel: number | null;
  /** Share of `data` that repeats, 0 to 1. */
  compressibility: number;
}

/** When a phase ends: after so many operations, or so much time. */
export type Amount = { operations: number } | { durationMs: number };

/** Open loop: operations are due by a schedule, whatever the server does. */
export interface Schedule {
  ratePerSecond: number;
  arrival: "const" | "poisson";
  /** Operations under way at the most; what is due beyond that is dropped and counted. */
  inflightMax: number;
}

interface PhaseBase {
  /** What tables call it: "WRITE (Chat)", "PUBSUB (10P/90S)", "WS Chat (100 Clients)". */
  label: string;
  /** False: done and checked, but not reported as a figure. */
  isMeasured: boolean;
  /** How long operations are sent and not counted before the clock starts. */
  warmupMs: number;
}

/**
 * One operation may be several requests: `push` is LPUSH and LTRIM, `rmw` is GET and SET of one
 * key.
 */
export type OperationName =
  | "set"
  | "get"
  | "push"
  | "range"
  | "insert"
  | "scan"
  | "rmw"
  | "command";

export interface OperationShare {
  operation: OperationName;
  weight: number;
}

export interface RequestPhase extends PhaseBase {
  kind: "requests";
  name: "write" | "read" | "fill" | "mix" | "scan" | "command";
  amount: Amount;
  /** Operations that a connection sends at once. */
  batchSize: number;
  /** Null: closed loop. */
  schedule: Schedule | null;
  /** What is done, by weight; one entry but in a mix. */
  operations: OperationShare[];
  /** "sequential", "uniform", "zipf:0.99", "hotspot:0.2/0.8" … */
  keyDistribution: string;
  keysCount: number;
  /** The text of --command in the phase `command`, else null. */
  command: string | null;
}

/** Every message of every publisher goes to every subscriber. */
export interface FanoutPhase extends PhaseBase {
  kind: "fanout";
  name: "pubsub" | "ws-chat";
  /** Messages, over all publishers. */
  amount: Amount;
  publishersCount: number;
  /** In ws-chat every client is both, and hears its own messages. */
  subscribersCount: number;
  /** Null: closed loop. */
  schedule: Schedule | null;
  /** Messages of one publisher under way at the most. */
  batchSize: number;
  /** Loopback addresses that WebSocket connections are spread over; empty: the one of the URL. */
  localAddresses: string[];
}

/** How many connections a server takes and holds. */
export interface ConnectPhase extends PhaseBase {
  kind: "connect";
  name: "ws-connect";
  connectionsCount: number;
  /** Opened at the same time. */
  connectorsCount: number;
  holdMs: number;
  /** Loopback addresses that connections are spread over; empty: the one of the URL. */
  localAddresses: string[];
}

export type PhasePlan = RequestPhase | FanoutPhase | ConnectPhase;

/** Lists of the chat workload. */
export interface ChatPlan {
  chatsCount: number;
  /** Elements that a list is trimmed to. */
  historyLength: number;
  /** Elements per read. */
  readSize: number;
}

/** Search of the highest rate at which a percentile of the latency stays within a bound. */
export interface RateSearch {
  percentile: 0.5 | 0.9 | 0.99 | 0.999;
  latencyNsMax: number;
  arrival: Schedule["arrival"];
  inflightMax: number;
}

export interface Plan {
  workload: WorkloadName;
  targets: TargetPlan[];
  phases: PhasePlan[];
  /** Repetitions of the whole; the order of the targets changes from one to the next. */
  runsCount: number;
  /** Connections, over all load processes. */
  concurrency: number;
  /** Load processes. */
  workersCount: number;
  values: ValuePlan;
  chat: ChatPlan;
  /** Null: phases run at the rates that they have. */
  search: RateSearch | null;
  seed: number;
  isTimingLatency: boolean;
  isVerifying: boolean;
  /** So long without a single reply ends the run. */
  timeoutMs: number;
}
