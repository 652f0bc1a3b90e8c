/**
 * What the tidy test knows about a source file: its text without comments and strings, its imports,
 * its functions.
 *
 * A scanner, not a parser: it tells comments, strings, templates and regular expressions from code,
 * and finds the bodies of functions by their brackets. That is enough for formatted TypeScript, and
 * takes milliseconds for all of it.
 *
 * `code` and `bare` have the length and the line breaks of the file, so that an offset means the
 * same in all three:
 *
 *      text   const a = "x{"; // why {
 *      code   const a = "x{";              comments blanked
 *      bare   const a = "  ";              comments and the insides of literals blanked
 */

export interface ImportStatement {
  /** As written: "./layout.ts", "node:fs". */
  readonly specifier: string;
  /** `import type` and `export type`: erased, so it cannot be part of a cycle when it runs. */
  readonly isType: boolean;
}

export interface FunctionBody {
  /** "" for an arrow function. */
  readonly name: string;
  /** First line, from 1. */
  readonly line: number;
  readonly linesCount: number;
}

export interface Source {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly code: string;
  readonly bare: string;
  readonly imports: readonly ImportStatement[];
}

export function readSource(path: string, text: string): Source {
  const { code, bare } = blank(text);
  return { path, text, code, bare, imports: findImports(code) };
}

/** Behind one of these a slash begins a regular expression; behind anything else it divides. */
const REGEX_MAY_FOLLOW = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else))\s*$/;
/** How much of the code before a slash is looked at. */
const LOOK_BACK = 24;

function blank(text: string): { code: string; bare: string } {
  const code = text.split("");
  const bare = text.split("");
  /** One entry for each template that is open: depth of the brackets inside its current ${ }. */
  const templates: number[] = [];
  let at = 0;

  function erase(target: string[], from: number, to: number): void {
    for (let i = from; i < to; i++) if (target[i] !== "\n") target[i] = " ";
  }
  function skipTemplate(from: number): number {
    let end = from;
    while (end < text.length && text[end] !== "`" && !text.startsWith("${", end)) {
      end += text[end] === "\\" ? 2 : 1;
    }
    erase(bare, from, end);
    if (text[end] === "`") return end + 1;
    templates.push(0);
    return end + 2;
  }

  while (at < text.length) {
    const character = text[at] as string;
    const depth = templates.at(-1);
    if (text.startsWith("//", at) || text.startsWith("/*", at)) {
      const end = commentEnd(text, at);
      erase(code, at, end);
      erase(bare, at, end);
      at = end;
    } else if (character === '"' || character === "'") {
      const end = literalEnd(text, at, character);
      erase(bare, at + 1, end - 1);
      at = end;
    } else if (
      character === "/" &&
      REGEX_MAY_FOLLOW.test(bare.slice(Math.max(0, at - LOOK_BACK), at).join(""))
    ) {
      const end = regexEnd(text, at);
      erase(bare, at + 1, end - 1);
      at = end;
    } else if (character === "`") {
      at = skipTemplate(at + 1);
    } else if (character === "}" && depth === 0) {
      templates.pop();
      at = skipTemplate(at + 1);
    } else {
      if (depth !== undefined && character === "{") templates[templates.length - 1] = depth + 1;
      if (depth !== undefined && character === "}") templates[templates.length - 1] = depth - 1;
      at++;
    }
  }
  return { code: code.join(""), bare: bare.join("") };
}

function commentEnd(text: string, start: number): number {
  const isLine = text[start + 1] === "/";
  const end = text.indexOf(isLine ? "\n" : "*/", start + 2);
  if (end === -1) return text.length;
  return isLine ? end : end + 2;
}

/** Index behind the closing quote, or the end of the line when there is none. */
function literalEnd(text: string, start: number, quote: string): number {
  let at = start + 1;
  while (at < text.length && text[at] !== quote && text[at] !== "\n")
    at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function regexEnd(text: string, start: number): number {
  let isInClass = false;
  let at = start + 1;
  while (at < text.length && text[at] !== "\n" && (isInClass || text[at] !== "/")) {
    if (text[at] === "[") isInClass = true;
    if (text[at] === "]") isInClass = false;
    at += text[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}

const IMPORT_FROM = /^(?:import|export)\s+(type\s)?[^"';]*?\bfrom\s+"([^"]+)"/gm;
const IMPORT_BARE = /^import\s+"([^"]+)"/gm;
const IMPORT_CALL = /\bimport\(\s*"([^"]+)"\s*\)/g;
/**
 * A Worker's entry point: `new URL("./x.ts", import.meta.url)`, and the name given to workerUrl.
 */
const WORKER_URL = /\bnew URL\(\s*"([^"]+)",\s*import\.meta\.url\s*\)/g;
const WORKER_NAME = /\bworkerUrl\("([a-z-]+)"\)/g;

function findImports(code: string): ImportStatement[] {
  const found: ImportStatement[] = [];
  for (const match of code.matchAll(IMPORT_FROM)) {
    found.push({ specifier: match[2] as string, isType: match[1] !== undefined });
  }
  for (const pattern of [IMPORT_BARE, IMPORT_CALL]) {
    for (const match of code.matchAll(pattern)) {
      found.push({ specifier: match[1] as string, isType: false });
    }
  }
  // A Worker has modules of its own: addressing one makes no cycle.
  for (const match of code.matchAll(WORKER_URL)) {
    found.push({ specifier: match[1] as string, isType: true });
  }
  for (const match of code.matchAll(WORKER_NAME)) {
    found.push({ specifier: `./${match[1]}.ts`, isType: true });
  }
  return found;
}

const FUNCTION_HEAD = /\bfunction\b\s*\*?\s*([\w$]*)\s*(?:<[^(){}]*>)?\s*\(/g;
const METHOD_WORDS = "(?:(?:public|private|protected|static|async|override|get|set)\\s+)*";
const METHOD_HEAD = new RegExp(
  `^[ \\t]+${METHOD_WORDS}\\*?(#?[\\w$]+|\\[[\\w.]+\\])(?:<[^(){}]*>)?\\(`,
  "gm",
);
const ARROW_BODY = /=>\s*\{/g;
const NOT_METHODS = /^(?:if|for|while|switch|catch|with|return|function|await|super|new|typeof)$/;
/** A group of tests is as long as its tests. */
const DESCRIBE = /\bdescribe(?:\.\w+)*\([^\n]*=>\s*$/;

/** Every function, method and arrow function with a body, in no order. */
export function findFunctions({ bare }: Source): FunctionBody[] {
  const found: FunctionBody[] = [];
  const lineAt = lineCounter(bare);
  function add(name: string, start: number, brace: number): void {
    const line = lineAt(start);
    found.push({ name, line, linesCount: lineAt(bracketEnd(bare, brace)) - line + 1 });
  }
  for (const pattern of [FUNCTION_HEAD, METHOD_HEAD]) {
    for (const match of bare.matchAll(pattern)) {
      if (pattern === METHOD_HEAD && NOT_METHODS.test(match[1] as string)) continue;
      const brace = bodyStart(bare, bracketEnd(bare, match.index + match[0].length - 1) + 1);
      if (brace !== -1) add(match[1] as string, match.index + match[0].search(/\S/), brace);
    }
  }
  for (const match of bare.matchAll(ARROW_BODY)) {
    const before = bare.slice(bare.lastIndexOf("\n", match.index) + 1, match.index + 2);
    if (!DESCRIBE.test(before)) add("", match.index, match.index + match[0].length - 1);
  }
  return found;
}

/**
 * Line numbers for offsets that are mostly asked for once: a binary search over the line starts.
 */
function lineCounter(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

/** Index of the bracket that closes the one at `open`. */
function bracketEnd(bare: string, open: number): number {
  let depth = 0;
  for (let at = open; at < bare.length; at++) {
    const character = bare[at] as string;
    if ("([{".includes(character)) depth++;
    else if (")]}".includes(character) && --depth === 0) return at;
  }
  return bare.length;
}

/**
 * Index of the brace that opens a body, given the index behind the parameters: skips a return type,
 * in which a brace is part of a type when it follows one of `: | & < ( , => is`. -1 when there is
 * no body (a call, an overload).
 */
function bodyStart(bare: string, behindParameters: number): number {
  const colon = /^\s*(:?)/.exec(
    bare.slice(behindParameters, behindParameters + 4),
  ) as RegExpExecArray;
  let at = behindParameters + colon[0].length;
  if (colon[1] === "") return /^\s*\{/.test(bare.slice(at)) ? bare.indexOf("{", at) : -1;
  // The token before the brace: a bracket, an operator, or the end of a word.
  let last = ":";
  for (; at < bare.length; at++) {
    const character = bare[at] as string;
    if (character === ";" || (character === "=" && bare[at + 1] !== ">")) return -1;
    if (character === "{" && !/(?:[:|&<(,]|=>|\bis)$/.test(last)) return at;
    if ("([{".includes(character)) at = bracketEnd(bare, at);
    if (!/\s/.test(character)) last = bare.slice(Math.max(0, at - 3), at + 1);
  }
  return -1;
}
