/**
 * `kv bench` as a process: against a real valkey-server and against the server that it starts
 * itself; the result file against its schema; exit codes.
 */
import { expect, test } from "bun:test";
import schema from "../schemas/bench-result.schema.json" with { type: "json" };
import { schemaErrors } from "../src/bench/json-schema.ts";
import type { BenchResult, PhaseRun } from "../src/bench/result.ts";
import {
  ChildProcess,
  Client,
  eventually,
  freePort,
  hasPeer,
  kvCommand,
  run,
  startPeer,
  temporaryFolder,
} from "./harness.ts";

const HAS_VALKEY = hasPeer("valkey-server");

function runBench(...args: string[]) {
  return run([...kvCommand(), "bench", ...args]);
}

/** Runs `kv bench --out`, and checks the file against the schema. */
async function benchResult(...args: string[]) {
  using folder = temporaryFolder();
  const path = `${folder.path}/result.json`;
  const finished = await runBench(...args, "--out", path);
  const result: BenchResult = await Bun.file(path).json();
  expect(schemaErrors(schema, result)).toEqual([]);
  return { ...finished, result };
}

/** The first run of a phase. */
function runOf(result: BenchResult, name: string, target = 0): PhaseRun {
  const phase = result.targets[target]?.phases.find((each) => each.name === name);
  const run = phase?.runs[0];
  if (run === undefined) throw new Error(`no phase ${name}`);
  return run;
}

test("the schema check notices what is missing, wrong or too much", () => {
  expect(schemaErrors(schema, {}).length).toBeGreaterThan(5);
  expect(schemaErrors(schema, { schemaVersion: 1 })).toContain("$.schemaVersion: not 2");
  expect(schemaErrors(schema, { other: 1 })).toContain("$: other is not in the schema");
});

test.if(HAS_VALKEY)("kv bench measures SET and GET of a real server", async () => {
  await using server = await startPeer("valkey-server");
  const url = `redis://127.0.0.1:${server.port}/1`;
  const { exitCode, stdout, stderr, result } = await benchResult(
    ...[
      "--db",
      "Valkey",
      "--workload",
      "Simple",
      "--url",
      url,
      "--num-ops",
      "3000",
      "--concurrency",
      "7",
    ],
    ...["--value-size", "100", "--verify", "--seed", "3"],
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/^Database +Operation +Rate\/s +MB\/s/);
  expect(stdout).toMatch(/\nvalkey +WRITE \(Simple\) +[\d,]+ /);
  expect(result.isFailed).toBe(false);
  expect(result.targets[0]?.facts).toMatchObject({ serverName: "valkey", mode: "standalone" });
  expect(result.targets[0]?.facts.settings).toMatchObject({ save: "", appendonly: "no" });
  const set = runOf(result, "write");
  const get = runOf(result, "read");
  // *3 $3 SET $28 <28> $100 <100>: 4 + 9 + 35 + 108 bytes; +OK; $100 <100>.
  expect(set).toMatchObject({ operations: 3000, bytesOut: 3000 * 156, bytesIn: 3000 * 5 });
  expect(set).toMatchObject({ payloadBytes: 300_000, reads: null });
  expect(get).toMatchObject({ operations: 3000, bytesIn: 3000 * 108, payloadBytes: 300_000 });
  expect(get.reads).toEqual({ hits: 3000, misses: 0 });
  expect(get.errors).toMatchObject({ total: 0, wrongValues: 0 });
  expect(get.latency?.primary.p99Ns).toBeGreaterThan(0);
  expect(get.latency?.primary.p999Ns).toBeNull();
  expect(get.processorTime.clientNs).toBeGreaterThan(0);
  if (process.platform === "linux") expect(get.processorTime.serverSource).toBe("kernel");
});

test.if(HAS_VALKEY)("kv bench pipelines over random keys and compares two servers", async () => {
  await using valkey = await startPeer("valkey-server");
  await using second = await startPeer("valkey-server");
  const { exitCode, stdout, result } = await benchResult(
    ...["--workload", "simple", "--db", "redis,valkey", "--redis-url", `127.0.0.1:${second.port}`],
    ...["--valkey-url", `127.0.0.1:${valkey.port}`, "--num-ops", "5003", "--keys", "300"],
    ...["--pipeline", "--batch-size", "16", "--no-latency", "--verify"],
  );
  expect(exitCode).toBe(0);
  expect(result.targets.map((target) => target.backend)).toEqual(["redis", "valkey"]);
  expect(runOf(result, "fill", 1).operations).toBe(300);
  expect(runOf(result, "read", 1).reads).toEqual({ hits: 5003, misses: 0 });
  expect(runOf(result, "read").latency).toBeNull();
  expect(stdout).toContain("warning: redis: the server calls itself valkey\n");
  expect(stdout).not.toContain("FILL");
});

test.if(HAS_VALKEY)("kv bench --read-only writes the keys first", async () => {
  await using server = await startPeer("valkey-server");
  const { exitCode, result } = await benchResult(
    ...["--db", "valkey", "--url", `127.0.0.1:${server.port}`, "--num-ops", "500", "--read-only"],
    ...["--workload", "simple"],
  );
  expect(exitCode).toBe(0);
  expect(result.targets[0]?.phases.map((phase) => phase.name)).toEqual(["fill", "read"]);
});

test.if(HAS_VALKEY)("kv bench fails a run with error replies and misses", async () => {
  await using server = await startPeer("valkey-server", ["--maxmemory", "3mb"]);
  const { exitCode, stdout, result } = await benchResult(
    ...["--db", "valkey", "--url", `127.0.0.1:${server.port}`, "--num-ops", "3000"],
    ...["--workload", "simple", "--value-size", "4kb", "--quiet"],
  );
  expect(exitCode).toBe(1);
  expect(result.isFailed).toBe(true);
  const failed = runOf(result, "write").errors;
  expect(failed.replies.OOM).toBeGreaterThan(0);
  expect(failed.first).toStartWith("OOM command not allowed");
  expect(runOf(result, "read").errors.misses).toBe(failed.replies.OOM ?? 0);
  expect(stdout).toMatch(
    /^FAILED: valkey WRITE \(Simple\): \d+ × OOM \(first: OOM command not allowed/m,
  );
});

test.if(HAS_VALKEY)("kv bench logs in with the password of the URL", async () => {
  await using server = await startPeer("valkey-server");
  await using client = await Client.connect(server);
  await client.command("CONFIG", "SET", "requirepass", "secret");
  const args = ["--db", "valkey", "--workload", "simple", "--num-ops", "100", "--url"];
  const good = await runBench(...args, `redis://:secret@127.0.0.1:${server.port}`);
  expect(good.exitCode).toBe(0);
  const bad = await runBench(...args, `redis://:wrong@127.0.0.1:${server.port}`);
  expect(bad.exitCode).toBe(1);
  expect(bad.stderr).toContain("Cannot log in: WRONGPASS");
  const address = `127.0.0.1:${server.port}`;
  for (const mode of ["--read-only", "--pubsub-only"]) {
    const line = ["--db", "valkey", "--url", address, mode];
    const { exitCode, stdout, stderr } = await runBench(...line);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toStartWith("kv: Cannot log in: NOAUTH Authentication required. (valkey at ");
    expect(stderr).toContain(`${address})\nhint: user and password stand in the URL`);
  }
});

test("kv bench starts a server of its own and leaves nothing running", async () => {
  const { exitCode, stdout, stderr, result } = await benchResult(
    ...["--db", "kv", "--workload", "simple", "--num-ops", "2000", "--threads", "1"],
    ...["--pipeline", "--batch-size", "10", "--verify"],
  );
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/kv/) });
  expect(stderr).toMatch(/^Started kv serve .*--threads 1 \(127\.0\.0\.1:\d+\), in memory only\n$/);
  const target = result.targets[0];
  expect(target).toMatchObject({ backend: "kv", isStartedHere: true });
  expect(target?.facts).toMatchObject({ serverName: "kv", threads: 1, keysBefore: 0 });
  const processId = target?.facts.processId ?? 0;
  expect(processId).toBeGreaterThan(1);
  expect(() => process.kill(processId, 0)).toThrow("ESRCH");
});

test("kv bench takes its server with it when it is killed", async () => {
  const args = ["bench", "--db", "kv", "--workload", "simple", "--num-ops", "100000000"];
  await using bench = new ChildProcess([...kvCommand(), ...args]);
  await eventually(() => bench.stderr.endsWith("\n"), "the server is started");
  const port = Number(/:(\d+)\)/.exec(bench.stderr)?.[1]);
  bench.kill("SIGKILL");
  await eventually(() => isRefused(port), "nobody listens on the server's port");
});

async function isRefused(port: number): Promise<boolean> {
  try {
    await using _ = await Client.connect({ port });
    return false;
  } catch {
    return true;
  }
}

test("kv bench says how to start a server that is not there", async () => {
  const port = freePort();
  const { exitCode, stdout, stderr } = await runBench(
    "--db",
    "redis",
    "--url",
    `127.0.0.1:${port}`,
  );
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 1,
    stdout: "",
    stderr:
      `kv: Cannot reach redis at 127.0.0.1:${port}: connection refused\n` +
      `hint: start it with: redis-server --port ${port} --save "" --appendonly no\n`,
  });
});

test("kv bench refuses a wrong command line with exit code 64 and one line", async () => {
  const { exitCode, stdout, stderr } = await runBench("--num-opz", "5");
  expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
  expect(stderr.split("\n")[0]).toBe("kv: --num-opz: unknown option (did you mean --num-ops?)");
});

test("kv bench refuses to measure what it cannot write down", async () => {
  const { exitCode, stderr } = await runBench("--out", "/nonexistent/x.json");
  expect(exitCode).toBe(1);
  expect(stderr).toStartWith('kv: Cannot write "/nonexistent/x.json": no such file or directory');
});

test("kv bench --help lists every flag and exits with 0", async () => {
  const { exitCode, stdout } = await runBench("--help");
  expect(exitCode).toBe(0);
  for (const flag of ["--db", "--num-ops", "--keys", "--find-max", "--verify", "--out"]) {
    expect(stdout).toContain(flag);
  }
});
