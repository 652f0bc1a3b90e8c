/**
 * A6: changes of every kind, in many databases, killed with kill -9, and compared with a real
 * Valkey that was sent the same: every key, type, value and time, after every start.
 *
 *     bun test/torture/commands.ts --cycles=200 --seed=7
 *
 * Another connection writes meanwhile, and checkpoints run, so that the commands lie before, in and
 * behind them. What was unanswered at the kill may have happened or not, in order: Valkey is sent
 * one command more of it until both hold the same.
 */
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import { encodeRequest } from "../../src/resp/encoder.ts";
import { type Reply, ReplyError } from "../../src/resp/reader.ts";
import { Client, type Server, startKv, startPeer, temporaryFolder } from "../harness.ts";
import { numberOption, seedOption } from "./options.ts";
import { type Change, randomChange } from "./random-changes.ts";

const COMMANDS_A_CYCLE = 400;
/** Commands on their way at a time. */
const PIPELINE = 32;
/** Databases that are compared; the noise has the one behind them. */
const DATABASES = 15;
const NOISE_KEYS = 20_000;
const NOISE_BATCH = 100;

export interface CommandsTotals {
  cycles: number;
  acknowledged: number;
  /** Unanswered changes that turned out to have happened. */
  unanswered: number;
  checkpoints: number;
  keysCompared: number;
}

/** Throws at the first difference. Check `hasPeer("valkey-server")` first. */
export async function tortureCommands(seed: number, cycles: number): Promise<CommandsTotals> {
  using folder = temporaryFolder();
  await using real = await startPeer("valkey-server");
  const torture = new CommandsTorture(new Prng(seed), join(folder.path, "data"), real);
  for (let cycle = 0; cycle < cycles; cycle++) await torture.cycle();
  return torture.totals;
}

class CommandsTorture {
  readonly totals: CommandsTotals = {
    ...{ cycles: 0, acknowledged: 0, unanswered: 0, checkpoints: 0, keysCompared: 0 },
  };
  readonly #prng: Prng;
  readonly #dir: string;
  readonly #real: Server;
  /** The last commands, for the message. */
  #recent: string[] = [];

  constructor(prng: Prng, dir: string, real: Server) {
    this.#prng = prng;
    this.#dir = dir;
    this.#real = real;
  }

  /** Sends changes to both, kills ours, starts it again and compares. */
  async cycle(): Promise<void> {
    await using real = await Client.connect(this.#real);
    const unanswered = await this.#loadAndKill(real);
    await using server = await startKv(this.#args());
    await using ours = await Client.connect(server);
    await using asked = await Client.connect(this.#real);
    for (;;) {
      const difference = await this.#difference(ours, asked);
      if (difference === "") break;
      const next = unanswered.shift();
      if (next === undefined) {
        const last = this.#recent.join("\n    ");
        throw new Error(`cycle ${this.totals.cycles}: ${difference}\n    ${last}`);
      }
      await real.command(...next);
      this.totals.unanswered++;
    }
    this.totals.cycles++;
  }

  #args(): string[] {
    return ["--dir", this.#dir, "--threads", "2"];
  }

  /** Returns the changes that were not answered. */
  async #loadAndKill(real: Client): Promise<Change[]> {
    await using server = await startKv(this.#args());
    await using ours = await Client.connect(server);
    await using control = await Client.connect(server);
    const noise = this.#makeNoise(server);
    const changes = this.#changes();
    const killAt = this.#prng.below(changes.length);
    let answered = 0;
    for (let sent = 0; answered < changes.length; ) {
      for (; sent < Math.min(changes.length, answered + PIPELINE); sent++) {
        ours.send(encodeRequest(...(changes[sent] as Change)));
      }
      if (answered === killAt) break;
      await this.#compareReplies(changes[answered] as Change, ours, real);
      answered++;
      if (this.#prng.below(100) === 0) {
        this.totals.checkpoints++;
        await control.command(this.#prng.below(3) === 0 ? "SAVE" : "BGSAVE");
      }
    }
    server.kill("SIGKILL");
    await server.finished();
    await noise;
    this.totals.acknowledged += answered;
    return changes.slice(answered);
  }

  #changes(): Change[] {
    const changes: Change[] = [["SELECT", String(this.#prng.below(DATABASES))]];
    while (changes.length < COMMANDS_A_CYCLE) {
      if (this.#prng.below(20) === 0) changes.push(["SELECT", String(this.#prng.below(DATABASES))]);
      changes.push(randomChange(this.#prng, DATABASES));
    }
    return changes;
  }

  async #compareReplies(change: Change, ours: Client, real: Client): Promise<void> {
    const [a, b] = await Promise.all([ours.next(), real.command(...change)]);
    const shown = change.map((it) => (it.length > 30 ? `${it.slice(0, 20)}…${it.length}` : it));
    this.#recent = [...this.#recent.slice(-30), shown.join(" ")];
    if (Bun.deepEquals(a, b)) return;
    throw new Error(
      `replies differ: ${show(a)}, not ${show(b)}\n    ${this.#recent.join("\n    ")}`,
    );
  }

  /** Writes to a database of its own until the server is gone. */
  async #makeNoise(server: Server): Promise<void> {
    const client = await Client.connect(server);
    try {
      await client.command("SELECT", String(DATABASES));
      for (;;) {
        const requests = Array.from({ length: NOISE_BATCH }, () => {
          const value = "n".repeat(this.#prng.below(1000));
          return encodeRequest("SET", `noise:${this.#prng.below(NOISE_KEYS)}`, value);
        });
        client.send(Buffer.concat(requests));
        await client.nextMany(NOISE_BATCH);
      }
    } catch (error) {
      if (!client.isClosed) throw error;
    } finally {
      client.close();
    }
  }

  // ---- Comparing ----

  /** What ours holds differently, "" when nothing. */
  async #difference(ours: Client, real: Client): Promise<string> {
    for (let db = 0; db < DATABASES; db++) {
      const lists = await askBoth(ours, real, [
        ["SELECT", String(db)],
        ["KEYS", "*"],
      ]);
      const [names, wanted] = lists.map((replies) => (replies[1] as string[]).sort());
      if (!Bun.deepEquals(names, wanted)) return `db ${db} has ${show(names)}, not ${show(wanted)}`;
      for (const name of names as string[]) {
        this.totals.keysCompared++;
        const type = ["TYPE", name];
        const content = [type, ["PEXPIRETIME", name], ["GET", name], ["LRANGE", name, "0", "-1"]];
        const [found, expected] = await askBoth(ours, real, content);
        if (!Bun.deepEquals(found, expected)) {
          return `db ${db}, key ${show(name)}: ${show(found)}, not ${show(expected)}`;
        }
      }
    }
    return "";
  }
}

function askBoth(ours: Client, real: Client, commands: string[][]): Promise<Reply[][]> {
  return Promise.all(
    [ours, real].map((client) => {
      for (const words of commands) client.send(encodeRequest(...words));
      return client.nextMany(commands.length);
    }),
  );
}

function show(reply: unknown): string {
  if (Array.isArray(reply)) return `[${reply.slice(0, 40).map(show).join(", ")}]`;
  if (reply instanceof ReplyError) return reply.text;
  const text = String(reply);
  return text.length > 60 ? `${JSON.stringify(text.slice(0, 40))}…${text.length}` : text;
}

if (import.meta.main) {
  const seed = seedOption();
  console.log(`torture commands: --seed=${seed}`);
  console.log(await tortureCommands(seed, numberOption("cycles", 100)));
}
