/**
 * Conformance transcripts: what a client sends and what it must get back, as text, for any server
 * that speaks RESP.
 *
 * A suite (strings.ts, keys.ts, ...) is a string of cases; the same suite runs on a real Valkey, a
 * real Redis and ours, so an expectation that is wrong fails on the servers that define it.
 *
 *   # SET refuses contradicting options    a case: FLUSHALL, then a connection of its own
 *   SET k v => +OK                         request => reply; words are quoted as redis-cli does
 *   GET k => "v" || redis70: nil           what one of the servers answers differently
 *   2: GET k => "v"                        the same on the case's second connection
 *   eventually EXISTS k => :0              asked until it is so (nothing waits for time)
 *   MGET a b =>                            two blanks continue the line before
 *     ["1" "2"]
 *
 * In words: {x*1000} is x a thousand times; {now+10} and {ms+5000} are the time now in s or ms,
 * plus so much.
 * Replies: +simple -error :integer "bulk" nil nil-array [a b], {a b} in any order, :5..10 a range,
 * len:1000 a bulk of that many bytes, start:"abc" a bulk that begins so, -ERR... an error that
 * begins so, cursor a bulk of digits, any; RESP3: null #t ,1.5 %[k v] ~[a]. A lone dash: not asked
 * of this server.
 * Not here: suites that need code (atomicity.ts, the SCAN guarantee in scan.test.ts).
 */
import type { Reply } from "./reply.ts";

/** Which server answers, for replies that differ. "ours" follows Redis 7.2. */
export type PeerKind = "ours" | "valkey80" | "redis70";

/** One connection: requests are answered in order. */
export interface Connection {
  ask(words: readonly (Buffer | string)[]): Promise<Reply>;
  close(): void;
}

/** A server under test. */
export interface Peer {
  readonly kind: PeerKind;
  connect(): Promise<Connection>;
}

export interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
}

interface Step {
  readonly line: string;
  readonly connection: number;
  readonly isEventual: boolean;
  readonly request: string;
  readonly expected: string;
  readonly exceptions: ReadonlyMap<string, string>;
}

/** How long `eventually` asks before it gives up. A limit for what has failed, not a wait. */
const EVENTUALLY_MS_MAX = 10_000;

/** The cases of a suite. Throws SyntaxError with the line when it is malformed. */
export function parseSuite(source: string): Case[] {
  const cases: { name: string; steps: Step[] }[] = [];
  for (const line of source.replaceAll("\n  ", " ").split("\n")) {
    if (line === "" || line.startsWith("//")) continue;
    if (line.startsWith("# ")) cases.push({ name: line.slice(2), steps: [] });
    else {
      const last = cases.at(-1);
      if (last === undefined) throw new SyntaxError(`step before the first case: ${line}`);
      last.steps.push(parseStep(line));
    }
  }
  return cases;
}

/** Runs one case; throws an Error with the step and both replies at the first difference. */
export async function runCase(peer: Peer, theCase: Case): Promise<void> {
  const connections = new Map<number, Connection>();
  try {
    const first = await peer.connect();
    connections.set(1, first);
    await first.ask(["FLUSHALL"]);
    for (const step of theCase.steps) {
      let connection = connections.get(step.connection);
      if (connection === undefined) {
        connection = await peer.connect();
        connections.set(step.connection, connection);
      }
      await runStep(peer, connection, step);
    }
  } finally {
    for (const connection of connections.values()) connection.close();
  }
}

async function runStep(peer: Peer, connection: Connection, step: Step): Promise<void> {
  const expected = step.exceptions.get(peer.kind) ?? step.expected;
  if (expected === "-") return;
  const deadline = performance.now() + EVENTUALLY_MS_MAX;
  for (;;) {
    const reply = await connection.ask(parseWords(step.request));
    if (isMatch(reply, new Scanner(expected))) return;
    if (step.isEventual && performance.now() < deadline) continue;
    throw new Error(
      `${step.line}\n  expected ${expected}\n  received ${render(reply).slice(0, 500)}`,
    );
  }
}

function parseStep(line: string): Step {
  const match = /^(?:(\d): )?(eventually )?(.*?) => (.*)$/.exec(line);
  if (match === null) throw new SyntaxError(`not a step: ${line}`);
  const [expected = "", ...rest] = (match[4] ?? "").split(/\s+\|\| /);
  const exceptions = new Map<string, string>();
  for (const exception of rest) {
    const colon = exception.indexOf(": ");
    if (colon < 0) throw new SyntaxError(`not an exception: ${exception}`);
    exceptions.set(exception.slice(0, colon), exception.slice(colon + 2).trim());
  }
  return {
    line,
    connection: Number(match[1] ?? "1"),
    isEventual: match[2] !== undefined,
    request: match[3] ?? "",
    expected: expected.trim(),
    exceptions,
  };
}

/** The words of a request line. */
export function parseWords(line: string): Buffer[] {
  const words: Buffer[] = [];
  const scanner = new Scanner(line);
  for (scanner.blanks(); !scanner.isAtEnd; scanner.blanks()) {
    const quoted = scanner.quoted();
    words.push(quoted ?? substitute(scanner.bare()));
  }
  return words;
}

function substitute(word: string): Buffer {
  const repeated = /^\{(.*)\*(\d+)\}$/.exec(word);
  if (repeated !== null)
    return Buffer.from((repeated[1] ?? "").repeat(Number(repeated[2])), "latin1");
  const time = /^\{(now|ms)([+-]\d+)?\}$/.exec(word);
  if (time === null) return Buffer.from(word, "latin1");
  const base = time[1] === "now" ? Math.floor(Date.now() / 1000) : Date.now();
  return Buffer.from(String(base + Number(time[2] ?? "0")));
}

/** Reads the notation of requests and replies from left to right. */
class Scanner {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  blanks(): void {
    while (this.#text[this.#at] === " ") this.#at++;
  }

  /** Whether `prefix` comes next; takes it if so. */
  take(prefix: string): boolean {
    if (!this.#text.startsWith(prefix, this.#at)) return false;
    this.#at += prefix.length;
    return true;
  }

  rest(): string {
    const rest = this.#text.slice(this.#at);
    this.#at = this.#text.length;
    return rest;
  }

  bare(): string {
    const start = this.#at;
    while (!this.isAtEnd && this.#text[this.#at] !== " ") this.#at++;
    return this.#text.slice(start, this.#at);
  }

  /** A word up to a blank or a closing bracket. */
  element(): string {
    const start = this.#at;
    while (!this.isAtEnd && !" ]}".includes(this.#text[this.#at] ?? "")) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  quoted(): Buffer | null {
    if (this.take("'")) return Buffer.from(this.#until("'"), "latin1");
    if (!this.take('"')) return null;
    const escaped = this.#until('"');
    const text = escaped.replace(/\\(x[\da-fA-F]{2}|.)/g, (_, code: string) =>
      code.length === 3
        ? String.fromCharCode(parseInt(code.slice(1), 16))
        : (ESCAPES[code] ?? code),
    );
    return Buffer.from(text, "latin1");
  }

  #until(quote: string): string {
    const start = this.#at;
    while (!this.isAtEnd && this.#text[this.#at] !== quote)
      this.#at += this.#text[this.#at] === "\\" ? 2 : 1;
    if (this.isAtEnd) throw new SyntaxError(`unclosed quote: ${this.#text}`);
    return this.#text.slice(start, this.#at++);
  }
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b" };

function isMatch(reply: Reply, expected: Scanner): boolean {
  expected.blanks();
  if (expected.take("-")) {
    const text = expected.rest();
    if (reply.kind !== "-") return false;
    return text.endsWith("...") ? reply.text.startsWith(text.slice(0, -3)) : reply.text === text;
  }
  if (expected.take("[")) return isListMatch(reply, expected, "*", "]");
  if (expected.take("%[")) return isListMatch(reply, expected, "%", "]");
  if (expected.take("~[")) return isListMatch(reply, expected, "~", "]");
  if (expected.take("{")) return isSetMatch(reply, expected);
  if (expected.take("start:")) {
    const start = expected.quoted();
    return start !== null && reply.kind === "$" && reply.bytes.indexOf(start) === 0;
  }
  const bulk = expected.quoted();
  if (bulk !== null) return reply.kind === "$" && reply.bytes.equals(bulk);
  return isWordMatch(reply, expected.element());
}

function isListMatch(reply: Reply, expected: Scanner, kind: string, close: string): boolean {
  if (!("items" in reply) || reply.kind !== kind) return false;
  for (const item of reply.items) {
    expected.blanks();
    if (!isMatch(item, expected)) return false;
  }
  expected.blanks();
  return expected.take(close);
}

/** Any order: both sides are rendered and sorted. Only for scalars. */
function isSetMatch(reply: Reply, expected: Scanner): boolean {
  if (reply.kind !== "*") return false;
  const wanted: string[] = [];
  for (expected.blanks(); !expected.take("}"); expected.blanks()) {
    const bulk = expected.quoted();
    wanted.push(bulk === null ? expected.element() : render({ kind: "$", bytes: bulk }));
  }
  return wanted.sort().join(" ") === reply.items.map(render).sort().join(" ");
}

function isWordMatch(reply: Reply, word: string): boolean {
  if (word === "any") return true;
  if (word === "cursor") return reply.kind === "$" && /^\d+$/.test(reply.bytes.toString());
  const length = /^len:(\d+)$/.exec(word);
  if (length !== null) return reply.kind === "$" && reply.bytes.length === Number(length[1]);
  const range = /^:(-?\d+)\.\.(-?\d+)$/.exec(word);
  if (range !== null) {
    if (reply.kind !== ":") return false;
    const value = BigInt(reply.text);
    return value >= BigInt(range[1] ?? "") && value <= BigInt(range[2] ?? "");
  }
  return render(reply) === word;
}

/** A reply in the notation of the transcripts. */
export function render(reply: Reply): string {
  switch (reply.kind) {
    case "$":
      return quote(reply.bytes);
    case "*":
      return `[${reply.items.map(render).join(" ")}]`;
    case "%":
    case "~":
    case ">":
      return `${reply.kind}[${reply.items.map(render).join(" ")}]`;
    case "nil":
    case "nil-array":
    case "null":
      return reply.kind;
    default:
      return reply.kind + reply.text;
  }
}

function quote(bytes: Buffer): string {
  let text = '"';
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    text += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `${text}"`;
}
