/**
 * Measures what the client spends per request beside the kernel: encoding, counting, recording.
 *
 *      bun src/bench/drivers/client-cost.bench.ts
 *
 * `runClientCost` with few rounds runs in the tests, so that this does not rot. The checksum shows
 * that the work was done.
 */
import type { OperationShare } from "../plan.ts";
import { Histogram } from "../recorder/histogram.ts";
import { PhaseRecorder } from "../recorder/phase-recorder.ts";
import { createKeyOrder, type KeyOrderName } from "../workloads/key-order.ts";
import { KeySpace } from "../workloads/key-space.ts";
import { OperationRequests } from "../workloads/operations.ts";
import { type RequestEncoder, shapeOf } from "../workloads/requests.ts";
import { SimpleRequests } from "../workloads/simple.ts";
import { createValues } from "../workloads/values.ts";
import { ReplyCounter, ReplyKind } from "./reply-counter.ts";
import { RequestRing } from "./request-ring.ts";

const BATCH_SIZE = 50;
const VALUE_SIZE = 128;

interface Work {
  name: string;
  /** Does BATCH_SIZE units; returns something that depends on it. */
  run(): number;
}

function makeWork(): Work[] {
  const values = valuesOf("string");
  const work: Work[] = [];
  for (const request of ["set", "get"] as const) {
    for (const name of ["sequential", "random"] satisfies KeyOrderName[]) {
      const order = createKeyOrder(name, 1_000_000, 1);
      const requests = new SimpleRequests({
        request,
        order,
        values,
        seed: 1,
        batchSize: BATCH_SIZE,
      });
      const run = () => requests.encode(BATCH_SIZE, null);
      work.push({ name: `encode ${request}, ${name} keys`, run });
    }
  }
  work.push(countWork("count +OK", ReplyKind.Status, "+OK\r\n"));
  const bulk = `$${VALUE_SIZE}\r\n${"x".repeat(VALUE_SIZE)}\r\n`;
  work.push(countWork(`count bulk strings of ${VALUE_SIZE} B`, ReplyKind.Bulk, bulk));
  const histogram = new Histogram();
  const record = () => {
    for (let i = 1; i <= BATCH_SIZE; i++) histogram.record(i * 12_345, 1);
    return histogram.count;
  };
  work.push({ name: "record", run: record });
  work.push(ringWork("ring: set, get 1:9", "string", shares(["set", 1], ["get", 9])));
  work.push(ringWork("ring: push", "string", shares(["push", 1])));
  work.push(ringWork("ring: get json, decoded", "json", shares(["get", 1])));
  return work;
}

function valuesOf(format: "string" | "json") {
  return createValues({ size: `${VALUE_SIZE}`, format, zstdLevel: null, compressibility: 0 }, 1);
}

function shares(...list: [OperationShare["operation"], number][]): OperationShare[] {
  return list.map(([operation, weight]) => ({ operation, weight }));
}

/** Encoding, counting and recording together, of operations that have entries in a ring. */
function ringWork(name: string, format: "string" | "json", operations: OperationShare[]): Work {
  const values = valuesOf(format);
  const order = createKeyOrder("random", 1_000_000, 1);
  const chat = { chatsCount: 1000, historyLength: 100, readSize: 50 };
  const encoder: RequestEncoder = new OperationRequests({
    ...{ operations, order, values, chat, seed: 1, mixSeed: 1, batchSize: BATCH_SIZE },
    space: new KeySpace(1_000_000, 0, 1),
    isVerifying: false,
    isOrdered: false,
  });
  const counter = new ReplyCounter();
  const recorder = new PhaseRecorder(operations.length, true, false);
  const ring = new RequestRing(counter, encoder.shapes, encoder.listener, recorder);
  counter.reset(shapeOf(ReplyKind.Status), ring);
  const bytes = Buffer.alloc(BATCH_SIZE * 512);
  return {
    name,
    run: () => {
      encoder.encode(BATCH_SIZE, ring);
      ring.sent(1);
      let size = 0;
      for (let i = 0; i < ring.length; i++) {
        const { shape, key } = ring.entry(i);
        const { kind } = encoder.shapes[shape] ?? shapeOf(ReplyKind.Status);
        if (kind === ReplyKind.Bulk) {
          size += bytes.write(`$${values.sizeOf(key)}\r\n`, size, "latin1");
          size += values.write(key, bytes, size);
          size += bytes.write("\r\n", size, "latin1");
        } else size += bytes.write(kind === ReplyKind.Integer ? ":1\r\n" : "+OK\r\n", size);
      }
      ring.nowNs = 2;
      return counter.feed(bytes, 0, size);
    },
  };
}

function countWork(name: string, kind: ReplyKind, reply: string): Work {
  const counter = new ReplyCounter();
  counter.reset(shapeOf(kind), null);
  const bytes = Buffer.from(reply.repeat(BATCH_SIZE));
  return { name, run: () => counter.feed(bytes, 0, bytes.length) };
}

/** Nanoseconds per request of each piece of work, and a checksum. */
export function runClientCost(rounds: number): { costs: Map<string, number>; checksum: number } {
  const costs = new Map<string, number>();
  let checksum = 0;
  for (const { name, run } of makeWork()) {
    for (let i = 0; i < rounds; i++) checksum += run();
    const startNs = Bun.nanoseconds();
    for (let i = 0; i < rounds; i++) checksum += run();
    costs.set(name, (Bun.nanoseconds() - startNs) / rounds / BATCH_SIZE);
  }
  return { costs, checksum };
}

if (import.meta.main) {
  const { costs, checksum } = runClientCost(40_000);
  for (const [name, ns] of costs) {
    process.stdout.write(`${name.padEnd(32)} ${ns.toFixed(1)} ns per request\n`);
  }
  process.stdout.write(`checksum ${checksum}\n`);
}
