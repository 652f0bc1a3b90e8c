/**
 * What else the machine did while it measured: load, processes that waited for a processor, time
 * that the host of a virtual machine took away.
 *
 *      readCounters ─ run ─ readCounters ──> MachineActivity
 *
 * Linux only (/proc); elsewhere the shares are null, which means unknown.
 */
import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";

export interface MachineActivity {
  /** One-minute load average after the run, the benchmark's own share included. */
  loadAverageAfter: number;
  /** Share of the ten seconds before the run in which something waited for a processor. */
  waitingShareBefore: number | null;
  /** The same of the run itself; client and server wait for each other's cores as well. */
  waitingShareDuring: number | null;
  /** Share of all processors' time that the host gave to somebody else during the run. */
  stolenShare: number | null;
}

/** Counters of the kernel, whose differences count. */
export interface ActivityCounters {
  atMs: number;
  /** µs so far in which something waited for a processor, and the share of the last 10 s. */
  waiting: { totalUs: number; share10s: number } | null;
  /** Clock ticks of all processors. */
  ticks: { all: number; stolen: number } | null;
}

/** The column of /proc/stat that counts stolen time; the two behind it are parts of others. */
const STOLEN_COLUMN = 7;

/** `root` is where /proc is; tests have their own. */
export function readCounters(root = "/"): ActivityCounters {
  return {
    atMs: performance.now(),
    waiting: parsePressure(read(root, "proc/pressure/cpu")),
    ticks: parseStat(read(root, "proc/stat")),
  };
}

export function activityBetween(
  before: ActivityCounters,
  after: ActivityCounters,
): MachineActivity {
  const elapsedUs = (after.atMs - before.atMs) * 1000;
  const isWaitingKnown = before.waiting !== null && after.waiting !== null;
  return {
    loadAverageAfter: loadavg()[0] ?? 0,
    waitingShareBefore: before.waiting?.share10s ?? null,
    waitingShareDuring: isWaitingKnown
      ? shareOf(after.waiting!.totalUs - before.waiting!.totalUs, elapsedUs)
      : null,
    stolenShare:
      before.ticks === null || after.ticks === null
        ? null
        : shareOf(after.ticks.stolen - before.ticks.stolen, after.ticks.all - before.ticks.all),
  };
}

function shareOf(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.min(1, Math.max(0, part / whole));
}

/** "some avg10=1.53 avg60=0.87 avg300=0.73 total=1" */
export function parsePressure(text: string): ActivityCounters["waiting"] {
  const match = /^some avg10=([\d.]+) .*total=(\d+)$/m.exec(text);
  return match === null ? null : { share10s: Number(match[1]) / 100, totalUs: Number(match[2]) };
}

/** "cpu  user nice system idle iowait irq softirq steal guest guest_nice" */
export function parseStat(text: string): ActivityCounters["ticks"] {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ").map(Number) ?? [];
  if (fields.length <= STOLEN_COLUMN) return null;
  const counted = fields.slice(0, STOLEN_COLUMN + 1);
  return {
    all: counted.reduce((sum, value) => sum + value, 0),
    stolen: fields[STOLEN_COLUMN] ?? 0,
  };
}

function read(root: string, path: string): string {
  try {
    return readFileSync(join(root, path), "latin1");
  } catch {
    return "";
  }
}
