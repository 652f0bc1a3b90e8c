/**
 * B1: power is lost under a pipelined load, and what was not flushed is there or not, page by page.
 *
 *     the server is stopped as a flush begins (KV_STOP_POINT), its files are read, it goes on; the
 *     same again; then it is killed -> images: of what no flush has covered, each page old or new
 *
 * What a flush has covered is known from strace, not from the server. The server is started on
 * every image, as another boot, and must hold what the ledgers allow: with `always` everything that
 * was acknowledged, with `everysec` all but what was acknowledged in the last second, and in both a
 * state that was there at some time.
 *
 *     bun test/torture/power.ts --mode=everysec --images=2000 --per-run=20 --seed=7
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import type { Reply } from "../../src/resp/reader.ts";
import { readManifest, writeManifest } from "../../src/store/manifest.ts";
import { Client, eventually, kvCommand, readyPort, Server, startKv } from "../harness.ts";
import { DiskState, type Snapshot, takeSnapshot } from "./disk-state.ts";
import { Ledger } from "./ledger.ts";
import {
  after,
  killIfThere,
  memoryFolder,
  numberOption,
  seedOption,
  textOption,
} from "./options.ts";
import { entriesOf, readCalls, straceCommand } from "./trace.ts";

const CONNECTIONS = 4;
/** What everysec may lose was acknowledged within this before the end. */
const LOST_MS_MAX = 1000;
/** Places at which half of all servers die by themselves, if they come to it in time. */
const DEATHS = ["manifest-written", "manifest-renamed", "checkpoint-written", "segment-filled"];
const DEATHS_MAX = 4;
/** How often the files are read, each time as a flush begins: the flush before it has ended. */
const LOOKS_MIN = 2;
const LOOKS_MAX = 5;
/** The flush that is looked at first, at most; half of the time it is the very first one. */
const FLUSHES_MAX = { everysec: 4, always: 100 } as const;
/** How long a server runs on after the last look, at most. */
const LAST_MS_MAX = { everysec: 150, always: 5 } as const;

export interface PowerOptions {
  readonly mode: "everysec" | "always";
  readonly images: number;
  /** Images from one kill. */
  readonly imagesPerRun: number;
  readonly threads: number;
  readonly seed: number;
}

export interface PowerTotals {
  runs: number;
  images: number;
  acknowledged: number;
  /** Pages, and changes of names, that were not flushed at the ends of all runs. */
  unflushedPages: number;
  unflushedNames: number;
  /** Images that have lost something acknowledged, and the longest time that it was. */
  imagesWithLoss: number;
  lostMsMax: number;
}

/** Loses power until there were `images` images; throws at the first one that is not allowed. */
export async function losePower(options: PowerOptions): Promise<PowerTotals> {
  const root = mkdtempSync(join(tmpdir(), "kv-power-"));
  try {
    return await new PowerTorture(options, root).run();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

class PowerTorture {
  readonly #options: PowerOptions;
  readonly #root: string;
  readonly #dir: string;
  readonly #prng: Prng;
  readonly #ledgers: Ledger[];
  readonly #totals: PowerTotals = {
    runs: 0,
    images: 0,
    acknowledged: 0,
    unflushedPages: 0,
    unflushedNames: 0,
    imagesWithLoss: 0,
    lostMsMax: 0,
  };

  constructor(options: PowerOptions, root: string) {
    this.#options = options;
    this.#root = root;
    this.#dir = join(root, "data");
    this.#prng = new Prng(options.seed);
    this.#ledgers = Array.from(
      { length: CONNECTIONS },
      (_, i) => new Ledger(`p${i}`, this.#prng.int32()),
    );
  }

  async run(): Promise<PowerTotals> {
    const { images, imagesPerRun } = this.#options;
    const totals = this.#totals;
    await this.#makeStore();
    while (totals.images < images) {
      totals.runs++;
      const end = await this.#runAndKill();
      if (end === null) continue;
      const { state, endMs } = end;
      totals.unflushedPages += state.unflushedPages;
      totals.unflushedNames += state.unflushedNames;
      const count = Math.min(imagesPerRun, images - totals.images);
      for (let i = 0; i < count; i++) await this.#checkImage(state, endMs);
    }
    totals.acknowledged = this.#ledgers.reduce((sum, it) => sum + it.acknowledgedTotal, 0);
    return totals;
  }

  /** The first start is not looked at: every run begins with files that were there before. */
  async #makeStore(): Promise<void> {
    await using server = await startKv(["--dir", this.#dir]);
    await server.stop();
  }

  // ---- A run ----

  /** Loads a server and kills it; null when it died before enough was known of its disk. */
  async #runAndKill(): Promise<{ state: DiskState; endMs: number } | null> {
    const names = readdirSync(this.#dir);
    const snapshots = [takeSnapshot(this.#dir, Date.now())];
    const prefix = join(this.#root, "trace");
    const server = await this.#start(prefix);
    const readyMs = Date.now();
    const pid = Number(/pid: (\d+)/.exec(server.stdout)?.[1]);
    let endMs = 0;
    try {
      endMs = await this.#loadAndLook(server, pid, snapshots);
    } catch (error) {
      // It has come to its fail point.
      if (!isClosed(error)) throw error;
      await eventually(() => !server.isRunning, "a server that closes connections has died");
    } finally {
      killIfThere(pid);
      await server.finished();
    }
    await this.#stopLedgers();
    const looks = snapshots.length - 1;
    snapshots.push(takeSnapshot(this.#dir, Date.now(), snapshots.at(-1)));
    const state = this.#diskState(prefix, names, snapshots, readyMs);
    return looks < LOOKS_MIN ? null : { state, endMs };
  }

  /** Reads the files each time that a flush begins; returns when it ended, or may be killed. */
  async #loadAndLook(server: Server, pid: number, snapshots: Snapshot[]): Promise<number> {
    const looks = this.#prng.between(LOOKS_MIN, LOOKS_MAX);
    await using control = await this.#load(server);
    for (let look = 0; look < looks; look++) {
      // The line is from before the stop, and one that has not gone on yet has no new one.
      const hasCome = () => stopsOf(server) > look && isStopped(pid);
      await eventually(() => hasCome() || !server.isRunning, "a flush begins");
      const endMs = Date.now();
      if (!server.isRunning) return endMs;
      await this.#receiveRest();
      snapshots.push(takeSnapshot(this.#dir, endMs, snapshots.at(-1)));
      // It is written, shard by shard, between the looks that follow.
      if (look === 0 && this.#prng.chance(2)) control.send("BGSAVE\r\n");
      if (look === looks - 1 && this.#prng.chance(2)) return endMs;
      process.kill(pid, "SIGCONT");
    }
    await after(this.#prng.below(LAST_MS_MAX[this.#options.mode]));
    return Date.now();
  }

  #diskState(prefix: string, names: string[], snapshots: Snapshot[], readyMs: number): DiskState {
    const calls = readCalls(prefix, this.#dir);
    if (calls.length === 0) throw new Error("strace has seen nothing");
    for (const name of readdirSync(this.#root)) {
      if (name.startsWith("trace.")) rmSync(join(this.#root, name));
    }
    return new DiskState(entriesOf(names), calls, snapshots, readyMs);
  }

  async #start(prefix: string): Promise<Server> {
    const { mode, threads } = this.#options;
    const args = ["--dir", this.#dir, "--persist", mode, "--threads", String(threads)];
    const command = [...straceCommand(prefix), ...kvCommand(), "serve", "--port", "0", ...args];
    const flushes = this.#prng.chance(2) ? 1 : this.#prng.between(2, FLUSHES_MAX[mode]);
    const stop = `flush-begin:${flushes}`;
    // The start itself comes to some of these points once.
    const death = `${this.#prng.pick(DEATHS)}:${2 + this.#prng.below(DEATHS_MAX)}`;
    const env = { KV_STOP_POINT: stop, KV_FAIL_POINT: this.#prng.chance(2) ? death : "" };
    const server = new Server(command, { env });
    await eventually(() => !server.isRunning || readyPort(server.stdout) !== 0, "kv is ready");
    server.port = readyPort(server.stdout);
    if (server.port !== 0) return server;
    const { stdout, stderr } = await server.finished();
    throw new Error(`run ${this.#totals.runs}: no start: ${stdout}${stderr}`);
  }

  /** What the last run has left in the page cache is all there; then the load begins. */
  async #load(server: Server): Promise<Client> {
    const control = await Client.connect(server);
    for (const ledger of this.#ledgers) await ledger.check(asker(control));
    for (const ledger of this.#ledgers) await ledger.start(server.port);
    return control;
  }

  /** Replies that were sent are read before the time is spent on files. */
  async #receiveRest(): Promise<void> {
    const count = () => this.#ledgers.reduce((sum, it) => sum + it.acknowledgedTotal, 0);
    let before = -1;
    while (before !== count()) {
      before = count();
      await after(2);
    }
  }

  async #stopLedgers(): Promise<void> {
    await eventually(() => this.#ledgers.every((it) => !it.isOpen), "the connections end");
    for (const ledger of this.#ledgers) {
      ledger.stop();
      if (ledger.errors.length > 0) throw new Error(`error replies: ${ledger.errors.slice(0, 3)}`);
    }
  }

  // ---- An image ----

  async #checkImage(state: DiskState, endMs: number): Promise<void> {
    using folder = memoryFolder();
    const image = join(folder.path, "data");
    mkdirSync(image, { mode: 0o700 });
    state.writeImage(image, this.#prng);
    rebootIn(image);
    try {
      await using server = await startKv(["--dir", image, "--persist", this.#options.mode]);
      await this.#checkServer(server, endMs);
      this.#totals.images++;
    } catch (error) {
      const kept = mkdtempSync(join(memoryParent(folder.path), "kv-power-failed-"));
      renameSync(image, join(kept, "data"));
      throw new Error(`image ${this.#totals.images}, kept in ${kept}`, { cause: error });
    }
  }

  async #checkServer(server: Server, endMs: number): Promise<void> {
    const totals = this.#totals;
    const { mode } = this.#options;
    await using client = await Client.connect(server);
    let hasLoss = false;
    for (const ledger of this.#ledgers) {
      const { lost, lostMs } = await ledger.survivors(asker(client), endMs);
      if (lost > 0 && (mode === "always" || lostMs > LOST_MS_MAX)) {
        throw new Error(`${lost} acknowledged changes are lost, from ${lostMs} ms before the end`);
      }
      hasLoss ||= lost > 0;
      totals.lostMsMax = Math.max(totals.lostMsMax, lostMs);
    }
    if (hasLoss) totals.imagesWithLoss++;
    server.kill("SIGKILL");
  }
}

function asker(client: Client): (command: string[]) => Promise<Reply> {
  return (command) => client.command(...command);
}

function memoryParent(path: string): string {
  return join(path, "..");
}

/** The run that was under way belongs to another boot: as after a loss of power. */
function rebootIn(dir: string): void {
  const manifest = readManifest(dir);
  const runs = manifest.runs.map((run) => ({ ...run, boot: `before ${run.boot}` }));
  writeManifest(dir, { ...manifest, runs });
}

/** Whether that is what a client says whose server has died. */
function isClosed(error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string };
  return code === "ECONNREFUSED" || message.includes("connection is closed");
}

/** How often the server has come to its stop point. */
function stopsOf(server: Server): number {
  return server.stderr.split("stops at flush-begin\n").length - 1;
}

/** Whether every thread of the process stands still. */
function isStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1");
      return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
    });
  } catch {
    return false;
  }
}

if (import.meta.main) {
  const options: PowerOptions = {
    mode: textOption("mode", "everysec") as PowerOptions["mode"],
    images: numberOption("images", 100),
    imagesPerRun: numberOption("per-run", 20),
    threads: numberOption("threads", 2),
    seed: seedOption(),
  };
  console.log(`torture power: ${JSON.stringify(options)}`);
  console.log(await losePower(options));
}
