/**
 * The list of commands in README.md, from the command table: `bun scripts/readme-commands.ts`
 * writes it.
 *
 * test/readme.test.ts compares the two, so that a command cannot be added without appearing there.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { registry } from "../src/commands/registry.ts";
import "../src/commands/table.ts";

export const README = join(import.meta.dir, "../README.md");

const BEGIN = "<!-- commands: written by scripts/readme-commands.ts -->\n";
const END = "<!-- /commands -->\n";

/** A Markdown table with a row for each group, commands and subcommands in alphabetical order. */
export function commandsTable(): string {
  const groups = new Map<string, string[]>();
  for (const { spec, subcommands } of registry.lookup.all) {
    const names = groups.get(spec.group) ?? [];
    groups.set(spec.group, names);
    const words = (subcommands?.all ?? []).map((sub) => sub.name.split("|")[1] as string).sort();
    const name = spec.name.toUpperCase();
    names.push(words.length === 0 ? name : `${name} (${words.join(", ").toUpperCase()})`);
  }
  const rows = [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = rows.map(([group, names]) => `| ${group} | ${names.sort().join(" · ")} |\n`);
  return `| | commands |\n|---|---|\n${lines.join("")}`;
}

/** `readme` with the list replaced. Throws when the markers are missing. */
export function withCommands(readme: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error("Cannot find the markers in README.md");
  return `${readme.slice(0, begin + BEGIN.length)}${commandsTable()}${readme.slice(end)}`;
}

if (import.meta.main) writeFileSync(README, withCommands(readFileSync(README, "utf8")));
