/**
 * The options of `kv serve`: from the texts of the command line and the configuration file to
 * checked values.
 *
 *   argv → serve-command.ts (names) → here (values, bounds, defaults) → src/server.ts
 *   --config FILE → config-file.ts (lines) ↗
 *
 * The command line stands above the file, the file above the defaults. Everything that can be
 * checked without touching the machine is checked here; each message names the flag, or the line of
 * the file, that it is about. A line of the file whose name is no option of ours is handed on in
 * `parameters`: the table of CONFIG knows those.
 */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import {
  CLIENTS_COUNT_MAX,
  DATABASES_COUNT_MAX,
  MAXMEMORY_BYTES_MIN,
  THREADS_COUNT_MAX,
  UNIX_SOCKET_PATH_SIZE_MAX,
} from "../base/limits.ts";
import { parseCount, parseSize } from "../base/units.ts";
import { type ConfigLine, readConfigFile, readPasswordFile } from "./config-file.ts";

/** What to do at --maxmemory. The others of Redis need counters that records do not carry. */
export const MAXMEMORY_POLICIES = [
  "noeviction",
  "allkeys-lru",
  "allkeys-random",
  "volatile-ttl",
] as const;

export const PERSIST_MODES = ["off", "everysec", "always"] as const;
export type PersistMode = (typeof PERSIST_MODES)[number];

export interface ServeOptions {
  /** Address to listen on; may be a name. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Path of a Unix socket to listen on as well, "" for none. */
  readonly unixsocket: string;
  /** Serving threads, 1 or more. */
  readonly threads: number;
  /** Logical databases. */
  readonly databases: number;
  /** Bytes; 0 for no limit. */
  readonly maxmemoryBytes: number;
  readonly maxmemoryPolicy: (typeof MAXMEMORY_POLICIES)[number];
  /** "" for none; one character per byte (latin1), as Settings.setPassword takes it. */
  readonly password: string;
  readonly maxclients: number;
  /** What survives: nothing, all but the last second, or everything that was acknowledged. */
  readonly persist: PersistMode;
  /** Absolute path of the directory of a store that is not only in memory. */
  readonly dir: string;
  /** Absolute path of the configuration file, "" when there is none. */
  readonly configFile: string;
  /**
   * Lines of the configuration file with other names, in order: parameters for the table of CONFIG.
   */
  readonly parameters: readonly ConfigLine[];
}

/** Where a store is kept when --dir does not say. */
export const DIRECTORY_DEFAULT = "./kv-data";

/** What was typed: option name without dashes ("maxmemory-policy") to its text. */
export type OptionTexts = Readonly<Record<string, string>>;

/** The name an option has in a configuration file of Redis, where it differs. */
const REDIS_NAMES: Readonly<Record<string, string>> = { bind: "host", "io-threads": "threads" };

const FILE_OPTIONS: ReadonlySet<string> = new Set([
  "host",
  "port",
  "unixsocket",
  "threads",
  "databases",
  "maxmemory",
  "maxmemory-policy",
  "requirepass",
  "maxclients",
  "persist",
  "dir",
]);

/** A text to be checked, and what to call it in a message: "--port", or "kv.conf, line 3: port". */
export interface Given {
  readonly text: string;
  readonly name: string;
}

/**
 * The checked options. Throws UsageError on a value that is not allowed, FatalError when a named
 * file cannot be read.
 */
export function serveOptionsFrom(typed: OptionTexts): ServeOptions {
  const given = new Map<string, Given>();
  const file = typed.config;
  const parameters = file === undefined ? [] : collectFile(given, readConfigFile(file));
  collectTyped(given, typed);
  const get = (option: string) => given.get(option);
  return {
    host: checked(get("host"), "127.0.0.1", hostOf),
    port: checked(get("port"), 7878, portOf),
    unixsocket: checked(get("unixsocket"), "", unixsocketOf),
    threads: checked(get("threads"), defaultThreads(), (it) => countOf(it, 1, THREADS_COUNT_MAX)),
    databases: checked(get("databases"), 16, (it) => countOf(it, 1, DATABASES_COUNT_MAX)),
    maxmemoryBytes: checked(get("maxmemory"), 0, maxmemoryOf),
    maxmemoryPolicy: checked(get("maxmemory-policy"), "noeviction", policyOf),
    password: passwordOf(given, typed),
    maxclients: checked(get("maxclients"), 10_000, (it) => countOf(it, 1, CLIENTS_COUNT_MAX)),
    persist: checked(get("persist"), "everysec", persistOf),
    dir: resolve(checked(get("dir"), DIRECTORY_DEFAULT, dirOf)),
    configFile: file === undefined ? "" : resolve(file),
    parameters,
  };
}

/** The cores this process may use, within the bound. */
export function defaultThreads(): number {
  return Math.min(availableParallelism(), THREADS_COUNT_MAX);
}

function collectFile(given: Map<string, Given>, lines: readonly ConfigLine[]): ConfigLine[] {
  const parameters: ConfigLine[] = [];
  for (const line of lines) {
    const option = REDIS_NAMES[line.name] ?? line.name;
    if (!FILE_OPTIONS.has(option)) {
      parameters.push(line);
      continue;
    }
    const name = `${line.place}: ${line.name}`;
    if (line.values.length !== 1) {
      throw new UsageError(`${name}: takes one value (${line.values.length} given)`);
    }
    given.set(option, { text: line.values[0] as string, name });
  }
  return parameters;
}

function collectTyped(given: Map<string, Given>, typed: OptionTexts): void {
  for (const [option, text] of Object.entries(typed))
    given.set(option, { text, name: `--${option}` });
  const address = given.get("addr");
  if (address === undefined) return;
  for (const option of ["host", "port"]) {
    if (typed[option] !== undefined) {
      throw new UsageError(
        `--addr: cannot be combined with --${option} (${address.text}), use one`,
      );
    }
  }
  const { host, port } = splitAddress(address);
  given.set("host", { text: host, name: address.name });
  given.set("port", { text: port, name: address.name });
}

function splitAddress({ text, name }: Given): { host: string; port: string } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):([^:]*)$/.exec(text);
  if (match === null) {
    throw new UsageError(`${name}: not an address (${text}), use HOST:PORT or [IPV6]:PORT`);
  }
  return { host: match[1] ?? (match[2] as string), port: match[3] as string };
}

function checked<T>(given: Given | undefined, otherwise: T, check: (given: Given) => T): T {
  return given === undefined ? otherwise : check(given);
}

export function countOf({ text, name }: Given, min: number, max: number): number {
  const count = parseCount(text);
  if (count === null)
    throw new UsageError(`${name}: not a whole number (${text}), use ${min} to ${max}`);
  if (count < min)
    throw new UsageError(`${name}: value is too small (${text}), at least ${min} is needed`);
  if (count > max)
    throw new UsageError(`${name}: value is too large (${text}), at most ${max} is allowed`);
  return count;
}

export function hostOf({ text, name }: Given): string {
  if (text === "")
    throw new UsageError(`${name}: empty host (""), use an address such as 127.0.0.1`);
  if (!/^[A-Za-z0-9._:%-]+$/.test(text)) {
    throw new UsageError(
      `${name}: not a host (${text}), use an address such as 127.0.0.1 or a name`,
    );
  }
  return text;
}

function portOf(given: Given): number {
  return countOf(given, 0, 65_535);
}

function unixsocketOf({ text, name }: Given): string {
  if (text === "")
    throw new UsageError(`${name}: empty path (""), leave it out for no Unix socket`);
  const size = Buffer.byteLength(text);
  if (size > UNIX_SOCKET_PATH_SIZE_MAX) {
    const bound = `at most ${UNIX_SOCKET_PATH_SIZE_MAX} bytes are allowed`;
    throw new UsageError(`${name}: path is too long (${size} bytes), ${bound}`);
  }
  return text;
}

function maxmemoryOf({ text, name }: Given): number {
  const size = parseSize(text);
  if (size === null)
    throw new UsageError(`${name}: not a size (${text}), use bytes or a unit: 100mb, 2gb`);
  if (size !== 0 && size < MAXMEMORY_BYTES_MIN) {
    throw new UsageError(
      `${name}: value is too small (${text}), at least 1mb is needed, or 0 for none`,
    );
  }
  return size;
}

function policyOf({ text, name }: Given): (typeof MAXMEMORY_POLICIES)[number] {
  const policy = MAXMEMORY_POLICIES.find((known) => known === text.toLowerCase());
  if (policy !== undefined) return policy;
  throw new UsageError(
    `${name}: unknown policy (${text}), use one of ${MAXMEMORY_POLICIES.join(", ")}`,
  );
}

function persistOf({ text, name }: Given): PersistMode {
  const mode = PERSIST_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new UsageError(`${name}: unknown mode (${text}), use one of ${PERSIST_MODES.join(", ")}`);
}

function dirOf({ text, name }: Given): string {
  if (text !== "") return text;
  throw new UsageError(`${name}: empty path (""), leave it out for ${DIRECTORY_DEFAULT}`);
}

/** The password is not repeated in messages. */
function passwordOf(given: ReadonlyMap<string, Given>, typed: OptionTexts): string {
  const file = typed["password-file"];
  if (file !== undefined) {
    if (typed.requirepass !== undefined) {
      throw new UsageError(
        `--password-file: cannot be combined with --requirepass (${file}), use one`,
      );
    }
    return readPasswordFile(file);
  }
  return Buffer.from(given.get("requirepass")?.text ?? "", "utf8").toString("latin1");
}
