/** The machine: files of the kernel in the forms that they come in, and this very machine. */
import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryFolder } from "../../test/harness.ts";
import { readEnvironment, readNativeAddons, readProcessorQuota, readTurbo } from "./environment.ts";
import { activityBetween, parsePressure, parseStat, readCounters } from "./machine-activity.ts";

/** A root folder with these files. */
function rootOf(files: Record<string, string>) {
  const folder = temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  }
  return folder;
}

test("readProcessorQuota() knows both versions of control groups, and none", () => {
  const cases: [files: Record<string, string>, quota: number | null][] = [
    [{}, null],
    [{ "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n" }, null],
    [{ "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n" }, 1.5],
    [{ "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "50000 100000\n" }, 0.5],
    [
      {
        "proc/self/cgroup": "5:cpu,cpuacct:/job\n0::/\n",
        "sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "200000\n",
        "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000\n",
      },
      2,
    ],
    [{ "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n" }, null],
  ];
  for (const [files, quota] of cases) {
    using root = rootOf(files);
    expect(readProcessorQuota(root.path)).toBe(quota);
  }
});

test("readTurbo() reads Intel's and the common switch", () => {
  const intel = "sys/devices/system/cpu/intel_pstate/no_turbo";
  const boost = "sys/devices/system/cpu/cpufreq/boost";
  const cases: [Record<string, string>, string | null][] = [
    [{}, null],
    [{ [intel]: "0\n" }, "on"],
    [{ [intel]: "1\n" }, "off"],
    [{ [boost]: "1\n" }, "on"],
    [{ [boost]: "0\n" }, "off"],
  ];
  for (const [files, turbo] of cases) {
    using root = rootOf(files);
    expect(readTurbo(root.path)).toBe(turbo as "on" | "off" | null);
  }
});

test("readNativeAddons() finds what is mapped, once", () => {
  const line = (path: string) => `7f00-7f01 r-xp 00000000 08:01 12 ${path}\n`;
  const maps = line("/usr/lib/libc.so.6") + line("/x y/extract.node") + line("/x y/extract.node");
  using root = rootOf({ "proc/self/maps": maps });
  expect(readNativeAddons(root.path)).toEqual(["extract.node"]);
  using empty = rootOf({});
  expect(readNativeAddons(empty.path)).toBeNull();
});

test("readEnvironment() describes this machine", () => {
  const environment = readEnvironment(true);
  expect(environment.cores).toBeGreaterThan(0);
  expect(environment.executableSha256).toMatch(/^[0-9a-f]{64}$/);
  expect(environment.bunRevision).toMatch(/^[0-9a-f]{40}$/);
  expect(readEnvironment(false).executableSha256).toBeNull();
});

test("activityBetween() is the difference of the counters", () => {
  using before = rootOf({
    "proc/pressure/cpu": "some avg10=12.50 avg60=1.00 avg300=0.10 total=1000\nfull avg10=0 total=0",
    "proc/stat": "cpu  100 0 50 800 10 0 5 5 0 0\ncpu0 1 2 3\n",
  });
  using after = rootOf({
    "proc/pressure/cpu": "some avg10=99.00 avg60=1.00 avg300=0.10 total=501000\n",
    "proc/stat": "cpu  150 0 60 820 10 0 5 25 7 0\n",
  });
  const first = { ...readCounters(before.path), atMs: 0 };
  const second = { ...readCounters(after.path), atMs: 1000 };
  expect(activityBetween(first, second)).toMatchObject({
    waitingShareBefore: 0.125,
    waitingShareDuring: 0.5,
    stolenShare: 0.2,
  });
});

test("activityBetween() knows nothing where there is no /proc", () => {
  using root = rootOf({});
  const counters = readCounters(root.path);
  expect(activityBetween(counters, counters)).toMatchObject({
    waitingShareBefore: null,
    waitingShareDuring: null,
    stolenShare: null,
  });
  expect(parsePressure("some avg10=x")).toBeNull();
  expect(parseStat("cpu  1 2 3\n")).toBeNull();
});
