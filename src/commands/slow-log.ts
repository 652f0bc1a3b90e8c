/**
 * The slow log: the last commands of this Worker that took longer than slowlog-log-slower-than.
 *
 * Dispatch calls `note` with what a command took; SLOWLOG GET asks every Worker for its entries and
 * merges them by id (slowlog-commands.ts), which is why ids come from a counter that all Workers
 * share. Arguments are trimmed as Redis does it (32 arguments, 128 bytes each), and secrets are
 * replaced before they are kept.
 * Bounded by slowlog-max-len per Worker.
 */

import type { ServerStats } from "../base/server-stats.ts";
import type { Settings } from "../base/settings.ts";

/** Arguments kept of a command; the last one then says how many more there were. */
const ARGUMENTS_COUNT_MAX = 32;
/** Bytes kept of an argument; more is said in words. */
const ARGUMENT_SIZE_MAX = 128;
const REDACTED = "(redacted)";

/** One slow command. Plain data: it travels between Workers. Texts are latin1. */
export interface SlowLogEntry {
  readonly id: number;
  readonly timeSeconds: number;
  readonly durationUs: number;
  readonly arguments: readonly string[];
  readonly address: string;
  readonly clientName: string;
}

/** The part of Context that is logged. */
export interface RunningCommand {
  readonly bytes: Buffer;
  readonly argStart: Int32Array;
  readonly argLength: Int32Array;
  readonly first: number;
  readonly count: number;
  readonly commandName: string;
  readonly nowMs: number;
  readonly session: { readonly address: string; readonly name: string };
}

export class SlowLog {
  /** Oldest first. */
  #entries: SlowLogEntry[] = [];
  readonly #settings: Settings;
  readonly #stats: ServerStats;

  constructor(settings: Settings, stats: ServerStats) {
    this.#settings = settings;
    this.#stats = stats;
  }

  /** Logs the command when `durationUs` reaches the threshold. Hot only up to the comparison. */
  note(command: RunningCommand, durationUs: number): void {
    const threshold = this.#settings.slowlogThresholdUs;
    if (threshold < 0 || durationUs < threshold) return;
    this.#add(command, durationUs);
  }

  /** The newest `count` entries of this Worker (all when negative), newest first. */
  newest(count: number): SlowLogEntry[] {
    const reversed = this.#entries.slice().reverse();
    return count < 0 ? reversed : reversed.slice(0, count);
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Forgets everything. */
  reset(): void {
    this.#entries = [];
  }

  #add(command: RunningCommand, durationUs: number): void {
    const lengthMax = this.#settings.slowlogLengthMax;
    this.#entries.push({
      id: this.#stats.nextSlowlogId(),
      timeSeconds: Math.floor(command.nowMs / 1000),
      durationUs: Math.round(durationUs),
      arguments: trimmedArguments(command),
      address: command.session.address,
      clientName: command.session.name,
    });
    if (this.#entries.length > lengthMax) {
      this.#entries.splice(0, this.#entries.length - lengthMax);
    }
  }
}

function trimmedArguments(command: RunningCommand): string[] {
  const kept = Math.min(command.count, ARGUMENTS_COUNT_MAX);
  const texts: string[] = [];
  for (let i = 0; i < kept; i++) {
    if (i === ARGUMENTS_COUNT_MAX - 1 && command.count > ARGUMENTS_COUNT_MAX) {
      texts.push(`... (${command.count - ARGUMENTS_COUNT_MAX + 1} more arguments)`);
    } else {
      texts.push(isSecret(command, i) ? REDACTED : trimmedArgument(command, i));
    }
  }
  return texts;
}

function trimmedArgument(command: RunningCommand, i: number): string {
  const start = command.argStart[command.first + i] as number;
  const length = command.argLength[command.first + i] as number;
  if (length <= ARGUMENT_SIZE_MAX) return command.bytes.toString("latin1", start, start + length);
  const head = command.bytes.toString("latin1", start, start + ARGUMENT_SIZE_MAX);
  return `${head}... (${length - ARGUMENT_SIZE_MAX} more bytes)`;
}

/**
 * Passwords: all of AUTH, what follows AUTH in HELLO, and the values of secret parameters in CONFIG
 * SET.
 */
function isSecret(command: RunningCommand, i: number): boolean {
  if (i === 0) return false;
  switch (command.commandName) {
    case "auth":
      return true;
    case "hello":
      return word(command, i - 1) === "auth" || (i > 1 && word(command, i - 2) === "auth");
    case "config|set":
      return i > 2 && i % 2 === 1 && isSecretParameter(word(command, i - 1));
    default:
      return false;
  }
}

function isSecretParameter(name: string): boolean {
  return name === "requirepass" || name === "masterauth" || name === "masteruser";
}

function word(command: RunningCommand, i: number): string {
  const start = command.argStart[command.first + i] as number;
  const length = command.argLength[command.first + i] as number;
  return length > ARGUMENT_SIZE_MAX
    ? ""
    : command.bytes.toString("latin1", start, start + length).toLowerCase();
}
