/**
 * Fan-out of `kv bench` as a process: against real servers, against servers that lose, double and
 * reorder, and with subscribers that a server cuts off.
 */
import { describe, expect, test } from "bun:test";
import schema from "../schemas/bench-result.schema.json" with { type: "json" };
import { schemaErrors } from "../src/bench/json-schema.ts";
import type { BenchResult, PhaseRun } from "../src/bench/result.ts";
import { type Fault, startFaultyResp, startRelay } from "./fanout-servers.ts";
import {
  freePort,
  hasPeer,
  kvCommand,
  run,
  startNats,
  startPeer,
  temporaryFolder,
} from "./harness.ts";

const HAS_VALKEY = hasPeer("valkey-server");
const HAS_REDIS = hasPeer("redis-server");
const HAS_NATS = hasPeer("nats-server");

/** Runs `kv bench`, and checks its result against the schema. */
async function bench(line: string) {
  using folder = temporaryFolder();
  const path = `${folder.path}/result.json`;
  const finished = await run([...kvCommand(), "bench", ...line.split(" "), "--out", path]);
  const result: BenchResult = await Bun.file(path).json();
  expect(schemaErrors(schema, result)).toEqual([]);
  const runs = result.targets.map((target) => target.phases[0]?.runs[0] as PhaseRun);
  return { ...finished, result, runs, first: runs[0] as PhaseRun };
}

/** The output of a run that fails before it has a result. */
function failing(line: string) {
  return run([...kvCommand(), "bench", ...line.split(" ")]);
}

/** Everything that was published has come, once and in order. */
function expectWhole(run: PhaseRun, published: number, subscribers: number): void {
  expect(run.errors).toMatchObject({ total: 0, wrongValues: 0, undelivered: 0 });
  expect(run.operations).toBe(published);
  expect(run.fanout).toMatchObject({
    ...{ published, expected: published * subscribers, delivered: published * subscribers },
    ...{ reach: 1, gaps: 0, outOfOrder: 0, duplicates: 0, subscribersCut: 0 },
  });
  expect(run.latency?.primary).toMatchObject({
    kind: "end to end",
    count: published * subscribers,
  });
  expect(run.series.operations.reduce((sum, count) => sum + count, 0)).toBe(
    published * subscribers,
  );
}

test.if(HAS_VALKEY && HAS_REDIS && HAS_NATS)(
  "kv bench --pubsub-only delivers everything over kv, Redis, Valkey and NATS, in one table",
  async () => {
    await using redis = await startPeer("redis-server");
    await using valkey = await startPeer("valkey-server");
    await using nats = await startNats();
    const { exitCode, stdout, runs, result } = await bench(
      `--db kv,redis,valkey,nats --redis-url 127.0.0.1:${redis.port} --valkey-url ` +
        `127.0.0.1:${valkey.port} --nats-url nats://127.0.0.1:${nats.port} --pubsub-only ` +
        "--num-ops 900 --concurrency 10 --num-publishers 3 --verify",
    );
    expect(exitCode).toBe(0);
    for (const run of runs) {
      expectWhole(run, 900, 7);
      expect(run.payloadBytes).toBe(900 * 8 * 128);
      expect(run.fanout?.publishLatency).toMatchObject({ kind: "round trip", count: 900 });
      expect(run.processorTime.clientNs).toBeGreaterThan(0);
      if (process.platform === "linux") expect(run.processorTime.serverSource).toBe("kernel");
    }
    for (const name of ["kv", "redis", "valkey", "nats"]) {
      expect(stdout).toMatch(new RegExp(`^${name} +PUBSUB \\(3P/7S\\) `, "m"));
    }
    expect(result.targets[3]?.facts).toMatchObject({
      serverName: "nats",
      processId: nats.pid,
      settings: { max_payload: "1048576" },
    });
  },
);

describe.if(HAS_VALKEY && HAS_NATS)("kv bench --pubsub-only --client", () => {
  test("node-redis, bun and raw deliver everything", async () => {
    await using valkey = await startPeer("valkey-server");
    const { exitCode, runs, result } = await bench(
      `--db valkey --valkey-url redis://127.0.0.1:${valkey.port} --client node-redis,bun,raw ` +
        "--pubsub-only --num-ops 300 --concurrency 5 --num-publishers 2 --verify --format json " +
        "--pipeline --batch-size 10",
    );
    expect(exitCode).toBe(0);
    expect(result.targets.map((target) => target.client)).toEqual(["node-redis", "bun", "raw"]);
    for (const run of runs) expectWhole(run, 300, 3);
  });

  test("nats and raw over TCP, nats-ws over WebSocket deliver everything", async () => {
    await using nats = await startNats();
    const args =
      "--pubsub-only --num-ops 300 --concurrency 5 --num-publishers 2 --verify --format cbor " +
      "--compress-zstd --pipeline --batch-size 10";
    const tcp = await bench(
      `--db nats --client nats,raw --nats-url 127.0.0.1:${nats.port} ${args}`,
    );
    const url = `ws://127.0.0.1:${nats.webSocketPort}`;
    const webSocket = await bench(`--db nats --client nats-ws --nats-url ${url} ${args}`);
    expect([tcp.exitCode, webSocket.exitCode]).toEqual([0, 0]);
    for (const run of [...tcp.runs, ...webSocket.runs]) expectWhole(run, 300, 3);
  });

  test("bun refuses what it would corrupt", async () => {
    const line = "--db valkey --client bun --pubsub-only --format cbor";
    const { exitCode, stderr } = await failing(line);
    expect(exitCode).toBe(64);
    expect(stderr).toStartWith("kv: --client: bun corrupts binary values of --format cbor");
  });

  test("raw and nats refuse a WebSocket URL, and name nats-ws", async () => {
    const { exitCode, stderr } = await failing(`--db nats --nats-url ws://127.0.0.1:${freePort()}`);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("raw speaks TCP only\nhint: --client nats-ws speaks NATS over Web");
  });
});

describe.if(HAS_NATS)("kv bench --db nats", () => {
  test("logs in with the credentials of the URL, and says so when they are wrong", async () => {
    await using nats = await startNats(['authorization { user: "me", password: "secret" }']);
    const line = "--db Nats --num-ops 50 --concurrency 3 --nats-url";
    const good = await bench(`${line} nats://me:secret@127.0.0.1:${nats.port}`);
    expectWhole(good.first, 50, 2);
    const bad = await failing(`${line} nats://me:wrong@127.0.0.1:${nats.port}`);
    expect(bad.exitCode).toBe(1);
    expect(bad.stderr).toContain("Authorization Violation");
  });

  test("refuses messages above max_payload before it sends any", async () => {
    await using nats = await startNats(["max_payload: 1000"]);
    const line = `--db nats --nats-url 127.0.0.1:${nats.port} --num-ops 5 --concurrency 2`;
    expectWhole((await bench(`${line} --value-size 968`)).first, 5, 1);
    const { exitCode, stderr } = await failing(`${line} --value-size 969`);
    expect(exitCode).toBe(1);
    expect(stderr).toStartWith(
      "kv: Cannot publish messages of 1001 bytes: nats takes at most 1000",
    );
  });

  test("counts subscribers that the server cuts off as slow consumers", async () => {
    await using nats = await startNats(["max_payload: 60000", "max_pending: 60001"]);
    const { exitCode, first, stdout } = await bench(
      `--db nats --nats-url 127.0.0.1:${nats.port} --num-ops 4000 --concurrency 3 ` +
        "--value-size 59900 --pipeline --batch-size 100",
    );
    expect(exitCode).toBe(1);
    expect(first.fanout?.reach).toBeLessThan(1);
    expect(first.fanout?.subscribersCut).toBeGreaterThan(0);
    expect(first.errors.undelivered).toBeGreaterThan(0);
    expect(stdout).toContain("FAILED: nats PUBSUB (1P/2S): ");
  });
});

test.if(HAS_VALKEY)("kv bench counts subscribers that the server cuts off", async () => {
  const limit = ["--client-output-buffer-limit", "pubsub 64kb 64kb 1"];
  await using valkey = await startPeer("valkey-server", limit);
  const { exitCode, first, result } = await bench(
    `--db valkey --url 127.0.0.1:${valkey.port} --pubsub-only --num-ops 200 --concurrency 4 ` +
      "--value-size 300kb --pipeline --batch-size 20",
  );
  expect(exitCode).toBe(1);
  expect(result.isFailed).toBe(true);
  const { fanout, errors } = first;
  expect(fanout).toMatchObject({ published: 200, expected: 600, subscribersCut: 3 });
  expect(fanout?.reach).toBeLessThan(1);
  expect(errors.undelivered).toBe(600 - (fanout?.delivered ?? 0));
  expect(errors.first).toContain("was cut off: the server closed the connection");
  // PUBLISH says that fewer heard it than there are subscribers.
  expect(errors.unexpected).toBeGreaterThan(0);
});

/** In every hundred: one lost, one doubled, one behind its successor. */
function faultOf(message: number): Fault {
  return ({ 10: "lost", 20: "doubled", 30: "swapped" } as const)[message % 100] ?? "none";
}

test("kv bench counts what a server loses, doubles and reorders, exactly", async () => {
  using server = startFaultyResp(faultOf);
  const { exitCode, first, stdout } = await bench(
    `--db redis --url 127.0.0.1:${server.port} --pubsub-only --num-ops 1000 --concurrency 4 ` +
      "--pipeline --batch-size 7",
  );
  expect(exitCode).toBe(1);
  expect(first.fanout).toMatchObject({
    ...{ published: 1000, expected: 3000, delivered: 2970, reach: 0.99 },
    ...{ gaps: 30, outOfOrder: 30, duplicates: 30, subscribersCut: 0 },
  });
  expect(first.errors).toMatchObject({ total: 90, undelivered: 90, unexpected: 0 });
  expect(stdout).toContain("FAILED: redis PUBSUB (1P/3S): 90 deliveries missing or wrong");
});

test("kv bench --pubsub-only --rate measures from the time that a message was due", async () => {
  const { exitCode, first } = await bench(
    "--db kv --pubsub-only --rate 500 --num-ops 400 --concurrency 4 --num-publishers 2",
  );
  expect(exitCode).toBe(0);
  expectWhole(first, 400, 2);
  // 400 messages at 500 a second: the last is due after 798 ms.
  expect(first.elapsedNs).toBeGreaterThan(790e6);
  expect(first.open).toMatchObject({ rateTarget: 500, dropped: 0 });
  expect(first.latency?.service?.count).toBe(800);
  expect(first.latency?.sendLag?.count).toBe(400);
});

test("kv bench --pubsub-only --duration measures for so long, after a warm-up", async () => {
  const { exitCode, first } = await bench(
    "--db kv --pubsub-only --duration 300ms --warmup 100ms --concurrency 3 --no-latency",
  );
  expect(exitCode).toBe(0);
  expect(first.operations).toBeGreaterThan(10);
  expect(first.fanout).toMatchObject({ published: first.operations, reach: 1 });
  expect(first.elapsedNs).toBeGreaterThan(299e6);
  expect(first.latency).toBeNull();
});

describe("kv bench --db WebSocketChat", () => {
  const line = "--db WebSocketChat --ws-url";

  test("delivers everything to everybody, also what a client says itself", async () => {
    using server = startRelay();
    const { exitCode, first, stdout } = await bench(
      `${line} ws://127.0.0.1:${server.port}/ws --concurrency 12 --num-ops 1000 --verify ` +
        "--format msgpack --compress-zstd --warmup 50ms",
    );
    expect(exitCode).toBe(0);
    expectWhole(first, 1000, 12);
    expect(first.fanout?.publishLatency).toBeNull();
    expect(stdout).toMatch(/^websocketchat +WS Chat \(12 Clients\) /m);
  });

  test("spreads its clients over loopback addresses", async () => {
    using server = startRelay();
    const { exitCode, first } = await bench(
      `${line} ws://127.0.0.1:${server.port} --concurrency 5 --num-ops 100 --ws-multi-ip ` +
        "--ws-multi-ip-count 3",
    );
    expect(exitCode).toBe(0);
    expectWhole(first, 100, 5);
  });

  test("counts what a relay loses, doubles and reorders", async () => {
    using server = startRelay({ faultOf });
    const { exitCode, first } = await bench(
      `${line} ws://127.0.0.1:${server.port} --concurrency 4 --num-ops 300 --pipeline ` +
        "--batch-size 300",
    );
    expect(exitCode).toBe(1);
    expect(first.fanout).toMatchObject({ published: 300, expected: 1200, delivered: 1188 });
    expect(first.fanout).toMatchObject({ gaps: 12, outOfOrder: 12, duplicates: 12 });
  });

  test("goes on when clients miss their own messages, and fails the run", async () => {
    using server = startRelay({ faultOf: (message) => (message === 5 ? "lost" : "none") });
    const { exitCode, first } = await bench(
      `${line} ws://127.0.0.1:${server.port} --concurrency 1 --num-ops 20`,
    );
    expect(exitCode).toBe(1);
    expect(first.fanout).toMatchObject({ published: 20, delivered: 19, gaps: 1 });
    expect(first.errors.first).toBe("the server did not send clients their own messages");
  });

  test("ends when nothing comes back at all", async () => {
    using server = startRelay({ faultOf: () => "lost" });
    const { exitCode, first } = await bench(
      `${line} ws://127.0.0.1:${server.port} --concurrency 2 --num-ops 20`,
    );
    expect(exitCode).toBe(1);
    expect(first.fanout).toMatchObject({ published: 4, delivered: 0, reach: 0 });
    expect(first.latency).toBeNull();
  });

  test("counts clients that the server cuts off, with its close code", async () => {
    using server = startRelay({ messagesMax: 10 });
    const { exitCode, first } = await bench(
      `${line} ws://127.0.0.1:${server.port} --concurrency 3 --num-ops 1000`,
    );
    expect(exitCode).toBe(1);
    expect(first.fanout).toMatchObject({ subscribersCut: 3 });
    expect(first.fanout?.published).toBeLessThan(40);
    expect(first.errors.first).toContain('close code 1013, "enough"');
  });

  test("fails when a client cannot connect", async () => {
    using server = startRelay({ clientsMax: 3 });
    const { exitCode, stderr } = await failing(
      `${line} ws://127.0.0.1:${server.port} --concurrency 5 --num-ops 10`,
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain('the server answered "HTTP/1.1 503 Service Unavailable" (3 of 5 ');
    const port = freePort();
    const refused = await failing(`${line} ws://127.0.0.1:${port}/ws`);
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr:
        `kv: Cannot reach websocketchat at 127.0.0.1:${port}: connection refused\n` +
        `hint: start it with: kv ws-server --port ${port}\n`,
    });
  });
});

describe("kv bench --db websocket", () => {
  const line = "--db websocket --concurrency 8 --ws-url";

  test("opens connections, holds them, and says what each costs", async () => {
    using server = startRelay();
    const { exitCode, first, result } = await bench(
      `${line} ws://127.0.0.1:${server.port} --num-ops 60 --hold 100ms`,
    );
    expect(exitCode).toBe(0);
    expect(first.connect).toMatchObject({ target: 60, connected: 60, failed: 0, lost: 0 });
    expect(first.latency?.primary).toMatchObject({ kind: "round trip", count: 60 });
    if (process.platform !== "linux") return;
    expect(result.targets[0]?.facts.processId).toBe(process.pid);
    expect(first.connect?.serverBytesHeld).toBeGreaterThan(1e6);
  });

  test("counts what is refused, and fails the run", async () => {
    using server = startRelay({ clientsMax: 20 });
    const { exitCode, first } = await bench(
      `${line} ws://127.0.0.1:${server.port} --num-ops 30 --hold 0s`,
    );
    expect(exitCode).toBe(1);
    expect(first.connect).toMatchObject({ target: 30, connected: 20, failed: 10 });
    expect(first.errors).toMatchObject({ total: 10, replies: { refused: 10 } });
  });
});
