/**
 * A1: kill -9 under a pipelined load of changes, again and again, on one directory. After each kill
 * the server must start, and hold everything that it had acknowledged and nothing that it never
 * had.
 *
 *     bun test/torture/kill.ts --cycles=500 --mode=everysec --threads=2 --seed=7
 *
 * With --points=NAMES (A2) the server kills itself at these fail points instead; every third start
 * is itself killed while it recovers (A3). Prints its seed and what it counted.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import type { Reply } from "../../src/resp/reader.ts";
import { Client, eventually, kvCommand, type Server, startKv } from "../harness.ts";
import { Ledger } from "./ledger.ts";
import { after, numberOption, seedOption, textOption } from "./options.ts";

const CONNECTIONS = 4;
/** The shortest time under load before a kill, ms. */
const LOAD_MS_MIN = 50;

export interface KillOptions {
  readonly cycles: number;
  readonly mode: "everysec" | "always";
  readonly threads: number;
  readonly seed: number;
  /** The longest time under load before a kill, ms. */
  readonly loadMs: number;
  /** Fail points to die at, by turns; none: killed from outside. */
  readonly points: readonly string[];
}

export interface KillTotals {
  cycles: number;
  acknowledged: number;
  killedRecoveries: number;
  checkpoints: number;
  recoveryMsP50: number;
  recoveryMsMax: number;
}

/** Runs the cycles; throws at the first write that was lost or that came back. */
export async function tortureByKill(options: KillOptions): Promise<KillTotals> {
  const root = mkdtempSync(join(tmpdir(), "kv-torture-"));
  try {
    return await new Torture(options, join(root, "data")).run();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

class Torture {
  readonly #options: KillOptions;
  readonly #dir: string;
  readonly #prng: Prng;
  readonly #ledgers: Ledger[];
  readonly #totals: KillTotals = {
    cycles: 0,
    acknowledged: 0,
    killedRecoveries: 0,
    checkpoints: 0,
    recoveryMsP50: 0,
    recoveryMsMax: 0,
  };
  readonly #recoveryMs: number[] = [];

  constructor(options: KillOptions, dir: string) {
    this.#options = options;
    this.#dir = dir;
    this.#prng = new Prng(options.seed);
    this.#ledgers = Array.from(
      { length: CONNECTIONS },
      (_, i) => new Ledger(`k${i}`, this.#prng.int32()),
    );
  }

  async run(): Promise<KillTotals> {
    for (let cycle = 0; cycle < this.#options.cycles; cycle++) {
      const { points } = this.#options;
      const point = points.length === 0 ? "" : (points[cycle % points.length] as string);
      if (cycle % 3 === 2) await this.#killRecovery();
      const server = await this.#start(point === "" ? "" : `${point}:${1 + this.#prng.below(3)}`);
      await this.#loadAndKill(server, point);
      this.#totals.cycles++;
    }
    await using last = await this.#start("");
    await this.#check(last);
    const sorted = this.#recoveryMs.sort((a, b) => a - b);
    this.#totals.recoveryMsP50 = sorted[sorted.length >> 1] ?? 0;
    this.#totals.recoveryMsMax = sorted.at(-1) ?? 0;
    return this.#totals;
  }

  #args(): string[] {
    const { mode, threads } = this.#options;
    return ["--dir", this.#dir, "--persist", mode, "--threads", String(threads)];
  }

  /** Starts a server that is killed at some moment of its start. */
  async #killRecovery(): Promise<void> {
    const child = Bun.spawn([...kvCommand(), "serve", "--port", "0", ...this.#args()], {
      stdout: "ignore",
      stderr: "ignore",
      env: { ...process.env, KV_FAIL_POINT: this.#prng.below(2) === 0 ? "recovered" : "run-begun" },
    });
    await child.exited;
    this.#totals.killedRecoveries++;
  }

  /** Starts a server and compares what it holds with the ledgers. */
  async #start(failPoint: string): Promise<Server> {
    const env = failPoint === "" ? {} : { KV_FAIL_POINT: failPoint };
    let server: Server;
    try {
      server = await startKv(this.#args(), { env });
    } catch (error) {
      // The fail point can lie on the way of the start itself.
      if (failPoint === "") throw error;
      server = await startKv(this.#args());
    }
    try {
      await this.#check(server);
    } catch (error) {
      // It may have come to its fail point: what is left must be as good.
      if (failPoint !== "" && isClosed(error)) return this.#start("");
      const { stdout, stderr } = server;
      throw new Error(`cycle ${this.#totals.cycles}: ${stdout}${stderr}`, { cause: error });
    }
    return server;
  }

  async #check(server: Server): Promise<void> {
    await using client = await Client.connect(server);
    const ask = (command: string[]): Promise<Reply> => client.command(...command);
    for (const ledger of this.#ledgers) await ledger.check(ask);
    const info = String(await client.command("INFO", "persistence"));
    this.#recoveryMs.push(Number(/last_recovery_ms:(\d+)/.exec(info)?.[1]));
  }

  /** Connects everybody; null when the server has come to its fail point already. */
  async #connect(server: Server): Promise<Client | null> {
    try {
      const control = await Client.connect(server);
      for (const ledger of this.#ledgers) await ledger.start(server.port);
      return control;
    } catch (error) {
      if (server.isRunning) throw error;
      for (const ledger of this.#ledgers) ledger.stop();
      return null;
    }
  }

  async #loadAndKill(server: Server, point: string): Promise<void> {
    const died = server.finished();
    const control = await this.#connect(server);
    if (control === null) return;
    const shortestMs = Math.min(LOAD_MS_MIN, this.#options.loadMs);
    const waitMs = this.#prng.between(shortestMs, this.#options.loadMs);
    const isSaving = point !== "" || this.#prng.below(3) === 0;
    if (isSaving) {
      await control.command("BGSAVE").catch(() => null);
      this.#totals.checkpoints++;
    }
    await Promise.race([died, after(point === "" ? waitMs : waitMs + 2000)]);
    server.kill("SIGKILL");
    await died;
    control.close();
    // What was answered before the kill counts.
    await eventually(() => this.#ledgers.every((it) => !it.isOpen), "the connections end");
    for (const ledger of this.#ledgers) {
      ledger.stop();
      if (ledger.errors.length > 0) throw new Error(`error replies: ${ledger.errors.slice(0, 3)}`);
    }
    this.#totals.acknowledged = this.#ledgers.reduce((sum, it) => sum + it.acknowledgedTotal, 0);
  }
}

function isClosed(error: unknown): boolean {
  const { code, message } = error as { code?: string; message: string };
  return code === "ECONNREFUSED" || message.includes("connection is closed");
}

if (import.meta.main) {
  const options: KillOptions = {
    cycles: numberOption("cycles", 100),
    mode: textOption("mode", "everysec") as KillOptions["mode"],
    threads: numberOption("threads", 2),
    seed: seedOption(),
    loadMs: numberOption("load", 3000),
    points: textOption("points", "").split(",").filter(Boolean),
  };
  console.log(`torture kill: ${JSON.stringify(options)}`);
  console.log(await tortureByKill(options));
}
