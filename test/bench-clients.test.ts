/**
 * `kv bench` with the libraries that applications use, and with the stores in process: exact
 * counts, the checks of what is read, and what happens when the server refuses, lies, stops or
 * dies.
 */
import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import schema from "../schemas/bench-result.schema.json" with { type: "json" };
import { schemaErrors } from "../src/bench/json-schema.ts";
import type { BenchResult, PhaseRun } from "../src/bench/result.ts";
import {
  ChildProcess,
  Client,
  eventually,
  hasPeer,
  kvCommand,
  REPOSITORY,
  run,
  type Server,
  startPeer,
  temporaryFolder,
} from "./harness.ts";

const HAS_VALKEY = hasPeer("valkey-server");
const HAS_REDIS = hasPeer("redis-server");
const LIBRARIES = ["node-redis", "bun"] as const;

/** Runs `kv bench` with these words and --out, and checks the file against the schema. */
async function benchResult(line: string, words: readonly string[] = []) {
  using folder = temporaryFolder();
  const path = `${folder.path}/result.json`;
  const args = [...line.split(" "), ...words, "--quiet", "--out", path];
  const finished = await run([...kvCommand(), "bench", ...args]);
  if (!existsSync(path)) throw new Error(`no result: ${finished.stderr}`);
  const result: BenchResult = await Bun.file(path).json();
  expect(schemaErrors(schema, result)).toEqual([]);
  return { ...finished, result };
}

function runOf(result: BenchResult, name: string): PhaseRun {
  const found = result.targets[0]?.phases.find((each) => each.name === name)?.runs[0];
  if (found === undefined) throw new Error(`no phase ${name}`);
  return found;
}

const urlOf = (server: Server) => `--url 127.0.0.1:${server.port}`;

for (const library of LIBRARIES) {
  describe(`--client ${library}`, () => {
    test("writes and reads every key of kv once, and says its version", async () => {
      const { exitCode, result } = await benchResult(
        `--db kv --threads 1 --client ${library} --workload simple -o 3000 -c 7 --verify`,
      );
      expect(exitCode).toBe(0);
      const [target] = result.targets;
      expect(target?.label).toBe(`kv (${library})`);
      expect(target?.clientVersion).toMatch(/^\d+\.\d+\.\d+$/);
      const write = runOf(result, "write");
      expect(write).toMatchObject({ operations: 3000, payloadBytes: 3000 * 128, bytesOut: 0 });
      const read = runOf(result, "read");
      expect(read).toMatchObject({ operations: 3000, reads: { hits: 3000, misses: 0 } });
      expect(read.errors).toMatchObject({ total: 0, wrongValues: 0 });
      expect(read.latency?.primary.count).toBe(3000);
      expect(read.processorTime.clientNs).toBeGreaterThan(0);
    });

    test.if(HAS_VALKEY)("does chat, mixes and commands, in the database of the URL", async () => {
      await using server = await startPeer("valkey-server");
      await using client = await Client.connect(server);
      await client.command("CONFIG", "SET", "requirepass", "secret");
      await client.command("AUTH", "secret");
      await client.command("SELECT", "3");
      const bench = `--db valkey --client ${library} -c 5 -o 1000`;
      const url = ["--url", `redis://:secret@127.0.0.1:${server.port}/3`];
      const chat = await benchResult(`${bench} --num-chats 10 --pipeline --verify`, url);
      expect(chat.exitCode).toBe(0);
      expect(await client.command("DBSIZE")).toBe(10);
      expect(runOf(chat.result, "write").payloadBytes).toBe(128_000);
      const read = runOf(chat.result, "read");
      expect(read).toMatchObject({ reads: { hits: 1000, misses: 0 }, payloadBytes: 6_400_000 });
      expect(read.errors.wrongValues).toBe(0);
      for (const [letter, names] of [
        ["d", ["get", "insert"]],
        ["e", ["scan", "insert"]],
        ["f", ["get", "rmw"]],
      ] as const) {
        const mix = `${bench} --workload simple --ycsb ${letter} --keys 200 --verify`;
        const { exitCode, result } = await benchResult(mix, url);
        expect({ letter, exitCode }).toEqual({ letter, exitCode: 0 });
        expect(Object.keys(runOf(result, "mix").byOperation ?? {})).toEqual([...names]);
      }
      const command = ["--command", "HSET {key} field {value 10}", "--keys", "50", ...url];
      const { exitCode, result } = await benchResult(`${bench} --workload simple`, command);
      expect(exitCode).toBe(0);
      expect(runOf(result, "command")).toMatchObject({ operations: 1000, payloadBytes: 10_000 });
      expect(String(await client.command("TYPE", "key:0000000007"))).toContain("hash");
    });

    test.if(HAS_VALKEY)("shares the work among several processes", async () => {
      await using server = await startPeer("valkey-server");
      const { exitCode, result } = await benchResult(
        `--db valkey --client ${library} --workload simple ${urlOf(server)} --workers 2 ` +
          "-o 1001 -c 5 --verify",
      );
      expect(exitCode).toBe(0);
      expect(runOf(result, "write").operations).toBe(1001);
      expect(runOf(result, "read").reads).toEqual({ hits: 1001, misses: 0 });
    });

    test.if(HAS_REDIS)("measures a real Redis in an open loop", async () => {
      await using server = await startPeer("redis-server");
      const { result } = await benchResult(
        `--db redis --client ${library} --workload simple ${urlOf(server)} --write-only ` +
          "--rate 500 -o 400 -c 20",
      );
      const write = runOf(result, "write");
      expect(write.operations + (write.open?.dropped ?? 0)).toBe(400);
      expect(write.latency?.primary).toMatchObject({ kind: "response", count: write.operations });
      expect(write.latency?.service?.count).toBe(write.operations);
      expect(write.elapsedNs).toBeGreaterThan(0.79e9);
    });

    test.if(HAS_VALKEY)("counts refused operations by their kind", async () => {
      await using server = await startPeer("valkey-server");
      await using client = await Client.connect(server);
      const bench = `--db valkey --client ${library} ${urlOf(server)} --num-chats 5 -o 200 -c 3`;
      expect((await benchResult(`${bench} --write-only`)).exitCode).toBe(0);
      const lists = (await client.command("KEYS", "chat:*")) as string[];
      expect(lists.length).toBe(5);
      for (const list of lists) await client.command("SET", list, "a string");
      const { exitCode, stdout, result } = await benchResult(bench);
      expect(exitCode).toBe(1);
      // LPUSH and LTRIM.
      expect(runOf(result, "write").errors.replies).toEqual({ WRONGTYPE: 400 });
      const read = runOf(result, "read");
      expect(read.errors).toMatchObject({ replies: { WRONGTYPE: 200 }, misses: 0 });
      expect(read.reads).toEqual({ hits: 0, misses: 0 });
      expect(stdout).toContain("200 × WRONGTYPE (first: WRONGTYPE Operation against a key");
    });

    test.if(HAS_VALKEY)("notices values that somebody has changed meanwhile", async () => {
      await using server = await startPeer("valkey-server");
      await using client = await Client.connect(server);
      const running = benchResult(
        `--db valkey --client ${library} --workload simple ${urlOf(server)} --read-only ` +
          "--keys 50 --duration 1500ms --warmup 0ms -c 2 --verify",
      );
      await eventually(
        async () => String(await client.command("INFO", "commandstats")).includes("cmdstat_get:"),
        "reading has begun",
      );
      const keys = (await client.command("KEYS", "*")) as string[];
      expect(keys.length).toBe(50);
      await client.command("SET", keys[0] ?? "", "x".repeat(128));
      await client.command("DEL", keys[1] ?? "");
      const { exitCode, result } = await running;
      expect(exitCode).toBe(1);
      const { errors, reads } = runOf(result, "read");
      expect(errors.wrongValues).toBeGreaterThan(0);
      expect(errors.misses).toBeGreaterThan(0);
      expect(reads?.misses).toBe(errors.misses);
    });

    test.if(HAS_VALKEY)("ends with a clear line when the server dies", async () => {
      await using server = await startPeer("valkey-server");
      const line = `--db valkey --client ${library} --workload simple -o 99999999 ${urlOf(server)}`;
      await using bench = new ChildProcess([...kvCommand(), "bench", ...line.split(" ")]);
      await untilWritten(server);
      server.kill("SIGKILL");
      const { exitCode, stdout, stderr } = await bench.finished();
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
      const why = "[^\\n]*([Cc]losed|ECONNRESET)[^\\n]*";
      const what = `Cannot go on after \\d+ replies: ${library}: ${why}`;
      expect(stderr).toMatch(new RegExp(`^kv: ${what} \\(valkey.*WRITE.*\\)\\n$`));
    });

    test.if(HAS_VALKEY)("ends when the server stops answering", async () => {
      await using server = await startPeer("valkey-server");
      const line =
        `--db valkey --client ${library} --workload simple ${urlOf(server)} -o 100000000 ` +
        "--timeout 300ms";
      await using bench = new ChildProcess([...kvCommand(), "bench", ...line.split(" ")]);
      await untilWritten(server);
      server.kill("SIGSTOP");
      const { exitCode, stderr } = await bench.finished();
      server.kill("SIGCONT");
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        /^kv: Cannot go on after \d+ replies: .*no reply for 0\.3 s \(.*\)\n$/,
      );
    });

    test.if(HAS_VALKEY)("says so when it may not log in", async () => {
      await using server = await startPeer("valkey-server");
      await using client = await Client.connect(server);
      await client.command("CONFIG", "SET", "requirepass", "secret");
      const url = `redis://:wrong@127.0.0.1:${server.port}`;
      const line = `--db valkey --client ${library} --workload simple --url ${url}`;
      const { exitCode, stderr } = await run([...kvCommand(), "bench", ...line.split(" ")]);
      expect(exitCode).toBe(1);
      expect(stderr).toStartWith("kv: Cannot log in: WRONGPASS");
    });
  });
}

async function untilWritten(server: Server): Promise<void> {
  await using client = await Client.connect(server);
  const isWriting = async () => Number(await client.command("DBSIZE")) > 0;
  await eventually(isWriting, "keys are written");
}

test.if(HAS_VALKEY)("all clients write the same bytes under the same keys", async () => {
  const contents: string[] = [];
  for (const client of ["raw", ...LIBRARIES]) {
    await using server = await startPeer("valkey-server", ["--enable-debug-command", "yes"]);
    await using control = await Client.connect(server);
    const bench = `--db valkey --client ${client} ${urlOf(server)} -c 1 --seed 5 --format json`;
    await benchResult(`${bench} --workload simple --ratio 1:1 --keys 40 -o 300 --key-dist zipf`);
    await benchResult(`${bench} --workload chat --num-chats 7 -o 200 --write-only`);
    contents.push(String(await control.command("DEBUG", "DIGEST")));
  }
  expect(contents[0]).toMatch(/^[0-9a-f]{40}$/);
  expect(new Set(contents).size).toBe(1);
});

test.if(HAS_VALKEY)("several clients of one server are rows of one table", async () => {
  await using server = await startPeer("valkey-server");
  const { exitCode, stdout, result } = await benchResult(
    `--db valkey --client raw,node-redis,bun --workload simple ${urlOf(server)} -o 500`,
  );
  expect(exitCode).toBe(0);
  expect(result.targets.map(({ label }) => label)).toEqual([
    "valkey (raw)",
    "valkey (node-redis)",
    "valkey (bun)",
  ]);
  expect(stdout).toContain("valkey (raw) against valkey (node-redis): ");
  // Bytes on the wire: known of the raw client only.
  expect(stdout).toMatch(/\nvalkey \(raw\) +READ \(Simple\) +[\d,]+ +[\d.]+ +[\d.]+ KiB /);
  expect(stdout).toMatch(/\nvalkey \(bun\) +READ \(Simple\) +[\d,]+ +[\d.]+ +– /);
});

test("the original's --db InMemory works, with every check", async () => {
  const { exitCode, stdout, result } = await benchResult(
    "--db InMemory,map --workload simple -o 20000 --pipeline --batch-size 16 --verify",
  );
  expect(exitCode).toBe(0);
  for (const { phases, facts } of result.targets) {
    expect(phases[1]?.runs[0]).toMatchObject({ operations: 20_000, reads: { hits: 20_000 } });
    expect(phases[1]?.runs[0]?.errors.wrongValues).toBe(0);
    // What the first has taken of the process, the second need not take.
    expect(facts.settings).toEqual({});
  }
  expect(stdout).not.toContain("another thing");
});

test("a store in process alone tells the memory of a key", async () => {
  const simple = "--db InMemory --workload simple --write-only";
  const { result } = await benchResult(`${simple} -o 20000`);
  const of = ({ targets }: typeof result) => targets[0]?.facts.settings["resident memory per key"];
  expect(Number(of(result)?.replace(" B", ""))).toBeWithin(128, 4096);
  // Values that were overwritten are no part of it.
  expect(of((await benchResult(`${simple} -o 40000 --keys 10000`)).result)).toBeUndefined();
});

test("a store in process beside a server comes with a warning", async () => {
  const { exitCode, stdout } = await benchResult("--db map,kv --threads 1 -o 300 --num-chats 9");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("warning: map: in this process, without network and protocol");
});

const BINARY = join(REPOSITORY, "kv");
const isBuilt = existsSync(BINARY) && kvCommand()[0] === BINARY;

test.if(isBuilt)("./kv in a folder without node_modules has its libraries with it", async () => {
  using folder = temporaryFolder();
  const binary = join(folder.path, "kv");
  copyFileSync(BINARY, binary);
  const line = "bench --db kv --threads 1 --client node-redis,bun --workload simple -o 200";
  const { exitCode, stdout } = await run([binary, ...line.split(" ")], { cwd: folder.path });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/kv \(node-redis\) +READ/);
});
