/**
 * Whether this process may open as many connections as are asked for: better known before the first
 * one than in the middle.
 */
import { readFileSync } from "node:fs";
import { FatalError } from "../base/errors.ts";

/** What the process needs besides its connections. */
const DESCRIPTORS_RESERVED = 64;

/** Throws FatalError, with the limit that would do, when there may be too few descriptors. */
export function checkDescriptors(connectionsCount: number, limits = readLimits()): void {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  const needed = connectionsCount + DESCRIPTORS_RESERVED;
  if (soft === undefined || Number(soft) >= needed) return;
  throw new FatalError(
    `Cannot open ${connectionsCount} connections: this process may open ${soft} files`,
    `ulimit -n ${needed}, and as many for the server`,
  );
}

/** Empty where the system does not tell. */
function readLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "latin1");
  } catch {
    return "";
  }
}
