/**
 * Differential fuzzing of commands: the same random commands go to ours and to a real Valkey, and
 * every reply must be the same; after each round, so must everything that is left in the databases.
 *
 *      bun test/commands.fuzz.ts [--seed=N] [--rounds=N] [--threads=N]
 *
 * The seed is printed. A difference throws with the seed of its round, so `--seed` with that number
 * and `--rounds=1` repeats it. `canary` sends one command to one server only: a run with it must
 * fail, or the fuzzer sees nothing.
 */
import { Prng } from "../src/base/prng.ts";
import { startOurs, startReal } from "./conformance/peers.ts";
import type { Reply } from "./conformance/reply.ts";
import { type Connection, type Peer, render } from "./conformance/transcript.ts";
import { type Comparison, DATABASES_COUNT, randomCommand } from "./random-commands.ts";

export interface CommandsFuzzOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly canary?: boolean;
}

const COMMANDS_A_ROUND = 300;
/** What two servers that were asked one after the other may differ in. */
const TOLERANCE_MS = 5000;
const TOLERANCE_SECONDS = 5;

interface Sent {
  readonly words: readonly string[];
  readonly comparison: Comparison;
}

/** Runs the rounds; returns how many commands agreed. Throws at the first that does not. */
export async function fuzzCommands(
  ours: Peer,
  real: Peer,
  options: CommandsFuzzOptions,
): Promise<number> {
  let agreed = 0;
  for (let round = 0; round < options.rounds; round++) {
    const seed = (options.seed + round) | 0;
    agreed += await fuzzRound(ours, real, seed, options.canary ?? false);
  }
  return agreed;
}

async function fuzzRound(ours: Peer, real: Peer, seed: number, canary: boolean): Promise<number> {
  const random = new Prng(seed);
  const sent: Sent[] = [{ words: ["FLUSHALL"], comparison: "same" }];
  while (sent.length < COMMANDS_A_ROUND) sent.push(randomCommand(random));
  sent.push(...questionsAfter());
  const pair = [await ours.connect(), await real.connect()] as const;
  if (canary) await pair[0].ask(["SELECT", "1"]);
  const replies = await Promise.all(pair.map((connection) => askAll(connection, sent)));
  for (const [i, command] of sent.entries()) {
    compare(sent, i, command, replies[0]![i]!, replies[1]![i]!, seed);
  }
  await compareValues(pair, seed);
  for (const connection of pair) connection.close();
  return sent.length;
}

function askAll(connection: Connection, sent: readonly Sent[]): Promise<Reply[]> {
  return Promise.all(sent.map((command) => connection.ask(command.words)));
}

/** What is left where. */
function questionsAfter(): Sent[] {
  const questions: Sent[] = [];
  for (let db = 0; db < DATABASES_COUNT; db++) {
    questions.push({ words: ["SELECT", String(db)], comparison: "same" });
    questions.push({ words: ["DBSIZE"], comparison: "same" });
    questions.push({ words: ["KEYS", "*"], comparison: "unordered" });
  }
  return questions;
}

/** Every key of every database: type, expiry and value. */
async function compareValues(pair: readonly Connection[], seed: number): Promise<void> {
  for (let db = 0; db < DATABASES_COUNT; db++) {
    await Promise.all(pair.map((connection) => connection.ask(["SELECT", String(db)])));
    const keys = await pair[0]!.ask(["KEYS", "*"]);
    if (!("items" in keys)) throw new Error("KEYS gives an array");
    for (const key of keys.items) {
      if (key.kind !== "$") throw new Error("a key is a bulk string");
      const name = key.bytes.toString("latin1");
      const sent: Sent[] = [
        { words: ["TYPE", name], comparison: "same" },
        { words: ["PEXPIRETIME", name], comparison: "milliseconds" },
        { words: ["GET", name], comparison: "same" },
        { words: ["LRANGE", name, "0", "-1"], comparison: "same" },
      ];
      const replies = await Promise.all(pair.map((connection) => askAll(connection, sent)));
      for (const [i, command] of sent.entries()) {
        compare(sent, i, command, replies[0]![i]!, replies[1]![i]!, seed);
      }
    }
  }
}

function compare(
  sent: readonly Sent[],
  i: number,
  { words, comparison }: Sent,
  ours: Reply,
  real: Reply,
  seed: number,
): void {
  if (areAlike(comparison, ours, real)) return;
  const before = sent.slice(Math.max(0, i - 20), i).map((command) => shown(command.words));
  throw new Error(
    `commands.fuzz: replies differ, --seed=${seed} --rounds=1, command ${i}\n` +
      `${before.map((line) => `    ${line}\n`).join("")}  > ${shown(words)}\n` +
      `  ours: ${render(ours).slice(0, 300)}\n  real: ${render(real).slice(0, 300)}`,
  );
}

function areAlike(comparison: Comparison, ours: Reply, real: Reply): boolean {
  if (comparison === "unordered") return sorted(ours) === sorted(real);
  if (areSame(ours, real)) return true;
  if (comparison === "same" || ours.kind !== ":" || real.kind !== ":") return false;
  const tolerance = comparison === "seconds" ? TOLERANCE_SECONDS : TOLERANCE_MS;
  const [a, b] = [Number(ours.text), Number(real.text)];
  if (a < 0 || b < 0) return false;
  // Beyond 2^53 ms ours keeps 2^53 - 1.
  return Math.abs(a - b) <= tolerance || (isCapped(a) && b > a);
}

/** Without rendering: replies can be large. */
function areSame(ours: Reply, real: Reply): boolean {
  if (ours.kind === "$") return real.kind === "$" && ours.bytes.equals(real.bytes);
  if (!("items" in ours)) return render(ours) === render(real);
  if (ours.kind !== real.kind || ours.items.length !== real.items.length) return false;
  return ours.items.every((item, i) => areSame(item, real.items[i]!));
}

function isCapped(time: number): boolean {
  const capped = Number.MAX_SAFE_INTEGER;
  return time > capped * 0.999 || (time > (capped / 1000) * 0.999 && time <= capped / 1000 + 1);
}

/** An array of any depth with its elements in one order. */
function sorted(reply: Reply): string {
  if (!("items" in reply)) return render(reply);
  return `[${reply.items.map(sorted).sort().join(" ")}]`;
}

function shown(words: readonly string[]): string {
  return words
    .map((word) => JSON.stringify(word.length > 40 ? `${word.slice(0, 40)}…${word.length}` : word))
    .join(" ");
}

if (import.meta.main) {
  const option = (name: string, otherwise: number): number => {
    const given = Bun.argv.find((arg) => arg.startsWith(`--${name}=`));
    return given === undefined ? otherwise : Number(given.slice(name.length + 3));
  };
  const seed = option("seed", (Bun.nanoseconds() & 0x7fffffff) | 0);
  const rounds = option("rounds", 100);
  process.stdout.write(`commands.fuzz: --seed=${seed} --rounds=${rounds}\n`);
  await using real = await startReal("valkey80");
  await using ours = await startOurs(option("threads", 1));
  if (real === null) throw new Error("Cannot fuzz: valkey-server is not installed");
  const agreed = await fuzzCommands(ours, real, { seed, rounds });
  process.stdout.write(`commands.fuzz: ${agreed} commands agree\n`);
}
