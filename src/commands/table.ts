/**
 * The command table: all families joined, and the step from the bytes of a request to the command
 * that runs it.
 *
 * Dispatch calls `resolve` once per command; it finds the command (and the subcommand of a
 * container), checks the number of arguments, and otherwise writes the error that Redis gives. Hot
 * on the way to success: no allocation.
 *
 * Adding a command: put its CommandSpec into the table of its family. Adding a family: list it in
 * FAMILIES.
 */
import { unknownCommand, unknownSubcommand, wrongArgumentsCount } from "../resp/errors.ts";
import type { CommandSpec } from "./command.ts";
import { configCommands } from "./config.ts";
import { connectionCommands } from "./connection.ts";
import type { Context } from "./context.ts";
import { debugCommands } from "./debug.ts";
import { expiryCommands } from "./expiry.ts";
import { counterCommands } from "./increment.ts";
import { infoCommands } from "./info.ts";
import { introspectionCommands } from "./introspection.ts";
import { keyCommands } from "./keys.ts";
import { moveCommands } from "./keys-move.ts";
import { lcsCommands } from "./lcs.ts";
import { listCommands } from "./lists.ts";
import { listMoveCommands } from "./lists-move.ts";
import { listSearchCommands } from "./lists-search.ts";
import { memoryCommands } from "./memory.ts";
import { persistenceCommands } from "./persistence.ts";
import { pubsubCommands } from "./pubsub.ts";
import { type Command, registry } from "./registry.ts";
import { scanCommands } from "./scan.ts";
import { serverCommands } from "./server.ts";
import { slowlogCommands } from "./slowlog-commands.ts";
import { stringCommands } from "./strings.ts";
import { rangeCommands } from "./strings-range.ts";
import { setCommands } from "./strings-set.ts";

const FAMILIES: readonly (readonly CommandSpec[])[] = [
  connectionCommands,
  serverCommands,
  persistenceCommands,
  configCommands,
  infoCommands,
  introspectionCommands,
  memoryCommands,
  slowlogCommands,
  debugCommands,
  stringCommands,
  setCommands,
  rangeCommands,
  counterCommands,
  listCommands,
  listSearchCommands,
  listMoveCommands,
  expiryCommands,
  scanCommands,
  moveCommands,
  keyCommands,
  pubsubCommands,
  lcsCommands,
];

/**
 * More arguments than the unknown-command error can repeat: each takes at least three of its 128
 * characters.
 */
const ECHOED_COUNT_MAX = 43;

registry.fill(FAMILIES);

/**
 * The command that `c` holds, with the number of its arguments checked; null when an error has been
 * written instead. `c.rejectedIndex` then says which command's rejected calls to count, -1 for
 * none. Hot.
 */
export function resolve(c: Context): Command | null {
  const found = registry.lookup.find(c.bytes, c.start(0), c.length(0));
  if (found === null) return failUnknown(c);
  if (found.subcommands !== null && c.count > 1) return resolveSubcommand(c, found);
  return hasArity(found.arity, c.count) ? found : failArity(c, found);
}

function resolveSubcommand(c: Context, container: Command): Command | null {
  const found = container.subcommands?.find(c.bytes, c.start(1), c.length(1)) ?? null;
  if (found === null) {
    c.rejectedIndex = -1;
    c.out.error(unknownSubcommand(c.text(1), container.name));
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
  // A browser that was made to talk to us: closed without a reply, as an inline POST is
  // (resp/inline.ts).
  if (c.is(0, "POST") || c.is(0, "HOST:")) {
    c.session.isKilled = true;
    return null;
  }
  const echoed: string[] = [];
  for (let i = 1; i < c.count && i <= ECHOED_COUNT_MAX; i++) echoed.push(c.text(i));
  c.out.error(unknownCommand(c.text(0), echoed));
  return null;
}
