/** Counters: sums over Workers, ids, errors by prefix, resets and rates. */
import { expect, test } from "bun:test";
import {
  COMMANDS_COUNT_MAX,
  CommandStat,
  createServerStatsMemory,
  ERROR_PREFIXES,
  ServerStats,
  Stat,
} from "./server-stats.ts";

function pair(): [ServerStats, ServerStats] {
  const memory = createServerStatsMemory(2);
  return [new ServerStats(memory, 0, 2), new ServerStats(memory, 1, 2)];
}

function add(stats: ServerStats, column: number, n: number): void {
  stats.own[column] = (stats.own[column] ?? 0) + n;
}

test("ServerStats.sum() adds the rows of all Workers", () => {
  const [a, b] = pair();
  add(a, Stat.Hits, 3);
  add(b, Stat.Hits, 4);
  const last = a.commandBase(COMMANDS_COUNT_MAX - 1) + CommandStat.Failed;
  add(a, last, 1);
  add(b, last, 1);
  expect(a.sum(Stat.Hits)).toBe(7);
  expect(b.sum(Stat.Hits)).toBe(7);
  expect(b.sum(last)).toBe(2);
  expect(a.own[Stat.Hits]).toBe(3);
});

test("ServerStats ids are drawn once, by whichever Worker", () => {
  const [a, b] = pair();
  expect([a.nextClientId(), b.nextClientId(), a.nextClientId()]).toEqual([1, 2, 3]);
  expect([b.nextSlowlogId(), a.nextSlowlogId()]).toEqual([0, 1]);
});

test("ServerStats.noteError() counts by prefix, and what it does not know as OTHER", () => {
  const [a] = pair();
  for (const line of ["-ERR x", "-WRONGTYPE x", "-ERR", "-CUSTOM x", "-lower"]) {
    a.noteError(Buffer.from(`+OK\r\n${line}\r\n`), 5);
  }
  const countOf = (prefix: (typeof ERROR_PREFIXES)[number]) =>
    a.sum(a.errorColumn(ERROR_PREFIXES.indexOf(prefix)));
  expect([countOf("ERR"), countOf("WRONGTYPE"), countOf("OTHER"), countOf("OOM")]).toEqual([
    2, 1, 2, 0,
  ]);
  expect(a.sum(Stat.ErrorReplies)).toBe(5);
});

test("ServerStats.resetOwn() spares gauges and other Workers", () => {
  const [a, b] = pair();
  add(a, Stat.ClientsCurrent, 2);
  add(a, Stat.Misses, 5);
  add(b, Stat.Misses, 6);
  a.resetOwn();
  expect([a.sum(Stat.ClientsCurrent), a.sum(Stat.Misses)]).toEqual([2, 6]);
});

test("ServerStats.resetShared() moves the peak and the base of outside counters", () => {
  const [a, b] = pair();
  expect([a.notePeak(10), a.notePeak(5)]).toEqual([10, 10]);
  a.resetShared(5, [100, 200]);
  expect([b.notePeak(6), b.outsideBase(0), b.outsideBase(1)]).toEqual([6, 100, 200]);
});

test("ServerStats.sample() gives rates per second, and survives a reset in between", () => {
  const [a, b] = pair();
  a.sample(1000);
  add(b, Stat.CommandsProcessed, 50);
  add(b, Stat.BytesIn, 500);
  a.sample(1100);
  expect(b.rates()).toEqual({ commands: 500, bytesIn: 5000, bytesOut: 0 });
  b.resetOwn();
  a.sample(1200);
  expect(a.rates().commands).toBe(250);
});
