/** The sink: as many whole replies as whole requests, however they are cut. */
import { expect, test } from "bun:test";
import { Client, eventually } from "../../../test/harness.ts";
import { startSink } from "./sink.ts";

test("startSink() answers every request, also in pieces and many at once", async () => {
  const reply = `$5\r\nhello\r\n`;
  const sink = startSink(10, Buffer.from(reply));
  await using client = await Client.connect({ port: sink.port });
  client.send("x".repeat(9));
  client.send("x".repeat(12));
  await eventually(() => client.received.length >= 2 * reply.length, "two replies");
  const count = 60_000;
  client.send("x".repeat(count * 10 - 1));
  const size = (count + 2) * reply.length;
  await eventually(() => client.received.length >= size, "all replies");
  expect(client.received.toString()).toBe(reply.repeat(count + 2));
  sink.stop();
});
