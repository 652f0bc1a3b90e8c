/**
 * Runs the client's hot path without a server before the clock starts, so that the just-in-time
 * compiler is done with it.
 *
 * A cold client costs half as much again per request for the first tenths of a second (574 against
 * 361 ns, SET of 128 B at depth 50), which in a short run would be booked on the server. Nothing is
 * sent, so that no server is warmed up by it or left with keys of it.
 */
import { ReplyCounter, ReplyKind } from "./drivers/reply-counter.ts";
import { SendTimes } from "./drivers/send-times.ts";
import { Histogram } from "./recorder/histogram.ts";
import type { RequestEncoder } from "./workloads/requests.ts";

/** Enough for the top tier of the compiler; 20 ms. */
const WARM_UP_REQUESTS = 100_000;
/** A round is what one write or read carries at the most. */
const ROUND_SIZE_MAX = 64 * 1024;

/**
 * Encodes requests of `encoder`, which must not be used afterwards, and counts replies as a server
 * would give them.
 */
export function warmUp(encoder: RequestEncoder): void {
  const reply =
    encoder.replyKind === ReplyKind.Status
      ? "+OK\r\n"
      : `$${encoder.replyLength}\r\n${"x".repeat(encoder.replyLength)}\r\n`;
  const fitting = Math.floor(ROUND_SIZE_MAX / (encoder.payloadSize + reply.length));
  const roundCount = Math.max(1, Math.min(encoder.countMax, fitting));
  const replies = Buffer.from(reply.repeat(roundCount));
  const counter = new ReplyCounter();
  counter.reset(encoder.replyKind, encoder.replyLength, null);
  const times = new SendTimes(roundCount);
  const histogram = new Histogram();
  // Large values keep the kernel busy and not this code: fewer rounds will do.
  const rounds = Math.min(WARM_UP_REQUESTS, Math.max(fitting * 1000, 10)) / roundCount;
  for (let round = 0; round < rounds; round++) {
    encoder.encode(roundCount, null);
    times.push(round, roundCount);
    times.settle(round + 1, counter.feed(replies, 0, replies.length), histogram);
  }
}
