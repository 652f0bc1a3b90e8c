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
  expect(findBottleneck(100, 90, 50, 1)).toBe("client");
  expect(findBottleneck(100, 50, 90, 1)).toBe("server");
  expect(findBottleneck(100, 90, 95, 1)).toBe("server");
  expect(findBottleneck(100, 50, 90, 2)).toBe("neither");
  expect(findBottleneck(100, 50, 180, 2)).toBe("server");
  expect(findBottleneck(100, 50, null, null)).toBe("unknown");
  expect(findBottleneck(100, 90, null, null)).toBe("client");
});
