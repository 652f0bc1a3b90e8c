/**
 * Our server beside valkey-server under redis-benchmark: processor time per request and throughput,
 * in one run.
 *
 *     bun scripts/versus.ts [--rounds 3] [--requests 1000000] [--out result.json] [--depths
 *     1,16,50] [--keys 1000000]
 *
 * Both servers run for the whole time, in memory, on free loopback ports; rounds are interleaved
 * (ours, theirs, ours, theirs …) and the medians are compared. Processor time is what the kernel
 * says each server's process used while the load ran. Only ratios mean anything on a shared
 * machine. Prints a Markdown table; `--out` keeps every single figure.
 */
import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { spawnSync } from "bun";
import { median, option } from "./options.ts";
import { cpuOf, freePort, type ServerName, startServer, type TestServer } from "./servers.ts";

interface Shape {
  readonly depth: number;
  readonly keys: number;
  readonly requests: number;
}

interface Sample {
  readonly server: ServerName;
  readonly command: "SET" | "GET";
  readonly depth: number;
  readonly keys: number;
  readonly requestsPerSecond: number;
  readonly cpuMicroseconds: number;
}

function measure(server: TestServer, command: "SET" | "GET", shape: Shape): Sample {
  const before = cpuOf(server.pid);
  const load = spawnSync([
    "redis-benchmark",
    ..."-h 127.0.0.1 -c 50 -d 128 --csv".split(" "),
    ...["-p", String(server.port), "-P", String(shape.depth), "-r", String(shape.keys)],
    ...["-n", String(shape.requests), "-t", command.toLowerCase()],
  ]);
  const after = cpuOf(server.pid);
  const row = load.stdout
    .toString()
    .split("\n")
    .find((line) => line.startsWith(`"${command}"`));
  const rate = Number(row?.split(",")[1]?.replaceAll('"', ""));
  if (!(rate > 0)) throw new Error(`redis-benchmark said: ${load.stdout}${load.stderr}`);
  return {
    server: server.name,
    command,
    depth: shape.depth,
    keys: shape.keys,
    requestsPerSecond: rate,
    cpuMicroseconds: (after - before) / shape.requests,
  };
}

function medians(samples: Sample[], server: string, command: string, shape: Shape) {
  const of = samples.filter(
    (s) =>
      s.server === server &&
      s.command === command &&
      s.depth === shape.depth &&
      s.keys === shape.keys,
  );
  return {
    rate: median(of.map((s) => s.requestsPerSecond)),
    cpu: median(of.map((s) => s.cpuMicroseconds)),
  };
}

function row(samples: Sample[], command: string, shape: Shape): string {
  const kv = medians(samples, "kv", command, shape);
  const valkey = medians(samples, "valkey-server", command, shape);
  const cells = [
    command,
    shape.depth,
    shape.keys,
    `${kv.cpu.toFixed(2)} / ${valkey.cpu.toFixed(2)}`,
    (kv.cpu / valkey.cpu).toFixed(2),
    `${Math.round(kv.rate / 1000)} k / ${Math.round(valkey.rate / 1000)} k`,
    (kv.rate / valkey.rate).toFixed(2),
  ];
  return `| ${cells.join(" | ")} |`;
}

async function main(): Promise<void> {
  const rounds = Number(option("rounds", "3"));
  const requests = Number(option("requests", "1000000"));
  const depths = option("depths", "1,16,50").split(",").map(Number);
  const large = Number(option("keys", "1000000"));
  const binary = option("binary", "./kv");
  const shapes: Shape[] = depths.map((depth) => ({
    depth,
    keys: large,
    requests: depth === 1 ? requests * 0.4 : requests * 2,
  }));
  if (depths.includes(50)) shapes.push({ depth: 50, keys: 1000, requests: requests * 2 });
  const kv = await startServer("kv", freePort(), binary);
  const valkey = await startServer("valkey-server", freePort());
  const samples: Sample[] = [];
  try {
    for (const shape of shapes) {
      for (let round = 0; round <= rounds; round++) {
        for (const command of ["SET", "GET"] as const) {
          for (const server of [kv, valkey]) {
            const sample = measure(server, command, shape);
            // The first round only fills the key space and warms up.
            if (round > 0) samples.push(sample);
          }
        }
      }
    }
  } finally {
    kv.stop();
    valkey.stop();
  }
  const versions = spawnSync(["valkey-server", "--version"]).stdout.toString().trim();
  process.stdout.write(
    `${versions}; ${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}\n\n`,
  );
  process.stdout.write(
    "| command | depth | keys | processor µs, kv / Valkey | ratio | rate, kv / Valkey | ratio |\n",
  );
  process.stdout.write("|---|---|---|---|---|---|---|\n");
  for (const shape of shapes) {
    for (const command of ["SET", "GET"]) process.stdout.write(`${row(samples, command, shape)}\n`);
  }
  const out = option("out", "");
  if (out !== "") writeFileSync(out, `${JSON.stringify({ versions, rounds, samples }, null, 1)}\n`);
}

await main();
