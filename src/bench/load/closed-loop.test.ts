/**
 * The closed loop and the raw driver against scripted servers: exact counts, and every way to
 * break.
 */
import { expect, test } from "bun:test";
import { eventually } from "../../../test/harness.ts";
import { encodeRequest } from "../../resp/encoder.ts";
import { LocalLoad } from "./local-load.ts";
import { answerEach, phase, queue, runPhase, type Socket, serve } from "./test-servers.ts";

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
  const setup = [
    ["AUTH", "x"],
    ["SELECT", "1"],
  ];
  const size = setup.reduce((sum, args) => sum + encodeRequest(...args).length, 0);
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

test("ClosedLoop sends for the duration asked for, and waits for the last reply", async () => {
  const work = phase({ request: "set", operations: 1000, batchSize: 4, connections: 3 });
  using server = serve(answerEach(work.requestSize, () => "+OK\r\n"));
  work.requestPhase.amount = { durationMs: 300 };
  const counts = await runPhase(server.endpoint, work);
  expect(counts.elapsedNs).toBeGreaterThanOrEqual(299e6);
  expect(counts.operations).toBeGreaterThan(100);
  expect(counts.bytesOut).toBe(counts.operations * work.requestSize);
  expect(counts.bytesIn).toBe(counts.operations * 5);
});

test("LocalLoad.warmUp() sends operations that do not count", async () => {
  const work = phase({ request: "set", operations: 50, batchSize: 1 });
  let requests = 0;
  const answer = answerEach(work.requestSize, () => {
    requests++;
    return "+OK\r\n";
  });
  using server = serve(answer);
  const { plan, requestPhase } = work;
  requestPhase.warmupMs = 100;
  const { endpoint } = server;
  const load = await LocalLoad.connect({ endpoint, setup: [], plan, phases: [requestPhase] });
  await load.warmUp(requestPhase);
  const before = requests;
  const counts = await load.run(requestPhase, null);
  await load.close();
  expect(before).toBeGreaterThan(10);
  expect([counts.operations, requests - before]).toEqual([50, 50]);
});

test("ClosedLoop gives up on a server that says nothing for the timeout", async () => {
  const work = phase({ request: "set", operations: 50, batchSize: 1 });
  work.plan.timeoutMs = 200;
  using server = serve(() => Buffer.alloc(0));
  await expect(runPhase(server.endpoint, work)).rejects.toThrow(
    "Cannot go on after 0 replies: no reply for 0.2 s",
  );
});
