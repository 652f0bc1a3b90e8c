/**
 * What a command line of `kv bench` asks for. Made by cli/bench-options.ts, which has checked every
 * value and combination; make-plan.ts turns it into a plan.
 */
import type { BackendName } from "./backends.ts";
import type { Condition } from "./conditions.ts";
import type {
  Amount,
  ChatPlan,
  ClientName,
  OperationShare,
  ValuePlan,
  WorkloadName,
} from "./plan.ts";

export interface TargetOption {
  backend: BackendName;
  client: ClientName;
  /** Where it is, when that was said. */
  url: string | null;
}

/** What is measured of a target. */
export type Mode =
  /** WRITE, then READ. */
  | { kind: "phases"; isWriting: boolean; isReading: boolean }
  /** Several operations in one phase. */
  | { kind: "mix"; label: string; operations: OperationShare[] }
  /** One command as given. */
  | { kind: "command"; template: string }
  | { kind: "pubsub"; publishersCount: number }
  | { kind: "ws-chat"; localAddresses: string[] }
  | { kind: "ws-connect"; holdMs: number; localAddresses: string[] };

/** Rates of the open loop; null is a closed loop. */
export type RateOption =
  | { kind: "fixed"; ratePerSecond: number }
  | { kind: "sweep"; ratesPerSecond: number[] }
  | { kind: "find-max"; percentile: 0.5 | 0.9 | 0.99 | 0.999; latencyNsMax: number };

export interface BenchOptions {
  targets: TargetOption[];
  workload: WorkloadName;
  mode: Mode;
  amount: Amount;
  warmupMs: number;
  runsCount: number;
  concurrency: number;
  workersCount: number;
  values: ValuePlan;
  chat: ChatPlan;
  /** Size of a key space that is drawn from; null: one key per operation. */
  keysCount: number | null;
  /** Null: the default of the mode. */
  keyDistribution: string | null;
  /** Operations that a connection sends at once: 1 without --pipeline. */
  batchSize: number;
  rate: RateOption | null;
  arrival: "const" | "poisson";
  inflightMax: number;
  isTimingLatency: boolean;
  isVerifying: boolean;
  seed: number;
  timeoutMs: number;
  /** Threads of a server that is started here; null leaves it to the server. */
  threads: number | null;
  /** An earlier result to compare with. */
  baselinePath: string | null;
  /** Any of them that holds fails the run. */
  conditions: Condition[];
  isQuiet: boolean;
  /** Print the result as JSON instead of tables. */
  isJson: boolean;
  /** Files to write; the ending says what. */
  outPaths: string[];
  /** What to say before the run: aliases that were resolved, and the like. */
  notices: string[];
}
