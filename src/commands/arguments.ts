/**
 * Short ways to write the argument part of a CommandSpec, so that a table reads like a synopsis.
 *
 *     arguments: [arg("key", "key"), arg("seconds", "integer", { token: "EX" }), token("nx", "NX")]
 */
import type { ArgumentType, CommandArgument } from "./command.ts";

type More = Omit<CommandArgument, "name" | "type">;

/** One value. */
export function arg(name: string, type: ArgumentType, more: More = {}): CommandArgument {
  return { name, type, ...more };
}

/** A word that is its own value, such as NX. */
export function token(name: string, word: string, more: More = {}): CommandArgument {
  return { name, type: "pure-token", token: word, ...more };
}

/** Exactly one of several. */
export function oneOf(
  name: string,
  choices: readonly CommandArgument[],
  more: More = {},
): CommandArgument {
  return { name, type: "oneof", arguments: choices, ...more };
}

/** Several that come together. */
export function block(
  name: string,
  parts: readonly CommandArgument[],
  more: More = {},
): CommandArgument {
  return { name, type: "block", arguments: parts, ...more };
}

/** [ASYNC | SYNC] of the commands that empty something. */
export const flushTypeArgument: CommandArgument = oneOf(
  "flush-type",
  [token("async", "ASYNC", { since: "4.0.0" }), token("sync", "SYNC", { since: "6.2.0" })],
  { optional: true },
);

/** ON | OFF. */
export const onOffArgument: CommandArgument = oneOf("enabled", [
  token("on", "ON"),
  token("off", "OFF"),
]);
