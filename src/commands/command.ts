/**
 * What a command is, as data: one CommandSpec per command and per subcommand.
 *
 * Every family file (strings.ts, keys.ts, connection.ts, ...) ends with a table of CommandSpec;
 * table.ts joins them. Dispatch, arity checks, COMMAND, COMMAND DOCS, the positions of keys, the
 * statistics and the tests all come from here, so a fact about a command is written down once.
 *
 * Lower case everywhere: names, flags, groups and argument types are the words that Redis uses on
 * the wire.
 * Not here: looking a command up by its bytes (table.ts), running it (dispatch.ts).
 */
import { wrongArgumentsCount } from "../resp/errors.ts";
import type { Context } from "./context.ts";

/** The words of COMMAND INFO. Dispatch acts on write, denyoom, no_auth, and on nothing else. */
export type CommandFlag =
  | "write"
  | "readonly"
  | "denyoom"
  | "admin"
  | "pubsub"
  | "noscript"
  | "blocking"
  | "loading"
  | "stale"
  | "skip_monitor"
  | "skip_slowlog"
  | "fast"
  | "no_auth"
  | "movablekeys"
  | "no_async_loading"
  | "allow_busy"
  | "no_mandatory_keys"
  | "no_multi";

export type CommandGroup =
  | "cluster"
  | "connection"
  | "generic"
  | "list"
  | "pubsub"
  | "scripting"
  | "server"
  | "string";

/**
 * Where the keys are, as in COMMAND INFO: `last` counts from the end when negative, a step of 0
 * means no keys.
 */
export interface KeyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

export type ArgumentType =
  | "string"
  | "integer"
  | "double"
  | "key"
  | "pattern"
  | "unix-time"
  | "pure-token"
  | "oneof"
  | "block";

/** One argument of COMMAND DOCS, from which redis-cli draws its hints. */
export interface CommandArgument {
  readonly name: string;
  readonly type: ArgumentType;
  /** The word that stands before the value, or that is the value when the type is pure-token. */
  readonly token?: string;
  readonly optional?: boolean;
  readonly multiple?: boolean;
  /** The token is repeated with every value. */
  readonly multipleToken?: boolean;
  readonly since?: string;
  /** Of oneof and block. */
  readonly arguments?: readonly CommandArgument[];
}

export interface CommandSpec {
  /** "get"; of a subcommand the whole name, "client|id". */
  readonly name: string;
  /**
   * Arguments with the name itself; negative: at least so many. A subcommand counts both of its
   * words.
   */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /**
   * Most calls take constant time, and the handler calls `Context.startTimer` in those that do not.
   */
  readonly timesItself?: true;
  /** Missing: the command names no keys, or only `movableKeys` can tell where they are. */
  readonly keys?: KeyRange;
  /**
   * Of commands that carry the number of their keys (LMPOP): the argument index of that number; the
   * keys follow it. Counts from the command name, as `KeyRange.first` does.
   */
  readonly keysCountAt?: number;
  /**
   * What happens to the keys, in the words of key specifications: RO, RW, OW or RM, then access,
   * update, insert or delete. Missing: RO and access for a readonly command, RW and update for a
   * write.
   */
  readonly keyFlags?: readonly string[];
  /** Of commands on two keys that treat them differently (RENAME): what happens to the second. */
  readonly secondKeyFlags?: readonly string[];
  readonly group: CommandGroup;
  /** The Redis version that brought it. */
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  /**
   * ACL categories beyond those that follow from the flags and the group ("@dangerous" of
   * FLUSHALL).
   */
  readonly categories?: readonly string[];
  /** Hints to clients, as in COMMAND INFO. */
  readonly tips?: readonly string[];
  readonly arguments?: readonly CommandArgument[];
  readonly subcommands?: readonly CommandSpec[];
  /**
   * Runs it: reads its arguments from `c` and writes exactly one reply to `c.out`, or calls
   * `c.defer`. The arity has been checked. A container (CLIENT, CONFIG) is only run when it is
   * called without a subcommand, which its arity of -2 rules out.
   */
  run(c: Context): void;
}

/** For containers: their arity makes sure that a subcommand runs instead. */
export function runContainer(c: Context): void {
  c.out.error(wrongArgumentsCount(c.commandName));
}
