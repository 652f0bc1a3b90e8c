/**
 * One line per finished case, for `kv bench engine --show`: a bar on a logarithmic scale, so that
 * 10,000 and 10 million operations per second both fit.
 *
 *      READ 128 B                 ██████████████████████▌        2.94M/s   p99 1.2 µs
 *
 * Pure.
 */
import { formatCount, formatDurationNs } from "../../base/units.ts";
import type { PhaseResult } from "../result.ts";
import type { EngineCase } from "./cases.ts";

const LABEL_WIDTH = 38;
const BAR_WIDTH = 32;
const RATE_WIDTH = 9;
/** The ends of the scale, in powers of ten of operations per second. */
const SCALE_FROM = 3;
const SCALE_TO = 7.5;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** The title of a group, before its first case. */
export function formatGroup(group: string): string {
  return `\n${group}\n`;
}

export function formatCase({ label }: EngineCase, result: PhaseResult): string {
  const rate = result.summary.operationsPerSecond.median;
  const p99Ns = result.summary.latency?.primary.p99Ns ?? null;
  const tail = p99Ns === null ? "" : `   p99 ${formatDurationNs(p99Ns)}`;
  const text = `${formatCount(rate)}/s`.padStart(RATE_WIDTH);
  return `  ${label.padEnd(LABEL_WIDTH)} ${bar(rate)} ${text}${tail}\n`;
}

/** BAR_WIDTH columns, filled in eighths. */
function bar(rate: number): string {
  const share = (Math.log10(Math.max(rate, 1)) - SCALE_FROM) / (SCALE_TO - SCALE_FROM);
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * BAR_WIDTH * 8);
  const text = "█".repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? "");
  return text.padEnd(BAR_WIDTH);
}
