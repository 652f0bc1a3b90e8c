/**
 * The notation of `--command`: one request with places that differ each time.
 *
 *      SET {key zipf} {value 64-1024}          HSET "user {key}" visits {rand 1000} at {seq}
 *
 *      {key [distribution] [count]}    key:<10 digits>, drawn as distributions.ts says from so
 *                                      many keys; what is left out is taken from the run
 *      {value [sizes]}                 a value as long as value-sizes.ts says; it is that of the
 *                                      key before it
 *      {rand n}                        a number from 0 to n - 1
 *      {seq}                           0, 1, 2, …: one more with each request
 *
 * Words are separated by blanks. In double quotes blanks belong to the word and placeholders work;
 * single quotes take everything as it is. A backslash takes the next character as it is; \n \r \t
 * and \xHH are the usual bytes. Text goes out in UTF-8.
 * Here: from text to plain data. template-renderer.ts makes requests of it.
 */
import { parseCount } from "../../base/units.ts";
import { type KeyDistribution, parseKeyDistribution } from "./distributions.ts";
import { parseValueSizes, type ValueSizes } from "./value-sizes.ts";

export type TemplatePart =
  /** One character for each byte. */
  | { readonly kind: "text"; readonly latin1: string }
  /** null: as the run has it. */
  | {
      readonly kind: "key";
      readonly distribution: KeyDistribution | null;
      readonly keysCount: number | null;
    }
  | { readonly kind: "value"; readonly sizes: ValueSizes | null }
  | { readonly kind: "random"; readonly bound: number }
  | { readonly kind: "sequence" };

export interface CommandTemplate {
  readonly text: string;
  /** The first word in upper case. It has no placeholder. */
  readonly name: string;
  /** The arguments, the name among them; one without parts is an empty string. */
  readonly words: readonly (readonly TemplatePart[])[];
}

const WORDS_COUNT_MAX = 1024;
const KEYS_COUNT_MAX = 2 ** 31 - 1;
const RANDOM_BOUND_MAX = 2 ** 32;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
const BLANK = /\s/;

/**
 * Throws RangeError whose message stands behind "--command: " and begins with the column at fault.
 */
export function parseCommandTemplate(text: string): CommandTemplate {
  const words = new TemplateParser(text).words();
  if (words.length === 0) throw new RangeError("no command, as in SET {key} {value}");
  if (words.length > WORDS_COUNT_MAX) {
    throw new RangeError(`${words.length} words, at most ${WORDS_COUNT_MAX}`);
  }
  const [first, ...others] = words[0] as TemplatePart[];
  if (first?.kind !== "text" || others.length > 0) {
    throw new RangeError("column 1: the command's name must be plain text");
  }
  return { text, name: first.latin1.toUpperCase(), words };
}

/** By code points; a column counts from 1. */
class TemplateParser {
  readonly #characters: string[];
  #at = 0;
  #parts: TemplatePart[] = [];
  #latin1 = "";

  constructor(text: string) {
    this.#characters = [...text];
  }

  words(): TemplatePart[][] {
    const words: TemplatePart[][] = [];
    for (;;) {
      while (this.#isBlank()) this.#at++;
      if (this.#at === this.#characters.length) return words;
      words.push(this.#word());
    }
  }

  #isBlank(): boolean {
    const character = this.#characters[this.#at];
    return character !== undefined && BLANK.test(character);
  }

  #word(): TemplatePart[] {
    this.#parts = [];
    while (this.#at < this.#characters.length && !this.#isBlank()) {
      const character = this.#characters[this.#at] as string;
      if (character === '"') this.#doubleQuoted();
      else if (character === "'") this.#singleQuoted();
      else this.#plain();
    }
    this.#endText();
    return this.#parts;
  }

  #doubleQuoted(): void {
    const start = this.#at++;
    while (this.#characters[this.#at] !== '"') {
      if (this.#at === this.#characters.length) fail(start, "the quote is not closed");
      this.#plain();
    }
    this.#at++;
  }

  #singleQuoted(): void {
    const start = this.#at++;
    const end = this.#characters.indexOf("'", this.#at);
    if (end === -1) fail(start, "the quote is not closed");
    for (; this.#at < end; this.#at++) this.#add(this.#characters[this.#at] as string);
    this.#at++;
  }

  /** What means the same outside and inside of double quotes. */
  #plain(): void {
    const character = this.#characters[this.#at] as string;
    if (character === "{") this.#placeholder();
    else if (character === "\\") this.#escape();
    else if (character === "}") fail(this.#at, "} without {, write \\} for the character");
    else {
      this.#add(character);
      this.#at++;
    }
  }

  #escape(): void {
    const start = this.#at++;
    const character = this.#characters[this.#at++];
    if (character === undefined) fail(start, "nothing follows the backslash");
    if (character === "x") this.#hexEscape(start);
    else this.#add(ESCAPES[character] ?? character);
  }

  #hexEscape(start: number): void {
    const hex = this.#characters.slice(this.#at, this.#at + 2).join("");
    if (!/^[0-9a-f]{2}$/i.test(hex)) fail(start, "\\x needs two hexadecimal digits");
    this.#latin1 += String.fromCharCode(Number.parseInt(hex, 16));
    this.#at += 2;
  }

  #add(character: string): void {
    this.#latin1 += Buffer.from(character, "utf8").toString("latin1");
  }

  #endText(): void {
    if (this.#latin1 !== "") this.#parts.push({ kind: "text", latin1: this.#latin1 });
    this.#latin1 = "";
  }

  #placeholder(): void {
    const start = this.#at;
    const end = this.#characters.indexOf("}", start);
    if (end === -1) fail(start, "{ is not closed, write \\{ for the character");
    const body = this.#characters.slice(start + 1, end).join("");
    this.#endText();
    try {
      this.#parts.push(parsePlaceholder(body));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      fail(start, `{${body}}: ${error.message}`);
    }
    this.#at = end + 1;
  }
}

function fail(at: number, message: string): never {
  throw new RangeError(`column ${at + 1}: ${message}`);
}

function parsePlaceholder(body: string): TemplatePart {
  const [name = "", ...parameters] = body.trim().split(/\s+/);
  switch (name.toLowerCase()) {
    case "key":
      return parseKey(parameters);
    case "value": {
      atMost(parameters, 1);
      const [sizes] = parameters;
      return { kind: "value", sizes: sizes === undefined ? null : parseValueSizes(sizes) };
    }
    case "rand": {
      atMost(parameters, 1);
      return { kind: "random", bound: parseBound(parameters[0] ?? "", RANDOM_BOUND_MAX) };
    }
    case "seq":
      atMost(parameters, 0);
      return { kind: "sequence" };
    default:
      throw new RangeError("unknown placeholder, known are key, value, rand and seq");
  }
}

/** A parameter that begins with a digit is the count, another one the distribution. */
function parseKey(parameters: readonly string[]): TemplatePart {
  atMost(parameters, 2);
  const counts = parameters.filter((parameter) => /^[0-9]/.test(parameter));
  const names = parameters.filter((parameter) => !counts.includes(parameter));
  const [count] = counts;
  const [name] = names;
  if (counts.length > 1) throw new RangeError(`two counts (${counts.join(" ")})`);
  if (names.length > 1) throw new RangeError(`two distributions (${names.join(" ")})`);
  return {
    kind: "key",
    distribution: name === undefined ? null : parseKeyDistribution(name),
    keysCount: count === undefined ? null : parseBound(count, KEYS_COUNT_MAX),
  };
}

function parseBound(text: string, max: number): number {
  const bound = parseCount(text);
  if (bound !== null && bound >= 1 && bound <= max) return bound;
  throw new RangeError(`needs a whole number from 1 to ${max} (${text})`);
}

function atMost(parameters: readonly string[], count: number): void {
  if (parameters.length <= count) return;
  throw new RangeError(`too many parameters (${parameters.length}), at most ${count}`);
}
