/**
 * COMMAND: the table as clients see it.
 *
 * Everything here is read from the registry; nothing about a command is known only here.
 */
import { matchesGlob } from "../base/glob.ts";
import { errorTexts } from "../resp/errors.ts";
import { arg, oneOf } from "./arguments.ts";
import { categoriesOf } from "./categories.ts";
import type { CommandFlag, CommandSpec } from "./command.ts";
import { writeCommandDocs, writeCommandInfo } from "./command-docs.ts";
import { hasKeys, keyFlags, keyPositions } from "./command-keys.ts";
import type { Context } from "./context.ts";
import { helpCommand } from "./help.ts";
import { type Command, registry } from "./registry.ts";

/** COMMAND GETKEYSANDFLAGS SET key value, then the options. */
const OPTIONS_OF_SET_AT = 5;

function all(c: Context): void {
  c.out.arrayHeader(registry.lookup.all.length);
  for (const command of registry.lookup.all) writeCommandInfo(c.out, command.spec);
}

function count(c: Context): void {
  c.out.integer(registry.lookup.all.length);
}

function info(c: Context): void {
  if (c.count === 2) {
    all(c);
    return;
  }
  c.out.arrayHeader(c.count - 2);
  for (let i = 2; i < c.count; i++) {
    const command = registry.byName(c.text(i));
    if (command === null) c.out.null();
    else writeCommandInfo(c.out, command.spec);
  }
}

function docs(c: Context): void {
  const chosen: Command[] = [];
  for (let i = 2; i < c.count; i++) {
    const command = registry.byName(c.text(i));
    if (command !== null) chosen.push(command);
  }
  const shown = c.count === 2 ? registry.lookup.all : chosen;
  c.out.mapHeader(shown.length);
  for (const command of shown) writeCommandDocs(c.out, command.spec);
}

function list(c: Context): void {
  if (c.count === 2) {
    c.out.setHeader(registry.all.length);
    for (const command of registry.all) c.out.bulkText(command.name);
    return;
  }
  const names = c.count === 5 && c.is(2, "FILTERBY") ? filterNames(c) : null;
  if (names === null) {
    c.out.error(errorTexts.syntax);
    return;
  }
  c.out.arrayHeader(names.length);
  for (const name of names) c.out.bulkText(name);
}

/** The names that FILTERBY leaves, subcommands included; null when there is no such filter. */
function filterNames(c: Context): string[] | null {
  const wanted = c.text(4).toLowerCase();
  if (c.is(3, "MODULE")) return [];
  if (c.is(3, "ACLCAT")) {
    return namesOf((spec) => categoriesOf(spec).includes(`@${wanted}`));
  }
  if (!c.is(3, "PATTERN")) return null;
  const pattern = Buffer.from(wanted, "latin1");
  return namesOf((spec) => {
    const name = Buffer.from(spec.name, "latin1");
    return matchesGlob(pattern, 0, pattern.length, name, 0, name.length);
  });
}

function namesOf(isShown: (spec: CommandSpec) => boolean): string[] {
  return registry.all.filter((command) => isShown(command.spec)).map((command) => command.name);
}

function getKeys(c: Context): void {
  const found = findKeys(c);
  if (found === null) return;
  c.out.arrayHeader(found.positions.length);
  for (const i of found.positions) c.out.bulk(c.bytes, c.start(i), c.length(i));
}

function getKeysAndFlags(c: Context): void {
  const found = findKeys(c);
  if (found === null) return;
  c.out.arrayHeader(found.positions.length);
  for (const [nth, i] of found.positions.entries()) {
    const flags = flagsOfKey(c, found.spec, nth);
    c.out.arrayHeader(2);
    c.out.bulk(c.bytes, c.start(i), c.length(i));
    c.out.setHeader(flags.length);
    for (const flag of flags) c.out.simple(flag);
  }
}

/**
 * What this request does to its `nth` key; of SET that depends on whether it has GET among its
 * options.
 */
function flagsOfKey(c: Context, spec: CommandSpec, nth: number): readonly string[] {
  const flags = keyFlags(spec, nth);
  if (!flags.includes("variable_flags")) return flags;
  for (let i = OPTIONS_OF_SET_AT; i < c.count; i++) {
    if (c.is(i, "GET")) return flags.filter((flag) => flag !== "variable_flags");
  }
  return ["OW", "update"];
}

/**
 * The inner request begins at argument 2. Positions are those of this request. Null: the error has
 * been written.
 */
function findKeys(c: Context): { spec: CommandSpec; positions: number[] } | null {
  const innerAt = 2;
  const innerCount = c.count - innerAt;
  const spec = innerSpec(c, innerAt);
  if (spec === null) return failNull(c, errorTexts.commandInvalid);
  if (!hasKeys(spec)) return failNull(c, errorTexts.commandNoKeys);
  const { arity } = spec;
  if (arity >= 0 ? innerCount !== arity : innerCount < -arity) {
    return failNull(c, errorTexts.commandInvalidArguments);
  }
  const numberAt = (i: number) => (c.parseInteger(innerAt + i) ? c.value : null);
  const positions = keyPositions(spec, innerCount, numberAt);
  if (positions === null) return failNull(c, errorTexts.commandInvalidArgumentsForKeys);
  return { spec, positions: positions.map((i) => i + innerAt) };
}

function innerSpec(c: Context, at: number): CommandSpec | null {
  const command = registry.lookup.find(c.bytes, c.start(at), c.length(at));
  if (command === null || command.subcommands === null || at + 1 >= c.count) {
    return command?.spec ?? null;
  }
  const subcommand = command.subcommands.find(c.bytes, c.start(at + 1), c.length(at + 1));
  return subcommand?.spec ?? null;
}

function failNull(c: Context, text: string): null {
  c.out.error(text);
  return null;
}

const FLAGS: readonly CommandFlag[] = ["loading", "stale"];
const UNORDERED = ["nondeterministic_output_order"];
const PER_NAME = "O(N) where N is the number of commands to look up";
const PER_ARGUMENT = "O(N) where N is the number of arguments to the command";

function sub(
  name: string,
  arity: number,
  run: (c: Context) => void,
  summary: string,
  more: Partial<CommandSpec>,
): CommandSpec {
  return {
    name: `command|${name}`,
    arity,
    flags: FLAGS,
    group: "server",
    since: "2.8.13",
    summary,
    complexity: "O(1)",
    categories: ["@connection"],
    ...more,
    run,
  };
}

const namesArgument = arg("command-name", "string", { optional: true, multiple: true });
const requestArguments = [
  arg("command", "string"),
  arg("arg", "string", { optional: true, multiple: true }),
];

const subcommands: readonly CommandSpec[] = [
  sub("count", 2, count, "Counts the commands of the server.", {}),
  sub("info", -2, info, "Shows what clients need to know of commands: arity, flags, keys.", {
    complexity: PER_NAME,
    tips: UNORDERED,
    arguments: [namesArgument],
  }),
  sub("docs", -2, docs, "Shows what people need to know of commands.", {
    since: "7.0.0",
    complexity: PER_NAME,
    tips: UNORDERED,
    arguments: [namesArgument],
  }),
  sub("list", -2, list, "Lists the names of commands.", {
    since: "7.0.0",
    complexity: "O(N) where N is the total number of commands",
    tips: UNORDERED,
    arguments: [
      oneOf(
        "filterby",
        [
          arg("module-name", "string", { token: "MODULE" }),
          arg("category", "string", { token: "ACLCAT" }),
          arg("pattern", "pattern", { token: "PATTERN" }),
        ],
        { token: "FILTERBY", optional: true },
      ),
    ],
  }),
  sub("getkeys", -3, getKeys, "Picks the keys out of a whole command.", {
    complexity: PER_ARGUMENT,
    arguments: requestArguments,
  }),
  sub("getkeysandflags", -3, getKeysAndFlags, "Picks the keys and says what happens to them.", {
    since: "7.0.0",
    complexity: PER_ARGUMENT,
    arguments: requestArguments,
  }),
  {
    ...helpCommand("command", "server", "5.0.0", [
      ["(no subcommand)", "Return details about all commands."],
      ["COUNT", "Return the total number of commands in this server."],
      ["LIST [FILTERBY MODULE|ACLCAT|PATTERN <value>]", "Return a list of all commands."],
      ["INFO [<command-name> ...]", "Return details about multiple commands."],
      ["DOCS [<command-name> ...]", "Return documentation details about multiple commands."],
      ["GETKEYS <full-command>", "Return the keys from a full command."],
      ["GETKEYSANDFLAGS <full-command>", "Return the keys and the access flags."],
    ]),
    categories: ["@connection"],
  },
];

export const introspectionCommands: readonly CommandSpec[] = [
  {
    name: "command",
    arity: -1,
    flags: FLAGS,
    group: "server",
    since: "2.8.13",
    summary: "Describes the commands of the server.",
    complexity: "O(N) where N is the total number of commands",
    categories: ["@connection"],
    tips: UNORDERED,
    subcommands,
    run: all,
  },
];
