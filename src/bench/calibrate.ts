/**
 * `kv bench calibrate`: how fast the client could go if the server took no time at all.
 *
 * The same driver, loop, recorder and requests as in any run, against a sink that answers without
 * looking (drivers/sink.ts). The rate that comes out is that of the slower of the two; the ceiling
 * is what one load process could do if it had a processor for itself: the inverse of its processor
 * time per operation. A run whose rate comes near its ceiling measures the client.
 */
import { encodeRequest } from "../resp/encoder.ts";
import { LocalLoad } from "./load/local-load.ts";
import { SinkProcess } from "./load/sink-process.ts";
import type { RequestPhase } from "./plan.ts";
import { keyText } from "./workloads/simple.ts";

const DEPTHS = [1, 16, 50];
const OPERATIONS = ["set", "get"] as const;
const KEYS_COUNT = 100_000;
const SEED = 1;
const TIMEOUT_MS = 10_000;

export interface CalibrateOptions {
  concurrency: number;
  valueSize: number;
  /** Of each measurement. */
  durationMs: number;
}

export interface CalibrationRow {
  operation: (typeof OPERATIONS)[number];
  /** Operations that a connection sends at once. */
  batchSize: number;
  operationsPerSecond: number;
  /** Processor time of the client for one operation. */
  clientNsPerOperation: number;
  /** Operations per second of one load process with a processor for itself. */
  ceilingPerSecond: number;
}

/** `selfCommand` runs this program. Throws FatalError when the sink cannot be started. */
export async function calibrate(
  options: CalibrateOptions,
  selfCommand: string[],
): Promise<CalibrationRow[]> {
  const rows: CalibrationRow[] = [];
  for (const operation of OPERATIONS) {
    for (const batchSize of DEPTHS) {
      rows.push(await measureCeiling(operation, batchSize, options, selfCommand));
    }
  }
  return rows;
}

async function measureCeiling(
  operation: CalibrationRow["operation"],
  batchSize: number,
  { concurrency, valueSize, durationMs }: CalibrateOptions,
  selfCommand: string[],
): Promise<CalibrationRow> {
  const phase = phaseOf(operation, batchSize, durationMs);
  const sink = await SinkProcess.start(selfCommand, exchangeOf(operation, valueSize));
  try {
    const load = await LocalLoad.connect({
      endpoint: sink.endpoint,
      setup: [],
      plan: {
        values: { size: `${valueSize}`, format: "string", zstdLevel: null, compressibility: 0 },
        chat: { chatsCount: 1, historyLength: 1, readSize: 1 },
        seed: SEED,
        isVerifying: false,
        isTimingLatency: true,
        timeoutMs: TIMEOUT_MS,
        concurrency,
        workersCount: 1,
        worker: 0,
      },
      phases: [phase],
    });
    await load.warmUp(phase);
    const { operations, elapsedNs, clientNs } = await load.run(phase, null);
    await load.close();
    return {
      operation,
      batchSize,
      operationsPerSecond: (operations * 1e9) / elapsedNs,
      clientNsPerOperation: clientNs / operations,
      ceilingPerSecond: (operations * 1e9) / clientNs,
    };
  } finally {
    await sink.stop();
  }
}

/** The size of every request, and the reply to each. */
function exchangeOf(operation: CalibrationRow["operation"], valueSize: number) {
  const value = Buffer.alloc(valueSize, "x");
  const key = keyText("simple", SEED);
  const isSet = operation === "set";
  const request = isSet ? encodeRequest("SET", key, value) : encodeRequest("GET", key);
  const reply = isSet ? "+OK\r\n" : `$${valueSize}\r\n${value.toString("latin1")}\r\n`;
  return { requestSize: request.length, reply };
}

function phaseOf(
  operation: CalibrationRow["operation"],
  batchSize: number,
  durationMs: number,
): RequestPhase {
  return {
    kind: "requests",
    name: operation === "set" ? "write" : "read",
    label: operation.toUpperCase(),
    isMeasured: true,
    warmupMs: Math.min(durationMs, 500),
    amount: { durationMs },
    batchSize,
    schedule: null,
    operations: [{ operation, weight: 1 }],
    keyDistribution: "uniform",
    keysCount: KEYS_COUNT,
    command: null,
  };
}
