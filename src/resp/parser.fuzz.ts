/**
 * Fuzzes RequestParser against the specification that runs (spec.ts): streams of valid, odd and
 * broken requests, cut into random pieces, must give the same commands and the same end.
 *
 *      bun src/resp/parser.fuzz.ts [--seed=N] [--rounds=N]
 *
 * The seed is printed; a difference throws with the seed of its round. `canary` breaks the pieces
 * on purpose: a run with it must fail, or the fuzzer sees nothing.
 */
import { Prng } from "../base/prng.ts";
import type { ParseLimits } from "./parser.ts";
import { LIMITS, parsePieces } from "./parser-driver.ts";
import { parseAsSpecified, type SpecResult } from "./spec.ts";

export interface ParserFuzzOptions {
  seed: number;
  rounds: number;
  /** Loses one byte on its way to the parser, but not on its way to the specification. */
  canary?: boolean;
}

/** Small limits, so that random streams reach them. */
const SMALL_LIMITS: ParseLimits = {
  multibulkCountMax: 100,
  bulkSizeMax: 1500,
  inlineSizeMax: 64,
  authenticated: true,
};

const INLINE_LINES = [
  "PING\r\n",
  "PING\n",
  "\r\n",
  "\n",
  "  \t \r\n",
  'ECHO "a b"\r\n',
  "ECHO 'it\\'s'\r\n",
  'ECHO "\\x41\\n\\q\\xZ1"\r\n',
  'ECHO "open\r\n',
  "ECHO 'a'b\r\n",
  "a'b c'\r\n",
  '""\r\n',
  "\r\r\n",
  ' \v"x" y\v\r\n',
  '"\\',
  "POST / HTTP/1.1\r\n",
  "host: x\n",
  "GET / HTTP/1.1\r\nHost: x\r\n",
  "$3\r\n",
  "+OK\r\n",
];
const ODD_HEADERS = [
  "*0\r\n",
  "*-1\r\n",
  "*-9223372036854775808\r\n",
  "*-9223372036854775809\r\n",
  "*00\r\n",
  "*+1\r\n",
  "*101\r\n",
  "*100\r\n",
  "*\r\n",
  "*1 \r\n",
  "* 1\r\n",
  "*1\n",
  "*x\r\n",
  "*2147483648\r\n",
  "*-0\r\n",
  "*1\r\n$-1\r\n",
  "*1\r\n$1501\r\n",
  "*1\r\n$01\r\n",
  "*1\r\n$\r\n",
  "*1\r\n*1\r\n",
  "*1\r\n\r\n",
  "*2\r\n$3\r\nfooXX",
  "*1\r$4\r\nPING\r\n",
  "*1\r\n$4\rXPING\r\n",
  "*1\r\n$18446744073709551615\r\n",
  "*1\r\n$1500\r\n",
  "*1\r\n$0\r\n\r\n",
  "*\0\r\n",
];

/** Throws on the first difference. Returns how many commands were compared. */
export function fuzzParser(options: ParserFuzzOptions): number {
  let compared = 0;
  for (let round = 0; round < options.rounds; round++) {
    const seed = (options.seed + round) | 0;
    compared += runRound(seed, options.canary ?? false);
  }
  return compared;
}

function runRound(seed: number, canary: boolean): number {
  const random = new Prng(seed);
  const base = random.below(2) === 0 ? LIMITS : SMALL_LIMITS;
  const limits = { ...base, authenticated: random.below(4) > 0 };
  const stream = makeStream(random);
  const sent = canary ? stream.subarray(1) : stream;
  const actual = parsePieces(cut(sent, random), limits, 1 + random.below(70));
  const expected = parseAsSpecified(stream.toString("latin1"), limits);
  if (!Bun.deepEquals(actual, expected)) {
    const at = actual.commands.findIndex((it, i) => !Bun.deepEquals(it, expected.commands[i]));
    const index = at < 0 ? actual.commands.length : at;
    const shown = (it: SpecResult): string =>
      `${it.commands.length} commands, ${it.end}, ${JSON.stringify(it.commands[index])}`;
    throw new Error(
      `seed ${seed}: the parser differs from the specification at command ${index}\n` +
        `limits   ${JSON.stringify(limits)}\n` +
        `parser   ${shown(actual)}\nexpected ${shown(expected)}`,
    );
  }
  return expected.commands.length;
}

function makeStream(random: Prng): Buffer {
  const parts: string[] = [];
  const count = 1 + random.below(30);
  for (let i = 0; i < count; i++) parts.push(makePart(random));
  const bytes = Buffer.from(parts.join(""), "latin1");
  if (random.below(3) === 0) mutate(bytes, random);
  return random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

function makePart(random: Prng): string {
  const kind = random.below(40);
  if (kind === 0) return ODD_HEADERS[random.below(ODD_HEADERS.length)] as string;
  if (kind <= 2) return INLINE_LINES[random.below(INLINE_LINES.length)] as string;
  if (kind === 3) return "*0\r\n";
  const argsCount = random.below(12) === 0 ? 1 + random.below(110) : 1 + random.below(4);
  let request = `*${argsCount}\r\n`;
  for (let i = 0; i < argsCount; i++) {
    const value = makeValue(random);
    request += `$${value.length}\r\n${value}\r\n`;
  }
  return request;
}

function makeValue(random: Prng): string {
  const kind = random.below(12);
  const length = kind === 0 ? random.below(1600) : kind < 4 ? random.below(140) : random.below(6);
  let value = "";
  for (let i = 0; i < length; i++) value += "\r\n$*0\0 a"[random.below(8)];
  return value;
}

/** Changes, or repeats elsewhere, a few bytes. */
function mutate(bytes: Buffer, random: Prng): void {
  for (let i = 1 + random.below(3); i > 0 && bytes.length > 0; i--) {
    const at = random.below(bytes.length);
    if (random.below(2) === 0) bytes[at] = random.below(256);
    else bytes.copyWithin(at, random.below(bytes.length), bytes.length);
  }
}

function cut(bytes: Buffer, random: Prng): Buffer[] {
  // The driver copies what it keeps with every piece: tiny ones are for short streams.
  const sizes = bytes.length < 2000 ? [1, 3, 20, 300, 100_000] : [100, 300, 2000, 20_000, 100_000];
  const pieceMax = sizes[random.below(sizes.length)] as number;
  const pieces: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const size = 1 + random.below(pieceMax);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

if (import.meta.main) {
  const option = (name: string, otherwise: number): number => {
    const given = Bun.argv.find((arg) => arg.startsWith(`--${name}=`));
    return given === undefined ? otherwise : Number(given.slice(name.length + 3));
  };
  const seed = option("seed", (Bun.nanoseconds() & 0x7fffffff) | 0);
  const rounds = option("rounds", 10_000);
  process.stdout.write(`parser.fuzz: --seed=${seed} --rounds=${rounds}\n`);
  process.stdout.write(`parser.fuzz: ${fuzzParser({ seed, rounds })} commands agree\n`);
}
