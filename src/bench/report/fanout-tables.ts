/**
 * The tables of fan-out and of connections: all backends in one table each, over all runs.
 *
 * Published and delivered are rates of their own: a server that takes messages fast and delivers
 * them late, or never, must not look fast.
 */
import { formatDurationNs, formatSize } from "../../base/units.ts";
import type { ConnectResult, FanoutResult } from "../result.ts";
import { estimate } from "../summarize.ts";
import {
  type Cell,
  countText,
  durationText,
  faultsCell,
  NONE,
  percentText,
  rateText,
  type Table,
  toned,
} from "./cells.ts";
import { operationOf, type Row } from "./rows.ts";

export function fanoutTable(rows: Row[]): Table {
  return {
    title: "Fan-out (latency from publishing to delivery)",
    head: [
      ...["Database", "Operation", "Published/s", "Delivered/s", "Expected", "Delivered", "Reach"],
      ...[
        "Gaps",
        "Out of order",
        "Doubles",
        "Cut off",
        "p50",
        "p99",
        "p99.9",
        "Maximum",
        "Drained",
      ],
    ],
    leftCount: 2,
    rows: rows.flatMap((row) => {
      const runs = row.phase.runs.flatMap((run) => run.fanout ?? []);
      return runs.length === 0
        ? []
        : [
            [
              row.target.label,
              operationOf(row.phase),
              ...deliveryCells(runs),
              ...timeCells(row, runs),
            ],
          ];
    }),
  };
}

function deliveryCells(runs: FanoutResult[]): Cell[] {
  const total = (of: (run: FanoutResult) => number) => runs.reduce((sum, run) => sum + of(run), 0);
  const median = (of: (run: FanoutResult) => number) => rateText(estimate(runs.map(of)).median);
  const expected = total((run) => run.expected);
  const delivered = total((run) => run.delivered);
  return [
    median((run) => run.publishedPerSecond),
    median((run) => run.deliveredPerSecond),
    countText(expected),
    countText(delivered),
    reachCell(expected === 0 ? 1 : delivered / expected),
    faultsCell(total((run) => run.gaps)),
    faultsCell(total((run) => run.outOfOrder)),
    faultsCell(total((run) => run.duplicates)),
    faultsCell(total((run) => run.subscribersCut)),
  ];
}

/** Cut off rather than rounded: one message that is missing must show. */
function reachCell(reach: number): Cell {
  if (reach >= 1) return toned("100 %", "good");
  return toned(`${(Math.floor(reach * 100_000) / 1000).toFixed(3)} %`, "bad");
}

function timeCells({ phase }: Row, runs: FanoutResult[]): Cell[] {
  const latency = phase.summary.latency?.primary;
  return [
    durationText(latency?.p50Ns),
    durationText(latency?.p99Ns),
    durationText(latency?.p999Ns),
    durationText(latency?.maxNs),
    formatDurationNs(Math.max(...runs.map((run) => run.drainNs))),
  ];
}

/** What a publisher waits for, where the server answers it; each run by itself. */
export function publishTable(rows: Row[]): Table {
  return {
    title: "Publishing (round trip to the server)",
    head: ["Database", "Operation", "Run", "Average", "p50", "p99", "p99.9", "Maximum"],
    leftCount: 2,
    rows: rows.flatMap(({ target, phase }) =>
      phase.runs.flatMap(({ fanout }, index) => {
        const latency = fanout?.publishLatency;
        if (!latency) return [];
        const { averageNs, p50Ns, p99Ns, p999Ns, maxNs } = latency;
        const figures = [averageNs, p50Ns, p99Ns, p999Ns, maxNs].map(durationText);
        return [[target.label, operationOf(phase), String(index + 1), ...figures]];
      }),
    ),
  };
}

export function connectTable(rows: Row[]): Table {
  return {
    title: "Connections",
    head: [
      ...["Database", "Operation", "Wanted", "Open", "Share", "Failed", "Lost while held"],
      ...["Opened/s", "Server memory before", "Held", "Per connection"],
    ],
    leftCount: 2,
    rows: rows.flatMap((row) =>
      row.phase.runs.flatMap(({ connect }) =>
        connect === null
          ? []
          : [[row.target.label, operationOf(row.phase), ...connectCells(connect)]],
      ),
    ),
  };
}

function connectCells(connect: ConnectResult): Cell[] {
  const { target, connected, failed, lost, connectionsPerSecond } = connect;
  return [
    countText(target),
    countText(connected),
    toned(percentText(connected / Math.max(target, 1)), connected < target ? "bad" : null),
    faultsCell(failed),
    faultsCell(lost),
    rateText(connectionsPerSecond),
    sizeText(connect.serverBytesBefore),
    sizeText(connect.serverBytesHeld),
    sizeText(connect.serverBytesPerConnection),
  ];
}

function sizeText(sizeBytes: number | null): string {
  return sizeBytes === null ? NONE : formatSize(sizeBytes);
}
