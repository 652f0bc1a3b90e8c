/**
 * How many descriptors this process may open, and so how many clients it can take.
 *
 * At the limit accept() fails while the listening socket stays ready, and the event loop spins on
 * it. So clients are refused well below: what is kept back (DESCRIPTORS_RESERVED) also lets a
 * refused client be told why.
 */
import { readFileSync } from "node:fs";
import { DESCRIPTORS_RESERVED } from "../base/limits.ts";

/** The soft limit on open files; Infinity where the system does not tell. */
export function descriptorsMax(): number {
  try {
    return parseOpenFiles(readFileSync("/proc/self/limits", "latin1"));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** The soft limit in the text of /proc/PID/limits. */
export function parseOpenFiles(limits: string): number {
  const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

/** Clients that can be served when `limit` descriptors may be open; at least 1. */
export function clientsMaxFor(limit: number): number {
  return Math.max(1, limit - DESCRIPTORS_RESERVED);
}
