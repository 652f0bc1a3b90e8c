/**
 * Processor time of client and server in the same bracket, and what that says about the bottleneck.
 *
 * The server's time is read from the kernel when the server runs on this machine
 * (`/proc/<pid>/task/<tid>/schedstat`: ns on a processor, all threads), else it is the server's own
 * account (INFO used_cpu_*). A process id from INFO means nothing outside this machine or in a
 * container: it is believed only when that process is as old as the server says it is.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { TargetFacts } from "./target-facts.ts";

/** Where the server's processor time comes from. */
export type ProcessorTimeSource = "kernel" | "server" | "none";

export type Bottleneck = "client" | "server" | "neither" | "unknown";

/** Above this share of its processors a side has nothing left to give. */
const SATURATED_SHARE = 0.85;
/** In less, the process's start and end are a part of what is measured: it says nothing. */
const VERDICT_NS_MIN = 100_000_000;
/** INFO counts whole seconds, and reading both takes time. */
const AGE_TOLERANCE_SECONDS = 2;
/** Linux has counted `starttime` in this unit on every architecture since 2.6. */
const TICKS_PER_SECOND = 100;

/** Processor time that this process has used so far, in ns, all its threads. */
export function clientProcessorNs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/**
 * Processor time that a local process has used so far, in ns; null when the kernel does not tell.
 */
export function localProcessorNs(processId: number): number | null {
  try {
    const tasks = `/proc/${processId}/task`;
    let sumNs = 0;
    for (const task of readdirSync(tasks)) {
      sumNs += Number(readFileSync(`${tasks}/${task}/schedstat`, "latin1").split(" ", 1)[0]);
    }
    return Number.isSafeInteger(sumNs) ? sumNs : null;
  } catch {
    return null;
  }
}

/** The server's process when it surely runs on this machine, else null. */
export function localProcessOf(facts: TargetFacts, host: string): number | null {
  const { processId, uptimeSeconds } = facts;
  if (processId === null || uptimeSeconds === null || !isLoopback(host)) return null;
  const ageSeconds = processAgeSeconds(processId);
  if (ageSeconds === null) return null;
  return Math.abs(ageSeconds - uptimeSeconds) <= AGE_TOLERANCE_SECONDS ? processId : null;
}

/** Whether a host is surely this machine. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

function processAgeSeconds(processId: number): number | null {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, "latin1");
    // The name in parentheses may hold blanks; what follows it starts with field 3, so that
    // starttime (22) is the 20th.
    const startTicks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
    const upSeconds = Number(readFileSync("/proc/uptime", "latin1").split(" ", 1)[0]);
    const age = upSeconds - startTicks / TICKS_PER_SECOND;
    return Number.isFinite(age) ? age : null;
  } catch {
    return null;
  }
}

/**
 * Which side had no processor time left; the client has one thread, the server `threads`. When
 * neither had any, it is the one that was closer to its limit. A server of unknown threads may have
 * more than the one that is busy: nothing is said about it then.
 */
export function findBottleneck(
  elapsedNs: number,
  clientNs: number,
  serverNs: number | null,
  threads: number | null,
): Bottleneck {
  if (elapsedNs < VERDICT_NS_MIN) return "unknown";
  const clientShare = clientNs / elapsedNs;
  const serverShare = serverNs === null ? null : serverNs / elapsedNs / (threads ?? 1);
  if (Math.max(clientShare, serverShare ?? 0) < SATURATED_SHARE) {
    return serverShare === null ? "unknown" : "neither";
  }
  if (clientShare >= (serverShare ?? 0)) return "client";
  return threads === null ? "unknown" : "server";
}
