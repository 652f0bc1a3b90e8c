/**
 * D6: the disk refuses one call. For K = 1, 2, ... the K-th call of a kind about the store's files
 * fails (strace injects it, in each thread the K-th) while a server starts, is loaded until it
 * needs another segment, writes a checkpoint and stops; until a run passes in which nothing failed.
 *
 * Each time the server either goes on or ends with 1 and a clear line, and what it has acknowledged
 * is there in the next start, which nothing disturbs.
 *
 *     bun test/torture/failing-calls.ts --calls=fdatasync,rename --first=1 --step=1
 *
 * With --names=mark only calls about files whose names begin so are counted: the thousands that
 * fill the first segment come before all others, and a server that they end never gets to those.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeRequest } from "../../src/resp/encoder.ts";
import type { Reply } from "../../src/resp/reader.ts";
import { shardName } from "../../src/store/log-files.ts";
import {
  Client,
  eventually,
  type Finished,
  kvCommand,
  readyPort,
  Server,
  startKv,
  temporaryFolder,
} from "../harness.ts";
import { after, killIfThere, memoryFolder, numberOption, textOption } from "./options.ts";

/** Which calls fail with what. */
const ERRORS = {
  fdatasync: "EIO",
  fsync: "EIO",
  rename: "EIO",
  openat: "ENOSPC",
  pwrite64: "ENOSPC",
} as const;
export type FailingCall = keyof typeof ERRORS;
export const FAILING_CALLS = Object.keys(ERRORS) as FailingCall[];

/** More than a segment of 64 MiB. */
const LONG_VALUES = 700;
const LONG_VALUE_SIZE = 100_000;
/** So many of them are on their way at a time. */
const PIPELINE = 20;
const SHORT_VALUES = 20;
const SEGMENTS_MAX = 10;
const SHARDS = 8;
const SERIALS_MAX = 20;
/** A server that has neither answered nor ended by then hangs. */
const PATIENCE_MS = 20_000;
const K_MAX = 2000;

export interface FailingOptions {
  readonly calls: readonly FailingCall[];
  readonly first: number;
  /** Every so-manieth K is tried; 1 for all. */
  readonly step: number;
  /** The last K, even if calls still fail. */
  readonly last: number;
  /** Only calls about files whose names begin so; "" for all, and the directory. */
  readonly names: string;
}

export interface FailingTotals {
  /** For each call, the K of the last run in which one failed. */
  readonly reached: Partial<Record<FailingCall, number>>;
  runs: number;
  /** Runs that the server did not survive; it has said why. */
  ended: number;
  acknowledged: number;
}

/** Sweeps through the calls; throws when a server loses what it has acknowledged. */
export async function sweepFailures(options: FailingOptions): Promise<FailingTotals> {
  const totals: FailingTotals = { reached: {}, runs: 0, ended: 0, acknowledged: 0 };
  for (const call of options.calls) {
    totals.reached[call] = 0;
    for (let k = options.first; k <= options.last; k += options.step) {
      const run = new FailingRun(call, k, options.names);
      let hasFailed: boolean;
      try {
        hasFailed = await run.run();
      } catch (error) {
        throw new Error(`${call} number ${k} fails with ${ERRORS[call]}`, { cause: error });
      }
      totals.runs++;
      totals.acknowledged += run.acknowledged.length;
      if (run.hasEnded) totals.ended++;
      if (!hasFailed) break;
      totals.reached[call] = k;
    }
  }
  return totals;
}

class FailingRun {
  readonly #call: FailingCall;
  readonly #k: number;
  readonly #names: string;
  /** Sizes of the values of acknowledged keys, by the key's number. */
  readonly acknowledged: number[] = [];
  readonly #sizes: number[] = [];
  hasEnded = false;

  constructor(call: FailingCall, k: number, names: string) {
    this.#call = call;
    this.#k = k;
    this.#names = names;
  }

  /** True: a call has failed. */
  async run(): Promise<boolean> {
    using folder = temporaryFolder();
    using memory = memoryFolder();
    const dir = join(memory.path, "data");
    const trace = join(folder.path, "trace");
    const server = new Server([...this.#strace(dir, trace), ...kvCommand(), ...serve(dir)]);
    const isDecided = () => !server.isRunning || readyPort(server.stdout) !== 0;
    await eventually(isDecided, "the server is ready or has ended");
    await this.#use(server);
    await this.#check(dir);
    return readFileSync(trace, "latin1").includes("(INJECTED)");
  }

  #strace(dir: string, trace: string): string[] {
    const names = namesOf().filter((name) => name.startsWith(this.#names));
    const paths = names.map((name) => join(dir, name));
    if (this.#names === "") paths.push(dir);
    const fault = `inject=${this.#call}:error=${ERRORS[this.#call]}:when=${this.#k}`;
    const filters = ["-e", `trace=${this.#call}`, "-e", "signal=none", "-e", fault];
    const only = paths.flatMap((path) => ["-P", path]);
    return ["strace", "-f", "--seccomp-bpf", "-qqq", "-o", trace, ...filters, ...only];
  }

  /** Loads the server, lets it write a checkpoint, and stops it; it may end before. */
  async #use(server: Server): Promise<void> {
    const pid = Number(/pid: (\d+)/.exec(server.stdout)?.[1]);
    const isReady = readyPort(server.stdout) !== 0;
    try {
      if (isReady) await inTime(this.#load(readyPort(server.stdout)), "its replies");
      if (isReady) killIfThere(pid, "SIGTERM");
      this.#judge(await inTime(server.finished(), "its end"), isReady);
    } finally {
      if (isReady) killIfThere(pid);
      await server.finished();
    }
  }

  #judge({ exitCode, stdout, stderr }: Finished, isReady: boolean): void {
    this.hasEnded = exitCode !== 0;
    if (exitCode === 0 && isReady) return;
    const isClear = /^kv: .+/m.test(stderr) && !/^ +at /m.test(stderr);
    if (exitCode !== 1 || !isClear) {
      throw new Error(`it ended with ${exitCode}\n${stdout}${stderr}`);
    }
  }

  async #load(port: number): Promise<void> {
    try {
      await using client = await Client.connect({ port });
      for (let i = 0; i < LONG_VALUES; i += PIPELINE) {
        await this.#set(client, PIPELINE, LONG_VALUE_SIZE);
      }
      await client.command("SAVE");
      for (let i = 0; i < SHORT_VALUES; i++) await this.#set(client, 1, 10);
    } catch (error) {
      // The server may end at any moment; whether it does so well is looked at then.
      const { code, message } = error as { code?: string; message: string };
      if (code !== "ECONNREFUSED" && !message.includes("connection is closed")) throw error;
    }
  }

  async #set(client: Client, count: number, size: number): Promise<void> {
    const first = this.#sizes.length;
    for (let i = first; i < first + count; i++) {
      this.#sizes.push(size);
      client.send(encodeRequest("SET", `k${i}`, textOf(i, size)));
    }
    for (let i = first; i < first + count; i++) {
      if ((await client.next()) === "OK") this.acknowledged.push(i);
    }
  }

  /** What was acknowledged is there, and of the rest nothing that is wrong. */
  async #check(dir: string): Promise<void> {
    await using server = await startKv(["--dir", dir, "--threads", "1"]);
    await using client = await Client.connect(server);
    const acknowledged = new Set(this.acknowledged);
    for (const [i, size] of this.#sizes.entries()) {
      const value: Reply = await client.command("GET", `k${i}`);
      if (value === null && !acknowledged.has(i)) continue;
      if (value !== textOf(i, size)) {
        throw new Error(`k${i} is ${String(value).slice(0, 20)}, of ${acknowledged.size} there`);
      }
    }
    server.kill("SIGKILL");
  }
}

function serve(dir: string): string[] {
  return ["serve", "--port", "0", "--dir", dir, "--persist", "always", "--threads", "1"];
}

function textOf(i: number, size: number): string {
  return `${i}:`.padEnd(size, "v");
}

/** Names that the files of a short-lived store can have. */
function namesOf(): string[] {
  const names = ["lock", "mark", "manifest", "manifest.tmp"];
  for (let slot = 0; slot < SEGMENTS_MAX; slot++) names.push(`log-${`${slot}`.padStart(6, "0")}`);
  for (let shard = 0; shard < SHARDS; shard++) {
    for (let serial = 1; serial <= SERIALS_MAX; serial++) {
      names.push(shardName(shard, serial), `${shardName(shard, serial)}.tmp`);
    }
  }
  return names;
}

async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = after(PATIENCE_MS).then(() => {
    throw new Error(`${what} did not come within ${PATIENCE_MS} ms`);
  });
  return await Promise.race([promise, late]);
}

if (import.meta.main) {
  const calls = textOption("calls", FAILING_CALLS.join(",")).split(",") as FailingCall[];
  const last = numberOption("last", K_MAX);
  const [first, step] = [numberOption("first", 1), numberOption("step", 1)];
  const options = { calls, first, step, last, names: textOption("names", "") };
  console.log(`torture failing-calls: ${JSON.stringify(options)}`);
  console.log(await sweepFailures(options));
}
