/**
 * ACL categories of a command: those that follow from its flags and its group, and those that its
 * spec adds.
 *
 * There are no ACLs here; clients and tools read the categories with COMMAND INFO and COMMAND LIST
 * FILTERBY ACLCAT.
 */
import type { CommandGroup, CommandSpec } from "./command.ts";

/** Groups that are categories of their own. The server group is not: its commands name theirs. */
const ofGroup: Readonly<Partial<Record<CommandGroup, string>>> = {
  connection: "@connection",
  generic: "@keyspace",
  list: "@list",
  scripting: "@scripting",
  string: "@string",
};

/** The order in which Redis lists them. */
const ORDER = [
  "@keyspace",
  "@read",
  "@write",
  "@list",
  "@string",
  "@pubsub",
  "@admin",
  "@fast",
  "@slow",
  "@blocking",
  "@dangerous",
  "@connection",
  "@scripting",
];

/** The categories of a command or subcommand, each once. */
export function categoriesOf(spec: CommandSpec): string[] {
  const isContainer = spec.subcommands !== undefined && spec.flags.length === 0;
  const categories = new Set<string>();
  if (spec.flags.includes("write")) categories.add("@write");
  if (spec.flags.includes("readonly")) categories.add("@read");
  const group = ofGroup[spec.group];
  if (group !== undefined && !isContainer && !isOutsideGroup(spec)) categories.add(group);
  if (spec.flags.includes("pubsub")) categories.add("@pubsub");
  if (spec.flags.includes("admin")) categories.add("@admin").add("@dangerous");
  categories.add(spec.flags.includes("fast") ? "@fast" : "@slow");
  if (spec.flags.includes("blocking")) categories.add("@blocking");
  for (const category of spec.categories ?? []) categories.add(category);
  return ORDER.filter((category) => categories.has(category));
}

/** WAIT is listed with the generic commands but belongs to the connection. */
function isOutsideGroup(spec: CommandSpec): boolean {
  return spec.categories?.includes("@connection") === true;
}
