/** INFO: which sections are chosen, their form, and sizes for people. */
import { expect, test } from "bun:test";
import { unreachable } from "../base/assert.ts";
import { createServerStatsMemory, ServerStats, Stat } from "../base/server-stats.ts";
import { Settings } from "../base/settings.ts";
import { pubsubOfOneWorker } from "../pubsub/one-worker.ts";
import { attachStore, createStore } from "../store/store.ts";
import { infoText } from "./info.ts";
import { humanBytes } from "./info-sections.ts";
import { registry } from "./registry.ts";
import type { ServerContext } from "./server-context.ts";
import { SlowLog } from "./slow-log.ts";
import "./table.ts";

function fakeServer(): ServerContext {
  const settings = new Settings();
  const stats = new ServerStats(createServerStatsMemory(1), 0, 1);
  return {
    settings,
    stats,
    slowlog: new SlowLog(settings, stats),
    store: attachStore(createStore({ reserveBytes: 256 * 1024 * 1024, workers: 1 }), 0),
    pubsub: pubsubOfOneWorker(),
    peers: { ask: () => Promise.resolve([]) },
    workerIndex: 0,
    threads: 1,
    port: 7878,
    startedMs: 0,
    runId: "0".repeat(40),
    executable: "kv",
    sessions: () => [],
    subscriberOf: () => unreachable("nobody subscribes here"),
    closeSession: () => {},
    settingsChanged: () => {},
    shutdown: () => {},
  };
}

function titles(text: string): string[] {
  return [...text.matchAll(/^# (\w+)\r$/gm)].map((match) => match[1] as string);
}

test("infoText() gives the sections asked for, each once, in Redis' order", () => {
  const server = fakeServer();
  expect(titles(infoText(server, ["cpu", "server", "cpu"]))).toEqual(["Server", "CPU"]);
  expect(titles(infoText(server, ["nosuch"]))).toEqual([]);
  expect(titles(infoText(server, ["default", "commandstats"]))).toContain("Commandstats");
  expect(titles(infoText(server, ["default"]))).not.toContain("Commandstats");
  expect(titles(infoText(server, ["all"]))).not.toContain("Modules");
  expect(titles(infoText(server, ["everything"]))).toContain("Modules");
});

test("infoText() is lines of name:value, with an empty line between sections", () => {
  const text = infoText(fakeServer(), ["everything"]);
  for (const line of text.split("\r\n").slice(0, -1)) {
    expect(line).toMatch(/^$|^# \w+$|^[\w|-]+:.*$/);
    expect(line).not.toMatch(/undefined|NaN|Infinity|\[object/);
  }
  const names = [...text.matchAll(/^([\w|-]+):/gm)].map((match) => match[1]);
  expect(names.length).toBe(new Set(names).size);
});

test("infoText() shows what was counted", () => {
  const server = fakeServer();
  const { stats } = server;
  const base = stats.commandBase(registry.byName("client|id")?.index ?? -1);
  stats.own.set([2, 7.9, 1, 0], base);
  stats.own[Stat.Hits] = 3;
  stats.noteError(Buffer.from("-WRONGTYPE x\r\n"), 0);
  const text = infoText(server, ["everything"]);
  expect(text).toContain("\r\nkeyspace_hits:3\r\n");
  expect(text).toContain(
    "\r\ncmdstat_client|id:calls=2,usec=7,usec_per_call=3.50,rejected_calls=1,failed_calls=0\r\n",
  );
  expect(text).toContain("\r\nerrorstat_WRONGTYPE:count=1\r\n");
});

test("humanBytes() has Redis' units and digits", () => {
  const shown = [0, 1023, 1024, 998_680, 5 * 1024 ** 2, 1024 ** 3 * 1.5, 1024 ** 5].map(humanBytes);
  expect(shown).toEqual(["0B", "1023B", "1.00K", "975.27K", "5.00M", "1.50G", "1.00P"]);
});
