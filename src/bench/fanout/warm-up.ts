/**
 * Runs the client's hot path on made-up deliveries before the clock starts, so that the
 * just-in-time compiler is done with it: a cold client costs more per delivery for the first tenths
 * of a second, which in a short run would be booked on the server. Nothing is sent.
 */
import { PushReader } from "../drivers/push-reader.ts";
import { maskedFrame, Opcode, WsFrameReader } from "../drivers/ws-frames.ts";
import { Histogram } from "../recorder/histogram.ts";
import { Deliveries } from "./deliveries.ts";
import type { PayloadPool } from "./payloads.ts";
import { bareFrame, MessageSource } from "./source.ts";
import { DeliveryTally } from "./tally.ts";

/** Enough for the top tier of the compiler; 10 ms. */
const DELIVERIES = 100_000;
const PREFIX = "MSG bench.warm-up 1 ";
const TAG = 1;
/** A round is what one read brings at the most. */
const ROUND_SIZE_MAX = 64 * 1024;

/** `isWebSocket`: messages come in frames, not as pushes. */
export function warmUpFanout(pool: PayloadPool, isWebSocket: boolean): void {
  const source = new MessageSource(pool, 1, bareFrame);
  source.start(TAG);
  const roundCount = Math.max(1, Math.floor(ROUND_SIZE_MAX / (pool.sizeMax + 64)));
  const bytes = Buffer.concat(
    Array.from({ length: roundCount }, () => wrap(source.next(0), isWebSocket)),
  );
  const deliveries = new Deliveries(new DeliveryTally(1, 1), pool, 1);
  const onMessage = (chunk: Buffer, at: number, size: number) =>
    void deliveries.take(0, chunk, at, size, 1e6);
  const reader = isWebSocket
    ? new WsFrameReader({ onMessage, onControl() {} })
    : new PushReader(PREFIX, { onMessage, onLine() {} });
  const histogram = new Histogram();
  // Large values keep the kernel busy and not this code: fewer rounds will do.
  for (let round = 0; round < Math.min(DELIVERIES / roundCount, 2000); round++) {
    deliveries.start(TAG, histogram, null);
    source.encode(0, roundCount);
    reader.feed(bytes);
  }
}

function wrap(message: Buffer, isWebSocket: boolean): Buffer {
  if (!isWebSocket) {
    return Buffer.concat([Buffer.from(`${PREFIX}${message.length}\r\n`), message, CRLF]);
  }
  const { bytes, payloadAt } = maskedFrame(Opcode.Binary, message, 0);
  // A server's frame has no mask: neither the bit nor the key.
  const head = Buffer.from(bytes.subarray(0, payloadAt - 4));
  head[1]! &= 0x7f;
  return Buffer.concat([head, message]);
}

const CRLF = Buffer.from("\r\n");
