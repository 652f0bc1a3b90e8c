/** Files of the benchmark: checked before a run, written after it, read for reports. */
import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { FatalError, reasonOf } from "./base/errors.ts";
import type { OutputFile } from "./bench/report/exporters.ts";

/** A result that cannot be kept is worth nothing: better to know before the run than after it. */
export function checkWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw new FatalError(`Cannot write ${JSON.stringify(path)}: ${reasonOf(error)}`);
  }
}

/** Throws FatalError for the first that cannot be written. */
export function writeFiles(files: OutputFile[]): void {
  for (const { path, text } of files) {
    try {
      writeFileSync(path, text);
    } catch (error) {
      throw new FatalError(`Cannot write ${JSON.stringify(path)}: ${reasonOf(error)}`);
    }
  }
}

/** The text of a file. Throws FatalError. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new FatalError(`Cannot read ${JSON.stringify(path)}: ${reasonOf(error)}`);
  }
}
