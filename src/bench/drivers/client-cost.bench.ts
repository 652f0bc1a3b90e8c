/**
 * Measures what the client spends per request beside the kernel: encoding, counting, recording.
 *
 *      bun src/bench/drivers/client-cost.bench.ts
 *
 * `runClientCost` with few rounds runs in the tests, so that this does not rot. The checksum shows
 * that the work was done.
 */
import { Histogram } from "../recorder/histogram.ts";
import { createKeyOrder, type KeyOrderName } from "../workloads/key-order.ts";
import { SimpleRequests, ValuePool } from "../workloads/simple.ts";
import { ReplyCounter, ReplyKind } from "./reply-counter.ts";

const BATCH_SIZE = 50;
const VALUE_SIZE = 128;

interface Work {
  name: string;
  /** Does BATCH_SIZE units; returns something that depends on it. */
  run(): number;
}

function makeWork(): Work[] {
  const values = new ValuePool(VALUE_SIZE, 1);
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
  return work;
}

function countWork(name: string, kind: ReplyKind, reply: string): Work {
  const counter = new ReplyCounter();
  counter.reset(kind, -1, null);
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
