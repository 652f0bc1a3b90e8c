/**
 * Phase → the encoder of its requests, with everything that decides what is sent: keys, values, the
 * mix, the seed of each.
 */
import type { OperationShare, Plan, RequestPhase } from "../plan.ts";
import { CommandRequests } from "./command.ts";
import { parseCommandTemplate } from "./command-template.ts";
import { type KeyDistribution, parseKeyDistribution } from "./distributions.ts";
import { createKeyOrder, type KeyOrder } from "./key-order.ts";
import type { KeySpace } from "./key-space.ts";
import { OperationStream } from "./operation-stream.ts";
import { OperationRequests } from "./operations.ts";
import type { RequestEncoder } from "./requests.ts";
import { SimpleRequests } from "./simple.ts";
import { formatValueSizes } from "./value-sizes.ts";
import { createValues, type ValueSource } from "./values.ts";

/** What a load process takes of a plan. */
export type LoadPlan = Pick<
  Plan,
  "values" | "chat" | "seed" | "isVerifying" | "isTimingLatency" | "timeoutMs"
> & {
  /** Over all load processes. */
  concurrency: number;
  workersCount: number;
  /** Which of them this is, from 0 on. */
  worker: number;
};

/** Which draw of the keys it is: no two of one run are alike. */
export type Draw = "measured" | "warm-up";

const WARMUP_SEED = 0x7761726d;
const WORKER_SEED = 0x9e3779b1;

export function createEncoder(
  phase: RequestPhase,
  plan: LoadPlan,
  values: ValueSource,
  space: KeySpace,
  draw: Draw,
): RequestEncoder {
  const { batchSize, keysCount } = phase;
  const operations = operationsOf(phase);
  const seed = seedOf(phase, plan, draw);
  const keys = parseKeyDistribution(phase.keyDistribution);
  if (phase.command !== null) {
    const valuesOf = (sizes: Parameters<typeof formatValueSizes>[0] | null) =>
      sizes === null
        ? values
        : createValues({ ...plan.values, size: formatValueSizes(sizes) }, plan.seed);
    const template = parseCommandTemplate(phase.command);
    return new CommandRequests(template, { keys, keysCount, valuesOf, seed }, batchSize);
  }
  const order = orderOf(keys, keysCount, plan, seed);
  const [only] = operations;
  const request = operations.length === 1 ? only?.operation : undefined;
  const isFixed = values.sizeMax === values.sizeMean;
  const isSimple = request === "set" || (request === "get" && !values.isDecoded);
  if (isSimple && isFixed && !(request === "get" && plan.isVerifying)) {
    return new SimpleRequests({ request, order, values, seed: plan.seed, batchSize });
  }
  const { chat, isVerifying, concurrency } = plan;
  return new OperationRequests({
    ...{ operations, order, space, values, chat, seed: plan.seed, batchSize, isVerifying },
    mixSeed: seed,
    isOrdered: isVerifying && concurrency === 1,
  });
}

/** The same operations on the same keys, for clients that take keys and values. */
export function createStream(
  phase: RequestPhase,
  plan: LoadPlan,
  space: KeySpace,
  draw: Draw,
): OperationStream {
  const mixSeed = seedOf(phase, plan, draw);
  const keys = parseKeyDistribution(phase.keyDistribution);
  const order = orderOf(keys, phase.keysCount, plan, mixSeed);
  return new OperationStream({ operations: operationsOf(phase), order, space, mixSeed });
}

function operationsOf({ operations }: RequestPhase): OperationShare[] {
  return operations.filter(({ weight }) => weight > 0);
}

/**
 * Another draw for reading than for writing: random reads in the order of the writes would flatter
 * a log.
 */
function seedOf({ name }: RequestPhase, { seed, worker }: LoadPlan, draw: Draw): number {
  const orderSeed = seed + (name === "read" ? 1 : 0);
  return orderSeed ^ (draw === "warm-up" ? WARMUP_SEED : 0) ^ (worker * WORKER_SEED);
}

/**
 * Several load processes that each go through all keys in order would do everything so many times:
 * each gets its part of them.
 */
function orderOf(keys: KeyDistribution, count: number, plan: LoadPlan, seed: number): KeyOrder {
  const { worker, workersCount } = plan;
  const own = shareOf(count, worker, workersCount);
  if (keys.kind !== "sequential" || own === 0) return createKeyOrder(keys, count, seed);
  const order = createKeyOrder(keys, own, seed);
  const start = startOf(count, worker, workersCount);
  return start === 0 ? order : { next: () => start + order.next() };
}

/** How many of `count` things are for part `index` of `parts`; all parts together have all. */
export function shareOf(count: number, index: number, parts: number): number {
  return startOf(count, index + 1, parts) - startOf(count, index, parts);
}

function startOf(count: number, index: number, parts: number): number {
  return Math.floor((count * index) / parts);
}
