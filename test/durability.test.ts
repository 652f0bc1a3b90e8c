/**
 * Durability from outside: the real server, its directory, kill -9, SIGTERM. The same tortures at
 * full size are `make torture`.
 */
import { expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { ReplyError } from "../src/resp/reader.ts";
import {
  Client,
  eventually,
  kvCommand,
  readyPort,
  run,
  Server,
  startKv,
  temporaryFolder,
} from "./harness.ts";
import { flipBits } from "./torture/flip.ts";
import { tortureByKill } from "./torture/kill.ts";
import { DEAD_KINDS, LIVE_KINDS } from "./torture/live-bytes.ts";

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

test(
  "C1: a flipped bit is refused where it counts, and changes nothing where it does not",
  () => {
    const totals = flipBits({ seed: 1, live: 60, marks: 10, dead: 40 });
    expect(totals).toMatchObject({ refused: 60, mended: 10, harmless: 40 });
    for (const kind of [...LIVE_KINDS, ...DEAD_KINDS]) expect(totals.byKind).toHaveProperty(kind);
  },
  PATIENCE_MS,
);

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
  const mark = readFileSync(join(dir, "mark"));
  writeFileSync(join(dir, "mark"), Buffer.concat([Buffer.alloc(44), mark.subarray(44)]));
  const usable = await run([...kvCommand(), "check", "--dir", dir]);
  expect(usable.stdout).toContain("one of two is damaged");
  expect(usable.exitCode).toBe(0);
  writeFileSync(join(dir, "mark"), mark);
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

/** Only root may mount. */
const mayMount = process.platform === "linux" && process.getuid?.() === 0;

test.skipIf(!mayMount)(
  "D1: a full disk refuses changes, reads go on, room is noticed, nothing is lost",
  async () => {
    using folder = temporaryFolder();
    const disk = join(folder.path, "disk");
    mkdirSync(disk);
    expect((await run(["mount", "-t", "tmpfs", "-o", "size=480m", "none", disk])).exitCode).toBe(0);
    try {
      const args = ["--dir", join(disk, "data"), "--threads", "1"];
      const ballast = join(disk, "ballast");
      let acknowledged = 0;
      {
        await using server = await startKv(args);
        writeFileSync(ballast, Buffer.alloc(300 * 1024 * 1024));
        await using client = await Client.connect(server);
        const value = Buffer.alloc(100_000, "x");
        let reply = await client.command("SET", "k0", value);
        while (reply === "OK") reply = await client.command("SET", `k${++acknowledged}`, value);
        expect(reply).toMatchObject({ code: "MISCONF" });
        expect(String((reply as ReplyError).text)).toContain("no space left on device");
        expect(await client.text("STRLEN k0")).toBe(100_000);
        expect(await client.text("DEL k0")).toMatchObject({ code: "MISCONF" });
        expect(await info(client, "log_full")).toBe("no space left on device");
        const failure = await client.text("SAVE");
        expect(String((failure as ReplyError).text)).toContain("failed: no space left on device");
        expect(await info(client, "rdb_last_bgsave_status")).toBe("err");
        await eventually(() => server.stderr.includes("checkpoint has failed: no space"), "a line");
        rmSync(ballast);
        await eventually(async () => (await client.text("SET more 1")) === "OK", "room is noticed");
        expect(await client.text("SAVE")).toBe("OK");
        expect(await info(client, "rdb_last_bgsave_status")).toBe("ok");
        server.kill("SIGKILL");
        await server.finished();
      }
      await using server = await startKv(args);
      await using client = await Client.connect(server);
      for (let i = 0; i < acknowledged; i++) {
        expect(await client.command("STRLEN", `k${i}`)).toBe(100_000);
      }
      expect(await client.text("GET more")).toBe("1");
    } finally {
      await run(["umount", "-l", disk]);
    }
  },
  PATIENCE_MS,
);

test.skipIf(Bun.which("prlimit") === null)(
  "D2: a limit on file size is a clear error",
  async () => {
    using folder = temporaryFolder();
    const serve = [...kvCommand(), "serve", "--port", "0", "--dir", join(folder.path, "data")];
    const { exitCode, stderr } = await run(["prlimit", "--fsize=1000000", ...serve]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("Cannot make a segment");
    expect(stderr).toContain("file too large");
  },
);

test.skipIf(Bun.which("strace") === null)(
  "D6: a disk that refuses to flush ends an always server, and nothing is acknowledged after",
  async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "data");
    const inject = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"];
    const when = "inject=fdatasync:error=EIO:when=8+";
    const server = new Server(
      ["strace", ...inject, "-e", when, ...kvCommand(), "serve"].concat([
        "--port",
        "0",
        "--dir",
        dir,
        "--persist",
        "always",
        "--threads",
        "1",
      ]),
    );
    await eventually(() => !server.isRunning || readyPort(server.stdout) !== 0, "it is ready");
    let acknowledged = 0;
    if (server.isRunning) {
      await using client = await Client.connect({ port: readyPort(server.stdout) });
      // One at a time: each needs a flush of its own.
      while (await client.command("SET", `k${acknowledged}`, "v").catch(() => null)) acknowledged++;
    }
    const { exitCode, stderr } = await server.finished();
    expect(exitCode).toBe(1);
    expect(stderr).toContain("input/output error");
    await using again = await startKv(["--dir", dir, "--threads", "1"]);
    await using client = await Client.connect(again);
    for (let i = 0; i < acknowledged; i++) expect(await client.text(`GET k${i}`)).toBe("v");
  },
  PATIENCE_MS,
);

test.skipIf(Bun.which("strace") === null)(
  "D6: a segment that cannot be removed ends the server with its reason",
  async () => {
    using folder = temporaryFolder();
    const dir = join(folder.path, "data");
    {
      await using server = await startKv(["--dir", dir, "--threads", "1"]);
      await server.stop();
    }
    // More than are kept.
    for (let slot = 10; slot < 22; slot++) {
      const made = await run(["fallocate", "-l", "64MiB", join(dir, `log-0000${slot}`)]);
      expect(made.exitCode).toBe(0);
    }
    const inject = ["-e", "trace=unlink,unlinkat", "-e", "inject=unlink,unlinkat:error=EIO"];
    const strace = ["strace", "-f", "-qq", "-o", "/dev/null", ...inject];
    const { exitCode, stderr } = await run(
      [...strace, ...kvCommand(), "serve", "--dir", dir].concat([
        ...["--port", "0", "--threads", "1"],
      ]),
    );
    expect(exitCode).toBe(1);
    // One line; the runtime has a code of its own for it.
    expect(stderr).toMatch(/^kv: Cannot look after [^\n]*\n$/);
  },
  PATIENCE_MS,
);

test("D5, C3: a directory that cannot be used is refused, and left as it is", async () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "mine");
  const serve = [...kvCommand(), "serve", "--port", "0", "--dir"];
  const onFile = await run([...serve, file]);
  expect([onFile.exitCode, onFile.stderr]).toEqual([
    1,
    `kv: Cannot use ${file}: it is no directory\n`,
  ]);
  const foreign = await run([...serve, folder.path]);
  expect(foreign.stderr).toContain("it holds something else (file)");
  expect(readdirSync(folder.path)).toEqual(["file"]);
  const impossible = await run([...serve, "/proc/kv"]);
  expect([impossible.exitCode, impossible.stderr.split("\n")[0]]).toEqual([
    1,
    "kv: Cannot use /proc/kv: no such file or directory",
  ]);
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
  // It is in progress from the reply on, not when it begins: who polls must not think it ended.
  client.send("BGSAVE\r\nBGSAVE\r\nINFO persistence\r\n");
  const [started, refused, text] = await client.nextMany(3);
  expect(started).toBe("Background saving started");
  expect(refused).toMatchObject({ code: "ERR" });
  expect(String(text)).toContain("rdb_bgsave_in_progress:1");
  await eventually(async () => (await info(client, "rdb_bgsave_in_progress")) === "0", "it ends");
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
