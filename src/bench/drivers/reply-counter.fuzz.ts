/**
 * Fuzzes ReplyCounter against what was generated: random replies, cut into random pieces, must be
 * counted as they were made, and broken streams must never make it loop or throw.
 *
 *      bun src/bench/drivers/reply-counter.fuzz.ts [--seed=N] [--rounds=N]
 *
 * The seed is printed; a difference throws with the seed of its round. `canary` leaves out one
 * reply on its way to the counter: a run with it must fail, or the fuzzer sees nothing.
 */
import { freshSeed, Prng } from "../../base/prng.ts";
import { shapeOf } from "../workloads/requests.ts";
import { ReplyCounter, ReplyKind } from "./reply-counter.ts";

export interface ReplyFuzzOptions {
  seed: number;
  rounds: number;
  canary?: boolean;
}

interface Counts {
  replies: number;
  errors: number;
  nulls: number;
  unexpected: number;
  payload: number;
}

const BULK_LENGTH = 7;
const ITEMS_MAX = 3;
const SHAPE = { bulkLength: BULK_LENGTH, itemsMin: 1, itemsMax: ITEMS_MAX };
const KINDS = [
  ReplyKind.Status,
  ReplyKind.Bulk,
  ReplyKind.Integer,
  ReplyKind.BulkArray,
  ReplyKind.Any,
];

/** Throws on the first difference. Returns how many replies were compared. */
export function fuzzReplyCounter(options: ReplyFuzzOptions): number {
  let compared = 0;
  for (let round = 0; round < options.rounds; round++) {
    compared += runRound((options.seed + round) | 0, options.canary ?? false);
  }
  return compared;
}

function runRound(seed: number, canary: boolean): number {
  const random = new Prng(seed);
  const expected: Counts = { replies: 0, errors: 0, nulls: 0, unexpected: 0, payload: 0 };
  const kind = random.pick(KINDS);
  const replies: string[] = [];
  for (let i = random.between(1, 40); i > 0; i--) {
    replies.push(makeReply(random, kind, expected, 0));
    expected.replies++;
  }
  if (canary) replies.shift();
  const bytes = Buffer.from(replies.join(""), "latin1");
  const counter = new ReplyCounter();
  counter.reset(shapeOf(kind, SHAPE), null);
  const actual: Counts = {
    replies: feedPieces(counter, bytes, random),
    errors: counter.errorsCount,
    nulls: counter.nullsCount,
    unexpected: counter.unexpectedCount,
    payload: counter.payloadBytes,
  };
  if (!Bun.deepEquals(actual, expected)) {
    const shown = `${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`;
    throw new Error(`seed ${seed}: the counter says ${shown}`);
  }
  breakStream(bytes, kind, random);
  return expected.replies;
}

/** One reply as text; what it counts for is added to `counts`. */
function makeReply(random: Prng, kind: ReplyKind, counts: Counts, depth: number): string {
  // What is due at this depth: inside an array of bulk strings those, inside another one anything.
  const isListed = depth > 0 && kind === ReplyKind.BulkArray;
  const due = depth === 0 ? kind : isListed ? ReplyKind.Bulk : ReplyKind.Any;
  const count = (is: ReplyKind) => {
    if (due !== is && due !== ReplyKind.Any) counts.unexpected++;
  };
  switch (random.below(depth < 3 ? 9 : 7)) {
    case 0:
    case 1:
      count(ReplyKind.Status);
      return random.chance(3) ? "+QUEUED\r\n" : "+OK\r\n";
    case 2:
      counts.errors++;
      return `-${random.pick(["ERR a b", "OOM", "", "X y\rz"])}\r\n`;
    case 3:
      counts.nulls++;
      return random.pick(["$-1\r\n", "*-1\r\n"]);
    case 4:
      count(ReplyKind.Integer);
      return `:${random.below(1000) - 500}\r\n`;
    case 5:
    case 6: {
      const length = random.chance(2) ? BULK_LENGTH : random.below(30);
      counts.payload += length;
      if (due === ReplyKind.Bulk && length !== BULK_LENGTH) counts.unexpected++;
      else count(ReplyKind.Bulk);
      const value = Array.from({ length }, () => random.pick([..."\r\n$*+-:0"]));
      return `$${length}\r\n${value.join("")}\r\n`;
    }
    default: {
      const items = random.below(5);
      if (due === ReplyKind.BulkArray && items === 0) counts.nulls++;
      else if (due === ReplyKind.BulkArray && items > ITEMS_MAX) counts.unexpected++;
      else count(ReplyKind.BulkArray);
      let text = `*${items}\r\n`;
      for (let i = 0; i < items; i++) text += makeReply(random, kind, counts, depth + 1);
      return text;
    }
  }
}

/** Feeds all of `bytes` in random pieces; returns the replies, or -1. */
function feedPieces(counter: ReplyCounter, bytes: Buffer, random: Prng): number {
  const pieceMax = random.pick([1, 3, 20, 1000]);
  let replies = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + random.between(1, pieceMax));
    const count = counter.feed(bytes, at, end);
    if (count < 0) return -1;
    replies += count;
    at = end;
  }
  return replies;
}

/** Changes a few bytes: any count or -1 will do, as long as it comes back and is no more. */
function breakStream(bytes: Buffer, kind: ReplyKind, random: Prng): void {
  if (bytes.length === 0) return;
  for (let i = random.between(1, 4); i > 0; i--) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  const counter = new ReplyCounter();
  counter.reset(shapeOf(kind, SHAPE), null);
  const replies = feedPieces(counter, bytes, random);
  if (replies < 0 !== (counter.malformed !== "") || replies > bytes.length) {
    throw new Error(`a broken stream gave ${replies} replies, "${counter.malformed}"`);
  }
}

if (import.meta.main) {
  const option = (name: string, otherwise: number): number => {
    const given = Bun.argv.find((arg) => arg.startsWith(`--${name}=`));
    return given === undefined ? otherwise : Number(given.slice(name.length + 3));
  };
  const seed = option("seed", freshSeed() % 1_000_000_000);
  const rounds = option("rounds", 20_000);
  process.stdout.write(`reply-counter.fuzz: --seed=${seed} --rounds=${rounds}\n`);
  process.stdout.write(`reply-counter.fuzz: ${fuzzReplyCounter({ seed, rounds })} replies agree\n`);
}
