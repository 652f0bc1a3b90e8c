/**
 * Tail latency at a fixed rate, our server beside valkey-server: `bun scripts/tail.ts [--rate N]
 * [--seconds 5]`.
 *
 * Open loop, depth 1: 50 connections, SET and GET by turns over 1 M keys of 128 B, at half the rate
 * that redis-benchmark reaches on valkey-server (or at --rate). A request that is due while its
 * connection still waits is sent as soon as the reply is there, and its latency counts from when it
 * was due. Rounds are interleaved; the medians are compared.
 */
import { spawnSync } from "bun";
import { Prng } from "../src/base/prng.ts";
import { Histogram } from "../src/bench/recorder/histogram.ts";
import { option } from "./options.ts";
import { freePort, startServer, type TestServer } from "./servers.ts";

const CONNECTIONS = 50;
const KEYS = 1_000_000;
const ROUNDS = 3;
const VALUE = "v".repeat(128);
const QUANTILES = [0.5, 0.99, 0.999];
const NS_PER_S = 1e9;

function peakRate(port: number): number {
  const args = `-p ${port} -c 50 -d 128 -n 200000 -r ${KEYS} -t get --csv`.split(" ");
  const row = spawnSync(["redis-benchmark", ...args]).stdout.toString();
  return Number(/"GET","([\d.]+)"/.exec(row)?.[1]);
}

/** One connection: at most one request under way, the due ones behind it in order. */
class Lane {
  readonly #due: number[] = [];
  #socket: Bun.Socket | undefined;
  #isBusy = false;
  readonly #histogram: Histogram;
  readonly #prng: Prng;
  done = 0;

  constructor(histogram: Histogram, seed: number) {
    this.#histogram = histogram;
    this.#prng = new Prng(seed);
  }

  async connect(port: number): Promise<void> {
    this.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: { data: (_socket, chunk) => this.#replied(chunk) },
    });
  }

  request(dueNs: number): void {
    this.#due.push(dueNs);
    if (!this.#isBusy) this.#send();
  }

  #send(): void {
    this.#isBusy = true;
    const key = `key:${String(this.#prng.below(KEYS)).padStart(12, "0")}`;
    const isSet = this.#prng.below(2) === 0;
    this.#socket?.write(
      isSet
        ? `*3\r\n$3\r\nSET\r\n$16\r\n${key}\r\n$128\r\n${VALUE}\r\n`
        : `*2\r\n$3\r\nGET\r\n$16\r\n${key}\r\n`,
    );
  }

  /** Replies are short: each comes in one piece. */
  #replied(_chunk: Buffer): void {
    this.#histogram.record(Bun.nanoseconds() - (this.#due.shift() ?? 0), 1);
    this.done++;
    this.#isBusy = false;
    if (this.#due.length > 0) this.#send();
  }

  close(): void {
    this.#socket?.end();
  }
}

async function measure(server: TestServer, rate: number, seconds: number): Promise<Histogram> {
  const histogram = new Histogram();
  const lanes = Array.from({ length: CONNECTIONS }, (_, i) => new Lane(histogram, i + 1));
  for (const lane of lanes) await lane.connect(server.port);
  const total = Math.floor(rate * seconds);
  const startNs = Bun.nanoseconds();
  for (let sent = 0; sent < total; ) {
    const now = Bun.nanoseconds();
    const dueCount = Math.min(total, Math.floor(((now - startNs) / NS_PER_S) * rate));
    for (; sent < dueCount; sent++) {
      lanes[sent % CONNECTIONS]?.request(startNs + (sent / rate) * NS_PER_S);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (lanes.some((lane) => lane.done < Math.floor(total / CONNECTIONS))) await Bun.sleep(5);
  for (const lane of lanes) lane.close();
  return histogram;
}

async function main(): Promise<void> {
  const seconds = Number(option("seconds", "5"));
  const servers = [
    await startServer("kv", freePort()),
    await startServer("valkey-server", freePort()),
  ];
  try {
    const results = new Map<string, number[][]>(servers.map(({ name }) => [name, []]));
    const rate = Number(option("rate", "") || Math.floor(peakRate(servers[1]?.port ?? 0) / 2));
    for (const server of servers) {
      for (const test of ["set", "get"]) {
        spawnSync(
          `redis-benchmark -p ${server.port} -P 50 -d 128 -n 2000000 -r ${KEYS} -t ${test}`.split(
            " ",
          ),
        );
      }
    }
    for (let round = 0; round <= ROUNDS; round++) {
      for (const server of servers) {
        const histogram = await measure(server, rate, seconds);
        const row = QUANTILES.map((q) => histogram.quantileNs(q) / 1000);
        // The first round only warms up, the load as well as the server.
        if (round > 0) results.get(server.name)?.push(row);
      }
    }
    process.stdout.write(`${rate} requests/s, ${seconds} s a round, ${ROUNDS} rounds, µs\n\n`);
    process.stdout.write("| | p50 | p99 | p99.9 |\n|---|---|---|---|\n");
    for (const [name, rows] of results) {
      const medians = QUANTILES.map((_, i) => {
        const column = rows.map((row) => row[i] ?? 0).toSorted((a, b) => a - b);
        return (column[column.length >> 1] ?? 0).toFixed(0);
      });
      process.stdout.write(`| ${name} | ${medians.join(" | ")} |\n`);
    }
  } finally {
    for (const server of servers) server.stop();
  }
}

await main();
