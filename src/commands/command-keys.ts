/**
 * Which arguments of a request are keys, from the command's metadata: for COMMAND GETKEYS and
 * COMMAND INFO.
 *
 *   keys {first, last, step}    a range; a negative last counts from the end of the request
 *   keysCountAt                 a number at that argument, and as many keys behind it
 */
import type { CommandSpec } from "./command.ts";

/** Whether the command takes keys at all; a shard channel is placed like one, and is none. */
export function hasKeys(spec: CommandSpec): boolean {
  if (spec.keyFlags?.includes("not_key") === true) return false;
  return spec.keys !== undefined || spec.keysCountAt !== undefined;
}

/**
 * Positions of the keys in a request of `count` arguments, counted from the command name.
 * `numberAt` reads an argument as an integer, null when it is none. Null: the request does not say,
 * or has fewer arguments than it says.
 */
export function keyPositions(
  spec: CommandSpec,
  count: number,
  numberAt: (i: number) => number | null,
): number[] | null {
  if (spec.keysCountAt !== undefined) return countedKeys(spec.keysCountAt, count, numberAt);
  if (spec.keys === undefined) return [];
  const { first, last, step } = spec.keys;
  const end = last < 0 ? count + last : last;
  if (first >= count || end >= count) return null;
  const positions: number[] = [];
  for (let i = first; i <= end; i += step) positions.push(i);
  return positions;
}

/** What happens to the `nth` key (from 0), in the words of key specifications. */
export function keyFlags(spec: CommandSpec, nth: number): readonly string[] {
  if (nth > 0 && spec.secondKeyFlags !== undefined) return spec.secondKeyFlags;
  return spec.keyFlags ?? (spec.flags.includes("write") ? ["RW", "update"] : ["RO", "access"]);
}

function countedKeys(
  at: number,
  count: number,
  numberAt: (i: number) => number | null,
): number[] | null {
  const keysCount = at < count ? numberAt(at) : null;
  if (keysCount === null || keysCount < 1 || at + keysCount >= count) return null;
  return Array.from({ length: keysCount }, (_, i) => at + 1 + i);
}
