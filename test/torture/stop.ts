/**
 * A5: SIGTERM under load, again and again on one directory. Each time the server ends by itself
 * with 0 within 2 s, and the next one holds everything that it has acknowledged.
 *
 *     bun test/torture/stop.ts --cycles=100 --threads=2 --seed=7
 */
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import { Client, eventually, type Server, startKv, temporaryFolder } from "../harness.ts";
import { Ledger } from "./ledger.ts";
import { after, numberOption, seedOption } from "./options.ts";

const CONNECTIONS = 4;
const STOP_MS_MAX = 2000;
const LOAD_MS_MAX = 300;

export interface StopOptions {
  readonly cycles: number;
  readonly threads: number;
  readonly seed: number;
}

export interface StopTotals {
  cycles: number;
  acknowledged: number;
  stopMsMax: number;
}

/** Stops servers; throws when one loses anything, or does not end well. */
export async function stopServers(options: StopOptions): Promise<StopTotals> {
  using folder = temporaryFolder();
  const prng = new Prng(options.seed);
  const ledgers = Array.from({ length: CONNECTIONS }, (_, i) => new Ledger(`t${i}`, prng.int32()));
  const totals = { cycles: 0, acknowledged: 0, stopMsMax: 0 };
  const args = ["--dir", join(folder.path, "data"), "--threads", `${options.threads}`];
  for (; totals.cycles < options.cycles; totals.cycles++) {
    await using server = await startKv(args);
    await check(server, ledgers);
    for (const ledger of ledgers) await ledger.start(server.port);
    await after(prng.below(LOAD_MS_MAX));
    const tookMs = await stop(server);
    totals.stopMsMax = Math.max(totals.stopMsMax, tookMs);
    await eventually(() => ledgers.every((it) => !it.isOpen), "the connections end");
    for (const ledger of ledgers) ledger.stop();
  }
  await using server = await startKv(args);
  await check(server, ledgers);
  totals.acknowledged = ledgers.reduce((sum, it) => sum + it.acknowledgedTotal, 0);
  return totals;
}

async function check(server: Server, ledgers: readonly Ledger[]): Promise<void> {
  await using client = await Client.connect(server);
  for (const ledger of ledgers) await ledger.check((command) => client.command(...command));
}

/** Stops the server; how long it took, ms. */
async function stop(server: Server): Promise<number> {
  const startMs = performance.now();
  const { exitCode, stderr } = await server.stop();
  const tookMs = performance.now() - startMs;
  if (exitCode !== 0) throw new Error(`it ended with ${exitCode}: ${stderr}`);
  if (tookMs > STOP_MS_MAX) throw new Error(`it took ${tookMs} ms to end`);
  return Math.round(tookMs);
}

if (import.meta.main) {
  const options: StopOptions = {
    cycles: numberOption("cycles", 100),
    threads: numberOption("threads", 2),
    seed: seedOption(),
  };
  console.log(`torture stop: ${JSON.stringify(options)}`);
  console.log(await stopServers(options));
}
