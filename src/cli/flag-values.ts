/**
 * Flag texts → numbers, sizes, durations and rates, with errors worded for the command line:
 * `--flag: what is wrong (the value), the bound or the fix`.
 */
import { UsageError } from "../base/errors.ts";
import { parseCount, parseDurationMs } from "../base/units.ts";
import { endingOf } from "../bench/report/file-endings.ts";

/** What `parse` returns; its RangeError is worded to stand behind the flag. Throws UsageError. */
export function parsedBy<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${flag}: ${error.message}`);
    throw error;
  }
}

/** A whole number between `min` and `max`. Throws UsageError. */
export function countOf(flag: string, text: string, min: number, max: number): number {
  const value = parseCount(text);
  if (value === null) throw new UsageError(`${flag}: not a whole number (${text})`);
  return inRange(flag, value, min, max);
}

/** Milliseconds of "250ms", "10s" or "5m". Throws UsageError. */
export function durationMsOf(flag: string, text: string, min: number, max: number): number {
  const value = parseDurationMs(text);
  if (value === null) throw new UsageError(`${flag}: not a duration (${text}), such as 10s`);
  return inRange(flag, value, min, max, " ms");
}

/** A number per second: "20000", "20k", "1.5m". Throws UsageError. */
export function rateOf(flag: string, text: string, min: number, max: number): number {
  const match = /^(\d+(?:\.\d+)?)([km]?)$/i.exec(text);
  if (match === null) throw new UsageError(`${flag}: not a rate (${text}), such as 20000 or 20k`);
  const unit = { "": 1, k: 1e3, m: 1e6 }[match[2]?.toLowerCase() ?? ""] ?? 1;
  return inRange(flag, Number(match[1]) * unit, min, max, "/s");
}

/** A number such as 0.25. Throws UsageError. */
export function fractionOf(flag: string, text: string, min: number, max: number): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageError(`${flag}: not a number (${text})`);
  return inRange(flag, Number(text), min, max);
}

/** One of `names`, ignoring case and dashes. Throws UsageError. */
export function choiceOf<T extends string>(flag: string, text: string, names: readonly T[]): T {
  const wanted = text.toLowerCase().replaceAll("-", "");
  const found = names.find((name) => name.replaceAll("-", "") === wanted);
  if (found !== undefined) return found;
  throw new UsageError(`${flag}: unknown (${text}), known are ${names.join(", ")}`);
}

/** Which of `endings` the name of a file has. Throws UsageError for another one. */
export function checkedEnding(flag: string, path: string, endings: string[]): string {
  const ending = endingOf(path, endings);
  if (ending !== null) return ending;
  const known = endings.join(", ");
  throw new UsageError(`${flag}: unknown kind of file (${path}), its name must end with ${known}`);
}

function inRange(flag: string, value: number, min: number, max: number, unit = ""): number {
  if (value < min) throw new UsageError(`${flag}: ${value} is below the minimum: ${min}${unit}`);
  if (value > max) throw new UsageError(`${flag}: ${value} is above the maximum: ${max}${unit}`);
  return value;
}
