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

type Value = string | string[];
type State = Map<string, Value>;
type Change = (state: State) => void;
type Ask = (command: string[]) => Promise<Reply>;

interface Sent {
  /** Names that it changes. */
  readonly names: readonly string[];
  readonly change: Change;
  readonly request: Uint8Array;
}

/** What a loss of power has taken of what was acknowledged. */
export interface Survivors {
  readonly lost: number;
  /** Time from the first lost acknowledgement to the loss. */
  readonly lostMs: number;
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
  /** When each of those came, ms since 1970. */
  #acknowledgedMs: number[] = [];
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
    const nowMs = Date.now();
    for (let reply = this.#reader.next(); reply !== undefined; reply = this.#reader.next()) {
      if (reply instanceof ReplyError) this.errors.push(reply.text);
      this.#acknowledged++;
      this.#acknowledgedMs.push(nowMs);
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

  /** Whether the connection is there. */
  get isOpen(): boolean {
    return this.#isOpen;
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
    if (dice < 40) return sent([name], ["SET", name, value], (it) => it.set(name, value));
    if (dice < 50) return sent([name], ["DEL", name], (it) => it.delete(name));
    if (dice < 60) {
      return sent([counter], ["INCR", counter], (it) =>
        it.set(counter, String(Number(it.get(counter) ?? 0) + 1)),
      );
    }
    if (dice < 80) {
      const items = [value.slice(0, 500), `${this.#sequence}b`];
      return sent([list], ["RPUSH", list, ...items], (it) =>
        it.set(list, [...((it.get(list) ?? []) as string[]), ...items]),
      );
    }
    if (dice < 90) {
      return sent([list], ["LTRIM", list, "-20", "-2"], (it) => {
        const kept = ((it.get(list) ?? []) as string[]).slice(-20, -1);
        if (kept.length === 0) it.delete(list);
        else it.set(list, kept);
      });
    }
    if (dice < 95) return sent([], ["EXPIRE", name, String(FAR_SECONDS)], () => {});
    const other = `${this.#name}:s${prng.below(STRINGS)}`;
    return sent([name, other], ["MSET", name, value, other, value], (it) =>
      it.set(name, value).set(other, value),
    );
  }

  /**
   * Compares with what a server holds; throws when that is no state that may have been left. Goes
   * on from it.
   */
  async check(ask: Ask): Promise<void> {
    const found = await this.#readState(ask);
    const survived = this.#matching(found);
    if (survived < this.#acknowledged) throw new Error(this.#mismatch(found));
    this.#state = found;
    this.#sent = [];
    this.#known = [];
    this.#acknowledged = 0;
    this.#acknowledgedMs = [];
  }

  /**
   * Compares what a server holds after a loss of power; throws when no beginning of what was sent
   * gives that. Nothing is changed. `endMs` is when the power was lost.
   */
  async survivors(ask: Ask, endMs: number): Promise<Survivors> {
    const found = await this.#readState(ask);
    const survived = this.#matching(found);
    if (survived < 0) throw new Error(this.#mismatch(found));
    const lost = Math.max(0, this.#acknowledged - survived);
    const lostMs = lost === 0 ? 0 : endMs - (this.#acknowledgedMs[survived] as number);
    return { lost, lostMs };
  }

  #mismatch(found: State): string {
    const state = new Map(this.#state);
    for (const { change } of this.#sent.slice(0, this.#acknowledged)) change(state);
    const inFlight = this.#sent.length - this.#acknowledged;
    return (
      `${this.#name}: after ${this.#acknowledged} acknowledged and ${inFlight} unanswered ` +
      `changes the server holds ${describe(found)}; the ledger has ${describe(state)}`
    );
  }

  /** After how many of the changes that were sent the state is `found`, at most; -1: never. */
  #matching(found: State): number {
    const wrong = new Set<string>();
    const compare = (name: string, value: Value | undefined) => {
      if (isSame(value, found.get(name))) wrong.delete(name);
      else wrong.add(name);
    };
    for (const name of this.#names()) compare(name, this.#state.get(name));
    let matching = wrong.size === 0 ? 0 : -1;
    let done = 0;
    for (const changes of this.#changes()) {
      for (const [name, value] of changes) compare(name, value);
      done++;
      if (wrong.size === 0) matching = done;
    }
    return matching;
  }

  /** What each change that was sent has made of the names that it changes. */
  #changes(): readonly [string, Value | undefined][][] {
    if (this.#known.length === this.#sent.length) return this.#known;
    const state = new Map(this.#state);
    this.#known = this.#sent.map(({ names, change }) => {
      change(state);
      return names.map((name) => [name, state.get(name)]);
    });
    return this.#known;
  }

  #known: [string, Value | undefined][][] = [];

  #names(): string[] {
    const strings = Array.from({ length: STRINGS }, (_, i) => `${this.#name}:s${i}`);
    const lists = Array.from({ length: LISTS }, (_, i) => `${this.#name}:l${i}`);
    return [...strings, `${this.#name}:c`, ...lists];
  }

  async #readState(ask: Ask): Promise<State> {
    const state: State = new Map();
    const names = this.#names();
    const lists = names.splice(-LISTS);
    const values = await Promise.all(names.map((name) => ask(["GET", name])));
    const items = await Promise.all(lists.map((name) => ask(["LRANGE", name, "0", "-1"])));
    values.forEach((value, i) => {
      if (value !== null) state.set(names[i] as string, String(value));
    });
    (items as unknown[][]).forEach((list, i) => {
      if (list.length > 0) state.set(lists[i] as string, list.map(String));
    });
    return state;
  }
}

function sent(names: string[], command: string[], change: (state: State) => unknown): Sent {
  return {
    names,
    request: encodeRequest(...command),
    change: (state) => {
      change(state);
    },
  };
}

function isSame(a: Value | undefined, b: Value | undefined): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

function describe(state: State): string {
  const entries = [...state].map(([name, value]) =>
    typeof value === "string" ? `${name}=${value.slice(0, 12)}` : `${name}[${value.length}]`,
  );
  return entries.sort().join(" ");
}
