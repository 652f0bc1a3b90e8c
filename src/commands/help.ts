/**
 * The HELP subcommand of containers: the lines that Redis' own HELP replies have, in the same
 * shape.
 *
 * Text of each entry: the synopsis, and what it does behind it, indented by four spaces.
 */
import type { CommandGroup, CommandSpec } from "./command.ts";
import type { Context } from "./context.ts";

/**
 * The spec of `<container> HELP`, which lists `entries`: synopsis, then the lines that explain it.
 */
export function helpCommand(
  container: string,
  group: CommandGroup,
  since: string,
  entries: readonly (readonly string[])[],
): CommandSpec {
  const lines = helpLines(container, entries);
  return {
    name: `${container}|help`,
    arity: 2,
    flags: ["loading", "stale"],
    group,
    since,
    summary: "Lists the subcommands and what each of them does.",
    complexity: "O(1)",
    run: (c) => writeLines(c, lines),
  };
}

/** The lines of a HELP reply. */
export function helpLines(container: string, entries: readonly (readonly string[])[]): string[] {
  const name = container.toUpperCase();
  const lines = [`${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`];
  for (const [synopsis, ...explanation] of [...entries, ["HELP", "Print this help."]]) {
    lines.push(synopsis as string);
    for (const line of explanation) lines.push(`    ${line}`);
  }
  return lines;
}

/** Replies with an array of status lines. */
export function writeLines(c: Context, lines: readonly string[]): void {
  c.out.arrayHeader(lines.length);
  for (const line of lines) c.out.simple(line);
}
