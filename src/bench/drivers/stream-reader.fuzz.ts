/**
 * Fuzzes the readers of pushed messages and of WebSocket frames against what was generated: random
 * units, cut into random pieces, must come out as they were made; noise must never make them loop
 * or throw.
 *
 *      bun src/bench/drivers/stream-reader.fuzz.ts [--seed=N] [--rounds=N]
 *
 * The seed is printed; a difference throws with the seed of its round. `canary` leaves out one unit
 * on its way to the reader: a run with it must fail, or the fuzzer sees nothing.
 */
import { freshSeed, Prng } from "../../base/prng.ts";
import { PushReader } from "./push-reader.ts";
import type { StreamReader } from "./stream-reader.ts";
import { WsFrameReader } from "./ws-frames.ts";

export interface StreamFuzzOptions {
  seed: number;
  rounds: number;
  canary?: boolean;
}

/** Bytes to send, and what the reader must say to them. */
interface Unit {
  bytes: Buffer;
  expected: string[];
}

type Sink = (text: string) => void;

const PREFIX = "MSG bench.fuzz 1 ";
const KINDS: { make: (random: Prng) => Unit; reader: (say: Sink) => StreamReader }[] = [
  { make: makePush, reader: pushReader },
  { make: makeFrames, reader: frameReader },
];

/** Throws on the first difference. Returns how many units were compared. */
export function fuzzStreamReaders({ seed, rounds, canary }: StreamFuzzOptions): number {
  let compared = 0;
  for (let round = 0; round < rounds; round++) {
    const random = new Prng((seed + round) | 0);
    const { make, reader } = KINDS[round % KINDS.length]!;
    const units = Array.from({ length: random.between(1, 20) }, () => make(random));
    const expected = units.flatMap((unit) => unit.expected);
    if (canary) units.shift();
    const said: string[] = [];
    const bytes = Buffer.concat(units.map((unit) => unit.bytes));
    feedPieces(
      reader((text) => said.push(text)),
      bytes,
      random,
    );
    if (!Bun.deepEquals(said, expected)) {
      const at = expected.findIndex((text, index) => text !== said[index]);
      throw new Error(`seed ${seed + round}: unit ${at} differs, ${said.length} units came`);
    }
    compared += expected.length;
    feedNoise(reader, random);
  }
  return compared;
}

function pushReader(say: Sink): StreamReader {
  return new PushReader(PREFIX, {
    onMessage: (bytes, at, size) => say(`message ${bytes.toString("hex", at, at + size)}`),
    onLine: (bytes, start, end) => say(`line ${bytes.toString("latin1", start, end)}`),
  });
}

function makePush(random: Prng): Unit {
  if (random.chance(3)) {
    const line = ["PING", "PONG", "-ERR 'x'", "+OK"][random.below(4)]!;
    return { bytes: Buffer.from(`${line}\r\n`), expected: [`line ${line}`] };
  }
  const body = randomBytes(random, random.below(random.chance(5) ? 3000 : 40));
  const bytes = Buffer.concat([
    Buffer.from(`${PREFIX}${body.length}\r\n`),
    body,
    Buffer.from("\r\n"),
  ]);
  return { bytes, expected: [`message ${body.toString("hex")}`] };
}

function frameReader(say: Sink): StreamReader {
  return new WsFrameReader({
    onMessage: (bytes, at, size) => say(`message ${bytes.toString("hex", at, at + size)}`),
    onControl: (opcode, bytes, at, size) =>
      say(`control ${opcode} ${bytes.toString("hex", at, at + size)}`),
  });
}

/** A control frame, or a message in one to four frames, with control frames between them. */
function makeFrames(random: Prng): Unit {
  if (random.chance(4)) return makeControl(random);
  const count = random.chance(3) ? random.between(2, 4) : 1;
  const sizes = [0, 5, 125, 126, 127, 300, 65_535, 65_536];
  const parts = Array.from({ length: count }, () =>
    randomBytes(random, random.chance(6) ? sizes[random.below(sizes.length)]! : random.below(200)),
  );
  const between = parts.map((_, index) =>
    index > 0 && random.chance(2) ? makeControl(random) : { bytes: Buffer.alloc(0), expected: [] },
  );
  const frames = parts.flatMap((part, index) => [
    between[index]!.bytes,
    serverFrame(index === 0 ? random.between(1, 2) : 0, index === count - 1, part),
  ]);
  const message = `message ${Buffer.concat(parts).toString("hex")}`;
  const expected = [...between.flatMap((unit) => unit.expected), message];
  return { bytes: Buffer.concat(frames), expected };
}

function makeControl(random: Prng): Unit {
  const opcode = random.between(8, 10);
  const body = randomBytes(random, random.below(126));
  const expected = [`control ${opcode} ${body.toString("hex")}`];
  return { bytes: serverFrame(opcode, true, body), expected };
}

/** A frame as a server sends it, without a mask. */
export function serverFrame(opcode: number, isFinal: boolean, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = (isFinal ? 0x80 : 0) | opcode;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

function randomBytes(random: Prng, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random.below(256)));
}

/** Cuts `bytes` at random places; each piece in a buffer of its own that is overwritten later. */
function feedPieces(reader: StreamReader, bytes: Buffer, random: Prng): void {
  let at = 0;
  while (at < bytes.length) {
    const size = random.between(1, random.chance(2) ? 5 : 2000);
    const piece = Buffer.from(bytes.subarray(at, at + size));
    if (!reader.feed(piece)) throw new Error(`malformed: ${reader.malformed}`);
    piece.fill(0xee);
    at += piece.length;
  }
}

function feedNoise(makeReader: (say: Sink) => StreamReader, random: Prng): void {
  const reader = makeReader(() => {});
  for (let i = 0; i < 20; i++) if (!reader.feed(randomBytes(random, random.below(50)))) return;
}

if (import.meta.main) {
  const option = (name: string) =>
    process.argv.find((text) => text.startsWith(`--${name}=`))?.split("=")[1];
  const seed = Number(option("seed") ?? freshSeed());
  const rounds = Number(option("rounds") ?? 20_000);
  console.log(`stream readers: seed ${seed}, ${rounds} rounds`);
  console.log(`${fuzzStreamReaders({ seed, rounds })} units compared`);
}
