/**
 * The process's own log: one line per event on standard error, with the time, the level and the
 * Worker.
 *
 *   2026-01-31T12:00:00.000Z info  worker 1: listening on 127.0.0.1:7878
 *
 * For control code: start, stop, refused connections, failures. Never called per request.
 * What a program reads (the ready line, tables, JSON) goes to standard output and not through here.
 */
import { writeSync } from "node:fs";

export type LogLevel = "debug" | "info" | "warn" | "error";

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
const STDERR = 2;

export class Log {
  readonly #source: string;
  readonly #levelMin: number;
  readonly #write: (line: string) => void;

  /** `source` names the writer ("main", "worker 1"); lines below `level` are dropped. */
  constructor(source: string, level: LogLevel = "info", write = writeToStderr) {
    this.#source = source;
    this.#levelMin = LEVELS.indexOf(level);
    this.#write = write;
  }

  debug(message: string): void {
    this.#log("debug", message);
  }

  info(message: string): void {
    this.#log("info", message);
  }

  warn(message: string): void {
    this.#log("warn", message);
  }

  error(message: string): void {
    this.#log("error", message);
  }

  #log(level: LogLevel, message: string): void {
    if (LEVELS.indexOf(level) < this.#levelMin) return;
    const time = new Date().toISOString();
    // A line break in a message (a client's name, a path) must not forge a second line.
    const line = message.replace(/[\r\n]+/g, " ");
    this.#write(`${time} ${level.padEnd(5)} ${this.#source}: ${line}\n`);
  }
}

/** Synchronous, so that a line written just before the process ends is not lost. */
function writeToStderr(line: string): void {
  try {
    writeSync(STDERR, line);
  } catch {
    // Standard error is closed or full: logging must not take the server down.
  }
}
