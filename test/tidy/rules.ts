/**
 * The rules of the tidy test, as data and as functions from all sources to violations.
 *
 * A violation has a rule, a subject (a file, a function, an arrow between two files) and a value to
 * compare with the ratchet: a number of lines or of occurrences. Nothing here reads a file.
 *
 * When adding a folder under src: add its row to MAY_IMPORT, and to the table of
 * docs/ARCHITECTURE.md. When adding a file to src/store: put its name into STORE_ORDER.
 */
import { dirname, join } from "node:path/posix";
import { findFunctions, type Source } from "./source.ts";

export interface Violation {
  readonly rule: string;
  readonly subject: string;
  readonly value: number;
  readonly message: string;
}

const FILE_LINES_MAX = 600;
const FUNCTION_LINES_MAX = 70;
const COLUMNS_MAX = 100;

/**
 * Which folders of src may import what: whole folders ("base"), single files ("resp/writer"), or
 * types only ("type store"). Every folder may import itself, and the files directly in src
 * anything.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  resp: ["base"],
  store: ["base"],
  formats: ["base"],
  pubsub: ["base", "resp/writer"],
  commands: [
    "base",
    "resp/writer",
    "resp/replies",
    "resp/errors",
    "type resp/parser",
    "store/store",
    "store/cursor",
    "store/status",
    "type store/durability",
    "pubsub",
  ],
  net: [
    "base",
    "resp",
    "type store",
    "commands/dispatch",
    "commands/context",
    "commands/session",
    "type commands",
    "pubsub/subscriber",
    "type pubsub",
  ],
  chat: ["base", "store/embedded"],
  bench: ["base", "resp/encoder", "resp/reader", "resp/reply-scanner", "formats"],
  "bench/drivers/in-process": ["base", "store/embedded", "formats", "bench"],
  "bench/engine/messages": ["base", "store/embedded"],
  "bench/engine/suite": ["base", "store/embedded"],
  "bench/engine/work": ["base", "store/embedded"],
  // The options of `kv bench` are checked against what the benchmark can do.
  cli: ["base", "bench", "formats", "type chat"],
};

/**
 * The inside of the store, lowest first: a file imports from its own row and the rows before it.
 */
export const STORE_ORDER: readonly (readonly string[])[] = [
  [
    "layout",
    "log-layout",
    "status",
    "cursor",
    "size-class",
    "list-frame",
    "list-node",
    "list-node-edit",
  ],
  ["memory", "latch", "log-check", "log-files"],
  ["record", "blocks", "reclaim", "manifest", "directory"],
  ["index", "epoch", "access"],
  ["nodes", "retired", "read"],
  ["list-page", "list-large"],
  ["remove", "upsert"],
  ["chain", "strings", "multi", "stats", "list-copy", "list-edit", "lists"],
  ["rename", "expiry", "eviction", "flush", "scan", "log", "log-reader", "log-values"],
  ["admission", "upkeep", "invariants", "checkpoint", "flusher", "heap", "keeper", "durability"],
  ["store"],
  ["replay", "shard-reader", "durable-store", "recovery"],
  ["embedded-worker"],
  ["embedded-log", "embedded-bytes", "embedded-errors"],
  ["embedded"],
];

/** Requests run through these: no view, no log line, no clock of their own. */
const HOT = /^src\/(?:resp|net|store|commands|pubsub|base)\//;
const TEST = /(?:\.test|\.fuzz|\.bench)\.ts$|^test\//;
/** Where writing to the terminal is the purpose. */
const TERMINAL = /^(?:src\/(?:cli|bench)\/|src\/bench\.ts|scripts\/|build\.ts|test\/|examples\/)/;

interface Ban {
  readonly rule: string;
  readonly pattern: RegExp;
  /**
   * What is searched: `bare` has neither comments nor the insides of strings, `text` has
   * everything.
   */
  readonly where: "bare" | "text";
  readonly applies: (path: string) => boolean;
  readonly instead: string;
}

const BANS: readonly Ban[] = [
  ban("as any", /\bas any\b/g, "give it its type"),
  ban("ts-ignore", /@ts-(?:ignore|nocheck)/g, "mend the type", { where: "text" }),
  ban("to-do", /\b(?:TODO|FIXME|XXX)\b/g, "do it, or say what is missing", { where: "text" }),
  ban("console", /\bconsole\.\w/g, "use base/log.ts", {
    applies: (path) => !TERMINAL.test(path) && !/\.(?:bench|fuzz)\.ts$/.test(path),
  }),
  ban("Math.random", /\bMath\.random\b/g, "use base/prng.ts"),
  ban("Date.now", /\bDate\.now\b/g, "use base/clock.ts", {
    applies: (path) => path.startsWith("src/") && !TEST.test(path) && path !== "src/base/clock.ts",
  }),
  ban("wait in test", /\b(?:setTimeout|Bun\.sleep|Bun\.sleepSync)\(/g, "use eventually()", {
    applies: (path) => TEST.test(path) && path !== "test/harness.ts",
  }),
  ban("test.only", /\b(?:test|describe|it)\.only\b/g, "run one by `make test T=…`"),
  ban("subarray", /\.subarray\(/g, "copy with Buffer.copy and offsets", {
    applies: (path) => HOT.test(path) && !TEST.test(path),
  }),
];

function ban(
  rule: string,
  pattern: RegExp,
  instead: string,
  options: { where?: Ban["where"]; applies?: Ban["applies"] } = {},
): Ban {
  const { where = "bare", applies = () => true } = options;
  return { rule, pattern, where, applies, instead };
}

/** Every violation in `sources`, which must be all files: imports are resolved among them. */
export function findViolations(sources: readonly Source[]): Violation[] {
  const graph = new Graph(sources);
  return [
    ...sources.flatMap(checkShape),
    ...sources.flatMap(checkBans),
    ...sources.flatMap((source) => checkArrows(source, graph)),
    ...findCycles(graph),
    ...findUnused(sources, graph),
  ];
}

// ---- Sizes and shape ----

function checkShape(source: Source): Violation[] {
  const found: Violation[] = [];
  const { path, text } = source;
  const lines = text.trimEnd().split("\n");
  function add(rule: string, subject: string, value: number, message: string): void {
    found.push({ rule, subject, value, message });
  }
  if (lines.length > FILE_LINES_MAX) {
    add("file lines", path, lines.length, `${lines.length} lines, at most ${FILE_LINES_MAX}`);
  }
  const wide = lines.flatMap((line, index) => ([...line].length > COLUMNS_MAX ? [index + 1] : []));
  if (wide.length > 0) {
    add("columns", path, wide.length, `wider than ${COLUMNS_MAX} columns: line ${wide.join(", ")}`);
  }
  if (!/^(?:#![^\n]*\n)?\s*\/\*/.test(text)) {
    add("header", path, 1, "does not open with a comment on what it is");
  }
  for (const { name, line, linesCount } of findFunctions(source)) {
    if (linesCount <= FUNCTION_LINES_MAX) continue;
    const subject = `${path} ${name === "" ? "=>" : name}`;
    const size = `${linesCount} lines, at most ${FUNCTION_LINES_MAX}`;
    add("function lines", subject, linesCount, `line ${line}: ${size}`);
  }
  return found;
}

function checkBans(source: Source): Violation[] {
  const found: Violation[] = [];
  for (const { rule, pattern, where, applies, instead } of BANS) {
    // The rules themselves name what they look for.
    if (!applies(source.path) || /^test\/tidy[./]/.test(source.path)) continue;
    const offsets = [...source[where].matchAll(pattern)].map((match) => match.index);
    if (offsets.length === 0) continue;
    const lines = offsets.map((offset) => source.text.slice(0, offset).split("\n").length);
    const message = `line ${lines.join(", ")}: ${instead}`;
    found.push({ rule, subject: source.path, value: offsets.length, message });
  }
  return found;
}

// ---- Arrows ----

/** Who imports whom among the files of the repository. */
class Graph {
  readonly #paths: ReadonlySet<string>;
  readonly #edges = new Map<string, { to: string; isType: boolean }[]>();

  constructor(sources: readonly Source[]) {
    this.#paths = new Set(sources.map((source) => source.path));
    for (const { path, imports } of sources) {
      const edges = imports
        .filter(({ specifier }) => specifier.startsWith("."))
        .map(({ specifier, isType }) => ({ to: join(dirname(path), specifier), isType }))
        .filter(({ to }) => this.#paths.has(to));
      this.#edges.set(path, edges);
    }
  }

  from(path: string): readonly { to: string; isType: boolean }[] {
    return this.#edges.get(path) ?? [];
  }

  get paths(): Iterable<string> {
    return this.#edges.keys();
  }
}

function checkArrows({ path }: Source, graph: Graph): Violation[] {
  const found: Violation[] = [];
  if (!path.startsWith("src/") || TEST.test(path)) return found;
  for (const { to, isType } of graph.from(path)) {
    const problem = arrowProblem(path, to, isType);
    if (problem === null) continue;
    found.push({ rule: "import", subject: `${path} -> ${to}`, value: 1, message: problem });
  }
  return found;
}

/** Why `from` may not import `to`, or null. */
function arrowProblem(from: string, to: string, isType: boolean): string | null {
  if (TEST.test(to)) return "production code imports a test";
  if (!to.startsWith("src/")) return `src imports from outside of src`;
  const [fromName, toName] = [nameOf(from), nameOf(to)];
  const folder = folderOf(fromName);
  if (folder === null) return null;
  const toFolder = folderOf(toName);
  if (folder === toFolder) return folder === "store" ? storeProblem(fromName, toName) : null;
  const allowed = MAY_IMPORT[fromName] ?? MAY_IMPORT[folder];
  if (allowed === undefined) return `src/${folder} has no row in MAY_IMPORT`;
  const isAllowed = allowed.some((entry) => {
    const target = entry.replace("type ", "");
    if (entry !== target && !isType) return false;
    return target === toFolder || target === toName;
  });
  return isAllowed ? null : `src/${folder} may import only: ${allowed.join(", ") || "itself"}`;
}

function storeProblem(fromName: string, toName: string): string | null {
  const [fromRow, toRow] = [fromName, toName].map((name) => {
    const file = name.replace("store/", "");
    return STORE_ORDER.findIndex((row) => row.includes(file));
  }) as [number, number];
  if (fromRow === -1) return `${fromName} is not in STORE_ORDER`;
  if (toRow === -1) return `${toName} is not in STORE_ORDER`;
  return toRow <= fromRow ? null : "imports upwards in STORE_ORDER";
}

/** "src/store/index.ts" → "store/index" */
function nameOf(path: string): string {
  return path.slice("src/".length).replace(/\.ts$/, "");
}

/** "store/index" → "store"; null for a file directly in src. */
function folderOf(name: string): string | null {
  const slash = name.indexOf("/");
  return slash === -1 ? null : name.slice(0, slash);
}

/** One violation for each cycle of imports that remain at run time, named by its path. */
function findCycles(graph: Graph): Violation[] {
  const found: Violation[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  function visit(path: string): void {
    const start = trail.indexOf(path);
    if (start !== -1) {
      const cycle = [...trail.slice(start), path].join(" -> ");
      found.push({ rule: "cycle", subject: cycle, value: 1, message: "files import each other" });
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const { to, isType } of graph.from(path)) if (!isType) visit(to);
    trail.pop();
    done.add(path);
  }
  for (const path of graph.paths) visit(path);
  return found;
}

/**
 * Files that run by themselves: started by name, by a Worker's URL, by a test runner or by make.
 */
const ENTRY = new RegExp(
  [
    /^src\/[^/]+\.ts$|^test\/torture\/all\.ts$|^scripts\/|^examples\/|^build\.ts$/,
    /\.(?:test|fuzz|bench)\.ts$/,
  ]
    .map((it) => it.source)
    .join("|"),
);
/** What package.json exports. */
const EXPORTED = "src/store/embedded.ts";

function findUnused(sources: readonly Source[], graph: Graph): Violation[] {
  const used = new Set<string>([EXPORTED]);
  for (const path of graph.paths) {
    const own = path.replace(/\.(?:test|fuzz|bench)\.ts$/, ".ts");
    // A file that only its own test imports is not used.
    for (const { to } of graph.from(path)) if (to !== own) used.add(to);
  }
  return sources
    .filter(({ path }) => !ENTRY.test(path) && !used.has(path))
    .map(({ path }) => ({
      rule: "unused",
      subject: path,
      value: 1,
      message: "nothing imports it",
    }));
}
