/**
 * Our server with a log beside valkey-server with its append-only file, and beside itself in
 * memory, in one run: throughput and tail of SET, of chat (LPUSH and LTRIM 0 99), and the time of a
 * restart.
 *
 *     bun scripts/durability.ts [--rounds 3] [--requests 1000000] [--keys 1000000] [--restart
 * 5000000]
 *
 * All servers run for the whole time, on one thread, on loopback; rounds are interleaved and
 * medians compared. Only ratios mean anything on a shared machine. `--restart 0` leaves the restart
 * out, `--rounds 0` all else.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "bun";
import { median, option } from "./options.ts";
import { freePort } from "./servers.ts";

const ROUNDS = Number(option("rounds", "3"));
const REQUESTS = Number(option("requests", "1000000"));
const KEYS = Number(option("keys", "1000000"));
const RESTART_KEYS = Number(option("restart", "5000000"));
const LISTS = 1000;

interface Running {
  readonly name: string;
  readonly port: number;
  readonly child: Bun.Subprocess;
  /** From the start of the process to its first PONG. */
  readonly readyMs: number;
}

const root = mkdtempSync(join(tmpdir(), "kv-durability-"));
const running: Running[] = [];

function commandOf(name: string, mode: string, port: number): string[] {
  const dir = join(root, `${name}-${mode}`);
  if (name === "kv") {
    const serve = ["./kv", "serve", "--port", String(port), "--threads", "1", "--persist", mode];
    return mode === "off" ? serve : [...serve, "--dir", dir];
  }
  spawnSync(["mkdir", "-p", dir]);
  const persistence = ["--appendonly", "yes", "--appendfsync", mode, "--dir", dir];
  return ["valkey-server", "--port", String(port), "--save", "", ...persistence];
}

async function start(name: string, mode: string): Promise<Running> {
  const port = freePort();
  const began = performance.now();
  const command = commandOf(name, mode, port);
  const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore" });
  for (let tries = 0; tries < 30_000; tries++) {
    if (cli(port, "PING").startsWith("PONG")) {
      const server = { name: `${name} ${mode}`, port, child, readyMs: performance.now() - began };
      running.push(server);
      return server;
    }
    await Bun.sleep(10);
  }
  throw new Error(`${name} ${mode} does not answer`);
}

async function stop(server: Running): Promise<void> {
  server.child.kill("SIGKILL");
  await server.child.exited;
  running.splice(running.indexOf(server), 1);
}

function cli(port: number, ...words: string[]): string {
  return spawnSync(["redis-cli", "-p", String(port), ...words]).stdout.toString();
}

interface Sample {
  readonly rate: number;
  readonly p999Ms: number;
}

/** SET of 128 bytes by redis-benchmark. */
function measureSet(server: Running, depth: number, requests: number): Sample {
  const text = spawnSync([
    "redis-benchmark",
    ...["-p", String(server.port), "-t", "set", "-d", "128", "-c", "50", "-P", String(depth)],
    ...["-r", String(KEYS), "-n", String(requests)],
  ]).stdout.toString();
  const rate = Number(/throughput summary: ([\d.]+)/.exec(text)?.[1]);
  const tail = [...text.matchAll(/^([\d.]+)% <= ([\d.]+) milliseconds/gm)];
  const row = tail.find(([, percent]) => Number(percent) >= 99.9);
  return { rate, p999Ms: Number(row?.[2] ?? 0) };
}

/** Pairs of LPUSH and LTRIM over LISTS lists, 50 connections, 16 commands on their way each. */
async function measureChat(server: Running, pairs: number): Promise<Sample> {
  const value = "x".repeat(128);
  const connections = 50;
  const perConnection = Math.floor(pairs / connections);
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async (_, c) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      let sent = 0;
      let lines = 0;
      const send = (socket: Bun.Socket) => {
        const batch: string[] = [];
        for (let i = 0; i < 8 && sent < perConnection; i++, sent++) {
          const key = `room:${(c * 7919 + sent * 104_729) % LISTS}`;
          batch.push(`*3\r\n$5\r\nLPUSH\r\n$${key.length}\r\n${key}\r\n$128\r\n${value}\r\n`);
          batch.push(`*4\r\n$5\r\nLTRIM\r\n$${key.length}\r\n${key}\r\n$1\r\n0\r\n$2\r\n99\r\n`);
        }
        socket.write(batch.join(""));
      };
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: server.port,
        socket: {
          data(own, chunk) {
            for (const byte of chunk) if (byte === 10) lines++;
            if (lines < sent * 2) return;
            if (sent >= perConnection) resolve();
            else send(own);
          },
        },
      });
      send(socket);
      await promise;
      socket.terminate();
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  return { rate: (2 * perConnection * connections) / seconds, p999Ms: 0 };
}

async function compare(
  title: string,
  names: readonly (readonly [string, string])[],
  measure: (server: Running) => Sample | Promise<Sample>,
): Promise<void> {
  const servers: Running[] = [];
  for (const [name, mode] of names) servers.push(await start(name, mode));
  const samples = servers.map(() => [] as Sample[]);
  for (const server of servers) await measure(server);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, server] of servers.entries()) samples[i]?.push(await measure(server));
  }
  const first = median((samples[0] as Sample[]).map((it) => it.rate));
  for (const [i, server] of servers.entries()) {
    const rate = median((samples[i] as Sample[]).map((it) => it.rate));
    const p999 = median((samples[i] as Sample[]).map((it) => it.p999Ms));
    const ratio = (first / rate).toFixed(2);
    const tail = p999 > 0 ? p999.toFixed(2) : "";
    console.log(`| ${title} | ${server.name} | ${Math.round(rate)} | ${tail} | ${ratio} |`);
  }
  const written = /log_written_bytes:(\d+)/.exec(
    cli((servers[0] as Running).port, "INFO", "persistence"),
  );
  if (title === "chat") {
    const pushes = (ROUNDS + 1) * Math.floor(REQUESTS / 4 / 50) * 50;
    const part = Number(written?.[1]) / pushes / 128;
    console.log(`log bytes per push and trim: ${part.toFixed(2)} times the element`);
  }
  for (const server of servers) await stop(server);
}

/** Fills a server with RESTART_KEYS keys of 16 bytes and values of 128. */
async function fill(server: Running): Promise<void> {
  const value = "x".repeat(128);
  const step = 500;
  let next = 0;
  let lines = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const send = (socket: Bun.Socket) => {
    const batch: string[] = [];
    for (const end = Math.min(RESTART_KEYS, next + step); next < end; next++) {
      const key = `key:${String(next).padStart(12, "0")}`;
      batch.push(`*3\r\n$3\r\nSET\r\n$16\r\n${key}\r\n$128\r\n${value}\r\n`);
    }
    rest = Buffer.from(batch.join(""));
    drain(socket);
  };
  let rest: Buffer = Buffer.alloc(0);
  const drain = (socket: Bun.Socket) => {
    const taken = socket.write(rest);
    if (taken > 0) rest = rest.subarray(taken);
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: server.port,
    socket: {
      drain,
      data(own, chunk) {
        for (const byte of chunk) if (byte === 10) lines++;
        if (lines < next) return;
        if (next >= RESTART_KEYS) resolve();
        else send(own);
      },
    },
  });
  send(socket);
  await promise;
  socket.terminate();
}

async function restarted(name: string): Promise<number> {
  const server = await start(name, "everysec");
  const keys = cli(server.port, "DBSIZE").trim();
  if (Number(keys) !== RESTART_KEYS) throw new Error(`${name} has ${keys} keys`);
  await stop(server);
  return server.readyMs;
}

async function compareRestart(): Promise<void> {
  for (const name of ["kv", "valkey"])
    rmSync(join(root, `${name}-everysec`), { recursive: true, force: true });
  const theirs = await start("valkey", "everysec");
  await fill(theirs);
  cli(theirs.port, "BGREWRITEAOF");
  while (cli(theirs.port, "INFO", "persistence").includes("aof_rewrite_in_progress:1")) {
    await Bun.sleep(100);
  }
  await stop(theirs);
  const loadMs = await restarted("valkey");
  const ours = await start("kv", "everysec");
  await fill(ours);
  await stop(ours);
  const logMs = await restarted("kv");
  const again = await start("kv", "everysec");
  cli(again.port, "SAVE");
  await stop(again);
  const checkpointMs = await restarted("kv");
  for (const [what, ms] of [
    ["valkey, AOF with RDB preamble", loadMs],
    ["kv, as killed", logMs],
    ["kv, with a checkpoint", checkpointMs],
  ] as const) {
    console.log(`| restart | ${what} | ${Math.round(ms)} ms | | ${(ms / loadMs).toFixed(2)} |`);
  }
}

try {
  const cpu = readFileSync("/proc/loadavg", "latin1").split(" ")[0];
  console.log(
    `load of the machine before: ${cpu}\n\n| load | server | per second | p99.9 ms | ratio |`,
  );
  console.log("|---|---|---|---|---|");
  const three = [
    ["kv", "everysec"],
    ["valkey", "everysec"],
    ["kv", "off"],
  ] as const;
  for (const depth of ROUNDS > 0 ? [16, 50] : []) {
    await compare(`SET depth ${depth}`, three, (it) => measureSet(it, depth, REQUESTS));
  }
  const two = [
    ["kv", "always"],
    ["valkey", "always"],
  ] as const;
  if (ROUNDS > 0) {
    await compare("SET always", two, (it) => measureSet(it, 1, REQUESTS / 20));
    await compare("chat", three, (it) => measureChat(it, REQUESTS / 4));
  }
  if (RESTART_KEYS > 0) await compareRestart();
} finally {
  for (const server of running) server.child.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
}
