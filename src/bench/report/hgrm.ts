/**
 * Result → percentile distributions (`.hgrm`) for HdrHistogram's plotter and others: one file for
 * each operation of each target, since a file holds one histogram. Pure.
 */
import { toHgrm } from "../recorder/hgrm.ts";
import type { BenchResult } from "../result.ts";
import { measuredRows, operationOf } from "./rows.ts";

/** The printed unit is the µs: a tick of the plotter's "latency time units". */
const UNIT_NS = 1000;

export interface HgrmFile {
  /** "kv-read-simple"; unique. */
  name: string;
  text: string;
}

/** All latencies of all phases; none when latencies were not taken. */
export function formatHgrm(result: BenchResult): HgrmFile[] {
  const files = measuredRows(result).flatMap(({ target, phase }) => {
    const { latency } = phase.summary;
    if (latency === null) return [];
    return [latency.primary, latency.service, latency.sendLag]
      .filter((each) => each !== null)
      .map((each) => {
        const kind = latency.service === null ? "" : ` ${each.kind}`;
        const name = nameOf(`${target.label} ${operationOf(phase)}${kind}`);
        return { name, text: toHgrm(each.histogram, UNIT_NS) };
      });
  });
  // Two operations may have names that differ only in what a file name leaves out.
  return files.map((file, index) => {
    const isFirst = files.findIndex(({ name }) => name === file.name) === index;
    return isFirst ? file : { ...file, name: `${file.name}-${index + 1}` };
  });
}

function nameOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}
