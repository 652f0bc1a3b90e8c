/**
 * What a store's directory takes on the disk while the data is written, and changed for a while:
 * looked at four times a second, beside the live data, which is the bytes of keys and values.
 *
 *     bun scripts/disk-use.ts [--live 1280] [--value 1024] [--limit 320] [--seconds 60]
 * [--changes set|mixed] [--dir /tmp]
 *
 * `--live`, `--limit` in MiB; `--limit`: of memory, by a cgroup (v1 or v2; root), 0 for none.
 * `--changes mixed`: half of the changes are SET, a quarter each DEL, and SET with an expiry. The
 * ratio leaves out log segments that are open or ready, as the promise does, and segments of the
 * map that are made and hold nothing yet.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "bun";
import { Prng } from "../src/base/prng.ts";
import { limitMemory } from "../test/torture/memory-limit.ts";
import { option } from "./options.ts";
import { command, keyOf, pipeline } from "./pipeline.ts";
import { freePort } from "./servers.ts";

const MIB = 1024 * 1024;
const SEGMENT = 64 * MIB;
const KEY_SIZE = 16;
const LIVE_BYTES = Number(option("live", "1280")) * MIB;
const VALUE_SIZE = Number(option("value", "1024"));
const LIMIT_BYTES = Number(option("limit", "0")) * MIB;
const SECONDS = Number(option("seconds", "60"));
const IS_MIXED = option("changes", "set") === "mixed";
const KEYS = Math.floor(LIVE_BYTES / (KEY_SIZE + VALUE_SIZE));
const BATCH = Math.max(1, Math.floor(65_536 / VALUE_SIZE));
const PERIOD_MS = 250;
const EXPIRY_MS = 10_000;

const root = mkdtempSync(join(option("dir", "/tmp"), "kv-disk-use-"));
const dir = join(root, "data");
const port = freePort();
const prng = new Prng(1);
const value = "x".repeat(VALUE_SIZE);

interface Sample {
  readonly log: number;
  readonly spare: number;
  readonly shards: number;
  readonly heap: number;
  readonly heapSpare: number;
  readonly live: number;
}

function cli(...words: string[]): string {
  return spawnSync(["redis-cli", "-p", String(port), ...words]).stdout.toString();
}

function field(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
}

function sample(): Sample {
  const info = cli("INFO");
  const sums = { log: 0, shards: 0, heap: 0 };
  for (const name of readdirSync(dir)) {
    const bytes = statSync(join(dir, name), { throwIfNoEntry: false })?.blocks ?? 0;
    const kind = name.startsWith("log-") ? "log" : name.startsWith("heap-") ? "heap" : "shards";
    sums[kind] += bytes * 512;
  }
  const used = field(info, "log_segments") * SEGMENT;
  const keys = Number(cli("DBSIZE"));
  return {
    ...sums,
    spare: Math.min(sums.log, sums.log - used + SEGMENT),
    heapSpare: field(info, "heap_spare_bytes"),
    live: keys * (KEY_SIZE + VALUE_SIZE),
  };
}

function ratioOf(it: Sample): number {
  return (it.log - it.spare + it.shards + it.heap - it.heapSpare) / it.live;
}

function row(title: string, it: Sample): void {
  const parts = [it.live, it.log - it.spare, it.shards, it.heap - it.heapSpare];
  const spares = it.spare + it.heapSpare;
  const cells = [...parts, spares].map((bytes) => Math.round(bytes / MIB)).join(" | ");
  const all = (it.log + it.shards + it.heap) / it.live;
  console.log(`| ${title} | ${cells} | ${ratioOf(it).toFixed(2)} | ${all.toFixed(2)} |`);
}

/** Runs a load and samples beside it; prints the samples with the largest ratios. */
async function watch(title: string, load: Promise<number>): Promise<void> {
  const before = cli("INFO", "persistence");
  const ioBefore = written();
  const began = performance.now();
  let isOver = false;
  let worst: Sample | null = null;
  let largest: Sample | null = null;
  let last: Sample | null = null;
  const ended = load.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await Bun.sleep(PERIOD_MS);
    const now = sample();
    last = now;
    // While there is little data, what every store has at the least is the larger part.
    if (now.live < LIVE_BYTES / 2) continue;
    if (worst === null || ratioOf(now) > ratioOf(worst)) worst = now;
    const sum = now.log + now.shards + now.heap;
    if (largest === null || sum > largest.log + largest.shards + largest.heap) largest = now;
  }
  const count = await ended;
  const seconds = (performance.now() - began) / 1000;
  const logBytes = field(cli("INFO", "persistence"), "log_written_bytes");
  const changed = logBytes - field(before, "log_written_bytes");
  if (worst !== null) row(`${title}: worst ratio`, worst);
  if (largest !== null) row(`${title}: most bytes`, largest);
  if (last !== null) row(`${title}: at its end`, last);
  const rate = `${Math.round(count / seconds)} commands/s, ${Math.round(changed / MIB)} MiB of log`;
  const amplification = ((written() - ioBefore) / changed).toFixed(2);
  console.log(`| ${title}: ${rate}, ${amplification} bytes written for each of the log ||||||||`);
}

/** Bytes that the server has caused to be written: by calls, and by what it dirtied in mappings. */
function written(): number {
  const io = spawnSync(["cat", `/proc/${child.pid}/io`]).stdout.toString();
  return Number(/^write_bytes: (\d+)/m.exec(io)?.[1] ?? 0);
}

function fill(): Promise<number> {
  let next = 0;
  return pipeline(port, () => {
    if (next >= KEYS) return null;
    const commands: string[] = [];
    for (let i = 0; i < BATCH && next < KEYS; i++)
      commands.push(command("SET", keyOf(next++), value));
    return [commands.join(""), commands.length];
  });
}

function change(): Promise<number> {
  const end = performance.now() + SECONDS * 1000;
  return pipeline(port, () => {
    if (performance.now() > end) return null;
    const commands: string[] = [];
    for (let i = 0; i < BATCH; i++) {
      const key = keyOf(prng.below(KEYS));
      const kind = IS_MIXED ? prng.below(4) : 0;
      if (kind === 2) commands.push(command("DEL", key));
      else if (kind === 3) commands.push(command("SET", key, value, "PX", String(EXPIRY_MS)));
      else commands.push(command("SET", key, value));
    }
    return [commands.join(""), BATCH];
  });
}

await using limit = LIMIT_BYTES === 0 ? null : limitMemory(LIMIT_BYTES);
if (LIMIT_BYTES > 0 && limit === null) process.exit(1);
const serve = ["./kv", "serve", "--threads", "1", "--port", String(port), "--dir", dir];
const child = Bun.spawn(limit?.commandIn(serve) ?? serve, { stdout: "ignore", stderr: "inherit" });
try {
  for (let i = 0; i < 500 && !cli("PING").startsWith("PONG"); i++) await Bun.sleep(20);
  console.log("| MiB | live | log | checkpoints | map | open, ready | ratio | all / live |");
  console.log("|---|---|---|---|---|---|---|---|");
  await watch("fill", fill());
  await watch("changes", change());
  cli("SAVE");
  await Bun.sleep(1000);
  row("after SAVE", sample());
} finally {
  child.kill("SIGKILL");
  await child.exited;
  rmSync(root, { recursive: true, force: true });
}
