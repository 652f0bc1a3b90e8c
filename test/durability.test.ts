/**
 * Durability from outside: the real server, its directory, kill -9, SIGTERM. The same tortures at
 * full size are `make torture`.
 */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, eventually, kvCommand, run, startKv, temporaryFolder } from "./harness.ts";
import { flipBits } from "./torture/flip.ts";
import { tortureByKill } from "./torture/kill.ts";

const PATIENCE_MS = 120_000;

/** A field of INFO persistence. */
async function info(client: Client, field: string): Promise<string> {
  const text = String(await client.command("INFO", "persistence"));
  return new RegExp(`^${field}:(.*?)\r?$`, "m").exec(text)?.[1] ?? "";
}

test.each(["everysec", "always"] as const)(
  "A1, A3: kill -9 under load, %s",
  async (mode) => {
    const options = { cycles: 4, mode, threads: 2, seed: 5, loadMs: 200, points: [] };
    const totals = await tortureByKill(options);
    expect(totals.acknowledged).toBeGreaterThan(100);
    expect(totals.killedRecoveries).toBeGreaterThan(0);
  },
  PATIENCE_MS,
);

test(
  "A2: death at the fail points of checkpoints",
  async () => {
    const points = ["checkpoint-begin", "checkpoint-written", "manifest-written"];
    const options = {
      cycles: 3,
      mode: "everysec",
      threads: 1,
      seed: 6,
      loadMs: 50,
      points,
    } as const;
    expect((await tortureByKill(options)).cycles).toBe(3);
  },
  PATIENCE_MS,
);

test("A5: SIGTERM loses nothing and ends with 0, and the second server is refused", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "data");
  const args = ["--dir", dir, "--threads", "2"];
  {
    await using server = await startKv(args);
    expect(server.stdout).toContain(`durability: everysec in ${dir}`);
    await using client = await Client.connect(server);
    await client.text("SET a 1");
    await client.text("RPUSH l 1 2 3");
    await client.text("SET gone x PX 1");
    await client.text("EXPIRE l 1000");
    const second = await run([...kvCommand(), "serve", "--port", "0", "--dir", dir]);
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toContain("another process has it");
    expect(await server.stop()).toMatchObject({ exitCode: 0 });
  }
  await using server = await startKv(args);
  await using client = await Client.connect(server);
  expect(await client.text("GET a")).toBe("1");
  expect(await client.text("LRANGE l 0 -1")).toEqual(["1", "2", "3"]);
  expect(await client.text("GET gone")).toBeNull();
  expect(Number(await client.text("TTL l"))).toBeGreaterThan(900);
});

test("C1: no flipped bit gives a wrong value", () => {
  const totals = flipBits(1, 60);
  expect(totals.refused + totals.harmless).toBe(60);
  expect(totals.refused).toBeGreaterThan(30);
});

test("kv check tells what is there, refuses what is damaged, and salvages the rest", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "data");
  {
    await using server = await startKv(["--dir", dir, "--threads", "1"]);
    await using client = await Client.connect(server);
    for (let i = 0; i < 20; i++) await client.text(`SET k${i} value`);
    await client.text("WAITAOF 1 0 0");
    const busy = await run([...kvCommand(), "check", "--dir", dir]);
    expect(busy.stderr).toContain("another process has it");
    server.kill("SIGKILL");
    await server.finished();
  }
  const sound = await run([...kvCommand(), "check", "--dir", dir]);
  expect(sound.stderr).toBe("");
  expect(sound.stdout).toContain("sound");
  expect(sound.stdout).toContain("20 keys");
  const log = join(dir, "log-000000");
  const bytes = readFileSync(log);
  const at = bytes.indexOf("k7value");
  bytes[at + 3] = 0x21;
  writeFileSync(log, bytes);
  const damaged = await run([...kvCommand(), "check", "--dir", dir]);
  expect(damaged.exitCode).toBe(1);
  expect(damaged.stderr).toContain("record 8, which was durable");
  const salvaged = await run([...kvCommand(), "check", "--dir", dir, "--salvage"]);
  expect(salvaged.stdout).toContain("salvaged");
  expect(salvaged.exitCode).toBe(0);
  await using server = await startKv(["--dir", dir, "--threads", "1"]);
  await using client = await Client.connect(server);
  expect(await client.text("GET k6")).toBe("value");
  expect(await client.text("GET k7")).toBeNull();
  const none = await run([...kvCommand(), "check", "--dir", join(folder.path, "none")]);
  expect(none).toMatchObject({ exitCode: 1 });
});

test("--persist off makes no file", async () => {
  using folder = temporaryFolder();
  await using server = await startKv(["--persist", "off"], { cwd: folder.path });
  await using client = await Client.connect(server);
  await client.text("SET a 1");
  expect(readdirSync(folder.path)).toEqual([]);
  expect(await client.text("SAVE")).toMatchObject({ code: "ERR" });
  expect(await client.text("WAITAOF 0 0 0")).toEqual([0, 0]);
  expect(await client.text("WAITAOF 1 0 0")).toMatchObject({ code: "ERR" });
});

test("SAVE, BGSAVE, LASTSAVE, WAITAOF and INFO tell what is durable", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "data");
  await using server = await startKv(["--dir", dir, "--threads", "1"]);
  await using client = await Client.connect(server);
  await client.text("SET a 1");
  expect(await client.text("WAITAOF 1 0 5000")).toEqual([1, 0]);
  expect(await info(client, "durable_lag_ms")).toBe("0");
  expect(await client.text("SAVE")).toBe("OK");
  expect(readdirSync(dir).filter((name) => name.startsWith("shard-"))).toHaveLength(8);
  const savedAt = Number(await client.text("LASTSAVE"));
  expect(savedAt).toBeGreaterThan(1_600_000_000);
  expect(await client.text("BGSAVE")).toBe("Background saving started");
  await eventually(async () => (await info(client, "rdb_saves")) === "2", "BGSAVE is done");
  expect(await info(client, "durability")).toBe("everysec");
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  expect(existsSync(join(dir, "manifest"))).toBe(true);
});

test("always: a reply comes when it is durable, and pipelines keep their order", async () => {
  using folder = temporaryFolder();
  const dir = join(folder.path, "data");
  await using server = await startKv(["--dir", dir, "--persist", "always", "--threads", "1"]);
  await using client = await Client.connect(server);
  for (let i = 0; i < 50; i++) {
    expect(await client.command("SET", `k${i}`, "v")).toBe("OK");
    const [last, durable] = [await info(client, "last_stamp"), await info(client, "durable_stamp")];
    expect(durable).toBe(last);
  }
  const count = 500;
  for (let i = 0; i < count; i++) client.send(`INCR n\r\n`);
  const replies = await client.nextMany(count);
  expect(replies).toEqual(Array.from({ length: count }, (_, i) => i + 1));
});
