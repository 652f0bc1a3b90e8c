/**
 * Where text goes to: how wide it is, and whether it shows colours.
 *
 * Colours only on a terminal, and not against the wish of the user (NO_COLOR, no-color.org).
 */
import type { Tone } from "./cells.ts";

export interface Terminal {
  /** Infinite where nothing wraps. */
  columnsCount: number;
  hasColors: boolean;
}

/** A file or a pipe. */
export const PLAIN: Terminal = { columnsCount: Number.POSITIVE_INFINITY, hasColors: false };

const CODES: Record<Tone | "head", string> = {
  head: "1",
  bad: "1;31",
  doubtful: "33",
  good: "32",
};

export function terminalOf(
  stream: { isTTY?: boolean; columns?: number },
  env: Record<string, string | undefined>,
): Terminal {
  if (stream.isTTY !== true) return PLAIN;
  return {
    columnsCount: stream.columns || Number.POSITIVE_INFINITY,
    hasColors: !env.NO_COLOR && env.TERM !== "dumb",
  };
}

/** `text` in the colour of `tone`, where there are colours. */
export function paint(terminal: Terminal, tone: Tone | "head" | null, text: string): string {
  if (!terminal.hasColors || tone === null || text === "") return text;
  return `\x1b[${CODES[tone]}m${text}\x1b[0m`;
}
