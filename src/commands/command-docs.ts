/**
 * COMMAND DOCS and COMMAND INFO of one command: its metadata as a reply.
 *
 * redis-cli draws its hints and its help from DOCS; cluster clients take key positions from INFO.
 * Both come from CommandSpec and from nowhere else. Field names and their order are Redis'; flags
 * are sets, names are bulk strings, flags and categories are status replies.
 */
import type { ReplyWriter } from "../resp/writer.ts";
import { categoriesOf } from "./categories.ts";
import type { CommandArgument, CommandSpec } from "./command.ts";
import { keyFlags } from "./command-keys.ts";

/**
 * Elements of COMMAND INFO: name, arity, flags, first, last, step, categories, tips, key specs,
 * subcommands.
 */
const INFO_ELEMENTS = 10;

/** One element of COMMAND INFO. */
export function writeCommandInfo(out: ReplyWriter, spec: CommandSpec): void {
  out.arrayHeader(INFO_ELEMENTS);
  out.bulkText(spec.name);
  out.integer(spec.arity);
  writeWords(out, flagsOf(spec));
  out.integer(spec.keys?.first ?? 0);
  out.integer(spec.keys?.last ?? 0);
  out.integer(spec.keys?.step ?? 0);
  writeWords(out, categoriesOf(spec));
  const tips = spec.tips ?? [];
  out.setHeader(tips.length);
  for (const tip of tips) out.bulkText(tip);
  writeKeySpecs(out, spec);
  const subcommands = spec.subcommands ?? [];
  if (subcommands.length === 0) out.setHeader(0);
  else out.arrayHeader(subcommands.length);
  for (const subcommand of subcommands) writeCommandInfo(out, subcommand);
}

/** The name, and the map of its documentation: two elements of COMMAND DOCS. */
export function writeCommandDocs(out: ReplyWriter, spec: CommandSpec): void {
  const args = spec.arguments ?? [];
  const subcommands = spec.subcommands ?? [];
  out.bulkText(spec.name);
  out.mapHeader(4 + (args.length > 0 ? 1 : 0) + (subcommands.length > 0 ? 1 : 0));
  writePair(out, "summary", spec.summary);
  writePair(out, "since", spec.since);
  writePair(out, "group", spec.group);
  writePair(out, "complexity", spec.complexity);
  if (args.length > 0) {
    out.bulkText("arguments");
    writeArguments(out, args);
  }
  if (subcommands.length > 0) {
    out.bulkText("subcommands");
    out.mapHeader(subcommands.length);
    for (const subcommand of subcommands) writeCommandDocs(out, subcommand);
  }
}

function writeArguments(out: ReplyWriter, args: readonly CommandArgument[]): void {
  out.arrayHeader(args.length);
  for (const one of args) writeArgument(out, one);
}

function writeArgument(out: ReplyWriter, one: CommandArgument): void {
  const flags = argumentFlags(one);
  const isGroup = one.type === "oneof" || one.type === "block";
  const pairs: [string, string][] = [
    ["name", one.name],
    ["type", one.type],
  ];
  if (!isGroup) pairs.push(["display_text", one.name]);
  if (one.token !== undefined) pairs.push(["token", one.token]);
  if (one.since !== undefined) pairs.push(["since", one.since]);
  const isKey = one.type === "key";
  const extra = (isKey ? 1 : 0) + (flags.length > 0 ? 1 : 0) + (isGroup ? 1 : 0);
  out.mapHeader(pairs.length + extra);
  for (const [name, value] of pairs) writePair(out, name, value);
  if (isKey) {
    out.bulkText("key_spec_index");
    out.integer(0);
  }
  if (flags.length > 0) {
    out.bulkText("flags");
    writeWords(out, flags);
  }
  if (isGroup) {
    out.bulkText("arguments");
    writeArguments(out, one.arguments ?? []);
  }
}

function argumentFlags(one: CommandArgument): string[] {
  const flags: string[] = [];
  if (one.optional === true) flags.push("optional");
  if (one.multiple === true) flags.push("multiple");
  if (one.multipleToken === true) flags.push("multiple_token");
  return flags;
}

function flagsOf(spec: CommandSpec): string[] {
  const flags: string[] = [...spec.flags];
  if (spec.keysCountAt !== undefined && !flags.includes("movablekeys")) flags.push("movablekeys");
  return flags;
}

function writeKeySpecs(out: ReplyWriter, spec: CommandSpec): void {
  const { keys, keysCountAt } = spec;
  if (keysCountAt !== undefined) {
    out.setHeader(1);
    writeKeySpec(out, keyFlags(spec, 0), keysCountAt, "keynum", [
      ["keynumidx", 0],
      ["firstkey", 1],
      ["keystep", 1],
    ]);
  } else if (keys === undefined) {
    out.setHeader(0);
  } else if (spec.secondKeyFlags !== undefined) {
    out.setHeader(2);
    for (const nth of [0, 1]) {
      writeKeySpec(out, keyFlags(spec, nth), keys.first + nth, "range", rangeOf(0, 1));
    }
  } else {
    out.setHeader(1);
    const last = keys.last < 0 ? keys.last : keys.last - keys.first;
    writeKeySpec(out, keyFlags(spec, 0), keys.first, "range", rangeOf(last, keys.step));
  }
}

function rangeOf(lastKey: number, step: number): readonly [string, number][] {
  return [
    ["lastkey", lastKey],
    ["keystep", step],
    ["limit", 0],
  ];
}

function writeKeySpec(
  out: ReplyWriter,
  flags: readonly string[],
  at: number,
  type: string,
  find: readonly [string, number][],
): void {
  out.mapHeader(3);
  out.bulkText("flags");
  writeWords(out, flags);
  out.bulkText("begin_search");
  writeSearch(out, "index", [["index", at]]);
  out.bulkText("find_keys");
  writeSearch(out, type, find);
}

function writeSearch(out: ReplyWriter, type: string, spec: readonly [string, number][]): void {
  out.mapHeader(2);
  writePair(out, "type", type);
  out.bulkText("spec");
  out.mapHeader(spec.length);
  for (const [name, value] of spec) {
    out.bulkText(name);
    out.integer(value);
  }
}

function writeWords(out: ReplyWriter, words: readonly string[]): void {
  out.setHeader(words.length);
  for (const word of words) out.simple(word);
}

function writePair(out: ReplyWriter, name: string, value: string): void {
  out.bulkText(name);
  out.bulkText(value);
}
