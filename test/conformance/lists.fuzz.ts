/**
 * Differential fuzzing of lists: the same random commands to a real server and to ours, every reply
 * compared.
 *
 * The commands are pipelined on two connections each, one after the other in time, so a difference
 * is a difference in the answer and not in the order. Elements are few and short, so that searching
 * finds some; now and then a long one; counts and indices are around the length of the list or far
 * outside.
 *
 * Run: bun test/conformance/lists.fuzz.ts [--seed=N] [--rounds=N]. A small run is part of the
 * tests.
 */
import { freshSeed, Prng } from "../../src/base/prng.ts";
import { startOurs, startReal } from "./peers.ts";
import { type Connection, render } from "./transcript.ts";

type Words = string[];

const KEYS = ["a", "b", "c", "key:with:a:longer:name"];
const COMMANDS_A_ROUND = 200;
/** Characters of a reply that a report shows. */
const SHOWN_MAX = 300;

/** Random list commands; the same seed gives the same commands. */
export class ListCommands {
  readonly #prng: Prng;
  /** Which elements a run uses: of how many kinds, up to which length. */
  readonly #kinds: number;
  readonly #sizeMax: number;

  constructor(seed: number) {
    this.#prng = new Prng(seed);
    this.#kinds = this.#prng.pick([3, 20, 1000]);
    this.#sizeMax = this.#prng.pick([8, 60, 400, 3000]);
  }

  next(): Words {
    const choice = this.#prng.below(100);
    if (choice < 30) return this.#push();
    if (choice < 42) return this.#pop();
    if (choice < 58) return this.#read();
    if (choice < 80) return this.#change();
    if (choice < 92) return this.#move();
    return this.#other();
  }

  #key(): string {
    return this.#prng.chance(60) ? "string" : this.#prng.pick(KEYS);
  }

  #element(): string {
    const kind = this.#prng.below(this.#kinds);
    const size = this.#prng.chance(300) ? 17_000 + kind : (kind * 7919) % this.#sizeMax;
    return `${kind}`.padEnd(size, "\r\n\0x");
  }

  #elements(): string[] {
    const most = this.#prng.chance(20) ? 200 : 5;
    return Array.from({ length: 1 + this.#prng.below(most) }, () => this.#element());
  }

  #index(): string {
    const choice = this.#prng.below(20);
    if (choice < 12) return `${this.#prng.between(-8, 8)}`;
    if (choice < 18) return `${this.#prng.between(-600, 600)}`;
    if (choice < 19) return this.#prng.pick(["2147483647", "-2147483648", "99999"]);
    return this.#prng.pick(["x", "", "1.5", "9223372036854775808"]);
  }

  #end(): string {
    return this.#prng.chance(100) ? "up" : this.#prng.pick(["LEFT", "RIGHT", "left"]);
  }

  #push(): Words {
    const name = this.#prng.pick(["LPUSH", "RPUSH", "RPUSH", "LPUSH", "LPUSHX", "RPUSHX"]);
    return [name, this.#key(), ...this.#elements()];
  }

  #pop(): Words {
    const name = this.#prng.pick(["LPOP", "RPOP"]);
    if (this.#prng.chance(2)) return [name, this.#key()];
    return [name, this.#key(), this.#prng.chance(3) ? this.#index() : `${this.#prng.below(30)}`];
  }

  #read(): Words {
    const key = this.#key();
    switch (this.#prng.below(5)) {
      case 0:
        return ["LLEN", key];
      case 1:
        return ["LINDEX", key, this.#index()];
      case 2:
        return this.#lpos(key);
      default:
        return ["LRANGE", key, this.#index(), this.#index()];
    }
  }

  #lpos(key: string): Words {
    const words = ["LPOS", key, this.#element()];
    if (this.#prng.chance(2)) words.push("RANK", this.#index());
    if (this.#prng.chance(2)) words.push("COUNT", `${this.#prng.below(5)}`);
    if (this.#prng.chance(3)) words.push("MAXLEN", `${this.#prng.below(300)}`);
    return words;
  }

  #change(): Words {
    const key = this.#key();
    switch (this.#prng.below(5)) {
      case 0:
        // Far indices are cut to 32 bits by the real one: see the suite.
        return ["LSET", key, `${this.#prng.between(-300, 300)}`, this.#element()];
      case 1:
        return ["LREM", key, `${this.#prng.between(-4, 4)}`, this.#element()];
      case 2:
        return this.#prng.chance(3)
          ? ["LTRIM", key, this.#index(), this.#index()]
          : ["LTRIM", key, `${this.#prng.below(4)}`, `-${this.#prng.below(4)}`];
      default:
        return ["LINSERT", key, this.#where(), this.#element(), this.#element()];
    }
  }

  #where(): string {
    return this.#prng.chance(50) ? "BESIDE" : this.#prng.pick(["BEFORE", "AFTER"]);
  }

  #move(): Words {
    switch (this.#prng.below(3)) {
      case 0:
        return ["LMOVE", this.#key(), this.#key(), this.#end(), this.#end()];
      case 1:
        return ["RPOPLPUSH", this.#key(), this.#key()];
      default: {
        const keys = Array.from({ length: 1 + this.#prng.below(3) }, () => this.#key());
        const words = ["LMPOP", `${keys.length}`, ...keys, this.#end()];
        return this.#prng.chance(2) ? words : [...words, "COUNT", this.#index()];
      }
    }
  }

  #other(): Words {
    const key = this.#key();
    switch (this.#prng.below(8)) {
      case 0:
        return ["DEL", key];
      case 1:
        return ["COPY", key, this.#prng.pick(KEYS), "REPLACE"];
      case 2:
        return ["RENAME", key, this.#prng.pick(KEYS)];
      case 3:
        return ["PEXPIRE", this.#prng.pick(KEYS), "1000000"];
      case 4:
        return ["PERSIST", key];
      case 5:
        return ["SET", "string", this.#element()];
      case 6:
        return ["TYPE", key];
      default:
        return ["LLEN", key];
    }
  }
}

/** Sends `rounds` batches of random commands to both; throws at the first reply that differs. */
export async function compareLists(
  real: Connection,
  ours: Connection,
  seed: number,
  rounds: number,
): Promise<void> {
  await Promise.all([real.ask(["FLUSHALL"]), ours.ask(["FLUSHALL"])]);
  const commands = new ListCommands(seed);
  for (let round = 0; round < rounds; round++) {
    const batch = Array.from({ length: COMMANDS_A_ROUND }, () => commands.next());
    for (const key of KEYS) batch.push(["LRANGE", key, "0", "-1"], ["LLEN", key]);
    const expected = batch.map((words) => real.ask(words));
    const received = batch.map((words) => ours.ask(words));
    for (let i = 0; i < batch.length; i++) {
      const wanted = render(await (expected[i] as Promise<never>));
      const got = render(await (received[i] as Promise<never>));
      if (wanted === got) continue;
      const words = (batch[i] as Words).map((word) => JSON.stringify(word.slice(0, 40))).join(" ");
      const where = `seed ${seed}, round ${round}, command ${i}: ${words}`;
      const both = `expected ${shown(wanted, got)}\n  received ${shown(got, wanted)}`;
      throw new Error(`${where}\n  ${both}`);
    }
  }
}

/** The part of a reply where it begins to differ from the other. */
function shown(reply: string, other: string): string {
  let at = 0;
  while (at < reply.length && reply[at] === other[at]) at++;
  const from = Math.max(0, at - SHOWN_MAX / 2);
  const part = reply.slice(from, from + SHOWN_MAX);
  return `${from > 0 ? "..." : ""}${part} (${reply.length} characters)`;
}

if (import.meta.main) {
  const option = (name: string): number | undefined => {
    const found = Bun.argv.find((argument) => argument.startsWith(`--${name}=`));
    return found === undefined ? undefined : Number(found.slice(name.length + 3));
  };
  const seed = option("seed") ?? freshSeed();
  const rounds = option("rounds") ?? 200;
  console.log(`lists.fuzz: --seed=${seed} --rounds=${rounds}`);
  const real = await startReal("valkey80");
  const ours = await startOurs(1);
  try {
    if (real !== null) await compareLists(await real.connect(), await ours.connect(), seed, rounds);
  } finally {
    await Promise.all([real?.stop(), ours.stop()]);
  }
  process.exit(0);
}
