/**
 * A limit of memory for a process: a cgroup of its own (v1 or v2), which only root can make.
 *
 *     await using limit = limitMemory(320 * MIB);
 *     if (limit === null) skip: none can be made here, and standard error says why
 *     Bun.spawn(limit.commandIn(["./kv", "serve"]));
 *
 * The process is in a group below the one that has the limit, as in a container that makes groups
 * itself: what its own group says is not all that counts.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../harness.ts";

const CGROUPS = "/sys/fs/cgroup";

export interface MemoryLimit extends AsyncDisposable {
  /** The command line that runs `command` within the limit. */
  commandIn(command: readonly string[]): string[];
  /** Bytes of memory that the group has had at the most, page cache included. */
  bytesMax(): number;
}

/** Makes a group with the limit; null, and a word on standard error, where that is impossible. */
export function limitMemory(bytes: number): MemoryLimit | null {
  const isV2 = existsSync(join(CGROUPS, "cgroup.controllers"));
  const outer = join(CGROUPS, isV2 ? "" : "memory", `kv-limit-${process.pid}`);
  const inner = join(outer, "server");
  const [limitName, peakName] = isV2
    ? ["memory.max", "memory.peak"]
    : ["memory.limit_in_bytes", "memory.max_usage_in_bytes"];
  try {
    mkdirSync(outer);
    writeFileSync(join(outer, limitName), String(bytes));
    mkdirSync(inner);
  } catch (error) {
    if (existsSync(outer)) rmdirSync(outer);
    process.stderr.write(`skipped: no cgroup with a memory limit can be made here (${error})\n`);
    return null;
  }
  return {
    commandIn: (command) => [
      ...["sh", "-c", `echo $$ > ${join(inner, "cgroup.procs")} && exec "$@"`, "sh"],
      ...command,
    ],
    bytesMax: () => Number(readFileSync(join(outer, peakName), "latin1")),
    async [Symbol.asyncDispose]() {
      // A process that was killed leaves its group a moment after it was waited for.
      await eventually(() => isRemoved(inner) && isRemoved(outer), "the cgroup is removed");
    },
  };
}

/** Whether a group can be made here; when not, standard error says why. */
export async function canLimitMemory(): Promise<boolean> {
  await using limit = limitMemory(1024 * 1024 * 1024);
  return limit !== null;
}

function isRemoved(path: string): boolean {
  try {
    if (existsSync(path)) rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}
