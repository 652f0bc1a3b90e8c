/**
 * `kv bench` as processes, in the ways of loading a real server that a single closed loop is not:
 * the open loop beside a server that stops, several load processes, all workloads of requests.
 */
import { expect, test } from "bun:test";
import calibrationSchema from "../schemas/bench-calibration.schema.json" with { type: "json" };
import schema from "../schemas/bench-result.schema.json" with { type: "json" };
import { schemaErrors } from "../src/bench/json-schema.ts";
import type { BenchResult, PhaseRun } from "../src/bench/result.ts";
import {
  ChildProcess,
  eventually,
  hasPeer,
  kvCommand,
  run,
  type Server,
  startPeer,
  temporaryFolder,
} from "./harness.ts";

const HAS_VALKEY = hasPeer("valkey-server");

function flagsFor(server: Server, ...args: string[]): string[] {
  return ["bench", "--db", "valkey", "--url", `127.0.0.1:${server.port}`, ...args];
}

/** Runs `kv bench` against a server; its result fits the schema. */
async function measure(server: Server, ...args: string[]) {
  using folder = temporaryFolder();
  const path = `${folder.path}/result.json`;
  const finished = await run([...kvCommand(), ...flagsFor(server, ...args), "--out", path]);
  const result: BenchResult = await Bun.file(path).json();
  expect(schemaErrors(schema, result)).toEqual([]);
  return { ...finished, result };
}

function runsOf({ result }: { result: BenchResult }): Record<string, PhaseRun> {
  const phases = result.targets[0]?.phases ?? [];
  return Object.fromEntries(phases.map(({ name, runs: [first] }) => [name, first as PhaseRun]));
}

test.if(HAS_VALKEY)("kv bench fills, trims and reads lists, all elements checked", async () => {
  await using server = await startPeer("valkey-server");
  const chat = ["--num-chats", "20", "--history-len", "7", "--read-size", "5"];
  const formatted = await measure(server, ...chat, "-o", "600", "-c", "4", "--format", "Bitcode");
  expect(formatted.exitCode).toBe(0);
  expect(formatted.stderr).toContain("Bitcode exists in Rust only");
  const { write, fill, read } = runsOf(formatted);
  expect(write).toMatchObject({ operations: 600, reads: null });
  expect(fill?.operations).toBe(600);
  expect(read).toMatchObject({ operations: 600, reads: { hits: 600, misses: 0 } });
  expect(read?.errors).toMatchObject({ total: 0, wrongValues: 0 });
  // 5 elements in each reply; the values differ in length by a byte or so.
  expect((read?.payloadBytes ?? 0) / (write?.payloadBytes ?? 1)).toBeCloseTo(5, 1);
});

for (const letter of ["a", "b", "c", "d", "e", "f"]) {
  test.if(HAS_VALKEY)(`kv bench --ycsb ${letter} reads what was filled or inserted`, async () => {
    await using server = await startPeer("valkey-server");
    const args = ["--workload", "simple", "--ycsb", letter, "--keys", "500", "-o", "2000"];
    const outcome = await measure(server, ...args, "-c", "9", "--verify", "--value-size", "20-90");
    expect(outcome.exitCode).toBe(0);
    const { mix } = runsOf(outcome);
    expect(mix?.operations).toBe(2000);
    expect(mix?.errors).toMatchObject({ total: 0, wrongValues: 0 });
    expect(mix?.reads?.misses).toBe(0);
    const counts = Object.values(mix?.byOperation ?? {}).map(({ operations }) => operations);
    const isHalf = letter === "a" || letter === "f";
    if (letter !== "c") expect(counts).toEqual(isHalf ? [1000, 1000] : [1900, 100]);
  });
}

test.if(HAS_VALKEY)("kv bench --command counts misses and errors", async () => {
  await using server = await startPeer("valkey-server");
  const base = ["--workload", "simple", "-o", "300", "--command"];
  const missing = await measure(server, ...base, "GET {key 100}");
  expect(missing.exitCode).toBe(0);
  expect(runsOf(missing).command?.reads).toEqual({ hits: 0, misses: 300 });
  const array = await measure(server, ...base, "LRANGE {key} 0 -1");
  expect(array.exitCode).toBe(0);
  expect(runsOf(array).command?.reads).toBeNull();
  const wrong = await measure(server, ...base, "INCR {key} 1");
  expect(wrong.exitCode).toBe(1);
  expect(runsOf(wrong).command?.errors.replies).toEqual({ ERR: 300 });
});

test.if(HAS_VALKEY)("kv bench --workers does exactly the work, together", async () => {
  await using server = await startPeer("valkey-server");
  const args = ["--workload", "simple", "-o", "3001", "-c", "7", "--workers", "3", "--verify"];
  const outcome = await measure(server, ...args, "--batch-size", "4", "--pipeline");
  const { exitCode, stderr } = outcome;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const { write, read } = runsOf(outcome);
  expect(write).toMatchObject({ operations: 3001, bytesIn: 3001 * 5 });
  // Each key once: every process has read all that is its own, and none was written twice.
  expect(read?.reads).toEqual({ hits: 3001, misses: 0 });
  expect(await keysCountOf(server)).toBe(3001);
  expect(read?.latency?.primary.count).toBe(3001);
  expect(read?.series.operations.reduce((sum, count) => sum + count, 0)).toBe(3001);
  expect(read?.processorTime.clientNs).toBeGreaterThan(0);
});

async function loadProcessesOf(bench: ChildProcess): Promise<number[]> {
  const { stdout } = await run(["ps", "--ppid", `${bench.pid}`, "-o", "pid=,args="]);
  const lines = stdout.split("\n").filter((line) => line.includes("__bench-worker"));
  return lines.map((line) => Number.parseInt(line, 10));
}

async function startWithWorkers(server: Server): Promise<ChildProcess> {
  const args = ["--workload", "simple", "-o", "100000000", "--workers", "2"];
  const bench = new ChildProcess([...kvCommand(), ...flagsFor(server, ...args)]);
  await eventually(async () => (await keysCountOf(server)) > 100, "the load has begun");
  return bench;
}

async function keysCountOf(server: Server): Promise<number> {
  const { stdout } = await run(["redis-cli", "-p", `${server.port}`, "DBSIZE"]);
  return Number(stdout);
}

test.if(HAS_VALKEY)("kv bench --workers fails when one of them dies", async () => {
  await using server = await startPeer("valkey-server");
  await using bench = await startWithWorkers(server);
  const processes = await loadProcessesOf(bench);
  expect(processes.length).toBe(2);
  process.kill(processes[1] ?? 0, "SIGKILL");
  const { exitCode, stderr } = await bench.finished();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /^kv: Cannot go on: load process [12] ended by SIGKILL \(valkey at .*\)$/m,
  );
  await eventually(() => processes.every(isGone), "no load process is left");
});

test.if(HAS_VALKEY)("kv bench --workers leaves no process when it is killed", async () => {
  await using server = await startPeer("valkey-server");
  await using bench = await startWithWorkers(server);
  const processes = await loadProcessesOf(bench);
  bench.kill("SIGKILL");
  await eventually(() => processes.every(isGone), "no load process is left");
});

function isGone(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return false;
  } catch {
    return true;
  }
}

test.if(HAS_VALKEY)("kv bench --rate records the wait for a server that stops", async () => {
  await using server = await startPeer("valkey-server");
  using folder = temporaryFolder();
  const path = `${folder.path}/result.json`;
  const load = ["--workload", "simple", "--write-only", "--rate", "1000", "-o", "3000", "-c", "4"];
  await using bench = new ChildProcess([
    ...kvCommand(),
    ...flagsFor(server, ...load, "--out", path),
  ]);
  await eventually(async () => (await keysCountOf(server)) > 200, "the load has begun");
  const stopMs = performance.now();
  server.kill("SIGSTOP");
  await eventually(() => performance.now() - stopMs > 500, "half a second");
  server.kill("SIGCONT");
  const stoppedNs = (performance.now() - stopMs) * 1e6;
  const { exitCode } = await bench.finished();
  expect(exitCode).toBe(0);
  const result: BenchResult = await Bun.file(path).json();
  const { write } = runsOf({ result });
  expect(write?.operations).toBe(3000);
  const { primary, service, sendLag } = write?.latency ?? {};
  expect([primary?.kind, service?.kind, sendLag?.kind]).toEqual([
    "response",
    "service",
    "send lag",
  ]);
  // A sixth of all operations was due while the server stood still.
  expect(primary?.p90Ns).toBeGreaterThan(100e6);
  expect(primary?.maxNs).toBeGreaterThan(stoppedNs * 0.9);
  // It had four of them in its hands.
  expect(service?.p99Ns).toBeLessThan((primary?.p99Ns ?? 0) / 3);
  expect(write?.open).toMatchObject({ rateTarget: 1000, arrival: "const", dropped: 0 });
  expect(write?.open?.late).toBeGreaterThan(300);
});

test.if(HAS_VALKEY)("kv bench --rate with --workers divides the rate", async () => {
  await using server = await startPeer("valkey-server");
  const args = ["--workload", "simple", "--write-only", "--rate", "400", "-o", "200", "-c", "4"];
  const { result } = await measure(server, ...args, "--workers", "2", "--arrival", "poisson");
  const { write } = runsOf({ result });
  expect(write?.operations).toBe(200);
  expect(write?.open?.rateAchieved).toBeLessThan(410);
  expect(write?.open?.rateAchieved).toBeGreaterThan(300);
});

test.if(HAS_VALKEY)("kv bench --duration and --warmup measure for so long", async () => {
  await using server = await startPeer("valkey-server");
  const args = ["--workload", "simple", "--write-only", "--duration", "500ms", "--warmup", "200ms"];
  const { exitCode, result } = await measure(server, ...args, "-c", "3");
  expect(exitCode).toBe(0);
  const { write } = runsOf({ result });
  expect(write?.elapsedNs).toBeGreaterThanOrEqual(499e6);
  expect(write?.bytesIn).toBe((write?.operations ?? 0) * 5);
});

test.if(HAS_VALKEY)(
  "kv bench --find-max keeps its steps and measures the result",
  async () => {
    await using server = await startPeer("valkey-server");
    const search = ["--find-max", "p50<10s", "--duration", "200ms", "--max-inflight", "20000"];
    const args = [
      "--workload",
      "simple",
      "--write-only",
      "-c",
      "2",
      "--runs",
      "2",
      ...search,
      "--warmup",
      "0s",
    ];
    const { exitCode, stderr, result } = await measure(server, ...args);
    expect(exitCode).toBe(0);
    const phases = result.targets[0]?.phases ?? [];
    expect(phases.length).toBeGreaterThan(3);
    const found = phases.at(-1);
    expect(found?.label).toBe("WRITE (Simple) max");
    expect(found?.runs.length).toBe(2);
    expect(found?.runs[0]?.open?.isSustained).toBe(true);
    expect(phases[0]).toMatchObject({ label: "WRITE (Simple)", rateTarget: 1000 });
    expect(stderr).toMatch(
      /^valkey WRITE \(Simple\): keeps p50 < 10.0 s up to [\d.,]+ ?[kM]?\/s$/m,
    );
  },
  90_000,
);

test("kv bench calibrate measures the client against a sink", async () => {
  const args = ["bench", "calibrate", "--duration", "100ms", "-c", "5"];
  const { exitCode, stdout } = await run([...kvCommand(), ...args, "--json"]);
  expect(exitCode).toBe(0);
  const result = JSON.parse(stdout);
  expect(schemaErrors(calibrationSchema, result)).toEqual([]);
  expect(result.rows.length).toBe(6);
  for (const row of result.rows) expect(row.operationsPerSecond).toBeGreaterThan(100);
  // A batch costs less for each of its requests.
  expect(result.rows[2].clientNsPerOperation).toBeLessThan(result.rows[0].clientNsPerOperation);
  const table = await run([...kvCommand(), ...args]);
  expect(table.stdout).toMatch(/\nGET +50 +[\d,]+ +[\d.]+ [nµm]s +[\d,]+\n/);
});
