/**
 * Every command line that the README of the original benchmark shows, as it is written there but
 * for the name of the program, against real servers: each ends with exit code 0.
 *
 * `kv_benchmark` is `kv bench` here, and `rustdb` is `kv serve`. Added to each line are only a
 * small --num-ops and where the servers of this test are.
 */
import { describe, expect, test } from "bun:test";
import {
  ChildProcess,
  eventually,
  hasPeer,
  kvCommand,
  readyPort,
  run,
  type Server,
  startKv,
  startNats,
  startPeer,
} from "./harness.ts";

const PROGRAM = "./kv_benchmark/target/maxperf/kv_benchmark";

interface Line {
  text: string;
  /** What it is measured against. */
  server: "redis-server" | "valkey-server" | "nats-server" | "rustdb";
  /** What its table shows. */
  shows: string[];
}

const LINES: Line[] = [
  {
    text: `${PROGRAM} --db redis --workload Simple`,
    server: "redis-server",
    shows: ["WRITE (Simple)", "READ (Simple)"],
  },
  {
    text: `${PROGRAM} --db RustDb --workload Chat`,
    server: "rustdb",
    shows: ["WRITE (Chat)", "READ (Chat)"],
  },
  {
    text: `${PROGRAM} --db Redis --workload Chat`,
    server: "redis-server",
    shows: ["WRITE (Chat)", "READ (Chat)"],
  },
  {
    text: `${PROGRAM} --db Valkey --workload Chat`,
    server: "valkey-server",
    shows: ["WRITE (Chat)", "READ (Chat)"],
  },
  {
    text: `${PROGRAM} \\
  --db Redis \\
  --workload Simple \\
  --write-only \\
  --num-ops 1000000 \\
  --value-size 1024 \\
  --format json \\
  --pipeline \\
  --batch-size 100`,
    server: "redis-server",
    shows: ["WRITE (Simple)"],
  },
  {
    text: `${PROGRAM} \\
  --db Nats \\
  --pubsub-only \\
  --num-ops 100000 \\
  --concurrency 100 \\
  --num-publishers 10`,
    server: "nats-server",
    shows: ["PUBSUB (10P/90S)"],
  },
];

const URL_FLAGS = {
  "redis-server": "--redis-url",
  "valkey-server": "--valkey-url",
  "nats-server": "--nats-url",
  rustdb: "--rustdb-url",
};

function startServer(name: Line["server"]): Promise<Server> {
  if (name === "rustdb") return startKv();
  return name === "nats-server" ? startNats() : startPeer(name);
}

/** The words behind the program, with a --num-ops that a test has time for. */
function wordsOf(text: string, numOps: number): string[] {
  const words = text
    .slice(PROGRAM.length)
    .split(/[\s\\]+/)
    .filter((word) => word !== "");
  const at = words.indexOf("--num-ops");
  if (at !== -1) words.splice(at, 2);
  return [...words, "--num-ops", String(numOps)];
}

describe("command lines of the original's README", () => {
  for (const { text, server: name, shows } of LINES) {
    test.if(name === "rustdb" || hasPeer(name))(text.replaceAll(/[\s\\]+/g, " "), async () => {
      await using server = await startServer(name);
      const scheme = name === "nats-server" ? "nats" : "redis";
      const where = [URL_FLAGS[name], `${scheme}://127.0.0.1:${server.port}`];
      const words = wordsOf(text, 1000);
      const { exitCode, stdout, stderr } = await run([...kvCommand(), "bench", ...words, ...where]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      for (const operation of shows) {
        const row = stdout.split("\n").find((line) => line.includes(operation));
        // A rate above zero, and no errors.
        expect(row).toMatch(/\) +[1-9][\d,]* +[\d.]+ .* 0 +[0–]$/);
      }
    });
  }

  test(`${PROGRAM} --run-ws-server --db WebSocketChat, and its client`, async () => {
    // The original's server takes no port; ours does.
    const serve = [...wordsOf(`${PROGRAM} --run-ws-server --db WebSocketChat`, 1).slice(0, -2)];
    const line = `${PROGRAM} --db WebSocketChat --concurrency 100 --num-ops 100000`;
    await using server = new ChildProcess([...kvCommand(), "bench", ...serve, "--port", "0"]);
    await eventually(() => readyPort(server.stdout) !== 0, "the chat server is ready");
    const where = ["--ws-url", `ws://127.0.0.1:${readyPort(server.stdout)}/ws`];
    const words = wordsOf(line, 200);
    const { exitCode, stdout, stderr } = await run([...kvCommand(), "bench", ...words, ...where]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    // 200 messages to each of 100 clients.
    expect(stdout).toMatch(/WS Chat \(100 Clients\) .* 20,000 +20,000 +100 % /);
    expect((await server.stop()).exitCode).toBe(0);
  });

  test("./db/target/maxperf/rustdb, and its --addr", async () => {
    await using server = new ChildProcess([...kvCommand(), "serve", "--addr", "127.0.0.1:0"]);
    await eventually(() => readyPort(server.stdout) !== 0, "the server is ready");
    expect(server.stdout).toStartWith("kv ready on 127.0.0.1:");
    expect((await server.stop()).exitCode).toBe(0);
  });

  test("the defaults are those of its table of flags", async () => {
    const { stdout } = await run([...kvCommand(), "bench", "--help"]);
    const help = stdout.replaceAll(/\s+/g, " ");
    for (const [flag, value] of [
      ["--db", "redis"],
      ["--workload", "chat"],
      ["--num-ops", "100000"],
      ["--concurrency", "50"],
      ["--value-size", "128"],
      ["--format", "string"],
      ["--batch-size", "50"],
      ["--num-publishers", "1"],
    ] as const) {
      expect(help).toMatch(new RegExp(`${flag} <[^>]*> [^<]*\\(default: "?${value}\\b`));
    }
    for (const flag of ["pipeline", "compress-zstd", "write-only", "read-only", "pubsub-only"]) {
      expect(help).toContain(` --${flag} `);
    }
    expect(help).toContain(" --no-latency ");
    expect(help).toContain(" --run-ws-server ");
  });
});
