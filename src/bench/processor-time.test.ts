/** Processor time: which process is believed, that its time grows, and the verdict. */
import { expect, test } from "bun:test";
import { findBottleneck, localProcessOf, localProcessorNs } from "./processor-time.ts";
import type { TargetFacts } from "./target-facts.ts";

const IS_LINUX = process.platform === "linux";

function facts(processId: number | null, uptimeSeconds: number): TargetFacts {
  return {
    serverName: "kv",
    version: "1",
    mode: null,
    processId,
    uptimeSeconds,
    threads: 1,
    keysBefore: 0,
    settings: {},
  };
}

test.if(IS_LINUX)(
  "localProcessOf() believes a process that is as old as it says, here only",
  () => {
    const age = process.uptime();
    expect(localProcessOf(facts(process.pid, age), "127.0.0.1")).toBe(process.pid);
    expect(localProcessOf(facts(process.pid, age), "localhost")).toBe(process.pid);
    expect(localProcessOf(facts(process.pid, age + 100), "127.0.0.1")).toBeNull();
    expect(localProcessOf(facts(process.pid, age), "192.0.2.1")).toBeNull();
    expect(localProcessOf(facts(null, age), "127.0.0.1")).toBeNull();
  },
);

test.if(IS_LINUX)("localProcessorNs() grows with work and is null for no process", () => {
  const before = localProcessorNs(process.pid) ?? 0;
  const startUs = process.cpuUsage().user;
  let sum = 0;
  while (process.cpuUsage().user - startUs < 50_000) sum += Math.sqrt(sum + 1);
  expect((localProcessorNs(process.pid) ?? 0) - before, `${sum}`).toBeGreaterThan(30e6);
  expect(localProcessorNs(2 ** 30)).toBeNull();
});

test("findBottleneck() names the side without processor time left", () => {
  const find = (client: number, server: number | null, threads: number | null) =>
    findBottleneck(1e9, client * 1e9, server === null ? null : server * 1e9, threads);
  expect(find(0.9, 0.5, 1)).toBe("client");
  expect(find(0.5, 0.9, 1)).toBe("server");
  expect(find(0.9, 0.95, 1)).toBe("server");
  expect(find(0.5, 0.9, 2)).toBe("neither");
  expect(find(0.5, 1.8, 2)).toBe("server");
  expect(find(0.5, null, null)).toBe("unknown");
  expect(find(0.9, null, null)).toBe("client");
});

test("findBottleneck() says nothing about a moment, or about threads that nobody counted", () => {
  expect(findBottleneck(20e6, 19e6, 5e6, 1)).toBe("unknown");
  expect(findBottleneck(1e9, 0.5e9, 0.95e9, null)).toBe("unknown");
  expect(findBottleneck(1e9, 0.5e9, 0.6e9, null)).toBe("neither");
});
