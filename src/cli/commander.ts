/** Commander for subcommands that parse their own arguments, and its complaints in our words. */
import { Command, CommanderError } from "commander";
import { UsageError } from "../base/errors.ts";

/** A command that throws instead of ending the process, without flags yet. */
export function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .helpOption("-h, --help", "print this help")
    .allowExcessArguments(false)
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
}

/** False when `argv` asked for help, which has been printed. Throws UsageError. */
export function parseWith(command: Command, argv: string[]): boolean {
  try {
    command.parse(argv, { from: "user" });
    return true;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return false;
    const text =
      error.code === "commander.excessArguments" && command.registeredArguments.length === 0
        ? `${command.name().replace("kv ", "")}: takes options only`
        : usageMessage(error);
    throw new UsageError(text, `${command.name()} --help lists all flags`);
  }
}

/** For flags that may be repeated. */
export function collect(text: string, texts: string[] | undefined): string[] {
  return [...(texts ?? []), text];
}

/**
 * commander: "error: unknown option '--x'\\n(Did you mean --y?)" → "--x: unknown option (did you
 * mean --y?)".
 */
function usageMessage(error: CommanderError): string {
  const text = error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  const unknown = /^unknown option '([^']+)'(?: \(Did you mean (.+)\?\))?/.exec(text);
  if (unknown !== null) {
    return `${unknown[1]}: unknown option${unknown[2] ? ` (did you mean ${unknown[2]}?)` : ""}`;
  }
  const missing = /^option '(?:-\w, )?(--[\w-]+) .*' argument missing/.exec(text);
  if (missing !== null) return `${missing[1]}: value is missing`;
  const required = /^required option '(?:-\w, )?(--[\w-]+) .*' not specified/.exec(text);
  if (required !== null) return `${required[1]}: is needed`;
  const argument = /^missing required argument '([\w.]+)'/.exec(text);
  if (argument !== null) return `${argument[1]}: is needed`;
  return text;
}
