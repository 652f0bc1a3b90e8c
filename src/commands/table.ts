/**
 * The command table: all families joined, and the look-up from the bytes of a name to what dispatch needs.
 *
 * Dispatch calls `resolve` once per command; it finds the command (and the subcommand of a container), checks the
 * number of arguments, and otherwise writes the error that Redis gives. Hot on the way to success: no allocation.
 *
 * Look-up: open addressing over a table of int32 indices, hashed from the length and the case-folded bytes; the
 * candidate's name is compared byte by byte. The table is filled once at import and never changes.
 * Adding a command: put its CommandSpec into the table of its family; a new family is listed in FAMILIES below.
 */

import { assert } from "../base/assert.ts";
import { COMMANDS_COUNT_MAX } from "../base/server-stats.ts";
import { unknownCommand, unknownSubcommand, wrongArgumentsCount } from "../resp/errors.ts";
import type { CommandSpec } from "./command.ts";
import { connectionCommands } from "./connection.ts";
import type { Context } from "./context.ts";

const FAMILIES: readonly (readonly CommandSpec[])[] = [connectionCommands];

/** Bytes of a name that the unknown-command error repeats, and of its arguments together. */
const ECHO_SIZE_MAX = 128;

/** A CommandSpec with what dispatch reads as plain fields. */
export class Command {
  readonly spec: CommandSpec;
  /** "client|id". */
  readonly name: string;
  /** Index over all commands and subcommands: the statistics' row. */
  readonly index: number;
  readonly arity: number;
  readonly keyFirst: number;
  readonly keyLast: number;
  readonly keyStep: number;
  readonly isWrite: boolean;
  readonly isDenyOom: boolean;
  readonly isNoAuth: boolean;
  readonly isAdmin: boolean;
  readonly subcommands: CommandLookup | null;
  readonly run: (c: Context) => void;

  constructor(spec: CommandSpec, index: number, subcommands: CommandLookup | null) {
    this.spec = spec;
    this.name = spec.name;
    this.index = index;
    this.arity = spec.arity;
    this.keyFirst = spec.keys?.first ?? 0;
    this.keyLast = spec.keys?.last ?? 0;
    this.keyStep = spec.keys?.step ?? 0;
    this.isWrite = spec.flags.includes("write");
    this.isDenyOom = spec.flags.includes("denyoom");
    this.isNoAuth = spec.flags.includes("no_auth");
    this.isAdmin = spec.flags.includes("admin");
    this.subcommands = subcommands;
    this.run = spec.run;
  }
}

/** Commands by the bytes of their names. */
export class CommandLookup {
  readonly all: readonly Command[];
  readonly #names: Uint8Array[];
  readonly #slots: Int16Array;
  readonly #mask: number;

  constructor(commands: readonly Command[]) {
    this.all = commands;
    this.#names = commands.map((command) => Buffer.from(lastWord(command.name), "latin1"));
    let size = 8;
    while (size < commands.length * 4) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Int16Array(size).fill(-1);
    for (let i = 0; i < commands.length; i++) this.#insert(i);
  }

  /** The command named by `length` bytes from `start`, in any case; null when there is none. Hot. */
  find(bytes: Buffer, start: number, length: number): Command | null {
    let slot = foldedHash(bytes, start, length) & this.#mask;
    for (;;) {
      const index = this.#slots[slot] as number;
      if (index < 0) return null;
      if (equalsFolded(this.#names[index] as Uint8Array, bytes, start, length)) {
        return this.all[index] as Command;
      }
      slot = (slot + 1) & this.#mask;
    }
  }

  #insert(i: number): void {
    const name = this.#names[i] as Uint8Array;
    const bytes = Buffer.from(name);
    assert(this.find(bytes, 0, bytes.length) === null, `command "${bytes}" is there twice`);
    let slot = foldedHash(bytes, 0, bytes.length) & this.#mask;
    while ((this.#slots[slot] as number) >= 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = i;
  }
}

/** Every command and, behind each container, its subcommands; the position is `Command.index`. */
export const allCommands: Command[] = [];

/** The commands by name. */
export const commandTable: CommandLookup = buildTable();

/**
 * The command that `c` holds, with the number of its arguments checked; null when an error has been written instead.
 * `c.rejectedIndex` then says which command's rejected calls to count, -1 for none. Hot.
 */
export function resolve(c: Context): Command | null {
  const found = commandTable.find(c.bytes, c.start(0), c.length(0));
  if (found === null) return failUnknown(c);
  if (found.subcommands !== null && c.count > 1) return resolveSubcommand(c, found);
  return hasArity(found.arity, c.count) ? found : failArity(c, found);
}

function resolveSubcommand(c: Context, container: Command): Command | null {
  const found = container.subcommands?.find(c.bytes, c.start(1), c.length(1)) ?? null;
  if (found === null) {
    c.rejectedIndex = -1;
    c.out.error(unknownSubcommand(c.text(1).slice(0, ECHO_SIZE_MAX), container.name));
    return null;
  }
  return hasArity(found.arity, c.count) ? found : failArity(c, found);
}

function hasArity(arity: number, count: number): boolean {
  return arity >= 0 ? count === arity : count >= -arity;
}

function failArity(c: Context, command: Command): null {
  c.rejectedIndex = command.index;
  c.out.error(wrongArgumentsCount(command.name));
  return null;
}

function failUnknown(c: Context): null {
  c.rejectedIndex = -1;
  const name = c.text(0).slice(0, ECHO_SIZE_MAX);
  let echoed = "";
  for (let i = 1; i < c.count && echoed.length < ECHO_SIZE_MAX; i++) {
    echoed += `'${c.text(i).slice(0, ECHO_SIZE_MAX - echoed.length)}' `;
  }
  c.out.error(unknownCommand(name, echoed));
  return null;
}

function buildTable(): CommandLookup {
  const commands: Command[] = [];
  for (const family of FAMILIES) for (const spec of family) commands.push(build(spec));
  assert(allCommands.length <= COMMANDS_COUNT_MAX, "COMMANDS_COUNT_MAX is large enough");
  return new CommandLookup(commands);
}

function build(spec: CommandSpec): Command {
  const index = allCommands.length;
  // The slot is taken before the subcommands take theirs.
  allCommands.length++;
  const subcommands = spec.subcommands?.map(build);
  const command = new Command(spec, index, subcommands ? new CommandLookup(subcommands) : null);
  allCommands[index] = command;
  return command;
}

/** "id" of "client|id". */
export function lastWord(name: string): string {
  return name.slice(name.indexOf("|") + 1);
}

function foldedHash(bytes: Uint8Array, start: number, length: number): number {
  let hash = length;
  const end = start + length;
  for (let i = start; i < end; i++)
    hash = (Math.imul(hash, 31) + ((bytes[i] as number) | 0x20)) | 0;
  return hash ^ (hash >>> 15);
}

/** `name` is in lower case; only ASCII letters fold. */
function equalsFolded(name: Uint8Array, bytes: Buffer, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let i = 0; i < length; i++) {
    let byte = bytes[start + i] as number;
    if (byte >= 0x41 && byte <= 0x5a) byte += 32;
    if (byte !== name[i]) return false;
  }
  return true;
}
