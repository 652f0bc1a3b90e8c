/**
 * Fuzzes two servers against each other: mutated streams of PING, ECHO, SET and GET must give the
 * same bytes from both, and the same end.
 *
 *      bun test/conformance/protocol.fuzz.ts [--seed=N] [--rounds=N]
 *
 * Each round flushes nothing: its keys carry the round, so that both servers start it alike. Two
 * differences are allowed, as declared in protocol-suite.ts: where a CR LF is missing ours stops
 * with an error, so its replies before that must be the beginning of theirs; and Valkey 8.0 reads
 * what follows a blank line wrongly. `canary` sends ours one byte less: a run with it must fail.
 */
import { Prng } from "../../src/base/prng.ts";
import { hasPeer, startKv, startPeer } from "../harness.ts";
import { RawConnection } from "./raw-connection.ts";

export interface ProtocolFuzzOptions {
  readonly seed: number;
  readonly rounds: number;
  /** Ports of the two servers. */
  readonly ours: number;
  readonly theirs: number;
  readonly canary?: boolean;
}

const STRICTER = "-ERR Protocol error: invalid CRLF in request\r\n";
const BLANK_LINE = /(^|\n)(?!\r?\n)[ \t\v\f\r]+\n/;
const REQUESTS_MAX = 12;

/** Throws at the first difference, with its seed. Returns how many rounds were compared. */
export async function fuzzProtocol(options: ProtocolFuzzOptions): Promise<number> {
  for (let round = 0; round < options.rounds; round++) {
    const seed = (options.seed + round) | 0;
    const stream = makeStream(new Prng(seed), `${seed}-${round}`);
    const sent = options.canary ? stream.subarray(0, -1) : stream;
    const [ours, theirs] = await Promise.all([
      exchange(options.ours, sent),
      exchange(options.theirs, stream),
    ]);
    if (ours === theirs) continue;
    if (ours.endsWith(STRICTER) && theirs.startsWith(ours.slice(0, -STRICTER.length))) continue;
    if (BLANK_LINE.test(stream.toString("latin1"))) continue;
    const shown = JSON.stringify(stream.toString("latin1"));
    throw new Error(
      `seed ${seed}: the servers differ on ${shown}\n` +
        `ours   ${JSON.stringify(ours)}\ntheirs ${JSON.stringify(theirs)}`,
    );
  }
  return options.rounds;
}

/** Everything that a server answers to `stream` before it closes. */
async function exchange(port: number, stream: Buffer): Promise<string> {
  using connection = await RawConnection.open(port);
  await connection.send(stream);
  connection.endSending();
  await connection.closed();
  return connection.received;
}

function makeStream(random: Prng, keyPrefix: string): Buffer {
  const parts: string[] = [];
  for (let i = 1 + random.below(REQUESTS_MAX); i > 0; i--)
    parts.push(makeRequest(random, keyPrefix));
  let bytes: Buffer = Buffer.from(parts.join(""), "latin1");
  for (let i = random.below(4); i > 0 && bytes.length > 1; i--) bytes = mutate(bytes, random);
  return bytes;
}

function makeRequest(random: Prng, keyPrefix: string): string {
  const key = `${keyPrefix}:${random.below(3)}`;
  const value = "\r\n$*1 \0x".slice(random.below(4), 4 + random.below(5));
  switch (random.below(8)) {
    case 0:
      return "PING\r\n";
    case 1:
      return `ECHO "${"a".repeat(random.below(5))}\\x0${random.below(10)}"\r\n`;
    case 2:
      return ["\r\n", "*0\r\n", "*-1\r\n", "\n"][random.below(4)] as string;
    case 3:
      return array("PING");
    case 4:
      return array("ECHO", value);
    case 5:
      return array("GET", key);
    default:
      return array("SET", key, value);
  }
}

function array(...args: readonly string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

/** Bytes that mean something to the protocol, more often than others. */
const MEANINGFUL = "\r\n$*-+0129 \"'\\\0:";

function mutate(bytes: Buffer, random: Prng): Buffer {
  const at = random.below(bytes.length);
  const byte =
    random.below(3) === 0
      ? random.below(256)
      : MEANINGFUL.charCodeAt(random.below(MEANINGFUL.length));
  switch (random.below(5)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at)]);
    case 2: {
      const from = random.below(bytes.length);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(from)]);
    }
    case 3:
      return bytes.subarray(0, at + 1);
    default:
      bytes[at] = byte;
      return bytes;
  }
}

async function main(): Promise<void> {
  const option = (name: string, otherwise: number): number => {
    const given = Bun.argv.find((arg) => arg.startsWith(`--${name}=`));
    return given === undefined ? otherwise : Number(given.slice(name.length + 3));
  };
  const seed = option("seed", Bun.nanoseconds() & 0x7fffffff);
  const rounds = option("rounds", 10_000);
  process.stdout.write(`protocol.fuzz: --seed=${seed} --rounds=${rounds}\n`);
  if (!hasPeer("valkey-server")) return;
  await using theirs = await startPeer("valkey-server");
  await using ours = await startKv(["--threads", "1"]);
  await fuzzProtocol({ seed, rounds, ours: ours.port, theirs: theirs.port });
  process.stdout.write(`protocol.fuzz: ${rounds} rounds agree\n`);
}

if (import.meta.main) await main();
