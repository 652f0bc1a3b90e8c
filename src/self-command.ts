/** How this very program is run again: compiled or from source. */

/**
 * Whether this is the compiled executable: its modules are in a virtual folder, /$bunfs on Unix and
 * B:/~BUN on Windows.
 */
export function isCompiled(): boolean {
  return /\$bunfs|~BUN/.test(import.meta.url);
}

/** The command that runs this very program again, to be followed by a subcommand and its flags. */
export function selfCommand(): string[] {
  if (isCompiled()) return [process.execPath];
  return [process.execPath, Bun.fileURLToPath(new URL("./main.ts", import.meta.url))];
}
