/**
 * Names that clients give their connections and libraries: printable ASCII without spaces, so that
 * a line of CLIENT LIST can always be taken apart again.
 */
import type { Context } from "./context.ts";

const FIRST_PRINTABLE = 0x21;
const LAST_PRINTABLE = 0x7e;

/** Whether argument `i` can be a name. The empty one is valid and removes the name. */
export function isValidName(c: Context, i: number): boolean {
  const start = c.start(i);
  const end = start + c.length(i);
  for (let at = start; at < end; at++) {
    const byte = c.bytes[at] as number;
    if (byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) return false;
  }
  return true;
}

/** Names the connection after argument `i`, which has been found valid. */
export function setName(c: Context, i: number): void {
  c.session.name = c.text(i);
}
