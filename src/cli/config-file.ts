/**
 * Files that the command line names: the configuration, as lines of names and values, and the
 * password.
 *
 * The configuration has the syntax of redis.conf: one `name value…` a line, `#` at the start of a
 * line for a comment, "double quotes" with \n \r \t \a \b \xHH and \" inside, 'single quotes' with
 * \' only. What a line means is decided in serve-options.ts.
 *
 * Limit: CONFIG_FILE_SIZE_MAX. Not here: `include`, and values on several lines, which Redis does
 * not have either.
 */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { FatalError, reasonOf, UsageError } from "../base/errors.ts";
import { CONFIG_FILE_SIZE_MAX } from "../base/limits.ts";

export interface ConfigLine {
  /** In lower case. */
  readonly name: string;
  readonly values: readonly string[];
  /** "kv.conf, line 3", for messages. */
  readonly place: string;
}

/**
 * The lines of the file at `path`. Throws FatalError when it cannot be read, UsageError when a line
 * is malformed.
 */
export function readConfigFile(path: string): ConfigLine[] {
  return parseConfig(readSmallFile(path, "configuration file").toString("utf8"), path);
}

/**
 * The first line of the file at `path`, as latin1. Throws FatalError when it cannot be read or is
 * empty.
 */
export function readPasswordFile(path: string): string {
  const text = readSmallFile(path, "password file").toString("latin1");
  const password = text.split(/\r?\n/, 1)[0] as string;
  if (password === "") {
    throw new FatalError(`Cannot use password file "${path}": its first line is empty`);
  }
  return password;
}

/** The lines of a configuration text; `path` is for messages only. */
export function parseConfig(text: string, path: string): ConfigLine[] {
  const lines: ConfigLine[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const place = `${path}, line ${index + 1}`;
    const words = splitWords(line);
    if (words === null) throw new UsageError(`${place}: unbalanced quotes (${line}), close them`);
    const name = (words[0] as string).toLowerCase();
    if (words.length === 1) throw new UsageError(`${place}: ${name}: value is missing`);
    lines.push({ name, values: words.slice(1), place });
  }
  return lines;
}

function readSmallFile(path: string, what: string): Buffer {
  try {
    const size = statSync(path).size;
    if (size > CONFIG_FILE_SIZE_MAX) {
      throw new Error(`it has ${size} bytes, at most ${CONFIG_FILE_SIZE_MAX} are allowed`);
    }
    return readFileSync(path);
  } catch (error) {
    throw new FatalError(`Cannot read ${what} "${resolve(path)}": ${reasonOf(error)}`);
  }
}

/**
 * The words of a line, quotes resolved; null when a quote is not closed or not followed by a blank.
 */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (isBlank(line[at])) at++;
    if (at >= line.length) return words;
    const quote = line[at];
    const word =
      quote === '"' || quote === "'" ? quotedWord(line, at + 1, quote) : plainWord(line, at);
    if (word === null) return null;
    words.push(word.text);
    at = word.end;
  }
}

interface Word {
  readonly text: string;
  /** Index behind the word. */
  readonly end: number;
}

function plainWord(line: string, start: number): Word {
  let end = start;
  while (end < line.length && !isBlank(line[end])) end++;
  return { text: line.slice(start, end), end };
}

function quotedWord(line: string, start: number, quote: string): Word | null {
  let text = "";
  let at = start;
  for (;;) {
    const character = line[at];
    if (character === undefined) return null;
    if (character === quote) break;
    if (character === "\\") {
      const found = quote === '"' ? escapeAt(line, at + 1) : line[at + 1] === "'" ? SINGLE : null;
      text += found?.text ?? "\\";
      at += found?.length ?? 1;
    } else {
      text += character;
      at++;
    }
  }
  const next = line[at + 1];
  return next === undefined || isBlank(next) ? { text, end: at + 1 } : null;
}

const SINGLE = { text: "'", length: 2 };
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b" };

/** The escape whose letter is at `at`: its text, and its length with the backslash. */
function escapeAt(line: string, at: number): { text: string; length: number } | null {
  const letter = line[at];
  if (letter === undefined) return null;
  const hex = /^x[0-9a-fA-F]{2}/.exec(line.slice(at, at + 3));
  if (hex !== null) return { text: String.fromCharCode(parseInt(hex[0].slice(1), 16)), length: 4 };
  return { text: ESCAPES[letter] ?? letter, length: 2 };
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\r";
}
