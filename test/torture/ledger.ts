/**
 * A client that knows what it was promised: it sends a pipelined mix of changes to keys of its own,
 * counts the replies, and says afterwards whether what a server holds can be what came of them.
 *
 * A connection's commands are run in order, so what survives must be the state after all commands
 * that were acknowledged and some number of those that were on their way.
 */
import type { Socket } from "bun";
import { Prng } from "../../src/base/prng.ts";
import { encodeRequest } from "../../src/resp/encoder.ts";
import { type Reply, ReplyError, ReplyReader } from "../../src/resp/reader.ts";

const STRINGS = 20;
const LISTS = 10;
const FAR_SECONDS = 1_000_000;
/** Commands on their way at a time. */
const PIPELINE = 64;

type State = Map<string, string | string[]>;
type Change = (state: State) => void;

interface Sent {
  readonly change: Change;
  readonly request: Uint8Array;
}

/** One connection's ledger. It outlives the connection: the next one goes on with its keys. */
export class Ledger {
  readonly #name: string;
  readonly #prng: Prng;
  /** What the server must hold: everything acknowledged, once it was checked. */
  #state: State = new Map();
  /** Sent since the last check, in order; the first `#acknowledged` of them have a reply. */
  #sent: Sent[] = [];
  #acknowledged = 0;
  #socket: Socket | null = null;
  #reader = new ReplyReader();
  #isOpen = false;
  #sequence = 0;
  /** Error replies: there must be none. */
  readonly errors: string[] = [];
  acknowledgedTotal = 0;

  constructor(name: string, seed: number) {
    this.#name = name;
    this.#prng = new Prng(seed);
  }

  /** Connects and keeps PIPELINE commands on their way until the connection ends. */
  async start(port: number): Promise<void> {
    this.#reader = new ReplyReader();
    this.#isOpen = true;
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, chunk) => this.#receive(chunk),
        close: () => {
          this.#isOpen = false;
        },
        error: () => {
          this.#isOpen = false;
        },
        drain: () => this.#drain(),
      },
    });
    this.#fill();
  }

  #rest: Uint8Array = new Uint8Array(0);

  #drain(): void {
    if (this.#rest.length === 0 || this.#socket === null) return;
    const taken = this.#socket.write(this.#rest);
    if (taken > 0) this.#rest = this.#rest.slice(taken);
  }

  #receive(chunk: Uint8Array): void {
    this.#reader.feed(chunk);
    for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next()) {
      if (reply instanceof ReplyError) this.errors.push(reply.text);
      this.#acknowledged++;
      this.acknowledgedTotal++;
    }
    if (this.#sent.length - this.#acknowledged < PIPELINE / 2) this.#fill();
  }

  #fill(): void {
    if (!this.#isOpen || this.#rest.length > 0) return;
    const requests: Uint8Array[] = [];
    while (this.#sent.length - this.#acknowledged < PIPELINE) {
      const sent = this.#next();
      this.#sent.push(sent);
      requests.push(sent.request);
    }
    if (requests.length === 0) return;
    this.#rest = Buffer.concat(requests);
    this.#drain();
  }

  /** Stops sending; what is on its way may or may not arrive. */
  stop(): void {
    this.#isOpen = false;
    this.#rest = new Uint8Array(0);
    this.#socket?.terminate();
  }

  #value(): string {
    const dice = this.#prng.below(100);
    const size = dice < 80 ? 1 + this.#prng.below(200) : dice < 98 ? 4096 : 102_400;
    return `${++this.#sequence}:`.padEnd(size, "v");
  }

  #next(): Sent {
    const prng = this.#prng;
    const name = `${this.#name}:s${prng.below(STRINGS)}`;
    const list = `${this.#name}:l${prng.below(LISTS)}`;
    const counter = `${this.#name}:c`;
    const dice = prng.below(100);
    const value = this.#value();
    if (dice < 40) return sent(["SET", name, value], (it) => it.set(name, value));
    if (dice < 50) return sent(["DEL", name], (it) => it.delete(name));
    if (dice < 60) {
      return sent(["INCR", counter], (it) =>
        it.set(counter, String(Number(it.get(counter) ?? 0) + 1)),
      );
    }
    if (dice < 80) {
      const items = [value.slice(0, 500), `${this.#sequence}b`];
      return sent(["RPUSH", list, ...items], (it) =>
        it.set(list, [...((it.get(list) ?? []) as string[]), ...items]),
      );
    }
    if (dice < 90) {
      return sent(["LTRIM", list, "-20", "-2"], (it) => {
        const kept = ((it.get(list) ?? []) as string[]).slice(-20, -1);
        if (kept.length === 0) it.delete(list);
        else it.set(list, kept);
      });
    }
    if (dice < 95) return sent(["EXPIRE", name, String(FAR_SECONDS)], () => {});
    const other = `${this.#name}:s${prng.below(STRINGS)}`;
    return sent(["MSET", name, value, other, value], (it) => it.set(name, value).set(other, value));
  }

  /**
   * Compares with what a server holds; throws when that is no state that may have been left. Goes
   * on from it.
   */
  async check(ask: (command: string[]) => Promise<Reply>): Promise<void> {
    const found = await this.#readState(ask);
    for (let done = 0; done < this.#acknowledged; done++) this.#sent[done]?.change(this.#state);
    let isFound = isSame(this.#state, found);
    const inFlight = this.#sent.length - this.#acknowledged;
    for (let more = 0; more < inFlight && !isFound; more++) {
      this.#sent[this.#acknowledged + more]?.change(this.#state);
      isFound = isSame(this.#state, found);
    }
    if (!isFound) {
      throw new Error(
        `${this.#name}: after ${this.#acknowledged} acknowledged and ${inFlight} unanswered ` +
          `changes the server holds ${describe(found)}; the ledger has ${describe(this.#state)}`,
      );
    }
    this.#sent = [];
    this.#acknowledged = 0;
  }

  async #readState(ask: (command: string[]) => Promise<Reply>): Promise<State> {
    const state: State = new Map();
    const names = Array.from({ length: STRINGS }, (_, i) => `${this.#name}:s${i}`);
    for (const name of [...names, `${this.#name}:c`]) {
      const value = await ask(["GET", name]);
      if (value !== null) state.set(name, String(value));
    }
    for (let i = 0; i < LISTS; i++) {
      const name = `${this.#name}:l${i}`;
      const items = (await ask(["LRANGE", name, "0", "-1"])) as unknown[];
      if (items.length > 0) state.set(name, items.map(String));
    }
    return state;
  }
}

function sent(command: string[], change: (state: State) => unknown): Sent {
  return {
    request: encodeRequest(...command),
    change: (state) => {
      change(state);
    },
  };
}

function isSame(a: State, b: State): boolean {
  if (a.size !== b.size) return false;
  for (const [name, value] of a) {
    const other = b.get(name);
    if (typeof value === "string") {
      if (value !== other) return false;
    } else if (!Array.isArray(other) || value.length !== other.length) return false;
    else if (!value.every((item, i) => item === other[i])) return false;
  }
  return true;
}

function describe(state: State): string {
  const entries = [...state].map(([name, value]) =>
    typeof value === "string" ? `${name}=${value.slice(0, 12)}` : `${name}[${value.length}]`,
  );
  return entries.sort().join(" ");
}
