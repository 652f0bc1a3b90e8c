/**
 * The command line that repeats a run, as a shell takes it. Passwords in URLs are never part of it,
 * nor of the result: files are passed on.
 */

/** `kv bench` and its arguments, quoted for a POSIX shell where needed. */
export function repeatCommand(argv: string[]): string {
  return ["kv bench", ...argv.map(shellQuoted)].join(" ");
}

function shellQuoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `redis://user:secret@host` → `redis://user:***@host`, wherever it stands in an argument. */
export function withoutPasswords(argv: string[]): string[] {
  return argv.map((word) => word.replaceAll(/(:\/\/[^/@:\s]*):[^/@\s]*@/g, "$1:***@"));
}
