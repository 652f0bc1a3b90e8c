/**
 * The registry: every command that this server has, and the look-up from the bytes of a name.
 *
 * table.ts fills it at import; COMMAND and INFO read it. It is apart from the table so that a
 * command may list all commands without importing the families that it belongs to.
 *
 * Look-up: open addressing over int16 indices, hashed from the length and the case-folded bytes;
 * the candidate's name is compared byte by byte. Filled once, never changed, no allocation per
 * look-up.
 */
import { assert } from "../base/assert.ts";
import { COMMANDS_COUNT_MAX } from "../base/server-stats.ts";
import type { CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";

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
  readonly isDenyOom: boolean;
  readonly isWrite: boolean;
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
    this.isDenyOom = spec.flags.includes("denyoom");
    this.isWrite = spec.flags.includes("write");
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

  /**
   * The command named by `length` bytes from `start`, in any case; null when there is none. Hot.
   */
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

/** All commands of the server. */
class Registry {
  /** Every command and, behind each container, its subcommands; the position is `Command.index`. */
  readonly all: Command[] = [];
  /** The commands by name, without the subcommands. */
  lookup: CommandLookup = new CommandLookup([]);

  /** Adds the commands of all families. Called once. */
  fill(families: readonly (readonly CommandSpec[])[]): void {
    assert(this.all.length === 0, "the registry is filled once");
    const commands: Command[] = [];
    for (const family of families) for (const spec of family) commands.push(this.#build(spec));
    assert(this.all.length <= COMMANDS_COUNT_MAX, "COMMANDS_COUNT_MAX is large enough");
    this.lookup = new CommandLookup(commands);
  }

  /**
   * The command or subcommand ("client|id") with that name, in any case; null when there is none.
   * Cold.
   */
  byName(name: string): Command | null {
    const bytes = Buffer.from(name, "latin1");
    const bar = name.indexOf("|");
    if (bar < 0) return this.lookup.find(bytes, 0, bytes.length);
    const container = this.lookup.find(bytes, 0, bar);
    return container?.subcommands?.find(bytes, bar + 1, bytes.length - bar - 1) ?? null;
  }

  #build(spec: CommandSpec): Command {
    const index = this.all.length;
    // The slot is taken before the subcommands take theirs.
    this.all.length++;
    const subcommands = spec.subcommands?.map((sub) => this.#build(sub));
    const command = new Command(spec, index, subcommands ? new CommandLookup(subcommands) : null);
    this.all[index] = command;
    return command;
  }
}

export const registry = new Registry();

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
