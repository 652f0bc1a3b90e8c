/**
 * The raw driver of `kv bench` beside redis-benchmark: the same load on the same valkey-server.
 *
 *     bun scripts/driver-versus.ts [--rounds 5] [--requests 1000000] [--depths 1,16,50] [--keys
 *     100000] [--out result.json]
 *
 * Both have one load process with one thread and 50 connections, and send SET and GET of 128 B
 * under random keys of 28 B. They take turns, so that a machine that gets slower does so for both,
 * and medians are compared. Processor time is that of the client for each request: for
 * redis-benchmark of the whole process, for kv bench of the measured phase. A second table says
 * what recording, counting and the progress line cost, by turns with and without them. Only ratios
 * mean anything on a shared machine. Prints Markdown; `--out` keeps every single figure.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "bun";
import type { BenchResult } from "../src/bench/result.ts";
import { median, option } from "./options.ts";
import { freePort, startServer } from "./servers.ts";

const CONNECTIONS = 50;
const VALUE_SIZE = 128;

interface Shape {
  readonly command: "SET" | "GET";
  readonly depth: number;
  readonly keys: number;
  readonly requests: number;
}

interface Sample {
  readonly tool: "kv bench" | "kv bench, bare" | "redis-benchmark";
  readonly command: "SET" | "GET";
  readonly depth: number;
  readonly requestsPerSecond: number;
  readonly clientNs: number;
  /** As kv bench sees it; unknown for the other one. */
  readonly bottleneck: string;
}

function runRedisBenchmark(port: number, shape: Shape): Sample {
  const { command, depth, keys, requests } = shape;
  // Keys and values as long as those of kv bench: the same bytes go to the server.
  const key = "simple:__rand_int__:k3Jx09aP";
  const args = command === "SET" ? [key, "x".repeat(VALUE_SIZE)] : [key];
  const load = spawnSync([
    ...["redis-benchmark", "-h", "127.0.0.1", "-p", `${port}`, "--csv", "-c", `${CONNECTIONS}`],
    ...["-P", `${depth}`, "-r", `${keys}`, "-n", `${requests}`, command, ...args],
  ]);
  const rows = load.stdout.toString().split("\n");
  const row = rows.find((line) => line.startsWith(`"${command} `));
  const requestsPerSecond = Number(row?.split('","')[1]);
  if (!(requestsPerSecond > 0)) throw new Error(`redis-benchmark said: ${load.stdout}`);
  const clientNs = (Number(load.resourceUsage?.cpuTime.total ?? 0) * 1000) / requests;
  const bottleneck = "unknown";
  return { tool: "redis-benchmark", command, depth, requestsPerSecond, clientNs, bottleneck };
}

function runKvBench(port: number, shape: Shape, folder: string, isBare: boolean): Sample {
  const { command, depth, keys, requests } = shape;
  const path = join(folder, "result.json");
  const args = [
    ...[option("binary", "./kv"), "bench", "--db", "valkey", "--url", `127.0.0.1:${port}`],
    ...["--workload", "simple", command === "SET" ? "--write-only" : "--read-only"],
    ...["-c", `${CONNECTIONS}`, "--value-size", `${VALUE_SIZE}`, "-o", `${requests}`],
    ...["--keys", `${keys}`, "--pipeline", "--batch-size", `${depth}`, "--out", path],
    ...(isBare ? ["--no-latency", "--quiet"] : []),
  ];
  // Under script it has a terminal, and draws its progress.
  const load = spawnSync(["script", "-qec", args.join(" "), "/dev/null"]);
  if (load.exitCode !== 0) throw new Error(`kv bench said: ${load.stdout}`);
  const result: BenchResult = JSON.parse(readFileSync(path, "utf8"));
  const run = result.targets[0]?.phases.at(-1)?.runs[0];
  if (run === undefined) throw new Error("kv bench measured nothing");
  return {
    tool: isBare ? "kv bench, bare" : "kv bench",
    command,
    depth,
    requestsPerSecond: run.operationsPerSecond,
    clientNs: run.processorTime.clientNs / run.operations,
    bottleneck: run.processorTime.bottleneck,
  };
}

function medians(samples: Sample[], tool: Sample["tool"], { command, depth }: Shape) {
  const of = samples.filter(
    (it) => it.tool === tool && it.command === command && it.depth === depth,
  );
  return {
    rate: median(of.map((it) => it.requestsPerSecond)),
    clientNs: median(of.map((it) => it.clientNs)),
    bottleneck: [...new Set(of.map((it) => it.bottleneck))].join(", "),
  };
}

function versusRow(samples: Sample[], shape: Shape): string {
  const kv = medians(samples, "kv bench", shape);
  const redis = medians(samples, "redis-benchmark", shape);
  const cells = [
    shape.command,
    shape.depth,
    `${Math.round(kv.rate / 1000)} k / ${Math.round(redis.rate / 1000)} k`,
    (kv.rate / redis.rate).toFixed(2),
    `${Math.round(kv.clientNs)} / ${Math.round(redis.clientNs)}`,
    (kv.clientNs / redis.clientNs).toFixed(2),
    kv.bottleneck,
  ];
  return `| ${cells.join(" | ")} |`;
}

function costRow(samples: Sample[], shape: Shape): string {
  const full = medians(samples, "kv bench", shape);
  const bare = medians(samples, "kv bench, bare", shape);
  const cells = [
    shape.command,
    shape.depth,
    `${Math.round(full.rate / 1000)} k / ${Math.round(bare.rate / 1000)} k`,
    (full.rate / bare.rate).toFixed(3),
    `${Math.round(full.clientNs)} / ${Math.round(bare.clientNs)}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function report(samples: Sample[], shapes: Shape[]): string {
  const version = spawnSync(["valkey-server", "--version"]).stdout.toString().trim();
  const machine = `${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}`;
  return [
    `${version}; ${machine}`,
    "",
    "| command | depth | rate, kv bench / redis-benchmark | ratio | client ns | ratio | limit |",
    "|---|---|---|---|---|---|---|",
    ...shapes.map((shape) => versusRow(samples, shape)),
    "",
    "| command | depth | rate, kv bench / with --no-latency --quiet | ratio | client ns |",
    "|---|---|---|---|---|",
    ...shapes.map((shape) => costRow(samples, shape)),
    "",
  ].join("\n");
}

async function main(): Promise<void> {
  const rounds = Number(option("rounds", "5"));
  const requests = Number(option("requests", "1000000"));
  const keys = Number(option("keys", "100000"));
  const depths = option("depths", "1,16,50").split(",").map(Number);
  const shapes: Shape[] = depths.flatMap((depth) =>
    (["SET", "GET"] as const).map((command) => {
      return { command, depth, keys, requests: depth === 1 ? requests * 0.2 : requests * 2 };
    }),
  );
  const folder = mkdtempSync(join(tmpdir(), "kv-driver-"));
  const valkey = await startServer("valkey-server", freePort());
  const samples: Sample[] = [];
  try {
    for (const shape of shapes) {
      // The first round only fills the key space.
      for (let round = 0; round <= rounds; round++) {
        const taken = [
          runKvBench(valkey.port, shape, folder, false),
          runRedisBenchmark(valkey.port, shape),
          runKvBench(valkey.port, shape, folder, true),
        ];
        if (round > 0) samples.push(...taken);
      }
    }
  } finally {
    valkey.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  process.stdout.write(report(samples, shapes));
  const out = option("out", "");
  if (out !== "") writeFileSync(out, `${JSON.stringify({ rounds, samples }, null, 1)}\n`);
}

await main();
