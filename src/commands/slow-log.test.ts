/** The slow log of one Worker: threshold, length, trimming, and that no password is kept. */
import { expect, test } from "bun:test";
import { createServerStatsMemory, ServerStats } from "../base/server-stats.ts";
import { Settings } from "../base/settings.ts";
import { type RunningCommand, SlowLog } from "./slow-log.ts";

function running(commandName: string, ...args: string[]): RunningCommand {
  const bytes = Buffer.from(args.join(""), "latin1");
  const argStart = new Int32Array(args.length);
  const argLength = new Int32Array(args.length);
  let at = 0;
  for (const [i, text] of args.entries()) {
    argStart[i] = at;
    argLength[i] = text.length;
    at += text.length;
  }
  const session = { address: "127.0.0.1:1", name: "me" };
  return {
    bytes,
    argStart,
    argLength,
    first: 0,
    count: args.length,
    commandName,
    nowMs: 5999,
    session,
  };
}

function newLog(): { log: SlowLog; settings: Settings } {
  const settings = new Settings();
  settings.slowlogThresholdUs = 0;
  return {
    log: new SlowLog(settings, new ServerStats(createServerStatsMemory(1), 0, 1)),
    settings,
  };
}

test("SlowLog.note() keeps what reaches the threshold", () => {
  const { log, settings } = newLog();
  settings.slowlogThresholdUs = 100;
  log.note(running("get", "GET", "k"), 99);
  log.note(running("get", "GET", "k"), 100);
  settings.slowlogThresholdUs = -1;
  log.note(running("get", "GET", "k"), 1e9);
  expect(log.newest(-1)).toEqual([
    {
      id: 0,
      timeSeconds: 5,
      durationUs: 100,
      arguments: ["GET", "k"],
      address: "127.0.0.1:1",
      clientName: "me",
    },
  ]);
});

test("SlowLog keeps slowlog-max-len entries, the newest first", () => {
  const { log, settings } = newLog();
  settings.slowlogLengthMax = 3;
  for (let i = 0; i < 5; i++) log.note(running("echo", "ECHO", `${i}`), 1);
  expect(log.newest(-1).map((entry) => entry.arguments[1])).toEqual(["4", "3", "2"]);
  expect(log.newest(1).map((entry) => entry.id)).toEqual([4]);
  settings.slowlogLengthMax = 0;
  log.note(running("echo", "ECHO", "x"), 1);
  expect(log.length).toBe(0);
});

test("SlowLog trims long arguments and long commands", () => {
  const { log } = newLog();
  log.note(running("set", "SET", "k", "v".repeat(128)), 1);
  log.note(running("set", "SET", "k", "v".repeat(129)), 1);
  log.note(running("del", "DEL", ...Array.from({ length: 31 }, (_, i) => `${i}`)), 1);
  log.note(running("del", "DEL", ...Array.from({ length: 32 }, (_, i) => `${i}`)), 1);
  const [tooMany, justEnough, tooLong, longEnough] = log.newest(-1);
  expect(longEnough?.arguments[2]).toBe("v".repeat(128));
  expect(tooLong?.arguments[2]).toBe(`${"v".repeat(128)}... (1 more bytes)`);
  expect(justEnough?.arguments.length).toBe(32);
  expect(justEnough?.arguments.at(-1)).toBe("30");
  expect(tooMany?.arguments.length).toBe(32);
  expect(tooMany?.arguments.at(-1)).toBe("... (2 more arguments)");
});

test("SlowLog never keeps a password", () => {
  const { log } = newLog();
  log.note(running("auth", "AUTH", "secret"), 1);
  log.note(running("auth", "AUTH", "default", "secret"), 1);
  log.note(running("hello", "HELLO", "3", "auth", "default", "secret", "SETNAME", "me"), 1);
  log.note(running("config|set", "CONFIG", "SET", "timeout", "1", "RequirePass", "secret"), 1);
  log.note(running("config|set", "CONFIG", "SET", "masterauth", "secret"), 1);
  const kept = log.newest(-1);
  expect(JSON.stringify(kept)).not.toContain("secret");
  expect(kept.at(2)?.arguments).toEqual([
    "HELLO",
    "3",
    "auth",
    "(redacted)",
    "(redacted)",
    "SETNAME",
    "me",
  ]);
  expect(kept.at(1)?.arguments).toEqual([
    "CONFIG",
    "SET",
    "timeout",
    "1",
    "RequirePass",
    "(redacted)",
  ]);
});
