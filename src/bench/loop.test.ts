/**
 * The closed loop and the raw driver against scripted servers: exact counts, and every way to
 * break.
 */
import { expect, test } from "bun:test";
import { eventually } from "../../test/harness.ts";
import { ClosedLoop, type LoopPhase } from "./loop.ts";
import { Histogram } from "./recorder/histogram.ts";
import { createKeyOrder } from "./workloads/key-order.ts";
import { SimpleRequests, SimpleVerifier, ValuePool } from "./workloads/simple.ts";

type Socket = Bun.Socket<{ bytes: Buffer }>;

/**
 * A server on a free port; `answer` gets what a connection has sent so far and returns the rest.
 */
function serve(answer: (socket: Socket, bytes: Buffer) => Buffer) {
  const listener = Bun.listen<{ bytes: Buffer }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        socket.data = { bytes: Buffer.alloc(0) };
      },
      data: (socket, bytes) => {
        socket.data.bytes = answer(socket, Buffer.concat([socket.data.bytes, bytes]));
      },
      drain: flush,
    },
  });
  const endpoint = { host: "127.0.0.1", port: listener.port };
  return { endpoint, [Symbol.dispose]: () => listener.stop(true) };
}

/** Answers every request of `requestSize` bytes with `reply` of its number on the connection. */
function answerEach(requestSize: number, reply: (index: number) => string) {
  let index = 0;
  return (socket: Socket, bytes: Buffer): Buffer => {
    let at = 0;
    let text = "";
    for (; at + requestSize <= bytes.length; at += requestSize) text += reply(index++);
    if (text !== "") socket.write(text);
    return bytes.subarray(at);
  };
}

interface PhaseOptions {
  request: "set" | "get";
  operations: number;
  batchSize: number;
  valueSize?: number;
}

function phase(options: PhaseOptions) {
  const { request, operations, batchSize } = options;
  const values = new ValuePool(options.valueSize ?? 3, 1);
  const order = createKeyOrder("sequential", operations, 1);
  const encoder = new SimpleRequests({ request, order, values, seed: 1, batchSize });
  const loopPhase: LoopPhase = {
    operations,
    batchSize,
    encoder,
    histogram: new Histogram(),
    createVerifier: null,
    onProgress: null,
  };
  return { loopPhase, values, requestSize: encoder.bytes.length / encoder.countMax };
}

test("ClosedLoop.run() does exactly the operations asked for over all connections", async () => {
  const { loopPhase, requestSize } = phase({ request: "set", operations: 1003, batchSize: 10 });
  using server = serve(answerEach(requestSize, () => "+OK\r\n"));
  const loop = await ClosedLoop.connect(server.endpoint, 7, 10, []);
  const counts = await loop.run(loopPhase);
  loop.close();
  expect(counts).toMatchObject({
    operations: 1003,
    bytesOut: 1003 * requestSize,
    bytesIn: 1003 * 5,
    payloadBytesOut: 1003 * 3,
    payloadBytesIn: 0,
    errorKinds: {},
    nulls: 0,
    unexpected: 0,
  });
  expect(loopPhase.histogram?.count).toBe(1003);
});

test("ClosedLoop.run() leaves connections idle when there are fewer operations", async () => {
  const { loopPhase, requestSize } = phase({ request: "get", operations: 2, batchSize: 1 });
  using server = serve(answerEach(requestSize, () => "$3\r\nabc\r\n"));
  const loop = await ClosedLoop.connect(server.endpoint, 5, 1, []);
  const counts = await loop.run(loopPhase);
  loop.close();
  expect([counts.operations, counts.payloadBytesIn]).toEqual([2, 6]);
});

test("ClosedLoop.run() counts errors, misses and unexpected replies, and goes on", async () => {
  const { loopPhase, requestSize } = phase({ request: "get", operations: 40, batchSize: 4 });
  const replies = ["$3\r\nabc\r\n", "$-1\r\n", "-OOM full\r\n", "$2\r\nab\r\n"];
  using server = serve(answerEach(requestSize, (index) => replies[index % 4] ?? ""));
  const loop = await ClosedLoop.connect(server.endpoint, 1, 4, []);
  const counts = await loop.run(loopPhase);
  loop.close();
  expect(counts).toMatchObject({
    operations: 40,
    errorKinds: { OOM: 10 },
    errorFirst: "OOM full",
    nulls: 10,
    unexpected: 10,
  });
});

test("ClosedLoop.run() verifies values, also those that come in many reads", async () => {
  const valueSize = 300_000;
  const options: PhaseOptions = { request: "get", operations: 12, batchSize: 3, valueSize };
  const { loopPhase, values, requestSize } = phase(options);
  const value = Buffer.alloc(valueSize);
  let key = 0;
  const answer = (socket: Socket, bytes: Buffer): Buffer => {
    const count = Math.floor(bytes.length / requestSize);
    for (let i = 0; i < count; i++, key++) {
      values.write(key, value, 0);
      if (key === 5) value[valueSize - 1]! ^= 1;
      queue(socket, Buffer.from(`$${valueSize}\r\n${value.toString("latin1")}\r\n`));
    }
    return bytes.subarray(count * requestSize);
  };
  using server = serve(answer);
  const loop = await ClosedLoop.connect(server.endpoint, 1, 3, []);
  const createVerifier = () => new SimpleVerifier(values, 3);
  const counts = await loop.run({ ...loopPhase, createVerifier });
  loop.close();
  expect(counts).toMatchObject({ operations: 12, wrongValues: 1, unexpected: 0 });
});

test("ClosedLoop.run() sends what the socket does not take at once", async () => {
  const options: PhaseOptions = { request: "set", operations: 30, batchSize: 10, valueSize: 2e6 };
  const { loopPhase, requestSize } = phase(options);
  let received = 0;
  let answered = 0;
  using server = serve((socket, bytes) => {
    received += bytes.length;
    for (; (answered + 1) * requestSize <= received; answered++) socket.write("+OK\r\n");
    return Buffer.alloc(0);
  });
  const loop = await ClosedLoop.connect(server.endpoint, 1, 10, []);
  const counts = await loop.run(loopPhase);
  loop.close();
  expect(counts.bytesOut).toBe(30 * requestSize);
  expect(received).toBe(30 * requestSize);
});

const breaking: Record<string, [(socket: Socket) => void, string]> = {
  "closes the connection": [
    (socket) => socket.end(),
    "Cannot go on after 0 replies: the server closed a connection",
  ],
  "closes it with an error": [
    (socket) => {
      socket.write("-ERR max number of clients reached\r\n");
      socket.end();
    },
    "(ERR max number of clients reached)",
  ],
  "does not speak RESP": [
    (socket) => {
      socket.write("HTTP/1.1 400 Bad Request\r\n");
    },
    "the server does not speak RESP: byte 0x48",
  ],
  "answers more than was asked": [
    (socket) => {
      socket.write("+OK\r\n+OK\r\n+OK\r\n");
    },
    "3 replies came to 2 requests",
  ],
};
for (const [name, [act, message]] of Object.entries(breaking)) {
  test(`ClosedLoop.run() fails when the server ${name}`, async () => {
    const { loopPhase } = phase({ request: "set", operations: 10, batchSize: 2 });
    using server = serve((socket) => {
      act(socket);
      return Buffer.alloc(0);
    });
    const loop = await ClosedLoop.connect(server.endpoint, 1, 2, []);
    await expect(loop.run(loopPhase)).rejects.toThrow(message);
    loop.close();
  });
}

test("ClosedLoop.connect() logs in on every connection and fails when refused", async () => {
  const setup = [Buffer.from("AUTH x\r\n"), Buffer.from("SELECT 1\r\n")];
  const size = setup[0]!.length + setup[1]!.length;
  using server = serve(answerEach(size, () => "+OK\r\n+OK\r\n"));
  const loop = await ClosedLoop.connect(server.endpoint, 3, 1, setup);
  loop.close();
  using refusing = serve(answerEach(size, () => "-WRONGPASS no\r\n+OK\r\n"));
  await expect(ClosedLoop.connect(refusing.endpoint, 3, 1, setup)).rejects.toThrow(
    "Cannot log in: WRONGPASS no",
  );
});

test("ClosedLoop.run() fails when a connection was closed before it", async () => {
  const { loopPhase } = phase({ request: "set", operations: 10, batchSize: 2 });
  const closed: Socket[] = [];
  const listener = Bun.listen<{ bytes: Buffer }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => {
        closed.push(socket);
        socket.end();
      },
      data: () => {},
    },
  });
  const loop = await ClosedLoop.connect({ host: "127.0.0.1", port: listener.port }, 2, 2, []);
  await eventually(() => closed.length === 2, "both connections are closed");
  await expect(loop.run(loopPhase)).rejects.toThrow("the server closed a connection");
  loop.close();
  listener.stop(true);
});

test("ClosedLoop.connect() fails when nobody listens", async () => {
  const server = serve((_, bytes) => bytes);
  server[Symbol.dispose]();
  await expect(ClosedLoop.connect(server.endpoint, 3, 1, [])).rejects.toThrow(
    `Cannot connect to 127.0.0.1:${server.endpoint.port}: connection refused`,
  );
});

/** Bytes that the kernel did not take, in order, per socket of a scripted server. */
const queues = new Map<Socket, Buffer[]>();

function queue(socket: Socket, bytes: Buffer): void {
  const waiting = queues.get(socket) ?? [];
  queues.set(socket, waiting);
  waiting.push(bytes);
  if (waiting.length === 1) flush(socket);
}

function flush(socket: Socket): void {
  const waiting = queues.get(socket) ?? [];
  while (waiting[0] !== undefined) {
    const written = socket.write(waiting[0]);
    if (written < waiting[0].length) {
      waiting[0] = waiting[0].subarray(written);
      return;
    }
    waiting.shift();
  }
}
