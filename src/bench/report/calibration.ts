/** The result of `kv bench calibrate` as plain data, and as the table that a terminal shows. */
import { formatDurationNs } from "../../base/units.ts";
import type { CalibrationRow } from "../calibrate.ts";
import type { Environment } from "../environment.ts";
import type { Terminal } from "./terminal.ts";
import { formatTextTable } from "./text-table.ts";

/** `schemas/bench-calibration.schema.json` describes the same. */
export interface CalibrationResult {
  kind: "calibration";
  schemaVersion: 1;
  tool: { name: "kv bench"; version: string; commit: string };
  startedAt: string;
  environment: Environment;
  concurrency: number;
  valueSize: number;
  rows: CalibrationRow[];
}

const HEAD = ["Operation", "Depth", "Rate/s", "Client time", "Ceiling/s"];

/** Ends with a line end. */
export function formatCalibration(
  { concurrency, valueSize, rows }: CalibrationResult,
  terminal: Terminal,
): string {
  const cells = rows.map((row) => [
    row.operation.toUpperCase(),
    String(row.batchSize),
    Math.round(row.operationsPerSecond).toLocaleString("en-US"),
    formatDurationNs(row.clientNsPerOperation),
    Math.round(row.ceilingPerSecond).toLocaleString("en-US"),
  ]);
  return [
    `The client against a server that takes no time: raw RESP2 over TCP, one process, ` +
      `${concurrency} connections, values of ${valueSize} B`,
    "",
    formatTextTable({ title: "", head: HEAD, rows: cells, leftCount: 1 }, terminal),
    "",
    "Ceiling: what one load process could do with a processor for itself. A measured rate near it",
    "is the client's own; --workers adds processes.",
    "",
  ].join("\n");
}
