/**
 * The text of a result file → a result that can be relied on.
 *
 * A file comes from anywhere: cut off, of an older version, of another tool. Every field that this
 * version knows must be there and of its type; fields that it does not know are left alone, since
 * they are added without a new version. Throws FatalError, one line that says what is wrong.
 */
import abSchema from "../../schemas/bench-ab.schema.json" with { type: "json" };
import resultSchema from "../../schemas/bench-result.schema.json" with { type: "json" };
import { FatalError } from "../base/errors.ts";
import type { AbResult } from "./ab-result.ts";
import { schemaErrorsOfKnown } from "./json-schema.ts";
import { Histogram } from "./recorder/histogram.ts";
import { type BenchResult, SCHEMA_VERSION, type TargetResult } from "./result.ts";

const SCHEMAS: Record<string, Record<string, unknown>> = {
  bench: resultSchema,
  "bench-ab": { ...abSchema, $defs: { ...resultSchema.$defs, ...abSchema.$defs } },
};

/** The result of `kv bench` in `text`; `path` is for messages. */
export function parseResult(text: string, path: string): BenchResult {
  const result = parseAnyResult(text, path);
  if (result.kind === "bench") return result;
  throw new FatalError(`Cannot use ${JSON.stringify(path)}: it is a result of kv bench ab`);
}

/** The same, or a result of `kv bench ab`. */
export function parseAnyResult(text: string, path: string): BenchResult | AbResult {
  const value = parseJson(text, path);
  const fail = (why: string, hint?: string) =>
    new FatalError(`Cannot read ${JSON.stringify(path)}: ${why}`, hint);
  const schema = SCHEMAS[String(value.kind)];
  if (value.schemaVersion === 1) {
    throw fail("its schemaVersion is 1, of an older kv", "measure again with this version");
  }
  if (schema === undefined) throw fail("it is not a result of kv bench");
  if (value.schemaVersion !== SCHEMA_VERSION) {
    throw fail(`its schemaVersion is ${value.schemaVersion}, this kv knows ${SCHEMA_VERSION}`);
  }
  const [error] = schemaErrorsOfKnown(schema, value);
  if (error !== undefined) throw fail(error);
  const result = value as unknown as BenchResult | AbResult;
  const targets = result.kind === "bench" ? result.targets : result.sides.map((s) => s.target);
  try {
    for (const target of targets) checkHistograms(target);
  } catch (cause) {
    throw fail(cause instanceof Error ? cause.message : String(cause));
  }
  return result;
}

function parseJson(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const end = text.trim() === "" ? "it is empty" : "it is not JSON, or cut off";
    throw new FatalError(`Cannot read ${JSON.stringify(path)}: ${end}`);
  }
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Throws RangeError for one of another resolution. */
function checkHistograms({ phases }: TargetResult): void {
  for (const { summary, runs } of phases) {
    for (const set of [summary.latency, ...runs.map((run) => run.latency)]) {
      for (const latency of [set?.primary, set?.service, set?.sendLag]) {
        if (latency) Histogram.fromData(latency.histogram);
      }
    }
  }
}
