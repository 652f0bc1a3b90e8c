/**
 * Measures ReplyWriter: nanoseconds per reply, in batches of 50 as a pipeline gives them.
 *
 *      bun src/resp/writer.bench.ts [--mitata]
 *
 * Also the crossing point of the byte loop and Buffer.copy, which sets COPY_SIZE_MIN.
 */
import { bench, do_not_optimize, run } from "mitata";
import { ReplyWriter } from "./writer.ts";

const BATCH = 50;
const ROUNDS = 20_000;

export interface WriterCase {
  name: string;
  write: (out: ReplyWriter, i: number) => void;
}

/** The values lie in shared memory, as the store's do, each in another cache line. */
export function makeCases(): WriterCase[] {
  const shared = Buffer.from(new SharedArrayBuffer(1 << 20) as unknown as ArrayBuffer);
  const bulk = (length: number): WriterCase => ({
    name: `bulk ${length} B`,
    write: (out, i) => out.bulk(shared, (i * 1088) & 0xfffff & ~4095, length),
  });
  return [
    { name: "ok", write: (out) => out.ok() },
    { name: "null", write: (out) => out.null() },
    { name: "integer 0..49", write: (out, i) => out.integer(i) },
    { name: "integer 1234567", write: (out, i) => out.integer(1234567 + i) },
    { name: "arrayHeader 100", write: (out) => out.arrayHeader(100) },
    ...[3, 8, 16, 24, 32, 48, 64, 128, 1024, 16_384].map(bulk),
  ];
}

/** Writes one batch; returns its size. */
export function writeBatch(out: ReplyWriter, it: WriterCase): number {
  out.length = 0;
  for (let i = 0; i < BATCH; i++) it.write(out, i);
  return out.length;
}

if (import.meta.main) {
  const out = new ReplyWriter(1 << 20);
  const cases = makeCases();
  let checksum = 0;
  for (let i = 0; i < ROUNDS / 10; i++) for (const it of cases) checksum += writeBatch(out, it);
  for (const it of cases) {
    const start = Bun.nanoseconds();
    for (let i = 0; i < ROUNDS; i++) checksum += writeBatch(out, it);
    const perReply = (Bun.nanoseconds() - start) / ROUNDS / BATCH;
    process.stdout.write(`${it.name.padEnd(16)} ${perReply.toFixed(1)} ns\n`);
    bench(it.name, () => do_not_optimize(writeBatch(out, it)));
  }
  if (Bun.argv.includes("--mitata")) await run();
  process.stdout.write(`checksum ${checksum}\n`);
}
