/**
 * What a checkpoint costs those who are served meanwhile: the longest and the 99.9th percentile of
 * a probe's GETs and SETs, beside a moderate load, without and with BGSAVE; and how many GETs are
 * answered without and with it. Our server, valkey-server, and ours in memory, in one run.
 *
 *     bun scripts/checkpoint-stall.ts [--keys 5000000] [--seconds 10] [--rounds 3]
 *
 * The probe has a connection and a thread of its own, with one request on its way. Rounds with and
 * without a checkpoint are interleaved. `--load PORT ...` is the script's own second process.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "bun";
import { Prng } from "../src/base/prng.ts";
import { median, option } from "./options.ts";
import { command, keyOf, pipeline } from "./pipeline.ts";
import { freePort } from "./servers.ts";

const KEYS = Number(option("keys", "5000000"));
const SECONDS = Number(option("seconds", "10"));
const ROUNDS = Number(option("rounds", "3"));
const VALUE = "x".repeat(128);
const LOAD_DEPTH = 16;
/** The moderate load: a batch each so many milliseconds. */
const LOAD_PERIOD_MS = 1;
const BAR_MS = 50;
const WARM_UP = 20_000;
/** Which of a probe's requests, by turns. */
const GET = 0;
const SET = 1;
const BOTH = 2;

interface Running {
  readonly name: string;
  readonly port: number;
  readonly child: Bun.Subprocess;
}

const NAMES = ["kv everysec", "valkey", "kv off"];
/** The port of a server to load, in the second process. */
const LOAD_PORT = Number(option("load", "0"));
const root = LOAD_PORT > 0 ? "" : mkdtempSync(join(tmpdir(), "kv-checkpoint-stall-"));
const running: Running[] = [];

function cli(port: number, ...words: string[]): string {
  return spawnSync(["redis-cli", "-p", String(port), ...words]).stdout.toString();
}

async function start(name: string): Promise<Running> {
  const port = freePort();
  const dir = join(root, name.replaceAll(" ", "-"));
  spawnSync(["mkdir", "-p", dir]);
  const commands: Readonly<Record<string, string[]>> = {
    "kv everysec": ["./kv", "serve", "--threads", "1", "--dir", join(dir, "data")],
    "kv off": ["./kv", "serve", "--threads", "1", "--persist", "off"],
    valkey: ["valkey-server", "--save", "", "--appendonly", "yes", "--dir", dir],
  };
  const words = [...(commands[name] as string[]), "--port", String(port)];
  const child = Bun.spawn(words, { stdout: "ignore", stderr: "ignore" });
  const server = { name, port, child };
  running.push(server);
  for (let i = 0; i < 1000 && !cli(port, "PING").startsWith("PONG"); i++) await Bun.sleep(10);
  let next = 0;
  await pipeline(port, () => {
    if (next >= KEYS) return null;
    const batch: string[] = [];
    for (let i = 0; i < 500 && next < KEYS; i++) batch.push(command("SET", keyOf(next++), VALUE));
    return [batch.join(""), batch.length];
  });
  await saved(server);
  return server;
}

function isSaving(port: number): boolean {
  const info = cli(port, "INFO", "persistence");
  return /_in_progress:1/.test(info);
}

/** Resolves when no checkpoint, snapshot or rewriting is under way. */
async function saved(server: Running): Promise<void> {
  while (isSaving(server.port)) await Bun.sleep(50);
}

/** One reply after the other on a connection: `ask` resolves with the time it took, in ms. */
class Probe {
  #answered: (() => void) | null = null;
  #socket: Bun.Socket | null = null;

  async connect(port: number): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: { data: () => this.#answered?.() },
    });
  }

  async ask(text: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered = resolve;
    const began = performance.now();
    this.#socket?.write(text);
    await promise;
    return performance.now() - began;
  }

  close(): void {
    this.#socket?.terminate();
  }
}

interface Load {
  stop(): Promise<number>;
}

/** Load from another process: "mixed" at a steady pace, "get" as fast as it goes. */
function startLoad(port: number, kind: "mixed" | "get"): Load {
  const words = [process.execPath, import.meta.path, "--load", String(port), "--kind", kind];
  const child = Bun.spawn([...words, "--keys", String(KEYS)], { stdin: "pipe", stdout: "pipe" });
  return {
    async stop() {
      child.stdin.end();
      return Number(await new Response(child.stdout).text());
    },
  };
}

/** The second process: until its input ends. Prints commands a second. */
async function runLoad(port: number, kind: string): Promise<void> {
  const prng = new Prng(7);
  let isOver = false;
  const isEnding = process.stdin
    .on("end", () => {
      isOver = true;
    })
    .resume();
  const began = performance.now();
  const one = (depth: number, isGet: boolean): [string, number] => {
    const words: string[] = [];
    for (let i = 0; i < depth; i++) {
      const key = keyOf(prng.below(KEYS));
      words.push(isGet ? command("GET", key) : command("SET", key, VALUE));
    }
    return [words.join(""), depth];
  };
  let count = 0;
  if (kind === "get") {
    const loads = Array.from({ length: 4 }, () =>
      pipeline(port, () => (isOver ? null : one(LOAD_DEPTH, true)), 2),
    );
    for (const sent of await Promise.all(loads)) count += sent;
  } else {
    const probe = new Probe();
    await probe.connect(port);
    while (!isOver) {
      const [text, sent] = one(LOAD_DEPTH, false);
      await probe.ask(text);
      count += sent;
      await Bun.sleep(LOAD_PERIOD_MS);
    }
    probe.close();
  }
  isEnding.destroy();
  console.log(count / ((performance.now() - began) / 1000));
}

interface Stall {
  readonly times: number[];
  readonly rate: number;
}

/** Probes until a checkpoint that was begun is over, and SECONDS at the least. */
async function probe(server: Running, saves: boolean): Promise<Stall> {
  const { port } = server;
  const load = startLoad(port, "mixed");
  const own = new Probe();
  await own.connect(port);
  const prng = new Prng(3);
  const times: number[] = [];
  // The probe's own compiler and the load's start are no matter of the server's.
  for (let i = 0; i < WARM_UP; i++) await own.ask(command("GET", keyOf(prng.below(KEYS))));
  if (saves) cli(port, "BGSAVE");
  const end = performance.now() + SECONDS * 1000;
  while (performance.now() < end) {
    const key = keyOf(prng.below(KEYS));
    times.push(
      await own.ask(times.length % 2 === GET ? command("GET", key) : command("SET", key, VALUE)),
    );
  }
  own.close();
  const rate = await load.stop();
  await saved(server);
  return { times, rate };
}

/** GETs a second, while checkpoints follow each other or while there is none. */
async function throughput(server: Running, saves: boolean): Promise<number> {
  const load = startLoad(server.port, "get");
  const end = performance.now() + SECONDS * 1000;
  while (performance.now() < end) {
    if (saves) cli(server.port, "BGSAVE");
    await Bun.sleep(200);
  }
  const rate = await load.stop();
  await saved(server);
  return rate;
}

function rowOf(name: string, what: string, stalls: readonly Stall[]): number {
  const sorted = (kind: number) =>
    stalls
      .flatMap((it) => it.times.filter((_, i) => kind === BOTH || i % 2 === kind))
      .sort((a, b) => a - b);
  const at = (times: readonly number[], part: number) =>
    (times[Math.floor((times.length - 1) * part)] as number).toFixed(2);
  const all = sorted(BOTH);
  const rate = Math.round(median(stalls.map((it) => it.rate)));
  const longest = [sorted(GET), sorted(SET)].map((times) => at(times, 1)).join(" | ");
  const cells = [all.length, rate, at(all, 0.5), at(all, 0.999), longest];
  console.log(`| ${name} | ${what} | ${cells.join(" | ")} |`);
  return all.at(-1) as number;
}

async function compare(): Promise<void> {
  const servers: Running[] = [];
  for (const name of NAMES) servers.push(await start(name));
  console.log(
    "| server | checkpoint | probes | load/s | median ms | p99.9 ms | longest GET | longest SET |",
  );
  console.log("|---|---|---|---|---|---|---|---|");
  let longest = 0;
  for (const server of servers.slice(0, 2)) {
    const without: Stall[] = [];
    const during: Stall[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      without.push(await probe(server, false));
      during.push(await probe(server, true));
    }
    rowOf(server.name, "none", without);
    const ms = rowOf(server.name, "BGSAVE", during);
    if (server.name === "kv everysec") longest = ms;
  }
  console.log(
    `\nlongest stall of kv during a checkpoint: ${longest.toFixed(1)} ms (bar ${BAR_MS})\n`,
  );
  const rates = servers.map(() => [[], []] as [number[], number[]]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, server] of servers.entries()) {
      rates[i]?.[0].push(await throughput(server, false));
      if (server.name !== "kv off") rates[i]?.[1].push(await throughput(server, true));
    }
  }
  console.log(
    "| GET, 4 connections, depth 16 | per second | with BGSAVE | part |\n|---|---|---|---|",
  );
  for (const [i, server] of servers.entries()) {
    const [none, saving] = rates[i] as [number[], number[]];
    const cells =
      saving.length === 0
        ? " | "
        : `${Math.round(median(saving))} | ${(median(saving) / median(none)).toFixed(2)}`;
    console.log(`| ${server.name} | ${Math.round(median(none))} | ${cells} |`);
  }
  const part = median(rates[0]?.[0] as number[]) / median(rates[2]?.[0] as number[]);
  console.log(`\nGET with everysec against --persist off: ${part.toFixed(2)}`);
}

if (LOAD_PORT > 0) await runLoad(LOAD_PORT, option("kind", "get"));
else {
  try {
    await compare();
  } finally {
    for (const server of running) server.child.kill("SIGKILL");
    rmSync(root, { recursive: true, force: true });
  }
}
