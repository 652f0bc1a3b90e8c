/**
 * The closed loop and the raw driver against scripted servers: exact counts, and every way to
 * break.
 */
import { expect, test } from "bun:test";
import { eventually } from "../../../test/harness.ts";
import type { Endpoint } from "../drivers/resp-connection.ts";
import type { RequestPhase } from "../plan.ts";
import { KeySpace } from "../workloads/key-space.ts";
import { createEncoder, type LoadPlan } from "../workloads/make-encoder.ts";
import { createValues } from "../workloads/values.ts";
import { LocalLoad } from "./local-load.ts";

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
  connections?: number;
  isVerifying?: boolean;
}

function phase(options: PhaseOptions) {
  const { request, operations, batchSize } = options;
  const requestPhase: RequestPhase = {
    kind: "requests",
    name: request === "set" ? "write" : "read",
    label: "",
    isMeasured: true,
    warmupMs: 0,
    amount: { operations },
    batchSize,
    schedule: null,
    operations: [{ operation: request, weight: 1 }],
    keyDistribution: "sequential",
    keysCount: operations,
    command: null,
  };
  const size = `${options.valueSize ?? 3}`;
  const plan: LoadPlan = {
    values: { size, format: "string", zstdLevel: null, compressibility: 0 },
    chat: { chatsCount: 1, historyLength: 1, readSize: 1 },
    seed: 1,
    isVerifying: options.isVerifying ?? false,
    isTimingLatency: true,
    timeoutMs: 30_000,
    concurrency: options.connections ?? 1,
    workersCount: 1,
    worker: 0,
  };
  const values = createValues(plan.values, plan.seed);
  const space = new KeySpace(operations, 0, 1);
  const encoder = createEncoder(requestPhase, plan, values, space, "measured");
  const requestSize = encoder.encode(1, null);
  return { requestPhase, plan, values, requestSize };
}

/** Connects to the server and runs the phase. */
async function runPhase(endpoint: Endpoint, { requestPhase, plan }: ReturnType<typeof phase>) {
  const load = await LocalLoad.connect({ endpoint, setup: [], plan, phases: [requestPhase] });
  try {
    return await load.run(requestPhase, null);
  } finally {
    await load.close();
  }
}

test("ClosedLoop does exactly the operations asked for over all connections", async () => {
  const work = phase({ request: "set", operations: 1003, batchSize: 10, connections: 7 });
  const { requestSize } = work;
  using server = serve(answerEach(requestSize, () => "+OK\r\n"));
  const counts = await runPhase(server.endpoint, work);
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
  expect(counts.primary?.buckets.reduce((sum, [, count]) => sum + count, 0)).toBe(1003);
});

test("ClosedLoop leaves connections idle when there are fewer operations", async () => {
  const work = phase({ request: "get", operations: 2, batchSize: 1, connections: 5 });
  using server = serve(answerEach(work.requestSize, () => "$3\r\nabc\r\n"));
  const counts = await runPhase(server.endpoint, work);
  expect([counts.operations, counts.payloadBytesIn]).toEqual([2, 6]);
});

test("ClosedLoop counts errors, misses and unexpected replies, and goes on", async () => {
  const work = phase({ request: "get", operations: 40, batchSize: 4 });
  const replies = ["$3\r\nabc\r\n", "$-1\r\n", "-OOM full\r\n", "$2\r\nab\r\n"];
  using server = serve(answerEach(work.requestSize, (index) => replies[index % 4] ?? ""));
  const counts = await runPhase(server.endpoint, work);
  expect(counts).toMatchObject({
    operations: 40,
    errorKinds: { OOM: 10 },
    errorFirst: "OOM full",
    nulls: 10,
    unexpected: 10,
  });
});

test("ClosedLoop verifies values, also those that come in many reads", async () => {
  const valueSize = 300_000;
  const options = { operations: 12, batchSize: 3, valueSize, isVerifying: true };
  const work = phase({ request: "get", ...options });
  const { values, requestSize } = work;
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
  const counts = await runPhase(server.endpoint, work);
  expect(counts).toMatchObject({ operations: 12, wrongValues: 1, unexpected: 0, isChecked: true });
});

test("ClosedLoop sends what the socket does not take at once", async () => {
  const work = phase({ request: "set", operations: 30, batchSize: 10, valueSize: 2e6 });
  const { requestSize } = work;
  let received = 0;
  let answered = 0;
  using server = serve((socket, bytes) => {
    received += bytes.length;
    for (; (answered + 1) * requestSize <= received; answered++) socket.write("+OK\r\n");
    return Buffer.alloc(0);
  });
  const counts = await runPhase(server.endpoint, work);
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
  test(`ClosedLoop fails when the server ${name}`, async () => {
    const work = phase({ request: "set", operations: 10, batchSize: 2 });
    using server = serve((socket) => {
      act(socket);
      return Buffer.alloc(0);
    });
    await expect(runPhase(server.endpoint, work)).rejects.toThrow(message);
  });
}

test("LocalLoad.connect() logs in on every connection and fails when refused", async () => {
  const setup = [Buffer.from("AUTH x\r\n"), Buffer.from("SELECT 1\r\n")];
  const size = setup[0]!.length + setup[1]!.length;
  const { plan } = phase({ request: "set", operations: 1, batchSize: 1, connections: 3 });
  using server = serve(answerEach(size, () => "+OK\r\n+OK\r\n"));
  const options = { setup, plan, phases: [] };
  const load = await LocalLoad.connect({ ...options, endpoint: server.endpoint });
  await load.close();
  using refusing = serve(answerEach(size, () => "-WRONGPASS no\r\n+OK\r\n"));
  await expect(LocalLoad.connect({ ...options, endpoint: refusing.endpoint })).rejects.toThrow(
    "Cannot log in: WRONGPASS no",
  );
});

test("ClosedLoop fails when a connection was closed before it", async () => {
  const work = phase({ request: "set", operations: 10, batchSize: 2, connections: 2 });
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
  const { plan, requestPhase } = work;
  const endpoint = { host: "127.0.0.1", port: listener.port };
  const load = await LocalLoad.connect({ endpoint, setup: [], plan, phases: [requestPhase] });
  await eventually(() => closed.length === 2, "both connections are closed");
  await expect(load.run(requestPhase, null)).rejects.toThrow("the server closed a connection");
  await load.close();
  listener.stop(true);
});

test("LocalLoad.connect() fails when nobody listens", async () => {
  const server = serve((_, bytes) => bytes);
  server[Symbol.dispose]();
  const work = phase({ request: "set", operations: 1, batchSize: 1, connections: 3 });
  await expect(runPhase(server.endpoint, work)).rejects.toThrow(
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
