/** The command line: which action runs with what, and commander's complaints in our words. */
import { expect, test } from "bun:test";
import { UsageError } from "../base/errors.ts";
import type { ChatSettings } from "../chat/settings.ts";
import { runCommandLine } from "./program.ts";
import type { ServeOptions } from "./serve-options.ts";

/** Runs a command line and returns what was called with what. */
async function run(line: string): Promise<unknown[]> {
  const calls: unknown[] = [];
  const exitCode = await runCommandLine(line === "" ? [] : line.split(" "), {
    async serve(options: ServeOptions) {
      calls.push("serve", options.port, options.maxmemoryPolicy);
    },
    async serveChat(settings: ChatSettings) {
      calls.push("ws-server", settings.port, settings.historyCount);
    },
    async check(options) {
      calls.push("check", options);
      return 4;
    },
    async bench(argv: string[]) {
      calls.push("bench", argv);
      return 3;
    },
    async benchWorker() {
      calls.push("benchWorker");
    },
  });
  return [...calls, exitCode];
}

async function complaintOf(line: string): Promise<string[]> {
  try {
    await run(line);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return [error.message, error.hint ?? ""];
  }
  return [];
}

test("runCommandLine() runs serve with its checked options", async () => {
  expect(await run("serve --port 1 --maxmemory-policy allkeys-lru")).toEqual([
    "serve",
    1,
    "allkeys-lru",
    0,
  ]);
  expect(await run("serve --port=2")).toEqual(["serve", 2, "noeviction", 0]);
});

test("runCommandLine() runs check with its directory", async () => {
  expect(await run("check --dir /d --salvage")).toEqual([
    "check",
    { dir: "/d", isSalvage: true },
    4,
  ]);
  expect(await complaintOf("check d")).toEqual([
    "check: takes options only",
    "kv check --help lists what there is",
  ]);
});

test("runCommandLine() hands bench its arguments as they are", async () => {
  expect(await run("bench --db kv --help -x y")).toEqual([
    "bench",
    ["--db", "kv", "--help", "-x", "y"],
    3,
  ]);
  expect(await run("bench")).toEqual(["bench", [], 3]);
});

test("runCommandLine() refuses what it does not know, with a suggestion", async () => {
  expect(await complaintOf("")).toEqual([
    "no command given",
    "kv serve starts a server, kv --help lists the rest",
  ]);
  expect(await complaintOf("serv")).toEqual(["serv: unknown command", "did you mean serve?"]);
  expect(await complaintOf("serve --prot 1")).toEqual([
    "--prot: unknown option",
    "did you mean --port?",
  ]);
  expect(await complaintOf("--frob")).toEqual([
    "--frob: unknown option",
    "kv --help lists what there is",
  ]);
  expect(await complaintOf("serve --port")).toEqual([
    "--port: value is missing",
    "kv serve --help lists what there is",
  ]);
  expect(await complaintOf("serve extra")).toEqual([
    "serve: takes options only",
    "kv serve --help lists what there is",
  ]);
});

test("runCommandLine() runs ws-server, also by its name of old", async () => {
  expect(await run("ws-server --port 1")).toEqual(["ws-server", 1, 50, 0]);
  for (const db of ["WebSocketChat", "web-socket-chat", "websocketchat"]) {
    const line = `bench --run-ws-server --db ${db} --history 7`;
    expect(await run(line)).toEqual(["ws-server", 3000, 7, 0]);
  }
  expect(await run("bench --db=WebSocketChat --run-ws-server")).toEqual(["ws-server", 3000, 50, 0]);
  expect(await run("bench --run-ws-server")).toEqual(["ws-server", 3000, 50, 0]);
  expect(await complaintOf("bench --run-ws-server --db redis")).toEqual([
    "--run-ws-server: runs the chat server (redis), use --db WebSocketChat",
    "",
  ]);
  expect(await complaintOf("ws-server --prot 1")).toEqual([
    "--prot: unknown option",
    "did you mean --port?",
  ]);
});
