/**
 * The embedded store on disk: values of 1 KB set by one thread, `everysec` beside memory only, in
 * one run; and what is there after the process has ended is counted.
 *
 *     bun scripts/embedded.ts [--keys 100,100000] [--seconds 5] [--rounds 3] [--dir DIR]
 *
 * The yardstick is the 27,717 writes/s that the crate's own table publishes for its persistent
 * store, written from one thread with values of 1 KB; its benchmark overwrites 100 keys. Prints a
 * Markdown table; rounds are interleaved, and each first sets every key once.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../src/store/embedded.ts";
import { median, option } from "./options.ts";

const PUBLISHED_PER_SECOND = 27_717;
const VALUE_SIZE = 1000;
/** Writes between two looks at the clock. */
const WRITES_A_LOOK = 1000;

const KEYS = option("keys", "100,100000").split(",").map(Number);
const SECONDS = Number(option("seconds", "5"));
const ROUNDS = Number(option("rounds", "3"));

const value = Buffer.alloc(VALUE_SIZE, "v");

/** Writes per second; the keys are overwritten in an order that is not that of memory. */
function measure(persist: "everysec" | "off", dir: string, count: number): number {
  const keys = Array.from({ length: count }, (_, i) => Buffer.from(`key:${i}`));
  const memory = 4 * count * VALUE_SIZE + 256 * 1024 * 1024;
  const store = openStore(persist === "off" ? { memory } : { dir, persist, memory });
  for (const key of keys) store.set(key, value);
  let writes = 0;
  let at = 0;
  const beganMs = performance.now();
  const endMs = beganMs + SECONDS * 1000;
  for (; performance.now() < endMs; writes += WRITES_A_LOOK) {
    for (let i = 0; i < WRITES_A_LOOK; i++) {
      at = (at + 7919) % count;
      value.writeUInt32LE(writes + i, 0);
      store.set(keys[at] as Buffer, value);
    }
  }
  const rate = (writes * 1000) / (performance.now() - beganMs);
  store.close();
  if (persist === "off") return rate;
  const again = openStore({ dir, persist, memory });
  const { keysCount } = again.stats();
  again.close();
  if (keysCount !== count) throw new Error(`${keysCount} of ${count} keys came back`);
  return rate;
}

const cases = KEYS.flatMap((count) =>
  (["everysec", "off"] as const).map((persist) => ({ count, persist, rates: [] as number[] })),
);
for (let round = 0; round < ROUNDS; round++) {
  for (const { count, persist, rates } of cases) {
    const dir = mkdtempSync(join(option("dir", tmpdir()), "kv-embedded-"));
    rates.push(measure(persist, join(dir, "data"), count));
    rmSync(dir, { recursive: true, force: true });
  }
}
console.log("| keys | persist | writes/s | lowest, highest | times the published |");
console.log("|---|---|---|---|---|");
for (const { count, persist, rates } of cases) {
  const rate = median(rates);
  const range = `${Math.round(Math.min(...rates))}, ${Math.round(Math.max(...rates))}`;
  const ratio = (rate / PUBLISHED_PER_SECOND).toFixed(1);
  console.log(`| ${count} | ${persist} | ${Math.round(rate)} | ${range} | ${ratio} |`);
}
