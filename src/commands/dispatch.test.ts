/**
 * Tests of dispatch: the order of its checks, exact counting, where a run stops, and that a batch
 * replies what its commands would one by one.
 */
import { expect, test } from "bun:test";
import { WRITER_FLUSH_SIZE } from "../base/limits.ts";
import { CommandStat, Stat } from "../base/server-stats.ts";
import { DispatchDriver, runDispatchBench } from "./dispatch.bench.ts";
import { registry } from "./registry.ts";

const RESERVE_SIZE = 128 * 1024 * 1024;

function counted(driver: DispatchDriver, name: string, what: CommandStat): number {
  const index = registry.byName(name)?.index ?? -1;
  return driver.stats.sum(driver.stats.commandBase(index) + what);
}

test("run() replies to a batch what its commands reply one by one", () => {
  const lines = ["SET a 1", "GET a", "nonsense", "INCR a", "GET", "SELECT 3", "GET a", "SELECT 0"];
  lines.push("GET a", "CONFIG GET nothing", "CLIENT ID", "get A", "STRLEN a", "QUIT");
  const together = new DispatchDriver(RESERVE_SIZE);
  const apart = new DispatchDriver(RESERVE_SIZE);
  const toResp = (line: string): string => {
    const words = line.split(" ");
    return `*${words.length}\r\n${words.map((it) => `$${it.length}\r\n${it}\r\n`).join("")}`;
  };
  const all = together.replies(lines.map(toResp).join(""));
  expect(all).toBe(lines.map((line) => apart.replies(toResp(line))).join(""));
  expect(all).toStartWith("+OK\r\n$1\r\n1\r\n-ERR unknown command 'nonsense'");
});

test("calls, rejections and failures are counted exactly, fast commands or not", () => {
  const driver = new DispatchDriver(RESERVE_SIZE);
  const get = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n";
  const set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nx\r\n";
  const incr = "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n";
  driver.replies(get + get + set + get + incr + incr + get);
  driver.replies("GET\r\nGET a b\r\nLRANGE list 0 -1\r\nnonsense\r\nCLIENT ID\r\n");
  expect(counted(driver, "get", CommandStat.Calls)).toBe(4);
  expect(counted(driver, "get", CommandStat.Rejected)).toBe(2);
  expect(counted(driver, "set", CommandStat.Calls)).toBe(1);
  expect(counted(driver, "incr", CommandStat.Calls)).toBe(2);
  expect(counted(driver, "incr", CommandStat.Failed)).toBe(2);
  expect(counted(driver, "lrange", CommandStat.Calls)).toBe(1);
  expect(counted(driver, "client|id", CommandStat.Calls)).toBe(1);
  expect(driver.stats.sum(Stat.CommandsProcessed)).toBe(12);
  expect(driver.stats.sum(Stat.ErrorReplies)).toBe(5);
  expect(driver.session.commandsCount).toBe(12);
});

test("without the password, existence and arity are checked first", () => {
  const driver = new DispatchDriver(RESERVE_SIZE);
  driver.settings.setPassword("secret");
  driver.session.isAuthenticated = false;
  expect(driver.replies("GET a\r\n")).toStartWith("-NOAUTH Authentication required.");
  expect(driver.replies("nonsense\r\n")).toStartWith("-ERR unknown command");
  expect(driver.replies("GET\r\n")).toStartWith("-ERR wrong number of arguments");
  expect(driver.replies("AUTH wrong\r\n")).toStartWith("-WRONGPASS");
  expect(driver.replies("AUTH secret\r\n")).toBe("+OK\r\n");
  expect(driver.replies("GET a\r\n")).toBe("$-1\r\n");
});

test("a slow log threshold below 1 ms times every command by itself", () => {
  const driver = new DispatchDriver(RESERVE_SIZE);
  const get = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n";
  driver.replies(get + get);
  expect(driver.slowlog.length).toBe(0);
  driver.settings.slowlogThresholdUs = 0;
  driver.replies(get + get);
  expect(driver.slowlog.length).toBe(2);
  expect(counted(driver, "get", CommandStat.Calls)).toBe(4);
});

test("LRANGE and LTRIM are timed by themselves when they do much, and counted once", () => {
  const driver = new DispatchDriver(RESERVE_SIZE);
  const { context } = driver.dispatcher;
  const elements = Array.from({ length: 300 }, (_, i) => `e${i}`);
  driver.replies(`RPUSH list ${elements.join(" ")}\r\n`);
  const timed: string[] = [];
  context.startTimer = function (this: typeof context) {
    timed.push(`${this.commandName} ${this.text(2)} ${this.text(3)}`);
    this.timedFromNs = 1;
  };
  driver.replies("LRANGE list 0 49\r\nLRANGE list 0 -1\r\nLRANGE list -9 -1\r\n");
  driver.replies("LRANGE list 150 151\r\nLTRIM list 0 -2\r\nLTRIM list 0 99\r\n");
  expect(timed).toEqual(["lrange 0 -1", "lrange 150 151", "ltrim 0 99"]);
  expect(context.timedFromNs).toBe(0);
  expect(driver.slowlog.length).toBe(3);
  expect(counted(driver, "lrange", CommandStat.Calls)).toBe(4);
  expect(counted(driver, "ltrim", CommandStat.Calls)).toBe(2);
  expect(driver.session.lastCommand).toBe("ltrim");
});

test("run() stops when the writer is full, and goes on where it was", () => {
  const driver = new DispatchDriver(RESERVE_SIZE);
  const size = WRITER_FLUSH_SIZE / 2;
  driver.replies(`*3\r\n$3\r\nSET\r\n$1\r\na\r\n$${size}\r\n${"x".repeat(size)}\r\n`);
  const { parser, dispatcher, session, out } = driver;
  out.length = 0;
  driver.run(Buffer.from("*2\r\n$3\r\nGET\r\n$1\r\na\r\n".repeat(5)));
  expect(parser.commandsCount).toBe(5);
  out.length = 0;
  expect(dispatcher.run(session, 0)).toBe(2);
  out.length = 0;
  expect(dispatcher.run(session, 2)).toBe(4);
  out.length = 0;
  expect(dispatcher.run(session, 4)).toBe(5);
});

test("run() stops behind a command that closes or defers", () => {
  const driver = new DispatchDriver(RESERVE_SIZE);
  const { dispatcher, session } = driver;
  const ping = "*1\r\n$4\r\nPING\r\n";
  driver.run(Buffer.from(`${ping}*2\r\n$7\r\nSLOWLOG\r\n$3\r\nLEN\r\n${ping}`));
  dispatcher.context.deferred = null;
  expect(dispatcher.run(session, 0)).toBe(2);
  expect(dispatcher.context.deferred).not.toBe(null);
  dispatcher.context.deferred = null;
  expect(dispatcher.run(session, 2)).toBe(3);
  session.closeAfterReply = true;
  expect(dispatcher.run(session, 0)).toBe(1);
});

test("the benchmark runs", () => {
  expect(runDispatchBench(new DispatchDriver(RESERVE_SIZE), 2)).toBe(2 * 51 * (5 + 136 + 7));
});
