/** The bus: order, batches, large entries, and what it does when the other side does not take. */
import { expect, test } from "bun:test";
import { CHAT_BUS_BATCH_SIZE, CHAT_BUS_SIZE_MAX } from "../base/limits.ts";
import { Bus } from "./bus.ts";
import { type Entry, EntryKind, EntryWriter } from "./entry.ts";

const writer = new EntryWriter();

function send(bus: Bus, seq: number, payload: Buffer): void {
  const head = { kind: EntryKind.Binary, origin: 0, seq, atMs: 0, run: 0, author: 0, clientId: 0 };
  writer.write({ ...head, room: "", name: "" }, payload);
  bus.send(writer.bytes, writer.length);
}

/** Two threads' ends; what the second gets is in `got`. */
function connect() {
  const { port1, port2 } = new MessageChannel();
  const taken = new Int32Array(new SharedArrayBuffer(8));
  const got: Entry[] = [];
  const done = Promise.withResolvers<void>();
  const bus = new Bus([{ port: port1, taken, ours: 0 }], () => {});
  function listen(count: number): Promise<void> {
    new Bus([{ port: port2, taken, ours: 1 }], (entry) => {
      got.push(entry);
      if (got.length === count) done.resolve();
    });
    return done.promise;
  }
  return { bus, got, listen, close: () => port1.close() };
}

test("Bus delivers everything in order, entries larger than a batch among them", async () => {
  const { bus, got, listen, close } = connect();
  const sizes = [0, 1, CHAT_BUS_BATCH_SIZE, 10, CHAT_BUS_BATCH_SIZE * 3, 5, 60_000, 60_000, 2];
  const listening = listen(sizes.length);
  for (const [index, size] of sizes.entries()) send(bus, index, Buffer.alloc(size, index));
  await listening;
  expect(got.map((it) => it.seq)).toEqual(sizes.map((_it, index) => index));
  expect(got.map((it) => it.payload.length)).toEqual(sizes);
  expect(got.every((it) => it.payload.every((byte) => byte === it.seq))).toBe(true);
  expect(bus.hasRoom()).toBe(true);
  close();
});

test("Bus.hasRoom() is false above CHAT_BUS_SIZE_MAX, and true when all is taken", async () => {
  const { bus, listen, close } = connect();
  const size = 1024 * 1024;
  let sent = 0;
  while (bus.hasRoom()) send(bus, sent++, Buffer.alloc(size));
  expect(sent).toBe(CHAT_BUS_SIZE_MAX / size);
  await listen(sent);
  await new Promise((resolve) => setImmediate(resolve));
  expect(bus.hasRoom()).toBe(true);
  close();
});
