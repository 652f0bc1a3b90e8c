/**
 * F12: keys whose times end around kills and checkpoints, some of them while no server runs. After
 * every start no key is seen whose time has passed, and all others are there.
 *
 *     bun test/torture/expiry.ts --keys=100000 --seed=7
 */
import { join } from "node:path";
import { Prng } from "../../src/base/prng.ts";
import { encodeRequest } from "../../src/resp/encoder.ts";
import { Client, type Server, startKv, temporaryFolder } from "../harness.ts";
import { after, numberOption, seedOption } from "./options.ts";

const BATCH = 500;
const ROUNDS = 4;
/** How long no server runs. */
const DOWN_MS = 300;
/** The clocks of two processes are read so far apart. */
const SLACK_MS = 25;
const FAR_MS = 100_000_000;
/** For so long after it was set the times of keys end, a key in so many ms. */
const KEYS_A_MS = 20;
const SPREAD_MS_MIN = 2000;

export interface ExpiryTotals {
  rounds: number;
  checked: number;
  /** Keys that had to be gone, and were; keys that had to be there, and were. */
  gone: number;
  there: number;
}

/** Throws when a key is seen after its time, or missed before it. */
export async function outliveKills(seed: number, keys: number): Promise<ExpiryTotals> {
  using folder = temporaryFolder();
  const torture = new ExpiryTorture(new Prng(seed), keys);
  const args = ["--dir", join(folder.path, "data"), "--threads", "2"];
  for (let round = 0; round < ROUNDS; round++) {
    await using server = await startKv(args);
    await torture.round(server, round);
  }
  await using server = await startKv(args);
  await torture.check(server);
  return torture.totals;
}

class ExpiryTorture {
  readonly totals: ExpiryTotals = { rounds: 0, checked: 0, gone: 0, there: 0 };
  readonly #prng: Prng;
  /** When each key's time ends, ms since 1970; Infinity for never, 0 for a key that was not set. */
  readonly #endsMs: Float64Array;

  constructor(prng: Prng, keys: number) {
    this.#prng = prng;
    this.#endsMs = new Float64Array(keys);
  }

  /** Checks, sets keys anew, lets a checkpoint come between, and kills. */
  async round(server: Server, round: number): Promise<void> {
    await this.check(server);
    await using client = await Client.connect(server);
    const keys = this.#endsMs.length;
    await this.#set(client, 0, keys / 2);
    // None, a whole one, and one that is under way when the server is killed.
    if (round % 3 === 1) await client.command("SAVE");
    if (round % 3 === 2) await client.command("BGSAVE");
    await this.#set(client, keys / 2, keys);
    await this.#changeSome(client);
    server.kill("SIGKILL");
    await server.finished();
    await after(DOWN_MS);
    this.totals.rounds++;
  }

  #newEnd(): number {
    const spreadMs = Math.max(SPREAD_MS_MIN, this.#endsMs.length / KEYS_A_MS);
    const dice = this.#prng.below(10);
    if (dice === 0) return Number.POSITIVE_INFINITY;
    return Math.floor(Date.now() + (dice === 1 ? FAR_MS : 1 + this.#prng.below(spreadMs)));
  }

  async #set(client: Client, from: number, to: number): Promise<void> {
    for (let start = from; start < to; start += BATCH) {
      const requests: Uint8Array[] = [];
      for (let i = start; i < Math.min(to, start + BATCH); i++) {
        const endMs = this.#newEnd();
        this.#endsMs[i] = endMs;
        const expiry = endMs === Number.POSITIVE_INFINITY ? [] : ["PXAT", String(endMs)];
        requests.push(encodeRequest("SET", `e${i}`, `${i}`, ...expiry));
      }
      client.send(Buffer.concat(requests));
      for (const reply of await client.nextMany(requests.length)) {
        if (reply !== "OK") throw new Error(`SET is refused: ${reply}`);
      }
    }
  }

  /** Gives keys that are still there other times; what a reply says of one counts. */
  async #changeSome(client: Client): Promise<void> {
    for (let i = 0; i < this.#endsMs.length; i += 7) {
      if ((this.#endsMs[i] as number) < Date.now() + SPREAD_MS_MIN / 2) continue;
      const endMs = this.#newEnd();
      const isForever = endMs === Number.POSITIVE_INFINITY;
      const command = isForever ? ["PERSIST", `e${i}`] : ["PEXPIREAT", `e${i}`, String(endMs)];
      const reply = await client.command(...command);
      // PERSIST of a key without a time changes nothing, and says so.
      if (reply === 1 || isForever) this.#endsMs[i] = endMs;
      else throw new Error(`PEXPIREAT of e${i}: ${reply}`);
    }
  }

  /** Reads all keys, and lists those that there are. */
  async check(server: Server): Promise<void> {
    await using client = await Client.connect(server);
    for (let start = 0; start < this.#endsMs.length; start += BATCH) {
      const end = Math.min(this.#endsMs.length, start + BATCH);
      const names = Array.from({ length: end - start }, (_, i) => `e${start + i}`);
      const fromMs = Date.now();
      const values = (await client.command("MGET", ...names)) as (string | null)[];
      const toMs = Date.now();
      for (const [i, value] of values.entries()) this.#compare(start + i, value, fromMs, toMs);
    }
    const fromMs = Date.now();
    let cursor = "0";
    do {
      const reply = await client.command("SCAN", cursor, "COUNT", String(BATCH));
      const [next, names] = reply as [string, string[]];
      cursor = next;
      for (const name of names) this.#mayBeSeen(Number(name.slice(1)), fromMs);
    } while (cursor !== "0");
  }

  #compare(i: number, value: string | null, fromMs: number, toMs: number): void {
    const endMs = this.#endsMs[i] as number;
    this.totals.checked++;
    if (value !== null) {
      this.#mayBeSeen(i, fromMs);
      if (value !== String(i)) throw new Error(`e${i} has a wrong value: ${value}`);
      this.totals.there++;
    } else if (endMs > toMs + SLACK_MS) {
      throw new Error(`e${i} is gone ${endMs - toMs} ms before its time`);
    } else if (endMs > 0) this.totals.gone++;
  }

  #mayBeSeen(i: number, nowMs: number): void {
    const endMs = this.#endsMs[i] as number;
    if (endMs < nowMs - SLACK_MS)
      throw new Error(`e${i} is seen ${nowMs - endMs} ms after its time`);
  }
}

if (import.meta.main) {
  const seed = seedOption();
  console.log(`torture expiry: --seed=${seed}`);
  console.log(await outliveKills(seed, numberOption("keys", 100_000)));
}
