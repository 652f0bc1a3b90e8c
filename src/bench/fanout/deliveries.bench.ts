/**
 * What a delivery costs the client, without the kernel: from the bytes of a read to the histogram.
 * 128-byte values; one iteration is a read of 500 deliveries.
 */
import { bench, do_not_optimize, run } from "mitata";
import { PushReader } from "../drivers/push-reader.ts";
import { serverFrame } from "../drivers/stream-reader.fuzz.ts";
import { WsFrameReader } from "../drivers/ws-frames.ts";
import { Histogram } from "../recorder/histogram.ts";
import { Deliveries } from "./deliveries.ts";
import { readHeader } from "./message.ts";
import { PayloadPool } from "./payloads.ts";
import { bareFrame, MessageSource } from "./source.ts";
import { DeliveryTally } from "./tally.ts";

const COUNT = 500;
const PREFIX = "*3\r\n$7\r\nmessage\r\n$20\r\nbench:fanout-1234567\r\n$";

const values = { size: "128", format: "string", zstdLevel: null, compressibility: 0 } as const;
const pool = new PayloadPool(values, 1, false);
const source = new MessageSource(pool, 1, bareFrame);
source.start(1);
const messages = Array.from({ length: COUNT }, () => source.next(0));
const deliveries = new Deliveries(new DeliveryTally(1, 1), pool, 1);
const histogram = new Histogram();

function onMessage(bytes: Buffer, at: number, size: number): void {
  deliveries.take(0, bytes, at, size, 1e6);
}

const pushes = Buffer.concat(
  messages.flatMap((message) => [
    Buffer.from(`${PREFIX}${message.length}\r\n`),
    message,
    Buffer.from("\r\n"),
  ]),
);
const frames = Buffer.concat(messages.map((message) => serverFrame(2, true, message)));
const pushReader = new PushReader(PREFIX, { onMessage, onLine() {} });
const frameReader = new WsFrameReader({ onMessage, onControl() {} });

bench(`readHeader() × ${COUNT}`, () => {
  for (const message of messages) do_not_optimize(readHeader(message, 0, message.length, 1));
});
bench(`RESP pushes, everything, × ${COUNT}`, () => {
  deliveries.start(1, histogram, null);
  do_not_optimize(pushReader.feed(pushes));
});
bench(`WebSocket frames, everything, × ${COUNT}`, () => {
  deliveries.start(1, histogram, null);
  do_not_optimize(frameReader.feed(frames));
});
bench(`encode() × ${COUNT}`, () => {
  do_not_optimize(source.encode(0, COUNT));
});

await run();
