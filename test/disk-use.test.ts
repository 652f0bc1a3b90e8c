/**
 * What changes cost on the disk, at small size: bytes of the log for changes of large values, a
 * directory's size while its data is overwritten, and a large list whose space comes back. At full
 * size, and for data larger than memory: scripts/disk-use.ts.
 */
import { expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Client, eventually, type Server, startKv, temporaryFolder } from "./harness.ts";

const PATIENCE_MS = 120_000;
const MIB = 1024 * 1024;
const SEGMENT = 64 * MIB;

async function field(client: Client, section: string, name: string): Promise<number> {
  const text = String(await client.command("INFO", section));
  return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(text)?.[1]);
}

/** Bytes of records that a command adds to the log. */
async function logged(client: Client, ...words: readonly string[]): Promise<number> {
  const before = await field(client, "persistence", "log_written_bytes");
  await client.command(...(words as [string]));
  return (await field(client, "persistence", "log_written_bytes")) - before;
}

function sizeOf(dir: string, isCounted: (name: string) => boolean): number {
  return readdirSync(dir)
    .filter(isCounted)
    .reduce((sum, it) => sum + (statSync(join(dir, it), { throwIfNoEntry: false })?.size ?? 0), 0);
}

test("a change of a large value logs the change, not the value", async () => {
  using folder = temporaryFolder();
  await using server = await startKv(["--dir", join(folder.path, "data"), "--threads", "1"]);
  await using client = await Client.connect(server);
  await client.command("SET", "small", "x");
  expect(await logged(client, "SET", "large", "x".repeat(1_000_000))).toBeGreaterThan(1_000_000);
  for (const words of [
    ["EXPIRE", "1000"],
    ["PERSIST"],
    ["APPEND", "tail"],
    ["SETRANGE", "0", "y"],
  ]) {
    const [name, ...rest] = words as [string, ...string[]];
    const bytes = await logged(client, name, "large", ...rest);
    expect([name, bytes]).toEqual([name, await logged(client, name, "small", ...rest)]);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(64);
  }
});

/** Overwrites `count` keys again and again until `bytes` of log are written. */
async function overwrite(client: Client, count: number, bytes: number, value: string) {
  const batch = 100;
  for (let next = 0; next * value.length < bytes; next += batch) {
    for (let i = 0; i < batch; i++) {
      const key = `k${String((next + i) % count).padStart(9, "0")}`;
      client.send(`*3\r\n$3\r\nSET\r\n$10\r\n${key}\r\n$${value.length}\r\n${value}\r\n`);
    }
    await client.nextMany(batch);
  }
}

test(
  "a directory takes twice its data and 320 MiB, and the open segments, while it is overwritten",
  async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "data");
    await using server: Server = await startKv(["--dir", dir, "--threads", "1"]);
    await using client = await Client.connect(server);
    await using watcher = await Client.connect(server);
    const value = "x".repeat(4096);
    const count = 16_384;
    const liveBytes = count * value.length;
    const writtenBytes = 1200 * MIB;
    let isOver = false;
    const load = overwrite(client, count, writtenBytes, value).finally(() => {
      isOver = true;
    });
    let largest = 0;
    while (!isOver) {
      const used = await field(watcher, "persistence", "log_segments");
      const shards = sizeOf(dir, (name) => name.startsWith("shard-"));
      largest = Math.max(largest, Math.max(0, used - 1) * SEGMENT + shards);
    }
    await load;
    expect(largest).toBeLessThan(2 * liveBytes + 320 * MIB);
    expect(await field(watcher, "persistence", "log_segments_recycled")).toBeGreaterThan(10);
    expect(await watcher.text("SAVE")).toBe("OK");
    const shards = sizeOf(dir, (name) => name.startsWith("shard-"));
    expect(shards).toBeGreaterThan(liveBytes);
    expect(shards).toBeLessThan(1.1 * liveBytes);
  },
  PATIENCE_MS,
);

test(
  "DEL of a list of a million elements takes no time, and its space comes back",
  async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "data");
    await using server = await startKv(["--dir", dir, "--threads", "1"]);
    await using client = await Client.connect(server);
    const elements = Array.from({ length: 1000 }, (_, i) => `element:${i}:${"x".repeat(80)}`);
    for (let i = 0; i < 1000; i++) await client.command("RPUSH", "list", ...elements);
    expect(await client.text("SAVE")).toBe("OK");
    expect(sizeOf(dir, (name) => name.startsWith("shard-"))).toBeGreaterThan(90_000_000);
    const before = await field(client, "memory", "used_memory");
    expect(before).toBeGreaterThan(90_000_000);
    const bytes = await logged(client, "DEL", "list");
    expect(bytes).toBeLessThan(64);
    const stats = String(await client.command("INFO", "commandstats"));
    const micros = Number(/^cmdstat_del:calls=1,usec=([\d.]+)/m.exec(stats)?.[1]);
    expect(micros).toBeLessThan(1000);
    const small = async () => (await field(client, "memory", "used_memory")) < before - 90_000_000;
    await eventually(small, "the memory comes back");
    expect(await client.text("SAVE")).toBe("OK");
    const left = sizeOf(dir, (name) => /^shard-|^heap-/.test(name));
    expect(left).toBeLessThan(1_000_000);
    expect(await field(client, "persistence", "log_segments")).toBeLessThanOrEqual(1);
  },
  PATIENCE_MS,
);
