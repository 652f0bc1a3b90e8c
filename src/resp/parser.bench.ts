/**
 * Measures RequestParser on pipelined batches: nanoseconds per request.
 *
 *      bun src/resp/parser.bench.ts
 *
 * `runParserBench` with small parameters runs in the tests, so that this does not rot. The checksum
 * shows that the work was done.
 */
import { bench, do_not_optimize, run } from "mitata";
import { RequestEncoder } from "./encoder.ts";
import { RequestParser } from "./parser.ts";
import { LIMITS } from "./parser-driver.ts";
import { PartialRequest } from "./partial-request.ts";

const VALUE = "x".repeat(128);

interface Batch {
  name: string;
  bytes: Buffer;
  requestsCount: number;
}

/** Requests as redis-benchmark sends them: keys of 16 bytes, values of 128. */
function makeBatch(name: string, count: number, argsOf: (i: number) => string[]): Batch {
  const encoder = new RequestEncoder(256);
  for (let i = 0; i < count; i++) encoder.command(...argsOf(i));
  const bytes = Buffer.from(encoder.bytes.subarray(0, encoder.length));
  return { name, bytes, requestsCount: count };
}

export function makeBatches(): Batch[] {
  const key = (i: number): string => `key:${String(i).padStart(12, "0")}`;
  const keys = Array.from({ length: 10 }, (_, i) => [key(i), VALUE]).flat();
  return [
    makeBatch("GET x1", 1, (i) => ["GET", key(i)]),
    makeBatch("GET x16", 16, (i) => ["GET", key(i)]),
    makeBatch("GET x50", 50, (i) => ["GET", key(i)]),
    makeBatch("SET 128 B x16", 16, (i) => ["SET", key(i), VALUE]),
    makeBatch("SET 128 B x50", 50, (i) => ["SET", key(i), VALUE]),
    makeBatch("SET 2 KiB x16", 16, (i) => ["SET", key(i), VALUE.repeat(16)]),
    makeBatch("MSET of 10 x16", 16, () => ["MSET", ...keys]),
    makeBatch("PING x50", 50, () => ["PING"]),
  ];
}

/** Parses `batch` once; returns a checksum of what was found. */
export function parseBatch(parser: RequestParser, partial: PartialRequest, batch: Batch): number {
  parser.parse(batch.bytes, 0, batch.bytes.length, LIMITS, partial, 64);
  return parser.commandsCount * 1000 + parser.argsCount;
}

if (import.meta.main) {
  const parser = new RequestParser();
  const partial = new PartialRequest();
  const batches = makeBatches();
  // All shapes first, so that what is measured is what a server with mixed clients runs.
  let checksum = 0;
  for (let i = 0; i < 20_000; i++) {
    for (const batch of batches) checksum += parseBatch(parser, partial, batch);
  }
  for (const batch of batches) {
    const start = Bun.nanoseconds();
    const rounds = 20_000;
    for (let i = 0; i < rounds; i++) checksum += parseBatch(parser, partial, batch);
    const perRequest = (Bun.nanoseconds() - start) / rounds / batch.requestsCount;
    process.stdout.write(`${batch.name.padEnd(16)} ${perRequest.toFixed(1)} ns per request\n`);
    bench(batch.name, () => do_not_optimize(parseBatch(parser, partial, batch)));
  }
  if (Bun.argv.includes("--mitata")) await run();
  process.stdout.write(`checksum ${checksum}\n`);
}
