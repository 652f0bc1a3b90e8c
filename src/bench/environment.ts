/**
 * Where a result was measured: the machine, the kernel, the runtime, the program. Plain data for
 * the result file; what does not change while it runs (what does: machine-activity.ts).
 *
 * Linux tells most of it in files; elsewhere those fields are null, which means unknown.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { basename, join } from "node:path";

export interface Environment {
  system: string;
  kernel: string;
  architecture: string;
  processor: string;
  /** Processors that this process may use. */
  cores: number;
  /** Processors' worth of time that the control group grants; null: no limit, or unknown. */
  processorQuota: number | null;
  /** How the kernel picks the clock rate ("performance", "powersave"). */
  governor: string | null;
  turbo: "on" | "off" | null;
  memoryBytes: number;
  /** One-minute load average before the run: above the cores, figures are noise. */
  loadAverage: number;
  bunVersion: string;
  bunRevision: string;
  /** The released executable, not the sources. */
  isCompiled: boolean;
  /** Of the executable, in hexadecimal; null from source. */
  executableSha256: string | null;
  /**
   * Native libraries (.node) that are loaded: formats are as fast as they are everywhere only
   * without any. Null where nobody tells.
   */
  nativeAddons: string[] | null;
}

const HASH_CHUNK_SIZE = 1 << 20;

/** `root` is where /proc and /sys are; tests have their own. */
export function readEnvironment(isCompiled: boolean, root = "/"): Environment {
  return {
    system: type(),
    kernel: release(),
    architecture: process.arch,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    processorQuota: readProcessorQuota(root),
    governor: readLine(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    turbo: readTurbo(root),
    memoryBytes: totalmem(),
    loadAverage: loadavg()[0] ?? 0,
    bunVersion: Bun.version,
    bunRevision: Bun.revision,
    isCompiled,
    executableSha256: isCompiled ? sha256Of(process.execPath) : null,
    nativeAddons: readNativeAddons(root),
  };
}

/** Control groups, version 2 and then 1: this process's own group, else the one at the root. */
export function readProcessorQuota(root: string): number | null {
  const groups = readLine(root, "proc/self/cgroup", Number.POSITIVE_INFINITY) ?? "";
  const own = /^0::(\/.*)$/m.exec(groups)?.[1] ?? "/";
  const ownV1 = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(\/.*)$/m.exec(groups)?.[1] ?? "/";
  for (const path of [own, "/"]) {
    const [quota, period] = readLine(root, `sys/fs/cgroup${path}/cpu.max`)?.split(" ") ?? [];
    if (quota !== undefined && quota !== "max") return Number(quota) / Number(period);
  }
  for (const path of [ownV1, "/"]) {
    const folder = `sys/fs/cgroup/cpu${path}`;
    const quota = Number(readLine(root, `${folder}/cpu.cfs_quota_us`) ?? -1);
    if (quota > 0) return quota / Number(readLine(root, `${folder}/cpu.cfs_period_us`));
  }
  return null;
}

export function readTurbo(root: string): Environment["turbo"] {
  const noTurbo = readLine(root, "sys/devices/system/cpu/intel_pstate/no_turbo");
  if (noTurbo !== null) return noTurbo === "0" ? "on" : "off";
  const boost = readLine(root, "sys/devices/system/cpu/cpufreq/boost");
  return boost === null ? null : boost === "1" ? "on" : "off";
}

/** The names of the .node files that are mapped into this process. */
export function readNativeAddons(root: string): string[] | null {
  const maps = readLine(root, "proc/self/maps", Number.POSITIVE_INFINITY);
  if (maps === null) return null;
  const paths = maps.match(/\/\S.*\.node$/gm) ?? [];
  return [...new Set(paths.map((path) => basename(path)))].sort();
}

/** The first `linesCount` lines of a file; null when there is no such file. */
function readLine(root: string, path: string, linesCount = 1): string | null {
  try {
    const text = readFileSync(join(root, path), "latin1");
    return linesCount === 1 ? (text.split("\n", 1)[0]?.trim() ?? "") : text;
  } catch {
    return null;
  }
}

function sha256Of(path: string): string | null {
  const hasher = new Bun.CryptoHasher("sha256");
  const chunk = Buffer.alloc(HASH_CHUNK_SIZE);
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return null;
  }
  try {
    for (;;) {
      const size = readSync(file, chunk);
      if (size === 0) return hasher.digest("hex");
      hasher.update(size === chunk.length ? chunk : chunk.subarray(0, size));
    }
  } finally {
    closeSync(file);
  }
}
