/**
 * Runs the client's hot path without a server before the clock starts, so that the just-in-time
 * compiler is done with it.
 *
 * A cold client costs half as much again per request for the first tenths of a second (574 against
 * 361 ns, SET of 128 B at depth 50), which in a short run would be booked on the server. Nothing is
 * sent, so that no server is warmed up by it or left with keys of it.
 */
import { ReplyCounter, ReplyKind } from "./drivers/reply-counter.ts";
import { RequestRing } from "./drivers/request-ring.ts";
import { SendTimes } from "./drivers/send-times.ts";
import { PhaseRecorder } from "./recorder/phase-recorder.ts";
import { type RequestEncoder, STATUS_SHAPE } from "./workloads/requests.ts";
import type { ValueSource } from "./workloads/values.ts";

/** Enough for the top tier of the compiler; 20 ms. */
const WARM_UP_REQUESTS = 100_000;
/** Large values keep the kernel busy and not this code: fewer requests will do. */
const WARM_UP_SIZE_MAX = 64 * 1024 * 1024;
/** A round is what one write or read carries at the most. */
const ROUND_SIZE_MAX = 64 * 1024;

/**
 * Encodes requests of `encoder`, which must not be used afterwards, and counts replies as a server
 * would give them.
 */
export function warmUpClient(encoder: RequestEncoder, values: ValueSource, hasRing: boolean): void {
  const counter = new ReplyCounter();
  const recorder = new PhaseRecorder(encoder.operations.length, true, hasRing);
  const isRinged = hasRing || !encoder.isUniform;
  const ring = isRinged
    ? new RequestRing(counter, encoder.shapes, encoder.listener, recorder)
    : null;
  counter.reset(encoder.shapes[0] ?? STATUS_SHAPE, ring);
  const roundCount = roundCountOf(encoder, values);
  const times = new SendTimes(roundCount);
  const alike = ring === null ? Buffer.concat(Array(roundCount).fill(uniformReply(encoder))) : null;
  let requests = 0;
  let bytes = 0;
  for (let round = 0; requests < WARM_UP_REQUESTS && bytes < WARM_UP_SIZE_MAX; round++) {
    bytes += encoder.encode(roundCount, ring);
    requests += roundCount;
    if (alike !== null) {
      times.push(round, roundCount);
      times.settle(round + 1, counter.feed(alike, 0, alike.length), recorder.primary!);
      bytes += alike.length;
    }
    while (ring !== null && ring.length > 0) {
      ring.sent(round);
      ring.nowNs = round + 1;
      const replies = repliesTo(ring, encoder, values);
      counter.feed(replies, 0, replies.length);
      bytes += replies.length;
      const encode = encoder.encodeFollowUp.bind(encoder);
      ring.addFollowUps(encode, encoder.countMax);
    }
  }
}

/** Operations whose replies fit into one round. */
function roundCountOf(encoder: RequestEncoder, values: ValueSource): number {
  const sizes = encoder.shapes.map((shape) => values.sizeMean * Math.max(1, shape.itemsMax));
  const fitting = Math.floor(ROUND_SIZE_MAX / Math.max(...sizes));
  return Math.max(1, Math.min(encoder.countMax, fitting));
}

function uniformReply({ shapes }: RequestEncoder): Buffer {
  const [shape = STATUS_SHAPE] = shapes;
  const size = Math.max(0, shape.bulkLength);
  const isBulk = shape.kind === ReplyKind.Bulk;
  return isBulk ? bulk(Buffer.alloc(size, "x")) : Buffer.from("+OK\r\n");
}

/** What a server would say to everything in the ring. */
function repliesTo(ring: RequestRing, encoder: RequestEncoder, values: ValueSource): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < ring.length; i++) {
    const { shape, key, items } = ring.entry(i);
    const { kind, itemsMax } = encoder.shapes[shape] ?? STATUS_SHAPE;
    if (kind === ReplyKind.Bulk) parts.push(bulk(values.bytesOf(key)));
    else if (kind === ReplyKind.BulkArray) {
      const count = items > 0 ? items : itemsMax;
      parts.push(Buffer.from(`*${count}\r\n`));
      for (let item = 0; item < count; item++) {
        parts.push(bulk(values.bytesOf(items > 0 ? key + item : count - item)));
      }
    } else parts.push(Buffer.from(kind === ReplyKind.Integer ? ":1\r\n" : "+OK\r\n"));
  }
  return Buffer.concat(parts);
}

function bulk(value: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from("\r\n")]);
}
