/**
 * C4: a directory is one server's. Every other one is refused while it runs, of several that begin
 * at the same moment exactly one comes up, and what a kill -9 leaves behind stops nobody.
 *
 *     bun test/torture/lock.ts --starts=100 --races=20
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Client, eventually, kvCommand, readyPort, run, Server, startKv } from "../harness.ts";
import { memoryFolder, numberOption } from "./options.ts";

const RIVALS = 3;

export interface LockTotals {
  refused: number;
  races: number;
}

/** Throws when two servers have one directory, or none can have it. */
export async function contendForLock(starts: number, races: number): Promise<LockTotals> {
  using folder = memoryFolder();
  const dir = join(folder.path, "data");
  const totals = { refused: 0, races: 0 };
  {
    await using first = await startKv(["--dir", dir, "--threads", "1"]);
    await using client = await Client.connect(first);
    await client.text("SET a 1");
    await client.text("WAITAOF 1 0 0");
    const names = readdirSync(dir);
    const before = fingerprint(dir, names);
    for (; totals.refused < starts; totals.refused++) await mustBeRefused(dir);
    if (fingerprint(dir, names) !== before)
      throw new Error("a server that was refused changed something");
    await mustHave(client);
    first.kill("SIGKILL");
    await first.finished();
  }
  for (; totals.races < races; totals.races++) await race(dir);
  return totals;
}

async function mustBeRefused(dir: string): Promise<void> {
  const { exitCode, stderr } = await run([...kvCommand(), "serve", "--port", "0", "--dir", dir]);
  if (exitCode === 1 && stderr.includes("another process has it")) return;
  throw new Error(`a second server was not refused: it ended with ${exitCode}: ${stderr}`);
}

/** Several servers at once, on what a killed one has left. */
async function race(dir: string): Promise<void> {
  const command = [...kvCommand(), "serve", "--port", "0", "--dir", dir, "--threads", "1"];
  const rivals = Array.from({ length: RIVALS }, () => new Server(command));
  try {
    const isDecided = (it: Server) => !it.isRunning || readyPort(it.stdout) !== 0;
    await eventually(() => rivals.every(isDecided), "every server is ready or has ended");
    const winners = rivals.filter((it) => it.isRunning);
    const [winner] = winners;
    if (winner === undefined || winners.length > 1) {
      throw new Error(`${winners.length} of ${RIVALS} servers have the directory`);
    }
    await using client = await Client.connect({ port: readyPort(winner.stdout) });
    await mustHave(client);
  } finally {
    for (const rival of rivals) {
      if (rival.isRunning) rival.kill("SIGKILL");
      await rival.finished();
    }
  }
}

async function mustHave(client: Client): Promise<void> {
  if ((await client.text("GET a")) !== "1") throw new Error("the key is gone");
}

/** What a refused server could have changed; the running one makes its next segment meanwhile. */
function fingerprint(dir: string, names: readonly string[]): string {
  const files = names.map((name) => `${name} ${statSync(join(dir, name)).ino}`);
  return `${files.join(" ")} ${readFileSync(join(dir, "manifest"), "latin1")}`;
}

if (import.meta.main) {
  const [starts, races] = [numberOption("starts", 100), numberOption("races", 20)];
  console.log("torture lock:", await contendForLock(starts, races));
}
